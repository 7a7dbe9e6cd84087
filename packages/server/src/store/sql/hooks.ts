import type { HookSecret, Store } from '../../core/ports.ts'
import type { Origin } from '../../core/rows.ts'
import { insertEvents, newEvent } from './events.ts'
import type { Row, Transaction } from './transaction.ts'

const read = (row: Row): HookSecret => ({
  id: row.id,
  environmentId: row.environment_id,
  sealed: row.sealed,
  createdAt: row.created_at,
})

/** See `Store.listHookSecrets`. */
export async function listSecrets(
  tx: Transaction,
  environmentId: string,
  now: number,
): Promise<HookSecret[]> {
  const rows = await tx.all(
    `SELECT * FROM hook_secrets WHERE environment_id = $1 AND (expires_at IS NULL OR expires_at > $2)
     ORDER BY CASE WHEN expires_at IS NULL THEN 0 ELSE 1 END, id`,
    environmentId,
    now,
  )
  return rows.map(read)
}

/** See `Store.rotateHookSecret`. By a name of its own: of two at once the later one is current, and both are known. */
export async function rotateSecret(
  tx: Transaction,
  secret: HookSecret,
  previousUntil: number,
  origin: Origin,
  now: number,
): Promise<HookSecret> {
  const { id, environmentId, sealed, createdAt } = secret
  await tx.lock([`${environmentId}:hookSecrets`])
  await tx.run('DELETE FROM hook_secrets WHERE environment_id = $1 AND expires_at IS NOT NULL', environmentId)
  await tx.run(
    'UPDATE hook_secrets SET expires_at = $2 WHERE environment_id = $1',
    environmentId,
    previousUntil,
  )
  await tx.run(
    'INSERT INTO hook_secrets (id, environment_id, sealed, created_at) VALUES ($1, $2, $3, $4)',
    id,
    environmentId,
    sealed,
    createdAt,
  )
  const data = { changed: ['hooks.beforeSignIn.secret'] }
  await insertEvents(tx, [newEvent('settings.updated', origin, now, { data })])
  return secret
}

/** See `Store.denySignIn`: one conditional UPDATE ends the proof. */
export async function denySignIn(tx: Transaction, input: Parameters<Store['denySignIn']>[0]): Promise<void> {
  await tx.run(
    `UPDATE challenges SET ended_at = $1
     WHERE id = $2 AND environment_id = $3 AND session_opened_at IS NULL AND ended_at IS NULL`,
    tx.judgeAt(input.now),
    input.challengeId,
    input.origin.environmentId,
  )
  await insertEvents(tx, [input.event])
}
