import { newId } from '../../core/ids.ts'
import type { EventFilter, Listed, Page } from '../../core/ports.ts'
import type { Event, EventType, Origin } from '../../core/rows.ts'
import { events } from './columns.ts'
import { type Condition, lookThrough, unindexed } from './pages.ts'
import { places, type Transaction, type Value } from './transaction.ts'

const AT_ONCE = 20

/** What an event is about; the rest comes from its origin. */
export type EventSubject = Partial<
  Pick<Event, 'userId' | 'challengeId' | 'actionId' | 'sessionId' | 'appId' | 'context' | 'data'>
>

/** An event as it will be written: made first, because a session points at the event of its proof. */
export function newEvent(type: EventType, origin: Origin, now: number, subject: EventSubject = {}): Event {
  return {
    id: newId('evt', now),
    type,
    environmentId: origin.environmentId,
    appId: origin.appId,
    actor: origin.actor,
    userId: null,
    challengeId: null,
    actionId: null,
    sessionId: null,
    organizationId: null,
    requestId: origin.requestId,
    context: null,
    data: {},
    createdAt: now,
    ...subject,
  }
}

/** Writes the events of one operation. */
export async function insertEvents(tx: Transaction, list: readonly Event[]): Promise<void> {
  // In pieces: a statement takes a bounded number of values, and each length is a prepared statement of its own.
  for (let from = 0; from < list.length; from += AT_ONCE)
    await insertSome(tx, list.slice(from, from + AT_ONCE))
}

async function insertSome(tx: Transaction, list: readonly Event[]): Promise<void> {
  const values: Value[] = list.flatMap(event => events.values(event))
  await tx.run(
    `INSERT INTO events (${events.columns.join(', ')}) VALUES ${places(list.length, events.columns.length)}`,
    ...values,
  )
}

/** See `Store.listEvents`. The narrowest of the filters is answered by its index: a type may be half of all events. */
export async function listEvents(
  tx: Transaction,
  environmentId: string,
  filter: EventFilter,
  page: Page,
): Promise<Listed<Event>> {
  const asked = (
    [
      ['session_id', filter.sessionId],
      ['challenge_id', filter.challengeId],
      ['action_id', filter.actionId],
      ['user_id', filter.userId],
      ['type', filter.type],
    ] as const
  ).filter(([, value]) => value !== null)
  const indexed: Condition[] = [['environment_id = ?', environmentId]]
  for (const [column, value] of asked.slice(0, 1)) indexed.push([`${column} = ?`, value])
  const filters = asked.slice(1).map(([column, value]) => unindexed(column, value))
  const { rows, lookedTo } = await lookThrough(tx, 'events', page, indexed, filters)
  return { rows: rows.map(events.read), lookedTo }
}
