import { firstIdAt } from '../../core/ids.ts'
import type { Page } from '../../core/ports.ts'
import type { Value } from './transaction.ts'

const PREFIXES = {
  challenges: 'chl',
  users: 'usr',
  sessions: 'ses',
  messages: 'msg',
  events: 'evt',
  api_keys: 'key',
  templates: 'tpl',
} as const

// An id is made a moment before the write that judges, and a write judges by the store's clock at the latest.
const ID_SLACK_MS = 60_000

function idNear(table: keyof typeof PREFIXES, instant: number | null, slackMs: number): string | null {
  return instant === null
    ? null
    : firstIdAt(PREFIXES[table], Math.min(Math.max(0, instant + slackMs), 2 ** 48 - 1))
}

/** A condition with `?` for its value; a null value leaves it out. */
export type Condition = [sql: string, value: Value]

/**
 * The statement for one page of a table, newest first: ids are UUIDv7, so their order is the order of creation.
 *
 * `isFew`: the conditions leave few rows. They are found by their own index and then sorted; a database that knows no
 * better would walk through the whole environment in the order of ids, a second for 400,000 rows.
 */
export function pageOf(
  table: keyof typeof PREFIXES,
  page: Page,
  conditions: readonly Condition[],
  { isFew = false } = {},
): [sql: string, ...values: Value[]] {
  const where: string[] = []
  const values: Value[] = []
  const all: Condition[] = [
    ...conditions,
    ['id < ?', page.before],
    // Bounds on the instant are bounds on the id, which is indexed; the rest is exact.
    ['id >= ?', idNear(table, page.createdAfter, -ID_SLACK_MS)],
    ['id < ?', idNear(table, page.createdBefore, ID_SLACK_MS)],
    ['created_at >= ?', page.createdAfter],
    ['created_at < ?', page.createdBefore],
  ]
  for (const [sql, value] of all) {
    if (value === null) continue
    values.push(value)
    where.push(sql.replaceAll('?', `$${values.length}`))
  }
  values.push(page.limit)
  return [
    `SELECT * FROM ${table} WHERE ${where.join(' AND ')} ORDER BY ${isFew ? "id || ''" : 'id'} DESC LIMIT $${values.length}`,
    ...values,
  ]
}
