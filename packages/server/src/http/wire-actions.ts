import { z } from 'zod'
import { methodsAllowed, methodsLeft } from '../core/actions/demands.ts'
import { methodsIn } from '../core/actions/judge.ts'
import { approvalNumber, endedRedirect, isOpen, stateOf, stepOf } from '../core/actions/state.ts'
import type { Deps } from '../core/deps.ts'
import type { EnvironmentView } from '../core/environments/directory.ts'
import { METHOD_NAMES, METHODS, SENT_METHOD_NAMES } from '../core/methods/methods.ts'
import type { Action, Authenticator, Challenge, User } from '../core/rows.ts'
import { Settings } from '../core/settings/settings.ts'
import { ownTexts } from '../core/settings/texts.ts'
import { userBody } from '../core/users/body.ts'
import { Instant, iso, isoOrNull, UserBody } from './wire.ts'

/** Actions on the wire: whole for backends, and what a browser may see (PROTOCOL sections 1 and 7). */

export const STATES = [
  'ALLOW',
  'BLOCK',
  'CHALLENGE_REQUIRED',
  'CHALLENGE_SUCCEEDED',
  'CHALLENGE_FAILED',
  'REVIEW_REQUIRED',
  'REVIEW_SUCCEEDED',
  'REVIEW_FAILED',
] as const
const MethodBody = z.enum(METHOD_NAMES)
const OutcomeBody = z.enum(['ALLOW', 'CHALLENGE', 'REVIEW', 'BLOCK'])
const actionId = z.string().meta({ examples: ['act_01k6z5v9hrf0qv2s8yb7m3c4dn'] })

export const ActionBody = z
  .object({
    id: actionId,
    name: z.string(),
    reference: z.string().nullable(),
    intent: z.string().nullable(),
    attributes: z.record(z.string(), z.unknown()),
    outcome: OutcomeBody,
    state: z.enum(STATES),
    stateChangedAt: Instant,
    userId: z.string().nullable(),
    appId: z.string(),
    isEnrolled: z.boolean(),
    enrolledMethods: z.array(MethodBody),
    allowedMethods: z.array(MethodBody),
    defaultMethod: MethodBody.nullable(),
    method: MethodBody.nullable(),
    completedSteps: z.array(MethodBody),
    nextStep: z.object({
      type: z.enum(['none', 'challenge', 'enroll', 'review']),
      methods: z.array(MethodBody),
    }),
    rules: z.array(z.object({ id: z.string(), name: z.string() })),
    decision: z
      .object({
        rulesVersion: z.int(),
        erring: z.array(
          z.object({ id: z.string(), name: z.string(), outcome: OutcomeBody, message: z.string() }),
        ),
        shadow: z.array(
          z.object({
            id: z.string(),
            name: z.string(),
            outcome: OutcomeBody,
            verdict: z.enum(['matched', 'missed', 'erred']),
            message: z.string().nullable(),
          }),
        ),
        seen: z.record(z.string(), z.unknown()),
        decidedAt: Instant,
      })
      .nullable(),
    createdAt: Instant,
    expiresAt: Instant,
    validatedAt: Instant.nullable(),
  })
  .meta({ id: 'Action' })

/** As in a list: without what has to be read of the user. */
export const ListedActionBody = ActionBody.omit({ isEnrolled: true, enrolledMethods: true }).meta({
  id: 'ListedAction',
})

export function actionBody(
  action: Action,
  user: User | null,
  authenticators: readonly Authenticator['type'][],
  view: EnvironmentView,
  deps: Pick<Deps, 'clock' | 'epoch'>,
) {
  const enrolled = METHODS.filter(method => user !== null && method.isEnrolled(user, authenticators)).map(
    one => one.name,
  )
  return {
    ...listedActionBody(action, view, deps),
    isEnrolled: enrolled.length > 0,
    enrolledMethods: enrolled,
  }
}

export function listedActionBody(
  action: Action,
  { settings }: EnvironmentView,
  { clock, epoch }: Pick<Deps, 'clock' | 'epoch'>,
) {
  const now = clock.now()
  const state = stateOf(action, now, epoch)
  const on = methodsIn(settings, action)
  const allowed = methodsAllowed(action, on).map(method => method.name)
  const step = stepOf(action, null, now, epoch)
  const isDue = isOpen(state) && step !== 'ended'
  const left = isDue ? methodsLeft(action, on).map(method => method.name) : []
  const { decision } = action
  const proven = action.proofs.map(one => MethodBody.parse(one.method))
  return {
    id: action.id,
    name: action.name,
    reference: action.reference,
    intent: action.intent,
    attributes: action.attributes,
    outcome: action.outcome,
    state,
    // One that ran out failed when it did, though nothing was written then.
    stateChangedAt: iso(state === action.state ? action.stateChangedAt : Math.min(action.expiresAt, now)),
    userId: action.userId,
    appId: action.appId,
    allowedMethods: allowed,
    defaultMethod: left[0] ?? allowed[0] ?? null,
    method: action.method === null ? null : MethodBody.parse(action.method),
    // Of before there were several proofs an action kept the method alone.
    completedSteps: proven.length > 0 || action.method === null ? proven : [MethodBody.parse(action.method)],
    nextStep: {
      type: isDue
        ? step === 'enroll'
          ? ('enroll' as const)
          : ('challenge' as const)
        : state === 'REVIEW_REQUIRED'
          ? ('review' as const)
          : ('none' as const),
      methods: left,
    },
    rules: (decision?.matched ?? []).map(({ id, name }) => ({ id, name })),
    decision: decision && {
      rulesVersion: decision.version,
      erring: decision.erring.map(({ id, name, outcome, message }) => ({ id, name, outcome, message })),
      shadow: decision.shadow.map(({ id, name, outcome, verdict, message }) => ({
        id,
        name,
        outcome,
        verdict,
        message,
      })),
      seen: decision.seen ?? {},
      decidedAt: iso(decision.at),
    },
    createdAt: iso(action.createdAt),
    expiresAt: iso(action.expiresAt),
    validatedAt: isoOrNull(action.validatedAt),
  }
}

const ClientChallengeBody = z
  .object({
    method: z.enum(SENT_METHOD_NAMES),
    codeLength: z.int().nullable(),
    tag: z.string(),
    sentAt: Instant,
    expiresAt: Instant,
    resendAt: Instant.nullable(),
    sendsLeft: z.int(),
    attemptsLeft: z.int(),
    number: z.string().nullable(),
  })
  .meta({ id: 'ClientChallenge' })

export const ClientActionBody = z
  .object({
    id: actionId,
    name: z.string(),
    state: z.enum(STATES),
    step: z.enum([
      'identify',
      'method',
      'code',
      'link',
      'approve',
      'enroll',
      'offer',
      'review',
      'done',
      'ended',
    ]),
    // What the app says that the person agrees to; null for a sign-in as any other.
    intent: z.string().nullable(),
    methods: z.array(MethodBody),
    // What is proven already, where the rules ask for more than one proof.
    completedSteps: z.array(MethodBody),
    address: z.string().nullable(),
    isAddressFixed: z.boolean(),
    loginHint: z.string().nullable(),
    challenge: ClientChallengeBody.nullable(),
    redirectTo: z.string().nullable(),
    locale: z.string().nullable(),
    // The operator's own texts for this person's language, by key, go with the look.
    brand: Settings.shape.brand.extend({ texts: z.record(z.string(), z.string()) }),
    createdAt: Instant,
    expiresAt: Instant,
  })
  .meta({ id: 'ClientAction' })

export const ResultBody = z
  .object({ token: z.string(), redirectTo: z.string().nullable() })
  .meta({ id: 'ActionResult', description: 'A token for the app’s backend: 60 seconds, once' })

/**
 * What the browser that works on the action sees. Until the first proof it is made of what was typed in this browser and of
 * the environment's settings, so it is the same for every address.
 */
export function clientActionBody(
  action: Action,
  challenge: Challenge | null,
  { settings }: EnvironmentView,
  { clock, epoch }: Pick<Deps, 'clock' | 'epoch'>,
) {
  const now = clock.now()
  return {
    id: action.id,
    name: action.name,
    state: stateOf(action, now, epoch),
    step: stepOf(action, challenge, now, epoch),
    intent: action.intent,
    methods: (isOpen(action.state) ? methodsLeft(action, methodsIn(settings, action)) : []).map(
      method => method.name,
    ),
    completedSteps: action.proofs.map(one => MethodBody.parse(one.method)),
    address: action.requestedTo,
    // The backend named the person: nobody else can be proven in this action.
    isAddressFixed: action.isNamed,
    loginHint: action.loginHint,
    challenge: challenge && clientChallengeBody(challenge, settings, approvalNumber(action, now)),
    redirectTo: endedRedirect(action, now, epoch),
    locale: action.locale,
    brand: {
      ...settings.brand,
      texts: ownTexts(settings, action.locale ?? settings.locale.default, 'signIn.'),
    },
    createdAt: iso(action.createdAt),
    expiresAt: iso(action.expiresAt),
  }
}

/** Null for one that nothing was sent for: its options are in the answer that began it. */
function clientChallengeBody(challenge: Challenge, settings: Settings, number: string | null) {
  if (challenge.credential === 'none') return null
  const { sends, maxSends, resendAt } = challenge
  const waits = settings.challenge.resendWaitSeconds
  const sendsLeft = Math.max(0, maxSends - sends)
  return {
    method: challenge.credential === 'link' ? ('emailLink' as const) : ('emailCode' as const),
    codeLength: challenge.codeLength,
    tag: challenge.tag,
    // The row keeps when the next send may be, which is as long after the last one as the settings say.
    sentAt: iso(resendAt - 1000 * (waits[Math.min(sends - 1, waits.length - 1)] ?? 60)),
    expiresAt: iso(challenge.expiresAt),
    resendAt: sendsLeft > 0 ? iso(resendAt) : null,
    sendsLeft,
    attemptsLeft: challenge.attemptsLeft,
    number,
  }
}

/** The person's own account, to a browser: without what a backend notes about them. */
export const ClientUserBody = UserBody.omit({ metadata: true }).meta({ id: 'ClientUser' })

export function clientUserBody(user: User) {
  const { metadata, ...rest } = userBody(user)
  return rest
}
