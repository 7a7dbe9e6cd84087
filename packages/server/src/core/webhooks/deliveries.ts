import type { Call, Deps } from '../deps.ts'
import { refuse } from '../deps.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { firstIdAt, newId } from '../ids.ts'
import type { WebhookDelivery } from '../rows.ts'
import { findEndpoint } from './endpoints.ts'
import { TEST_TYPE } from './payload.ts'

/** What a replay queued. `nextSince`: it looked at as many events as one call may; go on from there. */
export interface Replayed {
  queued: number
  nextSince: number | null
}

/** Of one call, and of one write of it. */
const MAX_EVENTS = 20_000
const STEP_EVENTS = 500
// An id is made a moment before the write that judges.
const ID_SLACK_MS = 60_000

/** Queues a made-up event for an endpoint, whatever it subscribes to. Refusals: `not_found`, `state_conflict` when it is disabled. */
export async function testEndpoint(
  deps: Deps,
  call: Call,
  endpointId: string,
  type: string | undefined,
  keep?: Keep<WebhookDelivery>,
): Promise<WebhookDelivery> {
  const now = deps.clock.now()
  const delivery: WebhookDelivery = {
    id: newId('dlv', now),
    environmentId: call.view.environment.id,
    endpointId,
    eventId: null,
    eventType: type ?? TEST_TYPE,
    status: 'pending',
    attempt: 0,
    failures: 0,
    dueAt: now,
    triedAt: null,
    durationMs: null,
    answerStatus: null,
    answer: null,
    error: null,
    createdAt: now,
    deliveredAt: null,
  }
  return await writeOnce<WebhookDelivery | 'disabled' | null, WebhookDelivery>(
    keep,
    once => deps.store.addWebhookTest(delivery, now, once),
    added => {
      if (added === 'disabled') return refuse('state_conflict', DISABLED)
      return added ?? refuse('not_found')
    },
  )
}

const DISABLED = 'The endpoint is disabled: enable it first.'

/** Sends one delivery again. Refusals: `not_found`, `state_conflict` when the endpoint is disabled. */
export async function replayDelivery(
  deps: Deps,
  call: Call,
  endpointId: string,
  deliveryId: string,
  keep?: Keep<Replayed>,
): Promise<Replayed> {
  await enabledEndpoint(deps, call, endpointId)
  const input = { environmentId: call.view.environment.id, endpointId, deliveryId, now: deps.clock.now() }
  return await writeOnce<WebhookDelivery | null, Replayed>(
    keep,
    once => deps.store.replayWebhook(input, once),
    replayed => (replayed ? { queued: 1, nextSince: null } : refuse('not_found')),
  )
}

/**
 * Sends again what the endpoint subscribes to and happened since, in the order of events: also what it missed while it
 * was disabled. `isUndeliveredOnly` leaves out what it has taken. In small writes, so that no request waits behind it.
 */
export async function replaySince(
  deps: Deps,
  call: Call,
  endpointId: string,
  { since, isUndeliveredOnly }: { since: number; isUndeliveredOnly: boolean },
  keep?: Keep<Replayed>,
): Promise<Replayed> {
  await enabledEndpoint(deps, call, endpointId)
  const environmentId = call.view.environment.id
  const replayed: Replayed = { queued: 0, nextSince: null }
  let after = firstIdAt('evt', Math.min(Math.max(0, since - ID_SLACK_MS), 2 ** 48 - 1))
  for (let looked = 0; ; ) {
    const now = deps.clock.now()
    const step = await deps.store.replayWebhooks({
      environmentId,
      endpointId,
      after,
      since,
      isUndeliveredOnly,
      limit: STEP_EVENTS,
      now,
    })
    replayed.queued += step.queued
    if (!step.lookedTo) break
    // Those before it, within the slack, do not count: else a call could end where it began.
    if (step.lookedTo.createdAt >= since) looked += STEP_EVENTS
    after = step.lookedTo.id
    if (looked >= MAX_EVENTS) {
      replayed.nextSince = step.lookedTo.createdAt
      break
    }
  }
  if (!keep) return replayed
  return await writeOnce<Replayed, Replayed>(
    keep,
    once => deps.store.keep(replayed, deps.clock.now(), once),
    kept => kept,
  )
}

async function enabledEndpoint(deps: Deps, call: Call, id: string): Promise<void> {
  const { status } = await findEndpoint(deps, call, id)
  if (status === 'disabled') return refuse('state_conflict', DISABLED)
}
