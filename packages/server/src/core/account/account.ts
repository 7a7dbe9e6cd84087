import { type Call, refuse } from '../deps.ts'
import type { Circumstances } from '../ports.ts'
import type { EventContext, Session, User } from '../rows.ts'

/** A person at their own account: by a session that was live at the instant `at`, and never another's. */
export interface AtAccount extends Call {
  user: User
  session: Session
  at: number
  circumstances: Circumstances
}

const FRESH_MS = 10 * 60_000

/**
 * Refuses whoever proved long ago: a session that was left open, or taken, must not change the ways in. `authTime` is the
 * instant of a proof (promise 3), and no refresh moves it. Refusal: `fresh_proof_required`.
 */
export function guardFresh({ session, at }: Pick<AtAccount, 'session' | 'at'>): void {
  if (at - session.authTime >= FRESH_MS) refuse('fresh_proof_required')
}

export const contextOf = ({ circumstances }: AtAccount): EventContext => ({
  ipAddress: circumstances.ipAddress,
  userAgent: circumstances.userAgent,
})
