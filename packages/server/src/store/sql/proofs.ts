import type { Challenge, Event, Identifier, Origin, User } from '../../core/rows.ts'
import { endAuthenticators } from './authenticators.ts'
import { endDevices } from './devices.ts'
import { newEvent } from './events.ts'
import { insertIdentifier, preferProven, promoteNext, removeUnprovenCopies } from './identifiers.ts'
import { endSessions } from './sessions.ts'
import { assignments, type Transaction } from './transaction.ts'
import { endChallengesOf, endChallengesOfUser, findUser, insertUser, ownerOf } from './users.ts'

/** What an address led to, once it was proven; or why it leads to nobody. */
export type Proven =
  | { user: User; isNewUser: boolean; events: Event[] }
  | 'ownerChanged'
  | 'userBlocked'
  | 'signUpClosed'
  | 'externalIdTaken'

interface Input {
  origin: Origin
  isSignUpOpen: boolean
  newUserId: string
}

/**
 * Finds, adopts or makes the user of an address that was proven this moment (PROTOCOL sections 1 and 5).
 *
 * The challenge pinned the owner at send; when the address has come to another since, the proof is worth nothing. A
 * claim names its user now, so it pins nobody, but an address that another user has proven stays theirs.
 */
export async function addressProven(
  tx: Transaction,
  challenge: Challenge,
  input: Input,
  now: number,
  by: 'attempt' | 'claim' | 'ownClaim' = 'attempt',
): Promise<Proven> {
  const { environmentId, address } = challenge
  const owner = await ownerOf(tx, environmentId, 'email', address)
  if (by === 'attempt' && (owner?.id ?? null) !== challenge.ownerId) return 'ownerChanged'
  if (owner && challenge.userId !== null && owner.id !== challenge.userId) return 'ownerChanged'

  const known = owner ?? (await heirOf(tx, challenge))
  // As at send: an unproven address does not lead into an account that has something proven.
  const isForeign = known !== null && !owner && known.identifiers.some(one => one.verifiedAt !== null)
  if (by === 'attempt' && isForeign && (challenge.opensSession || challenge.purpose === 'signIn'))
    return 'ownerChanged'
  if (known?.status === 'blocked') return 'userBlocked'
  if (!known && (challenge.userMode === 'existing' || challenge.userId !== null)) return 'signUpClosed'
  if (!known && !input.isSignUpOpen) return 'signUpClosed'

  if (challenge.externalId !== null && known?.externalId !== challenge.externalId) {
    const holder = await tx.one(
      'SELECT id FROM users WHERE environment_id = $1 AND external_id = $2',
      environmentId,
      challenge.externalId,
    )
    if (holder || known?.externalId) return 'externalIdTaken'
  }
  // Nothing was written so far, so that a refusal leaves nothing behind.
  const copy = { type: 'email' as const, value: address }
  const events = await removeUnprovenCopies(tx, copy, known?.id ?? '', input.origin, now)
  const isOwn = by === 'ownClaim'
  if (known && !owner) await bequeath(tx, known, challenge, isOwn, events, input.origin, now)
  const user =
    owner ??
    (known && (await findUser(tx, environmentId, known.id))) ??
    newUserOf(challenge, input.newUserId, now)
  if (!known) {
    await insertUser(tx, user)
    events.push(newEvent('user.created', input.origin, now, { userId: user.id, challengeId: challenge.id }))
  } else if (challenge.externalId !== null && known.externalId === null) {
    await tx.run(
      `UPDATE users SET ${assignments(['external_id', 'updated_at'], 2)} WHERE id = $1`,
      user.id,
      challenge.externalId,
      now,
    )
    user.externalId = challenge.externalId
  }
  return { user, isNewUser: !known, events }
}

/**
 * A user on whom the address stands unproven, and who may have it: the one whom the challenge was asked for, else the
 * oldest active one with nothing proven: a stranger who was blocked under somebody's address must not lock its owner
 * out. With something proven, only an explicit `userId` leads there.
 */
async function heirOf(tx: Transaction, { environmentId, address, userId }: Challenge): Promise<User | null> {
  if (userId !== null) return await findUser(tx, environmentId, userId)
  const row = await tx.one(
    `SELECT mine.user_id FROM identifiers AS mine JOIN users ON users.id = mine.user_id AND users.status = 'active'
     WHERE mine.environment_id = $1 AND mine.type = 'email' AND mine.value = $2
       AND NOT EXISTS (SELECT 1 FROM identifiers WHERE user_id = mine.user_id AND verified_at IS NOT NULL)
     ORDER BY mine.created_at, mine.user_id LIMIT 1`,
    environmentId,
    address,
  )
  return row ? await findUser(tx, environmentId, row.user_id) : null
}

/**
 * Gives the address to its heir. With nothing proven, whatever hangs on the user may be a stranger's, so the first
 * proof ends all of it, other addresses included: a code that went there would lead in later (promise 10). With
 * something proven it wipes nothing, nor inside the user's own session: somebody who comes in by passkeys alone proves
 * that the account is theirs with each of those, and keeps them.
 */
async function bequeath(
  tx: Transaction,
  user: User,
  challenge: Challenge,
  isOwn: boolean,
  events: Event[],
  origin: Origin,
  now: number,
): Promise<void> {
  const isAdoption = !isOwn && !user.identifiers.some(one => one.verifiedAt !== null)
  if (isAdoption) {
    events.push(...(await endSessions(tx, user, origin, now, 'adopted')))
    events.push(...(await endAuthenticators(tx, user, origin, now, 'adopted')))
    events.push(...(await endDevices(tx, user, origin, now, 'adopted')))
    await endChallengesOfUser(tx, user, now, challenge.id)
    // What a stranger was asked keeps nothing from the owner.
    await tx.run('UPDATE users SET passkey_offered_at = NULL WHERE id = $1', user.id)
    events.push(newEvent('user.adopted', origin, now, { userId: user.id, challengeId: challenge.id }))
  }
  await markProven(tx, user, challenge, events, origin, now)
  if (!isAdoption) return
  const removed = await tx.all(
    'DELETE FROM identifiers WHERE user_id = $1 AND verified_at IS NULL RETURNING type, value',
    user.id,
  )
  await promoteNext(tx, user.id, 'email')
  for (const { type, value } of removed)
    events.push(
      newEvent('identifier.removed', origin, now, {
        userId: user.id,
        data: { type, value, reason: 'adopted' },
      }),
    )
}

async function markProven(
  tx: Transaction,
  user: User,
  challenge: Challenge,
  events: Event[],
  origin: Origin,
  now: number,
): Promise<void> {
  const { address } = challenge
  const held = user.identifiers.find(one => one.type === 'email' && one.value === address)
  if (held) {
    await tx.run(
      "UPDATE identifiers SET verified_at = $1, spelling = $4 WHERE user_id = $2 AND type = 'email' AND value = $3",
      now,
      user.id,
      address,
      spellingOf(challenge),
    )
  } else {
    const isPrimary = !user.identifiers.some(one => one.type === 'email' && one.isPrimary)
    await insertIdentifier(
      tx,
      user,
      { type: 'email', value: address, spelling: spellingOf(challenge), verifiedAt: now, isPrimary },
      now,
    )
    events.push(
      newEvent('identifier.added', origin, now, {
        userId: user.id,
        data: { type: 'email', value: address, isVerified: true },
      }),
    )
  }
  events.push(
    newEvent('identifier.verified', origin, now, {
      userId: user.id,
      challengeId: challenge.id,
      data: { type: 'email', value: address },
    }),
  )
  await preferProven(tx, user.id, 'email')
  await endChallengesOf(tx, challenge.environmentId, address, now, user.id, challenge.id)
}

function newUserOf(challenge: Challenge, id: string, now: number): User {
  const identifier: Identifier = {
    type: 'email',
    value: challenge.address,
    spelling: spellingOf(challenge),
    verifiedAt: now,
    isPrimary: true,
  }
  return {
    id,
    environmentId: challenge.environmentId,
    externalId: challenge.externalId,
    name: null,
    username: null,
    locale: challenge.locale,
    status: 'active',
    metadata: {},
    createdAt: now,
    updatedAt: now,
    lastSignInAt: null,
    identifiers: [identifier],
  }
}

// The code went to `sendTo`, so that spelling is what was proven, not what was typed.
const spellingOf = (challenge: Challenge) => challenge.sendTo
