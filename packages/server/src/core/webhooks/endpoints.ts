import type { Call, Deps } from '../deps.ts'
import { refuse } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import type { EventType, WebhookEndpoint } from '../rows.ts'
import { refusalAtSave } from './target.ts'

/** How many an environment can have: every event is weighed against each of them. */
export const MAX_ENDPOINTS = 20

/** An endpoint as its maker sees it: the secret is shown once. */
export interface EndpointWithSecret {
  endpoint: WebhookEndpoint
  secret: string
}

/**
 * Makes an endpoint, enabled at once: events from now on are sent to it. `eventTypes` null: all. Refusals:
 * `invalid_request` for a URL that may not be called, `state_conflict` past the twentieth.
 */
export async function createEndpoint(
  deps: Deps,
  call: Call,
  input: { url: string; eventTypes: EventType[] | null },
  keep?: Keep<EndpointWithSecret>,
): Promise<EndpointWithSecret> {
  guardUrl(deps, call, input.url)
  const now = deps.clock.now()
  const endpoint: WebhookEndpoint = {
    id: newId('whk', now),
    environmentId: call.view.environment.id,
    url: input.url,
    eventTypes: typesOf(input.eventTypes),
    status: 'enabled',
    disabledReason: null,
    previousUntil: null,
    firstFailedAt: null,
    createdAt: now,
    updatedAt: now,
  }
  const { secret, sealed } = newSecret(deps, endpoint)
  return await writeOnce<WebhookEndpoint | null, EndpointWithSecret>(
    keep,
    once => deps.store.createWebhookEndpoint(endpoint, sealed, MAX_ENDPOINTS, call.origin, now, once),
    created =>
      created
        ? { endpoint: created, secret }
        : refuse('state_conflict', `An environment has at most ${MAX_ENDPOINTS} webhook endpoints.`),
  )
}

/** Refusal: `not_found`. */
export async function findEndpoint(deps: Deps, call: Call, id: string): Promise<WebhookEndpoint> {
  return (await deps.store.findWebhookEndpoint(call.view.environment.id, id)) ?? refuse('not_found')
}

/**
 * Changes an endpoint by a merge patch. Disabling it keeps what waits; enabling it lets that go on, and what happened
 * meanwhile can be replayed. Refusals: `not_found`, `invalid_request`, `state_conflict` where it has no secret.
 */
export async function updateEndpoint(
  deps: Deps,
  call: Call,
  id: string,
  patch: {
    url?: string | undefined
    eventTypes?: EventType[] | null | undefined
    status?: 'enabled' | 'disabled' | undefined
  },
): Promise<WebhookEndpoint> {
  if (patch.url !== undefined) guardUrl(deps, call, patch.url)
  const told = {
    ...(patch.url !== undefined && { url: patch.url }),
    ...(patch.eventTypes !== undefined && { eventTypes: typesOf(patch.eventTypes) }),
    ...(patch.status !== undefined && { status: patch.status }),
  }
  if (Object.keys(told).length === 0) return await findEndpoint(deps, call, id)
  const updated = await deps.store.updateWebhookEndpoint(id, told, call.origin, deps.clock.now())
  if (updated === 'noSecret')
    return refuse('state_conflict', 'The endpoint has no secret: rotate it first, then enable the endpoint.')
  return updated ?? refuse('not_found')
}

/** From the answer on nothing more is sent to it. Refusal: `not_found`. */
export async function deleteEndpoint(deps: Deps, call: Call, id: string): Promise<void> {
  if (!(await deps.store.deleteWebhookEndpoint(id, call.origin, deps.clock.now()))) return refuse('not_found')
}

/**
 * Gives the endpoint a new secret. For `overlapSeconds` both sign, so that the receiver can be changed without a gap; a
 * secret that was still overlapping ends. Refusal: `not_found`.
 */
export async function rotateSecret(
  deps: Deps,
  call: Call,
  id: string,
  overlapSeconds: number,
  keep?: Keep<EndpointWithSecret>,
): Promise<EndpointWithSecret> {
  const now = deps.clock.now()
  const { secret, sealed } = newSecret(deps, { id, environmentId: call.view.environment.id })
  const previousUntil = now + overlapSeconds * 1000
  return await writeOnce<WebhookEndpoint | null, EndpointWithSecret>(
    keep,
    once => deps.store.rotateWebhookSecret(id, sealed, previousUntil, call.origin, now, once),
    rotated => (rotated ? { endpoint: rotated, secret } : refuse('not_found')),
  )
}

/** In the form of Standard Webhooks, of 32 random bytes. */
function newSecret(
  { random, keyring }: Pick<Deps, 'random' | 'keyring'>,
  { id, environmentId }: { id: string; environmentId: string },
): { secret: string; sealed: string } {
  const secret = `whsec_${random.bytes(32).toString('base64')}`
  return { secret, sealed: keyring.seal(secret, `${environmentId}/${id}`) }
}

function guardUrl(deps: Deps, call: Call, url: string): void {
  const refusal = refusalAtSave(url, call.view.environment.mode, deps.webhookTargets)
  if (refusal) throw fieldError('url', 'not_allowed', refusal)
}

const typesOf = (types: EventType[] | null) => (types === null ? null : [...new Set(types)].sort())
