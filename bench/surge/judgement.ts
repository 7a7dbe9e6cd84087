import { formatted, markdownTable } from '../table.ts'
import type { Surged } from './load.ts'

/** A refusal has to come at once, or it is no relief. */
const REFUSAL_MS = 50

export interface SurgeResult {
  name: string
  surged: Surged
  drainMs: number
  rssMb: number
  /** Addresses whose accepted send did not arrive, or arrived twice, and those never accepted that arrived. */
  lost: number
  doubled: number
  unasked: number
  /** In words; empty when all was kept. */
  faults: string[]
}

/** Compares what was accepted with what arrived: each address was used for one send. */
export function judge(
  name: string,
  surged: Surged,
  { mails, ...after }: { drainMs: number; rssMb: number; mails: ReadonlyMap<string, number> },
): SurgeResult {
  const lost = surged.accepted.filter(address => !mails.has(address)).length
  const doubled = surged.accepted.filter(address => (mails.get(address) ?? 0) > 1).length
  const unasked = surged.refused.filter(address => mails.has(address)).length
  const faults = [
    ...(lost > 0 ? [`${lost} accepted sends did not arrive`] : []),
    ...(doubled > 0 ? [`${doubled} arrived more than once`] : []),
    ...(unasked > 0 ? [`${unasked} arrived although they were refused`] : []),
    ...surged.refusals
      .filter(({ status, p99 }) => status !== 503 || p99 >= REFUSAL_MS)
      .map(({ status, count, p99 }) =>
        status === 503
          ? `the 503 came late, p99 ${formatted(p99, 0)} ms instead of ${REFUSAL_MS}`
          : `${count} answers ${status}`,
      ),
  ]
  return { name, surged, ...after, lost, doubled, unasked, faults }
}

const LINES: [label: string, value: (result: SurgeResult) => number, digits: number][] = [
  ['sends accepted in the burst', ({ surged }) => surged.burst.accepted, 0],
  ['sends accepted per second', ({ surged }) => (1000 * surged.burst.accepted) / surged.burst.ms, 0],
  ['send p50 in the burst, ms', ({ surged }) => surged.burst.p50, 1],
  ['send p99 in the burst, ms', ({ surged }) => surged.burst.p99, 1],
  ['answers 503', ({ surged }) => of503(surged)?.count ?? 0, 0],
  ['503 p99, ms', ({ surged }) => of503(surged)?.p99 ?? Number.NaN, 1],
  ['sign-ins per second before', ({ surged }) => surged.calm.perSecond, 0],
  ['sign-ins per second in the burst', ({ surged }) => surged.during.perSecond, 0],
  ['sign-in p99 before, ms', ({ surged }) => surged.calm.p99, 1],
  ['sign-in p99 in the burst, ms', ({ surged }) => surged.during.p99, 1],
  ['requests served, share of before', ({ surged }) => goodputOf(surged), 2],
  ['time to drain, s', ({ drainMs }) => drainMs / 1000, 1],
  ['RSS at the end, MB', ({ rssMb }) => rssMb, 0],
  ['lost', ({ lost }) => lost, 0],
  ['doubled', ({ doubled }) => doubled, 0],
  ['sent although refused', ({ unasked }) => unasked, 0],
]

export function printSurges(results: readonly SurgeResult[]): string {
  const table = markdownTable([
    ['', ...results.map(({ name }) => name)],
    ...LINES.map(([label, value, digits]) => [
      label,
      ...results.map(result => formatted(value(result), digits)),
    ]),
  ])
  const verdicts = results.map(
    ({ name, faults }) => `${name}: ${faults.length === 0 ? 'all kept' : faults.join('; ')}.`,
  )
  return [table, '', ...verdicts].join('\n')
}

/** A sign-in is two requests. */
function goodputOf({ calm, during, burst }: Surged): number {
  return ((1000 * burst.accepted) / burst.ms + 2 * during.perSecond) / (2 * calm.perSecond)
}

const of503 = ({ refusals }: Surged) => refusals.find(({ status }) => status === 503)
