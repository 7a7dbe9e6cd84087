import type pg from 'pg'
import { isApplied, type Migration, readMigrations, refuseNewer, SHIPPED } from '../migrations.ts'
import { installFunctions } from './functions.ts'

export const MIGRATIONS = new URL('postgres/', SHIPPED)

// Any number will do, as long as it is always the same one: 'ostiary' as bytes.
const LOCK = '31370666236277369'

/**
 * Applies what is missing in one transaction, under an advisory lock that ends with it: of several processes one does
 * it, the others wait and find it done, and a crash leaves nothing half. Tables in use are only ever added to, so that
 * a process of the previous schema goes on serving.
 */
export async function migrate(
  client: pg.ClientBase,
  migrations: readonly Migration[] = readMigrations(MIGRATIONS),
): Promise<string[]> {
  const applied: string[] = []
  await client.query('BEGIN')
  try {
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`)
    // Not IF NOT EXISTS, which asks for the right to create: where nothing is missing, none is needed.
    const known = await client.query("SELECT to_regclass('migrations') IS NOT NULL AS found")
    if (!known.rows[0]?.found)
      await client.query(
        `CREATE TABLE migrations (
           name text COLLATE "C" PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
      )
    const { rows } = await client.query('SELECT name, checksum FROM migrations ORDER BY name')
    refuseNewer(rows.at(-1)?.name, migrations)
    for (const migration of migrations) {
      if (isApplied(migration, rows.find(({ name }) => name === migration.name)?.checksum)) continue
      await client.query(migration.sql)
      await client.query('INSERT INTO migrations (name, checksum) VALUES ($1, $2)', [
        migration.name,
        migration.checksum,
      ])
      applied.push(migration.name)
    }
    await installFunctions(client)
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
  return applied
}
