import { ENROLLABLE, isEnrolmentDue } from '../../core/actions/demands.ts'
import { OstiaryError } from '../../core/errors.ts'
import type { AtAction, AttemptedInAction, Offer, PasskeyBegun, Store } from '../../core/ports.ts'
import type { User } from '../../core/rows.ts'
import { advance, readOpen } from './actions.ts'
import { attempt } from './attempts.ts'
import * as columns from './columns.ts'
import { createPasskeyChallenge } from './passkeys.ts'
import { goOn, readProofs } from './steps.ts'
import type { Row, Transaction } from './transaction.ts'

/** Passkeys inside an action: the proof by one, one that a rule takes when it is enrolled, and the offer of one. */

/** Proven, and waiting at `$1`, by this epoch `$2`, for what the person says to the offer. */
const OFFERING = `state = 'CHALLENGE_SUCCEEDED' AND offers_passkey = 1 AND result_hash IS NULL AND validated_at IS NULL
  AND expires_at > $1 AND epoch = $2`

/** Whether a passkey is offered: to who has none, and not again before its time. The write that offers notes it. */
export async function noteOffer(
  tx: Transaction,
  user: User,
  { everyMs }: Offer,
  now: number,
): Promise<boolean> {
  const noted = await tx.run(
    `UPDATE users SET passkey_offered_at = $1
     WHERE id = $2 AND (passkey_offered_at IS NULL OR passkey_offered_at <= $3)
       AND NOT EXISTS (SELECT 1 FROM authenticators WHERE authenticators.user_id = users.id AND type = 'passkey')`,
    now,
    user.id,
    now - everyMs,
  )
  return noted === 1
}

/** See `Store.beginPasskeyInAction`. */
export async function beginPasskeyInAction(
  tx: Transaction,
  input: Parameters<Store['beginPasskeyInAction']>[0],
): Promise<PasskeyBegun | { kind: 'stateConflict' }> {
  const { challenge: asked, enrols } = input
  const before = enrols ? await readEnrolling(tx, input) : await readOpen(tx, input)
  if (!before || (enrols && before.user_id !== asked.row.userId)) return { kind: 'stateConflict' }
  const isDue = enrols && before.offers_passkey === 0
  if (isDue && (await hasPasskey(tx, before.user_id))) {
    await askForTheirs(tx, input, before)
    return { kind: 'stateConflict' }
  }
  const begun = await createPasskeyChallenge(tx, asked)
  if (begun.kind !== 'created') return begun
  await tx.run(
    'UPDATE challenges SET ended_at = $1 WHERE id = $2 AND verified_at IS NULL AND ended_at IS NULL',
    tx.judgeAt(input.now),
    before.passkey_challenge_id,
  )
  const set = 'opening_hash = NULL, passkey_challenge_id = $6'
  const { id } = begun.challenge
  const action = enrols && !isDue ? await advanceOffer(tx, input, set, id) : await advance(tx, input, set, id)
  if (!action) throw new OstiaryError('state_conflict')
  return begun
}

/** See `Store.enrolInAction`. */
export async function enrolInAction(
  tx: Transaction,
  input: Parameters<Store['enrolInAction']>[0],
): Promise<AttemptedInAction> {
  const { attempt: asked, result } = input
  const before = await readEnrolling(tx, input)
  if (!before || before.passkey_challenge_id !== asked.proof.challengeId) return { kind: 'stateConflict' }
  const outcome = await attempt(tx, asked)
  if (outcome.kind !== 'verified') return outcome
  const seen = columns.actions.read(before)
  // The user is held since the attempt: whatever ended a proof meanwhile (signed out everywhere, adopted) is seen here.
  const { isOver } = await readProofs(tx, seen, seen.proofs)
  if (isOver) throw new OstiaryError('state_conflict')
  if (!seen.offersPasskey) {
    // One that they have is theirs to prove by: whoever holds the mailbox alone must not put another beside it.
    if (await hasPasskey(tx, before.user_id, outcome.authenticator?.id))
      throw new OstiaryError('state_conflict')
    const proof = { method: ENROLLABLE, challengeId: outcome.challenge.id, at: tx.judgeAt(asked.now) }
    return await goOn(tx, input, before, outcome, { ...proof, isEnrolment: true })
  }
  const action = await advanceOffer(
    tx,
    input,
    'offers_passkey = 0, result_hash = $6, result_expires_at = $7',
    result.hash,
    tx.judgeAt(input.now) + result.livesMs,
  )
  if (!action) throw new OstiaryError('state_conflict')
  return { ...outcome, action }
}

async function hasPasskey(tx: Transaction, userId: string, besides = ''): Promise<boolean> {
  const row = await tx.one(
    "SELECT 1 FROM authenticators WHERE user_id = $1 AND type = 'passkey' AND id <> $2 LIMIT 1",
    userId,
    besides,
  )
  return row !== undefined
}

/** A passkey that came to them meanwhile is the one to prove by. */
async function askForTheirs(tx: Transaction, input: AtAction, before: Row): Promise<void> {
  const { demands } = columns.actions.read(before)
  const theirs = demands.map(one => ({ ...one, enrolmentCounts: false }))
  await advance(tx, input, 'demands = $6', JSON.stringify(theirs))
}

const at = (tx: Transaction, input: AtAction) =>
  [tx.judgeAt(input.now), input.epoch, input.actionId, input.origin.environmentId, input.workingHash] as const

async function readOffering(tx: Transaction, input: AtAction): Promise<Row | undefined> {
  return await tx.one(
    `SELECT * FROM actions WHERE ${OFFERING} AND id = $3 AND environment_id = $4 AND working_hash = $5`,
    ...at(tx, input),
  )
}

/** What an enrolment answers: the offer, or a rule that takes it after the proof that was given here. */
async function readEnrolling(tx: Transaction, input: AtAction): Promise<Row | undefined> {
  const offering = await readOffering(tx, input)
  if (offering) return offering
  const open = await readOpen(tx, input)
  return open && isEnrolmentDue(columns.actions.read(open)) ? open : undefined
}

async function advanceOffer(tx: Transaction, input: AtAction, set: string, ...values: (string | number)[]) {
  const row = await tx.one(
    `UPDATE actions SET ${set} WHERE ${OFFERING} AND id = $3 AND environment_id = $4 AND working_hash = $5 RETURNING *`,
    ...at(tx, input),
    ...values,
  )
  return row ? columns.actions.read(row) : null
}
