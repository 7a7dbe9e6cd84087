import type { ClaimedMessage, DeliveryReport, Page, Settled } from '../../core/ports.ts'
import type { Event, EventType, Origin } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { insertEvents, newEvent } from './events.ts'
import { type Condition, pageOf } from './pages.ts'
import type { Row, Transaction } from './transaction.ts'

/** See `Store.claimMessages`. Messages past their life are claimed too: the worker ends them with an event. */
export async function claimMessages(
  tx: Transaction,
  input: { now: number; limit: number; leaseMs: number; busyDomains: string[] },
): Promise<ClaimedMessage[]> {
  const now = tx.judgeAt(input.now)
  const busy = input.busyDomains.map((_, index) => `$${index + 4}`).join(', ')
  const rows = await tx.all(
    `UPDATE messages SET leased_until = $1, due_at = $1, attempt = attempt + 1
     WHERE id IN (
       SELECT id FROM messages WHERE status = 'queued' AND due_at <= $2 ${busy ? `AND domain NOT IN (${busy})` : ''}
       ORDER BY due_at LIMIT $3)
     RETURNING *`,
    now + input.leaseMs,
    now,
    input.limit,
    ...input.busyDomains,
  )
  return await withChallenges(tx, rows)
}

async function withChallenges(tx: Transaction, rows: Row[]): Promise<ClaimedMessage[]> {
  const claimed: ClaimedMessage[] = []
  for (const row of rows) {
    const challenge = await tx.one(
      `SELECT challenges.*, users.locale AS user_locale
       FROM challenges LEFT JOIN users ON users.id = coalesce(challenges.user_id, challenges.owner_id)
       WHERE challenges.id = $1`,
      row.challenge_id,
    )
    if (!challenge) continue
    claimed.push({
      message: columns.messages.read(row),
      challenge: columns.challenges.read(challenge),
      sealed: row.sealed,
      attempt: row.attempt,
      userLocale: challenge.user_locale,
    })
  }
  return claimed
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
    events.push(newEvent(type, origin, outcome.now, { challengeId: row.challenge_id, data }))
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
       sealed = CASE WHEN $5 IS NULL THEN NULL ELSE sealed END
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
    'UPDATE messages SET status = status WHERE id = $1 AND is_void = 0 RETURNING environment_id, challenge_id',
    messageId,
  )
  if (!row) return
  const type: EventType = `message.${kind}`
  const told = await tx.all(
    'SELECT data FROM events WHERE challenge_id = $1 AND type = $2',
    row.challenge_id,
    type,
  )
  if (told.some(({ data }) => JSON.parse(data).messageId === messageId)) return
  const origin: Origin = {
    environmentId: row.environment_id,
    appId: null,
    actor: { type: 'system', id: null },
    requestId: null,
  }
  const subject = { challengeId: row.challenge_id, data: { messageId, detail } }
  await insertEvents(tx, [newEvent(type, origin, now, subject)])
}

export async function nextDueAt(tx: Transaction): Promise<number | null> {
  return (await tx.one("SELECT min(due_at) AS due FROM messages WHERE status = 'queued'"))?.due ?? null
}

export async function findMessages(
  tx: Transaction,
  environmentId: string,
  filter: { to: string | null; challengeId: string | null },
  page: Page,
): Promise<ClaimedMessage[]> {
  const conditions: Condition[] = [
    ['environment_id = ?', environmentId],
    // By the address of the challenge, which is the identity form; the recipient is a spelling of it.
    [
      'challenge_id IN (SELECT id FROM challenges WHERE environment_id = messages.environment_id AND address = ?)',
      filter.to,
    ],
    ['challenge_id = ?', filter.challengeId],
  ]
  return await withChallenges(
    tx,
    await tx.all(...pageOf('messages', page, conditions, { isFew: filter.challengeId !== null })),
  )
}
