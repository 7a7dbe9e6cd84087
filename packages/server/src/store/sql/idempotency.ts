import { OstiaryError } from '../../core/errors.ts'
import { type Once, Replayed } from '../../core/ports.ts'
import type { Transaction } from './transaction.ts'

/** The name that a call with an Idempotency-Key holds: another one with the key waits for it. */
export const idempotencyName = (id: string) => `idempotency:${id}`

/**
 * Runs an operation at most once for an Idempotency-Key: the record is written in the same transaction as the effect,
 * so there is never one without the other. Refusals leave no record: the caller may try again.
 */
export async function runOnce<T>(
  tx: Transaction,
  once: Once<T> | undefined,
  now: number,
  operation: () => Promise<T>,
): Promise<T> {
  if (!once) return await operation()
  await tx.lock([idempotencyName(once.id)])
  const record = await tx.one(
    'SELECT body_hash, sealed FROM idempotency WHERE id = $1 AND expires_at > $2',
    once.id,
    tx.judgeAt(now),
  )
  if (record && record.body_hash !== once.bodyHash) throw new OstiaryError('idempotency_key_reused')
  if (record) throw new Replayed(record.sealed)
  const outcome = await operation()
  const answer = await once.answer(outcome)
  if (answer)
    await tx.run(
      `INSERT INTO idempotency (id, environment_id, body_hash, sealed, expires_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (id) DO UPDATE SET body_hash = excluded.body_hash, sealed = excluded.sealed, expires_at = excluded.expires_at`,
      once.id,
      once.environmentId,
      once.bodyHash,
      answer.sealed,
      now + answer.keepMs,
    )
  return outcome
}
