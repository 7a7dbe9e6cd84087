import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installBetterAuth } from './better-auth/install.ts'
import { type Child, startChild } from './child.ts'
import { type Contender, ENTRIES, type Ground, type Prepared, prepare } from './contenders.ts'
import { describeMachine } from './machine.ts'
import { type Postgres, startPostgres } from './postgres/server.ts'
import { countTrips } from './postgres/trips.ts'
import { type Report, ratiosOf, resultOf } from './report.ts'
import { loadWith, type Round, runRound, settle } from './rounds.ts'
import { measureStartUp } from './start-up.ts'

const WARM_UP_SECONDS = 3
const TRIPS_SECONDS = 1

/** What one run measures. */
export interface Plan {
  /** Length of a measured round of sign-ins, for each contender. */
  seconds: number
  rounds: number
  /** Requests under way at once. */
  concurrency: number
  /** Folder for CPU profiles of the contenders, or null. */
  profile: string | null
}

/** One whole run, in a folder of its own that is gone afterwards. */
export async function measure(plan: Plan): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'ostiary-bench-'))
  const versions = { betterAuth: installBetterAuth() }
  const postgres = await startPostgres(folder)
  try {
    return await measureOn({ folder, postgres, profile: plan.profile }, plan, versions)
  } finally {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureOn(
  ground: Ground,
  { seconds, rounds, concurrency }: Plan,
  versions: { betterAuth: string },
): Promise<Report> {
  const { folder, postgres } = ground
  const machine = describeMachine(folder, { ...versions, postgres: postgres.version })
  tell('start-up of ostiary dev')
  const startUp = await measureStartUp(folder)
  const leftOut: string[] = []
  const generator = startChild('load/generator.ts')
  const contenders: Contender[] = []
  const trips = new Map<string, number>()
  for (const entry of Object.values(ENTRIES)) {
    tell(`start and warm-up: ${entry.name}`)
    const prepared = await prepare(entry, ground, line => leftOut.push(line))
    if (!prepared) continue
    if (entry.store === 'PostgreSQL')
      trips.set(entry.name, await tripsPerSignIn(generator, prepared, postgres, concurrency))
    const contender = await prepared.start()
    contenders.push(contender)
    await runRound(generator, contender, postgres, { concurrency, seconds: WARM_UP_SECONDS })
  }
  const load = { seconds, rounds, concurrency }
  const measured = await runRounds(generator, contenders, postgres, load)
  for (const child of [generator, ...contenders]) await child.stop()
  const results = [...measured].map(([name, all]) => resultOf(name, all, trips.get(name) ?? null))
  return { machine, load, startUp, contenders: results, ratios: ratiosOf(results), leftOut }
}

/** A short run of its own: the way that counts is slower. */
async function tripsPerSignIn(
  generator: Child,
  prepared: Prepared,
  postgres: Postgres,
  concurrency: number,
): Promise<number> {
  const trips = await countTrips(postgres.port)
  const contender = await prepared.start(trips.port)
  const load = { seconds: TRIPS_SECONDS, concurrency }
  // The first one opens the connections of the pool.
  await loadWith(generator, contender, 'signIns', load)
  await settle(contender)
  const before = trips.count()
  const { done } = await loadWith(generator, contender, 'signIns', load)
  await settle(contender)
  const counted = trips.count() - before
  await contender.stop()
  trips.close()
  return counted / done
}

/** Measures the contenders in turn, each round from another one on. */
async function runRounds(
  generator: Child,
  contenders: Contender[],
  postgres: Postgres,
  { rounds, ...load }: Report['load'],
): Promise<Map<string, Round[]>> {
  const results = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length]
      if (!contender) continue
      const measured = await runRound(generator, contender, postgres, load)
      results.get(contender.name)?.push(measured)
      tell(`round ${round + 1}: ${contender.name} ${Math.round(measured.signInsPerSecond)} sign-ins/s`)
    }
  }
  return results
}

function tell(line: string): void {
  console.error(line)
}
