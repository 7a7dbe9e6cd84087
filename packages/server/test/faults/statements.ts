import { DatabaseSync, StatementSync } from 'node:sqlite'

/**
 * How a statement fails. `refused`: an I/O error, and nothing was done. `lost`: the disk is full, and SQLite has rolled
 * the whole transaction back by itself. `unanswered`: it was done, and an I/O error is told all the same (for a COMMIT:
 * the outcome that nobody knows). `stuck`: this one and all that follow find the disk full.
 */
export type Failure = 'refused' | 'lost' | 'unanswered' | 'stuck'
export const FAILURES: readonly Failure[] = ['refused', 'lost', 'unanswered', 'stuck']

interface Plan {
  /** Counts from 1; infinite to count only. */
  at: number
  failure: Failure
  seen: string[]
}

let plan: Plan | null = null
let writing: DatabaseSync | null = null
const owners = new WeakMap<StatementSync, { database: DatabaseSync; sql: string }>()

// The driver itself is wrapped, once for this process: so every statement of the server passes here, with the real
// SQLite behind it, and src has no seam that is there for tests only.
const { prepare, exec } = DatabaseSync.prototype
DatabaseSync.prototype.prepare = function (sql, ...more) {
  const statement = prepare.call(this, sql, ...more)
  owners.set(statement, { database: this, sql })
  return statement
}
DatabaseSync.prototype.exec = function (sql) {
  if (sql.startsWith('BEGIN')) writing = this
  return through(this, sql, () => exec.call(this, sql))
}
for (const name of ['get', 'all', 'run'] as const) {
  const original = StatementSync.prototype[name] as (...values: unknown[]) => unknown
  Object.assign(StatementSync.prototype, {
    [name](this: StatementSync, ...values: unknown[]) {
      const owner = owners.get(this)
      const act = () => original.apply(this, values)
      return owner ? through(owner.database, owner.sql, act) : act()
    },
  })
}

function through<T>(database: DatabaseSync, sql: string, act: () => T): T {
  if (!plan) return act()
  const number = plan.seen.push(sql)
  const isDue = plan.failure === 'stuck' ? number >= plan.at : number === plan.at
  if (!isDue) return act()
  if (plan.failure === 'unanswered') act()
  if (plan.failure === 'lost' && database.isTransaction) exec.call(database, 'ROLLBACK')
  throw plan.failure === 'lost' || plan.failure === 'stuck'
    ? failure(13, 'database or disk is full')
    : failure(10, 'disk I/O error')
}

function failure(errcode: number, message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode, errstr: message })
}

/** The statements that the task runs, on whichever connection, BEGIN and COMMIT included. */
export async function statementsOf(task: () => Promise<unknown>): Promise<string[]> {
  const counting: Plan = { at: Number.POSITIVE_INFINITY, failure: 'refused', seen: [] }
  plan = counting
  try {
    await task()
  } finally {
    plan = null
  }
  return counting.seen
}

/** Runs the task with its n-th statement failing. */
export async function failing<T>(at: number, failure: Failure, task: () => Promise<T>): Promise<T> {
  plan = { at, failure, seen: [] }
  try {
    return await task()
  } finally {
    plan = null
  }
}

/** Runs the task while the file may not grow by a page: SQLite itself says FULL where one is needed. */
export async function withoutRoom<T>(task: () => Promise<T>): Promise<T> {
  const database = writing
  if (!database) throw new Error('nothing has written yet')
  const pages = prepare.call(database, 'PRAGMA page_count').get()?.page_count
  exec.call(database, `PRAGMA max_page_count = ${pages}`)
  try {
    return await task()
  } finally {
    // A connection that was opened anew has no bound.
    if (database.isOpen) exec.call(database, 'PRAGMA max_page_count = 1000000000')
  }
}
