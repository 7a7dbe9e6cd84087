import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from './child.ts'
import { type Contender, startContenders } from './contenders.ts'
import { describeMachine } from './machine.ts'
import { type Options, readOptions } from './options.ts'
import { printReport, type Report, reportOf } from './report.ts'
import { type Round, runRound } from './rounds.ts'
import { measureStartUp } from './start-up.ts'

/** `npm run bench`: how many full sign-ins per second Ostiary does beside the floor (see docs/performance.md). */

const WARM_UP_SECONDS = 3

const options = readOptions(process.argv.slice(2))
const folder = mkdtempSync(join(tmpdir(), 'ostiary-bench-'))
try {
  const report = await run(options)
  console.log(options.json ? JSON.stringify(report, null, 2) : printReport(report))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)

async function run({ seconds, rounds, concurrency, profile }: Options): Promise<Report> {
  const machine = describeMachine(folder)
  tell('start-up of ostiary dev')
  const startUp = await measureStartUp(folder)
  const contenders = await startContenders(folder, profile)
  const results = await runRounds(contenders, { seconds, rounds, concurrency })
  for (const contender of contenders) await contender.stop()
  return reportOf({ machine, load: { seconds, rounds, concurrency }, startUp }, results)
}

/** Warms each contender up, then measures them in turn, each round from another one on. */
async function runRounds(
  contenders: Contender[],
  { rounds, ...load }: Report['load'],
): Promise<Map<string, Round[]>> {
  const generator = startChild('generator.ts')
  const results = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]))
  for (const contender of contenders) {
    tell(`warm-up: ${contender.name}`)
    await runRound(generator, contender, { ...load, seconds: WARM_UP_SECONDS })
  }
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length]
      if (!contender) continue
      const measured = await runRound(generator, contender, load)
      results.get(contender.name)?.push(measured)
      tell(`round ${round + 1}: ${contender.name} ${Math.round(measured.signInsPerSecond)} sign-ins/s`)
    }
  }
  await generator.stop()
  return results
}

function tell(line: string): void {
  console.error(line)
}
