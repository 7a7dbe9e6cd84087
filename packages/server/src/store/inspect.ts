import { existsSync } from 'node:fs'
import type { Inspection } from './inspection.ts'
import { isPostgres } from './open.ts'
import { inspectPostgres } from './postgres/inspection.ts'
import { inspectSqlite } from './sqlite/inspection.ts'

/**
 * Looks at the database that `DATABASE_URL` names, beside running servers. Null before the first start: no file, or a
 * PostgreSQL database without our tables. Throws when it cannot be read.
 */
export async function inspectDatabase(database: string, now: number): Promise<Inspection | null> {
  if (isPostgres(database)) return await inspectPostgres(database, now)
  return existsSync(database) ? await inspectSqlite(database, now) : null
}
