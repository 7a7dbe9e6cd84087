import { isIPv4, isIPv6 } from 'node:net'

/**
 * An IP address and the networks by which limits count it (PROTOCOL section 2): `host` is /32 for v4 and /64 for v6,
 * `site` is /24 and /48. An IPv4 address mapped into IPv6 (RFC 4291 2.5.5.2) is the IPv4 address.
 */
export interface IpAddress {
  address: string
  host: string
  site: string
}

/** Reads one IP literal, without port, brackets or zone. Null when it is anything else. */
export function parseIp(text: string): IpAddress | null {
  if (isIPv4(text)) return v4(text)
  if (!isIPv6(text) || text.includes('%')) return null
  const groups = expand(text)
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6)
    return v4(`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`)
  }
  const hex = groups.map(group => group.toString(16))
  return {
    address: new URL(`http://[${hex.join(':')}]`).hostname.slice(1, -1),
    host: `${hex.slice(0, 4).join(':')}::/64`,
    site: `${hex.slice(0, 3).join(':')}::/48`,
  }
}

function v4(text: string): IpAddress {
  return { address: text, host: text, site: `${text.split('.').slice(0, 3).join('.')}.0/24` }
}

function expand(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const plain = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : text
  const [head = '', tail] = plain.split('::')
  const read = (part: string) => (part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16)))
  if (tail === undefined) return read(head)
  const before = read(head)
  const after = read(tail)
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
}

/** Whether the address is loopback, link-local, private or unique-local: a peer that can only be on our side. */
export function isPrivateIp(text: string): boolean {
  const address = parseIp(text)?.address
  if (!address) return false
  if (isIPv4(address)) return /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address)
  return address === '::1' || /^(f[cd]|fe[89ab])/.test(address)
}
