import type { AttemptedInAction, LimitFired, Store } from '../../core/ports.ts'
import type { Action } from '../../core/rows.ts'
import { actionEvent, advance, attemptInAction, readOpen } from './actions.ts'
import { namesOf } from './attempts.ts'
import { refusalOf } from './challenges.ts'
import * as columns from './columns.ts'
import { insertEvents } from './events.ts'
import { checkLimits, countHits, limitNames } from './limits.ts'
import { lockProof } from './locks.ts'
import type { Transaction } from './transaction.ts'

/** See `Store.askApproval`. The latest press has the number: one that another device was shown before is over. */
export async function askApproval(
  tx: Transaction,
  input: Parameters<Store['askApproval']>[0],
): Promise<{ kind: 'asked'; action: Action } | LimitFired | { kind: 'stateConflict' }> {
  const { origin, approval, epoch } = input
  const { challengeId } = approval
  await lockProof(
    tx,
    origin.environmentId,
    challengeId,
    limitNames([approval.wrongLimit], origin.environmentId),
  )
  const now = tx.judgeAt(input.now)
  const row = await tx.one(
    'SELECT * FROM challenges WHERE id = $1 AND environment_id = $2 AND action_id = $3',
    challengeId,
    origin.environmentId,
    input.actionId,
  )
  const open = await readOpen(tx, input)
  if (!row || row.is_void === 1 || refusalOf(row, now, epoch) || open?.challenge_id !== challengeId)
    return { kind: 'stateConflict' }
  const limited = await checkLimits(tx, [approval.wrongLimit], origin, now)
  if (limited) return limited
  const action = await advance(
    tx,
    input,
    'approval_number = $6, approval_hash = $7, approval_expires_at = $8',
    approval.number,
    approval.browserHash,
    now + input.livesMs,
  )
  return action ? { kind: 'asked', action } : { kind: 'stateConflict' }
}

/**
 * An attempt by the number of an approval: a wrong one ends this approval and not the challenge, a right one proves it
 * for the first tab. All that touch an approval hold the name of the address, so it is read without a lock of its own.
 */
export async function attemptByNumber(
  tx: Transaction,
  input: Parameters<Store['attemptInAction']>[0],
): Promise<AttemptedInAction> {
  const { approval, attempt, origin } = input
  if (!approval) return await attemptInAction(tx, input)
  const { environmentId } = origin
  const limitName = limitNames([approval.wrongLimit], environmentId)
  await lockProof(tx, environmentId, approval.challengeId, [...limitName, ...namesOf(attempt)])
  const now = tx.judgeAt(input.now)
  const row = await readOpen(tx, input)
  const isAsked = row && row.approval_number !== null && row.approval_expires_at > now
  if (!isAsked || row.approval_hash !== approval.browserHash || row.challenge_id !== approval.challengeId)
    return { kind: 'approvalOver' }
  const limited = await checkLimits(tx, [approval.wrongLimit], origin, now)
  if (limited) return limited
  const { ipAddress, userAgent } = attempt.circumstances
  const event = (isRight: boolean) =>
    actionEvent('challenge.link_approved', columns.actions.read(row), origin, now, {
      context: { ipAddress, userAgent },
      data: { isRight },
    })
  if (row.approval_number !== approval.number) {
    await advance(tx, input, 'approval_number = NULL, approval_hash = NULL, approval_expires_at = NULL')
    await countHits(tx, [approval.wrongLimit], origin, now)
    await insertEvents(tx, [event(false)])
    return { kind: 'approvalWrong' }
  }
  const outcome = await attemptInAction(tx, input)
  if (outcome.kind === 'verified') await insertEvents(tx, [event(true)])
  return outcome
}
