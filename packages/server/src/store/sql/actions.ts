import { OstiaryError } from '../../core/errors.ts'
import type {
  AtAction,
  AttemptedInAction,
  Created,
  NewAction,
  OpenedLater,
  Store,
  Tracked,
  Validated,
} from '../../core/ports.ts'
import type { Action, Authenticator, Challenge, EventContext, EventType, Origin } from '../../core/rows.ts'
import { attempt } from './attempts.ts'
import { createChallenge } from './challenges.ts'
import * as columns from './columns.ts'
import { holdApp } from './directory.ts'
import { insertEvents, newEvent } from './events.ts'
import { takeLimits } from './limits.ts'
import { lockProof } from './locks.ts'
import { noteOffer } from './offers.ts'
import { isByPasskey } from './passkeys.ts'
import { AMR, insertSession, openSession, proofOf } from './sessions.ts'
import { forUpdate, places, type Row, type Transaction, type Value } from './transaction.ts'
import { findUser } from './users.ts'

/**
 * Actions (PROTOCOL section 4). An action's row is locked last: names, users and challenges come before it, and where the
 * row has moved on meanwhile the whole write is taken back.
 */

/** What can still be worked on at `$1`, by this epoch `$2`. */
const OPEN = "state = 'CHALLENGE_REQUIRED' AND expires_at > $1 AND epoch = $2"

export async function createAction(tx: Transaction, input: NewAction): Promise<Tracked> {
  const { row, origin } = input
  const limited = await takeLimits(tx, input.limits, origin, tx.judgeAt(input.now))
  if (limited) return limited
  await holdApp(tx, row)
  const { columns: names } = columns.actions
  await tx.run(
    `INSERT INTO actions (opening_hash, working_hash, verifier_tries_left, ${names.join(', ')}) VALUES ${places(1, names.length + 3)}`,
    input.openingHash,
    input.workingHash,
    5,
    ...columns.actions.values(row),
  )
  const context = { ipAddress: row.ipAddress, userAgent: row.userAgent }
  await insertEvents(tx, [
    actionEvent('action.tracked', row, origin, input.now, {
      context,
      data: { name: row.name, outcome: row.outcome, isTracked: row.isTracked },
    }),
  ])
  return { kind: 'tracked', action: row }
}

export async function findAction(tx: Transaction, environmentId: string, id: string): Promise<Action | null> {
  const row = await tx.one('SELECT * FROM actions WHERE id = $1 AND environment_id = $2', id, environmentId)
  return row ? columns.actions.read(row) : null
}

// Two nouns in one row: the columns of the action by names that no column of a challenge has.
const NAMED = columns.actions.columns.map(name => [name, `of_action_${name}`] as const)
const WITH_CHALLENGE = `SELECT challenges.*, ${NAMED.map(([name, as]) => `actions.${name} AS ${as}`).join(', ')}
  FROM actions LEFT JOIN challenges ON challenges.id = actions.challenge_id AND challenges.environment_id = actions.environment_id`

/** See `Store.findActionByToken`. */
export async function findActionByToken(
  tx: Transaction,
  workingHash: string,
): Promise<{ action: Action; challenge: Challenge | null } | null> {
  const row = await tx.one(`${WITH_CHALLENGE} WHERE working_hash = $1`, workingHash)
  if (!row) return null
  const action = columns.actions.read(Object.fromEntries(NAMED.map(([name, as]) => [name, row[as]])))
  return { action, challenge: row.id === null ? null : columns.challenges.read(row) }
}

export async function findActionByOpening(tx: Transaction, openingHash: string): Promise<Action | null> {
  const row = await tx.one('SELECT * FROM actions WHERE opening_hash = $1', openingHash)
  return row ? columns.actions.read(row) : null
}

/** See `Store.openAction`: one UPDATE takes the opening token. */
export async function openAction(
  tx: Transaction,
  input: Parameters<Store['openAction']>[0],
): Promise<Action | null> {
  const now = tx.judgeAt(input.now)
  const row = await tx.one(
    `UPDATE actions SET opening_hash = NULL, working_hash = $3 WHERE opening_hash = $4 AND ${OPEN} RETURNING *`,
    now,
    input.epoch,
    input.workingHash,
    input.openingHash,
  )
  return row ? columns.actions.read(row) : null
}

/** See `Store.addressAction`. Whoever works on the action has it: nobody opens it any more. */
export async function addressAction(
  tx: Transaction,
  input: Parameters<Store['addressAction']>[0],
): Promise<Action | null> {
  return await advance(
    tx,
    input,
    `opening_hash = NULL, address = $6, requested_to = $7, challenge_id = NULL,
       approval_number = NULL, approval_hash = NULL, approval_expires_at = NULL`,
    input.address,
    input.requestedTo,
  )
}

/** See `Store.sendInAction`. */
export async function sendInAction(
  tx: Transaction,
  input: Parameters<Store['sendInAction']>[0],
): Promise<Created | { kind: 'stateConflict' }> {
  const { origin, challenge: asked } = input
  if (!(await readOpen(tx, input))) return { kind: 'stateConflict' }
  const created = await createChallenge(tx, asked)
  if (created.kind !== 'created') return created
  const action = await advance(
    tx,
    input,
    `opening_hash = NULL, challenge_id = $6, approval_number = NULL, approval_hash = NULL, approval_expires_at = NULL`,
    created.challenge.id,
  )
  // The address is the one that the challenge goes to: whoever typed another one meanwhile has the say.
  if (!action || action.address !== created.challenge.address) throw new OstiaryError('state_conflict')
  await insertEvents(tx, [
    actionEvent('action.challenge_started', action, origin, asked.now, {
      challengeId: created.challenge.id,
      data: { credential: created.challenge.credential },
    }),
  ])
  return created
}

/** See `Store.attemptInAction`. */
export async function attemptInAction(
  tx: Transaction,
  input: Parameters<Store['attemptInAction']>[0],
): Promise<AttemptedInAction> {
  const { attempt: asked, result, origin } = input
  const before = await readOpen(tx, input)
  const isPasskey = isByPasskey(asked)
  const underWay = isPasskey ? before?.passkey_challenge_id : before?.challenge_id
  if (!before || underWay !== asked.proof.challengeId) return { kind: 'stateConflict' }
  const outcome = await attempt(tx, asked)
  const now = tx.judgeAt(asked.now)
  if (outcome.kind === 'userBlocked' || outcome.kind === 'signUpClosed' || outcome.kind === 'externalIdTaken')
    await fail(tx, input, 'blocked', contextOf(asked.circumstances))
  if (outcome.kind !== 'verified') return outcome
  const { challenge, user } = outcome
  const [method] = AMR[challenge.provenBy ?? 'code'].methods
  const isOffered = input.offer && user ? await noteOffer(tx, user, input.offer, now) : false
  const given = isOffered ? null : result
  const action = await advance(
    tx,
    input,
    `state = 'CHALLENGE_SUCCEEDED', state_changed_at = $1, method = $6, user_id = $7, result_hash = $8,
       result_expires_at = $9, offers_passkey = $10, challenge_id = ${isPasskey ? 'passkey_challenge_id' : 'challenge_id'},
       opening_hash = NULL, approval_number = NULL, approval_hash = NULL, approval_expires_at = NULL`,
    method ?? null,
    user?.id ?? null,
    given?.hash ?? null,
    given ? now + given.livesMs : null,
    Number(isOffered),
  )
  if (action?.challengeId !== challenge.id) throw new OstiaryError('state_conflict')
  const context = contextOf(asked.circumstances)
  await insertEvents(tx, [
    actionEvent('action.challenge_succeeded', action, origin, now, {
      challengeId: challenge.id,
      context,
      data: { method, isApproval: input.approval !== undefined },
    }),
  ])
  return { ...outcome, action }
}

/** See `Store.finishAction`: one UPDATE gives the result token. */
export async function finishAction(
  tx: Transaction,
  input: Parameters<Store['finishAction']>[0],
): Promise<Action | null> {
  const now = tx.judgeAt(input.now)
  const row = await tx.one(
    `UPDATE actions SET result_hash = $3, result_expires_at = $4, offers_passkey = 0
     WHERE id = $5 AND working_hash = $6 AND state = 'CHALLENGE_SUCCEEDED' AND result_hash IS NULL AND validated_at IS NULL
       AND expires_at > $1 AND epoch = $2 AND environment_id = $7 RETURNING *`,
    now,
    input.epoch,
    input.result.hash,
    now + input.result.livesMs,
    input.actionId,
    input.workingHash,
    input.origin.environmentId,
  )
  return row ? columns.actions.read(row) : null
}

/** See `Store.cancelAction`. */
export const cancelAction = (tx: Transaction, input: AtAction): Promise<Action | null> =>
  fail(tx, input, 'cancelled', null)

async function fail(
  tx: Transaction,
  input: AtAction,
  reason: 'cancelled' | 'blocked',
  context: EventContext | null,
): Promise<Action | null> {
  const set = `state = 'CHALLENGE_FAILED', state_changed_at = $1, reason = $6, opening_hash = NULL`
  const action = await advance(tx, input, set, reason)
  if (action)
    await insertEvents(tx, [
      actionEvent('action.challenge_failed', action, input.origin, tx.judgeAt(input.now), {
        context,
        data: { reason },
      }),
    ])
  return action
}

/** See `Store.validateAction`. */
export async function validateAction(
  tx: Transaction,
  input: Parameters<Store['validateAction']>[0],
): Promise<Validated> {
  const { origin, resultHash } = input
  const { environmentId } = origin
  const invalid = { kind: 'tokenInvalid' } as const
  const byResult = `SELECT actions.*, CASE WHEN EXISTS (
       SELECT 1 FROM authenticators WHERE authenticators.user_id = actions.user_id AND type = 'passkey') THEN 1 ELSE 0 END AS has_passkey
     FROM actions WHERE result_hash = $1 AND environment_id = $2`
  const found = await tx.one(byResult, resultHash, environmentId)
  if (!found) return invalid
  await lockProof(tx, environmentId, found.challenge_id)
  const proof = await tx.one(
    `SELECT * FROM challenges WHERE id = $1 AND environment_id = $2 ${forUpdate(tx, 'challenges')}`,
    found.challenge_id,
    environmentId,
  )
  const row = await tx.one(`${byResult} ${forUpdate(tx, 'actions')}`, resultHash, environmentId)
  const now = tx.judgeAt(input.now)
  if (!row || !proof || row.epoch !== input.epoch || row.state !== 'CHALLENGE_SUCCEEDED') return invalid
  if (input.appId !== null && row.app_id !== input.appId) return invalid
  if (row.name !== input.name || (input.userId !== null && row.user_id !== input.userId)) return invalid
  if ((row.validated_at === null ? row.result_expires_at : row.expires_at) <= now) return invalid
  if (row.verifier_tries_left === 0) return invalid
  // A verifier where none was bound is a sign of a stripped challenge (RFC 9700 2.1.1): refused, too.
  if (row.code_challenge !== input.codeChallenge) {
    await tx.run('UPDATE actions SET verifier_tries_left = verifier_tries_left - 1 WHERE id = $1', row.id)
    return invalid
  }
  // Whatever ended the proof since (signed out everywhere, address moved, adopted) ends what it would open.
  const user =
    row.validated_at === null && proof.ended_at !== null
      ? null
      : await findUser(tx, environmentId, row.user_id)
  if (!user) return invalid
  if (user.status === 'blocked') return { kind: 'userBlocked' }
  const action = columns.actions.read(row)
  const authenticators: Authenticator['type'][] = row.has_passkey === 1 ? ['passkey'] : []
  if (action.validatedAt !== null) return { kind: 'validated', action, user, authenticators, session: null }

  const opens = action.name === 'signIn' && proof.session_opened_at === null
  if (opens && !input.session) return { kind: 'ready', challenge: columns.challenges.read(proof), user }
  await tx.run('UPDATE actions SET validated_at = $2 WHERE id = $1', action.id, now)
  const opened = await openOnce(tx, proof, action, input, now)
  await insertEvents(tx, [
    actionEvent('action.validated', action, origin, now, { sessionId: opened?.session.id ?? null }),
    ...(opened?.events ?? []),
  ])
  return {
    kind: 'validated',
    action: { ...action, validatedAt: now },
    user: opened ? { ...user, lastSignInAt: now } : user,
    authenticators,
    session: opened?.session ?? null,
  }

  async function openOnce(
    tx: Transaction,
    proof: Row,
    action: Action,
    input: Parameters<Store['validateAction']>[0],
    now: number,
  ) {
    if (!opens || !user || !input.session) return null
    return await insertSession(
      tx,
      columns.challenges.read(proof),
      user,
      proofOf(proof),
      input.session,
      { ...input.origin, appId: action.appId },
      now,
    )
  }
}

/** See `Store.openActionSession`. */
export async function openActionSession(
  tx: Transaction,
  input: Parameters<Store['openActionSession']>[0],
): Promise<OpenedLater> {
  const action = await findAction(tx, input.origin.environmentId, input.actionId)
  if (!action) return { kind: 'notFound' }
  const { challengeId } = action
  const isOurs = action.isTracked && action.codeChallenge === null && action.state === 'CHALLENGE_SUCCEEDED'
  if (!isOurs || challengeId === null) return { kind: 'stateConflict' }
  const opened = await openSession(tx, { ...input, challengeId }, action.id)
  if (opened.kind === 'opened')
    await tx.run(
      'UPDATE actions SET validated_at = $2 WHERE id = $1 AND validated_at IS NULL',
      action.id,
      tx.judgeAt(input.now),
    )
  return opened
}

/** The action as it stands, while it can be worked on by this holder. Read without a lock: `advance` decides. */
export async function readOpen(tx: Transaction, input: AtAction): Promise<Row | undefined> {
  return await tx.one(
    `SELECT * FROM actions WHERE ${OPEN} AND id = $3 AND environment_id = $4 AND working_hash = coalesce($5, working_hash)`,
    tx.judgeAt(input.now),
    input.epoch,
    input.actionId,
    input.origin.environmentId,
    input.workingHash,
  )
}

/** One conditional UPDATE of an action that can be worked on; `$1` is the instant, values begin at `$6`. Null: it is over. */
export async function advance(
  tx: Transaction,
  input: AtAction,
  set: string,
  ...values: Value[]
): Promise<Action | null> {
  const row = await tx.one(
    `UPDATE actions SET ${set}
     WHERE ${OPEN} AND id = $3 AND environment_id = $4 AND working_hash = coalesce($5, working_hash) RETURNING *`,
    tx.judgeAt(input.now),
    input.epoch,
    input.actionId,
    input.origin.environmentId,
    input.workingHash,
    ...values,
  )
  return row ? columns.actions.read(row) : null
}

/** An event about an action; the rest comes from its origin. */
export const actionEvent = (
  type: EventType,
  action: Action,
  origin: Origin,
  now: number,
  subject: Parameters<typeof newEvent>[3],
) =>
  newEvent(type, origin, now, {
    appId: action.appId,
    actionId: action.id,
    userId: action.userId,
    challengeId: action.challengeId,
    ...subject,
  })

const contextOf = ({ ipAddress, userAgent }: EventContext): EventContext => ({ ipAddress, userAgent })
