import { type Finding, fail, ok, warn } from './finding.ts'
import type { Resolver } from './resolver.ts'

const TIMEOUT_MS = 5000

/**
 * Whether people reach this server at `OSTIARY_URL`: https, a name that resolves, and an answer that is Ostiary's own.
 * Before the first start nobody can answer yet: then it is a warning.
 */
export async function checkPublicUrl(
  publicUrl: string,
  hasStarted: boolean,
  resolver: Resolver,
  ask: typeof fetch = fetch,
): Promise<Finding[]> {
  const { protocol, hostname } = new URL(publicUrl)
  const scheme =
    protocol === 'https:'
      ? ok('url', `${publicUrl} is https`)
      : warn(
          'url',
          `${publicUrl} is not https: good for trying it out`,
          'use an https origin for real people',
        )
  const bad = hasStarted ? fail : warn
  const later = hasStarted ? '' : '; before the first start this is to be expected'
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const addresses = await resolver.addresses(host).catch(() => [])
  if (addresses.length === 0)
    return [scheme, bad('url', `${host} does not resolve`, `add an A or AAAA record for ${host}${later}`)]
  return [scheme, await checkAnswer(publicUrl, later, bad, ask)]
}

async function checkAnswer(
  publicUrl: string,
  later: string,
  bad: typeof fail,
  ask: typeof fetch,
): Promise<Finding> {
  const url = `${publicUrl}/healthz`
  try {
    const answer = await ask(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
    await answer.arrayBuffer()
    const isOurs = answer.ok && /^req_[0-9a-z]{26}$/.test(answer.headers.get('request-id') ?? '')
    if (isOurs) return ok('url', `${url} answers`)
    return bad(
      'url',
      `${url} answers ${answer.status}, and not as Ostiary does`,
      `let the proxy pass all paths of this host to Ostiary, headers included (docs/reverse-proxy.md)${later}`,
    )
  } catch (error) {
    const { cause, message } = error as Error
    const reason = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : message
    return bad(
      'url',
      `${url} does not answer: ${reason}`,
      `start Ostiary, and look at proxy, firewall and certificate (docs/reverse-proxy.md)${later}`,
    )
  }
}
