import { firstIdAt } from '../../core/ids.ts'
import type { Exposure, Retention } from '../../core/ports.ts'
import type { Origin } from '../../core/rows.ts'
import { insertEvents, newEvent } from './events.ts'
import { liftProtection } from './exposure.ts'
import { beginAfterMove } from './move.ts'
import { type BareTransaction, forUpdate, type Transaction } from './transaction.ts'
import { countUsage, readCountedTo } from './usage.ts'

const HOUR = 60 * 60_000
const DAY = 24 * HOUR
const DEVICE_DAYS = 400
const WEEK_HOURS = 7 * 24
const COUNTED_AT_ONCE = 5000
/** How long the log of webhooks is kept. */
const DELIVERY_DAYS = 30

/**
 * Begins with an epoch (PROTOCOL section 6). A lower one than the store has seen is refused: it would revive what the
 * higher one ended. A higher one also forgets the highest instant, so that a store that once saw a clock far in the
 * future can be used again: nothing that could profit from it is left.
 */
export async function begin(
  tx: BareTransaction,
  input: { now: number; epoch: number; keyIds: readonly string[] },
): Promise<void> {
  const stored = (await tx.one(`SELECT epoch FROM instance ${forUpdate(tx, 'instance')}`))?.epoch ?? 0
  await beginAfterMove(tx)
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
      `SELECT 1 FROM signing_keys WHERE substr(sealed_private_jwk, 1, 9) = $1 || '.'
       UNION ALL SELECT 1 FROM webhook_endpoints WHERE substr(sealed_secret, 1, 9) = $1 || '.'
         OR substr(sealed_previous, 1, 9) = $1 || '.' AND previous_until > $2
       UNION ALL SELECT 1 FROM hook_secrets WHERE substr(sealed, 1, 9) = $1 || '.' AND (expires_at IS NULL OR expires_at > $2)
       UNION ALL SELECT 1 FROM messages WHERE status = 'queued' AND substr(sealed, 1, 9) = $1 || '.' AND expires_at > $2 LIMIT 1`,
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
  // Of several nodes one purges at a time: what is counted is counted once.
  await tx.lock([`${environmentId}:purge`])
  await liftProtection(tx, origin, exposure, now)
  let isMore = await countUsage(tx, environmentId, now)
  const countedTo = await readCountedTo(tx, environmentId)
  const oldest = (days: number) => now - days * DAY
  // Old messages and events are found by their ids, which begin with their instant: that is the primary key.
  const oldestId = (prefix: 'msg' | 'evt' | 'dlv', days: number) =>
    firstIdAt(prefix, Math.max(0, oldest(days)))
  const steps: [table: string, where: string, ...values: (string | number)[]][] = [
    ['idempotency', 'expires_at <= $1', now],
    ['limits', 'expires_at <= $1', now],
    ['sessions', 'expires_at <= $1 AND environment_id = $2', oldest(retentionDays.sessions), environmentId],
    [
      'challenges',
      `expires_at <= $1 AND environment_id = $2
       AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.environment_id = challenges.environment_id
         AND challenge_id = challenges.id AND status = 'queued')`,
      oldest(retentionDays.challenges),
      environmentId,
    ],
    // No cookie lives longer (RFC 6265bis 5.5): whoever has the token since has lost it.
    ['devices', 'last_seen_at <= $1 AND environment_id = $2', oldest(DEVICE_DAYS), environmentId],
    ['actions', 'expires_at <= $1 AND environment_id = $2', oldest(retentionDays.challenges), environmentId],
    [
      'messages',
      "id < $1 AND environment_id = $2 AND status <> 'queued'",
      oldestId('msg', retentionDays.messages),
      environmentId,
    ],
    // What waits for an endpoint that is enabled comes to its end by itself; what waits for a disabled one may be forgotten.
    [
      'webhook_deliveries',
      `id < $1 AND environment_id = $2 AND (status <> 'pending' OR NOT EXISTS (
         SELECT 1 FROM webhook_endpoints WHERE webhook_endpoints.id = endpoint_id AND webhook_endpoints.status = 'enabled'))`,
      oldestId('dlv', DELIVERY_DAYS),
      environmentId,
    ],
    // An event that a session points at as its proof stays as long as the session; none goes before it was counted.
    [
      'events',
      `id < $1 AND id <= $3 AND environment_id = $2 AND NOT EXISTS (
         SELECT 1 FROM sessions WHERE sessions.environment_id = events.environment_id
           AND sessions.user_id = events.user_id AND sessions.proof_event_id = events.id)`,
      oldestId('evt', retentionDays.events),
      environmentId,
      countedTo,
    ],
  ]
  if (await countSends(tx, origin, now)) isMore = true
  // Written out: of a limit that it is not told a planner expects a tenth of the table, and reads all of it.
  const atMost = Math.trunc(limit)
  for (const [table, where, ...values] of steps) {
    const removed = await tx.run(
      `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${where} LIMIT ${atMost})`,
      ...values,
    )
    isMore ||= removed === limit
  }
  const wiped = await tx.run(
    `UPDATE messages SET sealed = NULL, keep_sealed_until = NULL
     WHERE id IN (SELECT id FROM messages WHERE keep_sealed_until <= $1 LIMIT ${atMost})`,
    now,
  )
  await tx.run(
    `UPDATE webhook_endpoints SET sealed_previous = NULL, previous_until = NULL
     WHERE environment_id = $1 AND previous_until <= $2`,
    environmentId,
    now,
  )
  await tx.run('DELETE FROM hook_secrets WHERE environment_id = $1 AND expires_at <= $2', environmentId, now)
  await tx.run(
    'DELETE FROM weak_guesses WHERE environment_id = $1 AND minute < $2',
    environmentId,
    Math.floor((now - 8 * DAY) / 60_000),
  )
  return isMore || wiped === limit
}

/**
 * Counts sends by the hour, each once, and raises the alarm: one event an hour while an environment sends more than
 * max(100, 10 × its usual hour). Never a lock. Counted beside the requests: a counter that every send writes would be
 * one row that all nodes wait for. True while there are sends left to count.
 */
async function countSends(tx: Transaction, origin: Origin, now: number): Promise<boolean> {
  const { environmentId } = origin
  const hour = Math.floor(now / HOUR)
  const batch = await tx.one(
    `SELECT count(*) AS sends, max(id) AS last FROM (
       SELECT messages.id FROM messages JOIN environments ON environments.id = messages.environment_id
       WHERE messages.environment_id = $1 AND messages.id > environments.sends_counted_to
       ORDER BY messages.id LIMIT $2) AS uncounted`,
    environmentId,
    COUNTED_AT_ONCE,
  )
  if (batch?.sends > 0) {
    await tx.run(
      `INSERT INTO send_counts (environment_id, hour, sends) VALUES ($1, $2, $3)
       ON CONFLICT (environment_id, hour) DO UPDATE SET sends = send_counts.sends + excluded.sends`,
      environmentId,
      hour,
      batch?.sends,
    )
    await tx.run('UPDATE environments SET sends_counted_to = $2 WHERE id = $1', environmentId, batch?.last)
    await tx.run(
      'DELETE FROM send_counts WHERE environment_id = $1 AND hour < $2',
      environmentId,
      hour - WEEK_HOURS,
    )
  }
  const counts = await tx.one(
    `SELECT coalesce(sum(CASE WHEN hour = $2 THEN sends ELSE 0 END), 0) AS this_hour,
       coalesce(sum(CASE WHEN hour < $2 THEN sends ELSE 0 END), 0) AS week
     FROM send_counts WHERE environment_id = $1`,
    environmentId,
    hour,
  )
  if (counts?.this_hour > Math.max(100, 10 * (counts?.week / WEEK_HOURS)))
    await raiseSendAlarm(tx, origin, counts?.this_hour, now)
  return batch?.sends === COUNTED_AT_ONCE
}

async function raiseSendAlarm(tx: Transaction, origin: Origin, thisHour: number, now: number): Promise<void> {
  const raised = await tx.run(
    `INSERT INTO limits (id, hits, fired, expires_at) VALUES ($1, '[]', 0, $2)
     ON CONFLICT (id) DO UPDATE SET expires_at = $2 WHERE limits.expires_at <= $3`,
    `${origin.environmentId}:sendsPerEnvironment:alarm`,
    now + HOUR,
    now,
  )
  if (raised === 0) return
  const data = { limit: 'sendsPerEnvironment', isAlarm: true, thisHour }
  await insertEvents(tx, [newEvent('limit.fired', origin, now, { data })])
}
