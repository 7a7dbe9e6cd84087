import { OstiaryError } from '../../core/errors.ts'
import type { Listed, NewUser, Page, UserConflict, UserFilter, UserPatch } from '../../core/ports.ts'
import type { Event, EventContext, Identifier, Origin, User } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { endDevices } from './devices.ts'
import { insertEvents, newEvent } from './events.ts'
import { insertIdentifier, preferProven, promoteNext, removeUnprovenCopies } from './identifiers.ts'
import { areFew, type Condition, lookThrough, pageOf } from './pages.ts'
import { endSessions } from './sessions.ts'
import { addressName, assignments, places, type Row, type Transaction } from './transaction.ts'

// For so long a proof can still become a session; what ends a challenge ends that, too. A proof of the API can for ten
// minutes, one inside an action as long as that lives, an hour at most, and its result a minute more.
const PROOF_LIVES_MS = 61 * 60_000
/** What can still be answered, claimed or opened as a session at `$1`. */
export const OPEN = `ended_at IS NULL AND (verified_at IS NULL AND expires_at > $1
       OR verified_at > CAST($1 AS BIGINT) - ${PROOF_LIVES_MS} AND session_opened_at IS NULL)`

/** The user with its addresses, or null. */
export async function findUser(tx: Transaction, environmentId: string, id: string): Promise<User | null> {
  const row = await tx.one('SELECT * FROM users WHERE id = $1 AND environment_id = $2', id, environmentId)
  return row ? ((await withIdentifiers(tx, [row]))[0] ?? null) : null
}

/** The user, locked behind its addresses and this further one: none of them comes to another owner meanwhile. */
export async function lockUser(
  tx: Transaction,
  environmentId: string,
  id: string,
  address?: string,
): Promise<User | null> {
  const user = await findUser(tx, environmentId, id)
  if (!user || !tx.isShared) return user
  const addresses = [
    ...user.identifiers.map(({ value }) => value),
    ...(address === undefined ? [] : [address]),
  ]
  await tx.lock(addresses.map(value => addressName(environmentId, value)))
  await tx.one('SELECT id FROM users WHERE id = $1 FOR UPDATE', id)
  return await findUser(tx, environmentId, id)
}

async function withIdentifiers(tx: Transaction, rows: Row[]): Promise<User[]> {
  if (rows.length === 0) return []
  const found = await tx.all(
    `SELECT * FROM identifiers WHERE user_id IN ${places(1, rows.length)} ORDER BY is_primary DESC, created_at, value`,
    ...rows.map(row => row.id),
  )
  return rows.map(row => ({
    ...columns.users.read(row),
    identifiers: found.filter(one => one.user_id === row.id).map(columns.identifiers.read),
  }))
}

/**
 * Who has proven this address, or null: what a send needs to know, in one row. Where nobody has, the row of the proven
 * address that comes next is read, so that a known one takes no longer (promise 7).
 */
export async function holderOf(
  tx: Transaction,
  environmentId: string,
  value: string,
): Promise<{ id: string; status: User['status']; spelling: string } | null> {
  const row = await tx.one(
    `SELECT users.id, users.status, identifiers.spelling, identifiers.value
     FROM identifiers JOIN users ON users.id = identifiers.user_id
     WHERE identifiers.environment_id = $1 AND identifiers.type = 'email' AND identifiers.value >= $2
       AND identifiers.verified_at IS NOT NULL
     ORDER BY identifiers.value LIMIT 1`,
    environmentId,
    value,
  )
  return row?.value === value ? { id: row.id, status: row.status, spelling: row.spelling } : null
}

/** Who has proven this address, or null. */
export async function ownerOf(
  tx: Transaction,
  environmentId: string,
  type: Identifier['type'],
  value: string,
): Promise<User | null> {
  const row = await tx.one(
    `SELECT users.* FROM identifiers JOIN users ON users.id = identifiers.user_id
     WHERE identifiers.environment_id = $1 AND identifiers.type = $2 AND identifiers.value = $3 AND identifiers.verified_at IS NOT NULL`,
    environmentId,
    type,
    value,
  )
  return row ? ((await withIdentifiers(tx, [row]))[0] ?? null) : null
}

export async function insertUser(tx: Transaction, user: User): Promise<void> {
  await insertRow(tx, user)
  for (const identifier of user.identifiers) await insertIdentifier(tx, user, identifier, user.createdAt)
}

/** As `insertUser`, unless somebody has its `externalId`: false. Of many at once one is written; the others wait for it. */
export async function insertNewUser(tx: Transaction, user: User): Promise<boolean> {
  const written = await insertRow(
    tx,
    user,
    'ON CONFLICT (environment_id, external_id) WHERE external_id IS NOT NULL DO NOTHING',
  )
  if (written === 0) return false
  for (const identifier of user.identifiers) await insertIdentifier(tx, user, identifier, user.createdAt)
  return true
}

async function insertRow(tx: Transaction, user: User, unless = ''): Promise<number> {
  const { columns: names } = columns.users
  return await tx.run(
    `INSERT INTO users (${names.join(', ')}) VALUES ${places(1, names.length)} ${unless}`,
    ...columns.users.values(user),
  )
}

export async function createUser(
  tx: Transaction,
  { user, identifiers }: NewUser,
  origin: Origin,
  now: number,
): Promise<User | UserConflict> {
  await tx.lock(identifiers.map(({ value }) => addressName(user.environmentId, value)))
  const conflict = await conflictOf(tx, user.environmentId, user, null)
  if (conflict) return conflict
  for (const { type, value, verifiedAt } of identifiers) {
    if (verifiedAt !== null && (await ownerOf(tx, user.environmentId, type, value)))
      return { conflict: 'address' }
  }
  const whole = { ...user, identifiers }
  await insertUser(tx, whole)
  const verified = identifiers.filter(identifier => identifier.verifiedAt !== null)
  const events = [
    newEvent('user.created', origin, now, { userId: user.id, data: { isImported: verified.length > 0 } }),
  ]
  for (const { type, value } of verified) {
    await endChallengesOf(tx, user.environmentId, value, now, user.id)
    events.push(...(await removeUnprovenCopies(tx, { type, value }, user.id, origin, now)))
  }
  await insertEvents(tx, events)
  return whole
}

export async function listUsers(
  tx: Transaction,
  environmentId: string,
  filter: UserFilter,
  page: Page,
): Promise<Listed<User>> {
  const { rows, lookedTo } = await findUserRows(tx, environmentId, filter, page)
  return { rows: await withIdentifiers(tx, rows), lookedTo }
}

async function findUserRows(
  tx: Transaction,
  environmentId: string,
  { externalId, username, email, phone }: UserFilter,
  page: Page,
): Promise<Listed<Row>> {
  const address = email ?? phone
  const isType = `type = '${email === null ? 'phone' : 'email'}'`
  const inEnvironment: Condition = ['environment_id = ?', environmentId]
  const hasAddress: Condition = [
    `(SELECT 1 FROM identifiers WHERE user_id = users.id AND ${isType} AND value = ?) = 1`,
    address,
  ]
  // An external id and a username lead to one user; an address that nobody has proven may stand with many.
  const ofAddress = `identifiers WHERE environment_id = $1 AND ${isType} AND value = $2`
  const few: Condition[] | null =
    externalId !== null || username !== null
      ? [inEnvironment, ['external_id = ?', externalId], ['username = ?', username], hasAddress]
      : address !== null && (await areFew(tx, ofAddress, environmentId, address))
        ? [inEnvironment, [`id IN (SELECT user_id FROM ${ofAddress})`, address]]
        : null
  return few
    ? { rows: await tx.all(...pageOf('users', page, few, { isFew: true })), lookedTo: null }
    : await lookThrough(tx, 'users', page, [inEnvironment], [hasAddress])
}

export async function updateUser(
  tx: Transaction,
  id: string,
  patch: UserPatch,
  origin: Origin,
  now: number,
): Promise<User | UserConflict | null> {
  const before = await lockUser(tx, origin.environmentId, id)
  if (!before) return null
  const conflict = await conflictOf(tx, origin.environmentId, patch, id)
  if (conflict) return conflict
  const after = { ...before, ...patch, updatedAt: now }
  const { columns: names } = columns.users
  await tx.run(`UPDATE users SET ${assignments(names, 2)} WHERE id = $1`, id, ...columns.users.values(after))
  await insertEvents(tx, [
    newEvent('user.updated', origin, now, { userId: id, data: { changed: Object.keys(patch) } }),
  ])
  return after
}

async function conflictOf(
  tx: Transaction,
  environmentId: string,
  patch: Pick<UserPatch, 'externalId' | 'username'>,
  except: string | null,
): Promise<UserConflict | null> {
  for (const [field, column] of [
    ['externalId', 'external_id'],
    ['username', 'username'],
  ] as const) {
    const value = patch[field]
    if (value === null || value === undefined) continue
    const row = await tx.one(
      `SELECT id FROM users WHERE environment_id = $1 AND ${column} = $2`,
      environmentId,
      value,
    )
    if (row && row.id !== except) return { conflict: field }
  }
  return null
}

export async function deleteUser(tx: Transaction, id: string, origin: Origin, now: number): Promise<boolean> {
  const user = await lockUser(tx, origin.environmentId, id)
  if (!user) return false
  await endChallengesOfUser(tx, user, now)
  await forgetInActions(tx, user)
  // Sessions, devices and addresses go with the row (ON DELETE CASCADE); the events that tell of them stay.
  await tx.run('DELETE FROM users WHERE id = $1', id)
  await insertEvents(tx, [newEvent('user.deleted', origin, now, { userId: id })])
  return true
}

/** Actions stay as long as they would, and tell nothing of the person but the id: outcome, rules and what the backend told. */
async function forgetInActions(tx: Transaction, { id, environmentId }: User): Promise<void> {
  // jsonb takes neither NUL nor half of a surrogate pair, which a message of a condition can hold: they would keep a user from
  // being deleted. Whole pairs stand in it as they are, not as escapes.
  const readable = String.raw`regexp_replace(decision, '\\u(0000|d[89a-f][0-9a-f]{2})', '\\ufffd', 'g')`
  const forgotten = tx.isShared
    ? `CAST(CAST(${readable} AS jsonb) - 'signals' - 'seen' AS text)`
    : "json_remove(decision, '$.signals', '$.seen')"
  await tx.run(
    `UPDATE actions SET decision = CASE decision WHEN 'null' THEN 'null' ELSE ${forgotten} END, address = NULL, requested_to = NULL, login_hint = NULL, ip_address = NULL, user_agent = NULL
     WHERE user_id = $1 AND environment_id = $2`,
    id,
    environmentId,
  )
}

/** Until the transaction ends the user is not deleted; `not_found` when it was. */
export async function holdUser(tx: Transaction, environmentId: string, id: string): Promise<void> {
  const held = `SELECT 1 FROM users WHERE id = $1 AND environment_id = $2 ${tx.isShared ? 'FOR KEY SHARE' : ''}`
  if (!(await tx.one(held, id, environmentId)))
    throw new OstiaryError('not_found', { detail: 'There is no such user.', reason: 'the user was deleted' })
}

export async function setUserStatus(
  tx: Transaction,
  id: string,
  status: User['status'],
  origin: Origin,
  now: number,
): Promise<User | null> {
  const user = await lockUser(tx, origin.environmentId, id)
  if (!user || user.status === status) return user
  await tx.run('UPDATE users SET status = $2, updated_at = $3 WHERE id = $1', id, status, now)
  const events: Event[] = [
    newEvent(status === 'blocked' ? 'user.blocked' : 'user.unblocked', origin, now, { userId: id }),
  ]
  if (status === 'blocked') {
    events.push(...(await endSessions(tx, user, origin, now, 'user_blocked')))
    events.push(...(await endDevices(tx, user, origin, now, 'user_blocked')))
    await endChallengesOfUser(tx, user, now)
  }
  await insertEvents(tx, events)
  return { ...user, status, updatedAt: now }
}

/** Ends what is pending for a user: challenges asked for by userId, and those for an address that the user has proven. */
export async function endChallengesOfUser(
  tx: Transaction,
  user: User,
  now: number,
  except = '',
): Promise<void> {
  const proven = user.identifiers.filter(identifier => identifier.verifiedAt !== null)
  await tx.run(
    `UPDATE challenges SET ended_at = $1, handover_hash = NULL
     WHERE environment_id = $2 AND user_id = $3 AND id <> $4 AND ${OPEN}`,
    now,
    user.environmentId,
    user.id,
    except,
  )
  for (const identifier of proven)
    await endChallengesOf(tx, user.environmentId, identifier.value, now, null, except)
  await tx.run(
    `UPDATE actions SET state = 'CHALLENGE_FAILED', state_changed_at = $1, reason = 'blocked'
     WHERE environment_id = $2 AND user_id = $3 AND state IN ('CHALLENGE_REQUIRED', 'REVIEW_REQUIRED', 'REVIEW_SUCCEEDED') AND coalesce(challenge_id, '-') <> $4`,
    now,
    user.environmentId,
    user.id,
    except,
  )
}

/** Ends the open challenges of an address but for those pinned to `keepOwner`: who owns it has changed. */
export async function endChallengesOf(
  tx: Transaction,
  environmentId: string,
  address: string,
  now: number,
  keepOwner: string | null,
  except = '',
): Promise<void> {
  await tx.run(
    `UPDATE challenges SET ended_at = $1, handover_hash = NULL
     WHERE environment_id = $2 AND address = $3 AND expires_at > CAST($1 AS BIGINT) - ${PROOF_LIVES_MS} AND ${OPEN} AND id <> $5 AND coalesce(owner_id, '') <> coalesce($4, '-')`,
    now,
    environmentId,
    address,
    keepOwner,
    except,
  )
}

export async function addIdentifier(
  tx: Transaction,
  userId: string,
  identifier: Identifier,
  origin: Origin,
  now: number,
): Promise<User | UserConflict | null> {
  const user = await lockUser(tx, origin.environmentId, userId, identifier.value)
  if (!user) return null
  const { type, value, verifiedAt } = identifier
  const held = user.identifiers.find(one => one.type === type && one.value === value)
  if (held && (held.verifiedAt !== null || verifiedAt === null)) return { conflict: 'address' }
  if (verifiedAt !== null && (await ownerOf(tx, origin.environmentId, type, value)))
    return { conflict: 'address' }
  if (verifiedAt === null && (await hasPasskeysAlone(tx, user))) return { conflict: 'passkeysAlone' }
  const isPrimary = !user.identifiers.some(one => one.type === type && one.isPrimary)
  if (held)
    await tx.run(
      'UPDATE identifiers SET verified_at = $1, spelling = $2 WHERE user_id = $3 AND type = $4 AND value = $5',
      verifiedAt,
      identifier.spelling,
      userId,
      type,
      value,
    )
  else await insertIdentifier(tx, user, { ...identifier, isPrimary }, now)
  const events = [
    newEvent(held ? 'identifier.verified' : 'identifier.added', origin, now, {
      userId,
      data: { type, value, isVerified: verifiedAt !== null },
    }),
  ]
  if (verifiedAt !== null) {
    await preferProven(tx, userId, type)
    await endChallengesOf(tx, origin.environmentId, value, now, userId)
    events.push(...(await removeUnprovenCopies(tx, { type, value }, userId, origin, now)))
  }
  await touch(tx, userId, now)
  await insertEvents(tx, events)
  return await findUser(tx, origin.environmentId, userId)
}

export async function removeIdentifier(
  tx: Transaction,
  userId: string,
  type: Identifier['type'],
  value: string,
  origin: Origin,
  now: number,
): Promise<User | null> {
  const user = await lockUser(tx, origin.environmentId, userId)
  const removed = user?.identifiers.find(one => one.type === type && one.value === value)
  if (!user || !removed) return null
  await removeIdentifierOf(tx, user, removed, origin, now)
  const left = await findUser(tx, origin.environmentId, userId)
  if (!left || removed.verifiedAt === null || !(await hasPasskeysAlone(tx, left))) return left
  for (const claim of left.identifiers) await removeIdentifierOf(tx, left, claim, origin, now)
  return await findUser(tx, origin.environmentId, userId)
}

/**
 * Whether passkeys are all that leads to the account. Whoever proves an address that stands there unproven would adopt it and
 * end them (PROTOCOL section 5): so none is left or put there.
 */
async function hasPasskeysAlone(tx: Transaction, { environmentId, id, identifiers }: User): Promise<boolean> {
  if (identifiers.some(one => one.verifiedAt !== null)) return false
  const row = await tx.one(
    'SELECT 1 FROM authenticators WHERE environment_id = $1 AND user_id = $2 LIMIT 1',
    environmentId,
    id,
  )
  return row !== undefined
}

/** Takes an address from a user who is locked, and ends its open challenges. */
export async function removeIdentifierOf(
  tx: Transaction,
  { id: userId }: User,
  removed: Identifier,
  origin: Origin,
  now: number,
  context: EventContext | null = null,
): Promise<void> {
  const { type, value } = removed
  await tx.run('DELETE FROM identifiers WHERE user_id = $1 AND type = $2 AND value = $3', userId, type, value)
  if (removed.isPrimary) await promoteNext(tx, userId, type)
  if (removed.verifiedAt !== null) await endChallengesOf(tx, origin.environmentId, value, now, null)
  await tx.run(
    `UPDATE challenges SET ended_at = $1, handover_hash = NULL
     WHERE environment_id = $2 AND user_id = $3 AND address = $4 AND ${OPEN}`,
    now,
    origin.environmentId,
    userId,
    value,
  )
  await touch(tx, userId, now)
  await insertEvents(tx, [
    newEvent('identifier.removed', origin, now, { userId, context, data: { type, value } }),
  ])
}

async function touch(tx: Transaction, userId: string, now: number): Promise<void> {
  await tx.run('UPDATE users SET updated_at = $2 WHERE id = $1', userId, now)
}

/** Ends proofs that no session was opened for yet: signing out everywhere leaves no way back in. */
export async function endUnopenedProofs(tx: Transaction, user: User, now: number): Promise<void> {
  await tx.run(
    `UPDATE challenges SET ended_at = $1
     WHERE environment_id = $2 AND user_id = $3 AND ended_at IS NULL AND session_opened_at IS NULL
       AND verified_at > CAST($1 AS BIGINT) - ${PROOF_LIVES_MS}`,
    now,
    user.environmentId,
    user.id,
  )
}
