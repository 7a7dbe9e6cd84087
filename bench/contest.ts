import { freePort } from './child.ts'
import { FORETOLD_CODE } from './ostiary/foretold.ts'

/** What a contender is told at its start. */
export interface Contest {
  /** `sqlite:FILE` or `postgres://…`. */
  database: string
  port: number
  /** The code that every challenge is to have. */
  code: string
  smtpUrl: string | null
  /** Of the floor: the file of its tape. */
  tape: string
  /** Of the floor: whether it plays the SELECTs of sign-ins too. */
  hasReads: boolean
}

/** On a port of its own, with mail that stays inside. */
export const contestOf = async (database: string, more: Partial<Contest> = {}): Promise<Contest> => ({
  database,
  port: await freePort(),
  code: FORETOLD_CODE,
  smtpUrl: null,
  tape: '',
  hasReads: false,
  ...more,
})
