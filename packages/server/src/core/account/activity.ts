import type { Deps } from '../deps.ts'
import type { Event, EventType } from '../rows.ts'
import type { AtAccount } from './account.ts'

/** What a person is shown of what happened to their account: what they or an operator did, and no guard, limit or other person. */
export const ACTIVITY_TYPES = [
  'user.created',
  'session.created',
  'session.revoked',
  'session.refresh_reused',
  'identifier.added',
  'identifier.verified',
  'identifier.updated',
  'identifier.removed',
  'authenticator.created',
  'authenticator.updated',
  'authenticator.deleted',
] as const satisfies readonly EventType[]

export type ActivityType = (typeof ACTIVITY_TYPES)[number]

/** One line of it. `data` is this and nothing else, whatever the event has. */
export interface Activity {
  event: Event
  type: ActivityType
  data: { sessionId: string | null; authenticatorId: string | null; address: string | null }
}

const SHOWN = 50
/** Fetched besides, for what is left out below. */
const SPARE = 50

/**
 * The newest of it. What was there before somebody proved the account to be theirs (adoption) may be a stranger's, and is not
 * shown to them; nor is an address that was lost because another has proven it, which tells of that person.
 */
export async function activityOf({ store }: Deps, { view, user }: AtAccount): Promise<Activity[]> {
  const events = await store.listActivity({
    environmentId: view.environment.id,
    userId: user.id,
    types: [...ACTIVITY_TYPES, 'user.adopted'],
    limit: SHOWN + SPARE,
  })
  const adopted = events.find(event => event.type === 'user.adopted')
  const own = adopted ? events.slice(0, events.indexOf(adopted)) : events
  return own
    .filter(event => event.data.reason !== 'adopted' && event.data.reason !== 'proven_by_another')
    .filter(event => event.type !== 'identifier.verified' || !isToldAsAdded(event, own))
    .slice(0, SHOWN)
    .map(event => ({
      event,
      type: event.type as ActivityType,
      data: {
        sessionId: event.sessionId,
        address: textOf(event.data.value),
        authenticatorId: textOf(event.data.authenticatorId),
      },
    }))
}

/** An address that is added by its proof has two events, of one moment. */
const isToldAsAdded = (verified: Event, events: readonly Event[]): boolean =>
  events.some(
    one =>
      one.type === 'identifier.added' &&
      one.data.value === verified.data.value &&
      one.createdAt === verified.createdAt,
  )

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)
