import { OstiaryError } from '../../core/errors.ts'
import { idempotencyName } from '../sql/idempotency.ts'
import { type BareTransaction, type Transaction, UNSHARED } from '../sql/transaction.ts'
import { type Connection, ConnectionLost, type Database, LOCK_MS, SESSION } from './database.ts'
import { functionName } from './functions.ts'
import { isRetried, outcomeUnknown, sqlState, toRefusal, unavailable } from './refusals.ts'

/** A clock that is further off than this is broken: judging by it could let something expired pass (promise 12). */
export const MAX_SKEW_MS = 2_000

export interface Transactions {
  read<T>(query: (tx: Transaction) => Promise<T>): Promise<T>
  /**
   * Runs an operation in a transaction (READ COMMITTED; the operation locks what it decides by), once more when it
   * met a deadlock or was overtaken. `unavailable`: nothing was written. `outcome_unknown`: the connection was lost
   * while it was being committed.
   */
  write<T>(now: number | null, operation: (tx: BareTransaction) => Promise<T>): Promise<T>
  /** One call of a function of ours, which is a transaction of its own: one round trip. */
  call(name: string, input: OperationInput): Promise<Record<string, unknown>>
  /** The clock of the database; refuses a caller who is off. */
  judgeAt(now: number): Promise<number>
}

/** What every function of ours takes, with what it needs besides. */
export interface OperationInput {
  /** Null for what only records and judges nothing. */
  now: number | null
  [field: string]: unknown
}

/** Stands in for the database's clock in tests, which move time by hand: told the caller's now, it says what it shows. */
export type DatabaseClock = (now: number) => number

interface Options {
  isPooled: boolean
  clock: DatabaseClock | undefined
  onCommit(operations: number, seconds: number): void
}

const CLOCK = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

export function createTransactions(database: Database, { isPooled, clock, onCommit }: Options): Transactions {
  const begin = `BEGIN; ${isPooled ? `${SESSION.replaceAll('SET ', 'SET LOCAL ')}; ` : ''}SELECT ${CLOCK} AS instant`
  const lock = `SELECT ${functionName('lock')}($1)`

  async function twice<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      if (!isRetried(error)) throw error
      return await attempt()
    }
  }

  async function writeOn<T>(
    connection: Connection,
    now: number | null,
    waited: () => number,
    operation: (tx: BareTransaction) => Promise<T>,
  ): Promise<T> {
    const begunAt = performance.now()
    const late = waited()
    const { rows } = await connection.script(begin)
    const instant = (now === null ? undefined : clock?.(now)) ?? rows[0]?.instant
    // An operation that waited for a lock is judged by when it went on, not by when it began to wait.
    const current = () => (clock ? instant : instant + Math.floor(performance.now() - begunAt))
    const tasks: (() => void)[] = []
    let result: T
    try {
      if (now !== null) refuseSkew(now + late, instant)
      result = await operation({
        one: async (sql, ...values) => (await connection.query(sql, values)).rows[0],
        all: async (sql, ...values) => (await connection.query(sql, values)).rows,
        run: async (sql, ...values) => (await connection.query(sql, values)).count,
        isShared: true,
        async lock(names) {
          if (names.length > 0) await takeLocks(connection, lock, names)
        },
        judgeAt: at => Math.max(at, current()),
        afterCommit: task => void tasks.push(task),
      })
    } catch (error) {
      if (!(error instanceof ConnectionLost)) await connection.script('ROLLBACK')
      throw error
    }
    await commit(connection)
    onCommit(1, (performance.now() - begunAt) / 1000)
    for (const task of tasks) task()
    return result
  }

  return {
    read: query =>
      refusing(() =>
        database.withConnection(connection =>
          query({
            ...UNSHARED,
            one: async (sql, ...values) => (await connection.query(sql, values)).rows[0],
            all: async (sql, ...values) => (await connection.query(sql, values)).rows,
            run: refuseWrite,
            judgeAt: now => now,
            afterCommit: refuseWrite,
            queued: refuseWrite,
          }),
        ),
      ),
    write(now, operation) {
      const waited = waiting(clock)
      return refusing(() =>
        twice(() => database.withConnection(connection => writeOn(connection, now, waited, operation))),
      )
    },
    call(name, input) {
      const waited = waiting(clock)
      return refusing(() =>
        twice(() =>
          database.withConnection(async connection => {
            const begunAt = performance.now()
            const given = {
              ...input,
              isPooled,
              lockMs: LOCK_MS,
              maxSkewMs: MAX_SKEW_MS,
              waitedMs: waited(),
              clock: (input.now === null ? null : clock?.(input.now)) ?? null,
            }
            const { rows } = await connection
              .query(`SELECT ${functionName(name)}($1) AS answer`, [JSON.stringify(given)])
              .catch(error => {
                throw error instanceof ConnectionLost ? outcomeUnknown(error) : error
              })
            onCommit(1, (performance.now() - begunAt) / 1000)
            return rows[0]?.answer
          }),
        ),
      )
    },
    judgeAt(now) {
      const waited = waiting(clock)
      return refusing(() =>
        database.withConnection(async connection => {
          const late = waited()
          const instant =
            clock?.(now) ?? (await connection.query(`SELECT ${CLOCK} AS instant`)).rows[0]?.instant
          refuseSkew(now + late, instant)
          return Math.max(now, instant)
        }),
      )
    },
  }
}

async function refusing<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    throw error instanceof ConnectionLost ? unavailable(error.message, error) : toRefusal(error)
  }
}

async function commit(connection: Connection): Promise<void> {
  const { command } = await connection.script('COMMIT').catch(error => {
    throw error instanceof ConnectionLost ? outcomeUnknown(error) : error
  })
  // PostgreSQL answers a COMMIT of a transaction that failed before with ROLLBACK.
  if (command !== 'COMMIT') throw unavailable('the transaction was rolled back', undefined)
}

async function takeLocks(connection: Connection, lock: string, names: readonly string[]): Promise<void> {
  try {
    await connection.query(lock, [`{${names.map(name => JSON.stringify(name)).join(',')}}`])
  } catch (error) {
    // Lock time-out: whoever holds the key is still at work.
    if (sqlState(error) === '55P03' && names.some(name => name.startsWith(idempotencyName(''))))
      throw new OstiaryError('idempotency_in_progress', { cause: error })
    throw error
  }
}

/**
 * How long ago the caller asked, for as long as it waited for a connection: without it a wait would pass for a clock that is
 * behind. A clock that a test moves by hand stands still meanwhile.
 */
const waiting = (clock: DatabaseClock | undefined) => {
  const askedAt = performance.now()
  return () => (clock ? 0 : Math.floor(performance.now() - askedAt))
}

function refuseSkew(now: number, instant: number): void {
  if (Math.abs(now - instant) > MAX_SKEW_MS)
    throw unavailable(`the clock is ${now - instant} ms off that of the database`, undefined)
}

function refuseWrite(): never {
  throw new Error('a reading connection does not write')
}
