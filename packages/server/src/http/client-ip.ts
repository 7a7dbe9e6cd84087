import { BlockList, isIP } from 'node:net'
import { isPrivateIp, parseIp } from '../core/addresses/network.ts'

/** The proxies of `TRUSTED_PROXIES`: addresses and CIDR ranges. */
export interface TrustedProxies {
  isEmpty: boolean
  includes(address: string): boolean
}

/** Reads a comma-separated list of addresses and ranges; throws with the entry that is neither. */
export function parseTrustedProxies(text: string): TrustedProxies {
  const list = new BlockList()
  const entries = text
    .split(',')
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
  for (const entry of entries) {
    // The whole entry: "10.0.0.1/" would else be a range of 0 bits, which trusts everybody.
    const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(entry) ?? []
    const version = isIP(address)
    const prefix = Number(bits)
    if (version === 0 || (bits !== undefined && prefix > (version === 4 ? 32 : 128)))
      throw new Error(`"${entry}" is not an IP address or a range like 10.0.0.0/8`)
    const family = version === 4 ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, prefix, family)
  }
  return {
    isEmpty: entries.length === 0,
    includes: address => list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6'),
  }
}

/**
 * The address of a browser (PROTOCOL section 2): the peer's, unless the peer is a trusted proxy; then the right-most
 * hop of X-Forwarded-For that is not one. A hop that cannot be read ends the walk: the proxy that sent it is taken.
 */
export function clientIp(
  peer: string | undefined,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): string | null {
  let client = peer === undefined ? null : (parseIp(peer)?.address ?? null)
  const hops = forwardedFor?.split(',').map(hop => hop.trim()) ?? []
  while (client !== null && proxies.includes(client) && hops.length > 0) {
    const hop = parseIp(hops.pop() ?? '')
    if (!hop) return client
    client = hop.address
  }
  return client
}

/** Whether a proxy of ours seems to stand before the server without being named: all visitors would be one address. */
export function isUnnamedProxy(
  peer: string | undefined,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): boolean {
  return forwardedFor !== undefined && proxies.isEmpty && peer !== undefined && isPrivateIp(peer)
}
