import { type Call, type Deps, refuse } from '../deps.ts'
import {
  begunChallenge,
  newPasskeyChallenge,
  PASSKEY_LIVES_SECONDS,
  type PasskeyOptions,
} from '../passkeys/begin.ts'
import { type PasskeyCredential, passkeyProof } from '../passkeys/finish.ts'
import type { Offer } from '../ports.ts'
import type { Action, Authenticator, Ceremony, Challenge } from '../rows.ts'
import { newToken } from '../tokens.ts'
import {
  type ActionResult,
  type AtWork,
  at,
  attemptOf,
  deviceOf,
  guardMethod,
  guardStep,
  isGiven,
  type Proof,
  progressOf,
  proven,
  RESULT_LIVES_MS,
  resultOf,
} from './work.ts'

/** Passkeys inside an action: the proof by one at any step, one that is enrolled where rules take that, and the offer of one. */

const BEFORE_PROOF = ['identify', 'method', 'code', 'link', 'approve', 'enroll']
const ENROLLING = ['enroll', 'offer']
const DAY = 24 * 60 * 60_000

/**
 * Asks for a passkey beside whatever else is under way. The browser is told the same for everybody: which passkeys there
 * are it asks the person's device. Refusals: `state_conflict`, `invalid_request` where passkeys are off, `rate_limited`.
 */
export async function askForPasskey(
  deps: Deps,
  work: AtWork,
): Promise<{ action: Action; publicKey: PasskeyOptions }> {
  guardStep(deps, work, BEFORE_PROOF)
  guardMethod(work, 'passkey')
  return await begin(deps, work, 'authentication')
}

/**
 * Answers with a passkey. Refusals: `token_invalid` for whatever is wrong with it, `challenge_expired`, `challenge_used`,
 * `attempts_exhausted`, `user_blocked`, `rate_limited`, and `state_conflict` where none was asked for.
 */
export async function verifyPasskeyInAction(
  deps: Deps,
  work: AtWork,
  credential: PasskeyCredential,
): Promise<Proof & { result: ActionResult | null }> {
  guardStep(deps, work, BEFORE_PROOF)
  guardMethod(work, 'passkey')
  const { action } = work
  const asked = await challengeOf(deps, work)
  // A backend may name somebody by an address that leads to no account yet.
  const ownerOf = action.isNamed && action.userId === null ? action.address : null
  const proof = await passkeyProof(deps, work, asked, credential, work.circumstances, ownerOf)
  const token = newToken('oht', deps.random.bytes(32))
  const { device, deviceToken } = deviceOf(deps, work)
  const outcome = await deps.store.attemptInAction({
    ...at(deps, work),
    attempt: attemptOf(deps, work, action, proof, work.circumstances),
    device,
    result: { hash: deps.keyring.tokenHash(token), livesMs: RESULT_LIVES_MS },
    progress: progressOf(deps, work),
  })
  const { action: done, challenge, isDeviceNew } = proven(outcome)
  const result = isGiven(done) ? resultOf(done, token) : null
  return { action: done, challenge, result, deviceToken: isDeviceNew ? deviceToken : null }
}

/** What the settings say of offering a passkey after another proof, to a client that can show it. */
export const offerOf = ({ view: { settings } }: Pick<Call, 'view'>): Offer | undefined =>
  settings.methods.passkey ? { everyMs: settings.passkey.offerEveryDays * DAY } : undefined

/**
 * Begins to enrol a passkey: takes the offer, or does what the rules take in place of a passkey that there is not. The proof
 * of this action is what makes it fresh. Refusals: `state_conflict` at any other step, and for who has one by now; those of
 * `askForPasskey`.
 */
export async function enroll(
  deps: Deps,
  work: AtWork,
): Promise<{ action: Action; publicKey: PasskeyOptions }> {
  guardStep(deps, work, ENROLLING)
  return await begin(deps, work, 'registration')
}

/**
 * The new passkey, and with it the result. A refusal leaves the step as it is: the person may try again, and skip an offer
 * by `finish`. Refusals: as `verifyPasskeyInAction`.
 */
export async function finishEnrollment(
  deps: Deps,
  work: AtWork,
  credential: PasskeyCredential,
): Promise<{
  action: Action
  authenticator: Authenticator
  result: ActionResult
  deviceToken: string | null
}> {
  guardStep(deps, work, ENROLLING)
  const asked = await challengeOf(deps, work)
  const proof = await passkeyProof(deps, work, asked, credential, work.circumstances)
  const token = newToken('oht', deps.random.bytes(32))
  const { device, deviceToken } = deviceOf(deps, work)
  const outcome = await deps.store.enrolInAction({
    ...at(deps, work),
    attempt: attemptOf(deps, work, work.action, proof, work.circumstances),
    device,
    result: { hash: deps.keyring.tokenHash(token), livesMs: RESULT_LIVES_MS },
    progress: progressOf(deps, work),
  })
  const { action, authenticator, isDeviceNew } = proven(outcome)
  if (!authenticator) return refuse('state_conflict')
  return {
    action,
    authenticator,
    result: resultOf(action, token),
    deviceToken: isDeviceNew ? deviceToken : null,
  }
}

async function begin(
  deps: Deps,
  work: AtWork,
  ceremony: Ceremony,
): Promise<{ action: Action; publicKey: PasskeyOptions }> {
  const { action, circumstances } = work
  const leftMs = action.expiresAt - deps.clock.now()
  const enrols = ceremony === 'registration'
  const { asked, publicKey } = await newPasskeyChallenge(deps, work, {
    ceremony,
    userId: enrols ? action.userId : null,
    purpose: action.name,
    // The action's result opens the session, not the proof.
    opensSession: false,
    appId: action.appId,
    expiresInSeconds: Math.min(PASSKEY_LIVES_SECONDS, Math.ceil(leftMs / 1000)),
    actionId: action.id,
    circumstances,
  })
  // Whom a backend named stands in the row, and not in what the browser is told.
  const challenge = { ...asked, row: { ...asked.row, userId: action.userId } }
  const outcome = await deps.store.beginPasskeyInAction({ ...at(deps, work), challenge, enrols })
  if (outcome.kind === 'stateConflict') return refuse('state_conflict')
  return { action: { ...action, passkeyChallengeId: begunChallenge(outcome).id }, publicKey }
}

async function challengeOf({ store }: Deps, { action }: AtWork): Promise<Challenge> {
  const { environmentId, passkeyChallengeId } = action
  const challenge =
    passkeyChallengeId === null ? null : await store.findChallenge(environmentId, passkeyChallengeId)
  return challenge ?? refuse('state_conflict', 'No passkey was asked for.')
}
