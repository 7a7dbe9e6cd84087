import { addressTypesOf } from '../authenticators/authenticators.ts'
import { verifyPasskey } from '../challenges/verify.ts'
import { type Deps, refuse } from '../deps.ts'
import { newNotice } from '../notices/notice.ts'
import { type BegunPasskey, beginPasskey, PASSKEY_LIVES_SECONDS } from '../passkeys/begin.ts'
import { relyingParty } from '../passkeys/relying-party.ts'
import type { RegistrationCredential } from '../passkeys/shapes.ts'
import type { Authenticator } from '../rows.ts'
import { type AtAccount, contextOf } from './account.ts'

/** A registration for this purpose is the person's own, and opens nothing. */
const PURPOSE = 'addPasskey'

/** Begins to enrol a passkey. Refusals: `invalid_request` where passkeys are off, `rate_limited`. */
export const beginOwnPasskey = (deps: Deps, call: AtAccount): Promise<BegunPasskey> =>
  beginPasskey(deps, call, {
    ceremony: 'registration',
    userId: call.user.id,
    purpose: PURPOSE,
    opensSession: false,
    appId: call.session.appId,
    expiresInSeconds: PASSKEY_LIVES_SECONDS,
    actionId: null,
    circumstances: call.circumstances,
  })

/**
 * Enrols it, with a notice to the primary address. Refusals: those of `verifyPasskey`; `not_found` for a challenge that this
 * person did not begin, before anything is spent.
 */
export async function finishOwnPasskey(
  deps: Deps,
  call: AtAccount,
  input: { challengeId: string; credential: RegistrationCredential; name?: string | undefined },
): Promise<Authenticator> {
  const challenge = await deps.store.findChallenge(call.view.environment.id, input.challengeId)
  if (challenge?.userId !== call.user.id) return refuse('not_found')
  const { ipAddress, userAgent } = call.circumstances
  const { authenticator } = await verifyPasskey(deps, call, {
    ...input,
    purpose: PURPOSE,
    context: { ipAddress: ipAddress ?? undefined, userAgent: userAgent ?? undefined },
  })
  return authenticator ?? refuse('token_invalid')
}

export const ownAuthenticators = ({ store }: Deps, { view, user }: AtAccount): Promise<Authenticator[]> =>
  store.listAuthenticators(view.environment.id, user.id)

/** Gives one another name. Refusal: `not_found`. */
export async function renameOwn(
  { store, clock }: Deps,
  { user, origin }: AtAccount,
  { id, name }: { id: string; name: string },
): Promise<Authenticator> {
  return (await store.renameAuthenticator(user.id, id, name, origin, clock.now())) ?? refuse('not_found')
}

/** What the browser is told so that the device can forget the rest (WebAuthn Level 3, `signalAllAcceptedCredentials`). */
export interface Accepted {
  acceptedCredentialIds: string[]
  rpId: string
  userId: string
}

/** Removes one, with a notice to the primary address. Refusals: `not_found`, `state_conflict` for the last way in. */
export async function removeOwn(deps: Deps, call: AtAccount, id: string): Promise<Accepted> {
  const { view, user, origin, circumstances } = call
  const now = deps.clock.now()
  const removed = await deps.store.removeAuthenticator(
    user.id,
    id,
    addressTypesOf(view.settings),
    origin,
    now,
    { context: contextOf(call), notice: newNotice(deps, call, 'passkeyRemoved', circumstances, now) },
  )
  if (removed.kind === 'notFound') return refuse('not_found')
  if (removed.kind === 'lastWayIn') return refuse('state_conflict', 'It is the last way into this account.')
  const { rpId } = relyingParty(view.settings, deps.publicUrl, [])
  const left = await ownAuthenticators(deps, call)
  return {
    acceptedCredentialIds: left.filter(one => one.rpId === rpId).map(one => one.credentialId),
    rpId,
    userId: Buffer.from(user.id).toString('base64url'),
  }
}
