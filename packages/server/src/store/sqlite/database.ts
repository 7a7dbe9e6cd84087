import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Row, Value } from '../sql/transaction.ts'

/** One connection with its prepared statements. */
export interface Connection {
  one(sql: string, ...values: Value[]): Row | undefined
  all(sql: string, ...values: Value[]): Row[]
  run(sql: string, ...values: Value[]): number
  exec(sql: string): void
  /** False once SQLite has rolled the transaction back by itself (FULL, IOERR, NOMEM, BUSY). */
  readonly isInTransaction: boolean
  close(): void
}

// The driver waits on the event loop: longer than this for another process, and the caller is told to come again.
const BUSY_MS = 1000
const SQLITE_BUSY = 5

/** Of several processes that open a new file one switches it, and SQLite does not let the others wait: they try again. */
function useWriteAheadLog(database: DatabaseSync): void {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let tries = BUSY_MS / 20; ; tries--) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (tries <= 0 || (error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error
      Atomics.wait(pause, 0, 0, 20)
    }
  }
}

/**
 * Opens a connection: WAL, `synchronous = FULL` (an answer survives power loss), foreign keys on, and freed pages
 * overwritten, so that wiped secrets do not linger in the file.
 */
export function openConnection(file: string, { readOnly = false } = {}): Connection {
  const database = new DatabaseSync(file, { readOnly, timeout: BUSY_MS })
  if (!readOnly) {
    useWriteAheadLog(database)
    database.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
  }
  database.exec(
    'PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY',
  )
  const statements = new Map<string, StatementSync>()
  const prepare = (sql: string) => {
    let statement = statements.get(sql)
    if (!statement) {
      // In SQLite `$1` is a name, numbered by first appearance; `?1` is what PostgreSQL means by it.
      statement = database.prepare(sql.replaceAll(/\$(\d+)/g, '?$1'))
      statements.set(sql, statement)
    }
    return statement
  }
  return {
    one: (sql, ...values) => prepare(sql).get(...values),
    all: (sql, ...values) => prepare(sql).all(...values),
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    exec: sql => database.exec(sql),
    get isInTransaction() {
      return database.isTransaction
    },
    close: () => database.close(),
  }
}
