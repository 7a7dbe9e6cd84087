import { createPrivateKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { AuthenticationCredential, RegistrationCredential } from '../../../src/core/passkeys/shapes.ts'
import {
  attestation,
  authentication,
  authenticatorData,
  base64url,
  type Cbor,
  cbor,
  coseOf,
  ecKey,
  registration,
  sha256,
  signBy,
} from './authenticator.ts'
import { power, signDeterministically } from './ecdsa.ts'

/**
 * The test vectors of WebAuthn Level 3, section 16, derived as that section says: each random value is HKDF-SHA-256 of
 * one seed, the name of the vector and a running number. All is byte for byte what the section prints, but the
 * certificates in the statements of the formats with `x5c`: a stand-in takes their place, as nothing of ours reads them.
 */
export interface Vector {
  name: string
  registration: RegistrationCredential
  authentication: AuthenticationCredential
  challenges: { registration: string; authentication: string }
  clientData: { registration: Buffer; authentication: Buffer }
  authData: { registration: Buffer; authentication: Buffer }
  attestationObject: Buffer
  signature: Buffer
  credentialId: Buffer
  publicKey: string
  flags: number
}

export const ORIGIN = 'https://example.org'
export const RP_ID = 'example.org'
export const TOP_ORIGIN = 'https://example.com'

interface Recipe {
  name: string
  format: string
  keyOf: (draw: Draw) => Key
  challengeBytes?: number
  credentialIdBytes?: number
  frame?: Record<string, unknown>
  /** How many values the certificate of the statement takes from the stream. */
  certificateDraws?: number
}

interface Key {
  key: KeyObject
  sign: (data: Uint8Array) => Buffer
}

type Draw = (bytes: number) => Buffer

const p256 = (draw: Draw): Key => {
  const secret = draw(32)
  return { key: ecKey('P-256', secret), sign: data => signDeterministically(secret, data) }
}
const plainly = (key: KeyObject): Key => ({ key, sign: data => signBy(key, data) })
const pkcs8 = (prefix: string, secret: Buffer) =>
  plainly(
    createPrivateKey({
      key: Buffer.concat([Buffer.from(prefix, 'hex'), secret]),
      format: 'der',
      type: 'pkcs8',
    }),
  )

const none = (name: string, more: Partial<Recipe> = {}): Recipe => ({
  name,
  format: 'none',
  keyOf: p256,
  ...more,
})
const packed = (name: string, keyOf: Recipe['keyOf'], more: Partial<Recipe> = {}): Recipe => ({
  name,
  format: 'packed',
  keyOf,
  certificateDraws: 2,
  ...more,
})

/** In the order of the section. */
const RECIPES: Recipe[] = [
  none('none.ES256'),
  packed('packed-self.ES256', p256, { certificateDraws: 0 }),
  none('none.ES256.crossOrigin', { frame: { crossOrigin: true } }),
  none('none.ES256.topOrigin', { frame: { crossOrigin: true, topOrigin: TOP_ORIGIN } }),
  none('none.ES256.long-credential-id', { credentialIdBytes: 1023 }),
  packed('packed.ES256', p256),
  packed('packed.ES384', draw => plainly(ecKey('P-384', draw(48)))),
  packed('packed.ES512', draw => plainly(ecKey('P-521', draw(65))), { challengeBytes: 128 }),
  packed('packed.RS256', () => plainly(mersenneKey())),
  packed('packed.EdDSA', draw => pkcs8('302e020100300506032b657004220420', draw(32))),
  packed('packed.Ed448', draw => pkcs8('3047020100300506032b6571043b0439', draw(57))),
  { name: 'tpm.ES256', format: 'tpm', keyOf: p256, certificateDraws: 2 },
  { name: 'android-key.ES256', format: 'android-key', keyOf: p256, certificateDraws: 1 },
  { name: 'apple.ES256', format: 'apple', keyOf: p256, certificateDraws: 1 },
  { name: 'fido-u2f.ES256', format: 'fido-u2f', keyOf: p256, certificateDraws: 2 },
]

export const VECTORS: Vector[] = RECIPES.map(derive)

function derive(recipe: Recipe): Vector {
  const { name, format, keyOf, challengeBytes = 32, credentialIdBytes = 32, certificateDraws = 0 } = recipe
  let count = 0
  const draw: Draw = bytes =>
    Buffer.from(hkdfSync('sha256', 'WebAuthn test vectors', Buffer.of(count++), name, bytes))

  const made = draw(challengeBytes)
  const { key, sign } = keyOf(draw)
  const madeOf = clientData('webauthn.create', made, draw, recipe.frame)
  const aaguid = draw(16)
  const credentialId = draw(credentialIdBytes)
  const flags = 0x41 | (format === 'fido-u2f' ? 0 : backup(draw(1)[0] ?? 0, 0x08))
  const cose = coseOf(key)
  const attested = { aaguid, credentialId, key: cbor(cose) }
  const authData = authenticatorData({ rpId: RP_ID, flags, attested })
  const statement = new Map<Cbor, Cbor>()
  if (name === 'packed-self.ES256')
    statement.set('alg', -7).set('sig', sign(Buffer.concat([authData, sha256(madeOf)])))
  else if (format !== 'none') statement.set('x5c', [Buffer.from('stand-in')])
  for (let drawn = 0; drawn < certificateDraws; drawn++) draw(1)

  const asked = draw(challengeBytes)
  const askedOf = clientData('webauthn.get', asked, draw, recipe.frame)
  const isEligible = flags & 0x08
  const assertion = authenticatorData({
    rpId: RP_ID,
    flags: 0x01 | isEligible | backup((draw(1)[0] ?? 0) & 0x14, isEligible, isEligible),
  })
  const signature = sign(Buffer.concat([assertion, sha256(askedOf)]))
  const attestationObject = attestation(format, authData, statement)
  return {
    name,
    registration: registration({ credentialId, clientData: madeOf, attestation: attestationObject }),
    authentication: authentication({ credentialId, clientData: askedOf, authData: assertion, signature }),
    challenges: { registration: base64url(made), authentication: base64url(asked) },
    clientData: { registration: madeOf, authentication: askedOf },
    authData: { registration: authData, authentication: assertion },
    attestationObject,
    signature,
    credentialId,
    publicKey: base64url(cbor(cose)),
    flags,
  }
}

/** UV, BE and BS of a drawn byte; BS only beside BE. */
function backup(drawn: number, mask: number, known = drawn & mask): number {
  return known ? drawn & 0x1c : drawn & 0x04
}

function clientData(
  type: string,
  challenge: Buffer,
  draw: Draw,
  frame: Record<string, unknown> = {},
): Buffer {
  const hasMore = ((draw(1)[0] ?? 0) & 0x01) !== 0
  const extraData = hasMore
    ? `clientDataJSON may be extended with additional fields in the future, such as this: ${base64url(draw(16))}`
    : undefined
  const all = {
    type,
    challenge: base64url(challenge),
    origin: ORIGIN,
    crossOrigin: false,
    ...frame,
    extraData,
  }
  return Buffer.from(JSON.stringify(all))
}

/** RSA of the two smallest Mersenne primes above 2^1024. */
function mersenneKey(): KeyObject {
  const [p, q, e] = [2n ** 1279n - 1n, 2n ** 2203n - 1n, 65537n]
  const d = inverse(e, (p - 1n) * (q - 1n))
  const text = (value: bigint) => {
    const hex = value.toString(16)
    return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex').toString('base64url')
  }
  const jwk = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: power(q, p - 2n, p) }
  const texts = Object.fromEntries(Object.entries(jwk).map(([name, value]) => [name, text(value)]))
  return createPrivateKey({ key: { kty: 'RSA', ...texts }, format: 'jwk' })
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value, modulus, 1n, 0n]
  while (b > 0n) {
    const quotient = a / b
    ;[a, b, x, y] = [b, a - quotient * b, y, x - quotient * y]
  }
  return ((x % modulus) + modulus) % modulus
}
