import { withQuery } from '../addresses/redirect-url.ts'
import type { Action, ActionState, Challenge } from '../rows.ts'
import { isEnrolmentDue } from './demands.ts'

export type Step =
  | 'identify'
  | 'method'
  | 'code'
  | 'link'
  | 'approve'
  | 'enroll'
  | 'offer'
  /** Somebody has to decide: then it goes on to the proof, or ends. */
  | 'review'
  | 'done'
  | 'ended'

/** The state at an instant: one that ran out before its result was given has failed. Expiry is judged where it is asked for. */
export function stateOf(action: Action, now: number, epoch: number): ActionState {
  const isOver = action.expiresAt <= now || action.epoch !== epoch
  const isWaiting = action.state === 'CHALLENGE_REQUIRED' || action.offersPasskey
  return isWaiting && isOver ? 'CHALLENGE_FAILED' : action.state
}

/** Whether a proof is due: at once, or because a review let the person go on to it. */
export const isOpen = (state: ActionState) => state === 'CHALLENGE_REQUIRED' || state === 'REVIEW_SUCCEEDED'

/** Which step its browser is at: the server holds the order, the page only shows it. */
export function stepOf(action: Action, challenge: Challenge | null, now: number, epoch: number): Step {
  const state = stateOf(action, now, epoch)
  const isOver = action.expiresAt <= now || action.epoch !== epoch
  if (state === 'CHALLENGE_SUCCEEDED' && action.offersPasskey) return 'offer'
  if (state === 'CHALLENGE_SUCCEEDED' || state === 'ALLOW') return 'done'
  if (state === 'REVIEW_REQUIRED' && !isOver) return 'review'
  if (!isOpen(state) || isOver) return 'ended'
  if (isEnrolmentDue(action)) return 'enroll'
  // Whom the backend named, nobody types in: with no address they have a passkey alone.
  if (action.address === null) return action.isNamed ? 'method' : 'identify'
  if (challenge === null) return 'method'
  if (approvalNumber(action, now) !== null) return 'approve'
  return challenge.credential === 'link' ? 'link' : 'code'
}

/** The number that the first tab shows while another device is asked for it, or null. */
export function approvalNumber(action: Action, now: number): string | null {
  return action.approvalExpiresAt !== null && action.approvalExpiresAt > now ? action.approvalNumber : null
}

/** Where an action that ended without success leads: back to the app with `error`; null where there is nowhere to go. */
export function endedRedirect(action: Action, now: number, epoch: number): string | null {
  const state = stateOf(action, now, epoch)
  const isLate = state === 'REVIEW_SUCCEEDED' && stepOf(action, null, now, epoch) === 'ended'
  const error = isLate ? 'expired' : errorOf(action, state)
  if (action.redirectUrl === null || error === null) return null
  return withQuery(action.redirectUrl, { error, state: action.clientState })
}

function errorOf(action: Action, state: ActionState): string | null {
  if (state === 'BLOCK') return 'blocked'
  if (state === 'REVIEW_REQUIRED') return 'review_pending'
  if (state === 'REVIEW_FAILED') return 'blocked'
  if (state !== 'CHALLENGE_FAILED') return null
  return action.reason ?? 'expired'
}
