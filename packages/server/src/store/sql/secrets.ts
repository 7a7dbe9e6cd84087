import type { ForgeableKind, SealedRow, Store } from '../../core/ports.ts'
import type { Origin, SigningKey } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { deviceEnded } from './devices.ts'
import { insertEvents, newEvent } from './events.ts'
import { places, type Transaction } from './transaction.ts'
import { OPEN } from './users.ts'

/** What is sealed under which secret, sealing it anew, and ending what a leaked secret could forge. */

const SEALED: Record<SealedRow['kind'], { table: string; column: string }> = {
  signingKey: { table: 'signing_keys', column: 'sealed_private_jwk' },
  message: { table: 'messages', column: 'sealed' },
  webhookSecret: { table: 'webhook_endpoints', column: 'sealed_secret' },
  webhookPreviousSecret: { table: 'webhook_endpoints', column: 'sealed_previous' },
  hookSecret: { table: 'hook_secrets', column: 'sealed' },
}

/** How many rows are sealed under a secret. */
export interface SealedCount {
  keyId: string
  signingKeys: number
  /** Messages that are still to be sent; start refuses without their secret, as for signing keys. */
  queuedMessages: number
  /** Sent ones that an inbox keeps: they are lost with their secret, and no more than that. */
  keptMessages: number
  /** Secrets of webhook endpoints and hooks: start refuses without their secret, too. */
  webhookSecrets: number
}

/** Counts sealed rows by the id of their secret; each secret that was ever noted has a line. */
export async function countSealed(tx: Transaction): Promise<SealedCount[]> {
  const rows = await tx.all(
    `SELECT key_id, sum(signing_keys) AS signing_keys, sum(queued) AS queued, sum(kept) AS kept, sum(webhooks) AS webhooks
     FROM (
       SELECT key_id, 0 AS signing_keys, 0 AS queued, 0 AS kept, 0 AS webhooks FROM secrets
       UNION ALL SELECT substr(sealed_private_jwk, 1, 8), 1, 0, 0, 0 FROM signing_keys
       UNION ALL SELECT substr(sealed, 1, 8), 0, CASE WHEN status = 'queued' THEN 1 ELSE 0 END,
         CASE WHEN status = 'queued' THEN 0 ELSE 1 END, 0 FROM messages WHERE sealed IS NOT NULL
       UNION ALL SELECT substr(sealed_secret, 1, 8), 0, 0, 0, 1 FROM webhook_endpoints WHERE sealed_secret IS NOT NULL
       UNION ALL SELECT substr(sealed_previous, 1, 8), 0, 0, 0, 1 FROM webhook_endpoints
         WHERE sealed_previous IS NOT NULL
       UNION ALL SELECT substr(sealed, 1, 8), 0, 0, 0, 1 FROM hook_secrets) AS sealed
     GROUP BY key_id ORDER BY key_id`,
  )
  return rows.map(row => ({
    keyId: row.key_id,
    signingKeys: Number(row.signing_keys),
    queuedMessages: Number(row.queued),
    keptMessages: Number(row.kept),
    webhookSecrets: Number(row.webhooks),
  }))
}

/** See `Store.listSealed`. */
export async function listSealed(
  tx: Transaction,
  { kind, exceptKeyId, after, limit }: Parameters<Store['listSealed']>[0],
): Promise<SealedRow[]> {
  const { table, column } = SEALED[kind]
  const rows = await tx.all(
    `SELECT id, environment_id, ${column} AS sealed FROM ${table}
     WHERE id > $1 AND ${column} IS NOT NULL AND substr(${column}, 1, 8) <> $2 ORDER BY id LIMIT $3`,
    after,
    exceptKeyId,
    limit,
  )
  return rows.map(row => ({ kind, id: row.id, environmentId: row.environment_id, sealed: row.sealed }))
}

/** See `Store.reseal`. The seal that was read stands in the condition: content that was wiped does not come back. */
export async function reseal(tx: Transaction, rows: Parameters<Store['reseal']>[0]): Promise<number> {
  let changed = 0
  for (const { kind, id, sealed, resealed } of rows) {
    const { table, column } = SEALED[kind]
    changed += await tx.run(
      `UPDATE ${table} SET ${column} = $3 WHERE id = $1 AND ${column} = $2`,
      id,
      sealed,
      resealed,
    )
  }
  return changed
}

/** See `Store.replaceSigningKeys`. */
export async function replaceSigningKeys(
  tx: Transaction,
  key: SigningKey,
  origin: Origin,
  now: number,
): Promise<void> {
  const { columns: names } = columns.signingKeys
  await tx.lock([`${key.environmentId}:signingKeys`])
  await tx.run('DELETE FROM signing_keys WHERE environment_id = $1', key.environmentId)
  await tx.run(
    `INSERT INTO signing_keys (${names.join(', ')}) VALUES ${places(1, names.length)}`,
    ...columns.signingKeys.values(key),
  )
  const revoked = await tx.all(
    `UPDATE api_keys SET revoked_at = $1
     WHERE environment_id = $2 AND is_development = 1 AND revoked_at IS NULL RETURNING id`,
    now,
    key.environmentId,
  )
  const data = {
    keyId: key.id,
    activatesAt: new Date(key.activatesAt).toISOString(),
    reason: 'secret_replaced',
  }
  await insertEvents(tx, [
    newEvent('signing_key.rotated', origin, now, { data }),
    ...revoked.map(row => newEvent('api_key.revoked', origin, now, { data: { keyId: row.id } })),
  ])
}

/** The rows of one step, as a condition on `id` with `$2` and `$3`, in the environment `$4`; `$1` is the instant. */
const STEP = 'id > $2 AND id <= $3 AND environment_id = $4'
type Values = [now: number, after: string, last: string, environmentId: string]

const END: Record<ForgeableKind, (tx: Transaction, values: Values, origin: Origin) => Promise<number>> = {
  async sessions(tx, values, origin) {
    const rows = await tx.all(
      `UPDATE sessions SET revoked_at = $1 WHERE ${STEP} AND revoked_at IS NULL AND expires_at > $1
       RETURNING id, app_id, user_id`,
      ...values,
    )
    const data = { reason: 'secret_replaced' }
    await insertEvents(
      tx,
      rows.map(({ id, app_id, user_id }) =>
        newEvent('session.revoked', origin, values[0], {
          sessionId: id,
          appId: app_id,
          userId: user_id,
          data,
        }),
      ),
    )
    return rows.length
  },
  async devices(tx, values, origin) {
    const rows = await tx.all(
      `UPDATE devices SET ended_at = $1 WHERE ${STEP} AND ended_at IS NULL RETURNING id`,
      ...values,
    )
    const users = await tx.all(
      `UPDATE device_users SET ended_at = $1
       WHERE device_id > $2 AND device_id <= $3 AND environment_id = $4 AND ended_at IS NULL RETURNING device_id, user_id`,
      ...values,
    )
    await insertEvents(
      tx,
      users.map(row => deviceEnded(row.device_id, row.user_id, 'secret_replaced', origin, values[0])),
    )
    return rows.length
  },
  challenges: async (tx, values) =>
    await tx.run(
      `UPDATE challenges SET ended_at = $1, handover_hash = NULL WHERE ${STEP} AND ${OPEN}`,
      ...values,
    ),
  async messages(tx, values, origin) {
    const reply = 'not sent: the secret that sealed it was replaced'
    const rows = await tx.all(
      `UPDATE messages SET status = 'failed', reply = $5, due_at = $1, leased_until = 0, sealed = NULL, keep_sealed_until = NULL
       WHERE ${STEP} AND status = 'queued' RETURNING id, challenge_id, user_id, attempt`,
      ...values,
      reply,
    )
    await insertEvents(
      tx,
      rows.map(({ id, challenge_id, user_id, attempt }) =>
        newEvent('message.failed', origin, values[0], {
          challengeId: challenge_id,
          userId: user_id,
          data: { messageId: id, attempt, reply },
        }),
      ),
    )
    const [, ...step] = values
    const wiped = await tx.run(
      `UPDATE messages SET sealed = NULL, keep_sealed_until = NULL
       WHERE ${STEP.replaceAll(/\$(\d)/g, (_, place) => `$${place - 1}`)} AND sealed IS NOT NULL`,
      ...step,
    )
    return rows.length + wiped
  },
  // The receiver has to be told a new secret, which only its owner can do: until then nothing is sent, and can be replayed.
  async webhookEndpoints(tx, values, origin) {
    const rows = await tx.all(
      `UPDATE webhook_endpoints SET sealed_secret = NULL, sealed_previous = NULL, previous_until = NULL, status = 'disabled',
         disabled_reason = 'secret_replaced', updated_at = $1
       WHERE ${STEP} AND sealed_secret IS NOT NULL RETURNING id`,
      ...values,
    )
    await insertEvents(
      tx,
      rows.map(({ id }) =>
        newEvent('webhook_endpoint.disabled', origin, values[0], {
          data: { webhookEndpointId: id, reason: 'secret_replaced' },
        }),
      ),
    )
    return rows.length
  },
  // As of webhooks: until the app has another, the hook cannot be called, and its setting says what that means.
  hookSecrets: async (tx, [, ...step]) =>
    await tx.run(
      `DELETE FROM hook_secrets WHERE ${STEP.replaceAll(/\$(\d)/g, (_, place) => `$${place - 1}`)}`,
      ...step,
    ),
  idempotency: async (tx, [, ...step]) =>
    await tx.run(
      `DELETE FROM idempotency WHERE ${STEP.replaceAll(/\$(\d)/g, (_, place) => `$${place - 1}`)}`,
      ...step,
    ),
}

const TABLE_OF: Partial<Record<ForgeableKind, string>> = {
  webhookEndpoints: 'webhook_endpoints',
  hookSecrets: 'hook_secrets',
}

/** See `Store.endForgeable`. By ranges of ids, so that the whole takes as long as one reading of the table. */
export async function endForgeable(
  tx: Transaction,
  { kind, origin, now, after, limit }: Parameters<Store['endForgeable']>[0],
): Promise<{ ended: number; next: string | null }> {
  const step = await tx.one(
    `SELECT max(id) AS last, count(*) AS found FROM (
       SELECT id FROM ${TABLE_OF[kind] ?? kind} WHERE environment_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS step`,
    origin.environmentId,
    after,
    limit,
  )
  if (!step || step.last === null) return { ended: 0, next: null }
  const ended = await END[kind](tx, [tx.judgeAt(now), after, step.last, origin.environmentId], origin)
  return { ended, next: Number(step.found) === limit ? step.last : null }
}
