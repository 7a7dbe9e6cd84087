import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { endAll } from '../test/setup/process.ts'
import { judge, rssOverTheRun, runHostile } from './hostile-run.ts'

/** Throws hostile HTTP inputs at a running `ostiary dev`. Prints figures, writes nothing. */

const { values } = parseArgs({
  options: { inputs: { type: 'string', default: '100000' }, seed: { type: 'string' } },
})
const inputs = Number(values.inputs)
const seed = Number(values.seed ?? randomInt(2 ** 31))
if (!Number.isInteger(inputs) || inputs < 1 || inputs > 10_000_000 || !Number.isInteger(seed)) {
  console.error('usage: npm run hostile -- [--inputs 1-10000000] [--seed N]')
  process.exit(2)
}
try {
  const report = await runHostile({
    inputs,
    seed,
    warmUp: Math.min(20_000, Math.floor(inputs / 5)),
    onProgress: done => process.stderr.write(`${done} of ${inputs} inputs\n`),
  })
  const { heart, warm, probe, byStatus } = report
  const ms = (value: number) => `${value.toFixed(1)} ms`
  const wrong = judge(report)
  console.log(
    Object.entries({
      inputs: report.inputs,
      'answers by status': Object.entries(byStatus)
        .map(([status, count]) => `${status}: ${count}`)
        .join(', '),
      'answers 2xx by endpoint': Object.entries(report.yeses)
        .toSorted()
        .map(([name, count]) => `${name}: ${count}`)
        .join(', '),
      'longest work without a beat (own CPU)': ms(heart.worstOwnMs),
      'the same while warming up': ms(warm.worstOwnMs),
      'longest garbage collection (wall clock)': ms(Math.max(0, ...heart.collections.map(one => one.ms))),
      'longest wait for a beat (wall clock)': ms(heart.worstGapMs),
      'waits over 100 ms': heart.gapsOver100Ms,
      'probe of /healthz p50, p99, worst': [probe.p50, probe.p99, probe.worst].map(ms).join(', '),
      probes: probe.count,
      'heap before and after': `${warm.heapMb.toFixed(1)} MB, ${heart.heapMb.toFixed(1)} MB`,
      'RSS before and after': `${warm.rssMb.toFixed(0)} MB, ${heart.rssMb.toFixed(0)} MB`,
      'RSS at ten moments of the run': `${tenOf(rssOverTheRun(heart, warm)).join(', ')} MB`,
      'broken invariants': report.violations.length,
      'all that is wrong': wrong.length,
      seed,
      seconds: Math.round(report.seconds),
    })
      .map(([name, figure]) => `${name.padEnd(40)}${figure}`)
      .join('\n'),
  )
  for (const { ownMs, collectingMs, inputs: under } of report.stalls)
    console.log(
      [`busy for ${ms(ownMs)} (collecting: ${ms(collectingMs)}) with under way:`, ...under.slice(0, 5)].join(
        '\n  ',
      ),
    )
  for (const what of wrong.slice(0, 50)) console.log(`! ${what}`)
  if (wrong.length > 0) process.exitCode = 1
} finally {
  await endAll()
}

function tenOf(samples: readonly number[]): (number | undefined)[] {
  if (samples.length <= 10) return [...samples]
  return Array.from({ length: 10 }, (_, step) => samples[Math.round((step * (samples.length - 1)) / 9)])
}
