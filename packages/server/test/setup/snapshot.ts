import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { readMigrations } from '../../src/store/migrations.ts'
import { openConnection } from '../../src/store/sqlite/database.ts'
import { MIGRATIONS, migrate } from '../../src/store/sqlite/migrate.ts'
import { admin } from './postgres-server.ts'

/**
 * One state of a PostgreSQL database as an SQLite file: the schemas agree column for column, so whatever is asked of
 * the rows is written once. Returns the path; the caller removes the file.
 */
export async function snapshotOf(url: string): Promise<string> {
  const file = join(tmpdir(), `ostiary-snapshot-${randomBytes(6).toString('hex')}.db`)
  const copy = openConnection(file)
  try {
    migrate(copy, readMigrations(MIGRATIONS))
    const tables = copy
      .all(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations'",
      )
      .map(row => row.name as string)
    copy.exec('PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; BEGIN')
    await admin(url, async client => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      for (const table of tables) {
        const { rows, fields } = await client.query({
          text: `SELECT * FROM ${table}`,
          rowMode: 'array',
          types,
        })
        copy.exec(`DELETE FROM ${table}`)
        const names = fields.map(field => field.name)
        const sql = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((_, n) => `$${n + 1}`).join(', ')})`
        for (const row of rows) copy.run(sql, ...row)
      }
      await client.query('COMMIT')
    })
    copy.exec('DELETE FROM migrations')
    // What the store of a file keeps of itself, and that of a server does not need to.
    copy.run(
      'UPDATE instance SET last_instant = max(last_instant, coalesce((SELECT max(created_at) FROM events), 0))',
    )
    copy.exec('COMMIT')
    return file
  } finally {
    copy.close()
  }
}

const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === 20 ? Number : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig
