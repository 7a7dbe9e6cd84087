import { type Inspection, inspect } from '../inspection.ts'
import { readMigrations } from '../migrations.ts'
import { UNSHARED } from '../sql/transaction.ts'
import { type Connection, openConnection } from './database.ts'
import { MIGRATIONS } from './migrate.ts'

/** Reads beside a running server; throws when the file cannot be read as a database. */
export async function inspectSqlite(file: string, now: number): Promise<Inspection> {
  const db = openConnection(file, { readOnly: true })
  try {
    const tx = { ...db, ...UNSHARED, judgeAt: (at: number) => at, afterCommit: () => {}, queued: () => {} }
    return await inspect(tx, readMigrations(MIGRATIONS), appliedTo(db), now)
  } finally {
    db.close()
  }
}

/** Writes one row as it is, through to the disk. Throws when that fails or another process does not let go of the lock. */
export function tryWrite(file: string): void {
  const db = openConnection(file)
  try {
    db.run('UPDATE instance SET epoch = epoch')
  } finally {
    db.close()
  }
}

function appliedTo(db: Connection): string[] {
  const table = db.one("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'")
  return table ? db.all('SELECT name FROM migrations ORDER BY name').map(row => row.name) : []
}
