import { readFileSync, writeFileSync } from 'node:fs'
import { type Baseline, baselineOf, worseThan } from './baseline.ts'
import { measure } from './measurement.ts'
import { readOptions } from './options.ts'
import { printReport } from './report.ts'

/**
 * `npm run bench:guard`: a short run, compared with `baseline.json` by its ratios and the costs of one sign-in, for rates tell
 * more of the machine than of the change. Ends with 1 when something got worse; `--write` makes this run the baseline.
 */

const FILE = new URL('./baseline.json', import.meta.url)
const { write, ...plan } = readOptions('bench:guard', process.argv.slice(2), {
  seconds: 2,
  rounds: 5,
  concurrency: 32,
  write: false,
})

const baseline = JSON.parse(readFileSync(FILE, 'utf8')) as Baseline
const report = await measure({ ...plan, profile: null })
console.log(printReport(report))
const found = baselineOf(report, baseline.tolerance)
if (write) writeFileSync(FILE, `${JSON.stringify(found, null, 2)}\n`)
const worse = write ? [] : worseThan(baseline, found)
const verdict = write ? 'The baseline is written.' : 'Nothing got worse than the baseline.'
console.log(['', ...(worse.length > 0 ? worse : [verdict])].join('\n'))
process.exit(worse.length > 0 ? 1 : 0)
