import type { Exposure, Retention } from '../../core/ports.ts'
import type { Origin } from '../../core/rows.ts'
import { insertEvents, newEvent } from './events.ts'
import { liftProtection } from './exposure.ts'
import type { Transaction } from './transaction.ts'

const DAY = 24 * 60 * 60_000

/**
 * Begins with an epoch (PROTOCOL section 6). A lower one than the store has seen is refused: it would revive what the
 * higher one ended. A higher one also forgets the highest instant, so that a store that once saw a clock far in the
 * future can be used again: nothing that could profit from it is left.
 */
export async function begin(
  tx: Transaction,
  input: { now: number; epoch: number; keyIds: readonly string[] },
): Promise<void> {
  const stored = (await tx.one('SELECT epoch FROM instance'))?.epoch ?? 0
  if (input.epoch < stored)
    throw new Error(
      `OSTIARY_EPOCH is ${input.epoch}, but the database has seen ${stored}: set it to ${stored} or higher`,
    )
  if (input.epoch > stored) await tx.run('UPDATE instance SET epoch = $1, last_instant = 0', input.epoch)
  const missing = (await tx.all('SELECT key_id FROM secrets ORDER BY key_id'))
    .map(row => row.key_id)
    .filter(id => !input.keyIds.includes(id))
  for (const id of missing) {
    const needed = await tx.one(
      `SELECT 1 FROM signing_keys WHERE sealed_private_jwk LIKE $1 || '.%'
       UNION ALL SELECT 1 FROM messages WHERE status = 'queued' AND sealed LIKE $1 || '.%' AND expires_at > $2 LIMIT 1`,
      id,
      input.now,
    )
    if (needed)
      throw new Error(
        `OSTIARY_SECRET lacks a secret that rows still need (key id ${id}): put it back at the end of the list`,
      )
    await tx.run('DELETE FROM secrets WHERE key_id = $1', id)
  }
  for (const id of input.keyIds)
    await tx.run(
      'INSERT INTO secrets (key_id, last_used_at) VALUES ($1, $2) ON CONFLICT (key_id) DO UPDATE SET last_used_at = $2',
      id,
      input.now,
    )
}

interface Purge {
  now: number
  environmentId: string
  retentionDays: Retention
  exposure: Exposure
  limit: number
}

/** See `Store.purge`: each statement takes at most `limit` rows, so that no request waits behind it. */
export async function purge(
  tx: Transaction,
  { now, environmentId, retentionDays, exposure, limit }: Purge,
): Promise<boolean> {
  const origin: Origin = { environmentId, appId: null, actor: { type: 'system', id: null }, requestId: null }
  await liftProtection(tx, origin, exposure, now)
  await raiseSendAlarm(tx, origin, now)
  const oldest = (days: number) => now - days * DAY
  const steps: [table: string, key: string, where: string, value: number | null][] = [
    ['idempotency', 'id', 'expires_at <= $1', now],
    ['limits', 'id', 'expires_at <= $1', now],
    [
      'sessions',
      'id',
      `environment_id = '${environmentId}' AND expires_at <= $1`,
      oldest(retentionDays.sessions),
    ],
    [
      'challenges',
      'id',
      `environment_id = '${environmentId}' AND expires_at <= $1 AND NOT EXISTS (
       SELECT 1 FROM messages WHERE challenge_id = challenges.id AND status = 'queued')`,
      oldest(retentionDays.challenges),
    ],
    [
      'messages',
      'id',
      `environment_id = '${environmentId}' AND created_at <= $1 AND status <> 'queued'`,
      oldest(retentionDays.messages),
    ],
    // An event that a session points at as its proof stays as long as the session.
    [
      'events',
      'id',
      `environment_id = '${environmentId}' AND created_at <= $1 AND NOT EXISTS (
       SELECT 1 FROM sessions WHERE sessions.environment_id = events.environment_id AND sessions.user_id = events.user_id
         AND sessions.proof_event_id = events.id)`,
      oldest(retentionDays.events),
    ],
  ]
  let isMore = false
  for (const [table, key, where, value] of steps) {
    const removed = await tx.run(
      `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${where} LIMIT $2)`,
      value,
      limit,
    )
    isMore ||= removed === limit
  }
  await tx.run(
    'UPDATE messages SET sealed = NULL, keep_sealed_until = NULL WHERE keep_sealed_until <= $1',
    now,
  )
  await tx.run(
    'DELETE FROM weak_guesses WHERE environment_id = $1 AND minute < $2',
    environmentId,
    Math.floor((now - 8 * DAY) / 60_000),
  )
  return isMore
}

/** One event an hour while an environment sends more than max(100, 10 × its usual hour): an alarm, never a lock. */
async function raiseSendAlarm(tx: Transaction, origin: Origin, now: number): Promise<void> {
  const since = (ms: number) =>
    tx.one(
      'SELECT count(*) AS sends FROM messages WHERE environment_id = $1 AND created_at > $2',
      origin.environmentId,
      now - ms,
    )
  const lastHour = (await since(DAY / 24))?.sends ?? 0
  if (lastHour <= 100) return
  const usual = ((await since(7 * DAY))?.sends ?? 0) / (7 * 24)
  if (lastHour <= 10 * usual) return
  const id = `${origin.environmentId}:sendsPerEnvironment:alarm`
  const raised = await tx.run(
    `INSERT INTO limits (id, hits, fired, expires_at) VALUES ($1, '[]', 0, $2)
     ON CONFLICT (id) DO UPDATE SET expires_at = $2 WHERE limits.expires_at <= $3`,
    id,
    now + DAY / 24,
    now,
  )
  if (raised === 1)
    await insertEvents(tx, [
      newEvent('limit.fired', origin, now, {
        data: { limit: 'sendsPerEnvironment', isAlarm: true, lastHour },
      }),
    ])
}
