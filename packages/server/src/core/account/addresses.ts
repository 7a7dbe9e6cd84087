import { parseEmail } from '../addresses/email.ts'
import { addressTypesOf } from '../authenticators/authenticators.ts'
import { normaliseCode } from '../challenges/code.ts'
import { createdChallenge, newChallenge } from '../challenges/create.ts'
import { type ResentChallenge, resendChallenge } from '../challenges/resend.ts'
import { refusalOf } from '../challenges/verify.ts'
import { type Deps, refuse } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { newId } from '../ids.ts'
import { exposureOf, wrongLimits } from '../limits/limits.ts'
import { newNotice } from '../notices/notice.ts'
import type { OwnAddress, OwnAddressChanged } from '../ports.ts'
import type { Challenge, Identifier, NoticeKind, User } from '../rows.ts'
import { identifierOf } from '../users/users.ts'
import { type AtAccount, contextOf } from './account.ts'

/** A proof for this purpose adds an address and opens nothing. */
const PURPOSE = 'addAddress'
/** A change to a user holds all of their addresses. */
const MAX_ADDRESSES = 20

/**
 * Begins to add an address: a code goes there. Whether the address belongs to somebody else is told only to whoever has read
 * the code (promise 7). Refusals: `already_exists` for one that is the person's own already, `destination_not_allowed`,
 * `rate_limited`, `invalid_request`, `state_conflict` where codes by e-mail are off.
 */
export async function beginAddress(deps: Deps, call: AtAccount, to: string): Promise<Challenge> {
  const { user, session, circumstances, view } = call
  const email = parseEmail(to)
  if (!email) throw fieldError('to', 'invalid_format', 'is not one e-mail address that Ostiary can send to')
  if (user.identifiers.some(one => one.value === email.identity && one.verifiedAt !== null))
    return refuse('already_exists', 'This address is yours already.')
  if (user.identifiers.length >= MAX_ADDRESSES)
    return refuse('state_conflict', 'There are too many addresses.')
  if (!view.settings.methods.emailCode) return refuse('state_conflict', 'Codes by e-mail are off here.')
  const asked = await newChallenge(deps, call, {
    to,
    purpose: PURPOSE,
    credential: 'code',
    userMode: 'none',
    claimantId: user.id,
    appId: session.appId,
    ...(user.locale !== null && { locale: user.locale }),
    context: {
      ipAddress: circumstances.ipAddress ?? undefined,
      userAgent: circumstances.userAgent ?? undefined,
    },
  })
  return createdChallenge(await deps.store.createChallenge(asked))
}

/** Sends another code. Refusals: those of `resendChallenge`; `not_found` for a challenge that this person did not begin. */
export async function resendAddress(
  deps: Deps,
  call: AtAccount,
  challengeId: string,
): Promise<ResentChallenge> {
  await ownChallenge(deps, call, challengeId)
  return await resendChallenge(deps, call, challengeId)
}

/**
 * Adds the address by its code, with a notice to the primary one that was there before: one write. Refusals: those of
 * `verifyCode`; `not_found` for a challenge that this person did not begin, before anything is spent; `already_exists` where
 * the address turns out to be another's.
 */
export async function verifyAddress(
  deps: Deps,
  call: AtAccount,
  input: { challengeId: string; code: string },
): Promise<User> {
  const { settings } = call.view
  const { user, circumstances } = call
  const code = normaliseCode(input.code)
  if (code === null) throw fieldError('code', 'invalid_format', 'is not a code')
  const challenge = await ownChallenge(deps, call, input.challengeId)
  const now = deps.clock.now()
  const outcome = await deps.store.addOwnAddress({
    attempt: {
      origin: call.origin,
      now,
      epoch: deps.epoch,
      purpose: PURPOSE,
      proof: {
        kind: 'code',
        challengeId: challenge.id,
        hashes: deps.keyring.codeHashes(code, challenge.id, PURPOSE),
      },
      actionId: null,
      circumstances,
      wrongLimits: wrongLimits(settings, circumstances),
      exposure: exposureOf(settings),
      isSignUpOpen: false,
      newUserId: newId('usr', now),
      session: null,
    },
    userId: user.id,
    notice: newNotice(deps, call, 'addressAdded', circumstances, now),
  })
  if (outcome.kind === 'added') return outcome.user
  if (outcome.kind === 'addressTaken')
    return refuse('already_exists', 'This address belongs to another user.')
  throw refusalOf(outcome)
}

/** The challenge that this person began, and no other: what another began is not there. */
async function ownChallenge({ store }: Deps, { view, user }: AtAccount, id: string): Promise<Challenge> {
  const challenge = await store.findChallenge(view.environment.id, id)
  const isOwn =
    challenge?.purpose === PURPOSE && challenge.userMode === 'none' && challenge.userId === user.id
  return challenge && isOwn ? challenge : refuse('not_found')
}

/** Makes a proven address the primary one. Refusals: `not_found`, `state_conflict` where nobody has proven it. */
export async function makePrimary(deps: Deps, call: AtAccount, named: Named): Promise<User> {
  return changed(await deps.store.makeOwnPrimary(await ownAddress(deps, call, named, 'primaryChanged')))
}

/** Removes an address. Refusals: `not_found`, `state_conflict` for the last way in. */
export async function removeAddress(deps: Deps, call: AtAccount, named: Named): Promise<User> {
  const asked = await ownAddress(deps, call, named, 'addressRemoved')
  return changed(
    await deps.store.removeOwnAddress({
      ...asked,
      addressTypes: addressTypesOf(call.view.settings),
      takesPasskeys: call.view.settings.methods.passkey,
    }),
  )
}

type Named = { type: Identifier['type']; value: string }

async function ownAddress(
  deps: Deps,
  call: AtAccount,
  { type, value }: Named,
  notice: NoticeKind,
): Promise<OwnAddress> {
  const now = deps.clock.now()
  return {
    userId: call.user.id,
    type,
    value: (await identifierOf(type, value, false, 0, 'value')).value,
    context: contextOf(call),
    notice: newNotice(deps, call, notice, call.circumstances, now),
    origin: call.origin,
    now,
  }
}

function changed(outcome: OwnAddressChanged): User {
  switch (outcome.kind) {
    case 'changed':
      return outcome.user
    case 'notFound':
      return refuse('not_found')
    case 'unproven':
      return refuse('state_conflict', 'An address has to be proven before it can be the primary one.')
    case 'lastWayIn':
      return refuse('state_conflict', 'It is the last way into this account.')
  }
}
