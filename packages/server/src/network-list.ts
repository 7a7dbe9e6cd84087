import { parseIp } from './core/addresses/network.ts'

/** A list of networks that may be long: looked up by halving, where `AddressList` reads each entry. */
export interface NetworkList {
  includes(address: string): boolean
  readonly size: number
}

type Range = [from: bigint, to: bigint]

/**
 * Reads a list of one address or CIDR range a line; empty lines and what follows a `#` are skipped. Throws with the number of
 * the line for anything else: half a list would call a network harmless.
 */
export function parseNetworkList(text: string): NetworkList {
  const ranges: Range[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const entry = line.replace(/#.*/, '').trim()
    if (entry === '') continue
    const range = rangeOf(entry)
    if (!range) throw new Error(`line ${index + 1} is no address and no range: ${entry.slice(0, 60)}`)
    ranges.push(range)
  }
  if (ranges.length === 0) throw new Error('holds no network')
  const merged = merge(ranges)
  const starts = merged.map(([from]) => from)
  return {
    size: ranges.length,
    includes(address) {
      const value = numberOf(address)
      if (value === null) return false
      let low = 0
      let high = starts.length
      while (low < high) {
        const middle = (low + high) >> 1
        if ((starts[middle] as bigint) <= value) low = middle + 1
        else high = middle
      }
      const range = merged[low - 1]
      return range !== undefined && value <= range[1]
    },
  }
}

function merge(ranges: Range[]): Range[] {
  const sorted = ranges.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const merged: Range[] = []
  for (const [from, to] of sorted) {
    const last = merged.at(-1)
    if (last && from <= last[1]) last[1] = to > last[1] ? to : last[1]
    else merged.push([from, to])
  }
  return merged
}

function rangeOf(entry: string): Range | null {
  const [address = '', length, ...more] = entry.split('/')
  const value = numberOf(address)
  if (value === null || more.length > 0) return null
  const isV4 = address.includes('.') && !address.includes(':')
  const bits = isV4 ? 32 : 128
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return null
  const prefix = length === undefined ? bits : Number(length)
  if (prefix > bits) return null
  const rest = (1n << BigInt(bits - prefix)) - 1n
  const from = value & ~rest
  return [from, from | rest]
}

const MAPPED = 0xffff_0000_0000n

/** IPv4 stands where IPv6 has it mapped (RFC 4291 2.5.5.2), so both are in one order. */
function numberOf(text: string): bigint | null {
  const address = parseIp(text)?.address
  if (address === undefined) return null
  if (!address.includes(':'))
    return MAPPED | BigInt(address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0))
  const [head = '', tail] = address.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  return [...before, ...zeros, ...after].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}
