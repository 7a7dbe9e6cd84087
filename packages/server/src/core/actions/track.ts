import { maskEmail, parseEmail } from '../addresses/email.ts'
import { appOf, guardRedirect } from '../challenges/create.ts'
import { type Call, circumstancesOf, type Deps, limitedError, refuse, type ToldContext } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import { beginLimits } from '../limits/limits.ts'
import type { Circumstances, Tracked } from '../ports.ts'
import type { Action, ActionState, Authenticator, Outcome, Session, User } from '../rows.ts'
import { newToken } from '../tokens.ts'

/** What a browser may say when it begins (PROTOCOL section 7). */
export interface BeginSignIn {
  redirectUrl?: string | undefined
  state?: string | undefined
  codeChallenge?: string | undefined
  loginHint?: string | undefined
  locale?: string | undefined
}

/** What a backend tells when it tracks a sign-in. */
export interface TrackAction {
  name: 'signIn'
  userId?: string | undefined
  user?: { email?: string | undefined; externalId?: string | undefined } | undefined
  redirectUrl?: string | undefined
  state?: string | undefined
  codeChallenge?: string | undefined
  locale?: string | undefined
  appId?: string | undefined
  context?: ToldContext | undefined
}

/** An action with its working token, and with the opening token that is in `url`. Both are shown once. */
export interface TrackedAction {
  action: Action
  token: string
  openingToken: string | null
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
  circumstances: Circumstances,
): Promise<{ action: Action; token: string }> {
  guardRedirect(call, appOf(call, appId), input)
  const token = newToken('oat', deps.random.bytes(32))
  const row = newAction(deps, call, { ...input, name: 'signIn', appId, circumstances, isTracked: false })
  const outcome = await deps.store.createAction({
    origin: { ...call.origin, appId },
    now: row.createdAt,
    row,
    limits: beginLimits(circumstances),
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
  { user, session, circumstances }: { user: User; session: Session; circumstances: Circumstances },
  input: Omit<BeginSignIn, 'loginHint'>,
): Promise<{ action: Action; token: string }> {
  const { appId } = session
  guardRedirect(call, appOf(call, appId), input)
  const token = newToken('oat', deps.random.bytes(32))
  const row = newAction(deps, call, { ...input, name: 'signIn', appId, circumstances, isTracked: false })
  // An address that nobody has proven leads to no account.
  const email = user.identifiers.find(one => one.type === 'email' && one.verifiedAt !== null)
  const named = { isNamed: true, userId: user.id, address: email?.value ?? null }
  const outcome = await deps.store.createAction({
    origin: { ...call.origin, appId },
    now: row.createdAt,
    row: { ...row, ...named, requestedTo: email ? maskEmail(email.value) : null },
    limits: beginLimits(circumstances),
    openingHash: null,
    workingHash: deps.keyring.tokenHash(token),
  })
  return { action: tracked(outcome), token }
}

/**
 * Tracks a sign-in for a backend, which may name the user; then nobody else can be proven in it.
 * Refusals: `not_found` (userId, externalId or appId), `redirect_url_not_allowed`, `invalid_request`.
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
  const row = newAction(deps, call, {
    ...input,
    appId: app.id,
    circumstances: circumstancesOf(input.context),
    isTracked: true,
  })
  return await writeOnce<Tracked, TrackedAction>(
    keep,
    once =>
      deps.store.createAction(
        {
          origin: { ...call.origin, appId: app.id },
          now: row.createdAt,
          row: { ...row, ...named.fields },
          // A backend is not limited by its own address.
          limits: [],
          openingHash: deps.keyring.tokenHash(openingToken),
          workingHash: deps.keyring.tokenHash(token),
        },
        once,
      ),
    outcome => ({ action: tracked(outcome), token, openingToken, user: named.user, authenticators }),
  )
}

function tracked(outcome: Tracked): Action {
  if (outcome.kind === 'limited') throw limitedError(outcome)
  return outcome.action
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

const STATES: Record<Outcome, ActionState> = {
  ALLOW: 'ALLOW',
  CHALLENGE: 'CHALLENGE_REQUIRED',
  REVIEW: 'REVIEW_REQUIRED',
  BLOCK: 'BLOCK',
}

function newAction(
  deps: Deps,
  { view }: Call,
  input: BeginSignIn & { name: string; appId: string; circumstances: Circumstances; isTracked: boolean },
): Action {
  const { settings, environment } = view
  const now = deps.clock.now()
  const outcome = settings.action.defaultOutcome.signIn
  return {
    id: newId('act', now),
    environmentId: environment.id,
    appId: input.appId,
    epoch: deps.epoch,
    name: input.name,
    outcome,
    state: STATES[outcome],
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
    redirectUrl: input.redirectUrl ?? null,
    clientState: input.state ?? null,
    codeChallenge: input.codeChallenge ?? null,
    loginHint: input.loginHint ?? null,
    locale: input.locale ?? null,
    ipAddress: input.circumstances.ipAddress,
    userAgent: input.circumstances.userAgent,
    approvalNumber: null,
    approvalExpiresAt: null,
    resultExpiresAt: null,
    validatedAt: null,
    createdAt: now,
    expiresAt: now + 1000 * settings.action.expiresInSeconds,
  }
}
