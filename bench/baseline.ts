import type { Report } from './report.ts'

/** What a run is compared with. */
export interface Baseline {
  /** How much worse a ratio or a cost may be before it counts, as a share. */
  tolerance: number
  /** Higher is better. */
  ratios: Record<string, number>
  /** Lower is better. */
  costs: Record<string, number>
}

/** A run as a baseline: of Ostiary, what is worth guarding. */
export function baselineOf({ ratios, contenders }: Report, tolerance: number): Baseline {
  const costs = contenders.flatMap(({ name, median, tripsPerSignIn }) => [
    [`WAL per sign-in, KB: ${name}`, rounded(median.walKbPerSignIn)] as const,
    ...(tripsPerSignIn === null
      ? []
      : [[`round trips per sign-in: ${name}`, rounded(tripsPerSignIn)] as const]),
  ])
  return {
    tolerance,
    ratios: Object.fromEntries(
      ratios.map(({ ours, theirs, ratio }) => [`${ours} / ${theirs}`, rounded(ratio)]),
    ),
    costs: Object.fromEntries(costs.filter(([name]) => name.includes('Ostiary'))),
  }
}

/** A line for each that got worse. */
export function worseThan({ tolerance, ratios, costs }: Baseline, now: Baseline): string[] {
  // What is not measured any more counts as worse, too: NaN is never within the tolerance.
  const fallen = Object.entries(ratios)
    .filter(([name, ratio]) => !((now.ratios[name] ?? Number.NaN) >= ratio * (1 - tolerance)))
    .map(([name, ratio]) => `WORSE ${name}: ${now.ratios[name]}, in the baseline ${ratio}`)
  const risen = Object.entries(costs)
    .filter(([name, cost]) => !((now.costs[name] ?? Number.NaN) <= cost * (1 + tolerance)))
    .map(([name, cost]) => `WORSE ${name}: ${now.costs[name]}, in the baseline ${cost}`)
  return [...fallen, ...risen]
}

const rounded = (value: number) => Number(value.toPrecision(3))
