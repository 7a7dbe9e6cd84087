import { firstIdAt, instantOf } from '../../core/ids.ts'
import type { Store, UsageCount } from '../../core/ports.ts'
import { figuresOf, placeOf } from '../../core/usage/figures.ts'
import { events } from './columns.ts'
import { places, type Row, type Transaction } from './transaction.ts'

/** Events counted in one step. */
export const COUNTED_AT_ONCE = 500
/** An id is made before its commit: younger events wait, so that none comes to lie behind what is counted. */
export const LAG_MS = 2 * 60_000
const DAY_MS = 24 * 60 * 60_000
const KEPT_DAYS = 731
const LOOKED_UP_AT_ONCE = 100

/**
 * One small step of counting usage; true while there is more to count. Where it begins and ends is written with what it
 * counted, so each event counts once, whenever a process stops. The caller holds the environment's purge.
 */
export async function countUsage(tx: Transaction, environmentId: string, now: number): Promise<boolean> {
  const countedTo = await readCountedTo(tx, environmentId)
  const horizon = firstIdAt('evt', Math.max(0, now - LAG_MS))
  if (horizon <= countedTo) return false
  const rows = await tx.all(
    `SELECT * FROM events WHERE environment_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT ${COUNTED_AT_ONCE}`,
    environmentId,
    countedTo,
    horizon,
  )
  // An idle server writes nothing.
  if (rows.length === 0) return false
  await addCounts(tx, environmentId, rows)
  const isMore = rows.length === COUNTED_AT_ONCE
  await tx.run(
    'UPDATE environments SET usage_counted_to = $2 WHERE id = $1',
    environmentId,
    isMore ? rows.at(-1)?.id : horizon,
  )
  await tx.run(
    'DELETE FROM usage_counts WHERE environment_id = $1 AND day < $2',
    environmentId,
    Math.floor(now / DAY_MS) - KEPT_DAYS,
  )
  return isMore
}

/** Up to which event it was counted; '' before the first step. */
export async function readCountedTo(tx: Transaction, environmentId: string): Promise<string> {
  return (
    (await tx.one('SELECT usage_counted_to FROM environments WHERE id = $1', environmentId))
      ?.usage_counted_to ?? ''
  )
}

async function addCounts(tx: Transaction, environmentId: string, rows: readonly Row[]): Promise<void> {
  const begun = await beginningsOf(
    tx,
    rows.map(row => row.challenge_id),
  )
  const counts = new Map<string, { key: (string | number)[]; happened: number }>()
  for (const row of rows) {
    const event = events.read(row)
    const created = begun.get(event.challengeId ?? '') ?? null
    for (const { metric, detail } of figuresOf(event, created)) {
      const { channel, method, country } = placeOf(metric, created)
      const key = [Math.floor(event.createdAt / DAY_MS), metric, channel, method, detail, country]
      const count = counts.get(JSON.stringify(key)) ?? { key, happened: 0 }
      count.happened += 1
      counts.set(JSON.stringify(key), count)
    }
  }
  for (const { key, happened } of counts.values())
    await tx.run(
      `INSERT INTO usage_counts (environment_id, day, metric, channel, method, detail, country, happened) VALUES ${places(1, 8)}
       ON CONFLICT (environment_id, day, metric, channel, method, detail, country)
       DO UPDATE SET happened = usage_counts.happened + excluded.happened`,
      environmentId,
      ...key,
      happened,
    )
}

/** The events with which these challenges began. */
async function beginningsOf(tx: Transaction, named: readonly (string | null)[]) {
  const ids = [...new Set(named.filter(id => id !== null))]
  const found: Row[] = []
  for (let from = 0; from < ids.length; from += LOOKED_UP_AT_ONCE) {
    const some = ids.slice(from, from + LOOKED_UP_AT_ONCE)
    // Always as many: each length would be a prepared statement of its own.
    const list = Array.from({ length: LOOKED_UP_AT_ONCE }, (_, index) => some[index] ?? '')
    found.push(
      ...(await tx.all(
        `SELECT * FROM events WHERE challenge_id IN ${places(1, LOOKED_UP_AT_ONCE)} AND type || '' = 'challenge.created'`,
        ...list,
      )),
    )
  }
  return new Map(found.map(row => [row.challenge_id as string, events.read(row)]))
}

/** See `Store.readUsage`. */
export async function readUsage(
  tx: Transaction,
  { environmentId, from, to, by }: Parameters<Store['readUsage']>[0],
): Promise<{ counts: UsageCount[]; countedTo: number | null }> {
  const rows = await tx.all(
    `SELECT ${by} AS key, metric, method, detail, sum(happened) AS happened FROM usage_counts
     WHERE environment_id = $1 AND day >= $2 AND day <= $3 GROUP BY ${by}, metric, method, detail`,
    environmentId,
    from,
    to,
  )
  const countedTo = await readCountedTo(tx, environmentId)
  return {
    counts: rows.map(({ key, metric, method, detail, happened }) => ({
      key: String(key),
      metric,
      method,
      detail,
      happened: Number(happened),
    })),
    countedTo: countedTo === '' ? null : instantOf(countedTo),
  }
}
