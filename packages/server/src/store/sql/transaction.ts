/**
 * One open transaction, as the statements of `store/sql` see it. The texts use `$1…$n` and read the same on both
 * databases. Calls may answer at once or by a promise, so callers await them.
 *
 * Where several may write (PostgreSQL, READ COMMITTED), an operation locks before it reads what it will decide by, and
 * always in this order, so that two never wait for each other: the Idempotency-Key, names (addresses, limits; sorted),
 * users, challenges, sessions. On SQLite one writes at a time, and locks are nothing.
 */
export interface Transaction {
  /** The first row, or undefined. */
  one(sql: string, ...values: Value[]): MaybePromise<Row | undefined>
  all(sql: string, ...values: Value[]): MaybePromise<Row[]>
  /** Runs a write; the number of rows that it changed. */
  run(sql: string, ...values: Value[]): MaybePromise<number>
  /**
   * Until the transaction ends nobody else holds these names. Names stand for what has no row yet, or too many: an
   * address, a limit, an Idempotency-Key.
   */
  lock(names: readonly string[]): MaybePromise<void>
  /** Whether others may write at the same time. */
  readonly isShared: boolean
  /** The instant by which this write judges: the later of the caller's now and the highest one committed. */
  judgeAt(now: number): number
  /** Runs after the commit, before the caller is answered. */
  afterCommit(task: () => void): void
  /** Tells the workers of a message of this environment, after the commit. */
  queued(environmentId: string): void
}

/** A transaction as an engine opens it: whom to tell of messages, the store adds. */
export type BareTransaction = Omit<Transaction, 'queued'>

export type MaybePromise<T> = T | Promise<T>
export type Value = string | number | null
// A row as the driver hands it out: columns are checked by the schema (STRICT), so they are read without a check here.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Row = Record<string, any>

/** Of a database where one writes at a time, or of a reader: nobody to lock out. */
export const UNSHARED: Pick<Transaction, 'lock' | 'isShared'> = { lock: () => {}, isShared: false }

/** Ends a SELECT that locks its rows of this table. */
export const forUpdate = (tx: Pick<Transaction, 'isShared'>, table: string) =>
  tx.isShared ? `FOR UPDATE OF ${table}` : ''

/** The name to lock for whatever is decided by who owns an address, or by what was sent to it. */
export const addressName = (environmentId: string, address: string) => `${environmentId}:address:${address}`

const placesMade = new Map<number, string>()

/** `($1, $2), ($3, $4)`: places for so many rows of so many columns. */
export function places(rows: number, columns: number): string {
  const key = rows * 1000 + columns
  let made = placesMade.get(key)
  if (made === undefined) {
    const row = (from: number) =>
      `(${Array.from({ length: columns }, (_, column) => `$${from + column + 1}`).join(', ')})`
    made = Array.from({ length: rows }, (_, index) => row(index * columns)).join(', ')
    placesMade.set(key, made)
  }
  return made
}

/** `column = $n` for each of the columns, from `$first` on. */
export function assignments(columns: readonly string[], first: number): string {
  return columns.map((column, index) => `${column} = $${first + index}`).join(', ')
}
