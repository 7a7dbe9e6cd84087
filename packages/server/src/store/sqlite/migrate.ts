import { isApplied, type Migration, refuseNewer, SHIPPED } from '../migrations.ts'
import type { Connection } from './database.ts'

export const MIGRATIONS = new URL('sqlite/', SHIPPED)

/**
 * Applies what is missing, each in a transaction of its own with its row, so that a crash leaves it whole or absent.
 * `BEGIN IMMEDIATE` lets one process in; the others wait and find the rows.
 */
export function migrate(db: Connection, migrations: readonly Migration[]): string[] {
  db.exec(
    'CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT',
  )
  const applied: string[] = []
  refuseNewer(db.one('SELECT name FROM migrations ORDER BY name DESC LIMIT 1')?.name, migrations)
  for (const migration of migrations) {
    db.exec('BEGIN IMMEDIATE')
    try {
      const row = db.one('SELECT checksum FROM migrations WHERE name = $1', migration.name)
      if (!isApplied(migration, row?.checksum)) {
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
