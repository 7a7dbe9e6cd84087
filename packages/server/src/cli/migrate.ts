import { readConfig } from '../config.ts'
import { openStore } from '../store/open.ts'
import { openDataFolder } from './data-folder.ts'
import { print, printJson } from './terminal.ts'

/** `ostiary migrate`: brings the schema up to date; safe to run from several machines at once. */
export async function migrate(options: { data?: string; json?: true }): Promise<void> {
  const { database, databaseListenUrl } =
    options.data === undefined
      ? readConfig(process.env, ['DATABASE_URL', 'DATABASE_LISTEN_URL'])
      : { ...openDataFolder(options.data), databaseListenUrl: undefined }
  const store = openStore(database, databaseListenUrl === undefined ? {} : { listenUrl: databaseListenUrl })
  try {
    const { applied } = await store.migrate()
    if (options.json) return printJson({ applied })
    print(applied.length === 0 ? 'the database is up to date' : `applied ${applied.join(', ')}`)
  } finally {
    await store.close()
  }
}
