import { maskEmail, parseEmail } from '../addresses/email.ts'
import { appOf, guardRedirect } from '../challenges/create.ts'
import {
  type Call,
  circumstancesOf,
  type Deps,
  limitedError,
  refuse,
  shownDevice,
  type ToldContext,
} from '../deps.ts'
import { presentedHash } from '../devices/devices.ts'
import { fieldError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import { beginLimits } from '../limits/limits.ts'
import type { Circumstances, Tracked } from '../ports.ts'
import type { Action, Authenticator, Session, User } from '../rows.ts'
import { newToken } from '../tokens.ts'
import { hashOf } from './attributes.ts'
import { definitionOf, judgeAction, stateAtTrack } from './judge.ts'
import type { Known } from './signals.ts'

/** What a browser may say when it begins (PROTOCOL section 7). */
export interface BeginSignIn {
  redirectUrl?: string | undefined
  state?: string | undefined
  codeChallenge?: string | undefined
  loginHint?: string | undefined
  locale?: string | undefined
}

/** Where an action is begun; `shown` as `newDevice` takes it. */
export interface Browser {
  circumstances: Circumstances
  shown: string | null | undefined
}

/** What a backend tells when it tracks an action. */
export interface TrackAction {
  name: string
  reference?: string | undefined
  intent?: string | undefined
  attributes?: Record<string, unknown> | undefined
  userId?: string | undefined
  user?: { email?: string | undefined; externalId?: string | undefined } | undefined
  redirectUrl?: string | undefined
  state?: string | undefined
  codeChallenge?: string | undefined
  locale?: string | undefined
  appId?: string | undefined
  context?: ToldContext | undefined
}

/**
 * An action with its working token, and with the opening token that is in `url`. Both are shown once: never again for its
 * reference, and not where there is nothing to do for a browser.
 */
export interface TrackedAction {
  action: Action
  token: string | null
  openingToken: string | null
  /** It was tracked before by this reference. */
  isRepeat: boolean
  user: User | null
  authenticators: Authenticator['type'][]
}

/**
 * Begins a sign-in for a browser: the answer's token drives it and nothing else does.
 * Refusals: `redirect_url_not_allowed`, `invalid_request`, `rate_limited`.
 */
export async function beginSignIn(
  deps: Deps,
  call: Call,
  appId: string,
  input: BeginSignIn,
  from: Browser,
): Promise<{ action: Action; token: string }> {
  guardRedirect(call, appOf(call, appId), input)
  const token = newToken('oat', deps.random.bytes(32))
  const begun = { ...input, ...from, name: 'signIn', appId, isTracked: false }
  const row = newAction(deps, call, begun, null)
  const outcome = await deps.store.createAction({
    origin: { ...call.origin, appId },
    now: row.createdAt,
    row,
    limits: beginLimits(from.circumstances),
    openingHash: null,
    workingHash: deps.keyring.tokenHash(token),
  })
  return { action: tracked(outcome), token }
}

/**
 * Begins a sign-in for a person who is signed in: nobody else can be proven in it, so its result is a fresh session of
 * theirs. Refusals: `redirect_url_not_allowed`, `rate_limited`.
 */
export async function beginProof(
  deps: Deps,
  call: Call,
  { user, session }: { user: User; session: Session },
  input: Omit<BeginSignIn, 'loginHint'>,
  from: Browser,
): Promise<{ action: Action; token: string }> {
  const { appId } = session
  guardRedirect(call, appOf(call, appId), input)
  const token = newToken('oat', deps.random.bytes(32))
  const begun = { ...input, ...from, name: 'signIn', appId, isTracked: false }
  const row = newAction(deps, call, begun, null)
  // An address that nobody has proven leads to no account.
  const email = user.identifiers.find(one => one.type === 'email' && one.verifiedAt !== null)
  const named = { isNamed: true, userId: user.id, address: email?.value ?? null }
  const outcome = await deps.store.createAction({
    origin: { ...call.origin, appId },
    now: row.createdAt,
    row: { ...row, ...named, requestedTo: email ? maskEmail(email.value) : null },
    limits: beginLimits(from.circumstances),
    openingHash: null,
    workingHash: deps.keyring.tokenHash(token),
  })
  return { action: tracked(outcome), token }
}

/**
 * Tracks an action for a backend, which may name the user; then nobody else can be proven in it. The rules judge it here,
 * and its outcome never changes. With a reference that was used before, the answer is that action, without tokens.
 * Refusals: `not_found` (userId, externalId or appId), `redirect_url_not_allowed`, `invalid_request`, `already_exists` for a
 * reference under which something else was asked for.
 */
export async function trackAction(
  deps: Deps,
  call: Call,
  input: TrackAction,
  keep?: Keep<TrackedAction>,
): Promise<TrackedAction> {
  const app = appOf(call, input.appId)
  guardRedirect(call, app, input)
  const named = await namedUser(deps, call, input)
  const authenticators = named.user
    ? (await deps.store.listAuthenticators(call.view.environment.id, named.user.id)).map(one => one.type)
    : []
  const token = newToken('oat', deps.random.bytes(32))
  const openingToken = newToken('oat', deps.random.bytes(32))
  // Whether somebody may sign in is told alike for everybody until the proof, also where a backend named them: it may
  // only pass on what a visitor typed.
  const shown = shownDevice(input.context)
  const known =
    named.user && input.name !== 'signIn'
      ? { user: named.user, isNewUser: false, authenticators, past: await pastOf(deps, named.user, shown) }
      : null
  const circumstances = circumstancesOf(input.context)
  const begun = { ...input, appId: app.id, circumstances, shown, isTracked: true }
  const judged = newAction(deps, call, begun, known)
  const row = { ...judged, ...named.fields, reference: input.reference ?? null, askedHash: askedHash(input) }
  const isForBrowser = row.state === 'CHALLENGE_REQUIRED' || row.state === 'REVIEW_REQUIRED'
  return await writeOnce<Tracked, TrackedAction>(
    keep,
    once =>
      deps.store.createAction(
        {
          origin: { ...call.origin, appId: app.id },
          now: row.createdAt,
          row,
          // A backend is not limited by its own address.
          limits: [],
          openingHash: isForBrowser ? deps.keyring.tokenHash(openingToken) : null,
          workingHash: deps.keyring.tokenHash(token),
        },
        once,
      ),
    outcome => {
      const action = tracked(outcome)
      const isRepeat = outcome.kind === 'repeated'
      const isGiven = isForBrowser && !isRepeat
      return {
        action,
        token: isGiven ? token : null,
        openingToken: isGiven ? openingToken : null,
        isRepeat,
        user: named.user,
        authenticators,
      }
    },
  )
}

function tracked(outcome: Tracked): Action {
  if (outcome.kind === 'limited') throw limitedError(outcome)
  if (outcome.kind === 'referenceTaken')
    return refuse('already_exists', 'Something else was asked for by this reference.')
  return outcome.action
}

async function pastOf(deps: Deps, { id: userId, environmentId }: User, shown: string | null | undefined) {
  const presented = presentedHash(deps.keyring, shown)
  const now = deps.clock.now()
  return await deps.store.readPast({ environmentId, userId, presented, epoch: deps.epoch, now })
}

/** What was asked for by a reference; the circumstances may be others when it is asked for again. */
function askedHash({ reference, context, ...asked }: TrackAction): string | null {
  return reference === undefined ? null : hashOf(asked)
}

type Named = {
  fields: Partial<Pick<Action, 'isNamed' | 'userId' | 'address' | 'requestedTo'>>
  user: User | null
}

/** Whom the backend named. An address that leads to nobody yet is named all the same: its proof makes the user. */
async function namedUser(deps: Deps, call: Call, { userId, user: told }: TrackAction): Promise<Named> {
  const environmentId = call.view.environment.id
  const ways = [userId, told?.externalId, told?.email].filter(one => one !== undefined)
  if (ways.length > 1 || (told !== undefined && ways.length === 0))
    throw fieldError('user', 'invalid_value', 'is named by exactly one of userId, email and externalId')
  if (told?.email !== undefined) {
    const email = parseEmail(told.email)
    if (!email) throw fieldError('user.email', 'invalid_format', 'is not one e-mail address')
    return {
      fields: { isNamed: true, address: email.identity, requestedTo: maskEmail(email.identity) },
      user: null,
    }
  }
  if (ways.length === 0) return { fields: {}, user: null }
  const user =
    userId !== undefined
      ? await deps.store.findUser(environmentId, userId)
      : ((
          await deps.store.listUsers(
            environmentId,
            { email: null, phone: null, externalId: told?.externalId ?? '', username: null },
            { limit: 1, before: null, createdAfter: null, createdBefore: null },
          )
        ).rows[0] ?? null)
  const emails = user?.identifiers.filter(one => one.type === 'email') ?? []
  const email = emails.find(one => one.verifiedAt !== null) ?? emails[0]
  if (!user || !email) return refuse('not_found', 'There is no such user, or it has no e-mail address.')
  return {
    fields: { isNamed: true, userId: user.id, address: email.value, requestedTo: maskEmail(email.value) },
    user,
  }
}

function newAction(
  deps: Deps,
  { view }: Call,
  input: BeginSignIn &
    Pick<TrackAction, 'name' | 'attributes' | 'intent'> &
    Browser & {
      appId: string
      isTracked: boolean
    },
  known: Known | null,
): Action {
  const { settings, environment } = view
  const now = deps.clock.now()
  const { name, attributes = {} } = input
  const { ipAddress, userAgent } = input.circumstances
  const presented = presentedHash(deps.keyring, input.shown)
  const { outcome, demands, isJudged, decision } = judgeAction(
    view,
    { name, attributes, ipAddress, userAgent },
    known,
    deps.networks,
    now,
  )
  const { opensSession } = definitionOf(settings, name)
  return {
    id: newId('act', now),
    environmentId: environment.id,
    appId: input.appId,
    epoch: deps.epoch,
    name,
    reference: null,
    askedHash: null,
    intent: input.intent ?? null,
    attributes,
    outcome,
    state: stateAtTrack(outcome, opensSession),
    stateChangedAt: now,
    reason: null,
    isTracked: input.isTracked,
    isNamed: false,
    userId: null,
    address: null,
    requestedTo: null,
    challengeId: null,
    passkeyChallengeId: null,
    offersPasskey: false,
    method: null,
    demands,
    proofs: [],
    isJudged,
    opensSession,
    decision,
    redirectUrl: input.redirectUrl ?? null,
    clientState: input.state ?? null,
    codeChallenge: input.codeChallenge ?? null,
    loginHint: input.loginHint ?? null,
    locale: input.locale ?? null,
    ipAddress,
    userAgent,
    presentedDevice: presented === undefined ? null : (presented ?? ''),
    deviceId: null,
    approvalNumber: null,
    approvalExpiresAt: null,
    resultExpiresAt: null,
    validatedAt: null,
    createdAt: now,
    expiresAt: now + 1000 * settings.action.expiresInSeconds,
  }
}
