import { measure } from './measurement.ts'
import { readOptions } from './options.ts'
import { printReport } from './report.ts'

/** `npm run bench`: what a sign-in costs on Ostiary, beside the floor and Better Auth (see docs/performance.md). */

const { json, ...options } = readOptions('bench', process.argv.slice(2), {
  seconds: 2,
  rounds: 10,
  concurrency: 32,
  json: false,
  profile: null,
})
const report = await measure(options)
console.log(json ? JSON.stringify(report, null, 2) : printReport(report))
process.exit(0)
