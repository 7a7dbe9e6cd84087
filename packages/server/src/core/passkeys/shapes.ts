import { z } from 'zod'

const isCanonical = (text: string) => Buffer.from(text, 'base64url').toString('base64url') === text

/** base64url without padding, and no other spelling of the same bytes (RFC 4648 section 3.5). */
const bytes = (maxChars: number) =>
  z
    .string()
    .min(1)
    .max(maxChars)
    .regex(/^[\w-]+$/, 'base64url without padding')
    .refine(isCanonical, 'base64url without padding')

// Wider than the 1023 bytes that a credential id may have: those are judged with the ceremony, by their own reason.
const credentialId = bytes(2048)
const clientDataJSON = bytes(8192)
const authenticatorData = bytes(16_384)

/** What no ceremony of ours reads. Extensions are never asked for but `credProps`, and none is believed. */
const unread = {
  authenticatorAttachment: z.string().max(32).nullish(),
  clientExtensionResults: z.record(z.string().max(64), z.unknown()),
}

/** `RegistrationResponseJSON` of WebAuthn Level 3, section 5.1. The unsigned copies beside the attestation are not read. */
export const RegistrationCredential = z
  .strictObject({
    id: credentialId,
    rawId: credentialId,
    type: z.literal('public-key'),
    response: z.strictObject({
      clientDataJSON,
      attestationObject: bytes(49_152),
      transports: z.array(z.string().max(32)).max(16).optional(),
      authenticatorData: authenticatorData.nullish(),
      publicKey: bytes(4096).nullish(),
      publicKeyAlgorithm: z.int().nullish(),
    }),
    ...unread,
  })
  .meta({ id: 'RegistrationCredential' })

/** `AuthenticationResponseJSON` of WebAuthn Level 3, section 5.1. */
export const AuthenticationCredential = z
  .strictObject({
    id: credentialId,
    rawId: credentialId,
    type: z.literal('public-key'),
    response: z.strictObject({
      clientDataJSON,
      authenticatorData,
      signature: bytes(2048),
      userHandle: bytes(86).nullish(),
    }),
    ...unread,
  })
  .meta({ id: 'AuthenticationCredential' })

export type RegistrationCredential = z.infer<typeof RegistrationCredential>
export type AuthenticationCredential = z.infer<typeof AuthenticationCredential>
