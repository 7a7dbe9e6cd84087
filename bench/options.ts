import { parseArgs } from 'node:util'

/** A number is a whole one from 1 on, false is a switch, null a text that may be left out. */
type Defaults = Record<string, number | false | null>

export type Options<D extends Defaults> = {
  [Name in keyof D]: D[Name] extends number ? number : D[Name] extends false ? boolean : string | null
}

/** Reads the command line of a script of this package; ends the process with its usage when it does not fit. */
export function readOptions<D extends Defaults>(script: string, args: string[], defaults: D): Options<D> {
  const names = Object.keys(defaults)
  try {
    const options = names.map(name => [
      name,
      { type: defaults[name] === false ? 'boolean' : 'string' } as const,
    ])
    const parsed = parseArgs({ args, options: Object.fromEntries(options) })
    const values = parsed.values as Record<string, string | boolean | undefined>
    return Object.fromEntries(
      names.map(name => [name, readValue(name, values[name], defaults[name] ?? null)]),
    ) as Options<D>
  } catch (error) {
    const usage = names.map(name => `[--${name}${wordOf(defaults[name] ?? null)}]`).join(' ')
    console.error(`${(error as Error).message}\nnpm run ${script} -- ${usage}`)
    process.exit(2)
  }
}

function readValue(name: string, given: string | boolean | undefined, otherwise: number | false | null) {
  if (given === undefined || typeof otherwise !== 'number') return given ?? otherwise
  const value = Number(given)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is not a whole number from 1 on`)
  return value
}

const wordOf = (value: number | false | null) =>
  value === false ? '' : value === null ? ' TEXT' : ` ${value}`
