import { isIP } from 'node:net'
import type { EnvironmentView } from '../environments/directory.ts'
import type { FieldError } from '../errors.ts'
import type { Settings } from '../settings/settings.ts'

/** For whom passkeys are made (WebAuthn Level 3, section 4), and from which pages an answer may come. */
export interface RelyingParty {
  rpId: string
  rpName: string
  origins: string[]
}

/**
 * The relying party of an environment: `passkey.rpId`, or the host of the public URL; this server's own origin, those of
 * the app, and `passkey.relatedOrigins`.
 */
export function relyingParty(
  { passkey, brand }: Pick<Settings, 'passkey' | 'brand'>,
  publicUrl: string,
  appOrigins: readonly string[],
): RelyingParty {
  return {
    rpId: passkey.rpId ?? new URL(publicUrl).hostname,
    rpName: passkey.rpName ?? brand.name,
    origins: [...new Set([new URL(publicUrl).origin, ...appOrigins, ...passkey.relatedOrigins])],
  }
}

/** Why no browser makes passkeys for this server, whatever its settings: section 5.1.3 wants a domain, and TLS. */
export function passkeyObstacle(publicUrl: string): 'ipAddress' | 'notHttps' | null {
  const { protocol, hostname } = new URL(publicUrl)
  if (isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0) return 'ipAddress'
  const isLocalhost = hostname === 'localhost' || hostname.endsWith('.localhost')
  return protocol === 'https:' || isLocalhost ? null : 'notHttps'
}

/**
 * What is wrong with `passkey.rpId` and `passkey.relatedOrigins`. An rp id holds for its own host and those below it, so
 * it has to be one of ours or a parent of one. That it is no public suffix (`co.uk`) is left to the browser, which
 * refuses the ceremony: a list of suffixes is out of date on the day it is packed (docs/passkeys.md warns).
 */
export function relyingPartyFaults(
  { rpId, relatedOrigins }: Settings['passkey'],
  publicUrl: string,
  appOrigins: readonly string[],
): FieldError[] {
  const faults: FieldError[] = []
  for (const [index, origin] of relatedOrigins.entries())
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      faults.push({
        path: `passkey.relatedOrigins.${index}`,
        code: 'invalid_format',
        message: 'is not an https origin like https://app.example',
      })
  if (rpId === null || faults.length > 0) return faults
  const hosts = [publicUrl, ...appOrigins, ...relatedOrigins].map(url => new URL(url).hostname)
  if (isIP(rpId) !== 0)
    faults.push({
      path: 'passkey.rpId',
      code: 'invalid_format',
      message: 'is an IP address; passkeys need a domain',
    })
  else if (!hosts.some(host => isSameOrBelow(host, rpId)))
    faults.push({
      path: 'passkey.rpId',
      code: 'not_ours',
      message: 'is neither the host of the public URL, of an app or of a related origin, nor a parent of one',
    })
  return faults
}

const isSameOrBelow = (host: string, domain: string) => host === domain || host.endsWith(`.${domain}`)

/**
 * From which other sites browsers may use our passkeys (section 5.11): the lists of all environments, live ones first, as
 * browsers read the first five names only. Wider than what any one environment expects, and no danger: each judges by its
 * own list. Not only of those whose rp id is our host, so that the host of an rp id above it can pass the path on to us.
 */
export function relatedOrigins(
  views: readonly Pick<EnvironmentView, 'environment' | 'settings'>[],
): string[] {
  const isLive = ({ environment }: (typeof views)[number]) => environment.mode === 'live'
  const inOrder = [...views.filter(isLive), ...views.filter(view => !isLive(view))]
  return [...new Set(inOrder.flatMap(({ settings }) => settings.passkey.relatedOrigins))]
}
