import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { endAll } from '../test/setup/process.ts'
import { judge, runHostile } from './hostile-run.ts'

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
      'longest work without a beat (own CPU)': ms(heart.worstOwnMs),
      'longest wait for a beat (wall clock)': ms(heart.worstGapMs),
      'waits over 100 ms': heart.gapsOver100Ms,
      'probe of /healthz p50, p99, worst': [probe.p50, probe.p99, probe.worst].map(ms).join(', '),
      probes: probe.count,
      'heap before and after': `${warm.heapMb.toFixed(1)} MB, ${heart.heapMb.toFixed(1)} MB`,
      'RSS before and after': `${warm.rssMb.toFixed(0)} MB, ${heart.rssMb.toFixed(0)} MB`,
      'broken invariants': report.violations.length,
      'all that is wrong': wrong.length,
      seed,
      seconds: Math.round(report.seconds),
    })
      .map(([name, figure]) => `${name.padEnd(40)}${figure}`)
      .join('\n'),
  )
  for (const { ownMs, inputs: under } of report.stalls)
    console.log(`busy for ${ms(ownMs)} with ${under.length} slow inputs under way: ${under[0] ?? ''}`)
  for (const what of wrong.slice(0, 50)) console.log(`! ${what}`)
  if (wrong.length > 0) process.exitCode = 1
} finally {
  await endAll()
}
