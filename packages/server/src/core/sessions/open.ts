import { type Call, circumstancesOf, type Deps, refuse, type ToldContext } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import type { OpenedLater } from '../ports.ts'
import type { Refreshed } from './refresh.ts'
import { prepareSession, tokensOf } from './tokens.ts'

const WITHIN_MS = 10 * 60_000

/**
 * Opens the session that verify did not: once, within ten minutes of the proof, whose instant becomes `authTime`.
 * Of an action only one that a backend tracked and no verifier binds: what a browser began is redeemed by its result.
 * Refusals: `not_found`, `state_conflict` (not verified, or no user), `already_claimed`, `challenge_expired`, `user_blocked`.
 */
export async function openSession(
  deps: Deps,
  call: Call,
  input: {
    challengeId?: string | undefined
    actionId?: string | undefined
    context?: ToldContext | undefined
  },
  keep?: Keep<Refreshed>,
): Promise<Refreshed> {
  const { challengeId, actionId } = input
  if ((challengeId === undefined) === (actionId === undefined))
    throw fieldError('challengeId', 'invalid_value', 'exactly one of challengeId and actionId is needed')
  const now = deps.clock.now()
  const { session, refreshToken } = prepareSession(deps, call, circumstancesOf(input.context), now)
  return await writeOnce<OpenedLater, Refreshed>(
    keep,
    once => {
      const opening = { origin: call.origin, now, epoch: deps.epoch, withinMs: WITHIN_MS, session }
      return challengeId !== undefined
        ? deps.store.openSession({ ...opening, challengeId }, once)
        : deps.store.openActionSession({ ...opening, actionId: actionId ?? '' }, once)
    },
    async outcome => {
      switch (outcome.kind) {
        case 'notFound':
          return refuse('not_found')
        case 'stateConflict':
          return refuse(
            'state_conflict',
            'It is not proven, led to no user, or is redeemed by its result token.',
          )
        case 'alreadyOpened':
          return refuse('already_claimed', 'Its session was opened before.')
        case 'late':
          return refuse('challenge_expired', 'A session can be opened within ten minutes of the proof.')
        case 'userBlocked':
          return refuse('user_blocked')
        case 'opened': {
          const tokens = await tokensOf(
            deps,
            call,
            outcome.session,
            refreshToken,
            session.refreshExpiresAt,
            now,
          )
          return { session: outcome.session, user: outcome.user, tokens }
        }
      }
    },
  )
}
