import { createApiKey } from './core/api-keys/api-keys.ts'
import type { Deps } from './core/deps.ts'
import { ensureEnvironment, keepSigningKeys, systemOrigin } from './core/environments/bootstrap.ts'
import { exposureOf } from './core/limits/limits.ts'
import type { Log } from './http/app.ts'

/** What goes on beside the requests: environments at the start, purging and key rotation ever after. */
export interface Upkeep {
  /** Makes sure that the environments are there; stores the key of `ostiary dev` in `test`. */
  prepare(developmentKey?: string): Promise<void>
  start(): void
  stop(): Promise<void>
}

const EVERY_MS = 60_000
const STEP_ROWS = 200

export function createUpkeep(deps: Deps & { log: Log }): Upkeep {
  const { store, clock, directory, log } = deps
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let isStopped = false

  async function round() {
    for (const { environment, settings } of await directory.all()) {
      await keepSigningKeys(deps, environment.id)
      const step = {
        environmentId: environment.id,
        retentionDays: settings.retentionDays,
        exposure: exposureOf(settings),
        limit: STEP_ROWS,
      }
      // Small steps with a pause: a request never waits for more than one of them.
      while (!isStopped && (await store.purge({ ...step, now: clock.now() })))
        await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  return {
    async prepare(developmentKey) {
      const test = await ensureEnvironment(deps, 'test', 'test')
      await ensureEnvironment(deps, 'live', 'live')
      directory.forget()
      const view = await directory.byId(test.id)
      if (developmentKey === undefined || !view) return
      await createApiKey(
        deps,
        { view, origin: systemOrigin(test.id) },
        { name: 'ostiary dev', scopes: ['admin'], granter: null, secret: developmentKey },
      )
    },
    start() {
      timer = setInterval(() => {
        running = running
          .then(round)
          .catch(error => log.warn({ err: error }, 'upkeep failed; it will be tried again'))
      }, EVERY_MS)
      timer.unref()
    },
    async stop() {
      isStopped = true
      clearInterval(timer)
      await running
    },
  }
}
