import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import pg from 'pg'
import { readMigrations } from './migrations.ts'
import { parsePostgresAddress } from './postgres/address.ts'
import { types } from './postgres/database.ts'
import { migrate } from './postgres/migrate.ts'
import { MAX_SKEW_MS } from './postgres/transactions.ts'
import { MOVE } from './sql/move.ts'
import { places, type Row, type Value } from './sql/transaction.ts'
import { type Connection, openConnection } from './sqlite/database.ts'
import { MIGRATIONS } from './sqlite/migrate.ts'

/**
 * Moves a store from an SQLite file to PostgreSQL. The file is retired first, so what is read from it stands still; the
 * PostgreSQL does not begin before all is there and was compared. Rows go in the order of their primary keys, each batch
 * in one statement: what stands in the target is always the beginning of each table, so its last key is all the state
 * that a copy needs to go on after it was killed.
 */

/** What the caller can do something about, and what. */
export class CopyRefused extends Error {
  override name = 'CopyRefused'
  readonly remedy: string
  constructor(message: string, remedy: string) {
    super(message)
    this.remedy = remedy
  }
}

export interface CopyInput {
  /** The path of the SQLite file. */
  from: string
  /** `postgres://…`, the direct address of the database. */
  to: string
  now: number
}

export interface Copied {
  /** Rows of each table, in the order in which they were copied. */
  tables: Record<string, number>
  /** Where they are now, without credentials. */
  peer: string
  /** Whether it was complete before: then nothing was read or written. */
  wasComplete: boolean
}

/** Told while it works: so many rows of the table are there, or compared. */
export type OnProgress = (step: 'copied' | 'compared', table: string, rows: number) => void

// A row has some hundred bytes, and a template of 256 KB is the largest: within 64 MB, whatever comes together.
const BATCH = 250
// A list can have 10,000 entries of 255 characters.
const SMALLER_BATCHES: Readonly<Record<string, number>> = { lists: 10 }
// 'ostiacpy' as bytes: of several copies into one database one runs.
const LOCK = '8030890556486021241'
const LOCK_MS = 10_000

/**
 * Copies everything and compares every row, value by value. Goes on where a killed one ended; `CopyRefused` leaves both
 * databases as they are. A difference is an error: the target stays one that does not begin.
 */
export async function copyToPostgres(
  { from, to, now }: CopyInput,
  onProgress: OnProgress = () => {},
): Promise<Copied> {
  return await withBoth({ from, to }, async (source, target, peer) => {
    await refuseForeignTables(target)
    await migrate(target)
    const tables = tablesOf(source)
    const move = source.one(MOVE)
    const arrived = (await target.query(MOVE)).rows[0]
    if (move) {
      refuseOtherTarget(move, peer)
      if (arrived?.id === move.id && arrived.state !== 'copying') {
        const counts = tables.map(table => [table.name, countOf(source, table)])
        return { tables: Object.fromEntries(counts), peer, wasComplete: true }
      }
    }
    if (!move || arrived?.id !== move.id) await refuseUsed(target, tables, arrived)
    await refuseClockBehind(source, target)
    const { id } = move ?? retire(source, peer, now)
    if (arrived?.id !== id) await occupy(target, tables, { id, peer: resolve(from), now })

    for (const table of tables) await copyTable(source, target, table, onProgress)
    const counts: Record<string, number> = {}
    for (const table of tables) counts[table.name] = await compareTable(source, target, table, onProgress)
    await target.query('ANALYZE')
    await complete(source, target)
    return { tables: counts, peer, wasComplete: false }
  })
}

/**
 * Takes the retirement back: the target is emptied, then the file is in use again. Refuses once anything was started on
 * the target: what happened there would be lost, and with it what ended or was used up.
 */
export async function undoCopy({ from, to }: Omit<CopyInput, 'now'>): Promise<void> {
  await withBoth({ from, to }, async (source, target, peer) => {
    const move = source.one(MOVE)
    if (!move) throw new CopyRefused(`${from} is not retired`, 'there is nothing to undo')
    refuseOtherTarget(move, peer)
    const hasTable = (await target.query("SELECT to_regclass('move') IS NOT NULL AS found")).rows[0]?.found
    if (hasTable) await empty(target, tablesOf(source), move)
    source.run('DELETE FROM move')
  })
}

interface Table {
  name: string
  columns: string[]
  /** Its primary key, by which both databases order alike: bytes of UTF-8, and numbers. */
  key: string[]
}

/** The tables that hold the store's rows, each after those that it refers to. */
export function tablesOf(source: Connection): Table[] {
  const named = source.all(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
       AND name NOT IN ('migrations', 'instance', 'move') ORDER BY name`,
  )
  const waiting = named.map(({ name }) => ({
    table: tableOf(source, name),
    parents: source.all('SELECT DISTINCT "table" AS parent FROM pragma_foreign_key_list($1)', name),
  }))
  const ordered: Table[] = []
  const isPlaced = (name: string) => ordered.some(table => table.name === name)
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ table, parents }) =>
      parents.every(({ parent }) => parent === table.name || isPlaced(parent)),
    )
    if (next === -1) throw new Error('the tables refer to each other in a circle')
    for (const { table } of waiting.splice(next, 1)) ordered.push(table)
  }
  return ordered
}

function tableOf(source: Connection, name: string): Table {
  const columns = source.all('SELECT name, pk FROM pragma_table_info($1)', name)
  const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
  return { name, columns: columns.map(column => column.name), key: key.map(column => column.name) }
}

const countOf = (source: Connection, { name }: Table): number =>
  source.one(`SELECT count(*) AS rows FROM ${name}`)?.rows ?? 0

/** Rows after a key, in its order: the statement reads the same on both. */
function batchAfter(table: Table, after: readonly Value[]): [sql: string, ...values: Value[]] {
  const key = table.key.join(', ')
  const where = after.length === 0 ? '' : `WHERE (${key}) > ${places(1, after.length)}`
  return [
    `SELECT ${table.columns.join(', ')} FROM ${table.name} ${where} ORDER BY ${key} LIMIT ${SMALLER_BATCHES[table.name] ?? BATCH}`,
    ...after,
  ]
}

const keyOf = (table: Table, row: Row | undefined): Value[] =>
  row ? table.key.map(column => row[column]) : []

async function copyTable(
  source: Connection,
  target: pg.Client,
  table: Table,
  onProgress: OnProgress,
): Promise<void> {
  const columns = table.columns.join(', ')
  const key = table.key.join(', ')
  const newest = table.key.map(column => `${column} DESC`).join(', ')
  const there = await target.query(`SELECT ${key} FROM ${table.name} ORDER BY ${newest} LIMIT 1`)
  let after = keyOf(table, there.rows[0])
  let copied = (await target.query(`SELECT count(*) AS rows FROM ${table.name}`)).rows[0]?.rows
  for (;;) {
    const rows = source.all(...batchAfter(table, after))
    if (rows.length === 0) return
    await target.query(
      `INSERT INTO ${table.name} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${table.name}, $1)`,
      [JSON.stringify(rows)],
    )
    after = keyOf(table, rows.at(-1))
    copied += rows.length
    onProgress('copied', table.name, copied)
  }
}

/** Walks both in the order of the key; the number of rows. Throws at the first one that is not the same. */
async function compareTable(
  source: Connection,
  target: pg.Client,
  table: Table,
  onProgress: OnProgress,
): Promise<number> {
  let after: Value[] = []
  let compared = 0
  for (;;) {
    const [sql, ...values] = batchAfter(table, after)
    const here = source.all(sql, ...values)
    const there: Row[] = (await target.query(sql, values)).rows
    for (let index = 0; index < Math.max(here.length, there.length); index++)
      refuseDifference(table, here[index], there[index])
    if (here.length === 0) return compared
    after = keyOf(table, here.at(-1))
    compared += here.length
    onProgress('compared', table.name, compared)
  }
}

/** Names the row and its columns, never what stands in them. */
function refuseDifference(table: Table, here: Row | undefined, there: Row | undefined): void {
  const columns = table.columns.filter(column => here?.[column] !== there?.[column])
  if (here && there && columns.length === 0) return
  const row = keyOf(table, here ?? there).join(' ')
  const isSameRow = here && there && table.key.every(column => !columns.includes(column))
  const what = isSameRow
    ? `differs in ${columns.join(', ')}`
    : 'is not the same row in both, or missing in one'
  throw new Error(
    `the copy is not the same as its source: ${table.name} ${row} ${what}. The target does not start. Take the move back (ostiary copy --undo) and copy anew`,
  )
}

/** From this commit on whoever has the file open refuses; a write that began before it is in what is read here. */
function retire(source: Connection, peer: string, now: number): { id: string } {
  const id = randomUUID()
  source.exec('BEGIN IMMEDIATE')
  try {
    source.run(
      `INSERT INTO move (one, id, state, peer, since) VALUES (1, $1, 'retired', $2, $3)`,
      id,
      peer,
      now,
    )
    source.exec('COMMIT')
  } catch (error) {
    source.exec('ROLLBACK')
    throw error
  }
  return { id }
}

/** Notes that the target is being filled. Whoever begins holds the same row, so it finds the note or is found here. */
async function occupy(
  target: pg.Client,
  tables: readonly Table[],
  { id, peer, now }: { id: string; peer: string; now: number },
): Promise<void> {
  await withTransaction(target, async () => {
    await target.query('SELECT FROM instance FOR UPDATE')
    await refuseUsed(target, tables, (await target.query(MOVE)).rows[0])
    await target.query("INSERT INTO move (one, id, state, peer, since) VALUES (1, $1, 'copying', $2, $3)", [
      id,
      peer,
      now,
    ])
  })
}

async function complete(source: Connection, target: pg.Client): Promise<void> {
  await refuseClockBehind(source, target)
  await withTransaction(target, async () => {
    // Batches did not wait for the disk; this commit does, and with it everything before it.
    await target.query('SET LOCAL synchronous_commit = on')
    await target.query('UPDATE instance SET epoch = $1', [source.one('SELECT epoch FROM instance')?.epoch])
    await target.query("UPDATE move SET state = 'complete'")
  })
}

async function empty(target: pg.Client, tables: readonly Table[], move: Row): Promise<void> {
  await withTransaction(target, async () => {
    await target.query('SELECT FROM instance FOR UPDATE')
    const arrived = (await target.query(MOVE)).rows[0]
    // Its copy was thrown away, with the whole database: what is there now is another's.
    if (arrived?.id !== move.id) return
    if (arrived.state === 'started')
      throw new CopyRefused(
        `${move.peer} was started: what happened there since would be lost`,
        'there is no way back; set DATABASE_URL to it',
      )
    await target.query(`TRUNCATE ${tables.map(({ name }) => name).join(', ')}, move`)
    await target.query('UPDATE instance SET epoch = 0')
  })
}

function refuseOtherTarget(move: Row, peer: string): void {
  if (move.peer !== peer)
    throw new CopyRefused(
      `the file is being moved to ${move.peer}, not to ${peer}`,
      'name that one with --to, in the same words',
    )
}

/** Refuses a database in which anybody was before: it has rows, or somebody began. */
async function refuseUsed(
  target: pg.Client,
  tables: readonly Table[],
  arrived: Row | undefined,
): Promise<void> {
  const remedy = 'make a new database for the move: CREATE DATABASE …'
  if (arrived) throw new CopyRefused(`the target holds the copy of another database, ${arrived.peer}`, remedy)
  const filled = tables.map(({ name }) => `EXISTS (SELECT FROM ${name})`).join(' OR ')
  const { rows } = await target.query(`SELECT (${filled} OR epoch <> 0) AS is_used FROM instance`)
  if (rows[0]?.is_used !== false) throw new CopyRefused('the target is not empty', remedy)
}

/** Refuses a database with tables that are not ours before anything is made in it. */
async function refuseForeignTables(target: pg.Client): Promise<void> {
  const { rows } = await target.query(
    `SELECT to_regclass('migrations') IS NULL AND EXISTS (
       SELECT FROM pg_class WHERE relnamespace = current_schema::regnamespace AND relkind IN ('r', 'p')) AS is_foreign`,
  )
  if (rows[0]?.is_foreign)
    throw new CopyRefused(
      'the target has tables of something else',
      'make a database for Ostiary alone: CREATE DATABASE …',
    )
}

/** PostgreSQL judges by its clock: behind what the file has seen, something that ended could live again. */
async function refuseClockBehind(source: Connection, target: pg.Client): Promise<void> {
  const { rows } = await target.query(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS instant',
  )
  const behind = (source.one('SELECT last_instant FROM instance')?.last_instant ?? 0) - rows[0]?.instant
  if (behind > MAX_SKEW_MS)
    throw new CopyRefused(
      `the clock of the target is ${behind} ms behind the latest instant in the file`,
      'set the clocks right, or wait as long, and run it again',
    )
}

/** A file whose schema is older may be served by a version that does not know of retirement. */
function refuseOldSchema(source: Connection, from: string): void {
  const known = readMigrations(MIGRATIONS).map(({ name }) => name)
  const found = source.one("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'")
  const applied = found ? source.all('SELECT name FROM migrations ORDER BY name').map(row => row.name) : []
  if (applied.join() === known.join()) return
  throw new CopyRefused(
    `${from} has not the schema of this version`,
    'stop what runs on it, then run: ostiary migrate',
  )
}

async function withBoth<T>(
  { from, to }: { from: string; to: string },
  task: (source: Connection, target: pg.Client, peer: string) => Promise<T>,
): Promise<T> {
  if (!existsSync(from))
    throw new CopyRefused(`${from} is not there`, 'name the file with --from sqlite:FILE')
  const { url, isPooled } = parsePostgresAddress(to)
  if (isPooled)
    throw new CopyRefused('a pooler stands before the target', 'give the direct address of the database')
  const source = openConnection(from)
  const target = new pg.Client({
    connectionString: url,
    application_name: 'ostiary copy',
    keepAlive: true,
    types,
  })
  target.on('error', () => {})
  try {
    refuseOldSchema(source, from)
    await target.connect().catch(cause => {
      throw new Error(`the target does not answer: ${cause.message || cause.code}`, { cause })
    })
    await target.query(`SET synchronous_commit = off; SET lock_timeout = ${LOCK_MS}`)
    await target.query(`SELECT pg_advisory_lock(${LOCK})`).catch(cause => {
      throw new Error('another copy into this database is under way', { cause })
    })
    return await task(source, target, `${target.host}:${target.port}/${target.database}`)
  } finally {
    await target.end().catch(() => {})
    source.close()
  }
}

async function withTransaction<T>(target: pg.Client, task: () => Promise<T>): Promise<T> {
  await target.query('BEGIN')
  try {
    const result = await task()
    await target.query('COMMIT')
    return result
  } catch (error) {
    await target.query('ROLLBACK').catch(() => {})
    throw error
  }
}
