import type { Listed, Page, WebhookPatch } from '../../core/ports.ts'
import type { EventType, Origin, WebhookDelivery, WebhookEndpoint } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { insertEvents, newEvent } from './events.ts'
import { type Condition, lookThrough, unindexed } from './pages.ts'
import { assignments, forUpdate, places, type Row, type Transaction } from './transaction.ts'

/** Endpoints of webhooks, and the log of what was sent to them. The worker's own statements stand in webhook-queue.ts. */

const { columns: NAMES } = columns.webhookEndpoints
const { columns: DELIVERY } = columns.webhookDeliveries

export async function listEndpoints(tx: Transaction, environmentId: string): Promise<WebhookEndpoint[]> {
  const rows = await tx.all(
    'SELECT * FROM webhook_endpoints WHERE environment_id = $1 ORDER BY id DESC',
    environmentId,
  )
  return rows.map(columns.webhookEndpoints.read)
}

export async function findEndpoint(
  tx: Transaction,
  environmentId: string,
  id: string,
): Promise<WebhookEndpoint | null> {
  const row = await rowOf(tx, environmentId, id)
  return row ? columns.webhookEndpoints.read(row) : null
}

const rowOf = (tx: Transaction, environmentId: string, id: string) =>
  tx.one('SELECT * FROM webhook_endpoints WHERE id = $1 AND environment_id = $2', id, environmentId)

const heldRow = (tx: Transaction, environmentId: string, id: string) =>
  tx.one(
    `SELECT * FROM webhook_endpoints WHERE id = $1 AND environment_id = $2 ${forUpdate(tx, 'webhook_endpoints')}`,
    id,
    environmentId,
  )

/** See `Store.createWebhookEndpoint`. */
export async function createEndpoint(
  tx: Transaction,
  endpoint: WebhookEndpoint,
  sealedSecret: string,
  max: number,
  origin: Origin,
  now: number,
): Promise<WebhookEndpoint | null> {
  await tx.lock([`${endpoint.environmentId}:webhooks`])
  const count = await tx.one(
    'SELECT count(*) AS count FROM webhook_endpoints WHERE environment_id = $1',
    endpoint.environmentId,
  )
  if (Number(count?.count) >= max) return null
  // Before the row, so that an endpoint is not told of itself.
  await tell(tx, 'created', endpoint.id, origin, now, {})
  await tx.run(
    `INSERT INTO webhook_endpoints (sealed_secret, ${NAMES.join(', ')}) VALUES ${places(1, NAMES.length + 1)}`,
    sealedSecret,
    ...columns.webhookEndpoints.values(endpoint),
  )
  return endpoint
}

/** See `Store.updateWebhookEndpoint`. What waits while it is disabled goes on when it is enabled. */
export async function updateEndpoint(
  tx: Transaction,
  id: string,
  patch: WebhookPatch,
  origin: Origin,
  now: number,
): Promise<WebhookEndpoint | 'noSecret' | null> {
  const row = await heldRow(tx, origin.environmentId, id)
  if (!row) return null
  const before = columns.webhookEndpoints.read(row)
  const isEnabled = patch.status === 'enabled' && before.status === 'disabled'
  const isDisabled = patch.status === 'disabled' && before.status === 'enabled'
  if (isEnabled && row.sealed_secret === null) return 'noSecret'
  const after: WebhookEndpoint = { ...before, ...patch, updatedAt: now }
  if (isEnabled) {
    after.disabledReason = null
    after.firstFailedAt = null
  }
  if (isDisabled) after.disabledReason = 'manual'
  await tx.run(
    `UPDATE webhook_endpoints SET ${assignments(NAMES, 2)} WHERE id = $1`,
    id,
    ...columns.webhookEndpoints.values(after),
  )
  const changed = Object.keys(patch)
  if (isDisabled) await tell(tx, 'disabled', id, origin, now, { reason: 'manual' })
  if (!isDisabled || changed.length > 1) await tell(tx, 'updated', id, origin, now, { changed })
  return after
}

/** See `Store.deleteWebhookEndpoint`. Its deliveries go with retention: there may be very many. */
export async function deleteEndpoint(
  tx: Transaction,
  id: string,
  origin: Origin,
  now: number,
): Promise<boolean> {
  const deleted = await tx.run(
    'DELETE FROM webhook_endpoints WHERE id = $1 AND environment_id = $2',
    id,
    origin.environmentId,
  )
  if (deleted === 1) await tell(tx, 'deleted', id, origin, now, {})
  return deleted === 1
}

/** See `Store.rotateWebhookSecret`. */
export async function rotateSecret(
  tx: Transaction,
  id: string,
  sealedSecret: string,
  previousUntil: number,
  origin: Origin,
  now: number,
): Promise<WebhookEndpoint | null> {
  const row = await heldRow(tx, origin.environmentId, id)
  if (!row) return null
  const overlaps = row.sealed_secret !== null && previousUntil > now
  const rotated = await tx.one(
    `UPDATE webhook_endpoints SET sealed_previous = $2, previous_until = $3, sealed_secret = $4, updated_at = $5
     WHERE id = $1 RETURNING *`,
    id,
    overlaps ? row.sealed_secret : null,
    overlaps ? previousUntil : null,
    sealedSecret,
    now,
  )
  await tell(tx, 'updated', id, origin, now, { changed: ['secret'] })
  return columns.webhookEndpoints.read(rotated as Row)
}

/** See `Store.addWebhookTest`. */
export async function addTest(
  tx: Transaction,
  delivery: WebhookDelivery,
): Promise<WebhookDelivery | 'disabled' | null> {
  const endpoint = await findEndpoint(tx, delivery.environmentId, delivery.endpointId)
  if (!endpoint) return null
  if (endpoint.status === 'disabled') return 'disabled'
  await insertDeliveries(tx, [delivery])
  return delivery
}

/** Queues deliveries; one of an event that is queued already is left as it is. How many were new. */
export async function insertDeliveries(tx: Transaction, list: readonly WebhookDelivery[]): Promise<number> {
  const names = [...DELIVERY, 'leased_until']
  let inserted = 0
  for (const delivery of list)
    inserted += await tx.run(
      `INSERT INTO webhook_deliveries (${names.join(', ')}) VALUES ${places(1, names.length)} ON CONFLICT DO NOTHING`,
      ...columns.webhookDeliveries.values(delivery),
      0,
    )
  return inserted
}

export async function findDelivery(
  tx: Transaction,
  environmentId: string,
  endpointId: string,
  id: string,
): Promise<WebhookDelivery | null> {
  const row = await tx.one(
    'SELECT * FROM webhook_deliveries WHERE id = $1 AND endpoint_id = $2 AND environment_id = $3',
    id,
    endpointId,
    environmentId,
  )
  return row ? columns.webhookDeliveries.read(row) : null
}

/** See `Store.listWebhookDeliveries`. */
export async function listDeliveries(
  tx: Transaction,
  environmentId: string,
  endpointId: string,
  { status }: { status: string | null },
  page: Page,
): Promise<Listed<WebhookDelivery>> {
  const indexed: Condition[] = [
    ['endpoint_id = ?', endpointId],
    ['environment_id = ?', environmentId],
  ]
  const { rows, lookedTo } = await lookThrough(tx, 'webhook_deliveries', page, indexed, [
    unindexed('status', status),
  ])
  return { rows: rows.map(columns.webhookDeliveries.read), lookedTo }
}

/** Writes the event, which names the endpoint and not its URL: that may hold a secret of the receiver. */
async function tell(
  tx: Transaction,
  what: 'created' | 'updated' | 'deleted' | 'disabled',
  webhookEndpointId: string,
  origin: Origin,
  now: number,
  more: Record<string, unknown>,
): Promise<void> {
  const type: EventType = `webhook_endpoint.${what}`
  await insertEvents(tx, [newEvent(type, origin, now, { data: { webhookEndpointId, ...more } })])
}
