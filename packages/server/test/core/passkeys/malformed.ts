import { attestation, type Cbor, cbor, head } from './authenticator.ts'
import type { Vector } from './vectors.ts'

/** Attestation objects that no authenticator writes. */
export function malformedAttestations(plain: Vector): Record<string, Buffer> {
  const authData = plain.authData.registration
  const key = Buffer.from(plain.publicKey, 'base64url')
  const before = authData.subarray(0, authData.length - key.length)
  const withKey = (mutant: Uint8Array) => attestation('none', Buffer.concat([before, mutant]))
  const whole = (fmt: Cbor, attStmt: Cbor, data: Cbor) =>
    cbor(
      new Map<Cbor, Cbor>([
        ['fmt', fmt],
        ['attStmt', attStmt],
        ['authData', data],
      ]),
    )
  const none = new Map<Cbor, Cbor>()
  const entry = (name: string, value: Cbor) => Buffer.concat([cbor(name), cbor(value)])
  const entries = [entry('fmt', 'none'), entry('attStmt', none), entry('authData', authData)]
  const map = (count: number, ...parts: Uint8Array[]) => Buffer.concat([head(5, count), ...parts])
  const nested = (byte: number, depth: number) => Buffer.concat([Buffer.alloc(depth, byte), Buffer.of(0)])
  const x = key.subarray(10, 42)
  const y = key.subarray(45)
  const cose = (labels: [Cbor, Cbor][]) => withKey(cbor(new Map(labels)))
  const huge = [0x5a, 0x5b, 0x7a, 0x7b, 0x9a, 0x9b, 0xba, 0xbb].map(first => [
    `a length that is not there, 0x${first.toString(16)}`,
    Buffer.concat([Buffer.of(first), Buffer.alloc(8, 0x7f), authData]),
  ])
  const wrong: [string, Cbor][] = [
    ['a number', 1],
    ['a negative number', -1],
    ['text', 'text'],
    ['an array', []],
    ['an empty map', new Map()],
    ['a map', new Map([['fmt', 'none']])],
    ['empty bytes', Buffer.alloc(0)],
  ]
  const mutants: [string, Buffer][] = [
    ...(huge as [string, Buffer][]),
    ...wrong.flatMap(([name, value]): [string, Buffer][] => [
      [`${name} for the object`, cbor(value)],
      [`${name} for authData`, whole('none', none, value)],
      [`${name} for the key`, withKey(cbor(value))],
      ...(typeof value === 'string'
        ? []
        : [[`${name} for fmt`, whole(value, none, authData)] as [string, Buffer]]),
      ...(value instanceof Map && value.size === 0
        ? []
        : [[`${name} for attStmt`, whole('none', value, authData)] as [string, Buffer]]),
      [
        `${name} for x`,
        cose([
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, value],
          [-3, y],
        ]),
      ],
      [
        `${name} for kty`,
        cose([
          [1, value],
          [3, -7],
          [-1, 1],
          [-2, x],
          [-3, y],
        ]),
      ],
      [
        `${name} for alg`,
        cose([
          [1, 2],
          [3, value],
          [-1, 1],
          [-2, x],
          [-3, y],
        ]),
      ],
      ...(value === 1
        ? []
        : [
            [
              `${name} for crv`,
              cose([
                [1, 2],
                [3, -7],
                [-1, value],
                [-2, x],
                [-3, y],
              ]),
            ] as [string, Buffer],
          ]),
    ]),
    ['an unknown format', attestation('nonf', authData)],
    ['a statement beside none', attestation('none', authData, new Map([['sig', 'x']]))],
    ['a map longer than its entries', map(4, ...entries)],
    ['a map shorter than its entries', map(2, ...entries)],
    ['fmt twice', map(4, entry('fmt', 'none'), ...entries)],
    ['authData twice', map(4, ...entries, entry('authData', authData))],
    ['an entry more', map(4, ...entries, entry('more', 1))],
    ['no authData', map(2, ...entries.slice(0, 2))],
    ['no fmt', map(2, ...entries.slice(1))],
    ['fmt and authData swapped', whole(authData, none, 'none')],
    ['an indefinite map', Buffer.concat([Buffer.of(0xbf), ...entries, Buffer.of(0xff)])],
    ['a long spelling of a length', Buffer.concat([Buffer.of(0xb8, 3), ...entries])],
    ['a tag', Buffer.concat([Buffer.of(0xd8, 24), map(3, ...entries)])],
    ['the object as a byte string', cbor(plain.attestationObject)],
    ['arrays, 30,000 deep', nested(0x81, 30_000)],
    ['tags, 30,000 deep', nested(0xc1, 30_000)],
    ['maps, 15,000 deep', Buffer.concat([...Array(15_000).fill(Buffer.of(0xa1, 0)), Buffer.of(0)])],
    [
      'a statement, 20,000 deep',
      map(3, entries[0] ?? x, cbor('attStmt'), nested(0x81, 20_000), entries[2] ?? x),
    ],
    ['30,000 empty arrays', Buffer.concat([head(4, 30_000), Buffer.alloc(30_000, 0x80)])],
    ['a key of 9,000 entries', withKey(Buffer.concat([head(5, 9000), Buffer.alloc(18_000, 1)]))],
    ['a label of the key twice', withKey(Buffer.concat([Buffer.of(0xa6, 1, 2), key.subarray(1)]))],
    ['a label of the key more', withKey(Buffer.concat([Buffer.of(0xa6), key.subarray(1), Buffer.of(4, 1)]))],
    [
      'a private part in the key',
      withKey(Buffer.concat([Buffer.of(0xa6), key.subarray(1), cbor(-4), cbor(x)])),
    ],
    [
      'no y',
      cose([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, x],
      ]),
    ],
    [
      'x and y swapped',
      cose([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, y],
        [-3, x],
      ]),
    ],
    [
      'a short x',
      cose([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, x.subarray(1)],
        [-3, y],
      ]),
    ],
    [
      'a long x',
      cose([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.concat([Buffer.of(0), x])],
        [-3, y],
      ]),
    ],
    [
      'the point 0, 0',
      cose([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.alloc(32)],
        [-3, Buffer.alloc(32)],
      ]),
    ],
    [
      'another curve',
      cose([
        [1, 2],
        [3, -7],
        [-1, 2],
        [-2, x],
        [-3, y],
      ]),
    ],
    [
      'secp256k1',
      cose([
        [1, 2],
        [3, -47],
        [-1, 8],
        [-2, x],
        [-3, y],
      ]),
    ],
    [
      'a key that is no curve for its algorithm',
      cose([
        [1, 1],
        [3, -7],
        [-1, 6],
        [-2, x],
      ]),
    ],
    [
      'an algorithm that is no signature',
      cose([
        [1, 2],
        [3, -25],
        [-1, 1],
        [-2, x],
        [-3, y],
      ]),
    ],
    [
      'RSA of 1024 bits',
      cose([
        [1, 3],
        [3, -257],
        [-1, Buffer.alloc(128, 0xff)],
        [-2, Buffer.of(1, 0, 1)],
      ]),
    ],
    [
      'RSA of 12,288 bits',
      cose([
        [1, 3],
        [3, -257],
        [-1, Buffer.alloc(1536, 0xff)],
        [-2, Buffer.of(1, 0, 1)],
      ]),
    ],
    [
      'RSA with the exponent 1',
      cose([
        [1, 3],
        [3, -257],
        [-1, Buffer.alloc(256, 0xff)],
        [-2, Buffer.of(1)],
      ]),
    ],
    [
      'RSA with a huge exponent',
      cose([
        [1, 3],
        [3, -257],
        [-1, Buffer.alloc(256, 0xff)],
        [-2, Buffer.alloc(256, 0xff)],
      ]),
    ],
    [
      'an even RSA modulus',
      cose([
        [1, 3],
        [3, -257],
        [-1, Buffer.alloc(256, 0xfe)],
        [-2, Buffer.of(1, 0, 1)],
      ]),
    ],
    [
      'RSA with SHA-1',
      cose([
        [1, 3],
        [3, -65535],
        [-1, Buffer.alloc(256, 0xff)],
        [-2, Buffer.of(1, 0, 1)],
      ]),
    ],
    [
      'the broken Ed25519 key of an old browser',
      withKey(Buffer.from('a301634f4b500327206745643235353139', 'hex')),
    ],
  ]
  return Object.fromEntries(mutants)
}
