import { type Call, type Deps, refuse } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import { canBeStored } from '../passkeys/ceremony.ts'
import { providerOf } from '../passkeys/providers.ts'
import { relyingParty } from '../passkeys/relying-party.ts'
import type { AuthenticatorAdded } from '../ports.ts'
import type { Authenticator, Identifier } from '../rows.ts'
import type { Settings } from '../settings/settings.ts'

/** A passkey that was proven elsewhere, by another system for the same relying party. */
export interface ImportPasskey {
  credentialId: string
  publicKey: string
  isBackupEligible: boolean
  isBackedUp?: boolean | undefined
  signCount?: number | undefined
  transports?: string[] | undefined
  name?: string | undefined
  aaguid?: string | undefined
}

/**
 * Takes over a passkey for a user. Refusals: `invalid_request` for an id or a key that could never prove anything,
 * `not_found`, `already_exists`, `state_conflict` where the user has as many as anybody may.
 */
export async function importPasskey(
  deps: Deps,
  call: Call,
  userId: string,
  input: ImportPasskey,
  keep?: Keep<Authenticator>,
): Promise<Authenticator> {
  if (!(await canBeStored(input)))
    throw fieldError(
      'publicKey',
      'invalid_value',
      'is no key of ES256, Ed25519 or RS256 (COSE), or credentialId has not 16 to 1023 bytes',
    )
  const now = deps.clock.now()
  const authenticator: Authenticator = {
    id: newId('aut', now),
    environmentId: call.view.environment.id,
    userId,
    type: 'passkey',
    name: input.name ?? providerOf(input.aaguid ?? null) ?? 'Passkey',
    credentialId: input.credentialId,
    publicKey: input.publicKey,
    signCount: input.signCount ?? 0,
    transports: input.transports ?? [],
    aaguid: input.aaguid ?? null,
    rpId: relyingParty(call.view.settings, deps.publicUrl, []).rpId,
    isBackupEligible: input.isBackupEligible,
    isBackedUp: input.isBackedUp ?? false,
    hasUserVerification: false,
    createdAt: now,
    lastUsedAt: null,
  }
  return await writeOnce<AuthenticatorAdded, Authenticator>(
    keep,
    once => deps.store.addAuthenticator(authenticator, call.origin, now, once),
    outcome => {
      switch (outcome.kind) {
        case 'added':
          return outcome.authenticator
        case 'userUnknown':
          return refuse('not_found')
        case 'taken':
          return refuse('already_exists', 'A passkey with this credentialId is there already.')
        case 'tooMany':
          return refuse('state_conflict', 'The user has 50 authenticators, which is the most.')
      }
    },
  )
}

/** The authenticators of a user, newest first; at most 50. Refusal: `not_found`. */
export async function listAuthenticators(
  { store }: Deps,
  { view }: Call,
  userId: string,
): Promise<Authenticator[]> {
  const environmentId = view.environment.id
  const [user, authenticators] = await Promise.all([
    store.findUser(environmentId, userId),
    store.listAuthenticators(environmentId, userId),
  ])
  return user ? authenticators : refuse('not_found')
}

/** Gives an authenticator another name. Refusal: `not_found`. */
export async function renameAuthenticator(
  { store, clock }: Deps,
  { origin }: Call,
  input: { userId: string; id: string; name: string },
): Promise<Authenticator> {
  const renamed = await store.renameAuthenticator(input.userId, input.id, input.name, origin, clock.now())
  return renamed ?? refuse('not_found')
}

/** Takes an authenticator away. Refusals: `not_found`, `state_conflict` for the last way in that the user has. */
export async function removeAuthenticator(
  { store, clock }: Deps,
  { view, origin }: Call,
  input: { userId: string; id: string },
): Promise<void> {
  const types = addressTypesOf(view.settings)
  const removed = await store.removeAuthenticator(input.userId, input.id, types, origin, clock.now())
  if (removed.kind === 'notFound') return refuse('not_found')
  if (removed.kind === 'lastWayIn')
    return refuse('state_conflict', 'It is the last way in that the user has: prove an address first.')
}

/** The addresses by which somebody can still come in. */
export const addressTypesOf = ({ methods }: Settings): Identifier['type'][] =>
  methods.emailCode || methods.emailLink ? ['email'] : []
