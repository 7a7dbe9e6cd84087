import { z } from 'zod'
import { EVENT_TYPES, type WebhookDelivery, type WebhookEndpoint } from '../core/rows.ts'
import { webhookIdOf } from '../core/webhooks/payload.ts'
import { Instant, iso, isoOrNull } from './wire.ts'

/** Webhook endpoints and their deliveries as they go over the wire. */

export const WebhookEndpointBody = z
  .object({
    id: z.string(),
    url: z.string(),
    eventTypes: z
      .array(z.enum(EVENT_TYPES))
      .nullable()
      .meta({ description: 'null: all, also those of later versions' }),
    status: z.enum(['enabled', 'disabled']),
    disabledReason: z
      .enum(['manual', 'gone', 'failing', 'secret_replaced'])
      .nullable()
      .meta({ description: 'gone: it answered 410; failing: five days without a success' }),
    previousSecretUntil: Instant.nullable().meta({
      description: 'Until then the secret before the current one signs, too',
    }),
    failingSince: Instant.nullable().meta({ description: 'The first failure since the last success' }),
    createdAt: Instant,
    updatedAt: Instant,
  })
  .meta({ id: 'WebhookEndpoint' })

export const WebhookDeliveryBody = z
  .object({
    id: z.string(),
    endpointId: z.string(),
    webhookId: z
      .string()
      .meta({ description: 'What the receiver sees as webhook-id, the same at every try' }),
    eventId: z.string().nullable().meta({ description: 'null: a test' }),
    eventType: z.string(),
    status: z.enum(['pending', 'delivered', 'failed']),
    failures: z.int().meta({ description: 'Tries that failed since it was queued or replayed' }),
    nextTryAt: Instant.nullable(),
    lastTry: z
      .object({
        triedAt: Instant,
        durationMs: z.int(),
        status: z.int().nullable(),
        answer: z.string().nullable().meta({ description: 'The first 1 KB of the answer' }),
        error: z.string().nullable(),
      })
      .nullable(),
    createdAt: Instant,
    deliveredAt: Instant.nullable(),
  })
  .meta({ id: 'WebhookDelivery' })

export function webhookEndpointBody(endpoint: WebhookEndpoint) {
  return {
    id: endpoint.id,
    url: endpoint.url,
    eventTypes: endpoint.eventTypes,
    status: endpoint.status,
    disabledReason: endpoint.disabledReason,
    previousSecretUntil: isoOrNull(endpoint.previousUntil),
    failingSince: isoOrNull(endpoint.firstFailedAt),
    createdAt: iso(endpoint.createdAt),
    updatedAt: iso(endpoint.updatedAt),
  }
}

export function webhookDeliveryBody(delivery: WebhookDelivery) {
  const { triedAt } = delivery
  return {
    id: delivery.id,
    endpointId: delivery.endpointId,
    webhookId: webhookIdOf(delivery),
    eventId: delivery.eventId,
    eventType: delivery.eventType,
    status: delivery.status,
    failures: delivery.failures,
    nextTryAt: delivery.status === 'pending' ? iso(delivery.dueAt) : null,
    lastTry:
      triedAt === null
        ? null
        : {
            triedAt: iso(triedAt),
            durationMs: delivery.durationMs ?? 0,
            status: delivery.answerStatus,
            answer: delivery.answer,
            error: delivery.error,
          },
    createdAt: iso(delivery.createdAt),
    deliveredAt: isoOrNull(delivery.deliveredAt),
  }
}
