import { setTimeout as pause } from 'node:timers/promises'
import type { Listed, Page } from '../core/ports.ts'

interface Row {
  id: string
  createdAt: number
}

/** A row's id is made a moment before its commit, so rows may appear behind the newest one: by no more than this. */
const OVERLAP_MS = 10_000
const PAGE = 100

/**
 * Shows rows as they come, oldest first and each once, until the signal aborts. It asks again and again in short reads
 * instead of waiting inside of one: a running server never notices.
 */
export async function follow<T extends Row>(options: {
  read(page: Page): Promise<Listed<T>>
  show(row: T): void
  /** Rows from this instant on. */
  from: number
  signal: AbortSignal
  everyMs?: number
}): Promise<void> {
  const { read, show, signal, everyMs = 400 } = options
  const seen = new Map<string, number>()
  let newest = options.from
  while (!signal.aborted) {
    const rows = await readAll(read, Math.max(options.from, newest - OVERLAP_MS))
    for (const row of rows.toReversed()) {
      if (seen.has(row.id)) continue
      seen.set(row.id, row.createdAt)
      newest = Math.max(newest, row.createdAt)
      show(row)
    }
    for (const [id, createdAt] of seen) if (createdAt < newest - 2 * OVERLAP_MS) seen.delete(id)
    await pause(everyMs, undefined, { signal }).catch(() => {})
  }
}

async function readAll<T extends Row>(
  read: (page: Page) => Promise<Listed<T>>,
  createdAfter: number,
): Promise<T[]> {
  const all: T[] = []
  for (;;) {
    const before = all.at(-1)?.id ?? null
    const rows = await readUpTo(read, { limit: PAGE, before, createdAfter, createdBefore: null })
    all.push(...rows)
    if (rows.length < PAGE) return all
  }
}

/** Reads on where a look was bounded, until there are as many rows as the page asks for or all were looked at. */
export async function readUpTo<T>(read: (page: Page) => Promise<Listed<T>>, page: Page): Promise<T[]> {
  const all: T[] = []
  let before = page.before
  for (;;) {
    const { rows, lookedTo } = await read({ ...page, before, limit: page.limit - all.length })
    all.push(...rows)
    if (all.length >= page.limit || lookedTo === null) return all
    before = lookedTo
  }
}

/** Aborts at the first SIGINT or SIGTERM, which then is how the command ends: with 0. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  return controller.signal
}
