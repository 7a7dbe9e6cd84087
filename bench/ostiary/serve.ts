import { exposureOf } from '../../packages/server/src/core/limits/limits.ts'
import { listen } from '../../packages/server/src/http/server.ts'
import type { Ostiary } from '../../packages/server/src/main.ts'
import { answerParent } from '../child.ts'
import type { Contest } from '../contest.ts'
import { watchConditions } from '../rules/watch.ts'
import { watchUsage } from '../usage.ts'
import { buildOstiary } from './server.ts'

/** The server itself, in a process of its own, with its outbox. */

// The step and the pause of the server's own upkeep, which waits a minute between its rounds.
const PURGE_ROWS = 200
const PAUSE_MS = 50

const usage = watchUsage()
let database = ''
let running: Ostiary | null = null
let isPurging = false
let purging: Promise<number> = Promise.resolve(0)
let conditionMicros = () => 0

async function purge({ store, directory, clock }: Ostiary['deps']): Promise<number> {
  let steps = 0
  while (isPurging) {
    for (const { environment, settings } of await directory.all()) {
      const { retentionDays } = settings
      const input = { environmentId: environment.id, retentionDays, exposure: exposureOf(settings) }
      await store.purge({ ...input, limit: PURGE_ROWS, now: clock.now() })
      steps++
    }
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
  }
  return steps
}

answerParent({
  async start(contest: Contest) {
    database = contest.database
    const { ostiary, secretKey } = await buildOstiary(contest)
    await listen(ostiary.fetch, contest.port, ['127.0.0.1'])
    ostiary.start()
    running = ostiary
    return secretKey
  },
  usage: () => usage.read(database),
  /** From now on the conditions of the test environment are counted. */
  async watchConditions() {
    const view = await running?.deps.directory.bySlug('test')
    if (view) conditionMicros = watchConditions(view.rules)
  },
  /** Processor time of conditions so far. */
  conditionMicros: () => conditionMicros(),
  /** Purges without end, as the server does beside its requests when there is much to purge. */
  beginPurge() {
    if (!running) return
    isPurging = true
    purging = purge(running.deps)
  },
  /** How many steps were taken. */
  endPurge() {
    isPurging = false
    return purging
  },
  stop: () => running?.stop(),
})
