import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Connection } from './database.ts'

/** The migrations that this version ships. */
export const MIGRATIONS = new URL('../../../migrations/sqlite/', import.meta.url)

export interface Migration {
  name: string
  sql: string
  checksum: string
}

/** The numbered, forward-only migrations of a folder, in their order. */
export function readMigrations(folder: URL): Migration[] {
  return readdirSync(folder)
    .filter(name => /^\d{4}_[a-z0-9_]+\.sql$/.test(name))
    .sort()
    .map(name => {
      const sql = readFileSync(new URL(name, folder), 'utf8')
      return { name: name.replace('.sql', ''), sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
}

/**
 * Applies what is missing, each in a transaction of its own with its row, so that a crash leaves it whole or absent.
 * `BEGIN IMMEDIATE` lets one process in; the others wait and find the rows. Refuses a schema that is newer than this
 * version, and a migration that was changed after it was applied.
 */
export function migrate(db: Connection, migrations: readonly Migration[]): string[] {
  db.exec(
    'CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT',
  )
  const applied: string[] = []
  const newest = db.one('SELECT name FROM migrations ORDER BY name DESC LIMIT 1')?.name
  if (newest > (migrations.at(-1)?.name ?? ''))
    throw new Error(
      `the database has migration ${newest}, which this version does not know: run a newer Ostiary`,
    )
  for (const migration of migrations) {
    db.exec('BEGIN IMMEDIATE')
    try {
      const row = db.one('SELECT checksum FROM migrations WHERE name = $1', migration.name)
      if (row && row.checksum !== migration.checksum)
        throw new Error(`migration ${migration.name} was changed after it was applied to this database`)
      if (!row) {
        db.exec(migration.sql)
        db.run(
          "INSERT INTO migrations (name, checksum, applied_at) VALUES ($1, $2, datetime('now'))",
          migration.name,
          migration.checksum,
        )
        applied.push(migration.name)
      }
      db.exec('COMMIT')
    } catch (error) {
      if (db.isInTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
  return applied
}
