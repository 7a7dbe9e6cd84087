import type { Keyring } from '../core/keys.ts'
import { endpointNotices } from '../core/notices/endpoint.ts'
import type { ClaimedWebhook, SettledWebhook, Store } from '../core/ports.ts'
import type { Home } from '../delivery/deliver.ts'
import { createSettlements } from '../delivery/settlements.ts'
import { createAlarm, within } from '../delivery/waiting.ts'
import { type AttemptDeps, attempt, LEASE_MS } from './attempt.ts'

export interface WebhooksDeps extends AttemptDeps {
  store: Pick<Store, 'listDueWebhooks' | 'claimWebhooks' | 'holdsWebhookLease' | 'settleWebhooks'>
  keyring: Pick<Keyring, 'open' | 'seal'>
  publicUrl: string
  directory: { environmentOf(id: string): Promise<Home | null> }
  /** How many calls of one endpoint are under way at once: a slow one holds up no other. */
  perEndpoint?: number
  /** The longest sleep, and the wait after a failure of the store, in milliseconds. */
  pollMs?: number
}

export interface Webhooks {
  start(): void
  /** Says that something was committed. Cheap, and cheaper still while no endpoint is enabled. */
  wake(): void
  /** Resolves when nothing is due, nothing is under way and every outcome is stored. */
  drain(): Promise<void>
  /**
   * Claims nothing more, gives what is under way some seconds, and stores the outcomes. What a slow receiver has not answered
   * by then is posted again once its lease is over: nobody waits for it to stop a server.
   */
  stop(): Promise<void>
}

/** Outcomes that wait for a store that fails; past this many nothing more is claimed. */
const MAX_UNSETTLED = 1_000
const GRACE_MS = 5_000
/** Between two looks: commits come in thousands a second, and a look is a statement. */
const REST_MS = 20
/** An endpoint that fails for so long without a success is disabled. */
const FAILING_MS = 5 * 24 * 3_600_000

/**
 * The worker that posts events to webhook endpoints: the outbox for receivers that others run (delivery/outbox.ts). Any
 * number of processes may run one. Each delivery is posted at least once, by one of them at a time.
 */
export function createWebhooks(deps: WebhooksDeps): Webhooks {
  const { store, clock, log, perEndpoint = 5, pollMs = 1_000 } = deps
  const inFlight = new Map<string, { endpointId: string; done: Promise<void> }>()
  const drained: (() => void)[] = []
  const alarm = createAlarm()
  const settlements = createSettlements<SettledWebhook>({
    settle,
    of: 'webhooks',
    log,
    retryMs: pollMs,
    onSettled: wake,
  })
  let loop: Promise<void> | null = null
  let isRunning = false
  let hasEndpoints = true

  function wake(): void {
    if (!hasEndpoints && drained.length === 0 && isRunning) return
    alarm.ring()
  }

  async function settle(outcomes: SettledWebhook[]): Promise<void> {
    const homes = new Map<string, Home | null>()
    for (const { environmentId } of outcomes)
      if (!homes.has(environmentId))
        homes.set(environmentId, await deps.directory.environmentOf(environmentId))
    const disabled = await store.settleWebhooks(outcomes, FAILING_MS, one => {
      const home = homes.get(one.environmentId)
      return home ? endpointNotices(deps, home, one) : []
    })
    for (const { endpointId, environmentId, reason } of disabled)
      log.warn(
        { endpointId, environmentId, reason },
        reason === 'gone'
          ? 'a webhook endpoint answered 410 and is disabled'
          : 'a webhook endpoint failed for five days and is disabled',
      )
  }

  async function run(): Promise<void> {
    while (isRunning) {
      alarm.reset()
      try {
        const { claimed, dueAt } = await look()
        if (claimed > 0) continue
        const isDue = dueAt !== null && dueAt <= clock.now()
        const isIdle = !isDue && inFlight.size === 0 && settlements.size() === 0
        if (isIdle && !alarm.hasRung()) for (const resolve of drained.splice(0)) resolve()
        const wait = dueAt === null || isDue ? pollMs : Math.min(pollMs, dueAt - clock.now())
        await alarm.sleep(wait)
        if (isRunning && alarm.hasRung() && drained.length === 0)
          await new Promise(resolve => setTimeout(resolve, REST_MS))
      } catch (error) {
        log.error({ err: error }, 'webhooks cannot reach the store')
        await new Promise(resolve => setTimeout(resolve, pollMs))
      }
    }
  }

  /** Claims what is due for endpoints with a free place; else when the next of theirs is due. */
  async function look(): Promise<{ claimed: number; dueAt: number | null }> {
    const endpoints = await store.listDueWebhooks()
    hasEndpoints = endpoints.length > 0
    if (settlements.size() >= MAX_UNSETTLED) return { claimed: 0, dueAt: null }
    const counts = new Map<string, number>()
    for (const { endpointId } of inFlight.values()) counts.set(endpointId, (counts.get(endpointId) ?? 0) + 1)
    const free = endpoints
      .map(({ endpointId, dueAt }) => ({
        endpointId,
        dueAt,
        limit: perEndpoint - (counts.get(endpointId) ?? 0),
      }))
      .filter(({ dueAt, limit }) => dueAt !== null && limit > 0)
    const now = clock.now()
    const wanted = free
      .filter(({ dueAt }) => (dueAt ?? 0) <= now)
      .map(({ endpointId, limit }) => ({ endpointId, limit }))
    if (wanted.length === 0) {
      const next = free.map(({ dueAt }) => dueAt ?? 0)
      return { claimed: 0, dueAt: next.length === 0 ? null : Math.min(...next) }
    }
    const claimed = await store.claimWebhooks({ now, leaseMs: LEASE_MS, wanted })
    for (const one of claimed) begin(one, now)
    return { claimed: claimed.length, dueAt: now }
  }

  function begin(claimed: ClaimedWebhook, claimedAt: number): void {
    const { id, endpointId } = claimed.delivery
    // Claimed again after a lease overrun, while the first try goes on or its outcome waits for the store.
    if (inFlight.has(id) || settlements.has(id)) return
    const done = attempt(deps, claimed, claimedAt).then(outcome => {
      inFlight.delete(id)
      if (outcome) settlements.add(outcome)
      wake()
    })
    inFlight.set(id, { endpointId, done })
  }

  return {
    start() {
      if (isRunning) return
      isRunning = true
      loop = run()
    },
    wake,
    drain() {
      if (!isRunning) return Promise.resolve()
      return new Promise(resolve => {
        drained.push(resolve)
        wake()
      })
    },
    async stop() {
      if (!isRunning) return
      isRunning = false
      alarm.ring()
      await loop
      await within(GRACE_MS, Promise.all([...inFlight.values()].map(({ done }) => done)))
      await settlements.stop()
      for (const resolve of drained.splice(0)) resolve()
    },
  }
}
