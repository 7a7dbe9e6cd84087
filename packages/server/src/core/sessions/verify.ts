import type { Call, Deps } from '../deps.ts'
import type { Session, User } from '../rows.ts'
import { readAccessToken } from './access-token.ts'

export interface SessionCheck {
  session: Session
  user: User
}

/** Whether a session is live at this moment: not revoked, not over, of this epoch, its user active. */
export function isLive({ session, user }: SessionCheck, now: number, epoch: number): boolean {
  return (
    session.revokedAt === null &&
    session.expiresAt > now &&
    session.epoch === epoch &&
    user.status === 'active'
  )
}

/**
 * Checks an access token against the store: unlike a check of its signature alone, it sees a revocation at once.
 * Null for anything that does not lead to a live session; the reason is nobody's business.
 */
export async function verifySession(
  deps: Deps,
  call: Call,
  accessToken: string,
): Promise<SessionCheck | null> {
  const now = deps.clock.now()
  const sessionId = await readAccessToken(deps.publicUrl, call.view, accessToken, now)
  const found = sessionId === null ? null : await deps.store.findSession(call.view.environment.id, sessionId)
  return found && isLive(found, now, deps.epoch) ? found : null
}
