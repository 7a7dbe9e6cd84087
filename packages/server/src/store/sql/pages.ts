import type { Page } from '../../core/ports.ts'
import type { Value } from './transaction.ts'

/** A condition with `?` for its value; a null value leaves it out. */
export type Condition = [sql: string, value: Value]

/** The statement for one page of a table, newest first: ids are UUIDv7, so their order is the order of creation. */
export function pageOf(
  table: string,
  page: Page,
  conditions: readonly Condition[],
): [sql: string, ...values: Value[]] {
  const where: string[] = []
  const values: Value[] = []
  const all: Condition[] = [
    ...conditions,
    ['id < ?', page.before],
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
    `SELECT * FROM ${table} WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT $${values.length}`,
    ...values,
  ]
}
