import type { NewNotice, NewSession, OperatorNotice } from '../../core/ports.ts'
import type { Event, Identifier, Origin, User } from '../../core/rows.ts'
import { newEvent } from './events.ts'
import { places, type Transaction } from './transaction.ts'

/** How many of a user's newest sessions a sign-in is compared with: one look has to stay one, whoever signs in. */
export const REMEMBERED = 200

/** Of one kind to one user within an hour: whoever makes the same change again and again fills no mailbox and no outbox. */
const TOLD_AN_HOUR = 10
/** Of one kind to one address of an operator: all endpoints that an environment may have, once. */
const TOLD_OPERATOR_AN_HOUR = 20
const HOUR = 60 * 60_000

/** Where a user is told things: the primary address, and none that nobody has proven. */
export const noticeAddress = (user: Pick<User, 'identifiers'>): Identifier | undefined =>
  user.identifiers.find(one => one.type === 'email' && one.verifiedAt !== null)

/**
 * Queues a security notice in the write of what it tells; the event that is to be written. Nothing where it is off, or where
 * there is no proven address, or where the last hour told enough of it. It counts in no limit: what it tells of has
 * happened. The user is held by the caller.
 */
export async function queueNotice(
  tx: Transaction,
  user: Pick<User, 'id' | 'environmentId'>,
  notice: NewNotice | null,
  to: Identifier | undefined,
  about: string | null,
  origin: Origin,
  now: number,
): Promise<Event[]> {
  if (!notice || !to) return []
  const isQueued = await insertNotice(
    tx,
    { ...notice, to, sealed: () => notice.sealed(about) },
    user.environmentId,
    user.id,
    now,
  )
  if (!isQueued) return []
  const data = { messageId: notice.messageId, notice: notice.kind }
  return [newEvent('message.queued', origin, now, { userId: user.id, data })]
}

/** The message of a notice; false where the last hour told enough of it. Without a user it is an operator's. */
export async function insertNotice(
  tx: Transaction,
  notice: Pick<OperatorNotice, 'messageId' | 'to' | 'expiresAt'> & {
    kind: NewNotice['kind'] | OperatorNotice['kind']
    sealed: string | (() => string)
  },
  environmentId: string,
  userId: string | null,
  now: number,
): Promise<boolean> {
  const { to } = notice
  const most = userId === null ? TOLD_OPERATOR_AN_HOUR : TOLD_AN_HOUR
  const told = await tx.one(
    `SELECT count(*) AS n FROM (SELECT 1 FROM messages
       WHERE address = $1 AND environment_id = $2 AND coalesce(user_id, '') = $3 AND notice = $4 AND created_at > $5
       LIMIT ${most}) AS lately`,
    to.value,
    environmentId,
    userId ?? '',
    notice.kind,
    now - HOUR,
  )
  if (Number(told?.n) >= most) return false
  await tx.run(
    `INSERT INTO messages (id, environment_id, channel, recipient, domain, sealed, is_void, status, attempt, due_at,
       leased_until, created_at, expires_at, notice, user_id, address) VALUES ${places(1, 16)}`,
    notice.messageId,
    environmentId,
    'email',
    to.spelling,
    to.spelling.slice(to.spelling.lastIndexOf('@') + 1).toLowerCase(),
    typeof notice.sealed === 'string' ? notice.sealed : notice.sealed(),
    0,
    'queued',
    0,
    now,
    0,
    now,
    notice.expiresAt,
    notice.kind,
    userId,
    to.value,
  )
  tx.queued(environmentId)
  return true
}

/**
 * Whether a sign-in may have to be told of. Never the first one: there is nothing to compare it with, and whoever made the
 * account knows. Nor one of which nobody told from where it came.
 */
export const mayBeNew = (user: Pick<User, 'lastSignInAt'>, { notice, seenAs }: NewSession): boolean =>
  notice !== null && seenAs !== null && user.lastSignInAt !== null

/**
 * Whether the user signed in from there, as far as their newest sessions say: a column that the INSERT
 * of the new one gives back, so that it costs no trip of its own. A session from before sessions were remembered so is known by its user agent.
 */
export const wasSeen = (environmentId: string, userId: string, seenAs: string, userAgent: string) =>
  `EXISTS (SELECT 1 FROM (SELECT seen_as, user_agent FROM sessions AS earlier
     WHERE environment_id = ${environmentId} AND user_id = ${userId} AND earlier.id <> sessions.id
     ORDER BY earlier.id DESC LIMIT ${REMEMBERED}) AS newest
   WHERE seen_as = ${seenAs} OR seen_as IS NULL AND user_agent = ${userAgent}) AS was_seen`
