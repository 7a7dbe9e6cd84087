import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { Row, Tables } from './filling.ts'

/** The tables of a file that nobody else uses now. */
export function openSqliteTables(file: string): Tables {
  const database = new DatabaseSync(file)
  // Safe enough for rows that can be made again, and quick.
  database.exec(
    'PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -512000; PRAGMA wal_autocheckpoint = 100000',
  )
  const statements = new Map<string, StatementSync>()
  return {
    async read() {
      const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
      return new Map(
        names.map(({ name }) => [String(name), database.prepare(`SELECT * FROM ${name}`).all() as Row[]]),
      )
    },
    async insert(table, rows) {
      const [first] = rows
      if (!first) return
      const columns = Object.keys(first)
      const places = columns.map(() => '?').join(', ')
      const statement =
        statements.get(table) ??
        database.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`)
      statements.set(table, statement)
      database.exec('BEGIN')
      for (const row of rows) statement.run(...columns.map(column => row[column] as SQLInputValue))
      database.exec('COMMIT')
    },
    async close() {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      database.close()
    },
  }
}
