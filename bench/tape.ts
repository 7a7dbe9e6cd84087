/** One statement of a recorded sign-in, with the values that it had. */
export interface Step {
  sql: string
  kind: 'get' | 'all' | 'run'
  values: Value[]
}

export type Value = string | number | null

/**
 * All that the server did to its database for one sign-in, and what it answered. The floor plays it again with other
 * people, so its statements are the server's own and stay so when the server changes.
 */
export interface Tape {
  /** The pragmas of the writing connection. */
  pragmas: string[]
  /** Runs before each COMMIT. */
  instant: Step
  send: Step[]
  claim: Step[]
  settle: Step[]
  verify: Step[]
  /** The bodies of the two answers. */
  sent: string
  verified: string
  /** The instant at which the recording stood still, and whom it was about. */
  at: number
  address: string
}

/** The file beside the recorded database in which its tape stands. */
export const tapeFile = (database: string) => `${database}.tape.json`
