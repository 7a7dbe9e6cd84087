import { ConfigError } from '../config.ts'
import { OstiaryError } from '../core/errors.ts'

/**
 * What a terminal program says: results to stdout, problems to stderr; first the problem, then what to do about it.
 */

/** A mistake of the caller, with the remedy. */
export class Hint extends Error {
  override name = 'Hint'
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** One value a line: for output that goes on (`--follow --json`). */
export function printJsonLine(value: unknown): void {
  print(JSON.stringify(value))
}

/** `--limit`: a number from 1 to 1000. */
export function readCount(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > 1000)
    throw new Hint(`"${text}" is not a number of rows`, 'give a number from 1 to 1000')
  return count
}

/** Two columns, the first as wide as its widest entry. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n')
}

export function printError(error: unknown, asJson: boolean): void {
  if (asJson) return void process.stderr.write(`${JSON.stringify(asObject(error))}\n`)
  if (error instanceof ConfigError) {
    process.stderr.write(
      `ostiary: the configuration has ${error.problems.length === 1 ? 'a problem' : `${error.problems.length} problems`}\n`,
    )
    for (const { name, problem, fix } of error.problems)
      process.stderr.write(`\n  ${name} ${problem}\n    ${fix}\n`)
    return
  }
  process.stderr.write(`ostiary: ${error instanceof Error ? error.message : String(error)}\n`)
  if (error instanceof Hint) process.stderr.write(`  ${error.hint}\n`)
}

function asObject(error: unknown): Record<string, unknown> {
  if (error instanceof ConfigError) return { error: 'configuration', problems: error.problems }
  if (error instanceof Hint) return { error: error.message, hint: error.hint }
  if (error instanceof OstiaryError) return { error: error.code, detail: error.message }
  return { error: error instanceof Error ? error.message : String(error) }
}
