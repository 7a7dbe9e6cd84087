import { Client } from 'pg'
import type { Row, Tables } from './filling.ts'

/** The tables of a database that nobody else uses now. Rows travel as JSON, which PostgreSQL fits to the columns. */
export async function openPostgresTables(url: string): Promise<Tables> {
  const client = new Client({ connectionString: url })
  await client.connect()
  // Foreign keys are checked by triggers, which stay silent for a replica.
  await client.query('SET session_replication_role = replica; SET synchronous_commit = off')
  return {
    async read() {
      const { rows } = await client.query(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'",
      )
      const tables = new Map<string, Row[]>()
      for (const { name } of rows) {
        const found = await client.query(
          `SELECT to_json(one) AS row FROM ${client.escapeIdentifier(name)} AS one`,
        )
        tables.set(
          name,
          found.rows.map(({ row }) => row),
        )
      }
      return tables
    },
    async insert(table, rows) {
      const name = client.escapeIdentifier(table)
      const text = `INSERT INTO ${name} SELECT * FROM json_populate_recordset(null::${name}, $1::json)`
      await client.query({ text, values: [JSON.stringify(rows)] })
    },
    async close() {
      // As autovacuum would have done in a month.
      await client.query('VACUUM ANALYZE')
      await client.query('CHECKPOINT')
      await client.end()
    },
  }
}
