import type { Call, Deps } from '../deps.ts'
import { OstiaryError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Circumstances } from '../ports.ts'
import type { Challenge, Claims, EventType, NewEvent, User } from '../rows.ts'
import { webhookHeaders } from '../standard-webhooks.ts'
import { userBody } from '../users/body.ts'
import { VERSION } from '../version.ts'
import { type Decision, readAnswer } from './answer.ts'
import type { HookFailure } from './call.ts'
import { hookKeys } from './secret.ts'

/**
 * The hook before a sign-in: once the proof is judged and before there is a session, the app may say no, or add claims.
 * Whatever opens a session needs a `Consent`, and this file is the only one that gives any.
 */

declare const given: unique symbol

/** Leave to open a session, with what its access tokens are to say besides. */
export interface Consent {
  readonly claims: Claims
  readonly [given]: true
}

const consent = (claims: Claims) => ({ claims }) as Consent

/** Consent where the environment has no hook; null where it has to be asked. */
export const consentUnasked = ({ view }: Pick<Call, 'view'>): Consent | null =>
  view.settings.hooks.beforeSignIn.url === null ? consent({}) : null

/** Thrown out of an opening that was tried without consent, and would have opened: nothing was written. */
export class ConsentNeeded extends Error {
  readonly proof: Proof
  constructor(proof: Proof) {
    super('the hook has to be asked first')
    this.proof = proof
  }
}

interface Proof {
  challenge: Challenge
  user: User
}

/**
 * Opens a session with consent. Where there is a hook, `open` runs without one first, which judges and writes nothing; then
 * the hook is asked, with no transaction open; then `open` judges again and writes. Refusals: those of `open`;
 * `hook_denied`, which ends the proof; `unavailable` where the hook fails and the setting does not say `allow`: the proof
 * stands, and the same call may be repeated.
 */
export async function withConsent<Result>(
  deps: Deps,
  call: Call,
  circumstances: Circumstances,
  open: (consent: Consent | null) => Promise<Result>,
): Promise<Result> {
  const unasked = consentUnasked(call)
  if (unasked) return await open(unasked)
  let proof: Proof
  try {
    return await open(null)
  } catch (error) {
    if (!(error instanceof ConsentNeeded)) throw error
    proof = error.proof
  }
  return await open(await ask(deps, call, circumstances, proof))
}

async function ask(deps: Deps, call: Call, circumstances: Circumstances, proof: Proof): Promise<Consent> {
  const { onFailure } = call.view.settings.hooks.beforeSignIn
  const now = deps.clock.now()
  const tell = (type: EventType, data: object) => eventOf(type, id, call, proof, now, data)
  const id = newId('evt', now)
  const decision = await decisionOf(deps, call, circumstances, proof, id, now)
  if ('failure' in decision) {
    const { failure: reason, detail } = decision
    await deps.store.addEvents([tell('hook.failed', { hook: 'beforeSignIn', reason, detail, onFailure })])
    if (onFailure === 'allow') return consent({})
    throw new OstiaryError('unavailable', {
      detail: 'The hook that decides on sign-ins gave no answer that counts. The proof stands: try again.',
      retryAfterSeconds: 1,
      reason: `hook beforeSignIn: ${reason}: ${detail}`,
    })
  }
  if (decision.decision === 'allow') return consent(decision.claims)
  const { reason } = decision
  await deps.store.denySignIn({
    challengeId: proof.challenge.id,
    event: tell('hook.denied', { hook: 'beforeSignIn', reason }),
    origin: call.origin,
    now: deps.clock.now(),
  })
  throw new OstiaryError('hook_denied', { reason: `hook beforeSignIn: ${reason ?? 'no reason given'}` })
}

async function decisionOf(
  deps: Deps,
  { view }: Call,
  circumstances: Circumstances,
  proof: Proof,
  id: string,
  now: number,
): Promise<Decision | HookFailure> {
  const { url, timeoutMs } = view.settings.hooks.beforeSignIn
  const { id: environmentId, mode } = view.environment
  const keys = await hookKeys(deps, environmentId)
  if (url === null || keys === null)
    return { failure: 'noSecret', detail: 'there is no secret to sign with: rotate it' }
  const body = JSON.stringify({
    type: 'before_sign_in',
    timestamp: new Date(now).toISOString(),
    data: dataOf(view, circumstances, proof),
  })
  const headers = {
    'Content-Type': 'application/json',
    Accept: 'application/json',
    'User-Agent': `Ostiary-Hooks/${VERSION}`,
    ...webhookHeaders(keys, id, now, body),
  }
  const called = await deps.callHook({ url, environmentId, mode, headers, body, timeoutMs })
  return 'failure' in called ? called : readAnswer(called.answer)
}

const METHODS = { code: 'emailCode', link: 'emailLink', passkey: 'passkey' } as const

/** No code, no token, no hash: what the app may know of a sign-in that is about to happen. */
function dataOf(view: Call['view'], { ipAddress, userAgent }: Circumstances, { challenge, user }: Proof) {
  const app = view.apps.find(one => one.id === challenge.appId)
  return {
    user: userBody(user),
    // Made by the write of this very proof.
    isNewUser: user.createdAt === challenge.verifiedAt,
    method: METHODS[challenge.provenBy ?? 'code'],
    purpose: challenge.purpose,
    provenAt: new Date(challenge.verifiedAt ?? 0).toISOString(),
    environmentId: challenge.environmentId,
    app: { id: challenge.appId, name: app?.name ?? null },
    // As told by the call that opens the session, else as it was when the proof was asked for.
    context: { ipAddress: ipAddress ?? challenge.ipAddress, userAgent: userAgent ?? challenge.userAgent },
    challengeId: challenge.id,
    actionId: challenge.actionId,
  }
}

const eventOf = (
  type: EventType,
  id: string,
  { origin }: Call,
  { challenge, user }: Proof,
  now: number,
  data: object,
): NewEvent => ({
  ...origin,
  id,
  type,
  appId: challenge.appId,
  userId: user.id,
  challengeId: challenge.id,
  actionId: challenge.actionId,
  sessionId: null,
  organizationId: null,
  context: { ipAddress: challenge.ipAddress, userAgent: challenge.userAgent },
  data: { ...data },
  createdAt: now,
})
