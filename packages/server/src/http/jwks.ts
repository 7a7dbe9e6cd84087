import type { EnvironmentView } from '../core/environments/directory.ts'
import { verifyingKeys } from '../core/sessions/access-token.ts'

/** The public keys of an environment (RFC 7517): from an hour before a key signs until its last token has ended. */
export function jwks({ signingKeys }: EnvironmentView, now: number): { keys: Record<string, unknown>[] } {
  return { keys: verifyingKeys(signingKeys, now).map(key => key.publicJwk) }
}
