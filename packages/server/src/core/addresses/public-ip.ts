import { BlockList, isIPv4 } from 'node:net'
import { parseIp } from './network.ts'

/** What is not one machine of the public IPv4 internet (the IANA special-purpose registry, RFC 6890). */
const SPECIAL_V4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by carriers; metadata of some clouds
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local; metadata of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
]

/** Of IPv6 only what is handed out as global unicast; and of that not what carries or stands for something else. */
const GLOBAL_V6 = '2000::/3'
const SPECIAL_V6 = [
  '2001::/23', // protocol assignments; 2001::/32 carries IPv4 (Teredo)
  '2001:db8::/32', // documentation
  '2002::/16', // carries IPv4 (6to4)
  '3fff::/20', // documentation
]

const listOf = (ranges: readonly string[], family: 'ipv4' | 'ipv6') => {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    list.addSubnet(address, Number(bits), family)
  }
  return list
}
const specialV4 = listOf(SPECIAL_V4, 'ipv4')
const globalV6 = listOf([GLOBAL_V6], 'ipv6')
const specialV6 = listOf(SPECIAL_V6, 'ipv6')

/**
 * Whether the address is one machine of the public internet. An IPv4 address mapped into IPv6 is judged as what it leads
 * to; what carries IPv4 in another way (NAT64, 6to4, Teredo), what has a zone, and what is no address is not public.
 */
export function isPublicIp(text: string): boolean {
  const address = parseIp(text)?.address
  if (!address) return false
  if (isIPv4(address)) return !specialV4.check(address, 'ipv4')
  return globalV6.check(address, 'ipv6') && !specialV6.check(address, 'ipv6')
}
