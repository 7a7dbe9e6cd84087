import { ADDRESS, type Cast, createRoles, DOMAIN, type Fill } from '../floor/roles.ts'
import type { Tape, Value } from '../floor/tape.ts'
import { newAddress } from '../load/people.ts'
import { openPostgresTables } from './tables-postgres.ts'
import { openSqliteTables } from './tables-sqlite.ts'

export type Row = Record<string, Value>

/** The tables of a database, for rows that come in great number from nobody's request. */
export interface Tables {
  read(): Promise<Map<string, Row[]>>
  insert(table: string, rows: Row[]): Promise<void>
  close(): Promise<void>
}

const DAY_MS = 24 * 3_600_000
// A day more than the server keeps them, so that there is something to purge.
const DAYS = 31
const DAYS_OF: Record<string, number> = { messages: 8, limits: 2 }
const BATCH = 2_000

/**
 * Fills the database of a tape with the sign-ins of so many people, spread over a month: every row that the recorded one
 * left behind, with other names and instants. What the server would have purged long ago is not there.
 */
export async function fill(database: string, tape: Tape, signIns: number): Promise<void> {
  const tables = database.startsWith('sqlite:')
    ? openSqliteTables(database.slice('sqlite:'.length))
    : await openPostgresTables(database)
  const left = leftBehind(await tables.read(), tape)
  const { fillValue, namesOf } = createRoles(tape)
  const { result: rows, giveNames } = namesOf(() =>
    left.map(({ table, row }) => ({
      table,
      fills: Object.entries(row).map(([column, value]) => [column, fillValue(value)] as const),
    })),
  )
  const now = Date.now()
  for (let from = 0; from < signIns; from += BATCH) {
    const batch = new Map<string, Row[]>(rows.map(({ table }) => [table, []]))
    for (let index = from; index < Math.min(signIns, from + BATCH); index++) {
      const ageDays = DAYS * (1 - index / signIns)
      const at = Math.round(now - ageDays * DAY_MS)
      const address = newAddress('member')
      const cast: Cast = []
      cast[ADDRESS] = address
      cast[DOMAIN] = address.slice(address.indexOf('@') + 1)
      giveNames(cast, at)
      for (const { table, fills } of rows)
        if (ageDays < (DAYS_OF[table] ?? DAYS)) batch.get(table)?.push(wiped(filled(fills, cast, at), now))
    }
    for (const [table, all] of batch) await tables.insert(table, all)
  }
  await tables.close()
}

/** The rows that tell of the recorded sign-in; the others are of the house. */
function leftBehind(
  tables: ReadonlyMap<string, Row[]>,
  { answers, address }: Tape,
): { table: string; row: Row }[] {
  const { session } = JSON.parse(answers.verified)
  const traces = [address, JSON.parse(answers.sent).id, session.id, session.userId]
  const found = [...tables].flatMap(([table, rows]) =>
    rows
      .filter(row => traces.some(trace => JSON.stringify(row).includes(trace)))
      .map(row => ({ table, row })),
  )
  for (const table of ['users', 'challenges'])
    if (!found.some(one => one.table === table))
      throw new Error(`the recorded sign-in left no row in ${table}`)
  return found
}

const filled = (fills: (readonly [string, Fill])[], cast: Cast, at: number): Row =>
  Object.fromEntries(fills.map(([column, value]) => [column, value(cast, at)]))

/** A message of the inbox loses its content after a day. */
function wiped(row: Row, now: number): Row {
  const until = row.keep_sealed_until
  return typeof until === 'number' && until <= now ? { ...row, keep_sealed_until: null, sealed: null } : row
}
