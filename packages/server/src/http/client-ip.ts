import { type AddressList, parseAddressList } from '../core/addresses/address-list.ts'
import { isPrivateIp, parseIp } from '../core/addresses/network.ts'

/** The proxies of `TRUSTED_PROXIES`. */
export type TrustedProxies = AddressList
export const parseTrustedProxies = parseAddressList

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
