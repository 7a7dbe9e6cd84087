import { type EmailAddress, maskEmail, parseEmail } from '../addresses/email.ts'
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
import { fieldError, OstiaryError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import { beginLimits } from '../limits/limits.ts'
import { hasProvenEmail } from '../methods/email.ts'
import type { Circumstances, Tracked } from '../ports.ts'
import type { Action, Authenticator, Session, User } from '../rows.ts'
import { newToken } from '../tokens.ts'
import { hashOf } from './attributes.ts'
import { definitionOf, judgeAction, meansOf, ownerOf, stateAtTrack } from './judge.ts'
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
 * and its outcome never changes. With a reference that was used before, the answer is that action, without tokens. A user
 * whom nobody knows by the `externalId` is made in the same write, the address told with it unproven.
 * Refusals: `not_found` (userId or appId), `redirect_url_not_allowed`, `invalid_request`, `already_exists` for a reference
 * under which something else was asked for.
 */
export async function trackAction(
  deps: Deps,
  call: Call,
  input: TrackAction,
  keep?: Keep<TrackedAction>,
): Promise<TrackedAction> {
  const app = appOf(call, input.appId)
  guardRedirect(call, app, input)
  // Who is made by another call meanwhile is known the next time; only deleted users come and go.
  for (let tries = 3; tries > 0; tries--) {
    const whole = await trackOnce(deps, call, app.id, input, keep)
    if (whole) return whole
  }
  throw new OstiaryError('unavailable', { reason: 'the user of an externalId came and went' })
}

/** Null: the user to be made was made by somebody else meanwhile. */
async function trackOnce(
  deps: Deps,
  call: Call,
  appId: string,
  input: TrackAction,
  keep: Keep<TrackedAction> | undefined,
): Promise<TrackedAction | null> {
  const named = await namedUser(deps, call, input)
  const row = await rowOf(deps, call, appId, input, named)
  const token = newToken('oat', deps.random.bytes(32))
  const openingToken = newToken('oat', deps.random.bytes(32))
  const isForBrowser = row.state === 'CHALLENGE_REQUIRED' || row.state === 'REVIEW_REQUIRED'
  let isUserKnown = false
  const whole = writeOnce<Tracked, TrackedAction>(
    keep,
    once =>
      deps.store.createAction(
        {
          origin: { ...call.origin, appId },
          now: row.createdAt,
          row,
          // A backend is not limited by its own address.
          limits: [],
          openingHash: isForBrowser ? deps.keyring.tokenHash(openingToken) : null,
          workingHash: deps.keyring.tokenHash(token),
          ...(named.isNew && named.user && { newUser: named.user }),
        },
        once,
      ),
    outcome => {
      isUserKnown = outcome.kind === 'userKnown'
      const action = tracked(outcome)
      const isRepeat = outcome.kind === 'repeated'
      const isGiven = isForBrowser && !isRepeat
      return {
        action,
        token: isGiven ? token : null,
        openingToken: isGiven ? openingToken : null,
        isRepeat,
        user: named.user,
        authenticators: named.authenticators,
      }
    },
  )
  return await whole.catch(refusal => {
    if (isUserKnown) return null
    throw refusal
  })
}

/** The row of a tracked action, as the rules judge it. */
async function rowOf(
  deps: Deps,
  call: Call,
  appId: string,
  input: TrackAction,
  { user, authenticators, isNew, fields }: Named,
): Promise<Action> {
  const shown = shownDevice(input.context)
  // Whether somebody may sign in is told alike for everybody until the proof, also where a backend named them: it may
  // only pass on what a visitor typed.
  const known =
    user && input.name !== 'signIn'
      ? {
          user,
          authenticators,
          isNewUser: isNew,
          mayEnrol: hasProvenEmail(user),
          past: await pastOf(deps, user, shown),
        }
      : null
  const begun = { ...input, appId, circumstances: circumstancesOf(input.context), shown, isTracked: true }
  const judged = newAction(deps, call, begun, known)
  const told = { ...judged, ...fields, reference: input.reference ?? null, askedHash: askedHash(input) }
  const owner = user && ownerOf({ user, authenticators, mayEnrol: false })
  const hasMeans = meansOf(call.view.settings, input.name, owner).methods.length > 0
  // Who has nothing to prove by is for a person to look at.
  return hasMeans || told.state !== 'CHALLENGE_REQUIRED'
    ? told
    : { ...told, outcome: 'REVIEW', state: 'REVIEW_REQUIRED' }
}

function tracked(outcome: Tracked): Action {
  if (outcome.kind === 'limited') throw limitedError(outcome)
  if (outcome.kind === 'referenceTaken')
    return refuse('already_exists', 'Something else was asked for by this reference.')
  if (outcome.kind === 'userKnown') return refuse('state_conflict')
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

interface Named {
  fields: Partial<Pick<Action, 'isNamed' | 'userId' | 'address' | 'requestedTo'>>
  user: User | null
  authenticators: Authenticator['type'][]
  /** Nobody had the `externalId`: the user is yet to be written. */
  isNew: boolean
}

const NOBODY: Named = { fields: {}, user: null, authenticators: [], isNew: false }

/** Whom the backend named. An address that leads to nobody yet is named all the same: its proof makes the user. */
async function namedUser(deps: Deps, call: Call, { userId, user: told }: TrackAction): Promise<Named> {
  const environmentId = call.view.environment.id
  const isTold = told?.email !== undefined || told?.externalId !== undefined
  if (userId !== undefined ? told !== undefined : told !== undefined && !isTold)
    throw fieldError('user', 'invalid_value', 'is named by userId, or by email, externalId or both')
  const email = told?.email === undefined ? null : parseEmail(told.email)
  if (told?.email !== undefined && !email)
    throw fieldError('user.email', 'invalid_format', 'is not one e-mail address')
  if (userId === undefined && told?.externalId === undefined)
    return email ? { ...NOBODY, fields: addressed(email.identity) } : NOBODY
  const found =
    userId !== undefined
      ? await deps.store.findUser(environmentId, userId)
      : await userByExternalId(deps, environmentId, told?.externalId ?? '')
  const made =
    found || told?.externalId === undefined ? null : newUser(deps, environmentId, told.externalId, email)
  const user = found ?? made
  if (!user) return refuse('not_found', 'There is no such user.')
  const emails = user.identifiers.filter(one => one.type === 'email')
  const own = (emails.find(one => one.verifiedAt !== null) ?? emails[0])?.value ?? null
  const authenticators = found ? await deps.store.listAuthenticators(environmentId, user.id) : []
  return {
    fields: { ...addressed(own), userId: user.id },
    user,
    authenticators: authenticators.map(one => one.type),
    isNew: found === null,
  }
}

const addressed = (address: string | null) => ({
  isNamed: true,
  address,
  requestedTo: address === null ? null : maskEmail(address),
})

async function userByExternalId(
  { store }: Deps,
  environmentId: string,
  externalId: string,
): Promise<User | null> {
  const { rows } = await store.listUsers(
    environmentId,
    { email: null, phone: null, externalId, username: null },
    { limit: 1, before: null, createdAfter: null, createdBefore: null },
  )
  return rows[0] ?? null
}

/** Nothing of them is proven, and so the address leads to no account (PROTOCOL section 5). */
function newUser(
  { clock }: Deps,
  environmentId: string,
  externalId: string,
  email: EmailAddress | null,
): User {
  const now = clock.now()
  const address = email && {
    type: 'email' as const,
    value: email.identity,
    spelling: email.spelling,
    verifiedAt: null,
    isPrimary: true,
  }
  return {
    id: newId('usr', now),
    environmentId,
    externalId,
    name: null,
    username: null,
    locale: null,
    status: 'active',
    metadata: {},
    createdAt: now,
    updatedAt: now,
    lastSignInAt: null,
    identifiers: address ? [address] : [],
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
    remembersDevice: true,
    deviceId: null,
    approvalNumber: null,
    approvalExpiresAt: null,
    resultExpiresAt: null,
    validatedAt: null,
    createdAt: now,
    expiresAt: now + 1000 * settings.action.expiresInSeconds,
  }
}
