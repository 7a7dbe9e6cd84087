import { createHash } from 'node:crypto'
import { type CoseKey, judgePublicKey } from './public-key.ts'
import type { RefusalReason } from './reasons.ts'

type Helpers = typeof import('@simplewebauthn/server/helpers')

/** Authenticator data as section 6.1 of WebAuthn Level 3 has it. */
export interface AuthenticatorData {
  rpIdHash: Uint8Array
  flags: { up: boolean; uv: boolean; be: boolean; bs: boolean; at: boolean }
  counter: number
}

/** What an attestation says of a new key. */
export interface Attested extends AuthenticatorData {
  /** The bytes of the authenticator data itself. */
  bytes: Uint8Array
  credentialId: Uint8Array
  publicKey: Uint8Array
  aaguid: string
}

/** The registry of attestation statement formats (RFC 8809). */
const FORMATS = new Set([
  'none',
  'packed',
  'tpm',
  'android-key',
  'android-safetynet',
  'fido-u2f',
  'apple',
  'compound',
])

/** Where the public key begins: after hash, flags, counter, AAGUID and the length and bytes of the credential id. */
const keyOffset = (credentialId: Uint8Array) => 32 + 1 + 4 + 16 + 2 + credentialId.length

/** Reads an attestation object. The statement is looked at no further than its form: see `judgeRegistration`. */
export function readAttestation(helpers: Helpers, encoded: string): Attested | RefusalReason {
  const object = decodeWhole(helpers, Buffer.from(encoded, 'base64url'))
  if (!(object instanceof Map) || object.size !== 3) return 'malformed'
  const [format, statement, bytes] = ['fmt', 'attStmt', 'authData'].map(name => object.get(name))
  if (!(bytes instanceof Uint8Array) || !(statement instanceof Map)) return 'malformed'
  if (typeof format !== 'string' || !FORMATS.has(format)) return 'attestation'
  if (format === 'none' && statement.size > 0) return 'attestation'
  const { rpIdHash, flags, counter, ...attested } = helpers.parseAuthenticatorData(bytes.slice())
  const { aaguid, credentialID: credentialId, credentialPublicKey: publicKey } = attested
  if (!aaguid || !credentialId || !publicKey) return 'malformed'
  // The library encodes the key anew; another spelling than the one that the authenticator wrote is none of ours.
  const written = bytes.subarray(keyOffset(credentialId)).subarray(0, publicKey.length)
  if (aaguid.length !== 16 || Buffer.compare(written, publicKey) !== 0) return 'malformed'
  return {
    bytes,
    rpIdHash,
    flags,
    counter,
    credentialId,
    publicKey,
    aaguid: helpers.convertAAGUIDToString(aaguid),
  }
}

/** Reads the authenticator data of an assertion, which carries no key (section 6.1). */
export function readAssertion(helpers: Helpers, encoded: string): AuthenticatorData | RefusalReason {
  const { rpIdHash, flags, counter } = helpers.parseAuthenticatorData(
    new Uint8Array(Buffer.from(encoded, 'base64url')),
  )
  return flags.at ? 'malformed' : { rpIdHash, flags, counter }
}

/** Steps 14 to 18 of section 7.1, and 15 to 18 of section 7.2. */
export function judgeAuthenticatorData(
  { rpIdHash, flags }: AuthenticatorData,
  expected: { rpId: string; isUserVerificationRequired: boolean },
): RefusalReason | null {
  const ours = createHash('sha256').update(expected.rpId).digest()
  if (Buffer.compare(ours, rpIdHash) !== 0) return 'rpId'
  if (!flags.up) return 'userPresence'
  if (expected.isUserVerificationRequired && !flags.uv) return 'userVerification'
  if (flags.bs && !flags.be) return 'backupState'
  return null
}

/** Reads the base64url of a COSE key that can prove something here; why not, if it cannot. */
export function readCoseKey(helpers: Helpers, encoded: string): CoseKey | RefusalReason {
  const key = decodeWhole(helpers, Buffer.from(encoded, 'base64url'))
  if (!(key instanceof Map)) return 'publicKey'
  const judged = judgePublicKey(key as CoseKey)
  return judged === 'usable' ? (key as CoseKey) : judged
}

/**
 * Decodes bytes that are one CBOR value and nothing else, in the shortest spelling. The library's decoder takes a string
 * that is longer than its input, and stops at the end of the first value: writing it anew finds both out.
 */
function decodeWhole({ isoCBOR }: Helpers, buffer: Buffer): unknown {
  const bytes = new Uint8Array(buffer)
  const value: unknown = isoCBOR.decodeFirst(bytes)
  return Buffer.compare(isoCBOR.encode(value as never), bytes) === 0 ? value : null
}
