import { methodsLeft } from '../core/actions/demands.ts'
import { methodsFor } from '../core/actions/judge.ts'
import { endedRedirect, type Step, stepOf } from '../core/actions/state.ts'
import { beginSignIn } from '../core/actions/track.ts'
import * as work from '../core/actions/work.ts'
import { parseEmail } from '../core/addresses/email.ts'
import { normaliseCode } from '../core/challenges/code.ts'
import { statusOf } from '../core/challenges/status.ts'
import { fieldError, type OstiaryError } from '../core/errors.ts'
import type { SentMethodName } from '../core/methods/method.ts'
import { SENT_METHOD_NAMES } from '../core/methods/methods.ts'
import type { ActionState } from '../core/rows.ts'
import type { HttpDeps } from './app.ts'
import { actionCookies, type Jar } from './client/action-cookies.ts'
import { deviceCookies, heldDevice } from './client/device-cookie.ts'
import type { PageTexts } from './pages/page-texts.ts'
import type { PlainStep } from './pages/sign-in-page.ts'
import type { Visit } from './sign-in.ts'
import { clientActionBody } from './wire-actions.ts'

/** A form of the sign-in page that was sent, and what it leads to besides its answer. */
export interface Moment {
  visit: Visit
  form: URLSearchParams
  /** The cookies that came with it. */
  jar: Jar
  /** Values of `Set-Cookie` for the answer. */
  cookies: string[]
  /** An action that began just now. */
  begun?: { id: string; token: string }
}

/** What is said beside the step. */
export type Told = Partial<Pick<PlainStep, 'error' | 'trouble' | 'notice' | 'ending' | 'address'>>

/** Where a form leads: to an address (null: the page itself, asked for anew), or to a step shown at once. */
interface Led {
  to?: string | null
  /** A step before the one where the server is: to tell another address, or take another way. */
  screen?: Step
  told?: Told
}

type Act = (deps: HttpDeps, moment: Moment) => Promise<Led>

const HERE: Led = { to: null }

/** The forms after which a message may go out. */
export const SENDING: readonly string[] = ['identify', 'send', 'resend']

/**
 * The forms of the sign-in page: the same core calls as `/client/v1`, in the same order and within the same limits. A refusal
 * of theirs is thrown.
 */
export const ACTS: Readonly<Record<string, Act>> = {
  async identify(deps, moment) {
    const to = (moment.form.get('to') ?? '').trim()
    if (!parseEmail(to)) throw fieldError('to', 'invalid_format', 'is not one e-mail address')
    const at = moment.visit.work ?? (await begun(deps, moment))
    const action = await work.identify(deps, at, to)
    const [only, ...others] = sentMethodsLeft(methodsLeft(action, methodsFor(at.view.settings, action.name)))
    if (only && others.length === 0) await work.send(deps, { ...at, action, challenge: null }, only)
    return HERE
  },

  async send(deps, { visit, form }) {
    const method = SENT_METHOD_NAMES.find(name => name === form.get('method'))
    if (!visit.work) return HERE
    if (!method) throw fieldError('method', 'invalid_value', 'is not a method')
    await work.send(deps, visit.work, method)
    return HERE
  },

  async resend(deps, { visit }) {
    if (!visit.work?.challenge) return HERE
    const { challenge } = visit.work
    const isLive = statusOf(challenge, deps.clock.now(), deps.epoch) === 'pending'
    if (isLive && challenge.sends < challenge.maxSends) {
      const { earlierCodes } = await work.resend(deps, visit.work)
      return {
        told: { notice: earlierCodes === 'replaced' ? 'signIn.resend.replaced' : 'signIn.resend.sent' },
      }
    }
    await work.send(deps, visit.work, methodOf(challenge.credential))
    return HERE
  },

  async verify(deps, { visit, form, cookies }) {
    if (!visit.work) return HERE
    const code = normaliseCode(form.get('code') ?? '')
    // A slip that cannot be the code costs no attempt.
    if (code?.length !== visit.work.challenge?.codeLength)
      throw fieldError('code', 'invalid_format', 'has another length')
    // Without a script the box is in the form.
    const isRemembered = visit.work.isRemembered || form.has('remember')
    const { result, deviceToken } = await work.verify(deps, { ...visit.work, isRemembered }, code ?? '')
    cookies.push(...deviceCookies(deviceToken, visit.view))
    return result ? finished(result) : HERE
  },

  async finish(deps, { visit, cookies }) {
    if (!visit.work) return HERE
    const { action, challenge } = visit.work
    const step = stepOf(action, challenge, deps.clock.now(), deps.epoch)
    if (step !== 'done' && step !== 'offer') return HERE
    const { result, deviceToken } = await work.finish(deps, visit.work)
    cookies.push(...deviceCookies(deviceToken, visit.view))
    return finished(result)
  },

  async cancel(deps, { visit }) {
    const to = visit.query.redirectUrl ?? null
    if (!visit.work) return to === null ? HERE : { to }
    const action = await work.cancel(deps, visit.work)
    return { to: endedRedirect(action, deps.clock.now(), deps.epoch) }
  },

  /** Back to the app, with how it ended or that it waits. */
  async leave(deps, { visit }) {
    if (!visit.work) return HERE
    return { to: endedRedirect(visit.work.action, deps.clock.now(), deps.epoch) }
  },

  other: async (_deps, { visit }) => (visit.work?.action.isNamed ? HERE : { screen: 'identify' }),
  otherMethod: async () => ({ screen: 'method' }),
  restart: async () => HERE,
}

async function begun(deps: HttpDeps, moment: Moment): Promise<work.AtWork> {
  const { query, view, app, origin, circumstances } = moment.visit
  const shown = heldDevice(moment.jar, view)
  const { action, token } = await beginSignIn(deps, { view, origin }, app.id, query, { circumstances, shown })
  moment.begun = { id: action.id, token }
  moment.cookies.push(...actionCookies(moment.jar, { action, token }, deps.clock.now()))
  return {
    action,
    challenge: null,
    workingHash: deps.keyring.tokenHash(token),
    view,
    origin,
    circumstances,
    shown,
  }
}

function finished({ redirectTo }: work.ActionResult): Led {
  if (redirectTo !== null) return { to: redirectTo }
  return {
    screen: 'ended',
    told: { ending: { title: 'signIn.done.title', text: 'signIn.done.here' } },
  }
}

const sentMethodsLeft = (methods: readonly { name: string }[]): SentMethodName[] =>
  SENT_METHOD_NAMES.filter(name => methods.some(one => one.name === name))

/** How an action ended, in the words of the page; one that ran out where nothing else is known of it. */
const ENDINGS: Partial<Record<ActionState, string>> = {
  BLOCK: 'blocked',
  REVIEW_FAILED: 'blocked',
  REVIEW_REQUIRED: 'review',
}

function endingOf(state: ActionState | undefined): { title: string; text: string } {
  const why = (state && ENDINGS[state]) ?? 'expired'
  return { title: `signIn.ended.${why}.title`, text: `signIn.ended.${why}.text` }
}

/** The step as the forms show it; what is told goes before what is known. */
export function plainStep(
  deps: HttpDeps,
  { query, view, work: at }: Visit,
  texts: PageTexts,
  { told, screen }: { told: Told; screen: Step | null },
  pressToken: string,
): PlainStep {
  const now = deps.clock.now()
  const body = at && clientActionBody(at.action, at.challenge, view, deps)
  const challenge = body?.challenge ?? null
  const isPending = at?.challenge && statusOf(at.challenge, now, deps.epoch) === 'pending'
  const address = told.address ?? body?.address ?? body?.loginHint ?? query.loginHint ?? ''
  return {
    step: screen ?? (told.ending ? 'ended' : (body?.step ?? 'identify')),
    methods: sentMethodsLeft((body?.methods ?? []).map(name => ({ name }))),
    isOneProven: (body?.completedSteps.length ?? 0) > 0,
    intent: body?.intent ?? null,
    address,
    actionId: at?.action.id ?? null,
    isAddressFixed: body?.isAddressFixed ?? false,
    challenge: challenge && {
      method: challenge.method,
      codeLength: challenge.codeLength,
      tag: challenge.tag,
      leftMs: isPending ? Date.parse(challenge.expiresAt) - now : 0,
      number: challenge.number,
    },
    error: told.error ?? null,
    trouble: told.trouble ?? null,
    notice: told.notice ? texts.say(told.notice, { address }) : null,
    ending: told.ending ?? endingOf(body?.state),
    leadsBack: (body?.redirectTo ?? null) !== null,
    isCancelable: (query.redirectUrl ?? at?.action.redirectUrl ?? null) !== null,
    canBeginAnew: query.key !== undefined,
    pressToken,
  }
}

/** A refusal in the words of the page. */
export function toldOf(error: OstiaryError, texts: PageTexts, { view }: Visit): Told {
  const { say } = texts
  switch (error.code) {
    case 'invalid_request': {
      const field = error.refusal.errors?.[0]?.path
      if (field === 'to') return { error: say('signIn.identify.invalid') }
      return { error: say('signIn.code.short', { length: view.settings.challenge.codeLength }) }
    }
    case 'destination_not_allowed':
      return { error: say('signIn.identify.refused') }
    case 'code_incorrect':
      return { error: say('signIn.code.incorrect', { count: error.refusal.attemptsLeft ?? 0 }) }
    case 'challenge_expired':
      return { error: say('signIn.code.expired') }
    case 'attempts_exhausted':
      return { error: say('signIn.code.exhausted') }
    case 'challenge_used':
      return { error: say('signIn.code.used') }
    case 'sign_up_closed':
      return { ending: { title: 'signIn.ended.refused.title', text: 'signIn.ended.closed.text' } }
    case 'user_blocked':
      return { ending: { title: 'signIn.ended.refused.title', text: 'signIn.ended.refused.text' } }
    case 'rate_limited':
      return {
        trouble: say('signIn.trouble.rate', {
          time: texts.minutes(1000 * (error.refusal.retryAfterSeconds ?? 60)),
        }),
      }
    case 'state_conflict':
      return { trouble: say('signIn.ended.failed.text') }
    default:
      return { trouble: say('signIn.trouble.server') }
  }
}

const methodOf = (credential: string): SentMethodName => (credential === 'link' ? 'emailLink' : 'emailCode')
