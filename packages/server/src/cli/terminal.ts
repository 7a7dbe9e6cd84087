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

// Names come from people and replies from mail servers: both may hold what steers a terminal, or turns a line around.
const STEERING = /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu

/** Writes what could steer the terminal as JSON writes it, so that within JSON it stays the same value. */
function harmless(text: string): string {
  return text.replace(STEERING, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function print(text: string): void {
  process.stdout.write(`${harmless(text)}\n`)
}

function complain(text: string): void {
  process.stderr.write(`${harmless(text)}\n`)
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

/** Two columns, the first as wide as its widest entry. A value cannot begin a row of its own. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value.replaceAll('\n', '\\n')}`).join('\n')
}

/** Why something failed. Of a name with several addresses, none of which answers, Node's error has no words of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}

export function printError(error: unknown, asJson: boolean): void {
  if (asJson) return void complain(JSON.stringify(asObject(error)))
  if (error instanceof ConfigError) {
    const count = error.problems.length === 1 ? 'a problem' : `${error.problems.length} problems`
    complain(`ostiary: the configuration has ${count}`)
    for (const { name, problem, fix } of error.problems) complain(`\n  ${name} ${problem}\n    ${fix}`)
    return
  }
  complain(`ostiary: ${reasonOf(error)}`)
  if (error instanceof Hint) complain(`  ${error.hint}`)
}

function asObject(error: unknown): Record<string, unknown> {
  if (error instanceof ConfigError) return { error: 'configuration', problems: error.problems }
  if (error instanceof Hint) return { error: error.message, hint: error.hint }
  if (error instanceof OstiaryError) return { error: error.code, detail: error.message }
  return { error: reasonOf(error) }
}
