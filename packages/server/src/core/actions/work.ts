import { parseEmail } from '../addresses/email.ts'
import { withQuery } from '../addresses/redirect-url.ts'
import { createdChallenge, guardDestination } from '../challenges/create.ts'
import { type ResentChallenge, resendChallenge } from '../challenges/resend.ts'
import { refusalOf } from '../challenges/verify.ts'
import { type Call, type Deps, refuse } from '../deps.ts'
import { newDevice, presentedHash } from '../devices/devices.ts'
import { fieldError } from '../errors.ts'
import { newId } from '../ids.ts'
import { exposureOf, wrongLimits } from '../limits/limits.ts'
import type { MethodName, SentMethodName } from '../methods/method.ts'
import { SENT_METHODS, sentMethodsOf } from '../methods/methods.ts'
import type { AtAction, Attempt, AttemptedInAction, Circumstances, Offer } from '../ports.ts'
import type { Action, ActionProof, Challenge } from '../rows.ts'
import { isToken, newToken } from '../tokens.ts'
import { methodsLeft } from './demands.ts'
import { afterProof, methodsIn, type Progress } from './judge.ts'
import type { Known } from './signals.ts'
import { stepOf } from './state.ts'

/** An action in the hands of the browser that works on it, read at the beginning of a call. */
export interface AtWork extends Call {
  action: Action
  challenge: Challenge | null
  workingHash: string
  circumstances: Circumstances
  /** The device token of a browser that can keep one, as `newDevice` takes it. */
  shown?: string | null | undefined
  /** False where the page asks whether it may be remembered, and the person did not say yes. */
  isRemembered?: boolean
}

/** What the last proof gives: a token for the app's backend (60 s, once), and where the browser takes it. */
export interface ActionResult {
  token: string
  redirectTo: string | null
}

/** What a proof inside an action leads to; `deviceToken` where this browser gets a new one. */
export interface Proof {
  action: Action
  challenge: Challenge
  deviceToken: string | null
}

/** How long a result token can be redeemed. */
export const RESULT_LIVES_MS = 60_000

/** The action that a working token drives, with its challenge; null for any other text. */
export async function findWork(
  { store, keyring }: Deps,
  token: string,
): Promise<Pick<AtWork, 'action' | 'challenge' | 'workingHash'> | null> {
  if (!isToken('oat', token)) return null
  const workingHash = keyring.tokenHash(token)
  const found = await store.findActionByToken(workingHash)
  return found && { ...found, workingHash }
}

/**
 * Trades the one-time opening token of `url` for a working token, which is for the browser's cookie.
 * Refusal: `token_invalid` for every opener after the first, and once somebody works on the action.
 */
export async function openAction(
  { store, keyring, random, clock, epoch }: Deps,
  openingToken: string,
): Promise<{ action: Action; token: string }> {
  if (!isToken('oat', openingToken)) return refuse('token_invalid')
  const token = newToken('oat', random.bytes(32))
  const action = await store.openAction({
    openingHash: keyring.tokenHash(openingToken),
    workingHash: keyring.tokenHash(token),
    now: clock.now(),
    epoch,
  })
  return action ? { action, token } : refuse('token_invalid')
}

/**
 * Notes the address; also another one, until the action has ended. Refusals: `invalid_request`, `destination_not_allowed`,
 * `state_conflict` (over, or the backend has named who it is about).
 */
export async function identify(deps: Deps, work: AtWork, to: string): Promise<Action> {
  const { action } = work
  guardStep(deps, work, ['identify', 'method', 'code', 'link', 'approve'])
  if (action.isNamed) return refuse('state_conflict', 'The address of this action is set.')
  const email = parseEmail(to)
  if (!email) throw fieldError('to', 'invalid_format', 'is not one e-mail address that Ostiary can send to')
  guardDestination(work.view.settings, email.identity)
  const addressed = await deps.store.addressAction({
    ...at(deps, work),
    address: email.identity,
    requestedTo: to,
  })
  return addressed ?? refuse('state_conflict')
}

/**
 * Starts a method. Refusals: `state_conflict` before the address is told and after the end, `invalid_request` for a method
 * that is off, and those of `createChallenge`.
 */
export async function send(
  deps: Deps,
  work: AtWork,
  name: SentMethodName,
): Promise<{ action: Action; challenge: Challenge }> {
  guardStep(deps, work, ['method', 'code', 'link', 'approve'])
  const method = sentMethodsOf(work.view.settings).find(one => one.name === name)
  if (!method) throw fieldError('method', 'invalid_value', 'is not a method that the settings have on')
  guardMethod(work, name)
  const { action, circumstances } = work
  // The browser in hand, else the one that the backend told of, as where rules are judged.
  const shown = presentedHash(deps.keyring, work.shown) ?? (action.presentedDevice || null)
  const asked = await method.begin(deps, work, action, { circumstances, presentedHash: shown })
  const outcome = await deps.store.sendInAction({ ...at(deps, work), challenge: asked })
  if (outcome.kind === 'stateConflict') return refuse('state_conflict')
  const challenge = createdChallenge(outcome)
  const sent = { challengeId: challenge.id, approvalNumber: null, approvalExpiresAt: null }
  return { action: { ...work.action, ...sent }, challenge }
}

/** Sends another message of the challenge that is under way. Refusals: as `resendChallenge`, and `state_conflict`. */
export async function resend(deps: Deps, work: AtWork): Promise<ResentChallenge> {
  guardStep(deps, work, ['code', 'link', 'approve'])
  return await resendChallenge(deps, work, work.challenge?.id ?? '', undefined, work.action.id)
}

/**
 * Answers with the code. The proof and the action's new state are one write, and the result token is in this answer and in
 * no other; it is null where the person is asked first whether they want a passkey (`offer`), and where the rules ask for
 * more than this proof. Refusals: those of
 * `verifyCode`, and `state_conflict` where no code was asked for.
 */
export async function verify(
  deps: Deps,
  work: AtWork,
  code: string,
  offer?: Offer,
): Promise<Proof & { result: ActionResult | null }> {
  guardStep(deps, work, ['code'])
  const method = SENT_METHODS.find(one => one.step === 'code')
  if (!work.challenge || !method) return refuse('state_conflict')
  const token = newToken('oht', deps.random.bytes(32))
  const proof = method.finish(deps, work.challenge, code)
  const { device, deviceToken } = deviceOf(deps, work)
  const outcome = await deps.store.attemptInAction({
    ...at(deps, work),
    attempt: attemptOf(deps, work, work.action, proof, work.circumstances),
    device,
    result: { hash: deps.keyring.tokenHash(token), livesMs: RESULT_LIVES_MS },
    progress: progressOf(deps, work),
    ...(offer !== undefined && { offer }),
  })
  const { action, challenge, isDeviceNew } = proven(outcome)
  const result = isGiven(action) ? resultOf(action, token) : null
  return { action, challenge, result, deviceToken: isDeviceNew ? deviceToken : null }
}

/**
 * The result of an action that a link on another device has proven, or whose offer of a passkey the person skips. Once:
 * `state_conflict` for any other caller, and where the proof's own answer had the result.
 */
export async function finish(
  deps: Deps,
  work: AtWork,
): Promise<{ action: Action; result: ActionResult; deviceToken: string | null }> {
  const { device, deviceToken } = deviceOf(deps, work)
  const token = newToken('oht', deps.random.bytes(32))
  const finished = await deps.store.finishAction({
    ...at(deps, work),
    result: { hash: deps.keyring.tokenHash(token), livesMs: RESULT_LIVES_MS },
    device,
    circumstances: work.circumstances,
  })
  if (!finished) return refuse('state_conflict')
  const { action, isDeviceNew } = finished
  return { action, result: resultOf(action, token), deviceToken: isDeviceNew ? deviceToken : null }
}

/** The device of the browser in hand, as a sign-in in it would leave it. */
export const deviceOf = (deps: Deps, work: Pick<AtWork, 'view' | 'origin' | 'shown' | 'isRemembered'>) =>
  newDevice(deps, work, work.shown, deps.clock.now(), work.isRemembered)

/** Gives up. Refusal: `state_conflict` after the end. */
export async function cancel(deps: Deps, work: AtWork): Promise<Action> {
  return (await deps.store.cancelAction(at(deps, work))) ?? refuse('state_conflict')
}

/** By what the rules ask for: any other method proves nothing here. Refusal: `invalid_request`. */
export function guardMethod({ view, action }: Pick<AtWork, 'view' | 'action'>, name: MethodName): void {
  const left = methodsLeft(action, methodsIn(view.settings, action))
  if (!left.some(one => one.name === name))
    throw fieldError('method', 'invalid_value', 'is not a method that this action can be proven by')
}

/** What a proof makes of an action, by the rules as this call found them. */
export const progressOf =
  ({ networks }: Deps, { view }: Pick<AtWork, 'view'>) =>
  (action: Action, proof: ActionProof, known: Known | null): Progress =>
    afterProof(view, action, proof, known, networks)

/** Whether its result was in the answer to the proof. */
export const isGiven = (action: Action) => action.state === 'CHALLENGE_SUCCEEDED' && !action.offersPasskey

/** What the proof of an action is judged by: as `attempt` of `verifyCode`, but that the result opens the session. */
export function attemptOf(
  deps: Deps,
  call: Call,
  action: Action,
  proof: Attempt['proof'],
  circumstances: Circumstances,
): Attempt {
  const { settings } = call.view
  const now = deps.clock.now()
  return {
    origin: { ...call.origin, appId: action.appId },
    now,
    epoch: deps.epoch,
    purpose: action.name,
    proof,
    actionId: action.id,
    circumstances,
    wrongLimits: wrongLimits(settings, circumstances),
    exposure: exposureOf(settings),
    isSignUpOpen: settings.signUp === 'open',
    newUserId: newId('usr', now),
    session: null,
  }
}

/** The proof, or the refusal. */
export function proven(outcome: AttemptedInAction): Extract<AttemptedInAction, { kind: 'verified' }> {
  if (outcome.kind === 'verified') return outcome
  if (outcome.kind === 'stateConflict') return refuse('state_conflict')
  if (outcome.kind === 'approvalOver' || outcome.kind === 'approvalWrong') return refuse('link_invalid')
  throw refusalOf(outcome)
}

export function resultOf(action: Action, token: string): ActionResult {
  const { redirectUrl, clientState } = action
  return {
    token,
    redirectTo: redirectUrl === null ? null : withQuery(redirectUrl, { token, state: clientState }),
  }
}

export function at(deps: Deps, { action, workingHash, origin }: AtWork): AtAction {
  return {
    origin: { ...origin, appId: action.appId },
    now: deps.clock.now(),
    epoch: deps.epoch,
    actionId: action.id,
    workingHash,
  }
}

/** The order of steps is the server's: a step that is not due is refused before anything else. */
export function guardStep(deps: Deps, { action, challenge }: AtWork, due: readonly string[]) {
  const step = stepOf(action, challenge, deps.clock.now(), deps.epoch)
  if (!due.includes(step)) return refuse('state_conflict', `The action is at the step "${step}".`)
}
