import type { Command } from 'commander'
import { type Copied, CopyRefused, copyToPostgres, type OnProgress, undoCopy } from '../store/copy.ts'
import { isPostgres } from '../store/open.ts'
import { parsePostgresAddress } from '../store/postgres/address.ts'
import { Hint, print, printJson, table } from './terminal.ts'

interface Options {
  from: string
  to: string
  undo?: true
  json?: true
}

/** Adds `ostiary copy`: the way from one SQLite file to PostgreSQL, and back as long as nobody went on there. */
export function addCopyCommand(program: Command): void {
  program
    .command('copy')
    .description('move an SQLite file to PostgreSQL: retire it, copy every row, compare every row')
    .requiredOption('--from <database>', 'sqlite:FILE, which answers 503 from then on')
    .requiredOption('--to <database>', 'postgres://…, a new database; the password may stand in PGPASSWORD')
    .option('--undo', 'take it back: empty the target, use the file again; as long as nothing started there')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Killed, it goes on where it ended: run it again. OSTIARY_SECRET and OSTIARY_EPOCH stay as they are.
Steps: docs/moving-to-postgresql.md

Example:
  $ ostiary copy --from sqlite:/var/lib/ostiary/ostiary.db --to postgres://ostiary@db.example.com/ostiary`,
    )
    .action(copy)
}

async function copy(options: Options): Promise<void> {
  const from = readSource(options.from)
  const to = readTarget(options.to)
  try {
    if (options.undo) {
      await undoCopy({ from, to })
      if (options.json) return printJson({ undone: true })
      return print(`${options.from} is in use again, and the target is empty.`)
    }
    const copied = await copyToPostgres(
      { from, to, now: Date.now() },
      options.json ? () => {} : tellProgress(),
    )
    if (options.json) printJson(copied)
    else print(report(copied))
  } catch (error) {
    throw error instanceof CopyRefused ? new Hint(error.message, error.remedy) : error
  }
}

function readSource(text: string): string {
  const file = /^sqlite:(.+)$/.exec(text)?.[1]
  if (file === undefined) throw new Hint('--from is not an SQLite file', 'give it as sqlite:FILE')
  return file
}

function readTarget(text: string): string {
  const hint = 'give it as postgres://USER@HOST/DATABASE'
  if (!isPostgres(text)) throw new Hint('--to is not a PostgreSQL', hint)
  try {
    parsePostgresAddress(text)
  } catch (error) {
    throw new Hint(`--to ${(error as Error).message}`, hint)
  }
  return text
}

/** How far it is: a line a second. */
function tellProgress(): OnProgress {
  let toldAt = Date.now()
  return (step, name, rows) => {
    if (Date.now() - toldAt < 1000) return
    toldAt = Date.now()
    print(`${step.padEnd(8)}  ${name.padEnd(16)}  ${rows.toLocaleString('en')}`)
  }
}

function report({ tables, peer, wasComplete }: Copied): string {
  const rows = Object.entries(tables).map(([name, count]): [string, string] => [
    name,
    count.toLocaleString('en'),
  ])
  return `${table(rows)}

${wasComplete ? `All of it was copied to ${peer} before.` : `Every row stands in ${peer}, value by value.`}
Next: set DATABASE_URL to it, leave OSTIARY_SECRET and OSTIARY_EPOCH as they are, and start.
The file stays retired; remove it when you need no way back.`
}
