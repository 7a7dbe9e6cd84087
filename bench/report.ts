import type { Machine } from './machine.ts'
import { type Measure, medianOf, type Round, ratioOf } from './rounds.ts'
import type { StartUp } from './start-up.ts'

/** Everything that one run found out; what `--json` prints. */
export interface Report {
  machine: Machine
  load: { seconds: number; rounds: number; concurrency: number }
  startUp: StartUp
  contenders: { name: string; median: Round; rounds: Round[] }[]
  /** Sign-ins per second of Ostiary, over those of each other contender. */
  ratios: Record<string, number>
}

export function reportOf(
  facts: Pick<Report, 'machine' | 'load' | 'startUp'>,
  results: ReadonlyMap<string, Round[]>,
): Report {
  const [[, ours] = ['', []], ...others] = results
  return {
    ...facts,
    contenders: [...results].map(([name, rounds]) => ({ name, median: medianOf(rounds), rounds })),
    ratios: Object.fromEntries(others.map(([name, rounds]) => [name, ratioOf(ours, rounds)])),
  }
}

const LINES: [label: string, measure: Measure, digits: number][] = [
  ['sign-ins per second', 'signInsPerSecond', 0],
  ['send p50, ms', 'sendP50', 1],
  ['send p99, ms', 'sendP99', 1],
  ['verify p50, ms', 'verifyP50', 1],
  ['verify p99, ms', 'verifyP99', 1],
  ['CPU, share of one core', 'cpuShare', 2],
  ['CPU per sign-in, ms', 'cpuMsPerSignIn', 3],
  ['RSS under load, MB', 'rssMb', 0],
  ['commits per second', 'commitsPerSecond', 0],
  ['operations per commit', 'operationsPerCommit', 1],
  ['mail waiting at the end', 'mailWaiting', 0],
  ['load generator, share of one core', 'generatorCpuShare', 2],
]

/** The report as Markdown, which reads as a table in a terminal too. */
export function printReport({ machine, load, startUp, contenders, ratios }: Report): string {
  const table = markdownTable([
    ['', ...contenders.map(({ name }) => name)],
    ...LINES.map(([label, measure, digits]) => [
      label,
      ...contenders.map(({ median }) => formatted(median[measure], digits)),
    ]),
  ])
  const ratioLines = Object.entries(ratios).map(
    ([name, ratio]) => `Ostiary does ${Math.round(ratio * 100)} % of the sign-ins of "${name}".`,
  )
  const { cpu, cores, memoryGb, system, node, sqlite, singleCommitsPerSecond, loadBefore } = machine
  return [
    table,
    '',
    ...ratioLines,
    '',
    `ostiary dev answers ${seconds(startUp.firstStartMs)} after its first start and ${seconds(startUp.laterStartMs)} after later ones; idle RSS ${Math.round(startUp.idleRssMb)} MB.`,
    `Medians of ${load.rounds} interleaved rounds of ${load.seconds} s, ${load.concurrency} sign-ins at once.`,
    `${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}, SQLite ${sqlite}; ${formatted(singleCommitsPerSecond, 0)} single commits/s; load before the run ${loadBefore.toFixed(1)}.`,
  ].join('\n')
}

function markdownTable([head = [], ...rows]: string[][]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map(row => row[column]?.length ?? 0), 4))
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

const formatted = (value: number, digits: number) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
