import { type Call, type Deps, refuse } from '../deps.ts'
import type { Action } from '../rows.ts'

/**
 * Decides a review. One that is passed lets the person go on to the proof, while the action lives; it proves nothing by
 * itself. Refusals: `not_found`, and `state_conflict` where nothing waits for a review, so also for the second who decides.
 */
export async function reviewAction(
  { store, clock, epoch }: Deps,
  { view, origin }: Call,
  actionId: string,
  state: 'REVIEW_SUCCEEDED' | 'REVIEW_FAILED',
): Promise<Action> {
  const reviewed = await store.reviewAction({ origin, now: clock.now(), epoch, actionId, state })
  if (reviewed) return reviewed
  const action = await store.findAction(view.environment.id, actionId)
  return action
    ? refuse('state_conflict', `The action is in the state ${action.state}.`)
    : refuse('not_found')
}
