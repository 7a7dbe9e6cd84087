import type { ClaimedMessage, Settled, Store } from '../core/ports.ts'
import { type DeliverDeps, deliver, LEASE_MS } from './deliver.ts'
import { createSettlements } from './settlements.ts'
import { createAlarm, within } from './waiting.ts'

export type { Log } from './log.ts'

export interface OutboxDeps extends DeliverDeps {
  store: Pick<Store, 'claimMessages' | 'holdsLease' | 'settleMessages' | 'nextDueAt'>
  /** How many messages are under way at once; at most half of them go to one domain. */
  maxInFlight?: number
  /** The longest sleep, and the wait after a failure of the store, in milliseconds. */
  pollMs?: number
}

export interface Outbox {
  start(): void
  /** Says that a message was queued. Cheap; any number of calls lead to one claim. */
  wake(): void
  /** Resolves when nothing is due, nothing is under way and every outcome is stored. */
  drain(): Promise<void>
  /** Claims nothing more, waits for what is under way (no longer than the transports may take) and stores the outcomes. */
  stop(): Promise<void>
}

/** Outcomes that wait for a store that fails; past this many nothing more is claimed. */
const MAX_UNSETTLED = 1_000
const STOP_MARGIN_MS = 1_000

/**
 * The worker that brings queued messages to their outcome (DESIGN promise 4). Any number of processes may run one. A
 * message is sent by at most one of them at a time, and by this one never again once its provider has taken it.
 */
export function createOutbox(deps: OutboxDeps): Outbox {
  const { store, clock, log, maxInFlight = 20, pollMs = 1_000 } = deps
  const perDomain = Math.max(1, Math.floor(maxInFlight / 2))
  const inFlight = new Map<string, { domain: string; done: Promise<void> }>()
  const settlements = createSettlements<Settled>({
    settle(outcomes) {
      const writtenAt = clock.now()
      return store.settleMessages(outcomes.map(outcome => ({ ...outcome, writtenAt })))
    },
    of: 'messages',
    log,
    retryMs: pollMs,
    onSettled: () => wakeIf(drained.length > 0 || waitsForPlace),
  })
  const drained: (() => void)[] = []
  const alarm = createAlarm()
  let loop: Promise<void> | null = null
  let isRunning = false
  // Whether messages may be due that were left for want of a free place: then the end of a delivery is a reason to claim.
  let waitsForPlace = false

  function wakeIf(isNeeded: boolean): void {
    if (isNeeded) alarm.ring()
  }

  async function run(): Promise<void> {
    while (isRunning) {
      alarm.reset()
      try {
        const { claimed, limit } = await claim()
        // A full batch means that there may be more; without a free place the end of a delivery wakes us.
        if (limit > 0 && claimed === limit) continue
        // Whoever came while the store was asked may have queued something that this claim could not see.
        const isIdle = claimed === 0 && limit > 0 && inFlight.size === 0 && settlements.size() === 0
        if (isIdle && !alarm.hasRung()) {
          for (const resolve of drained.splice(0)) resolve()
        }
        if (!alarm.hasRung()) await alarm.sleep(await untilDue())
      } catch (error) {
        log.error({ err: error }, 'the outbox cannot reach the store')
        await new Promise(resolve => setTimeout(resolve, pollMs))
      }
    }
  }

  async function untilDue(): Promise<number> {
    const dueAt = await store.nextDueAt()
    const wait = dueAt === null ? pollMs : dueAt - clock.now()
    // What is due and was not claimed just now belongs to a busy domain or to another worker.
    return wait > 0 ? Math.min(wait, pollMs) : pollMs
  }

  async function claim(): Promise<{ claimed: number; limit: number }> {
    const byDomain = Map.groupBy(inFlight.values(), ({ domain }) => domain)
    const counts = [...byDomain].map(([domain, deliveries]) => ({ domain, count: deliveries.length }))
    const busyDomains = counts.filter(({ count }) => count >= perDomain).map(({ domain }) => domain)
    const fullest = Math.max(0, ...counts.map(({ count }) => (count >= perDomain ? 0 : count)))
    // Even if the whole batch goes to the fullest domain that is still asked for, that one stays within its half.
    const limit =
      settlements.size() >= MAX_UNSETTLED ? 0 : Math.min(maxInFlight - inFlight.size, perDomain - fullest)
    waitsForPlace = limit <= 0 || busyDomains.length > 0
    if (limit <= 0) return { claimed: 0, limit: 0 }
    const now = clock.now()
    const messages = await store.claimMessages({ now, limit, leaseMs: LEASE_MS, busyDomains })
    for (const message of messages) begin(message, now)
    return { claimed: messages.length, limit }
  }

  function begin(claimed: ClaimedMessage, claimedAt: number): void {
    const { id, to } = claimed.message
    // Claimed again after a lease overrun, while the first try goes on or its outcome waits for the store.
    if (inFlight.has(id) || settlements.has(id)) return
    const done = deliver(deps, claimed, claimedAt).then(outcome => {
      inFlight.delete(id)
      if (outcome) settlements.add(outcome)
      wakeIf(waitsForPlace || drained.length > 0)
    })
    inFlight.set(id, { domain: to.slice(to.lastIndexOf('@') + 1).toLowerCase(), done })
  }

  return {
    start() {
      if (isRunning) return
      isRunning = true
      loop = run()
    },
    wake: alarm.ring,
    drain() {
      return new Promise(resolve => {
        drained.push(resolve)
        alarm.ring()
      })
    },
    async stop() {
      if (!isRunning) return
      isRunning = false
      alarm.ring()
      await loop
      await within(LEASE_MS + STOP_MARGIN_MS, Promise.all([...inFlight.values()].map(({ done }) => done)))
      await settlements.stop()
      for (const resolve of drained.splice(0)) resolve()
    },
  }
}
