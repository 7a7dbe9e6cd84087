import { describe, expect, it } from 'vitest'
import {
  canBeStored,
  challengeOf,
  judgeAuthentication,
  judgeRegistration,
} from '../../../src/core/passkeys/ceremony.ts'
import { authenticationOptions, registrationOptions } from '../../../src/core/passkeys/options.ts'
import { AuthenticationCredential, RegistrationCredential } from '../../../src/core/passkeys/shapes.ts'
import {
  attestation,
  authenticatorData,
  base64url,
  type Circumstances,
  cbor,
  coseOf,
  FLAGS,
  registration,
  softwareAuthenticator,
} from './authenticator.ts'

const place = { origin: 'https://login.example.org', rpId: 'example.org' }
const challenge = base64url(Buffer.alloc(32, 7))
const other = base64url(Buffer.alloc(32, 8))
const app = 'https://app.example.org'
const expected = {
  challenge,
  origins: [place.origin, app],
  rpId: place.rpId,
  isUserVerificationRequired: true,
}
const authenticator = softwareAuthenticator('usr_1')
const stored = { ...authenticator, signCount: 0, isBackupEligible: true, userHandle: 'usr_1' }
const { up, uv, be, bs, at, ed } = FLAGS

const register = (asked: Partial<Circumstances>, more: Partial<typeof expected> = {}) =>
  judgeRegistration(authenticator.register({ challenge, ...place, ...asked }), { ...expected, ...more })
const authenticate = (
  asked: Partial<Circumstances>,
  more: Partial<typeof stored> = {},
  at: Partial<typeof expected> & { isUserNamed?: boolean } = {},
) =>
  judgeAuthentication(
    authenticator.authenticate({ challenge, ...place, ...asked }),
    { ...expected, ...at },
    { ...stored, ...more },
  )

/** What both ceremonies refuse, and why. */
const BOTH: [what: string, reason: string, asked: Partial<Circumstances>][] = [
  ['the challenge of another ceremony', 'challenge', { challenge: other }],
  ['an empty challenge', 'challenge', { challenge: '' }],
  ['a challenge with padding', 'challenge', { challenge: `${challenge}=` }],
  ['an origin that is not listed', 'origin', { origin: 'https://evil.example' }],
  ['an origin that only begins like ours', 'origin', { origin: `${place.origin}.evil.example` }],
  ['our origin without TLS', 'origin', { origin: 'http://login.example.org' }],
  ['our origin at another port', 'origin', { origin: `${place.origin}:8443` }],
  ['a sibling of our origin', 'origin', { origin: 'https://other.example.org' }],
  ['the opaque origin', 'origin', { origin: 'null' }],
  [
    'a frame on another site',
    'crossOrigin',
    { clientData: { crossOrigin: true, topOrigin: 'https://evil.example' } },
  ],
  ['a frame whose page is not named', 'crossOrigin', { clientData: { crossOrigin: true } }],
  ['a page on top without a frame', 'crossOrigin', { clientData: { topOrigin: app } }],
  ['a frame that is no truth value', 'malformed', { clientData: { crossOrigin: 'false' } }],
  ['a page on top that is no text', 'malformed', { clientData: { crossOrigin: true, topOrigin: [app] } }],
  ['a token binding', 'tokenBinding', { clientData: { tokenBinding: { status: 'present', id: 'x' } } }],
  ['the type of the other ceremony', 'type', { clientData: { type: 'payment.get' } }],
  ['the hash of another rp id', 'rpId', { rpId: 'evil.example' }],
  ['the hash of a host below the rp id', 'rpId', { rpId: 'login.example.org' }],
  ['nobody present', 'userPresence', { flags: uv | be | bs }],
  ['nobody verified where that is required', 'userVerification', { flags: up | be | bs }],
  ['backed up, but not eligible', 'backupState', { flags: up | uv | bs }],
  ['extensions announced that are not there', 'malformed', { flags: up | uv | be | ed }],
]

describe('both ceremonies refuse', () => {
  it.each(BOTH)('%s: %s', async (_, reason, asked) => {
    expect(await register(asked)).toEqual({ kind: 'refused', reason })
    expect(await authenticate(asked)).toEqual({ kind: 'refused', reason })
  })

  it('everything when nothing is expected', async () => {
    expect(await register({ challenge: '' }, { challenge: '' })).toEqual({
      kind: 'refused',
      reason: 'challenge',
    })
    expect(await register({}, { origins: [] })).toEqual({ kind: 'refused', reason: 'origin' })
    expect(await authenticate({ challenge: '' }, {}, { challenge: '' })).toMatchObject({
      reason: 'challenge',
    })
  })

  it('the answer of the other ceremony', async () => {
    const swapped = { clientData: { type: 'webauthn.get' } }
    expect(await register(swapped)).toEqual({ kind: 'refused', reason: 'type' })
    expect(await authenticate({ clientData: { type: 'webauthn.create' } })).toEqual({
      kind: 'refused',
      reason: 'type',
    })
  })
})

describe('both ceremonies accept', () => {
  const ACCEPTED: [what: string, asked: Partial<Circumstances>][] = [
    ['a passkey', {}],
    ['another of our origins', { origin: app }],
    ['a frame below one of our pages', { clientData: { crossOrigin: true, topOrigin: app } }],
    ['client data of a later version', { clientData: { later: { more: [1] } } }],
    ['a passkey that may be copied and is not', { flags: up | uv | be }],
  ]
  it.each(ACCEPTED)('%s', async (_, asked) => {
    expect((await register(asked)).kind).toBe('accepted')
    expect((await authenticate(asked)).kind).toBe('accepted')
  })
})

describe('a registration', () => {
  it('tells what is to be stored', async () => {
    expect(await register({ counter: 3 })).toEqual({
      kind: 'accepted',
      credentialId: authenticator.credentialId,
      publicKey: authenticator.publicKey,
      signCount: 3,
      aaguid: '00000000-0000-0000-0000-000000000000',
      transports: ['internal', 'hybrid'],
      isBackupEligible: true,
      isBackedUp: true,
      isUserVerified: true,
    })
    expect(await register({ flags: up }, { isUserVerificationRequired: false })).toMatchObject({
      isBackupEligible: false,
      isBackedUp: false,
      isUserVerified: false,
    })
  })

  it('with another id around it than inside', async () => {
    const genuine = authenticator.register({ challenge, ...place })
    const id = base64url(Buffer.alloc(32, 1))
    for (const mutant of [{ id }, { rawId: id }, { id, rawId: id }])
      expect(await judgeRegistration({ ...genuine, ...mutant }, expected)).toEqual({
        kind: 'refused',
        reason: 'credentialId',
      })
  })

  it.each([
    [15, 'refused'],
    [16, 'accepted'],
    [1023, 'accepted'],
    [1024, 'refused'],
  ])('with a credential id of %i bytes is %s', async (bytes, kind) => {
    const credentialId = Buffer.alloc(bytes, 5)
    const attested = { aaguid: Buffer.alloc(16), credentialId, key: cbor(coseOf(authenticator.key)) }
    const judged = await judgeRegistration(
      registration({
        credentialId,
        clientData: Buffer.from(JSON.stringify({ type: 'webauthn.create', challenge, origin: place.origin })),
        attestation: attestation(
          'none',
          authenticatorData({ rpId: place.rpId, flags: up | uv | at, attested }),
        ),
      }),
      expected,
    )
    expect(judged.kind).toBe(kind)
    if (judged.kind === 'refused') expect(judged.reason).toBe('credentialId')
  })

  it('believes no unsigned copy beside the attestation', async () => {
    const genuine = authenticator.register({ challenge, ...place })
    const copies = {
      publicKey: base64url(Buffer.alloc(91, 1)),
      publicKeyAlgorithm: -257,
      authenticatorData: 'AAAA',
    }
    const judged = await judgeRegistration(
      { ...genuine, response: { ...genuine.response, ...copies } },
      expected,
    )
    expect(judged).toMatchObject({ kind: 'accepted', publicKey: authenticator.publicKey })
  })
})

describe('an authentication', () => {
  it('of another credential', async () => {
    const credentialId = base64url(Buffer.alloc(32, 1))
    expect(await authenticate({}, { credentialId })).toEqual({ kind: 'refused', reason: 'credentialId' })
    const genuine = authenticator.authenticate({ challenge, ...place })
    expect(await judgeAuthentication({ ...genuine, rawId: credentialId }, expected, stored)).toEqual({
      kind: 'refused',
      reason: 'credentialId',
    })
  })

  it('with the handle of another user', async () => {
    for (const isUserNamed of [true, false])
      expect(await authenticate({}, { userHandle: 'usr_2' }, { isUserNamed })).toEqual({
        kind: 'refused',
        reason: 'userHandle',
      })
  })

  it('without a handle, only where the user was named before', async () => {
    const { userHandle: _, ...response } = authenticator.authenticate({ challenge, ...place }).response
    const bare = { ...authenticator.authenticate({ challenge, ...place }), response }
    expect(await judgeAuthentication(bare, expected, stored)).toEqual({
      kind: 'refused',
      reason: 'userHandle',
    })
    const named = { ...expected, isUserNamed: true }
    expect((await judgeAuthentication(bare, named, stored)).kind).toBe('accepted')
  })

  it('by another key', async () => {
    const { publicKey } = softwareAuthenticator('usr_1')
    expect(await authenticate({}, { publicKey })).toEqual({ kind: 'refused', reason: 'signature' })
    expect(await authenticate({}, { publicKey: 'AAAA' })).toEqual({ kind: 'refused', reason: 'publicKey' })
  })

  it('whose eligibility for backup changed', async () => {
    expect(await authenticate({ flags: up | uv })).toEqual({ kind: 'refused', reason: 'backupState' })
    expect(await authenticate({}, { isBackupEligible: false })).toEqual({
      kind: 'refused',
      reason: 'backupState',
    })
  })

  it('with the data of a registration inside', async () => {
    const attested = {
      aaguid: Buffer.alloc(16),
      credentialId: Buffer.from(authenticator.credentialId, 'base64url'),
      key: cbor(coseOf(authenticator.key)),
    }
    const authData = authenticatorData({ rpId: place.rpId, flags: up | uv | be | bs | at, attested })
    const genuine = authenticator.authenticate({ challenge, ...place })
    const mutant = { ...genuine, response: { ...genuine.response, authenticatorData: base64url(authData) } }
    expect(await judgeAuthentication(mutant, expected, stored)).toEqual({
      kind: 'refused',
      reason: 'malformed',
    })
  })

  it.each([
    [0, 0, 'accepted'],
    [1, 0, 'accepted'],
    [8, 7, 'accepted'],
    [4_294_967_295, 7, 'accepted'],
    [7, 7, 'refused'],
    [6, 7, 'refused'],
    [0, 7, 'refused'],
  ])('with counter %i after %i is %s', async (counter, signCount, kind) => {
    const judged = await authenticate({ counter }, { signCount })
    expect(judged).toMatchObject(
      kind === 'accepted' ? { kind, signCount: counter } : { kind, reason: 'counter' },
    )
  })

  it('raises the alarm of the counter by a true signature only', async () => {
    const genuine = authenticator.authenticate({ challenge, ...place, counter: 3 })
    const { publicKey } = softwareAuthenticator('usr_1')
    const judged = await judgeAuthentication(genuine, expected, { ...stored, publicKey, signCount: 7 })
    expect(judged).toEqual({ kind: 'refused', reason: 'signature' })
  })
})

describe('the challenge that a credential names', () => {
  it('is read, or null', () => {
    const credential = authenticator.authenticate({ challenge, ...place })
    expect(challengeOf(credential)).toBe(challenge)
    const named = (value: unknown) => ({
      response: { clientDataJSON: base64url(JSON.stringify({ type: 'x', origin: 'x', challenge: value })) },
    })
    for (const mutant of ['short', 'a'.repeat(129), `${challenge}=`, 1, null])
      expect(challengeOf(named(mutant)), String(mutant)).toBeNull()
    for (const mutant of [null, {}, { response: null }, { response: { clientDataJSON: 1 } }])
      expect(challengeOf(mutant as never)).toBeNull()
    expect(challengeOf({ response: { clientDataJSON: base64url('{') } })).toBeNull()
  })
})

describe('a key that was proven elsewhere', () => {
  it('is one that could have been registered', async () => {
    const { credentialId, publicKey } = authenticator
    expect(await canBeStored({ credentialId, publicKey })).toBe(true)
    expect(await canBeStored({ credentialId: 'AAAA', publicKey })).toBe(false)
    expect(await canBeStored({ credentialId, publicKey: 'AAAA' })).toBe(false)
    expect(await canBeStored({ credentialId, publicKey: base64url('['.repeat(100)) })).toBe(false)
  })
})

describe('options', () => {
  const ceremony = {
    rpId: 'example.org',
    challenge,
    userVerification: 'preferred' as const,
    expiresInSeconds: 300,
  }
  it('of a registration', () => {
    const known = { credentialId: authenticator.credentialId, transports: ['usb'] }
    const user = { id: 'usr_1', name: 'ada@example.org', displayName: 'Ada' }
    expect(
      registrationOptions({ ...ceremony, rpName: 'Example', user, excludeCredentials: [known] }),
    ).toEqual({
      rp: { id: 'example.org', name: 'Example' },
      user: { id: base64url('usr_1'), name: 'ada@example.org', displayName: 'Ada' },
      challenge,
      pubKeyCredParams: [
        { type: 'public-key', alg: -8 },
        { type: 'public-key', alg: -7 },
        { type: 'public-key', alg: -257 },
      ],
      timeout: 300_000,
      excludeCredentials: [{ type: 'public-key', id: known.credentialId, transports: ['usb'] }],
      authenticatorSelection: {
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'preferred',
      },
      attestation: 'none',
      extensions: { credProps: true },
    })
  })
  it('of an authentication', () => {
    const allowCredentials = [{ credentialId: 'AAAA', transports: [] }]
    expect(authenticationOptions({ ...ceremony, allowCredentials })).toEqual({
      challenge,
      timeout: 300_000,
      rpId: 'example.org',
      allowCredentials: [{ type: 'public-key', id: 'AAAA' }],
      userVerification: 'preferred',
    })
  })
})

describe('the shapes', () => {
  it('take what browsers send', () => {
    const made = authenticator.register({ challenge, ...place })
    const extensions = { credProps: { rk: true }, prf: { enabled: false } }
    expect(
      RegistrationCredential.safeParse({
        ...made,
        authenticatorAttachment: 'platform',
        clientExtensionResults: extensions,
      }).success,
    ).toBe(true)
    const proven = authenticator.authenticate({ challenge, ...place })
    const bare = {
      ...proven,
      authenticatorAttachment: null,
      response: { ...proven.response, userHandle: null },
    }
    expect(AuthenticationCredential.safeParse(bare).success).toBe(true)
  })
})
