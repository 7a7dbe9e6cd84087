import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from './child.ts'
import { ENTRIES, type Entry, startContender } from './contenders.ts'
import { contestOf } from './contest.ts'
import type { Tape } from './floor/tape.ts'
import { fill } from './growth/filling.ts'
import { type Grown, printGrowth } from './growth/report.ts'
import { readOptions } from './options.ts'
import { problemOf } from './ostiary/server.ts'
import { type Postgres, startPostgres } from './postgres/server.ts'
import { runRound } from './rounds.ts'

/**
 * `npm run bench:growth`: what a sign-in costs with few and with many users and challenges in the tables, round by round,
 * while the server purges.
 */

const options = readOptions('bench:growth', process.argv.slice(2), {
  small: 1_000,
  large: 1_000_000,
  rounds: 15,
  seconds: 4,
  concurrency: 32,
})

const folder = mkdtempSync(join(tmpdir(), 'ostiary-growth-'))
const postgres = await startPostgres(folder)
try {
  for (const entry of [ENTRIES.ostiarySqlite, ENTRIES.ostiaryPostgres]) await growOn(entry)
} finally {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)

async function growOn(entry: Entry): Promise<void> {
  const grown: Grown[] = []
  for (const rows of [options.small, options.large]) {
    const database = await databaseFor(entry, rows)
    const problem = problemOf(database)
    if (problem) return console.log(`${entry.name} is left out: ${problem}`)
    await fillAnew(database, rows)
    grown.push({ rows, contender: await startContender(entry, await contestOf(database)), rounds: [] })
  }
  await runRounds(grown, postgres)
  for (const { contender } of grown) await contender.stop()
  console.log(`${printGrowth(entry.name, grown)}\n`)
}

async function databaseFor({ store }: Entry, rows: number): Promise<string> {
  if (store === 'SQLite') return `sqlite:${join(folder, `growth-${rows}.db`)}`
  return (await postgres.create(`growth_${rows}`))()
}

async function fillAnew(database: string, rows: number): Promise<void> {
  const begin = performance.now()
  const tape = join(folder, `growth-${rows}.tape.json`)
  const recorder = startChild('floor/record.ts')
  await recorder.ask('start', { ...(await contestOf(database)), tape })
  await recorder.stop()
  await fill(database, JSON.parse(readFileSync(tape, 'utf8')) as Tape, rows)
  console.error(`filled with ${rows} sign-ins in ${Math.round((performance.now() - begin) / 1000)} s`)
}

/** In turn, each round from the other one on; whoever has its turn purges, too. */
async function runRounds(grown: Grown[], server: Postgres): Promise<void> {
  const generator = startChild('load/generator.ts')
  const { rounds, seconds, concurrency } = options
  const run = async ({ contender }: Grown, load: { seconds: number; concurrency: number }) => {
    await contender.child.ask('beginPurge')
    const round = await runRound(generator, contender, server, load)
    await contender.child.ask('endPurge')
    return round
  }
  for (const one of grown) await run(one, { seconds: 3, concurrency })
  for (let round = 0; round < rounds; round++) {
    for (const one of round % 2 === 0 ? grown : grown.toReversed()) {
      one.rounds.push(await run(one, { seconds, concurrency }))
      console.error(
        `round ${round + 1}: ${one.rows} rows ${Math.round(one.rounds.at(-1)?.signInsPerSecond ?? 0)} sign-ins/s`,
      )
    }
  }
  await generator.stop()
}
