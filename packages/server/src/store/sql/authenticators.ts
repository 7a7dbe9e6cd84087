import type { AuthenticatorAdded, AuthenticatorRemoved, NewNotice } from '../../core/ports.ts'
import type { Authenticator, Event, EventContext, Identifier, Origin, User } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { insertEvents, newEvent } from './events.ts'
import { noticeAddress, queueNotice } from './notices.ts'
import { places, type Transaction } from './transaction.ts'
import { lockUser } from './users.ts'

/**
 * Enrolled authenticators. Whoever changes one holds its user, so that blocking, deleting and adopting come before it or
 * after it.
 */

/** More than anybody has devices; without a bound, lists of them would have none either. */
export const MAX_AUTHENTICATORS = 50

export async function findAuthenticator(
  tx: Transaction,
  environmentId: string,
  credentialId: string,
): Promise<Authenticator | null> {
  const row = await tx.one(
    'SELECT * FROM authenticators WHERE environment_id = $1 AND credential_id = $2',
    environmentId,
    credentialId,
  )
  return row ? columns.authenticators.read(row) : null
}

export async function listAuthenticators(
  tx: Transaction,
  environmentId: string,
  userId: string,
): Promise<Authenticator[]> {
  const rows = await tx.all(
    'SELECT * FROM authenticators WHERE environment_id = $1 AND user_id = $2 ORDER BY id DESC',
    environmentId,
    userId,
  )
  return rows.map(columns.authenticators.read)
}

/** See `Store.addAuthenticator`. */
export async function addAuthenticator(
  tx: Transaction,
  authenticator: Authenticator,
  origin: Origin,
  now: number,
): Promise<AuthenticatorAdded> {
  const user = await lockUser(tx, origin.environmentId, authenticator.userId)
  if (!user) return { kind: 'userUnknown' }
  const added = await insertAuthenticator(tx, authenticator)
  if (added === 'added')
    await insertEvents(tx, [authenticatorEvent('authenticator.created', authenticator, origin, now, true)])
  return added === 'added' ? { kind: 'added', authenticator } : { kind: added }
}

/** Of many with one credential id, one is written; its user is held by the caller. */
export async function insertAuthenticator(
  tx: Transaction,
  authenticator: Authenticator,
): Promise<'added' | 'taken' | 'tooMany'> {
  const { environmentId, userId } = authenticator
  const held = await tx.one('SELECT count(*) AS n FROM authenticators WHERE user_id = $1', userId)
  if (Number(held?.n) >= MAX_AUTHENTICATORS) return 'tooMany'
  const { columns: names } = columns.authenticators
  const inserted = await tx.run(
    `INSERT INTO authenticators (${names.join(', ')}) VALUES ${places(1, names.length)}
     ON CONFLICT (environment_id, credential_id) DO NOTHING`,
    ...columns.authenticators.values({ ...authenticator, environmentId }),
  )
  return inserted === 1 ? 'added' : 'taken'
}

/** See `Store.renameAuthenticator`. */
export async function renameAuthenticator(
  tx: Transaction,
  userId: string,
  id: string,
  name: string,
  origin: Origin,
  now: number,
): Promise<Authenticator | null> {
  const row = await tx.one(
    'UPDATE authenticators SET name = $1 WHERE id = $2 AND user_id = $3 AND environment_id = $4 RETURNING *',
    name,
    id,
    userId,
    origin.environmentId,
  )
  if (!row) return null
  const authenticator = columns.authenticators.read(row)
  await insertEvents(tx, [
    newEvent('authenticator.updated', origin, now, {
      userId,
      data: { authenticatorId: id, changed: ['name'] },
    }),
  ])
  return authenticator
}

/** See `Store.removeAuthenticator`. */
export async function removeAuthenticator(
  tx: Transaction,
  userId: string,
  id: string,
  addressTypes: readonly Identifier['type'][],
  origin: Origin,
  now: number,
  own?: { context: EventContext; notice: NewNotice | null },
): Promise<AuthenticatorRemoved> {
  const { environmentId } = origin
  const user = await lockUser(tx, environmentId, userId)
  const all = user ? await listAuthenticators(tx, environmentId, userId) : []
  const removed = all.find(one => one.id === id)
  if (!user || !removed) return { kind: 'notFound' }
  const hasAddress = user.identifiers.some(one => one.verifiedAt !== null && addressTypes.includes(one.type))
  if (all.length === 1 && !hasAddress) return { kind: 'lastWayIn' }
  await tx.run('DELETE FROM authenticators WHERE id = $1', id)
  await insertEvents(tx, [
    newEvent('authenticator.deleted', origin, now, {
      userId,
      context: own?.context ?? null,
      data: { authenticatorId: id, type: removed.type, reason: 'asked' },
    }),
    ...(await queueNotice(tx, user, own?.notice ?? null, noticeAddress(user), removed.name, origin, now)),
  ])
  return { kind: 'removed' }
}

/** Ends all of a user's; the events to be written, one for each. The user is held by the caller. */
export async function endAuthenticators(
  tx: Transaction,
  user: User,
  origin: Origin,
  now: number,
  reason: string,
): Promise<Event[]> {
  const rows = await tx.all(
    'DELETE FROM authenticators WHERE environment_id = $1 AND user_id = $2 RETURNING id, type',
    user.environmentId,
    user.id,
  )
  return rows.map(({ id, type }) =>
    newEvent('authenticator.deleted', origin, now, {
      userId: user.id,
      data: { authenticatorId: id, type, reason },
    }),
  )
}

/** What became of an authenticator, without what is its owner's alone. */
export const authenticatorEvent = (
  type: 'authenticator.created',
  authenticator: Authenticator,
  origin: Origin,
  now: number,
  isImported: boolean,
  subject: Parameters<typeof newEvent>[3] = {},
) =>
  newEvent(type, origin, now, {
    userId: authenticator.userId,
    ...subject,
    data: {
      authenticatorId: authenticator.id,
      type: authenticator.type,
      aaguid: authenticator.aaguid,
      isBackupEligible: authenticator.isBackupEligible,
      isImported,
    },
  })
