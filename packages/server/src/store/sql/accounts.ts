import type { Attempted, OwnAddressAdded, OwnAddressChanged, Store } from '../../core/ports.ts'
import type { Event, EventContext, Session } from '../../core/rows.ts'
import { attempt, claimChallenge } from './attempts.ts'
import { listAuthenticators } from './authenticators.ts'
import * as columns from './columns.ts'
import { endDevices } from './devices.ts'
import { insertEvents, newEvent } from './events.ts'
import { noticeAddress, queueNotice } from './notices.ts'
import { endSessions } from './sessions.ts'
import type { Transaction } from './transaction.ts'
import { endUnopenedProofs, findUser, lockUser, removeIdentifierOf } from './users.ts'

/** What a person does to their own account: the guards that a backend does not have, and the notices that tell of it. */

/** How far back a look into somebody's rows goes: it stays short, however many there are. */
const LOOK = 2000
const SHOWN = 100
/** The claim is of the proof before it: longer than a write may take. */
const SAME_WRITE_MS = 60_000

/** See `Store.addOwnAddress`: `attempt` and `claimChallenge` in one write. */
export async function addOwnAddress(
  tx: Transaction,
  input: Parameters<Store['addOwnAddress']>[0],
): Promise<OwnAddressAdded> {
  const { attempt: asked, userId, notice } = input
  const outcome: Attempted = await attempt(tx, asked)
  if (outcome.kind !== 'verified') return outcome
  const claimed = await claimChallenge(tx, {
    origin: asked.origin,
    now: asked.now,
    epoch: asked.epoch,
    challengeId: outcome.challenge.id,
    userId,
    externalId: null,
    withinMs: SAME_WRITE_MS,
    notice,
    context: contextOf(asked.circumstances),
    isOwn: true,
  })
  if (claimed.kind === 'claimed') return { kind: 'added', user: claimed.user }
  if (claimed.kind === 'addressTaken' || claimed.kind === 'userBlocked') return { kind: claimed.kind }
  return { kind: 'notFound' }
}

/** See `Store.makeOwnPrimary`. */
export async function makeOwnPrimary(
  tx: Transaction,
  { userId, type, value, context, notice, origin, now: told }: Parameters<Store['makeOwnPrimary']>[0],
): Promise<OwnAddressChanged> {
  const user = await lockUser(tx, origin.environmentId, userId)
  const chosen = user?.identifiers.find(one => one.type === type && one.value === value)
  if (!user || !chosen) return { kind: 'notFound' }
  if (chosen.verifiedAt === null) return { kind: 'unproven' }
  if (chosen.isPrimary) return { kind: 'changed', user }
  const now = tx.judgeAt(told)
  await tx.run(
    'UPDATE identifiers SET is_primary = 0 WHERE user_id = $1 AND type = $2 AND is_primary = 1',
    userId,
    type,
  )
  await tx.run(
    'UPDATE identifiers SET is_primary = 1 WHERE user_id = $1 AND type = $2 AND value = $3',
    userId,
    type,
    value,
  )
  await tx.run('UPDATE users SET updated_at = $2 WHERE id = $1', userId, now)
  await insertEvents(tx, [
    newEvent('identifier.updated', origin, now, { userId, context, data: { type, value, isPrimary: true } }),
    ...(await queueNotice(tx, user, notice, noticeAddress(user), value, origin, now)),
  ])
  return changed(await findUser(tx, origin.environmentId, userId))
}

/** See `Store.removeOwnAddress`. Of two removals at once the second sees what the first has left: the user is locked. */
export async function removeOwnAddress(
  tx: Transaction,
  input: Parameters<Store['removeOwnAddress']>[0],
): Promise<OwnAddressChanged> {
  const { userId, type, value, context, notice, origin } = input
  const user = await lockUser(tx, origin.environmentId, userId)
  const removed = user?.identifiers.find(one => one.type === type && one.value === value)
  if (!user || !removed) return { kind: 'notFound' }
  const leadsIn = (one: typeof removed) => one.verifiedAt !== null && input.addressTypes.includes(one.type)
  const isLast = leadsIn(removed) && !user.identifiers.some(one => one !== removed && leadsIn(one))
  const hasPasskey =
    input.takesPasskeys && (await listAuthenticators(tx, origin.environmentId, userId)).length > 0
  if (isLast && !hasPasskey) return { kind: 'lastWayIn' }
  const now = tx.judgeAt(input.now)
  await removeIdentifierOf(tx, user, removed, origin, now, context)
  // With nothing proven left, whoever proves one of the others would adopt the account, and end its passkeys.
  const others = user.identifiers.filter(one => one !== removed)
  const isProven = others.some(one => one.verifiedAt !== null)
  for (const claim of isProven ? [] : others) await removeIdentifierOf(tx, user, claim, origin, now, context)
  // Whoever still reads the old address learns that it is no way in any more; one that nobody has proven is nobody's.
  const to = removed.type === 'email' && removed.verifiedAt !== null ? removed : undefined
  await insertEvents(tx, await queueNotice(tx, user, notice, to, value, origin, now))
  return changed(await findUser(tx, origin.environmentId, userId))
}

const changed = (user: Awaited<ReturnType<typeof findUser>>): OwnAddressChanged =>
  user ? { kind: 'changed', user } : { kind: 'notFound' }

/** See `Store.listLiveSessions`. */
export async function listLiveSessions(
  tx: Transaction,
  { environmentId, userId, now, epoch }: Parameters<Store['listLiveSessions']>[0],
): Promise<Session[]> {
  const rows = await tx.all(
    `SELECT * FROM (SELECT * FROM sessions WHERE environment_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT ${LOOK}) AS newest
     WHERE revoked_at IS NULL AND expires_at > $3 AND epoch = $4 ORDER BY id DESC LIMIT ${SHOWN}`,
    environmentId,
    userId,
    now,
    epoch,
  )
  return rows.map(columns.sessions.read)
}

/** See `Store.endOwnSessions`. */
export async function endOwnSessions(
  tx: Transaction,
  { userId, which, origin, context, now: told }: Parameters<Store['endOwnSessions']>[0],
): Promise<number> {
  const user = await lockUser(tx, origin.environmentId, userId)
  if (!user) return 0
  const now = tx.judgeAt(told)
  const events = await endSessions(tx, user, origin, now, 'asked', which)
  const ended: Event[] = []
  if ('except' in which) {
    await endUnopenedProofs(tx, user, now)
    // The device that the person has in hand goes on being theirs.
    const kept = await tx.one(
      'SELECT device_id FROM sessions WHERE id = $1 AND environment_id = $2 AND user_id = $3',
      which.except,
      origin.environmentId,
      userId,
    )
    ended.push(...(await endDevices(tx, user, origin, now, 'signed_out', kept?.device_id ?? '')))
  }
  await insertEvents(
    tx,
    [...events, ...ended].map(event => ({ ...event, context })),
  )
  return events.length
}

/** See `Store.listActivity`. */
export async function listActivity(
  tx: Transaction,
  { environmentId, userId, types, limit }: Parameters<Store['listActivity']>[0],
): Promise<Event[]> {
  const rows = await tx.all(
    `SELECT * FROM (SELECT * FROM events WHERE environment_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT ${LOOK}) AS newest
     WHERE type IN (${types.map((_, index) => `$${index + 3}`).join(', ')}) ORDER BY id DESC LIMIT ${Math.trunc(limit)}`,
    environmentId,
    userId,
    ...types,
  )
  return rows.map(columns.events.read)
}

const contextOf = ({ ipAddress, userAgent }: EventContext): EventContext => ({ ipAddress, userAgent })
