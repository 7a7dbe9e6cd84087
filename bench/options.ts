import { parseArgs } from 'node:util'

/** What one run measures, and how it tells of it. */
export interface Options {
  /** Length of a measured round, for each contender. */
  seconds: number
  rounds: number
  /** Sign-ins under way at once. */
  concurrency: number
  json: boolean
  /** Folder for CPU profiles of the contenders, or null. */
  profile: string | null
}

const USAGE = `npm run bench -- [--seconds 2] [--rounds 10] [--concurrency 32] [--json] [--profile FOLDER]`

/** Reads the command line; ends the process with the usage when it does not fit. */
export function readOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        seconds: { type: 'string', default: '2' },
        rounds: { type: 'string', default: '10' },
        concurrency: { type: 'string', default: '32' },
        json: { type: 'boolean', default: false },
        profile: { type: 'string' },
      },
    })
    return {
      seconds: positive('seconds', values.seconds),
      rounds: positive('rounds', values.rounds),
      concurrency: positive('concurrency', values.concurrency),
      json: values.json,
      profile: values.profile ?? null,
    }
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    process.exit(2)
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is not a whole number from 1 on`)
  return value
}
