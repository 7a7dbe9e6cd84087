import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type { Row } from '../../src/store/sql/transaction.ts'
import { admin, withDatabase } from './postgres-server.ts'

/** A database of a test's own, with the schema in place. */
export interface FreshDatabase {
  url: string
  name: string
  /** What stands in it, looked at from outside. */
  rows(sql: string): Promise<Row[]>
  drop(): Promise<void>
}

export async function freshDatabase(): Promise<FreshDatabase> {
  const server = inject('postgresUrl')
  const template = new URL(server).hash.slice(1)
  const name = `ostiary_${randomBytes(6).toString('hex')}`
  // Copying files is quicker than writing the copy to the log, and nobody needs it after a crash.
  await admin(server, client =>
    client.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`),
  )
  const url = withDatabase(server, name)
  const outside = new pg.Client({ connectionString: url, types })
  outside.on('error', () => {})
  await outside.connect()
  return {
    url,
    name,
    rows: async sql => (await outside.query(sql)).rows,
    async drop() {
      await outside.end()
      await admin(server, client => client.query(`DROP DATABASE ${name} WITH (FORCE)`))
    },
  }
}

const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === 20 || oid === 1700 ? Number : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig
