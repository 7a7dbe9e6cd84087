import type { Event } from '../rows.ts'

/** An event as it goes out (CONTRACT section 8): in lists, webhooks and terminals alike. */
export function eventBody(event: Event) {
  return { ...event, createdAt: new Date(event.createdAt).toISOString() }
}
