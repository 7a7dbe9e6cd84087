import {
  type Attested,
  judgeAuthenticatorData,
  readAssertion,
  readAttestation,
  readCoseKey,
} from './authenticator-data.ts'
import { type Expected, judgeClientData, readClientData } from './client-data.ts'
import { isDerSignature } from './ecdsa-signature.ts'
import { ALGORITHMS } from './public-key.ts'
import { type Refused, refused } from './reasons.ts'
import { AuthenticationCredential, RegistrationCredential } from './shapes.ts'

export type { Expected } from './client-data.ts'
export { REFUSAL_REASONS, type RefusalReason } from './reasons.ts'

export type JudgedRegistration =
  | {
      kind: 'accepted'
      credentialId: string
      /** base64url of the COSE key. */
      publicKey: string
      signCount: number
      aaguid: string
      transports: string[]
      isBackupEligible: boolean
      isBackedUp: boolean
      isUserVerified: boolean
    }
  | Refused

export type JudgedAuthentication =
  | {
      kind: 'accepted'
      signCount: number
      isBackupEligible: boolean
      isBackedUp: boolean
      isUserVerified: boolean
    }
  | Refused

/** What is known of a passkey since its registration. */
export interface StoredPasskey {
  credentialId: string
  publicKey: string
  signCount: number
  isBackupEligible: boolean
  /** The user's id: its UTF-8 is the user handle. */
  userHandle: string
}

export interface ExpectedAuthentication extends Expected {
  /**
   * Whether the ceremony named the user before it began (`allowCredentials` was not empty). If not, the user handle is
   * what tells who is there, and must come (section 7.2, step 6). Default false.
   */
  isUserNamed?: boolean
}

/** Of a credential id, in bytes (WebAuthn Level 3, sections 4 and 7.1 step 25). */
const CREDENTIAL_ID_BYTES = { min: 16, max: 1023 }

/**
 * Judges a registration by WebAuthn Level 3, section 7.1. Never throws and never waits for anything but the processor,
 * whatever the bytes.
 *
 * `none` is the attestation that we ask for. A statement of another format is taken off before the library sees the
 * object: the key counts as one without attestation. Judging it would gain nothing without a policy on models, and the
 * library would fetch revocation lists from addresses that stand in the client's certificates.
 */
export async function judgeRegistration(
  credential: RegistrationCredential,
  expected: Expected,
): Promise<JudgedRegistration> {
  const { server, helpers } = await library()
  return unlessThrown(async () => {
    const { data } = RegistrationCredential.safeParse(credential)
    const clientData = data ? readClientData(data.response.clientDataJSON) : null
    if (!data || !clientData) return refused('malformed')
    const reason = judgeClientData(clientData, 'webauthn.create', expected)
    if (reason) return refused(reason)
    const attested = readAttestation(helpers, data.response.attestationObject)
    if (typeof attested === 'string') return refused(attested)
    const objection = judgeAuthenticatorData(attested, expected)
    if (objection) return refused(objection)
    const key = readCoseKey(helpers, base64url(attested.publicKey))
    if (typeof key === 'string') return refused(key)
    if (!isIdRight(data, attested)) return refused('credentialId')
    const { verified } = await server.verifyRegistrationResponse({
      response: {
        ...plain(data),
        response: {
          clientDataJSON: data.response.clientDataJSON,
          attestationObject: withoutStatement(attested.bytes),
        },
      },
      expectedChallenge: expected.challenge,
      expectedOrigin: [...expected.origins],
      expectedRPID: expected.rpId,
      requireUserVerification: expected.isUserVerificationRequired,
      supportedAlgorithmIDs: [...ALGORITHMS],
    })
    if (!verified) return refused('attestation')
    return {
      kind: 'accepted',
      credentialId: data.id,
      publicKey: base64url(attested.publicKey),
      signCount: attested.counter,
      aaguid: attested.aaguid,
      transports: [...new Set(data.response.transports)],
      isBackupEligible: attested.flags.be,
      isBackedUp: attested.flags.bs,
      isUserVerified: attested.flags.uv,
    }
  })
}

/**
 * Judges an authentication by WebAuthn Level 3, section 7.2. Never throws and never waits for anything but the
 * processor, whatever the bytes. `counter` is the reason only where the signature is right: then two copies of the key
 * are in use, or the authenticator was set back.
 */
export async function judgeAuthentication(
  credential: AuthenticationCredential,
  expected: ExpectedAuthentication,
  stored: StoredPasskey,
): Promise<JudgedAuthentication> {
  const { server, helpers } = await library()
  return unlessThrown(async () => {
    const { data } = AuthenticationCredential.safeParse(credential)
    const clientData = data ? readClientData(data.response.clientDataJSON) : null
    if (!data || !clientData) return refused('malformed')
    if (data.id !== data.rawId || data.id !== stored.credentialId) return refused('credentialId')
    if (!isHandleRight(data.response.userHandle, expected, stored)) return refused('userHandle')
    const reason = judgeClientData(clientData, 'webauthn.get', expected)
    if (reason) return refused(reason)
    const asserted = readAssertion(helpers, data.response.authenticatorData)
    if (typeof asserted === 'string') return refused(asserted)
    const { flags, counter } = asserted
    const objection = judgeAuthenticatorData(asserted, expected)
    if (objection) return refused(objection)
    const key = readCoseKey(helpers, stored.publicKey)
    if (typeof key === 'string') return refused(key)
    // Step 19: whether a key may leave its device is settled when it is made.
    if (flags.be !== stored.isBackupEligible) return refused('backupState')
    const isSpelledRight = key.get(3) !== -7 || isDerSignature(bytesOf(data.response.signature))
    if (!isSpelledRight) return refused('signature')
    const { verified } = await server.verifyAuthenticationResponse({
      response: { ...plain(data), response: signed(data) },
      expectedChallenge: expected.challenge,
      expectedOrigin: [...expected.origins],
      expectedTopOrigin: [...expected.origins],
      expectedRPID: expected.rpId,
      requireUserVerification: expected.isUserVerificationRequired,
      // Below every counter: the library judges it before the signature, so that anybody could raise its alarm.
      credential: { id: data.id, publicKey: bytesOf(stored.publicKey), counter: -1 },
    })
    if (!verified) return refused('signature')
    if ((counter > 0 || stored.signCount > 0) && counter <= stored.signCount) return refused('counter')
    return {
      kind: 'accepted',
      signCount: counter,
      isBackupEligible: flags.be,
      isBackedUp: flags.bs,
      isUserVerified: flags.uv,
    }
  })
}

/** The challenge that a credential says it answers: what to look up, proven by nothing yet. Null for what cannot be read. */
export function challengeOf(credential: { response: { clientDataJSON: string } }): string | null {
  const encoded: unknown = credential?.response?.clientDataJSON
  if (typeof encoded !== 'string' || encoded.length > 8192) return null
  const challenge = readClientData(encoded)?.challenge ?? ''
  return /^[\w-]{22,128}$/.test(challenge) ? challenge : null
}

/** Whether an id and a public key (base64url, COSE) that were proven elsewhere can ever prove anything here. */
export async function canBeStored(passkey: { credentialId: string; publicKey: string }): Promise<boolean> {
  const { helpers } = await library()
  const judged = await unlessThrown(async () => {
    const isId = isIdOfLength(Buffer.from(passkey.credentialId, 'base64url').length)
    const isKey = typeof readCoseKey(helpers, passkey.publicKey) !== 'string'
    return isId && isKey ? { kind: 'accepted' as const } : refused('publicKey')
  })
  return judged.kind === 'accepted'
}

function isIdRight(data: RegistrationCredential, { credentialId }: Attested): boolean {
  const isSame = data.id === data.rawId && data.id === base64url(credentialId)
  return isSame && isIdOfLength(credentialId.length)
}

const isIdOfLength = (bytes: number) => bytes >= CREDENTIAL_ID_BYTES.min && bytes <= CREDENTIAL_ID_BYTES.max

/** Step 6: the handle is the user's whose key it is. One that does not come tells nothing where the user was named. */
function isHandleRight(
  handle: string | null | undefined,
  { isUserNamed = false }: ExpectedAuthentication,
  { userHandle }: StoredPasskey,
): boolean {
  return handle ? handle === Buffer.from(userHandle).toString('base64url') : isUserNamed
}

const plain = ({ id, rawId, type }: { id: string; rawId: string; type: 'public-key' }) => ({
  id,
  rawId,
  type,
  clientExtensionResults: {},
})

function signed({ response }: AuthenticationCredential) {
  const { clientDataJSON, authenticatorData, signature } = response
  return { clientDataJSON, authenticatorData, signature }
}

/** `{fmt: "none", attStmt: {}, authData}` in CBOR. */
function withoutStatement(authData: Uint8Array): string {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(authData.length)
  const head = authData.length < 256 ? Buffer.of(0x58, authData.length) : Buffer.of(0x59, ...length)
  const before = Buffer.from('\xa3cfmtdnonegattStmt\xa0hauthData', 'latin1')
  return base64url(Buffer.concat([before, head, authData]))
}

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'))

/** What the library throws is its word for bytes that are none of WebAuthn's. */
async function unlessThrown<T extends { kind: string }>(judge: () => Promise<T | Refused>) {
  try {
    return await judge()
  } catch {
    return refused('malformed')
  }
}

let loading: Promise<Library> | null = null
interface Library {
  server: typeof import('@simplewebauthn/server')
  helpers: typeof import('@simplewebauthn/server/helpers')
}

/** Takes 0.2 s, so not at start: whoever uses no passkeys never loads it. */
function library(): Promise<Library> {
  loading ??= Promise.all([import('@simplewebauthn/server'), import('@simplewebauthn/server/helpers')]).then(
    ([server, helpers]) => ({ server, helpers }),
  )
  return loading
}
