import type { Machine } from './machine.ts'
import { type Measure, medianOf, type Round, ratioOf } from './rounds.ts'
import type { StartUp } from './start-up.ts'
import { formatted, markdownTable } from './table.ts'

/** Everything that one run found out; what `--json` prints. */
export interface Report {
  machine: Machine
  load: { seconds: number; rounds: number; concurrency: number }
  startUp: StartUp | null
  contenders: Result[]
  ratios: Ratio[]
  /** Who could not take part, and why. */
  leftOut: string[]
}

export interface Result {
  name: string
  median: Round
  /** Round trips to PostgreSQL for one sign-in, its outbox included; null on SQLite, which has none. */
  tripsPerSignIn: number | null
  rounds: Round[]
}

/** Sign-ins per second of one over those of another. */
export interface Ratio {
  ours: string
  theirs: string
  ratio: number
  aim: number
}

// DESIGN section 8.
const AIMS: [ours: string, theirs: string, aim: number][] = [
  ['Ostiary, SQLite', 'floor, SQLite', 0.6],
  ['Ostiary, PostgreSQL', 'floor, PostgreSQL', 0.6],
  ['Ostiary, PostgreSQL', 'Better Auth, PostgreSQL', 8],
  ['Ostiary, SQLite', 'Better Auth, PostgreSQL', 8],
  ['Ostiary, SQLite', 'Ostiary, PostgreSQL', 1],
]

/** The ratios between those who took part. */
export function ratiosOf(results: readonly Pick<Result, 'name' | 'rounds'>[]): Ratio[] {
  const roundsOf = (name: string) => results.find(result => result.name === name)?.rounds
  return AIMS.flatMap(([ours, theirs, aim]) => {
    const [a, b] = [roundsOf(ours), roundsOf(theirs)]
    return a && b ? [{ ours, theirs, ratio: ratioOf(a, b), aim }] : []
  })
}

export function resultOf(name: string, rounds: Round[], tripsPerSignIn: number | null): Result {
  return { name, median: medianOf(rounds), tripsPerSignIn, rounds }
}

const LINES: [label: string, measure: Measure, digits: number][] = [
  ['sign-ins per second', 'signInsPerSecond', 0],
  ['refreshes per second', 'refreshesPerSecond', 0],
  ['session checks per second', 'checksPerSecond', 0],
  ['request p50, ms', 'p50', 1],
  ['request p99, ms', 'p99', 1],
  ['CPU, share of one core', 'cpuShare', 2],
  ['CPU of the database', 'databaseCpuShare', 2],
  ['CPU of both per sign-in, ms', 'cpuMsPerSignIn', 3],
  ['RSS under load, MB', 'rssMb', 0],
  ['WAL per sign-in, KB', 'walKbPerSignIn', 1],
  ['commits per second', 'commitsPerSecond', 0],
  ['operations per commit', 'operationsPerCommit', 1],
  ['mail waiting at the end', 'mailWaiting', 0],
  ['load generator, share of one core', 'generatorCpuShare', 2],
]

/** The report as Markdown, which reads as a table in a terminal too. */
export function printReport({ machine, load, startUp, contenders, ratios, leftOut }: Report): string {
  const table = markdownTable([
    ['', ...contenders.map(({ name }) => name)],
    ...LINES.map(([label, measure, digits]) => [
      label,
      ...contenders.map(({ median }) => formatted(median[measure], digits)),
    ]),
    [
      'round trips per sign-in',
      ...contenders.map(({ tripsPerSignIn }) => formatted(tripsPerSignIn ?? Number.NaN, 1)),
    ],
  ])
  const { cpu, cores, memoryGb, system, node, sqlite, postgres, betterAuth } = machine
  return [
    table,
    '',
    ...ratios.map(
      ({ ours, theirs, ratio, aim }) =>
        `"${ours}" does ${ratio.toFixed(2)} times the sign-ins of "${theirs}"; the aim is ${aim}.`,
    ),
    ...leftOut,
    '',
    ...(startUp
      ? [
          `ostiary dev answers ${seconds(startUp.firstStartMs)} after its first start and ${seconds(startUp.laterStartMs)} after later ones; idle RSS ${Math.round(startUp.idleRssMb)} MB.`,
        ]
      : []),
    'A refresh of Better Auth is a look at the session that writes its new end; a check is one that does not.',
    `Medians of ${load.rounds} interleaved rounds of ${load.seconds} s, ${load.concurrency} at once.`,
    `${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}, SQLite ${sqlite}, PostgreSQL ${postgres}, Better Auth ${betterAuth}; ${formatted(machine.singleCommitsPerSecond, 0)} single commits/s; load before the run ${machine.loadBefore.toFixed(1)}.`,
  ].join('\n')
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
