import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/**
 * An authenticator and the browser round it, in software: real keys, real signatures (WebAuthn Level 3, sections 5.8 and 6),
 * and it lies wherever a test tells it to. Answers have the form of `PublicKeyCredential.toJSON()`.
 */

/** What the server asks for; other fields are passed over. */
export interface CreationOptions {
  challenge: string
  rp: { id?: string | undefined }
  user: { id: string }
  excludeCredentials?: { id: string }[]
}
export interface RequestOptions {
  challenge: string
  rpId?: string | undefined
  allowCredentials?: { id: string }[]
}

export interface RegistrationJSON {
  id: string
  rawId: string
  type: 'public-key'
  authenticatorAttachment: 'platform' | 'cross-platform'
  clientExtensionResults: Record<string, never>
  response: { clientDataJSON: string; attestationObject: string; transports: string[] }
}
export interface AuthenticationJSON {
  id: string
  rawId: string
  type: 'public-key'
  authenticatorAttachment: 'platform' | 'cross-platform'
  clientExtensionResults: Record<string, never>
  response: {
    clientDataJSON: string
    authenticatorData: string
    signature: string
    userHandle?: string
  }
}

export type Algorithm = 'ES256' | 'Ed25519' | 'RS256'

/** The bits of the authenticator data (section 6.1). */
export interface Flags {
  isUserPresent?: boolean
  isUserVerified?: boolean
  isBackupEligible?: boolean
  isBackedUp?: boolean
}

/** Where an answer departs from the truth. */
export interface Lies extends Flags {
  origin?: string
  crossOrigin?: boolean
  topOrigin?: string
  /** In the client data. */
  type?: string
  challenge?: string
  /** Whose hash stands in the authenticator data. */
  rpId?: string
  counter?: number
  /** Null: none is told. Base64url else. */
  userHandle?: string | null
  /** Of a registration: its length in bytes, or the whole of it. */
  credentialId?: Buffer
  /** A bit of the signature is turned. */
  breakSignature?: boolean
  /** Which passkey answers; the latest one for the relying party is it, when nothing is told. */
  passkey?: Passkey
}

export interface Passkey {
  id: string
  rpId: string
  userHandle: string
  privateKey: KeyObject
  publicKey: Buffer
  algorithm: Algorithm
  counter: number
}

export interface AuthenticatorOptions extends Flags {
  /** The page that the browser shows. */
  origin?: string
  algorithm?: Algorithm
  /** 0: it does not count, as synced passkeys. Else each signature adds one. */
  counter?: number
  aaguid?: string
  transports?: string[]
}

export interface SoftwareAuthenticator {
  readonly passkeys: Passkey[]
  /** `navigator.credentials.create({publicKey})`. Throws where it has one of `excludeCredentials`, as a browser does. */
  register(options: CreationOptions, lies?: Lies): RegistrationJSON
  /** `navigator.credentials.get({publicKey})`. Throws where it has no passkey for what is asked. */
  authenticate(options: RequestOptions, lies?: Lies): AuthenticationJSON
}

export function softwareAuthenticator(made: AuthenticatorOptions = {}): SoftwareAuthenticator {
  const {
    origin = 'http://localhost:4545',
    algorithm = 'ES256',
    aaguid = '00000000-0000-0000-0000-000000000000',
    transports = ['internal'],
  } = made
  const passkeys: Passkey[] = []

  return {
    passkeys,
    register(options, lies = {}) {
      const rpId = options.rp.id ?? new URL(origin).hostname
      const held = options.excludeCredentials?.some(({ id }) => passkeys.some(one => one.id === id))
      if (held) throw new Error('InvalidStateError: the authenticator has a passkey of this user')
      const { publicKey, privateKey } = newKey(algorithm)
      const credentialId = lies.credentialId ?? randomBytes(32)
      const passkey: Passkey = {
        id: credentialId.toString('base64url'),
        rpId,
        userHandle: options.user.id,
        privateKey,
        publicKey: coseOf(publicKey, algorithm),
        algorithm,
        counter: lies.counter ?? made.counter ?? 0,
      }
      passkeys.push(passkey)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(credentialId.length)
      const attested = [
        Buffer.from(aaguid.replaceAll('-', ''), 'hex'),
        length,
        credentialId,
        passkey.publicKey,
      ]
      const authData = Buffer.concat([dataOf(rpId, passkey.counter, { ...made, ...lies }, 0x40), ...attested])
      const attestation = cbor(
        new Map<string, unknown>([
          ['fmt', 'none'],
          ['attStmt', new Map()],
          ['authData', authData],
        ]),
      )
      return {
        ...credential(passkey.id),
        response: {
          clientDataJSON: clientData('webauthn.create', options.challenge, origin, lies).toString(
            'base64url',
          ),
          attestationObject: attestation.toString('base64url'),
          transports,
        },
      }
    },
    authenticate(options, lies = {}) {
      const rpId = options.rpId ?? new URL(origin).hostname
      const allowed = options.allowCredentials ?? []
      const passkey =
        lies.passkey ??
        passkeys.findLast(
          one => one.rpId === rpId && (allowed.length === 0 || allowed.some(({ id }) => id === one.id)),
        )
      if (!passkey) throw new Error('NotAllowedError: no passkey for this relying party')
      if (passkey.counter > 0) passkey.counter++
      const authData = dataOf(rpId, lies.counter ?? passkey.counter, { ...made, ...lies }, 0)
      const data = clientData('webauthn.get', options.challenge, origin, lies)
      const signed = Buffer.concat([authData, createHash('sha256').update(data).digest()])
      const signature = sign(passkey.algorithm === 'Ed25519' ? null : 'sha256', signed, passkey.privateKey)
      if (lies.breakSignature)
        signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1)
      const userHandle = lies.userHandle === undefined ? passkey.userHandle : lies.userHandle
      return {
        ...credential(passkey.id),
        response: {
          clientDataJSON: data.toString('base64url'),
          authenticatorData: authData.toString('base64url'),
          signature: signature.toString('base64url'),
          ...(userHandle !== null && { userHandle }),
        },
      }
    },
  }
}

const credential = (id: string) => ({
  id,
  rawId: id,
  type: 'public-key' as const,
  authenticatorAttachment: 'platform' as const,
  clientExtensionResults: {},
})

/** What the browser says of itself (section 5.8.1). */
function clientData(type: string, challenge: string, origin: string, lies: Lies): Buffer {
  return Buffer.from(
    JSON.stringify({
      type: lies.type ?? type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? origin,
      crossOrigin: lies.crossOrigin ?? false,
      ...(lies.topOrigin !== undefined && { topOrigin: lies.topOrigin }),
    }),
  )
}

/** The first 37 bytes of the authenticator data. */
function dataOf(rpId: string, counter: number, lies: Lies, more: number): Buffer {
  const data = Buffer.alloc(37)
  createHash('sha256')
    .update(lies.rpId ?? rpId)
    .digest()
    .copy(data)
  const flags =
    (lies.isUserPresent === false ? 0 : 0x01) |
    (lies.isUserVerified === false ? 0 : 0x04) |
    (lies.isBackupEligible ? 0x08 : 0) |
    (lies.isBackedUp ? 0x10 : 0)
  data.writeUInt8(flags | more, 32)
  data.writeUInt32BE(counter, 33)
  return data
}

function newKey(algorithm: Algorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'Ed25519') return generateKeyPairSync('ed25519')
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

/** The public key as COSE (RFC 9052, RFC 8812). */
function coseOf(key: KeyObject, algorithm: Algorithm): Buffer {
  const jwk = key.export({ format: 'jwk' })
  const part = (text: string | undefined) => Buffer.from(text ?? '', 'base64url')
  const pairs: Record<Algorithm, [number, number | Buffer][]> = {
    ES256: [
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, part(jwk.x)],
      [-3, part(jwk.y)],
    ],
    Ed25519: [
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, part(jwk.x)],
    ],
    RS256: [
      [1, 3],
      [3, -257],
      [-1, part(jwk.n)],
      [-2, part(jwk.e)],
    ],
  }
  return cbor(new Map<number, unknown>(pairs[algorithm]))
}

/** As much of CBOR (RFC 8949) as the above needs: integers, bytes, texts, maps. */
export function cbor(value: unknown): Buffer {
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value)
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    return Buffer.concat([head(3, bytes.length), bytes])
  }
  if (value instanceof Map)
    return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, one]) => [cbor(key), cbor(one)])])
  throw new Error(`not needed so far: ${typeof value}`)
}

function head(major: number, count: number): Buffer {
  const type = major << 5
  if (count < 24) return Buffer.from([type | count])
  if (count < 256) return Buffer.from([type | 24, count])
  const bytes = Buffer.alloc(3)
  bytes.writeUInt8(type | 25)
  bytes.writeUInt16BE(count, 1)
  return bytes
}
