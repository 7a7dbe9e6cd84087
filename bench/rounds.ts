import type { Child } from './child.ts'
import type { Contender } from './contenders.ts'
import type { Load, Loaded } from './generator.ts'
import { median } from './quantile.ts'

/** One measured round of one contender. Shares are of one core; times in milliseconds. */
export interface Round {
  signInsPerSecond: number
  sendP50: number
  sendP99: number
  verifyP50: number
  verifyP99: number
  rssMb: number
  cpuShare: number
  generatorCpuShare: number
  cpuMsPerSignIn: number
  commitsPerSecond: number
  operationsPerCommit: number
  /** Messages that were queued and not settled when the load ended. */
  mailWaiting: number
}

export type Measure = keyof Round

/** Loads one contender and waits until its mail is settled, so that the next one has the machine for itself. */
export async function runRound(
  generator: Child,
  contender: Contender,
  load: Pick<Load, 'seconds' | 'concurrency'>,
): Promise<Round> {
  const { port, secretKey } = contender
  const before = await contender.usage()
  const loaded = await generator.ask<Loaded>('load', { ...load, port, secretKey })
  const after = await contender.usage()
  await settle(contender)
  const seconds = loaded.ms / 1000
  const commits = after.commits - before.commits
  const cpuMs = after.cpuMs - before.cpuMs
  return {
    signInsPerSecond: loaded.signIns / seconds,
    sendP50: loaded.send.p50,
    sendP99: loaded.send.p99,
    verifyP50: loaded.verify.p50,
    verifyP99: loaded.verify.p99,
    rssMb: after.rssBytes / 2 ** 20,
    cpuShare: cpuMs / loaded.ms,
    generatorCpuShare: loaded.cpuMs / loaded.ms,
    cpuMsPerSignIn: cpuMs / loaded.signIns,
    commitsPerSecond: commits / seconds,
    operationsPerCommit: (after.operations - before.operations) / commits,
    mailWaiting: after.waiting,
  }
}

async function settle(contender: Contender): Promise<void> {
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
