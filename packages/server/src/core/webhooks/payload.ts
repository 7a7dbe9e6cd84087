import { eventBody } from '../events/body.ts'
import type { Event, WebhookDelivery } from '../rows.ts'

/** The type of a test that names no other. It is no event, and no endpoint subscribes to it. */
export const TEST_TYPE = 'webhook.test'

/** What is posted of an event: the form of Standard Webhooks around the event of `GET /v1/events`. No code, no token. */
export function eventPayload(event: Event): string {
  const data = eventBody(event)
  return JSON.stringify({ type: event.type, timestamp: data.createdAt, data })
}

/** What is posted as a test: an event that never was, about nobody, which says so (`data.data.isTest`). */
export function testPayload({
  id,
  eventType,
  environmentId,
  createdAt,
}: Pick<WebhookDelivery, 'id' | 'eventType' | 'environmentId' | 'createdAt'>): string {
  const timestamp = new Date(createdAt).toISOString()
  const data = {
    id,
    type: eventType,
    environmentId,
    appId: null,
    actor: { type: 'system', id: null },
    userId: null,
    challengeId: null,
    actionId: null,
    sessionId: null,
    organizationId: null,
    requestId: null,
    context: null,
    data: { isTest: true },
    createdAt: timestamp,
  }
  return JSON.stringify({ type: eventType, timestamp, data })
}

/** `webhook-id`: of an event its id, the same at every try and replay; of a test that of its delivery. */
export const webhookIdOf = ({ id, eventId }: Pick<WebhookDelivery, 'id' | 'eventId'>): string => eventId ?? id
