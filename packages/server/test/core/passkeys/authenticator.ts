import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signWith,
} from 'node:crypto'
import type { AuthenticationCredential, RegistrationCredential } from '../../../src/core/passkeys/shapes.ts'

export type Cbor = number | string | Uint8Array | Cbor[] | Map<Cbor, Cbor>

/** CBOR in the shortest spelling (RFC 8949): what authenticators write. */
export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)])
  return Buffer.concat([head(5, value.size), ...[...value].flat().map(cbor)])
}

export function head(major: number, argument: number): Buffer {
  if (argument < 24) return Buffer.of((major << 5) | argument)
  if (argument < 0x100) return Buffer.of((major << 5) | 24, argument)
  if (argument < 0x1_0000) return Buffer.of((major << 5) | 25, argument >> 8, argument & 0xff)
  const long = Buffer.alloc(5, (major << 5) | 26)
  long.writeUInt32BE(argument, 1)
  return long
}

export const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest()
export const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url')
const jwkBytes = (text: string | undefined) => Buffer.from(text ?? '', 'base64url')

/** The COSE key of a private key: ES256, ES384, ES512, Ed25519 or RS256 by its kind. */
export function coseOf(key: KeyObject): Map<number, number | Uint8Array> {
  const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' })
  if (kty === 'RSA')
    return new Map<number, number | Uint8Array>([
      [1, 3],
      [3, -257],
      [-1, jwkBytes(n)],
      [-2, jwkBytes(e)],
    ])
  if (kty === 'OKP')
    return new Map<number, number | Uint8Array>([
      [1, 1],
      [3, crv === 'Ed448' ? -53 : -8],
      [-1, crv === 'Ed448' ? 7 : 6],
      [-2, jwkBytes(x)],
    ])
  const curve = { 'P-256': [-7, 1], 'P-384': [-35, 2], 'P-521': [-36, 3] }[crv ?? ''] ?? [0, 0]
  return new Map<number, number | Uint8Array>([
    [1, 2],
    [3, curve[0] ?? 0],
    [-1, curve[1] ?? 0],
    [-2, jwkBytes(x)],
    [-3, jwkBytes(y)],
  ])
}

const HASHES: Record<number, string | null> = {
  [-7]: 'sha256',
  [-35]: 'sha384',
  [-36]: 'sha512',
  [-257]: 'sha256',
  [-8]: null,
  [-53]: null,
}

/** Signs as WebAuthn section 6.5.5 has it: DER for ECDSA, PKCS #1 v1.5 for RSA. */
export function signBy(key: KeyObject, data: Uint8Array): Buffer {
  return signWith(HASHES[Number(coseOf(key).get(3))] ?? null, data, key)
}

export const FLAGS = { up: 0x01, uv: 0x04, be: 0x08, bs: 0x10, at: 0x40, ed: 0x80 }

export function authenticatorData(parts: {
  rpId: string
  flags: number
  counter?: number
  attested?: { aaguid: Uint8Array; credentialId: Uint8Array; key: Uint8Array }
  extensions?: Uint8Array
}): Buffer {
  const { rpId, flags, counter = 0, attested, extensions } = parts
  const tail = Buffer.alloc(5, flags)
  tail.writeUInt32BE(counter, 1)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(attested?.credentialId.length ?? 0)
  return Buffer.concat([
    sha256(rpId),
    tail,
    ...(attested ? [attested.aaguid, length, attested.credentialId, attested.key] : []),
    ...(extensions ? [extensions] : []),
  ])
}

/** A registration with any attestation object, as a browser would send it. */
export function registration(parts: {
  credentialId: Uint8Array
  clientData: Uint8Array
  attestation: Uint8Array
}): RegistrationCredential {
  const id = base64url(parts.credentialId)
  return {
    id,
    rawId: id,
    type: 'public-key',
    response: {
      clientDataJSON: base64url(parts.clientData),
      attestationObject: base64url(parts.attestation),
      transports: ['internal', 'hybrid'],
    },
    clientExtensionResults: {},
  }
}

export function authentication(parts: {
  credentialId: Uint8Array
  clientData: Uint8Array
  authData: Uint8Array
  signature: Uint8Array
  userHandle?: string
}): AuthenticationCredential {
  const id = base64url(parts.credentialId)
  return {
    id,
    rawId: id,
    type: 'public-key',
    response: {
      clientDataJSON: base64url(parts.clientData),
      authenticatorData: base64url(parts.authData),
      signature: base64url(parts.signature),
      ...(parts.userHandle !== undefined && { userHandle: base64url(parts.userHandle) }),
    },
    clientExtensionResults: {},
  }
}

export const attestation = (format: string, authData: Uint8Array, statement = new Map<Cbor, Cbor>()) =>
  cbor(
    new Map<Cbor, Cbor>([
      ['fmt', format],
      ['attStmt', statement],
      ['authData', authData],
    ]),
  )

export interface Circumstances {
  challenge: string
  origin: string
  rpId: string
  flags?: number
  counter?: number
  clientData?: Record<string, unknown>
}

const clientDataOf = (type: string, { challenge, origin, clientData }: Circumstances) =>
  Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false, ...clientData }))

/** An authenticator in software with one synced passkey: what a browser would answer with it. */
export function softwareAuthenticator(
  userHandle: string,
  key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
) {
  const credentialId = sha256(key.export({ format: 'der', type: 'pkcs8' }))
  const synced = FLAGS.up | FLAGS.uv | FLAGS.be | FLAGS.bs
  return {
    key,
    credentialId: base64url(credentialId),
    publicKey: base64url(cbor(coseOf(key))),
    register(asked: Circumstances): RegistrationCredential {
      const attested = { aaguid: Buffer.alloc(16), credentialId, key: cbor(coseOf(key)) }
      const flags = (asked.flags ?? synced) | FLAGS.at
      const { rpId, counter = 0 } = asked
      const authData = authenticatorData({ rpId, flags, counter, attested })
      return registration({
        credentialId,
        clientData: clientDataOf('webauthn.create', asked),
        attestation: attestation('none', authData),
      })
    },
    authenticate(asked: Circumstances): AuthenticationCredential {
      const { rpId, flags = synced, counter = 0 } = asked
      const authData = authenticatorData({ rpId, flags, counter })
      const clientData = clientDataOf('webauthn.get', asked)
      const signature = signBy(key, Buffer.concat([authData, sha256(clientData)]))
      return authentication({ credentialId, clientData, authData, signature, userHandle })
    },
  }
}

/** A key from its private number, in SEC 1. */
export function ecKey(curve: 'P-256' | 'P-384' | 'P-521', secret: Uint8Array): KeyObject {
  const oid = { 'P-256': '06082a8648ce3d030107', 'P-384': '06052b81040022', 'P-521': '06052b81040023' }[curve]
  const size = { 'P-256': 32, 'P-384': 48, 'P-521': 66 }[curve]
  const number = Buffer.concat([Buffer.alloc(size), secret]).subarray(-size)
  const body = Buffer.concat([
    Buffer.from('020101', 'hex'),
    Buffer.of(0x04, size),
    number,
    Buffer.of(0xa0, oid.length / 2),
    Buffer.from(oid, 'hex'),
  ])
  return createPrivateKey({
    key: Buffer.concat([Buffer.of(0x30, body.length), body]),
    format: 'der',
    type: 'sec1',
  })
}
