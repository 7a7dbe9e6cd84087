import { newId } from '../../core/ids.ts'
import type {
  ClaimedWebhook,
  DisabledEndpoint,
  OperatorNotice,
  SettledWebhook,
  Store,
} from '../../core/ports.ts'
import type { Event, Origin, WebhookDelivery } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { insertEvents, newEvent } from './events.ts'
import { insertNotice } from './notices.ts'
import { places, type Row, type Transaction } from './transaction.ts'
import { insertDeliveries } from './webhooks.ts'

/** The queue of webhooks: claiming, settling and replaying deliveries. What fills it is a trigger (its migration tells why). */

/** See `Store.listDueWebhooks`: one look into an index for each endpoint. */
export async function listDue(tx: Transaction): Promise<{ endpointId: string; dueAt: number | null }[]> {
  const rows = await tx.all(
    `SELECT id, (SELECT min(due_at) FROM webhook_deliveries
       WHERE endpoint_id = webhook_endpoints.id AND webhook_deliveries.status = 'pending') AS due_at
     FROM webhook_endpoints WHERE status = 'enabled'`,
  )
  return rows.map(row => ({ endpointId: row.id, dueAt: row.due_at }))
}

/** See `Store.claimWebhooks`. */
export async function claim(
  tx: Transaction,
  input: Parameters<Store['claimWebhooks']>[0],
): Promise<ClaimedWebhook[]> {
  const now = tx.judgeAt(input.now)
  const claimed: { endpoint: Row; row: Row }[] = []
  for (const { endpointId, limit } of input.wanted) {
    const endpoint = await tx.one(
      `SELECT webhook_endpoints.*, environments.mode FROM webhook_endpoints
       JOIN environments ON environments.id = environment_id WHERE webhook_endpoints.id = $1 AND status = 'enabled'`,
      endpointId,
    )
    if (!endpoint) continue
    const rows = await tx.all(
      `UPDATE webhook_deliveries SET leased_until = $1, due_at = $1, attempt = attempt + 1
       WHERE id IN (SELECT id FROM webhook_deliveries WHERE endpoint_id = $2 AND status = 'pending' AND due_at <= $3
         ORDER BY due_at LIMIT ${Math.trunc(limit)} ${tx.isShared ? 'FOR UPDATE SKIP LOCKED' : ''})
       RETURNING *`,
      now + input.leaseMs,
      endpointId,
      now,
    )
    for (const row of rows) claimed.push({ endpoint, row })
  }
  const events = await eventsOf(
    tx,
    claimed.flatMap(({ row }) => (row.event_id === null ? [] : [row.event_id as string])),
  )
  return claimed.map(({ endpoint, row }) => ({
    delivery: columns.webhookDeliveries.read(row),
    url: endpoint.url,
    mode: endpoint.mode,
    sealedSecrets: [
      endpoint.sealed_secret,
      (endpoint.previous_until ?? 0) > now ? endpoint.sealed_previous : null,
    ].filter(sealed => sealed !== null),
    event: events.get(row.event_id) ?? null,
  }))
}

async function eventsOf(tx: Transaction, ids: readonly string[]): Promise<Map<string, Event>> {
  const unique = [...new Set(ids)]
  if (unique.length === 0) return new Map()
  const rows = await tx.all(`SELECT * FROM events WHERE id IN ${places(1, unique.length)}`, ...unique)
  return new Map(rows.map(row => [row.id, columns.events.read(row)]))
}

/** See `Store.holdsWebhookLease`. An endpoint that was disabled or deleted since is not called. */
export async function holdsLease(
  tx: Transaction,
  id: string,
  attempt: number,
  now: number,
): Promise<boolean> {
  const row = await tx.one(
    `SELECT 1 FROM webhook_deliveries JOIN webhook_endpoints ON webhook_endpoints.id = endpoint_id
     WHERE webhook_deliveries.id = $1 AND attempt = $2 AND webhook_deliveries.status = 'pending' AND leased_until > $3
       AND webhook_endpoints.status = 'enabled'`,
    id,
    attempt,
    now,
  )
  return row !== undefined
}

/** See `Store.settleWebhooks`. Deliveries before endpoints, endpoints in the order of their ids: two never wait in a ring. */
export async function settle(
  tx: Transaction,
  outcomes: readonly SettledWebhook[],
  failingMs: number,
  noticesOf: Parameters<Store['settleWebhooks']>[2],
): Promise<DisabledEndpoint[]> {
  const byEndpoint = new Map<string, SettledWebhook[]>()
  for (const outcome of outcomes.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    if (!(await settleOne(tx, outcome))) continue
    byEndpoint.set(outcome.endpointId, [...(byEndpoint.get(outcome.endpointId) ?? []), outcome])
  }
  const disabled: DisabledEndpoint[] = []
  for (const endpointId of [...byEndpoint.keys()].sort()) {
    const one = await judgeEndpoint(tx, endpointId, byEndpoint.get(endpointId) ?? [], failingMs)
    if (!one) continue
    await tellOf(tx, one, noticesOf(one))
    disabled.push(one)
  }
  return disabled
}

async function settleOne(tx: Transaction, outcome: SettledWebhook): Promise<boolean> {
  const { id, attempt, kind, now, tried } = outcome
  const changed = await tx.run(
    `UPDATE webhook_deliveries SET status = $3, due_at = $4, leased_until = 0, failures = failures + $5, delivered_at = $6,
       tried_at = $7, duration_ms = $8, answer_status = $9, answer = $10, error = $11
     WHERE id = $1 AND attempt = $2 AND status = 'pending' AND leased_until <> 0`,
    id,
    attempt,
    kind === 'retry' ? 'pending' : kind,
    kind === 'retry' ? outcome.at : now,
    kind === 'delivered' ? 0 : 1,
    kind === 'delivered' ? now : null,
    tried.triedAt,
    tried.durationMs,
    tried.answerStatus,
    tried.answer,
    tried.error,
  )
  return changed === 1
}

/** What the tries of one batch say of their endpoint; it, when they disabled it. */
async function judgeEndpoint(
  tx: Transaction,
  id: string,
  outcomes: readonly SettledWebhook[],
  failingMs: number,
): Promise<DisabledEndpoint | null> {
  const faults = outcomes.filter(
    one => one.kind === 'retry' || (one.kind === 'failed' && one.isReceiversFault),
  )
  const isGone = outcomes.some(one => one.kind === 'failed' && one.isGone)
  if (outcomes.some(({ kind }) => kind === 'delivered'))
    await tx.run(
      'UPDATE webhook_endpoints SET first_failed_at = NULL WHERE id = $1 AND first_failed_at IS NOT NULL',
      id,
    )
  else if (faults[0])
    await tx.run(
      'UPDATE webhook_endpoints SET first_failed_at = $2 WHERE id = $1 AND first_failed_at IS NULL',
      id,
      faults[0].now,
    )
  const now = Math.max(...outcomes.map(one => one.now))
  const failedSince = isGone ? now : now - failingMs
  if (!isGone && faults.length === 0) return null
  const reason = isGone ? 'gone' : 'failing'
  const row = await tx.one(
    `UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = $2, updated_at = $3
     WHERE id = $1 AND status = 'enabled' AND ($2 = 'gone' OR first_failed_at <= $4) RETURNING *`,
    id,
    reason,
    now,
    failedSince,
  )
  return row ? { endpointId: id, environmentId: row.environment_id, url: row.url, reason, at: now } : null
}

/** The event, and the notices to those who run the app. */
async function tellOf(
  tx: Transaction,
  { endpointId, environmentId, reason, at }: DisabledEndpoint,
  notices: readonly OperatorNotice[],
): Promise<void> {
  const origin: Origin = {
    environmentId,
    appId: null,
    actor: { type: 'system', id: null },
    requestId: null,
  }
  const about = { webhookEndpointId: endpointId }
  const events = [newEvent('webhook_endpoint.disabled', origin, at, { data: { ...about, reason } })]
  for (const notice of notices) {
    if (!(await insertNotice(tx, notice, environmentId, null, at))) continue
    const data = { messageId: notice.messageId, notice: notice.kind, ...about }
    events.push(newEvent('message.queued', origin, at, { data }))
  }
  await insertEvents(tx, events)
}

/** From the beginning, as a new attempt: a try that is under way settles nothing any more. */
const AGAIN =
  "status = 'pending', due_at = $1, leased_until = 0, attempt = attempt + 1, failures = 0, delivered_at = NULL"

/** See `Store.replayWebhook`. */
export async function replayOne(
  tx: Transaction,
  { environmentId, endpointId, deliveryId, now }: Parameters<Store['replayWebhook']>[0],
): Promise<WebhookDelivery | null> {
  const row = await tx.one(
    `UPDATE webhook_deliveries SET ${AGAIN} WHERE id = $2 AND endpoint_id = $3 AND environment_id = $4 RETURNING *`,
    now,
    deliveryId,
    endpointId,
    environmentId,
  )
  return row ? columns.webhookDeliveries.read(row) : null
}

/** See `Store.replayWebhooks`. What waits already is left alone. */
export async function replayStep(
  tx: Transaction,
  input: Parameters<Store['replayWebhooks']>[0],
): Promise<{ queued: number; lookedTo: { id: string; createdAt: number } | null }> {
  const { environmentId, endpointId, after, since, isUndeliveredOnly, limit, now } = input
  const endpoint = await tx.one('SELECT event_types FROM webhook_endpoints WHERE id = $1', endpointId)
  const types: string[] | null = JSON.parse(endpoint?.event_types ?? '[]')
  const rows = await tx.all(
    `SELECT events.id, events.type, events.created_at, webhook_deliveries.id AS delivery_id, status FROM events
     LEFT JOIN webhook_deliveries ON endpoint_id = $1 AND event_id = events.id
     WHERE events.environment_id = $2 AND events.id > $3 ORDER BY events.id LIMIT ${Math.trunc(limit)}`,
    endpointId,
    environmentId,
    after,
  )
  const wanted = rows.filter(row => row.created_at >= since && (types === null || types.includes(row.type)))
  const missed = wanted.filter(row => row.delivery_id === null)
  const known = wanted.filter(
    row => row.status === 'failed' || (row.status === 'delivered' && !isUndeliveredOnly),
  )
  let queued = await insertDeliveries(
    tx,
    missed.map(row => ({
      id: newId('dlv', now),
      environmentId,
      endpointId,
      eventId: row.id,
      eventType: row.type,
      ...QUEUED,
      dueAt: now,
      createdAt: now,
    })),
  )
  for (const row of known)
    queued += await tx.run(
      `UPDATE webhook_deliveries SET ${AGAIN} WHERE id = $2 AND status <> 'pending'`,
      now,
      row.delivery_id,
    )
  const last = rows.at(-1)
  return {
    queued,
    lookedTo: last && rows.length === limit ? { id: last.id, createdAt: last.created_at } : null,
  }
}

const QUEUED = {
  status: 'pending',
  attempt: 0,
  failures: 0,
  triedAt: null,
  durationMs: null,
  answerStatus: null,
  answer: null,
  error: null,
  deliveredAt: null,
} as const
