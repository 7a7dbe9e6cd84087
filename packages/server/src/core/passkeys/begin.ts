import { appOf } from '../challenges/create.ts'
import { type Call, type Deps, limitedError, refuse } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import { passkeyLimits } from '../limits/limits.ts'
import type { Circumstances, NewPasskeyChallenge, PasskeyBegun } from '../ports.ts'
import type { Authenticator, Ceremony, Challenge, User, UserVerification } from '../rows.ts'
import { countryOf } from '../signals/networks.ts'
import {
  authenticationOptions,
  type CreationOptions,
  type RequestOptions,
  registrationOptions,
} from './options.ts'
import { relyingParty } from './relying-party.ts'

/** What is asked of a passkey. */
export interface AskForPasskey {
  ceremony: Ceremony
  /** Null: whoever's passkey answers. A registration names whose it will be. */
  userId: string | null
  purpose: string
  opensSession: boolean
  appId: string | undefined
  /** More than the settings ask for, for a step-up. */
  userVerification?: 'required' | undefined
  expiresInSeconds: number
  metadata?: Record<string, unknown> | undefined
  actionId: string | null
  circumstances: Circumstances
}

export type PasskeyOptions = CreationOptions | RequestOptions

/** A challenge with what the browser's `navigator.credentials` needs for it: shown once. */
export interface BegunPasskey {
  challenge: Challenge
  publicKey: PasskeyOptions
}

/** The longest and usual life of a passkey challenge (WebAuthn Level 3, section 15.1). */
export const PASSKEY_LIVES_SECONDS = 300

/**
 * Starts a ceremony. Refusals: `invalid_request` where passkeys are off, `not_found` (userId or appId), `state_conflict` for
 * a named user who has no passkey, `rate_limited`.
 */
export async function beginPasskey(
  deps: Deps,
  call: Call,
  input: AskForPasskey,
  keep?: Keep<BegunPasskey>,
): Promise<BegunPasskey> {
  const { asked, publicKey } = await newPasskeyChallenge(deps, call, input)
  return await writeOnce<PasskeyBegun, BegunPasskey>(
    keep,
    once => deps.store.createPasskeyChallenge(asked, once),
    outcome => ({ challenge: begunChallenge(outcome), publicKey }),
  )
}

/** The challenge that was written, or the refusal. */
export function begunChallenge(outcome: PasskeyBegun): Challenge {
  if (outcome.kind === 'limited') throw limitedError(outcome)
  return outcome.challenge
}

/** All guards before the write, what the write needs, and what the browser is told. Of the challenge the row has a hash. */
export async function newPasskeyChallenge(
  deps: Deps,
  call: Call,
  input: AskForPasskey,
): Promise<{ asked: NewPasskeyChallenge; publicKey: PasskeyOptions }> {
  const { settings, environment } = call.view
  if (!settings.methods.passkey)
    throw fieldError('method', 'invalid_value', 'is not a method that the settings have on')
  const app = appOf(call, input.appId)
  const named = await namedUser(deps, call, input)
  const now = deps.clock.now()
  const bytes = deps.random.bytes(32).toString('base64url')
  const row = newRow(deps, input, environment.id, app.id, {
    now,
    userVerification: input.userVerification ?? settings.passkey.userVerification,
  })
  return {
    asked: {
      origin: { ...call.origin, appId: app.id },
      now,
      row,
      country: countryOf(deps.networks, input.circumstances.ipAddress),
      challengeHash: deps.keyring.tokenHash(bytes),
      limits: passkeyLimits(input.circumstances),
    },
    publicKey: optionsOf(deps, call, row, bytes, named),
  }
}

interface Named {
  user: User
  authenticators: Authenticator[]
}

async function namedUser(
  deps: Deps,
  { view }: Call,
  { userId, ceremony }: AskForPasskey,
): Promise<Named | null> {
  if (userId === null) return null
  const user = await deps.store.findUser(view.environment.id, userId)
  if (!user) return refuse('not_found', 'There is no such user.')
  const authenticators = await deps.store.listAuthenticators(view.environment.id, userId)
  // An empty list would let the browser show the passkeys of everybody who uses it.
  if (ceremony === 'authentication' && authenticators.length === 0)
    return refuse('state_conflict', 'The user has no passkey.')
  return { user, authenticators }
}

function newRow(
  deps: Deps,
  input: AskForPasskey,
  environmentId: string,
  appId: string,
  { now, userVerification }: { now: number; userVerification: UserVerification },
): NewPasskeyChallenge['row'] {
  return {
    id: newId('chl', now),
    environmentId,
    appId,
    epoch: deps.epoch,
    purpose: input.purpose,
    channel: 'none',
    credential: 'none',
    method: 'passkey',
    ceremony: input.ceremony,
    userVerification,
    address: '',
    requestedTo: '',
    sendTo: '',
    ownerId: null,
    userId: input.userId,
    userMode: 'existing',
    externalId: null,
    opensSession: input.ceremony === 'authentication' && input.opensSession,
    isVoid: false,
    isStrong: false,
    codeLength: null,
    tag: '',
    redirectUrl: null,
    linkVia: 'ostiary',
    codeChallenge: null,
    state: null,
    locale: null,
    template: null,
    templateVariables: {},
    metadata: input.metadata ?? {},
    maxAttempts: 1,
    attemptsLeft: 1,
    maxSends: 0,
    sends: 0,
    resendAt: now,
    ipAddress: input.circumstances.ipAddress,
    userAgent: input.circumstances.userAgent,
    createdAt: now,
    expiresAt: now + 1000 * input.expiresInSeconds,
    provenBy: null,
    actionId: input.actionId,
    deviceId: null,
  }
}

function optionsOf(
  { publicUrl }: Deps,
  { view: { settings } }: Call,
  row: NewPasskeyChallenge['row'],
  challenge: string,
  named: Named | null,
): PasskeyOptions {
  const { rpId, rpName } = relyingParty(settings, publicUrl, [])
  const known = named?.authenticators.filter(one => one.rpId === rpId) ?? []
  const ceremony = {
    rpId,
    challenge,
    userVerification: row.userVerification ?? 'preferred',
    expiresInSeconds: (row.expiresAt - row.createdAt) / 1000,
  }
  if (row.ceremony === 'authentication' || !named)
    return authenticationOptions({ ...ceremony, allowCredentials: known })
  return registrationOptions({
    ...ceremony,
    rpName,
    user: { id: named.user.id, ...namesOf(named.user) },
    excludeCredentials: known,
  })
}

/** By what the person tells the passkey from others in the lists of their devices. */
function namesOf(user: User): { name: string; displayName: string } {
  const proven = user.identifiers.find(one => one.verifiedAt !== null)
  const name = proven?.spelling ?? user.username ?? user.name ?? user.externalId ?? user.id
  return { name, displayName: user.name ?? name }
}
