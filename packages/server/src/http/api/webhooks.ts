import { z } from 'zod'
import { EVENT_TYPES } from '../../core/rows.ts'
import { replayDelivery, replaySince, testEndpoint } from '../../core/webhooks/deliveries.ts'
import {
  createEndpoint,
  deleteEndpoint,
  findEndpoint,
  rotateSecret,
  updateEndpoint,
} from '../../core/webhooks/endpoints.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage, whole } from '../list.ts'
import { Instant, isoOrNull, listOf } from '../wire.ts'
import {
  WebhookDeliveryBody,
  WebhookEndpointBody,
  webhookDeliveryBody,
  webhookEndpointBody,
} from '../wire-webhooks.ts'
import * as fields from './fields.ts'

/** The endpoints of webhooks: where events are posted to, and what became of each. */

const url = z.string().min(1).max(2048)
const eventTypes = z.array(z.enum(EVENT_TYPES)).min(1).max(EVENT_TYPES.length).nullable()
const WithSecret = WebhookEndpointBody.extend({
  secret: z.string().meta({ description: 'whsec_…, shown once' }),
})

export const createWebhookEndpoint = endpoint({
  method: 'POST',
  path: '/v1/webhooks',
  summary: 'Create a webhook endpoint; its secret is shown once',
  scopes: ['admin'],
  body: z.strictObject({ url, eventTypes: eventTypes.optional() }).meta({ id: 'CreateWebhookEndpoint' }),
  status: 201,
  answer: WithSecret.meta({ id: 'CreatedWebhookEndpoint' }),
  errors: ['state_conflict'],
  holdsTokens: true,
  act: (deps, call, keep) =>
    createEndpoint(deps, call, { url: call.body.url, eventTypes: call.body.eventTypes ?? null }, keep),
  render: created => ({ ...webhookEndpointBody(created.endpoint), secret: created.secret }),
})

export const listWebhookEndpoints = endpoint({
  method: 'GET',
  path: '/v1/webhooks',
  summary: 'List webhook endpoints, without their secrets',
  scopes: ['admin'],
  query: z.strictObject(pageQuery),
  status: 200,
  answer: listOf(WebhookEndpointBody),
  errors: ['cursor_invalid'],
  act: ({ store }, { view, query }) =>
    readPage(
      `webhooks ${view.environment.id}`,
      query,
      async ({ limit, before, createdAfter, createdBefore }) =>
        // They are few, so the store gives them whole, newest first.
        whole(
          (await store.listWebhookEndpoints(view.environment.id))
            .filter(one => before === null || one.id < before)
            .filter(one => createdAfter === null || one.createdAt >= createdAfter)
            .filter(one => createdBefore === null || one.createdAt < createdBefore)
            .slice(0, limit),
        ),
    ),
  render: ({ rows, nextCursor }) => ({ data: rows.map(webhookEndpointBody), nextCursor }),
})

export const getWebhookEndpoint = endpoint({
  method: 'GET',
  path: '/v1/webhooks/{id}',
  summary: 'A webhook endpoint',
  scopes: ['admin'],
  status: 200,
  answer: WebhookEndpointBody,
  errors: ['not_found'],
  act: (deps, call) => findEndpoint(deps, call, call.params.id ?? ''),
  render: webhookEndpointBody,
})

export const updateWebhookEndpoint = endpoint({
  method: 'PATCH',
  path: '/v1/webhooks/{id}',
  summary: 'Change, disable or enable a webhook endpoint (merge patch)',
  scopes: ['admin'],
  body: z
    .strictObject({ url, eventTypes, status: z.enum(['enabled', 'disabled']) })
    .partial()
    .meta({ id: 'UpdateWebhookEndpoint', description: 'eventTypes null: all' }),
  status: 200,
  answer: WebhookEndpointBody,
  errors: ['not_found', 'state_conflict'],
  act: (deps, call) => updateEndpoint(deps, call, call.params.id ?? '', call.body),
  render: webhookEndpointBody,
})

export const deleteWebhookEndpoint = endpoint({
  method: 'DELETE',
  path: '/v1/webhooks/{id}',
  summary: 'Delete a webhook endpoint; what waits is not sent',
  scopes: ['admin'],
  status: 204,
  answer: null,
  errors: ['not_found'],
  act: (deps, call) => deleteEndpoint(deps, call, call.params.id ?? ''),
  render: () => null,
})

export const rotateWebhookSecret = endpoint({
  method: 'POST',
  path: '/v1/webhooks/{id}/rotate-secret',
  summary: 'Give a webhook endpoint a new secret; for a while both sign',
  scopes: ['admin'],
  body: z
    .strictObject({ overlapSeconds: z.int().min(0).max(604_800).optional() })
    .meta({ id: 'RotateWebhookSecret', description: 'overlapSeconds is a day where it is not said' }),
  status: 200,
  answer: WithSecret.meta({ id: 'RotatedWebhookEndpoint' }),
  errors: ['not_found'],
  holdsTokens: true,
  act: (deps, call, keep) =>
    rotateSecret(deps, call, call.params.id ?? '', call.body.overlapSeconds ?? 86_400, keep),
  render: rotated => ({ ...webhookEndpointBody(rotated.endpoint), secret: rotated.secret }),
})

export const testWebhookEndpoint = endpoint({
  method: 'POST',
  path: '/v1/webhooks/{id}/test',
  summary: 'Send a made-up event to a webhook endpoint',
  scopes: ['admin'],
  body: z.strictObject({ type: z.enum(EVENT_TYPES).optional() }).meta({
    id: 'TestWebhookEndpoint',
    description: 'Without a type it is webhook.test',
  }),
  status: 201,
  answer: WebhookDeliveryBody,
  errors: ['not_found', 'state_conflict'],
  act: (deps, call, keep) => testEndpoint(deps, call, call.params.id ?? '', call.body.type, keep),
  render: webhookDeliveryBody,
})

export const listWebhookDeliveries = endpoint({
  method: 'GET',
  path: '/v1/webhooks/{id}/deliveries',
  summary: 'What was sent to a webhook endpoint, and what it answered',
  scopes: ['admin'],
  query: z.strictObject({
    ...pageQuery,
    status: z.enum(['pending', 'delivered', 'failed']).optional(),
  }),
  status: 200,
  answer: listOf(WebhookDeliveryBody),
  errors: ['not_found', 'cursor_invalid'],
  async act(deps, call) {
    const { id } = await findEndpoint(deps, call, call.params.id ?? '')
    const environmentId = call.view.environment.id
    return await readPage(`webhook deliveries ${id}`, call.query, page =>
      deps.store.listWebhookDeliveries(environmentId, id, { status: call.query.status ?? null }, page),
    )
  },
  render: ({ rows, nextCursor }) => ({ data: rows.map(webhookDeliveryBody), nextCursor }),
})

export const replayWebhooks = endpoint({
  method: 'POST',
  path: '/v1/webhooks/{id}/replay',
  summary: 'Send again: one delivery, or all since an instant',
  scopes: ['admin'],
  body: z
    .strictObject({
      deliveryId: fields.id.optional(),
      since: z.iso.datetime({ offset: true }).optional().meta({
        description: 'Events from this instant on, also those missed while the endpoint was disabled',
      }),
      which: z.enum(['undelivered', 'all']).optional().meta({
        description: 'With since: undelivered leaves out what the endpoint has taken; all is the default',
      }),
    })
    .refine(
      body => (body.deliveryId === undefined) !== (body.since === undefined),
      'names either deliveryId or since',
    )
    .refine(body => body.which === undefined || body.since !== undefined, {
      path: ['which'],
      message: 'goes with since',
    })
    .meta({ id: 'ReplayWebhooks' }),
  status: 200,
  answer: z
    .object({
      queued: z.int(),
      nextSince: Instant.nullable().meta({
        description: 'One call looks at 20,000 events: call again with this as since',
      }),
    })
    .meta({ id: 'ReplayedWebhooks' }),
  errors: ['not_found', 'state_conflict'],
  act(deps, call, keep) {
    const { body } = call
    const id = call.params.id ?? ''
    if (body.deliveryId !== undefined) return replayDelivery(deps, call, id, body.deliveryId, keep)
    const isUndeliveredOnly = body.which === 'undelivered'
    return replaySince(deps, call, id, { since: Date.parse(body.since ?? ''), isUndeliveredOnly }, keep)
  },
  render: ({ queued, nextSince }) => ({ queued, nextSince: isoOrNull(nextSince) }),
})
