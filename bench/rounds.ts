import type { Child } from './child.ts'
import type { Contender } from './contenders.ts'
import type { Kind, Load, Loaded } from './load/generator.ts'
import type { Postgres } from './postgres/server.ts'
import { median } from './quantile.ts'

/** One measured round of one contender. Shares are of one core, times in milliseconds; NaN where there is no such thing. */
export interface Round {
  signInsPerSecond: number
  refreshesPerSecond: number
  checksPerSecond: number
  /** Of one request while signing in. */
  p50: number
  p99: number
  rssMb: number
  cpuShare: number
  /** Of the processes of PostgreSQL; SQLite works inside the contender. */
  databaseCpuShare: number
  /** Contender and database. */
  cpuMsPerSignIn: number
  walKbPerSignIn: number
  commitsPerSecond: number
  operationsPerCommit: number
  /** Messages that were queued and not settled when the load ended. */
  mailWaiting: number
  generatorCpuShare: number
}

export type Measure = keyof Round
export type RoundLoad = Pick<Load, 'seconds' | 'concurrency'>

/** Loads one contender with sign-ins, refreshes and checks; each begins when the mail of what went before is settled. */
export async function runRound(
  generator: Child,
  contender: Contender,
  postgres: Postgres | null,
  load: RoundLoad,
): Promise<Round> {
  const server = contender.store === 'PostgreSQL' ? postgres : null
  const before = {
    ...(await contender.usage()),
    database: server?.cpuMs() ?? null,
    log: await server?.walBytes(),
  }
  const loaded = await loadWith(generator, contender, 'signIns', load)
  const after = { ...(await contender.usage()), database: server?.cpuMs() ?? null }
  await settle(contender)
  const written = server ? await server.walBytes() : (await contender.usage()).walBytes
  const refreshes = await loadWith(generator, contender, 'refreshes', halfOf(load))
  const checks = await loadWith(generator, contender, 'checks', halfOf(load))
  const cpuMs = after.cpuMs - before.cpuMs
  const databaseCpuMs = difference(after.database, before.database)
  const commits = difference(after.commits, before.commits)
  return {
    signInsPerSecond: perSecond(loaded),
    refreshesPerSecond: perSecond(refreshes),
    checksPerSecond: perSecond(checks),
    p50: loaded.p50,
    p99: loaded.p99,
    rssMb: after.rssBytes / 2 ** 20,
    cpuShare: cpuMs / loaded.ms,
    databaseCpuShare: databaseCpuMs / loaded.ms,
    cpuMsPerSignIn: (cpuMs + (server ? databaseCpuMs : 0)) / loaded.done,
    walKbPerSignIn: difference(written, before.log ?? before.walBytes) / 1024 / loaded.done,
    commitsPerSecond: (1000 * commits) / loaded.ms,
    operationsPerCommit: difference(after.operations, before.operations) / commits,
    mailWaiting: after.waiting,
    generatorCpuShare: loaded.cpuMs / loaded.ms,
  }
}

/** One stretch of one kind of work. */
export function loadWith(
  generator: Child,
  { port, secretKey, protocol }: Contender,
  kind: Kind,
  load: RoundLoad,
): Promise<Loaded> {
  return generator.ask('load', { ...load, kind, port, secretKey, protocol } satisfies Load)
}

/** Waits until all mail is settled, so that the next one has the machine for itself. */
export async function settle(contender: Contender): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if ((await contender.usage()).waiting === 0) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`${contender.name} did not settle its mail within 30 s`)
}

/** The median of each measure over the rounds. */
export function medianOf(rounds: readonly Round[]): Round {
  const [first] = rounds
  if (!first) throw new Error('there is no round')
  const measures = Object.keys(first) as Measure[]
  return Object.fromEntries(
    measures.map(measure => [measure, median(rounds.map(round => round[measure]))]),
  ) as unknown as Round
}

/** The median of the ratios, round by round: what the machine does beside us falls on both sides of one round. */
export function ratioOf(ours: readonly Round[], theirs: readonly Round[]): number {
  return median(ours.map((round, index) => round.signInsPerSecond / (theirs[index]?.signInsPerSecond ?? 0)))
}

const perSecond = ({ done, ms }: Loaded) => (1000 * done) / ms
// Rates of one request settle sooner than those of two with mail.
const halfOf = (load: RoundLoad): RoundLoad => ({ ...load, seconds: load.seconds / 2 })
const difference = (after: number | null | undefined, before: number | null | undefined) =>
  after == null || before == null ? Number.NaN : after - before
