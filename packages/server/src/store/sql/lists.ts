import type { ListSaved, Page } from '../../core/ports.ts'
import type { List, Origin } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { insertEvents, newEvent } from './events.ts'
import { pageOf } from './pages.ts'
import { assignments, places, type Transaction } from './transaction.ts'

/** Lists that conditions look into. Each write counts up `lists_version` of the environment in the same transaction. */

const SUMMARY = columns.lists.columns.filter(column => column !== 'entries').join(', ')

export async function listLists(
  tx: Transaction,
  environmentId: string,
  page: Page,
): Promise<Omit<List, 'entries'>[]> {
  const [sql, ...values] = pageOf('lists', page, [['environment_id = ?', environmentId]])
  const rows = await tx.all(sql.replace('SELECT *', `SELECT ${SUMMARY}`), ...values)
  return rows.map(row => {
    const { entries: _, ...summary } = columns.lists.read({ ...row, entries: '[]' })
    return summary
  })
}

export async function findList(tx: Transaction, environmentId: string, id: string): Promise<List | null> {
  const row = await tx.one('SELECT * FROM lists WHERE id = $1 AND environment_id = $2', id, environmentId)
  return row ? columns.lists.read(row) : null
}

export async function readLists(tx: Transaction, environmentId: string): Promise<List[]> {
  const rows = await tx.all('SELECT * FROM lists WHERE environment_id = $1 ORDER BY id', environmentId)
  return rows.map(columns.lists.read)
}

/** See `Store.createList`. */
export async function createList(
  tx: Transaction,
  list: List,
  max: number,
  origin: Origin,
  now: number,
): Promise<ListSaved> {
  await tx.lock([`${list.environmentId}:lists`])
  const { columns: names } = columns.lists
  const count = await tx.one(
    'SELECT count(*) AS count FROM lists WHERE environment_id = $1',
    list.environmentId,
  )
  if (Number(count?.count) >= max) return { kind: 'tooMany' }
  const inserted = await tx.run(
    `INSERT INTO lists (${names.join(', ')}) VALUES ${places(1, names.length)} ON CONFLICT (environment_id, name) DO NOTHING`,
    ...columns.lists.values(list),
  )
  if (inserted === 0) return { kind: 'nameTaken' }
  await tell(tx, 'list.created', list, origin, now)
  return { kind: 'saved', list }
}

/** See `Store.updateList`. */
export async function updateList(
  tx: Transaction,
  list: List,
  changed: string[],
  origin: Origin,
  now: number,
): Promise<ListSaved | { kind: 'stale' }> {
  await tx.lock([`${origin.environmentId}:lists`])
  const namesake = await tx.one(
    'SELECT 1 FROM lists WHERE environment_id = $1 AND name = $2 AND id <> $3',
    origin.environmentId,
    list.name,
    list.id,
  )
  if (namesake) return { kind: 'nameTaken' }
  const next = { ...list, version: list.version + 1, updatedAt: now }
  const updated = await tx.run(
    `UPDATE lists SET ${assignments(columns.lists.columns, 4)} WHERE id = $1 AND environment_id = $2 AND version = $3`,
    list.id,
    origin.environmentId,
    list.version,
    ...columns.lists.values(next),
  )
  if (updated === 0) return { kind: 'stale' }
  await tell(tx, 'list.updated', next, origin, now, changed)
  return { kind: 'saved', list: next }
}

export async function deleteList(tx: Transaction, id: string, origin: Origin, now: number): Promise<boolean> {
  const row = await tx.one(
    'DELETE FROM lists WHERE id = $1 AND environment_id = $2 RETURNING *',
    id,
    origin.environmentId,
  )
  if (row) await tell(tx, 'list.deleted', columns.lists.read(row), origin, now)
  return row !== undefined
}

/** Makes other processes read anew, and writes the event: how many entries there are, and none of them. */
async function tell(
  tx: Transaction,
  type: 'list.created' | 'list.updated' | 'list.deleted',
  { id, name, entriesCount, environmentId }: List,
  origin: Origin,
  now: number,
  changed?: string[],
): Promise<void> {
  await tx.run('UPDATE environments SET lists_version = lists_version + 1 WHERE id = $1', environmentId)
  const data = { listId: id, name, entriesCount, ...(changed && { changed }) }
  await insertEvents(tx, [newEvent(type, origin, now, { data })])
}
