import { z } from 'zod'
import { providerOf } from '../core/passkeys/providers.ts'
import { AuthenticationCredential, RegistrationCredential } from '../core/passkeys/shapes.ts'
import type { Authenticator } from '../core/rows.ts'
import { Instant, iso, isoOrNull } from './wire.ts'

/** Authenticators on the wire, and the answers of passkeys. */

export const AuthenticatorBody = z
  .object({
    id: z.string().meta({ examples: ['aut_01k6z5v9hrf0qv2s8yb7m3c4dn'] }),
    type: z.enum(['passkey']),
    name: z.string(),
    aaguid: z.string().nullable(),
    provider: z.string().nullable(),
    transports: z.array(z.string()),
    isBackupEligible: z.boolean(),
    isBackedUp: z.boolean(),
    rpId: z.string(),
    createdAt: Instant,
    lastUsedAt: Instant.nullable(),
  })
  .meta({ id: 'Authenticator' })

export function authenticatorBody(authenticator: Authenticator) {
  const { id, type, name, aaguid, transports, isBackupEligible, isBackedUp, rpId } = authenticator
  return {
    id,
    type,
    name,
    aaguid,
    provider: providerOf(aaguid),
    transports,
    isBackupEligible,
    isBackedUp,
    rpId,
    createdAt: iso(authenticator.createdAt),
    lastUsedAt: isoOrNull(authenticator.lastUsedAt),
  }
}

/** `PublicKeyCredential.toJSON()` of either ceremony. */
export const PasskeyCredentialBody = z.union([AuthenticationCredential, RegistrationCredential])
