import { z } from 'zod'
import { ALGORITHMS } from './public-key.ts'

const text = z.string()
const descriptor = z.strictObject({
  type: z.literal('public-key'),
  id: text,
  transports: z.array(text).optional(),
})
const userVerification = z.enum(['required', 'preferred', 'discouraged'])

/** `PublicKeyCredentialCreationOptionsJSON` of WebAuthn Level 3, section 5.1.10, as we write it. */
export const CreationOptions = z
  .strictObject({
    rp: z.strictObject({ id: text, name: text }),
    user: z.strictObject({ id: text, name: text, displayName: text }),
    challenge: text,
    pubKeyCredParams: z.array(z.strictObject({ type: z.literal('public-key'), alg: z.int() })),
    timeout: z.int(),
    excludeCredentials: z.array(descriptor),
    authenticatorSelection: z.strictObject({
      residentKey: z.literal('required'),
      requireResidentKey: z.literal(true),
      userVerification,
    }),
    attestation: z.literal('none'),
    extensions: z.strictObject({ credProps: z.literal(true) }),
  })
  .meta({ id: 'PasskeyCreationOptions' })

/** `PublicKeyCredentialRequestOptionsJSON` of WebAuthn Level 3, section 5.1.10, as we write it. */
export const RequestOptions = z
  .strictObject({
    challenge: text,
    timeout: z.int(),
    rpId: text,
    allowCredentials: z.array(descriptor),
    userVerification,
  })
  .meta({ id: 'PasskeyRequestOptions' })

export type CreationOptions = z.infer<typeof CreationOptions>
export type RequestOptions = z.infer<typeof RequestOptions>
export type UserVerification = z.infer<typeof userVerification>

export interface KnownCredential {
  credentialId: string
  transports: readonly string[]
}

interface Ceremony {
  rpId: string
  /** base64url of 32 random bytes. */
  challenge: string
  userVerification: UserVerification
  expiresInSeconds: number
}

/**
 * What a browser needs to make a passkey. The user handle is the UTF-8 of the user's id: it says nothing of the person
 * (section 14.6.1). The key is to be found without a name (`residentKey`), and not made twice on one authenticator.
 */
export function registrationOptions(
  ceremony: Ceremony & {
    rpName: string
    user: { id: string; name: string; displayName: string }
    excludeCredentials: readonly KnownCredential[]
  },
): CreationOptions {
  const { rpId, rpName, user, challenge, userVerification, expiresInSeconds, excludeCredentials } = ceremony
  return {
    rp: { id: rpId, name: rpName },
    user: {
      id: Buffer.from(user.id).toString('base64url'),
      name: user.name,
      displayName: user.displayName,
    },
    challenge,
    pubKeyCredParams: ALGORITHMS.map(alg => ({ type: 'public-key', alg })),
    timeout: expiresInSeconds * 1000,
    excludeCredentials: excludeCredentials.map(describe),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification },
    attestation: 'none',
    extensions: { credProps: true },
  }
}

/** What a browser needs to use a passkey: one of `allowCredentials`, or any of this relying party where it is empty. */
export function authenticationOptions(
  ceremony: Ceremony & { allowCredentials: readonly KnownCredential[] },
): RequestOptions {
  const { rpId, challenge, userVerification, expiresInSeconds, allowCredentials } = ceremony
  return {
    challenge,
    timeout: expiresInSeconds * 1000,
    rpId,
    allowCredentials: allowCredentials.map(describe),
    userVerification,
  }
}

const describe = ({ credentialId, transports }: KnownCredential) => ({
  type: 'public-key' as const,
  id: credentialId,
  ...(transports.length > 0 && { transports: [...transports] }),
})
