import { OstiaryError } from '../../core/errors.ts'
import { MOVE, retirementOf } from '../sql/move.ts'
import { type BareTransaction, UNSHARED } from '../sql/transaction.ts'
import { type Connection, openConnection } from './database.ts'

/**
 * The only writer. Operations that arrive while a commit is under way run as savepoints of the next transaction and
 * are answered after its fsync: full durability at many times the rate (DESIGN section 6, PROTOCOL section 6).
 */
export interface Writer {
  /**
   * Runs the operation in a savepoint. When it throws, what it wrote is undone and the others go on. When the
   * transaction is lost, every operation of the batch gets `unavailable`; when the commit fails, `outcome_unknown`.
   *
   * `now` is null for what only records and judges nothing: it is written however old it is.
   */
  write<T>(now: number | null, operation: (tx: BareTransaction) => Promise<T>): Promise<T>
  /** Runs with no transaction open and nothing else writing: for migrations. */
  alone<T>(task: (connection: Connection) => T): Promise<T>
  /** The later of `now` and the highest instant committed; `unavailable` for a clock that is too far behind it. */
  judgeAt(now: number): number
  /** How the writer learns of the highest instant, after migrations. */
  begin(): void
  /** Called with the number of operations of each commit, and its time from BEGIN to the fsync in seconds. */
  onCommit(listener: (operations: number, seconds: number) => void): void
  close(): Promise<void>
}

interface Job {
  now: number | null
  run(tx: BareTransaction): Promise<() => void>
  reject(error: unknown): void
}

const MAX_BATCH = 256
// A clock that is further behind than this is broken: judging by it could let something expired pass (promise 12).
const MAX_SKEW_MS = 2000

export function createWriter(file: string): Writer {
  let connection: Connection | null = openConnection(file)
  let lastInstant = 0
  let queue: Job[] = []
  let flushing: Promise<void> | null = null
  let isClosed = false
  const listeners: ((operations: number, seconds: number) => void)[] = []

  function schedule() {
    if (flushing || queue.length === 0) return
    flushing = new Promise<void>(resolve => setImmediate(resolve)).then(flush).finally(() => {
      flushing = null
      schedule()
    })
  }

  function open(): Connection {
    connection ??= openConnection(file)
    return connection
  }

  async function flush() {
    const batch = queue.slice(0, MAX_BATCH)
    queue = queue.slice(MAX_BATCH)
    const answers: (() => void)[] = []
    const tasks: (() => void)[] = []
    const begunAt = performance.now()
    let db: Connection
    let retirement: OstiaryError | null
    try {
      db = open()
      db.exec('BEGIN IMMEDIATE')
      // Within the transaction: it is wholly before the retirement, and copied, or refused.
      retirement = retirementOf(db.one(MOVE))
    } catch (cause) {
      reopen()
      for (const job of batch)
        job.reject(new OstiaryError('unavailable', { reason: 'no transaction', cause }))
      return
    }
    if (retirement) {
      reopen()
      for (const job of batch) job.reject(retirement)
      return
    }
    let instant = lastInstant
    for (const [index, job] of batch.entries()) {
      const behind = job.now === null ? null : behindOf(job.now, instant)
      if (behind) {
        answers.push(() => job.reject(behind))
        continue
      }
      const after: (() => void)[] = []
      const tx: BareTransaction = {
        one: db.one,
        all: db.all,
        run: db.run,
        ...UNSHARED,
        judgeAt: now => Math.max(now, instant),
        afterCommit: task => after.push(task),
      }
      try {
        db.exec('SAVEPOINT operation')
        instant = Math.max(instant, job.now ?? instant)
        const answer = await job.run(tx)
        db.exec('RELEASE operation')
        answers.push(answer)
        tasks.push(...after)
      } catch (error) {
        if (!isStillOpen(db)) return abandon(batch.slice(0), error)
        answers.push(() => job.reject(toRefusal(error)))
      }
      if (!db.isInTransaction)
        return abandon(batch.slice(0), new Error(`transaction lost after operation ${index}`))
    }
    try {
      if (instant > lastInstant) db.run('UPDATE instance SET last_instant = max(last_instant, $1)', instant)
      db.exec('COMMIT')
    } catch (cause) {
      reopen()
      for (const job of batch)
        job.reject(new OstiaryError('outcome_unknown', { reason: 'commit failed', cause }))
      return
    }
    lastInstant = instant
    const seconds = (performance.now() - begunAt) / 1000
    // Answers first: what is told after the commit must not be able to keep a caller waiting.
    for (const answer of answers) answer()
    for (const task of tasks) task()
    for (const listener of listeners) listener(batch.length, seconds)
  }

  /** Undoes the failed operation; false when SQLite has rolled back the whole transaction. */
  function isStillOpen(db: Connection): boolean {
    if (!db.isInTransaction) return false
    try {
      db.exec('ROLLBACK TO operation; RELEASE operation')
      return db.isInTransaction
    } catch {
      return false
    }
  }

  function abandon(batch: Job[], cause: unknown) {
    reopen()
    for (const job of batch)
      job.reject(new OstiaryError('unavailable', { reason: 'the transaction was rolled back', cause }))
  }

  function reopen() {
    try {
      connection?.close()
    } catch {
      // Closing rolls back; a connection that cannot even close is dropped.
    }
    connection = null
  }

  return {
    write<T>(now: number | null, operation: (tx: BareTransaction) => Promise<T>) {
      if (isClosed) return Promise.reject(new OstiaryError('unavailable', { reason: 'the store is closed' }))
      return new Promise<T>((resolve, reject) => {
        queue.push({
          now,
          reject,
          run: async tx => {
            const result = await operation(tx)
            return () => resolve(result)
          },
        })
        schedule()
      })
    },
    async alone(task) {
      while (flushing) await flushing
      return task(open())
    },
    judgeAt(now) {
      const behind = behindOf(now, lastInstant)
      if (behind) throw behind
      return Math.max(now, lastInstant)
    },
    begin() {
      lastInstant = open().one('SELECT last_instant FROM instance')?.last_instant ?? 0
    },
    onCommit: listener => void listeners.push(listener),
    async close() {
      isClosed = true
      while (flushing) await flushing
      connection?.close()
      connection = null
    },
  }
}

/** The refusal of a clock that is behind the store, or null. */
function behindOf(now: number, instant: number): OstiaryError | null {
  if (instant - now <= MAX_SKEW_MS) return null
  return new OstiaryError('unavailable', { reason: `the clock is ${instant - now} ms behind the store` })
}

/** An error of SQLite that tells of trouble with the store, as `unavailable`; any other as it is. */
export function toRefusal(error: unknown): unknown {
  const code = (error as { errcode?: number }).errcode
  // SQLITE_BUSY 5, NOMEM 7, IOERR 10, FULL 13, in their primary form: the store is in trouble, not the caller.
  if (code !== undefined && [5, 6, 7, 8, 10, 11, 13, 14, 26].includes(code & 255))
    return new OstiaryError('unavailable', { reason: 'the store cannot write', cause: error })
  return error
}
