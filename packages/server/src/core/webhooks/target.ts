import { isIP } from 'node:net'
import type { AddressList } from '../addresses/address-list.ts'
import { parseIp } from '../addresses/network.ts'
import { isPublicIp } from '../addresses/public-ip.ts'
import type { Environment } from '../rows.ts'

/**
 * Which targets a webhook may have. Whoever holds an admin key chooses the URL, and the server that calls it stands inside
 * a network where others trust it: so it calls public addresses only, and private ones only where the configuration of the
 * process lists them (`WEBHOOK_PRIVATE_TARGETS`), which no key can change.
 */
export interface TargetPolicy {
  /** Addresses that may be called although they are not public; at any port, and over http. */
  privateTargets: AddressList
}

const PORTS = [443, 80]
const MAX_URL_LENGTH = 2048

/** A URL in its parts. Throws an Error that says what is wrong with it, without its words. */
export function parseTarget(text: string): { url: URL; host: string; port: number } {
  if (text.length > MAX_URL_LENGTH) throw new Error(`is longer than ${MAX_URL_LENGTH} characters`)
  if (!URL.canParse(text)) throw new Error('is not a URL')
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error('is neither https nor http')
  if (url.username !== '' || url.password !== '')
    throw new Error('has a user or password; the signature tells who is calling')
  if (url.hash !== '') throw new Error('has a part after #')
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { url, host, port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port) }
}

/**
 * What is wrong with a URL when it is saved, or null. What a name leads to is judged when it is called: names change.
 * Where private targets are configured, a name may lead to one of them, so port and scheme are judged then, too.
 */
export function refusalAtSave(text: string, mode: Environment['mode'], policy: TargetPolicy): string | null {
  try {
    const { url, host, port } = parseTarget(text)
    if (isIP(host) !== 0)
      return refusalOfAddress({ address: host, port, protocol: url.protocol, mode }, policy)
    if (!policy.privateTargets.isEmpty) return null
    if (/(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(host) || !host.includes('.'))
      return 'is a name of a private network; the configuration of the server can allow it (WEBHOOK_PRIVATE_TARGETS)'
    return refusalOfPublic(url.protocol, port, mode)
  } catch (error) {
    return (error as Error).message
  }
}

/** Why this address may not be called, or null: asked of the very address that is then connected to. */
export function refusalOfAddress(
  target: { address: string; port: number; protocol: string; mode: Environment['mode'] },
  { privateTargets }: TargetPolicy,
): string | null {
  const address = parseIp(target.address)?.address
  if (!address) return 'leads to no address that is called'
  if (privateTargets.includes(address)) return null
  if (!isPublicIp(address))
    return 'leads to a private address; the configuration of the server can allow it (WEBHOOK_PRIVATE_TARGETS)'
  return refusalOfPublic(target.protocol, target.port, target.mode)
}

function refusalOfPublic(protocol: string, port: number, mode: Environment['mode']): string | null {
  if (!PORTS.includes(port)) return `has port ${port}; only ${PORTS.join(' and ')} are called`
  return protocol === 'http:' && mode === 'live' ? 'is not https' : null
}
