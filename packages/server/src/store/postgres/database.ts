import pg from 'pg'
import type { Row, Value } from '../sql/transaction.ts'
import type { PostgresAddress } from './address.ts'
import { unavailable } from './refusals.ts'

/** One connection, for as long as its holder keeps it. Statements are named, so that each is planned once. */
export interface Connection {
  query(sql: string, values?: readonly Value[]): Promise<{ rows: Row[]; count: number }>
  /** Several statements without values, in one round trip; the rows of the last. */
  script(sql: string): Promise<{ rows: Row[]; command: string }>
}

export interface Database {
  /**
   * Runs a task on a connection of its own. A connection that broke, or of which nobody knows what it is doing, is
   * dropped. Refuses at once when more wait than could be served soon, and after a moment when none comes free.
   */
  withConnection<T>(task: (connection: Connection) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** A connection that no longer answers, as opposed to a statement that was refused. */
export class ConnectionLost extends Error {
  override name = 'ConnectionLost'
}

const STATEMENT_MS = 10_000
export const LOCK_MS = 5_000
// Longer than the server's own limit: only a server that says nothing at all is given up by the client.
const SILENCE_MS = 12_000
// A wait longer than this is an overload.
const WAIT_MS = 5_000
const MAX_WAITING = 500

/**
 * Settings of each connection. Behind a pooler they go with each transaction instead.
 *
 * Each statement has an index. A plan that was made while its table was still empty reads the whole table, and would be
 * kept until somebody analyses it: so plans that scan are not made, and the one plan of a statement serves all values.
 */
export const SESSION = [
  'SET synchronous_commit = on',
  `SET statement_timeout = ${STATEMENT_MS}`,
  `SET lock_timeout = ${LOCK_MS}`,
  `SET idle_in_transaction_session_timeout = ${SILENCE_MS}`,
  'SET enable_seqscan = off',
  'SET plan_cache_mode = force_generic_plan',
  'SET jit = off',
].join('; ')

// bigint and numeric: instants and counts are far below 2^53.
const NUMBERS = new Set([20, 1700])
export const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    NUMBERS.has(oid) ? Number : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig

export function openDatabase({ url, poolSize, isPooled }: PostgresAddress): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: WAIT_MS,
    query_timeout: SILENCE_MS,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    application_name: 'ostiary',
    types,
    ...(!isPooled && {
      // Before the first use of a connection, so that nothing is ever written without them.
      onConnect: async (client: pg.ClientBase) => void (await client.query(SESSION)),
    }),
  })
  // An idle connection that breaks is dropped by the pool; who needs one gets another.
  pool.on('error', () => {})
  const names = new Map<string, string>()
  const nameOf = (sql: string) => {
    const name = names.get(sql) ?? `o${names.size}`
    names.set(sql, name)
    return name
  }

  return {
    async withConnection(task) {
      if (pool.waitingCount >= MAX_WAITING) throw unavailable('too many wait for the database', undefined)
      const client = await pool.connect().catch(cause => {
        throw unavailable('no connection to the database', cause)
      })
      let isLost = false
      const watch = async <T>(answer: Promise<T>): Promise<T> => {
        try {
          return await answer
        } catch (cause) {
          // FATAL ends the connection, too: the server shuts down, or somebody ended this backend.
          if (cause instanceof pg.DatabaseError && cause.severity !== 'FATAL') throw cause
          isLost = true
          throw new ConnectionLost('the connection to the database was lost', { cause })
        }
      }
      const lose = () => {
        isLost = true
      }
      client.on('error', lose)
      try {
        return await task({
          async query(text, values = []) {
            const { rows, rowCount } = await watch(
              client.query({ text, values: [...values], ...(!isPooled && { name: nameOf(text) }) }),
            )
            return { rows, count: rowCount ?? 0 }
          },
          async script(sql) {
            const answer: unknown = await watch(client.query(sql))
            const results = (Array.isArray(answer) ? answer : [answer]) as pg.QueryResult[]
            const last = results.at(-1)
            return { rows: last?.rows ?? [], command: last?.command ?? '' }
          },
        })
      } finally {
        client.off('error', lose)
        client.release(isLost)
      }
    },
    close: async () => {
      if (!pool.ending) await pool.end()
    },
  }
}
