import { OstiaryError } from '../../core/errors.ts'
import type { AtAction, AttemptedInAction, Offer, PasskeyBegun, Store } from '../../core/ports.ts'
import type { User } from '../../core/rows.ts'
import { advance, readOpen } from './actions.ts'
import { attempt } from './attempts.ts'
import * as columns from './columns.ts'
import { createPasskeyChallenge } from './passkeys.ts'
import type { Row, Transaction } from './transaction.ts'

/** Passkeys inside an action: the proof by one, and the offer of one between the proof and its result. */

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
  const before = enrols ? await readOffering(tx, input) : await readOpen(tx, input)
  if (!before || (enrols && before.user_id !== asked.row.userId)) return { kind: 'stateConflict' }
  const begun = await createPasskeyChallenge(tx, asked)
  if (begun.kind !== 'created') return begun
  await tx.run(
    'UPDATE challenges SET ended_at = $1 WHERE id = $2 AND verified_at IS NULL AND ended_at IS NULL',
    tx.judgeAt(input.now),
    before.passkey_challenge_id,
  )
  const set = 'opening_hash = NULL, passkey_challenge_id = $6'
  const { id } = begun.challenge
  const action = enrols ? await advanceOffer(tx, input, set, id) : await advance(tx, input, set, id)
  if (!action) throw new OstiaryError('state_conflict')
  return begun
}

/** See `Store.enrolInAction`. */
export async function enrolInAction(
  tx: Transaction,
  input: Parameters<Store['enrolInAction']>[0],
): Promise<AttemptedInAction> {
  const { attempt: asked, result } = input
  const before = await readOffering(tx, input)
  if (!before || before.passkey_challenge_id !== asked.proof.challengeId) return { kind: 'stateConflict' }
  const outcome = await attempt(tx, asked)
  if (outcome.kind !== 'verified') return outcome
  // The user is held since the attempt: whatever ended the proof meanwhile (signed out everywhere, adopted) is seen here.
  const proof = await tx.one('SELECT ended_at FROM challenges WHERE id = $1', before.challenge_id)
  const action = await advanceOffer(
    tx,
    input,
    'offers_passkey = 0, result_hash = $6, result_expires_at = $7',
    result.hash,
    tx.judgeAt(input.now) + result.livesMs,
  )
  if (!action || proof?.ended_at !== null) throw new OstiaryError('state_conflict')
  return { ...outcome, action }
}

const at = (tx: Transaction, input: AtAction) =>
  [tx.judgeAt(input.now), input.epoch, input.actionId, input.origin.environmentId, input.workingHash] as const

async function readOffering(tx: Transaction, input: AtAction): Promise<Row | undefined> {
  return await tx.one(
    `SELECT * FROM actions WHERE ${OFFERING} AND id = $3 AND environment_id = $4 AND working_hash = $5`,
    ...at(tx, input),
  )
}

async function advanceOffer(tx: Transaction, input: AtAction, set: string, ...values: (string | number)[]) {
  const row = await tx.one(
    `UPDATE actions SET ${set} WHERE ${OFFERING} AND id = $3 AND environment_id = $4 AND working_hash = $5 RETURNING *`,
    ...at(tx, input),
    ...values,
  )
  return row ? columns.actions.read(row) : null
}
