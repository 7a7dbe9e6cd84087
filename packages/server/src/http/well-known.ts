import type { EnvironmentView } from '../core/environments/directory.ts'
import { relatedOrigins } from '../core/passkeys/relying-party.ts'

/** `/.well-known/webauthn` (WebAuthn Level 3, section 5.11): the other sites on which browsers may use our passkeys. */
export const webauthnDocument = (views: readonly EnvironmentView[]) => ({ origins: relatedOrigins(views) })
