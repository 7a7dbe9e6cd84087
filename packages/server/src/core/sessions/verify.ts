import type { Call, Deps } from '../deps.ts'
import type { Session, User } from '../rows.ts'
import { readAccessToken } from './access-token.ts'

export interface SessionCheck {
  session: Session
  user: User
  /** The instant at which it was live. */
  at: number
}

/**
 * Checks an access token against the store: unlike a check of its signature alone, it sees a revocation at once. Null
 * for anything that does not lead to a live session of the token's own user; the reason is nobody's business.
 * Refusal: `unavailable` where the clock is behind the store, for something expired could seem alive.
 */
export async function verifySession(
  deps: Deps,
  call: Call,
  accessToken: string,
): Promise<SessionCheck | null> {
  const now = deps.clock.now()
  const named = await readAccessToken(deps.publicUrl, call.view, accessToken, now)
  if (!named) return null
  const found = await deps.store.findSessionNow(call.view.environment.id, named.sessionId, now)
  if (found?.user.id !== named.userId || named.expiresAt <= found.at) return null
  return isLive(found, found.at, deps.epoch) ? found : null
}

/** Whether a session is live at this moment: not revoked, not over, of this epoch, its user active. */
function isLive(
  { session, user }: Pick<SessionCheck, 'session' | 'user'>,
  now: number,
  epoch: number,
): boolean {
  return (
    session.revokedAt === null &&
    session.expiresAt > now &&
    session.epoch === epoch &&
    user.status === 'active'
  )
}
