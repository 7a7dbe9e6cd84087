import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

/** The migrations that this version ships: numbered, forward-only, with the same numbers for both databases. */
export const SHIPPED = new URL('../../migrations/', import.meta.url)

export interface Migration {
  name: string
  sql: string
  checksum: string
}

/** The migrations of a folder, in their order. */
export function readMigrations(folder: URL): Migration[] {
  return readdirSync(folder)
    .filter(name => /^\d{4}_[a-z0-9_]+\.sql$/.test(name))
    .sort()
    .map(name => {
      const sql = readFileSync(new URL(name, folder), 'utf8')
      return { name: name.replace('.sql', ''), sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
}

/** Refuses a schema that is newer than this version: it may have rules that this version would break. */
export function refuseNewer(newest: string | undefined, migrations: readonly Migration[]): void {
  if (newest !== undefined && newest > (migrations.at(-1)?.name ?? ''))
    throw new Error(
      `the database has migration ${newest}, which this version does not know: run a newer Ostiary`,
    )
}

/** Refuses a migration that was changed after it was applied. True when it was applied. */
export function isApplied(migration: Migration, checksum: string | undefined): boolean {
  if (checksum !== undefined && checksum !== migration.checksum)
    throw new Error(`migration ${migration.name} was changed after it was applied to this database`)
  return checksum !== undefined
}
