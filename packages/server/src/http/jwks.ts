import type { EnvironmentView } from '../core/environments/directory.ts'

const LONGEST_TOKEN_SECONDS = 3600
const CACHED_MS = 60 * 60_000

/**
 * The public keys of an environment (RFC 7517). A key is in the set from an hour before it signs until an hour after
 * the last token that it signed has ended, counted from the moment when its successor took over.
 */
export function jwks({ signingKeys }: EnvironmentView, now: number): { keys: Record<string, unknown>[] } {
  const keys = signingKeys.filter((_, index) => {
    const successor = signingKeys[index - 1]
    return !successor || successor.activatesAt + LONGEST_TOKEN_SECONDS * 1000 + CACHED_MS > now
  })
  return { keys: keys.map(key => key.publicJwk) }
}
