import { describe, expect, it } from 'vitest'
import {
  type Expected,
  type JudgedAuthentication,
  type JudgedRegistration,
  judgeAuthentication,
  judgeRegistration,
  REFUSAL_REASONS,
} from '../../../src/core/passkeys/ceremony.ts'
import type { AuthenticationCredential, RegistrationCredential } from '../../../src/core/passkeys/shapes.ts'
import { attestation, base64url, type Cbor, cbor, head } from './authenticator.ts'
import { mirrored } from './ecdsa.ts'
import { ORIGIN, RP_ID, VECTORS, type Vector } from './vectors.ts'

/** Of one judgement, on a machine that does other things as well; what a hang or a blow-up would break. */
const MAX_MS = 2000

const vectorOf = (name: string) => VECTORS.find(vector => vector.name === name) ?? fail(name)
const fail = (name: string): never => {
  throw new Error(name)
}
const plain = vectorOf('none.ES256')
const accepted = ['none.ES256', 'packed.ES256', 'packed.RS256', 'packed.EdDSA', 'fido-u2f.ES256'].map(
  vectorOf,
)

const place = { origins: [ORIGIN], rpId: RP_ID, isUserVerificationRequired: false, isUserNamed: true }
const storedOf = (vector: Vector) => ({
  credentialId: vector.registration.id,
  publicKey: vector.publicKey,
  signCount: 0,
  isBackupEligible: (vector.flags & 0x08) !== 0,
  userHandle: 'usr_1',
})

async function timed<T extends JudgedRegistration | JudgedAuthentication>(
  judge: () => Promise<T>,
): Promise<T> {
  const begun = performance.now()
  const judged = await judge()
  expect(performance.now() - begun).toBeLessThan(MAX_MS)
  if (judged.kind === 'refused') expect(REFUSAL_REASONS).toContain(judged.reason)
  return judged
}

const register = (credential: unknown, vector = plain, expected: Partial<Expected> = {}) =>
  timed(() =>
    judgeRegistration(credential as RegistrationCredential, {
      ...place,
      challenge: vector.challenges.registration,
      ...expected,
    }),
  )
const authenticate = (credential: unknown, vector = plain) =>
  timed(() =>
    judgeAuthentication(
      credential as AuthenticationCredential,
      { ...place, challenge: vector.challenges.authentication },
      storedOf(vector),
    ),
  )

/** The credential with another response. */
const withResponse = <T extends { response: object }>(credential: T, response: Record<string, unknown>) => ({
  ...credential,
  response: { ...credential.response, ...response },
})

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

/** Numbers from a seed (mulberry32): the same mutants in each run. */
function chance(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const signedParts = (vector: Vector) =>
  [
    ['clientDataJSON', vector.clientData.authentication],
    ['authenticatorData', vector.authData.authentication],
    ['signature', vector.signature],
  ] as const

describe('mutants of an authentication', () => {
  it('each bit that was signed, and each bit of the signature, counts', async () => {
    let mutants = 0
    for (const [name, bytes] of signedParts(plain))
      for (let bit = 0; bit < bytes.length * 8; bit++, mutants++) {
        const mutant = withResponse(plain.authentication, { [name]: base64url(flipped(bytes, bit)) })
        expect((await authenticate(mutant)).kind, `${name} bit ${bit}`).toBe('refused')
      }
    expect(mutants).toBeGreaterThan(1900)
  })

  it.each(accepted)('one bit of each byte of $name counts', async vector => {
    const draw = chance(7)
    for (const [name, bytes] of signedParts(vector))
      for (let byte = 0; byte < bytes.length; byte++) {
        const bit = byte * 8 + draw(8)
        const mutant = withResponse(vector.authentication, { [name]: base64url(flipped(bytes, bit)) })
        expect((await authenticate(mutant, vector)).kind, `${name} bit ${bit}`).toBe('refused')
      }
  })

  it.each(accepted)('$name cut short, made longer, replaced', async vector => {
    const draw = chance(11)
    for (const [name, bytes] of signedParts(vector)) {
      const cuts = Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length))
      const longer = Array.from({ length: 40 }, (_, more) =>
        Buffer.concat([bytes, Buffer.from(Array.from({ length: more + 1 }, () => draw(256)))]),
      )
      const others = signedParts(vector)
        .filter(([other]) => other !== name)
        .map(([, other]) => other)
      const foreign = signedParts(vectorOf('packed-self.ES256'))
        .filter(([other]) => other === name)
        .map(([, other]) => other)
        .filter(other => !other.equals(bytes))
      for (const mutant of [...cuts, ...longer, ...others, ...foreign]) {
        const judged = await authenticate(
          withResponse(vector.authentication, { [name]: base64url(mutant) }),
          vector,
        )
        expect(judged.kind, `${name} ${mutant.toString('hex')}`).toBe('refused')
      }
    }
  })

  it('a signature in another spelling', async () => {
    const [r, s] = [plain.signature.subarray(4, 37), plain.signature.subarray(39)]
    expect(Buffer.concat([r, s])).toHaveLength(66)
    const integer = (bytes: Uint8Array) => Buffer.concat([Buffer.of(2, bytes.length), bytes])
    const sequence = (...parts: Uint8Array[]) => {
      const body = Buffer.concat(parts)
      return Buffer.concat([Buffer.of(0x30, body.length), body])
    }
    const spellings = {
      raw: Buffer.concat([r.subarray(1), s.subarray(1)]),
      padded: sequence(integer(Buffer.concat([Buffer.of(0), r])), integer(s)),
      negative: sequence(integer(r.subarray(1)), integer(s.subarray(1))),
      long: Buffer.concat([Buffer.of(0x30, 0x81, 70), plain.signature.subarray(2)]),
      indefinite: Buffer.concat([Buffer.of(0x30, 0x80), plain.signature.subarray(2), Buffer.of(0, 0)]),
      three: sequence(integer(r), integer(s), integer(Buffer.of(1))),
      zero: sequence(integer(Buffer.of(0)), integer(Buffer.of(0))),
      swapped: sequence(integer(s), integer(r)),
    }
    for (const [name, signature] of Object.entries(spellings))
      expect(
        await authenticate(withResponse(plain.authentication, { signature: base64url(signature) })),
        name,
      ).toEqual({ kind: 'refused', reason: 'signature' })
    // The one other signature of the same data and key: nothing tells them apart, and a challenge is taken once.
    const other = base64url(mirrored(plain.signature))
    expect((await authenticate(withResponse(plain.authentication, { signature: other }))).kind).toBe(
      'accepted',
    )
  })
})

/** What nothing protects where an attestation is `none`: flags but UP, AT and ED, counter and AAGUID. The session does. */
function isUnsigned(bitOfAuthData: number): boolean {
  const byte = bitOfAuthData >> 3
  if (byte === 32) return [1, 2, 3, 4, 5].includes(bitOfAuthData & 7)
  return byte >= 33 && byte < 53
}

describe('mutants of a registration', () => {
  it('each bit but those that nothing could protect counts', async () => {
    const offset = plain.attestationObject.length - plain.authData.registration.length
    const taken: number[] = []
    for (let bit = 0; bit < plain.attestationObject.length * 8; bit++) {
      const attestationObject = base64url(flipped(plain.attestationObject, bit))
      const judged = await register(withResponse(plain.registration, { attestationObject }))
      if (judged.kind === 'refused') continue
      taken.push(bit - offset * 8)
      expect([judged.credentialId, judged.publicKey]).toEqual([plain.registration.id, plain.publicKey])
    }
    expect(taken.filter(bit => !isUnsigned(bit))).toEqual([])
  })

  it.each(accepted)('another key in $name is refused, or does not pass for the old one', async vector => {
    const draw = chance(13)
    const from = vector.attestationObject.length - Buffer.from(vector.publicKey, 'base64url').length
    for (let byte = from; byte < vector.attestationObject.length; byte++) {
      const attestationObject = base64url(flipped(vector.attestationObject, byte * 8 + draw(8)))
      const judged = await register(withResponse(vector.registration, { attestationObject }), vector)
      if (judged.kind === 'refused') continue
      const genuine = await judgeAuthentication(
        vector.authentication,
        { ...place, challenge: vector.challenges.authentication },
        { ...storedOf(vector), publicKey: judged.publicKey },
      )
      expect(genuine, `byte ${byte}`).toEqual({ kind: 'refused', reason: 'signature' })
    }
  })

  it('cut short and made longer', async () => {
    const whole = plain.attestationObject
    const draw = chance(17)
    const cuts = Array.from({ length: whole.length }, (_, length) => whole.subarray(0, length))
    const longer = Array.from({ length: 100 }, (_, more) =>
      Buffer.concat([whole, Buffer.from(Array.from({ length: more + 1 }, () => draw(256)))]),
    )
    const inside = Array.from({ length: 100 }, (_, more) =>
      attestation('none', Buffer.concat([plain.authData.registration, Buffer.alloc(more + 1, draw(256))])),
    )
    for (const mutant of [...cuts, ...longer, ...inside]) {
      const judged = await register(
        withResponse(plain.registration, { attestationObject: base64url(mutant) }),
      )
      expect(judged.kind, mutant.toString('hex')).toBe('refused')
    }
  })

  it.each(Object.entries(malformedAttestations()))('%s', async (_, attestationObject) => {
    const judged = await register(
      withResponse(plain.registration, { attestationObject: base64url(attestationObject) }),
    )
    expect(judged.kind).toBe('refused')
  })

  it('bytes by chance', async () => {
    const draw = chance(19)
    for (let round = 0; round < 1000; round++) {
      const bytes = Buffer.from(Array.from({ length: 1 + draw(300) }, () => draw(256)))
      const mutant = base64url(bytes)
      expect((await register(withResponse(plain.registration, { attestationObject: mutant }))).kind).toBe(
        'refused',
      )
      expect((await register(withResponse(plain.registration, { clientDataJSON: mutant }))).kind).toBe(
        'refused',
      )
      expect(
        (await authenticate(withResponse(plain.authentication, { authenticatorData: mutant }))).kind,
      ).toBe('refused')
    }
  })
})

/** Attestation objects that no authenticator writes. */
function malformedAttestations(): Record<string, Buffer> {
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

const SWAPS: [string, () => unknown][] = [
  ['an authentication for a registration', () => plain.authentication],
  ['nothing', () => undefined],
  ['null', () => null],
  ['text', () => 'credential'],
  ['an empty object', () => ({})],
  ['a field more', () => ({ ...plain.registration, more: 1 })],
  ['a field of the response more', () => withResponse(plain.registration, { more: 1 })],
  ['another type', () => ({ ...plain.registration, type: 'password' })],
  ['no response', () => ({ ...plain.registration, response: null })],
  ['an id of zero length', () => ({ ...plain.registration, id: '', rawId: '' })],
  ['an id with padding', () => ({ ...plain.registration, id: `${plain.registration.id}=` })],
  [
    'an id in the other alphabet',
    () => ({ ...plain.registration, id: 'ab+/'.repeat(8), rawId: 'ab+/'.repeat(8) }),
  ],
  [
    'an id in another spelling',
    () => ({
      ...plain.registration,
      id: plain.registration.id.replace(/.$/, 'R'),
      rawId: plain.registration.id,
    }),
  ],
  [
    'an endless id',
    () => ({ ...plain.registration, id: 'a'.repeat(1_000_000), rawId: 'a'.repeat(1_000_000) }),
  ],
  ['endless client data', () => withResponse(plain.registration, { clientDataJSON: 'a'.repeat(1_000_000) })],
  [
    'an endless attestation',
    () => withResponse(plain.registration, { attestationObject: 'a'.repeat(1_000_000) }),
  ],
  ['transports without end', () => withResponse(plain.registration, { transports: Array(1000).fill('usb') })],
  [
    'client data that is an array',
    () => withResponse(plain.registration, { clientDataJSON: base64url('[]') }),
  ],
  ['client data that is null', () => withResponse(plain.registration, { clientDataJSON: base64url('null') })],
  [
    'client data, nested',
    () => withResponse(plain.registration, { clientDataJSON: base64url('['.repeat(6000)) }),
  ],
  [
    'client data and attestation swapped',
    () =>
      withResponse(plain.registration, {
        clientDataJSON: plain.registration.response.attestationObject,
        attestationObject: plain.registration.response.clientDataJSON,
      }),
  ],
  [
    'a getter that throws',
    () => ({
      ...plain.registration,
      get response(): never {
        throw new Error('no')
      },
    }),
  ],
]

describe('credentials in the wrong shape', () => {
  it.each(SWAPS)('%s', async (_, mutant) => {
    expect((await register(mutant())).kind).toBe('refused')
    const twin = mutant() as { response?: unknown } | null | undefined
    if (twin !== undefined && twin !== null && Object.getOwnPropertyDescriptor(twin, 'response')?.get) return
    if (twin !== plain.authentication) expect((await authenticate(twin)).kind).toBe('refused')
  })
  it('a registration for an authentication', async () => {
    expect(await authenticate(plain.registration)).toEqual({ kind: 'refused', reason: 'malformed' })
  })
})
