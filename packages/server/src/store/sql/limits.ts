import type { Limit, LimitFired, Window } from '../../core/ports.ts'
import type { Origin } from '../../core/rows.ts'
import { insertEvents, newEvent } from './events.ts'
import type { Transaction } from './transaction.ts'

/** `[instant, count]`, oldest first: what passed, rounded down to a sixtieth of the smallest window. */
type Hits = [at: number, count: number][]

interface State {
  id: string
  limit: Limit
  hits: Hits
  row: { fired_event_id: string | null; fired_at: number | null; fired: number } | null
}

/**
 * Takes one from every limit, or from none: then the one that fired, with the time until it lets a call pass again.
 *
 * A hit counts until the whole of its sixtieth has left the window: at most N pass in any window, of N + 1 at once
 * exactly N, and one who was refused waits at most a sixtieth longer. Rows are taken in the order of their ids, so that
 * two calls never wait for each other (PROTOCOL section 2).
 */
export async function takeLimits(
  tx: Transaction,
  limits: readonly Limit[],
  origin: Origin,
  now: number,
): Promise<LimitFired | null> {
  const states = await readLimits(tx, limits, origin.environmentId)
  const fired = firedOf(states, now)
  if (fired) return await refuse(tx, fired, origin, now)
  for (const state of states) await writeHit(tx, state, now)
  return null
}

/** Whether a limit is full, without taking from it: for limits that count only wrong answers. */
export async function checkLimits(
  tx: Transaction,
  limits: readonly Limit[],
  origin: Origin,
  now: number,
): Promise<LimitFired | null> {
  if (limits.length === 0) return null
  const fired = firedOf(await readLimits(tx, limits, origin.environmentId), now)
  return fired ? await refuse(tx, fired, origin, now) : null
}

/** Counts a hit on each of the limits, full or not. */
export async function countHits(
  tx: Transaction,
  limits: readonly Limit[],
  origin: Origin,
  now: number,
): Promise<void> {
  for (const state of await readLimits(tx, limits, origin.environmentId)) await writeHit(tx, state, now)
}

async function readLimits(
  tx: Transaction,
  limits: readonly Limit[],
  environmentId: string,
): Promise<State[]> {
  const states: State[] = []
  await tx.lock(limitNames(limits, environmentId))
  for (const limit of limits) {
    const id = limitId(limit, environmentId)
    const row = await tx.one('SELECT hits, fired_event_id, fired_at, fired FROM limits WHERE id = $1', id)
    states.push({ id, limit, hits: row ? JSON.parse(row.hits) : [], row: (row as State['row']) ?? null })
  }
  return states.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** The limit with the longest wait, or null when all let the call pass. */
function firedOf(states: readonly State[], now: number): { state: State; waitMs: number } | null {
  let worst: { state: State; waitMs: number } | null = null
  for (const state of states) {
    const grain = grainOf(state.limit)
    for (const window of state.limit.windows) {
      const waitMs = waitOf(state.hits, window, grain, now)
      if (waitMs > 0 && (!worst || waitMs > worst.waitMs)) worst = { state, waitMs }
    }
  }
  return worst
}

function waitOf(hits: Hits, { ms, max }: Window, grain: number, now: number): number {
  let counted = 0
  // From the newest back: the hit that fills the window is the one that has to leave it.
  for (let index = hits.length - 1; index >= 0; index--) {
    const [at, count] = hits[index] as [number, number]
    const leavesAt = at + grain + ms
    if (leavesAt <= now) break
    counted += count
    if (counted >= max) return leavesAt - now
  }
  return 0
}

async function writeHit(tx: Transaction, state: State, now: number): Promise<void> {
  const grain = grainOf(state.limit)
  const longest = Math.max(...state.limit.windows.map(window => window.ms))
  const at = now - (now % grain)
  const hits = state.hits.filter(([instant]) => instant + grain + longest > now)
  const last = hits.at(-1)
  if (last && last[0] >= at) last[1] += 1
  else hits.push([at, 1])
  await tx.run(
    `INSERT INTO limits (id, hits, fired, expires_at) VALUES ($1, $2, 0, $3)
     ON CONFLICT (id) DO UPDATE SET hits = excluded.hits, expires_at = excluded.expires_at`,
    state.id,
    JSON.stringify(hits),
    now + longest + grain,
  )
}

/** Tells of the refusal: one event per limit, key and window, whose count grows. */
async function refuse(
  tx: Transaction,
  { state, waitMs }: { state: State; waitMs: number },
  origin: Origin,
  now: number,
): Promise<LimitFired> {
  const { limit, row, id } = state
  const window = Math.min(...limit.windows.map(one => one.ms))
  const endsAt = new Date(now + waitMs).toISOString()
  if (row?.fired_event_id && row.fired_at !== null && row.fired_at + window > now) {
    const data = JSON.stringify({ limit: limit.name, key: limit.key, refusals: row.fired + 1, endsAt })
    await tx.run('UPDATE limits SET fired = fired + 1 WHERE id = $1', id)
    await tx.run('UPDATE events SET data = $1 WHERE id = $2', data, row.fired_event_id)
  } else {
    const event = newEvent('limit.fired', origin, now, {
      data: { limit: limit.name, key: limit.key, refusals: 1, endsAt },
    })
    await insertEvents(tx, [event])
    await tx.run(
      'UPDATE limits SET fired_event_id = $1, fired_at = $2, fired = 1 WHERE id = $3',
      event.id,
      now,
      id,
    )
  }
  return { kind: 'limited', limit: limit.name, retryAfterMs: waitMs }
}

/** The ids of limits, which are their names to lock, too. */
export const limitNames = (limits: readonly Limit[], environmentId: string) =>
  limits.map(limit => limitId(limit, environmentId))

export const limitId = ({ name, key }: Limit, environmentId: string) => `${environmentId}:${name}:${key}`

export const grainOf = (limit: Limit) =>
  Math.max(1, Math.floor(Math.min(...limit.windows.map(window => window.ms)) / 60))
