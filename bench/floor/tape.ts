/** One recorded statement, with the values that it had. */
export interface Step {
  sql: string
  /** A script is text without values. */
  kind: 'get' | 'all' | 'run' | 'script'
  values: Value[]
  /** The first row that it gave. */
  row?: Record<string, unknown>
}

export type Value = string | number | boolean | null | Value[]

/**
 * All that the server did to its database for one sign-in, one refresh and one check, and what it answered. The floor
 * plays it again with other people, so its statements are the server's own and stay so when the server changes.
 */
export interface Tape {
  /** The pragmas of the writing connection of SQLite. */
  pragmas: string[]
  /** On SQLite, runs before each COMMIT. */
  instant: Step | null
  send: Step[]
  claim: Step[]
  settle: Step[]
  verify: Step[]
  refresh: Step[]
  check: Step[]
  /** The bodies of the answers. */
  answers: { sent: string; verified: string; refreshed: string; checked: string }
  /** The instant at which the recording stood still, and whom it was about. */
  at: number
  address: string
}

/** What was seen of a server at work, as groups of statements that were one transaction. */
export interface Watch {
  operations: Operation[]
  pragmas: string[]
  instant(): Step | null
}

export interface Operation {
  /** The call that sent it; null for work beside the calls, or where the driver's batches hide it. */
  call: string | null
  steps: Step[]
}

/** Whether a step only reads; the call of a function, which has no FROM, may write. */
export const isRead = ({ sql }: Step) => sql.startsWith('SELECT') && /\bFROM\b/.test(sql)
