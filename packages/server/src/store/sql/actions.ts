import { OstiaryError } from '../../core/errors.ts'
import type {
  ActionFilter,
  AtAction,
  AttemptedInAction,
  Created,
  Listed,
  NewAction,
  OpenedLater,
  Page,
  Store,
  Tracked,
  Validated,
} from '../../core/ports.ts'
import type {
  Action,
  Authenticator,
  Challenge,
  Event,
  EventContext,
  EventType,
  Origin,
  User,
} from '../../core/rows.ts'
import { attempt } from './attempts.ts'
import { createChallenge } from './challenges.ts'
import * as columns from './columns.ts'
import { keepDevice } from './devices.ts'
import { holdApp } from './directory.ts'
import { insertEvents, newEvent } from './events.ts'
import { takeLimits } from './limits.ts'
import { lockProof } from './locks.ts'
import { type Condition, lookThrough, pageOf, unindexed } from './pages.ts'
import { isByPasskey } from './passkeys.ts'
import { AMR, insertSession, openSession, proofOf, together } from './sessions.ts'
import { goOn, readProofs } from './steps.ts'
import { addressName, forUpdate, places, type Row, type Transaction, type Value } from './transaction.ts'
import { findUser, holdUser, insertNewUser, lockUser } from './users.ts'

/**
 * Actions (PROTOCOL section 4). An action's row is locked last: names, users and challenges come before it, and where the
 * row has moved on meanwhile the whole write is taken back.
 */

/** What can still be worked on at `$1`, by this epoch `$2`. */
const OPEN = "state IN ('CHALLENGE_REQUIRED', 'REVIEW_SUCCEEDED') AND expires_at > $1 AND epoch = $2"

export async function createAction(tx: Transaction, input: NewAction): Promise<Tracked> {
  const { row, origin } = input
  const limited = await takeLimits(tx, input.limits, origin, tx.judgeAt(input.now))
  if (limited) return limited
  await holdApp(tx, row)
  if (input.newUser) {
    const earlier = await repeated(tx, row)
    if (earlier) return earlier
    if (!(await makeUser(tx, input.newUser, input))) return { kind: 'userKnown' }
  }
  // What is known of a person is not written down behind their deletion.
  else if (row.userId !== null) await holdUser(tx, row.environmentId, row.userId)
  const { columns: names } = columns.actions
  // Of several with one reference the first is kept; the others wait for its commit and then find it.
  const written = await tx.run(
    `INSERT INTO actions (opening_hash, working_hash, verifier_tries_left, ${names.join(', ')}) VALUES ${places(1, names.length + 3)}
     ON CONFLICT (reference, environment_id) WHERE reference IS NOT NULL DO NOTHING`,
    input.openingHash,
    input.workingHash,
    5,
    ...columns.actions.values(row),
  )
  if (written === 0) {
    // A user who was made for it is taken back.
    const earlier = input.newUser ? null : await repeated(tx, row)
    if (!earlier) throw new OstiaryError('already_exists')
    return earlier
  }
  const context = { ipAddress: row.ipAddress, userAgent: row.userAgent }
  await insertEvents(tx, [
    actionEvent('action.tracked', row, origin, input.now, {
      context,
      data: { name: row.name, outcome: row.outcome, isTracked: row.isTracked, ...toldOf(row) },
    }),
    ...judgedEvents(row, origin, input.now),
  ])
  return { kind: 'tracked', action: row }
}

/** What was tracked by its reference before, or null. */
async function repeated(
  tx: Transaction,
  { environmentId, reference, askedHash }: Action,
): Promise<Tracked | null> {
  if (reference === null) return null
  const row = await tx.one(
    'SELECT * FROM actions WHERE reference = $1 AND environment_id = $2',
    reference,
    environmentId,
  )
  if (!row) return null
  if (row.asked_hash !== askedHash) return { kind: 'referenceTaken' }
  return { kind: 'repeated', action: columns.actions.read(row) }
}

/** Makes the user whom the backend told by an `externalId` that nobody has: of many at once, one does. */
async function makeUser(tx: Transaction, user: User, { origin, row, now }: NewAction): Promise<boolean> {
  await tx.lock(user.identifiers.map(({ value }) => addressName(user.environmentId, value)))
  if (!(await insertNewUser(tx, user))) return false
  await insertEvents(tx, [
    newEvent('user.created', origin, now, {
      userId: user.id,
      actionId: row.id,
      data: { isImported: false },
    }),
  ])
  return true
}

const toldOf = ({ decision }: Action) =>
  decision
    ? {
        rules: decision.matched.map(({ id }) => id),
        decidedBy: decision.decidedBy?.id ?? null,
        version: decision.version,
      }
    : {}

/** How many rules that erred in one decision are told of. */
const ERRING = 20

/** What a judgement leaves behind besides its outcome: rules that erred in it, and a review to be decided. */
export function judgedEvents(action: Action, origin: Origin, now: number, isNew = true): Event[] {
  const failed = ((isNew && action.decision?.erring) || [])
    .slice(0, ERRING)
    .map(({ id, outcome, message }) =>
      actionEvent('rule.failed', action, origin, now, { data: { ruleId: id, outcome, message } }),
    )
  if (action.state !== 'REVIEW_REQUIRED') return failed
  return [...failed, actionEvent('action.review_required', action, origin, now, { data: toldOf(action) })]
}

/** See `Store.listActions`. */
export async function listActions(
  tx: Transaction,
  environmentId: string,
  filter: ActionFilter,
  page: Page,
): Promise<Listed<Action>> {
  const { userId, name, reference } = filter
  const filters: Condition[] = [['name = ?', name], ...stateIs(filter)]
  if (reference !== null) {
    const conditions: Condition[] = [
      ['reference = ?', reference],
      ['environment_id = ?', environmentId],
      unindexed('user_id', userId),
      ...filters,
    ]
    const rows = await tx.all(...pageOf('actions', page, conditions, { isFew: true }))
    return { rows: rows.map(columns.actions.read), lookedTo: null }
  }
  const { rows, lookedTo } = await lookThrough(
    tx,
    'actions',
    page,
    [
      ['environment_id = ?', environmentId],
      ['user_id = ?', userId],
    ],
    filters,
  )
  return { rows: rows.map(columns.actions.read), lookedTo }
}

/** As `stateOf` tells it: what ran out before its proof has failed. */
function stateIs({ state, now, epoch }: ActionFilter): Condition[] {
  const hasFailed = `((state = 'CHALLENGE_REQUIRED' OR offers_passkey = 1) AND (expires_at <= ? OR epoch <> ${Math.trunc(epoch)}))`
  if (state === null) return []
  if (state === 'CHALLENGE_FAILED') return [[`(state = 'CHALLENGE_FAILED' OR ${hasFailed})`, now]]
  return [
    ['state = ?', state],
    [`NOT ${hasFailed}`, now],
  ]
}

/** See `Store.reviewAction`: one UPDATE decides. */
export async function reviewAction(
  tx: Transaction,
  { origin, actionId, state, epoch, ...input }: Parameters<Store['reviewAction']>[0],
): Promise<Action | null> {
  const now = tx.judgeAt(input.now)
  const row = await tx.one(
    `UPDATE actions SET state = $1, state_changed_at = $2
     WHERE id = $3 AND environment_id = $4 AND epoch = $5 AND state = 'REVIEW_REQUIRED' RETURNING *`,
    state,
    now,
    actionId,
    origin.environmentId,
    epoch,
  )
  if (!row) return null
  const action = columns.actions.read(row)
  await insertEvents(tx, [actionEvent('action.reviewed', action, origin, now, { data: { state } })])
  return action
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
  // Whoever waits for a review may look at it already.
  const row = await tx.one(
    `UPDATE actions SET opening_hash = NULL, working_hash = $3
     WHERE opening_hash = $4 AND state IN ('CHALLENGE_REQUIRED', 'REVIEW_REQUIRED', 'REVIEW_SUCCEEDED')
       AND expires_at > $1 AND epoch = $2 RETURNING *`,
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
  const { attempt: asked } = input
  const before = await readOpen(tx, input)
  const isPasskey = isByPasskey(asked)
  const underWay = isPasskey ? before?.passkey_challenge_id : before?.challenge_id
  if (!before || underWay !== asked.proof.challengeId) return { kind: 'stateConflict' }
  const outcome = await attempt(tx, asked)
  const now = tx.judgeAt(asked.now)
  if (outcome.kind === 'userBlocked' || outcome.kind === 'signUpClosed' || outcome.kind === 'externalIdTaken')
    await fail(tx, input, 'blocked', contextOf(asked.circumstances))
  if (outcome.kind !== 'verified') return outcome
  const { challenge } = outcome
  const [method] = AMR[challenge.provenBy ?? 'code'].methods
  if (method === undefined) throw new OstiaryError('state_conflict')
  return await goOn(tx, input, before, outcome, { method, challengeId: challenge.id, at: now })
}

/** See `Store.finishAction`: one UPDATE gives the result token. */
export async function finishAction(
  tx: Transaction,
  input: Parameters<Store['finishAction']>[0],
): ReturnType<Store['finishAction']> {
  const { origin } = input
  const before = await findAction(tx, origin.environmentId, input.actionId)
  const user = before?.userId ? await lockUser(tx, origin.environmentId, before.userId) : null
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
    origin.environmentId,
  )
  if (!row) return null
  const action = columns.actions.read(row)
  if (action.deviceId !== null || !action.opensSession || !user || !input.device)
    return { action, isDeviceNew: false }
  // Whatever ended the proof meanwhile (signed out everywhere, adopted) ends what would be known by it.
  const proof = await tx.one('SELECT ended_at FROM challenges WHERE id = $1', row.challenge_id)
  if (proof?.ended_at !== null || user.status === 'blocked') return { action, isDeviceNew: false }
  const device = await keepDevice(tx, user, input.device, action.epoch, now)
  await tx.run(
    'UPDATE actions SET device_id = $2, remembers_device = $3 WHERE id = $1',
    action.id,
    device.id,
    Number(input.device.rememberMs !== 0),
  )
  return { action: { ...action, deviceId: device.id }, isDeviceNew: device.isNew }
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
  const earlier = await earlierProofs(tx, columns.actions.read(row))
  const isOver = proof.ended_at !== null || earlier.isOver
  const user = row.validated_at === null && isOver ? null : await findUser(tx, environmentId, row.user_id)
  if (!user) return invalid
  if (user.status === 'blocked') return { kind: 'userBlocked' }
  const action = columns.actions.read(row)
  const authenticators: Authenticator['type'][] = row.has_passkey === 1 ? ['passkey'] : []
  if (action.validatedAt !== null)
    return { kind: 'validated', action, user, authenticators, session: null, isDeviceNew: false }

  const opens = action.opensSession && proof.session_opened_at === null
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
    isDeviceNew: opened?.isDeviceNew ?? false,
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
      together(proofOf(proof), earlier.proofs),
      input.session,
      { ...input.origin, appId: action.appId },
      now,
      action,
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
  const earlier = await earlierProofs(tx, action)
  if (earlier.isOver) return { kind: 'late' }
  const about = { ...action, earlier: earlier.proofs }
  const opened = await openSession(tx, { ...input, challengeId }, about)
  if (opened.kind === 'opened')
    await tx.run(
      'UPDATE actions SET validated_at = $2 WHERE id = $1 AND validated_at IS NULL',
      action.id,
      tx.judgeAt(input.now),
    )
  return opened
}

/** The proofs of an action besides the one that its result stands on. An enrolment among them shows nothing to a session. */
async function earlierProofs(tx: Transaction, action: Action) {
  const { proofs, isOver } = await readProofs(
    tx,
    action,
    action.proofs.filter(one => one.challengeId !== action.challengeId),
  )
  return { isOver, proofs: proofs.map(proofOf) }
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
export const advance = (tx: Transaction, input: AtAction, set: string, ...values: Value[]) =>
  advanceWhere(tx, input, '1 = 1', set, ...values)

export async function advanceWhere(
  tx: Transaction,
  input: AtAction,
  where: string,
  set: string,
  ...values: Value[]
): Promise<Action | null> {
  const row = await tx.one(
    `UPDATE actions SET ${set}
     WHERE ${where} AND ${OPEN} AND id = $3 AND environment_id = $4 AND working_hash = coalesce($5, working_hash) RETURNING *`,
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

export const contextOf = ({ ipAddress, userAgent }: EventContext): EventContext => ({ ipAddress, userAgent })
