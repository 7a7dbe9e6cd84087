import { type Call, type Deps, refuse } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newNotice } from '../notices/notice.ts'
import type { Claimed } from '../ports.ts'
import type { Challenge, User } from '../rows.ts'

export interface ClaimedChallenge {
  challenge: Challenge
  user: User
}

const WITHIN_MS = 10 * 60_000
/** A claim is a backend's call, and nobody told where the person was. */
const NOBODY = { ipAddress: null, userAgent: null }

/**
 * Binds the address that a challenge of userMode `none` proved to a user: once, within ten minutes of the proof.
 * Refusals: `not_found` (challenge or user), `state_conflict`, `already_claimed`, `challenge_expired`, `user_blocked`, `already_exists`
 * when another user has proven the address.
 */
export async function claimChallenge(
  deps: Deps,
  call: Call,
  input: { challengeId: string; userId?: string | undefined; externalId?: string | undefined },
  keep?: Keep<ClaimedChallenge>,
): Promise<ClaimedChallenge> {
  const { challengeId, userId = null, externalId = null } = input
  if ((userId === null) === (externalId === null))
    throw fieldError('userId', 'invalid_value', 'exactly one of userId and externalId is needed')
  return await writeOnce<Claimed, ClaimedChallenge>(
    keep,
    once =>
      deps.store.claimChallenge(
        {
          origin: call.origin,
          now: deps.clock.now(),
          epoch: deps.epoch,
          challengeId,
          userId,
          externalId,
          withinMs: WITHIN_MS,
          notice: newNotice(deps, call, 'addressAdded', NOBODY, deps.clock.now()),
        },
        once,
      ),
    outcome => {
      switch (outcome.kind) {
        case 'claimed':
          return { challenge: outcome.challenge, user: outcome.user }
        case 'notFound':
          return refuse('not_found')
        case 'userUnknown':
          return refuse('not_found', 'There is no such user.')
        case 'stateConflict':
          return refuse('state_conflict', 'Only a verified challenge of userMode "none" can be claimed.')
        case 'alreadyClaimed':
          return refuse('already_claimed')
        case 'late':
          return refuse('challenge_expired', 'A challenge can be claimed within ten minutes of its proof.')
        case 'userBlocked':
          return refuse('user_blocked')
        case 'addressTaken':
          return refuse('already_exists', 'Another user has proven this address.')
      }
    },
  )
}
