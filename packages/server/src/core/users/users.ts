import { parseEmail } from '../addresses/email.ts'
import { parsePhone } from '../addresses/phone.ts'
import { type Call, type Deps, refuse } from '../deps.ts'
import { fieldError, OstiaryError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import type { UserConflict, UserPatch } from '../ports.ts'
import type { Identifier, User } from '../rows.ts'

export interface CreateUser {
  externalId?: string | null | undefined
  name?: string | null | undefined
  username?: string | null | undefined
  email?: string | undefined
  emailVerified?: boolean | undefined
  phone?: string | undefined
  phoneVerified?: boolean | undefined
  locale?: string | null | undefined
  metadata?: Record<string, unknown> | undefined
}

/**
 * Makes a user. Addresses are unproven unless `emailVerified` or `phoneVerified` says that the operator vouches for
 * them. Refusals: `external_id_taken`, `already_exists` for a username or a proven address of another user.
 */
export async function createUser(
  deps: Deps,
  call: Call,
  input: CreateUser,
  keep?: Keep<User>,
): Promise<User> {
  const now = deps.clock.now()
  const identifiers: Identifier[] = []
  if (input.email !== undefined)
    identifiers.push(await identifierOf('email', input.email, input.emailVerified === true, now))
  if (input.phone !== undefined)
    identifiers.push(await identifierOf('phone', input.phone, input.phoneVerified === true, now))
  const user: User = {
    id: newId('usr', now),
    environmentId: call.view.environment.id,
    externalId: input.externalId ?? null,
    name: input.name ?? null,
    username: input.username ?? null,
    locale: input.locale ?? null,
    status: 'active',
    metadata: input.metadata ?? {},
    createdAt: now,
    updatedAt: now,
    lastSignInAt: null,
    // In the order in which every later read gives them.
    identifiers: identifiers.sort((a, b) => (a.value < b.value ? -1 : 1)),
  }
  return await writeOnce(
    keep,
    once => deps.store.createUser({ user, identifiers }, call.origin, now, once),
    found,
  )
}

/** Changes the app's own fields of a user. Refusals: `not_found`, `external_id_taken`, `already_exists`. */
export async function updateUser(deps: Deps, call: Call, id: string, patch: UserPatch): Promise<User> {
  return found(await deps.store.updateUser(id, patch, call.origin, deps.clock.now()))
}

/**
 * Adds an address; proven only where the operator vouches for it. Refusals: `not_found`, `already_exists`, `state_conflict` for
 * an unproven one where passkeys are all that leads to the account.
 */
export async function addIdentifier(
  deps: Deps,
  call: Call,
  input: { userId: string; type: Identifier['type']; value: string; isVerified: boolean },
  keep?: Keep<User>,
): Promise<User> {
  const now = deps.clock.now()
  const identifier = await identifierOf(input.type, input.value, input.isVerified, now, 'value')
  return await writeOnce(
    keep,
    once => deps.store.addIdentifier(input.userId, identifier, call.origin, now, once),
    found,
  )
}

/**
 * Takes an address away and ends its open challenges; with the last proven one of a user who has passkeys, those that nobody
 * has proven go, too. Refusal: `not_found`.
 */
export async function removeIdentifier(
  deps: Deps,
  call: Call,
  input: { userId: string; type: Identifier['type']; value: string },
): Promise<User> {
  const { value } = await identifierOf(input.type, input.value, false, 0, 'value')
  return found(
    await deps.store.removeIdentifier(input.userId, input.type, value, call.origin, deps.clock.now()),
  )
}

/** The identity form of an address that a filter or a caller gives, or `invalid_request`. */
export async function identifierOf(
  type: Identifier['type'],
  text: string,
  isVerified: boolean,
  now: number,
  path: string = type,
): Promise<Identifier> {
  const email = type === 'email' ? parseEmail(text) : null
  const value = email?.identity ?? (type === 'phone' ? await parsePhone(text) : null)
  if (value === null)
    throw fieldError(
      path,
      'invalid_format',
      type === 'email' ? 'is not an e-mail address' : 'is not a phone number in international form',
    )
  return {
    type,
    value,
    spelling: email?.spelling ?? value,
    verifiedAt: isVerified ? now : null,
    isPrimary: true,
  }
}

function found(result: User | UserConflict | null): User {
  if (result === null) return refuse('not_found')
  if (!('conflict' in result)) return result
  if (result.conflict === 'externalId') throw new OstiaryError('external_id_taken')
  if (result.conflict === 'passkeysAlone')
    return refuse(
      'state_conflict',
      'The user has passkeys and no proven address: whoever proves this one would take the account. Vouch for it (isVerified), or let the person prove it.',
    )
  return refuse(
    'already_exists',
    result.conflict === 'username' ? 'Another user has this username.' : 'The address is there already.',
  )
}
