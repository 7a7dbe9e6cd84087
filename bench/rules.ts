import { readOptions } from './options.ts'
import { measureJudging } from './rules/judge.ts'
import { measureTracking } from './rules/track.ts'

/** `npm run bench:rules`: what rules cost, by themselves and in calls of `POST /v1/actions`. */

const { calls, concurrency, ...judging } = readOptions('bench:rules', process.argv.slice(2), {
  rules: 50,
  seconds: 3,
  rounds: 5,
  entries: 10_000,
  calls: 10_000,
  concurrency: 16,
})
await measureJudging(judging)
await measureTracking({ rules: judging.rules, calls, concurrency })
process.exit(0)
