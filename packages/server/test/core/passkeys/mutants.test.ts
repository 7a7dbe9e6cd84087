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
import { attestation, base64url } from './authenticator.ts'
import { mirrored } from './ecdsa.ts'
import { malformedAttestations } from './malformed.ts'
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
    // Where both integers begin with a bit that is not set, a byte before them changes nothing but the spelling.
    const short = vectorOf('packed-self.ES256')
    const padded = sequence(
      integer(Buffer.concat([Buffer.of(0), short.signature.subarray(4, 36)])),
      integer(short.signature.subarray(38)),
    )
    expect(
      await authenticate(withResponse(short.authentication, { signature: base64url(padded) }), short),
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

  it.each(Object.entries(malformedAttestations(plain)))('%s', async (_, attestationObject) => {
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
