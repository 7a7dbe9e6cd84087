import { parseIp } from '../../src/core/addresses/network.ts'

/**
 * A writer of small MMDB files (MaxMind DB format 2.0): IPv4 networks in a tree of 24 bit records, enough to look something up in.
 */
export function mmdb(networks: Record<string, object>, { builtAt = 1_795_000_000 } = {}): Buffer {
  type Node = [Node | number | null, Node | number | null]
  const root: Node = [null, null]
  const data: Buffer[] = []
  let size = 0
  for (const [network, record] of Object.entries(networks)) {
    const [address = '', length = '32'] = network.split('/')
    if (!parseIp(address)) throw new Error(`${network} is none`)
    const bits = address
      .split('.')
      .flatMap(part => Number(part).toString(2).padStart(8, '0').split('').map(Number))
    let node = root
    for (const bit of bits.slice(0, Number(length) - 1)) {
      const next = node[bit as 0 | 1]
      const child: Node = Array.isArray(next) ? next : [null, null]
      node[bit as 0 | 1] = child
      node = child
    }
    node[bits[Number(length) - 1] as 0 | 1] = size
    const encoded = encode(record)
    data.push(encoded)
    size += encoded.length
  }
  const nodes: Node[] = []
  const number = (node: Node) => {
    nodes.push(node)
    for (const child of node) if (Array.isArray(child)) number(child)
  }
  number(root)
  const tree = Buffer.alloc(nodes.length * 6)
  for (const [index, node] of nodes.entries())
    for (const side of [0, 1] as const) {
      const child = node[side]
      const value =
        child === null
          ? nodes.length
          : Array.isArray(child)
            ? nodes.indexOf(child)
            : nodes.length + 16 + child
      tree.writeUIntBE(value, index * 6 + side * 3, 3)
    }
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: builtAt,
    database_type: 'Test',
    description: { en: 'for tests' },
    ip_version: 4,
    languages: [],
    node_count: nodes.length,
    record_size: 24,
  })
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ])
}

const UTF8 = 2
const DOUBLE = 3
const UINT32 = 6
const MAP = 7
const ARRAY = 11

function encode(value: unknown): Buffer {
  if (typeof value === 'string')
    return Buffer.concat([control(UTF8, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(UINT32, 4), bytes])
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    return Buffer.concat([control(DOUBLE, 8), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([control(ARRAY, value.length), ...value.map(encode)])
  const entries = Object.entries(value as object)
  return Buffer.concat([
    control(MAP, entries.length),
    ...entries.flatMap(([key, one]) => [encode(key), encode(one)]),
  ])
}

/** The byte that says what follows, and how long it is: here always shorter than 285. */
function control(type: number, length: number): Buffer {
  const first = (type > 7 ? 0 : type) << 5
  const extended = type > 7 ? [type - 7] : []
  return length < 29
    ? Buffer.from([first | length, ...extended])
    : Buffer.from([first | 29, ...extended, length - 29])
}
