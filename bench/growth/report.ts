import type { Contender } from '../contenders.ts'
import { type Round, ratioOf } from '../rounds.ts'
import { formatted, markdownTable } from '../table.ts'

/** A contender on a database of some size. */
export interface Grown {
  /** Users and challenges in its tables at the start. */
  rows: number
  contender: Contender
  rounds: Round[]
}

// DESIGN section 8.
const AIM = 0.9

const COLUMNS: [label: string, measure: keyof Round, digits: number][] = [
  ['sign-ins/s', 'signInsPerSecond', 0],
  ['CPU ms', 'cpuMsPerSignIn', 3],
  ['WAL KB', 'walKbPerSignIn', 1],
  ['p99 ms', 'p99', 1],
]

/** Round by round, the small one beside the large one; and their ratio. */
export function printGrowth(name: string, grown: readonly Grown[]): string {
  const [small, large] = grown
  if (!small || !large) return ''
  const head = COLUMNS.flatMap(([label]) => grown.map(({ rows }) => `${label}, ${formatted(rows, 0)}`))
  const lines = small.rounds.map((_, round) => [
    `${round + 1}`,
    ...COLUMNS.flatMap(([, measure, digits]) =>
      grown.map(({ rounds }) => formatted(rounds[round]?.[measure] ?? Number.NaN, digits)),
    ),
  ])
  return [
    `${name}: per sign-in, round by round, users and challenges in the tables: ${formatted(small.rows, 0)} and ${formatted(large.rows, 0)}`,
    '',
    markdownTable([['round', ...head], ...lines]),
    '',
    `The rate of ${formatted(large.rows, 0)} is ${formatted(100 * ratioOf(large.rounds, small.rounds), 0)} % of that of ${formatted(small.rows, 0)}; the aim is ${100 * AIM} %.`,
  ].join('\n')
}
