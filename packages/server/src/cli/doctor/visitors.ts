import { type Finding, ok, warn } from './finding.ts'

/** Ostiary speaks HTTP: with an https origin somebody else ends TLS, and has to be named. */
export function checkProxies(publicUrl: string, trustedProxies: string | undefined): Finding {
  if (trustedProxies) return ok('proxies', `TRUSTED_PROXIES is ${trustedProxies}`)
  if (!publicUrl.startsWith('https:')) return ok('proxies', 'none, and none is needed without https')
  return warn(
    'proxies',
    'TRUSTED_PROXIES is not set, but something in front of Ostiary does TLS: all visitors may count as one',
    'set it to the address of the proxy as Ostiary sees it, for example 127.0.0.1 (docs/reverse-proxy.md)',
  )
}

/** Without the person's address no limit per network holds: only the backend can tell it. */
export function checkToldContext({ all, untold }: { all: number; untold: number }): Finding {
  if (all === 0) return ok('context', 'no live challenge in the last day')
  if (untold === 0)
    return ok('context', `the address was told in all of ${all} live challenges of the last day`)
  return warn(
    'context',
    `${untold} of ${all} live challenges of the last day came without the person's IP address`,
    'let your backend send context.ipAddress (and userAgent) with each challenge: limits per network need it',
  )
}
