import { type Call, circumstancesOf, type Deps, refuse, shownDevice, type ToldContext } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { ConsentNeeded, withConsent } from '../hooks/before-sign-in.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import type { Circumstances, OpenedLater } from '../ports.ts'
import type { Refreshed } from './refresh.ts'
import { prepareSession, tokensOf } from './tokens.ts'

const WITHIN_MS = 10 * 60_000

/**
 * Opens the session that verify did not: once, within ten minutes of the proof, whose instant becomes `authTime`.
 * Of an action only one that a backend tracked and no verifier binds: what a browser began is redeemed by its result.
 * Refusals: `not_found`, `state_conflict` (not verified, or no user), `already_claimed`, `challenge_expired`,
 * `user_blocked`, `hook_denied`, `unavailable`.
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
  const of = challengeId === undefined ? { actionId: actionId ?? '' } : { challengeId }
  const asking = { circumstances: circumstancesOf(input.context), shown: shownDevice(input.context) }
  return await openProven(deps, call, of, asking, keep, opened => opened)
}

/** The session of a proof that stands, with the consent of the hook; `finish` makes of it what is answered and kept. */
export async function openProven<Result>(
  deps: Deps,
  call: Call,
  of: { challengeId: string } | { actionId: string },
  { circumstances, shown }: { circumstances: Circumstances; shown: string | null | undefined },
  keep: Keep<Result> | undefined,
  finish: (opened: Refreshed) => Result,
): Promise<Result> {
  return await withConsent(deps, call, circumstances, async consent => {
    const now = deps.clock.now()
    const prepared = consent && prepareSession(deps, call, circumstances, now, consent, shown)
    const session = prepared?.session ?? null
    const opening = { origin: call.origin, now, epoch: deps.epoch, withinMs: WITHIN_MS, session }
    return await writeOnce<OpenedLater, Result>(
      keep,
      once =>
        'challengeId' in of
          ? deps.store.openSession({ ...opening, ...of }, once)
          : deps.store.openActionSession({ ...opening, ...of }, once),
      async outcome => {
        if (outcome.kind === 'ready') throw new ConsentNeeded(outcome)
        if (outcome.kind !== 'opened') return refused(outcome.kind)
        if (!prepared) throw new Error('a session was opened without consent')
        const { refreshToken } = prepared
        const until = prepared.session.refreshExpiresAt
        const deviceToken = outcome.isDeviceNew ? prepared.deviceToken : null
        const tokens = await tokensOf(deps, call, outcome.session, refreshToken, until, now, deviceToken)
        return finish({ session: outcome.session, user: outcome.user, tokens })
      },
    )
  })
}

function refused(kind: Exclude<OpenedLater['kind'], 'opened' | 'ready'>): never {
  switch (kind) {
    case 'notFound':
      return refuse('not_found')
    case 'stateConflict':
      return refuse('state_conflict', 'It is not proven, led to no user, or is redeemed by its result token.')
    case 'alreadyOpened':
      return refuse('already_claimed', 'Its session was opened before.')
    case 'late':
      return refuse('challenge_expired', 'A session can be opened within ten minutes of the proof.')
    case 'userBlocked':
      return refuse('user_blocked')
  }
}
