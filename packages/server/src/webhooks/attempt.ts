import type { Keyring } from '../core/keys.ts'
import type { ClaimedWebhook, Clock, SettledWebhook, Store, WebhookTry } from '../core/ports.ts'
import { webhookHeaders, webhookKeys } from '../core/standard-webhooks.ts'
import { VERSION } from '../core/version.ts'
import { eventPayload, testPayload, webhookIdOf } from '../core/webhooks/payload.ts'
import { parseTarget, refusalOfAddress, type TargetPolicy } from '../core/webhooks/target.ts'
import type { Log } from '../delivery/log.ts'
import { retryAt } from './backoff.ts'
import { post, type Resolve } from './post.ts'

/** How long a delivery stays claimed: longer than a call takes, with time to begin in. */
export const LEASE_MS = 30_000
/** For all of one call. */
export const TIMEOUT_MS = 15_000
const GONE = 410

export interface AttemptDeps {
  store: Pick<Store, 'holdsWebhookLease'>
  clock: Clock
  keyring: Pick<Keyring, 'open'>
  log: Log
  targets: TargetPolicy
  timeoutMs?: number
  resolve?: Resolve
}

/**
 * One try to deliver one claimed webhook. Never throws. Null: there is no outcome to store, because the lease ran out
 * before the receiver was called, or the endpoint is not there any more.
 */
export async function attempt(
  deps: AttemptDeps,
  claimed: ClaimedWebhook,
  claimedAt: number,
): Promise<SettledWebhook | null> {
  const { store, clock, log } = deps
  const { delivery } = claimed
  const names = {
    deliveryId: delivery.id,
    endpointId: delivery.endpointId,
    environmentId: delivery.environmentId,
  }
  try {
    const prepared = prepare(deps, claimed)
    if ('error' in prepared) return unsendable(claimed, clock.now(), prepared.error)
    // Without time for the whole of a call, the next to claim it could be calling at the same time.
    const hasTime = clock.now() + (deps.timeoutMs ?? TIMEOUT_MS) < claimedAt + LEASE_MS
    if (!hasTime || !(await store.holdsWebhookLease(delivery.id, delivery.attempt, clock.now()))) return null
    return await call(deps, claimed, prepared)
  } catch (error) {
    log.error({ err: error, ...names }, 'a webhook could not be prepared')
    return again(claimed, clock.now(), tried(clock.now(), 0, { error: 'the server could not prepare it' }))
  }
}

interface Prepared {
  payload: string
  keys: Buffer[]
}

function prepare(
  { keyring }: Pick<AttemptDeps, 'keyring'>,
  { delivery, event, sealedSecrets }: ClaimedWebhook,
): Prepared | { error: string } {
  if (delivery.eventId !== null && !event) return { error: 'not sent: the event is past its retention' }
  const secrets = sealedSecrets.map(sealed =>
    keyring.open(sealed, `${delivery.environmentId}/${delivery.endpointId}`),
  )
  const readable = secrets.filter(secret => secret !== null)
  if (secrets[0] == null) return { error: 'not sent: the secret does not open with those of this server' }
  return {
    payload: event ? eventPayload(event) : testPayload(delivery),
    keys: readable.flatMap(secret => webhookKeys(secret)),
  }
}

async function call(
  { clock, targets, timeoutMs = TIMEOUT_MS, resolve }: AttemptDeps,
  claimed: ClaimedWebhook,
  { payload, keys }: Prepared,
): Promise<SettledWebhook> {
  const { delivery, mode } = claimed
  const { url, port } = parseTarget(claimed.url)
  const triedAt = clock.now()
  const begunAt = performance.now()
  const result = await post({
    url,
    body: payload,
    timeoutMs,
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': `Ostiary-Webhooks/${VERSION}`,
      ...webhookHeaders(keys, webhookIdOf(delivery), triedAt, payload),
    },
    refusalOf: address => refusalOfAddress({ address, port, protocol: url.protocol, mode }, targets),
    ...(resolve && { resolve }),
  })
  const now = clock.now()
  const shown = tried(triedAt, Math.round(performance.now() - begunAt), result)
  if ('error' in result) return again(claimed, now, shown)
  if (result.status >= 200 && result.status < 300)
    return { ...common(claimed, now, shown), kind: 'delivered' }
  if (result.status === GONE)
    return { ...common(claimed, now, shown), kind: 'failed', isReceiversFault: true, isGone: true }
  return again(claimed, now, shown)
}

function tried(
  triedAt: number,
  durationMs: number,
  result: { status: number; answer: string } | { error: string },
): WebhookTry {
  if ('error' in result) return { triedAt, durationMs, answerStatus: null, answer: null, error: result.error }
  const isRedirect = result.status >= 300 && result.status < 400
  return {
    triedAt,
    durationMs,
    answerStatus: result.status,
    answer: result.answer,
    error: isRedirect ? 'redirects are not followed' : null,
  }
}

function common({ delivery }: ClaimedWebhook, now: number, shown: WebhookTry) {
  const { id, endpointId, environmentId, attempt: number } = delivery
  return { id, endpointId, environmentId, attempt: number, now, tried: shown }
}

function again(claimed: ClaimedWebhook, now: number, shown: WebhookTry): SettledWebhook {
  const at = retryAt(claimed.delivery.failures + 1, now)
  if (at === null)
    return { ...common(claimed, now, shown), kind: 'failed', isReceiversFault: true, isGone: false }
  return { ...common(claimed, now, shown), kind: 'retry', at }
}

/** Nothing was called, and trying again cannot help. */
function unsendable(claimed: ClaimedWebhook, now: number, error: string): SettledWebhook {
  const shown = tried(now, 0, { error })
  return { ...common(claimed, now, shown), kind: 'failed', isReceiversFault: false, isGone: false }
}
