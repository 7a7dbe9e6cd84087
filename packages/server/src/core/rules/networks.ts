import { BlockList, isIPv4 } from 'node:net'
import { parseIp } from '../addresses/network.ts'

const MAX_KEPT = 2000
let kept = new Map<string, BlockList>()

/** A network in CIDR form (RFC 4632, RFC 4291), once. Throws an `Error` that says what is wrong with it. */
function networkOf(text: string): BlockList {
  const known = kept.get(text)
  if (known) return known
  const [address = '', bits = ''] = text.split('/')
  const ip = parseIp(address)
  const family = ip && isIPv4(ip.address) ? 'ipv4' : 'ipv6'
  const isPlain = ip !== null && isIPv4(address) === (family === 'ipv4')
  if (!isPlain || !/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > (family === 'ipv4' ? 32 : 128))
    throw new Error(`"${text.slice(0, 60)}" is not a network like 10.0.0.0/8 or 2001:db8::/32`)
  const network = new BlockList()
  network.addSubnet(ip.address, Number(bits), family)
  if (kept.size >= MAX_KEPT) kept = new Map()
  kept.set(text, network)
  return network
}

/** Throws where the text is not a network. */
export const readNetwork = (text: string): void => void networkOf(text)

/** Whether the address lies in the network. Throws where one of them is none. */
export function isInNetwork(address: string, network: string): boolean {
  const ip = parseIp(address)
  if (!ip) throw new Error('the address is not an IP address')
  return networkOf(network).check(ip.address, isIPv4(ip.address) ? 'ipv4' : 'ipv6')
}
