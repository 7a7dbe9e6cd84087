import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from './child.ts'
import { ENTRIES, type Entry, startContender } from './contenders.ts'
import { contestOf } from './contest.ts'
import { readOptions } from './options.ts'
import { problemOf } from './ostiary/server.ts'
import { startPostgres } from './postgres/server.ts'
import { quantile } from './quantile.ts'
import { loadWith, settle } from './rounds.ts'
import { formatted, markdownTable } from './table.ts'

/**
 * `npm run bench:soak`: sign-ins without a break for some minutes, and what the server's memory does meanwhile. Ends with 1
 * where the last third holds more than the aim above the third before it.
 */

const options = readOptions('bench:soak', process.argv.slice(2), {
  stretches: 18,
  seconds: 10,
  concurrency: 32,
})
// Memory that leaks at this rate of sign-ins would grow by far more.
const AIM = 1.1

interface Stretch {
  signIns: number
  rssMb: number
}

const folder = mkdtempSync(join(tmpdir(), 'ostiary-soak-'))
const postgres = await startPostgres(folder)
const soaked: [name: string, stretches: Stretch[]][] = []
try {
  for (const entry of [ENTRIES.ostiarySqlite, ENTRIES.ostiaryPostgres]) {
    const database =
      entry.store === 'SQLite' ? `sqlite:${join(folder, 'soak.db')}` : (await postgres.create('soak'))()
    const problem = problemOf(database)
    if (problem) console.error(`${entry.name} is left out: ${problem}`)
    else soaked.push([entry.name, await soak(entry, database)])
  }
} finally {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
for (const [name, stretches] of soaked) console.log(`${printSoak(name, stretches)}\n`)
process.exit(soaked.every(([, stretches]) => growthOf(stretches) <= AIM) ? 0 : 1)

async function soak(entry: Entry, database: string): Promise<Stretch[]> {
  const generator = startChild('load/generator.ts')
  const contender = await startContender(entry, await contestOf(database))
  const { seconds, concurrency } = options
  const stretches: Stretch[] = []
  for (let count = 0; count < options.stretches; count++) {
    const { done } = await loadWith(generator, contender, 'signIns', { seconds, concurrency })
    const { rssBytes } = await contender.usage()
    stretches.push({ signIns: done, rssMb: rssBytes / 2 ** 20 })
    console.error(`${entry.name}: ${done} sign-ins, ${formatted(rssBytes / 2 ** 20, 0)} MB`)
  }
  await settle(contender)
  for (const child of [generator, contender]) await child.stop()
  return stretches
}

/** The highest of the last third over the highest of the third before it. */
function growthOf(stretches: readonly Stretch[]): number {
  const third = Math.floor(stretches.length / 3)
  const highest = (from: number, to?: number) =>
    Math.max(...stretches.slice(from, to).map(({ rssMb }) => rssMb))
  return highest(-third) / highest(-2 * third, -third)
}

function printSoak(name: string, stretches: readonly Stretch[]): string {
  let signIns = 0
  const rows = stretches.map(({ signIns: more, rssMb }, index) => {
    signIns += more
    return [`${(index + 1) * options.seconds}`, formatted(signIns, 0), formatted(rssMb, 0)]
  })
  const all = stretches.map(({ rssMb }) => rssMb)
  return [
    `${name}: ${options.concurrency} sign-ins at once, without a break`,
    '',
    markdownTable([['after s', 'sign-ins so far', 'RSS, MB'], ...rows]),
    '',
    `Median ${formatted(quantile(all, 0.5), 0)} MB. The last third is ${formatted(growthOf(stretches), 2)} times the third before it; the aim is at most ${AIM}.`,
  ].join('\n')
}
