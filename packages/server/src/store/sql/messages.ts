import { firstIdAt, newId } from '../../core/ids.ts'
import type { ClaimedMessage, DeliveryReport, Listed, Page, Settled } from '../../core/ports.ts'
import type { Event, EventType, Origin } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { insertEvents, newEvent } from './events.ts'
import { areFew, type Condition, lookThrough, pageOf } from './pages.ts'
import { places, type Row, type Transaction } from './transaction.ts'

/** See `Store.claimMessages`. Messages past their life are claimed too: the worker ends them with an event. */
export async function claimMessages(
  tx: Transaction,
  input: { now: number; limit: number; leaseMs: number; busyDomains: string[] },
): Promise<ClaimedMessage[]> {
  const now = tx.judgeAt(input.now)
  const busy = input.busyDomains.map((_, index) => `$${index + 3}`).join(', ')
  // Written out, as in retention.ts.
  const atMost = Math.trunc(input.limit)
  const rows = await tx.all(
    `UPDATE messages SET leased_until = $1, due_at = $1, attempt = attempt + 1
     WHERE id IN (
       SELECT id FROM messages WHERE status = 'queued' AND due_at <= $2 ${busy ? `AND domain NOT IN (${busy})` : ''}
       ORDER BY due_at LIMIT ${atMost} ${tx.isShared ? 'FOR UPDATE SKIP LOCKED' : ''})
     RETURNING *`,
    now + input.leaseMs,
    now,
    ...input.busyDomains,
  )
  return await withSubjects(tx, rows)
}

/** The messages with what they are about. A notice has no challenge, and is all in its content. */
async function withSubjects(tx: Transaction, rows: Row[]): Promise<ClaimedMessage[]> {
  const challenges = await byId(
    tx,
    `SELECT challenges.*, users.locale AS user_locale
     FROM challenges LEFT JOIN users ON users.id = coalesce(challenges.user_id, challenges.owner_id, challenges.id)
     WHERE challenges.id`,
    rows.map(row => row.challenge_id),
  )
  const users = await byId(
    tx,
    'SELECT id, locale FROM users WHERE id',
    rows.map(row => row.user_id),
  )
  return rows.flatMap(row => {
    const challenge = challenges.get(row.challenge_id)
    if (!challenge && row.notice === null) return []
    return {
      message: columns.messages.read(row),
      challenge: challenge ? columns.challenges.read(challenge) : null,
      sealed: row.sealed,
      attempt: row.attempt,
      userLocale: challenge ? challenge.user_locale : (users.get(row.user_id)?.locale ?? null),
    }
  })
}

async function byId(
  tx: Transaction,
  select: string,
  named: readonly (string | null)[],
): Promise<Map<string, Row>> {
  const ids = [...new Set(named.filter(id => id !== null))]
  if (ids.length === 0) return new Map()
  const found = await tx.all(`${select} IN ${places(1, ids.length)}`, ...ids)
  return new Map(found.map(row => [row.id, row]))
}

/** See `Store.holdsLease`. */
export async function holdsLease(
  tx: Transaction,
  id: string,
  attempt: number,
  now: number,
): Promise<boolean> {
  const row = await tx.one(
    "SELECT 1 FROM messages WHERE id = $1 AND attempt = $2 AND status = 'queued' AND leased_until > $3",
    id,
    attempt,
    now,
  )
  return row !== undefined
}

/**
 * Writes how deliveries ended, with an event each. What went out is `sent` even when its lease was lost in between:
 * a failure that came later does not undo it, and of two copies the first one's reply stands.
 */
export async function settleMessages(tx: Transaction, outcomes: readonly Settled[]): Promise<void> {
  const events: Event[] = []
  for (const outcome of outcomes) {
    const row = await settle(tx, outcome)
    if (!row) continue
    const type: EventType = outcome.kind === 'retry' ? 'message.retried' : `message.${outcome.kind}`
    const origin: Origin = {
      environmentId: row.environment_id,
      appId: null,
      actor: { type: 'system', id: null },
      requestId: null,
    }
    const data = {
      messageId: row.id,
      attempt: row.attempt,
      reply: outcome.kind === 'sent' ? outcome.reply : outcome.error,
    }
    events.push({
      ...newEvent(type, origin, outcome.now, {
        challengeId: row.challenge_id,
        userId: row.user_id,
        data,
      }),
      id: newId('evt', outcome.writtenAt ?? outcome.now),
    })
  }
  await insertEvents(tx, events)
}

async function settle(tx: Transaction, outcome: Settled): Promise<Row | undefined> {
  const { id, now } = outcome
  if (outcome.kind === 'retry')
    return await tx.one(
      `UPDATE messages SET due_at = $2, leased_until = 0, reply = $3
       WHERE id = $1 AND status = 'queued' AND leased_until <> 0 AND attempt = $4 RETURNING *`,
      id,
      outcome.at,
      outcome.error,
      outcome.attempt,
    )
  const isSent = outcome.kind === 'sent'
  const keep = outcome.keepSealedUntil
  return await tx.one(
    `UPDATE messages SET status = $2, reply = $3, sent_at = $4, leased_until = 0, keep_sealed_until = $5,
       sealed = CASE WHEN CAST($5 AS BIGINT) IS NULL THEN NULL ELSE sealed END
     WHERE id = $1 AND (status = 'queued' AND ($2 = 'sent' OR attempt = $6) OR status = 'failed' AND $2 = 'sent')
     RETURNING *`,
    id,
    outcome.kind,
    isSent ? outcome.reply : outcome.error,
    isSent ? now : null,
    keep,
    outcome.attempt,
  )
}

/**
 * See `Store.recordDelivery`. The update changes nothing: it holds the row, so that of two who are told the same at
 * once the second sees the first one's event. A decoy was never sent; what is told of it is not true.
 */
export async function recordDelivery(
  tx: Transaction,
  { messageId, kind, detail, now }: DeliveryReport & { now: number },
): Promise<void> {
  const row = await tx.one(
    `UPDATE messages SET status = status WHERE id = $1 AND is_void = 0
     RETURNING environment_id, challenge_id, user_id, created_at`,
    messageId,
  )
  if (!row) return
  const type: EventType = `message.${kind}`
  const told = await reportsOf(tx, row, type)
  if (told.some(({ data }) => JSON.parse(data).messageId === messageId)) return
  const origin: Origin = {
    environmentId: row.environment_id,
    appId: null,
    actor: { type: 'system', id: null },
    requestId: null,
  }
  const subject = { challengeId: row.challenge_id, userId: row.user_id, data: { messageId, detail } }
  await insertEvents(tx, [newEvent(type, origin, now, subject)])
}

/** The events of this type of the message's challenge or user, or since an operator's notice. */
async function reportsOf(tx: Transaction, row: Row, type: EventType): Promise<Row[]> {
  if (row.challenge_id !== null)
    return await tx.all(
      'SELECT data FROM events WHERE challenge_id = $1 AND type = $2',
      row.challenge_id,
      type,
    )
  const since = firstIdAt('evt', row.created_at)
  if (row.user_id === null)
    return await tx.all(
      'SELECT data FROM events WHERE environment_id = $1 AND type = $2 AND id >= $3 AND user_id IS NULL',
      row.environment_id,
      type,
      since,
    )
  return await tx.all(
    'SELECT data FROM events WHERE environment_id = $1 AND user_id = $2 AND id >= $3 AND type = $4',
    row.environment_id,
    row.user_id,
    since,
    type,
  )
}

export async function nextDueAt(tx: Transaction): Promise<number | null> {
  return (await tx.one("SELECT min(due_at) AS due FROM messages WHERE status = 'queued'"))?.due ?? null
}

/** See `Store.findMessages`. `to` is the address in identity form; the recipient is a spelling of it. */
export async function findMessages(
  tx: Transaction,
  environmentId: string,
  { to, challengeId }: { to: string | null; challengeId: string | null },
  page: Page,
): Promise<Listed<ClaimedMessage>> {
  const inEnvironment: Condition = ['environment_id = ?', environmentId]
  const isTo: Condition = [
    'coalesce(address, (SELECT address FROM challenges WHERE id = messages.challenge_id)) = ?',
    to,
  ]
  const few =
    challengeId !== null
      ? [inEnvironment, ['challenge_id = ?', challengeId] as Condition, isTo]
      : to !== null && (await areFewTo(tx, environmentId, to))
        ? [inEnvironment, [`id IN (${IDS_TO})`, to] as Condition]
        : null
  const { rows, lookedTo } = few
    ? { rows: await tx.all(...pageOf('messages', page, few, { isFew: true })), lookedTo: null }
    : await lookThrough(tx, 'messages', page, [inEnvironment], [isTo])
  return { rows: await withSubjects(tx, rows), lookedTo }
}

const OF_ADDRESS = 'environment_id = $1 AND address = $2'
const BY_CHALLENGE = `SELECT id FROM messages WHERE environment_id = $1 AND challenge_id IN (SELECT id FROM challenges WHERE ${OF_ADDRESS})`
// Notices have the address themselves.
const IDS_TO = `${BY_CHALLENGE} UNION ALL SELECT id FROM messages WHERE ${OF_ADDRESS}`

const areFewTo = async (tx: Transaction, environmentId: string, to: string): Promise<boolean> =>
  (await areFew(tx, `challenges WHERE ${OF_ADDRESS}`, environmentId, to)) &&
  (await areFew(tx, `messages WHERE ${OF_ADDRESS}`, environmentId, to))
