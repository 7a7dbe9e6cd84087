import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { readConfig } from '../config.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import { openDataFolder } from './data-folder.ts'
import { print, printJson } from './terminal.ts'

/** `ostiary migrate`: brings the schema up to date; safe to run from several machines at once. */
export async function migrate(options: { data?: string; json?: true }): Promise<void> {
  const file =
    options.data === undefined
      ? readConfig(process.env, ['DATABASE_URL']).database
      : openDataFolder(options.data).database
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const store = openSqliteStore(file)
  try {
    const { applied } = await store.migrate()
    if (options.json) return printJson({ applied })
    print(applied.length === 0 ? 'the database is up to date' : `applied ${applied.join(', ')}`)
  } finally {
    await store.close()
  }
}
