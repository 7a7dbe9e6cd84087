import { firstIdAt } from '../../core/ids.ts'
import type { Listed, Page } from '../../core/ports.ts'
import type { Row, Transaction, Value } from './transaction.ts'

const PREFIXES = {
  challenges: 'chl',
  users: 'usr',
  sessions: 'ses',
  messages: 'msg',
  events: 'evt',
  api_keys: 'key',
  templates: 'tpl',
  webhook_deliveries: 'dlv',
  rules: 'rul',
  lists: 'lst',
  actions: 'act',
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

/** A condition that no index answers, so that the one of the list's order is kept: a database may guess otherwise. */
export const unindexed = (column: string, value: Value): Condition => [`${column} || '' = ?`, value]

/** How many rows a call may look at: some milliseconds of an event loop that everybody waits for. */
const LOOK = 2000
/** How many may be sorted: they lie scattered, and the first look at them reads a page of the file for each. */
const FEW = 500

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
  const [where, values] = whereOf([
    ...conditions,
    ...idBounds(table, page),
    ['created_at >= ?', page.createdAfter],
    ['created_at < ?', page.createdBefore],
  ])
  return [
    `SELECT * FROM ${table} ${where} ORDER BY ${isFew ? "id || ''" : 'id'} DESC LIMIT $${values.length + 1}`,
    ...values,
    page.limit,
  ]
}

/**
 * One page of the rows that `indexed` leaves in the order of an index that ends in the id, each held against `filters`.
 * It looks at no more than the newest of them, and says how far it came: a filter that fits nothing would else read the
 * whole table, and an index for each filter would be paid for by every write.
 */
export async function lookThrough(
  tx: Transaction,
  table: keyof typeof PREFIXES,
  page: Page,
  indexed: readonly Condition[],
  filters: readonly Condition[],
): Promise<Listed<Row>> {
  const isExact = [page.createdAfter, page.createdBefore, ...filters.map(([, value]) => value)].every(
    value => value === null,
  )
  const [where, values] = whereOf([...indexed, ...idBounds(table, page)])
  const last = isExact
    ? undefined
    : await tx.one(`SELECT id FROM ${table} ${where} ORDER BY id DESC LIMIT 1 OFFSET ${LOOK - 1}`, ...values)
  const lookedTo = last?.id ?? null
  const rows = await tx.all(...pageOf(table, page, [...indexed, ...filters, ['id >= ?', lookedTo]]))
  return { rows, lookedTo }
}

/** Whether `source` (a table and its condition, answered by an index) leaves so few rows that they may be sorted. */
export async function areFew(tx: Transaction, source: string, ...values: Value[]): Promise<boolean> {
  return !(await tx.one(`SELECT 1 FROM ${source} LIMIT 1 OFFSET ${FEW}`, ...values))
}

/** Bounds on the instant are bounds on the id, which is indexed; `created_at` itself is held against the rest. */
function idBounds(table: keyof typeof PREFIXES, page: Page): Condition[] {
  return [
    ['id < ?', page.before],
    ['id >= ?', idNear(table, page.createdAfter, -ID_SLACK_MS)],
    ['id < ?', idNear(table, page.createdBefore, ID_SLACK_MS)],
  ]
}

function whereOf(conditions: readonly Condition[]): [where: string, values: Value[]] {
  const told = conditions.filter(([, value]) => value !== null)
  const where = told.map(([sql], index) => sql.replaceAll('?', `$${index + 1}`))
  return [`WHERE ${where.join(' AND ')}`, told.map(([, value]) => value)]
}
