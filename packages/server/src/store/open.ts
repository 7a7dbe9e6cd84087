import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Store } from '../core/ports.ts'
import { openPostgresStore, type PostgresOptions } from './postgres/store.ts'
import { openSqliteStore } from './sqlite/store.ts'

/** Whether this names a PostgreSQL, and not the file of an SQLite database. */
export const isPostgres = (database: string) => /^postgres(ql)?:\/\//.test(database)

/** Opens the store that `DATABASE_URL` names: `postgres://…`, or the path of an SQLite file, whose folder is made. */
export function openStore(database: string, options: PostgresOptions = {}): Store {
  if (isPostgres(database)) return openPostgresStore(database, options)
  mkdirSync(dirname(database), { recursive: true, mode: 0o700 })
  // Made by us, so that nobody else can read it; SQLite gives its log the same mode.
  closeSync(openSync(database, 'a', 0o600))
  return openSqliteStore(database, options.onCommit ? { onCommit: options.onCommit } : {})
}
