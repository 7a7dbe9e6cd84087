import { BlockList, isIP } from 'node:net'

/** Addresses and CIDR ranges, as an operator lists them. */
export interface AddressList {
  isEmpty: boolean
  includes(address: string): boolean
}

/** Reads a comma-separated list of addresses and ranges; throws with the entry that is neither. */
export function parseAddressList(text: string): AddressList {
  const list = new BlockList()
  const entries = text
    .split(',')
    .map(entry => entry.trim())
    .filter(entry => entry !== '')
  for (const entry of entries) {
    // The whole entry: "10.0.0.1/" would else be a range of 0 bits, which holds every address.
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
