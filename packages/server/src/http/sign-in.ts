import { type Context, Hono } from 'hono'
import { getCookie } from 'hono/cookie'
import { z } from 'zod'
import { type Step, stateOf } from '../core/actions/state.ts'
import { type AtWork, findWork, openAction } from '../core/actions/work.ts'
import { guardRedirect } from '../core/challenges/create.ts'
import type { EnvironmentView } from '../core/environments/directory.ts'
import { OstiaryError } from '../core/errors.ts'
import type { Action, App } from '../core/rows.ts'
import { apiKeyMode } from '../core/tokens.ts'
import * as fields from './api/fields.ts'
import type { AppVariables, HttpDeps } from './app.ts'
import { validate } from './body.ts'
import {
  actionCookies,
  heldActions,
  heldWork,
  type Jar,
  MAX_ACTION_COOKIES,
  openedBefore,
} from './client/action-cookies.ts'
import { heldDevice, isRemembered } from './client/device-cookie.ts'
import { circumstancesOf } from './client/serve.ts'
import { elementFiles } from './element.ts'
import { pageHeaders } from './pages/headers.ts'
import type { Page } from './pages/link-page.ts'
import { isOwnForm, pressToken, readForm } from './pages/own-form.ts'
import { pageTexts, wishesOf } from './pages/page-texts.ts'
import { popupData, popupOrigin } from './pages/popup.ts'
import { openingPage, type SignInLook, signInErrorPage, signInPage } from './pages/sign-in-page.ts'
import { ACTS, type Moment, plainStep, SENDING, type Told, toldOf } from './sign-in-form.ts'

type Request = Context<AppVariables>

/**
 * What an app's link to the page may say (CONTRACT section 6); `action` is the page's own word: which of this browser's actions.
 * Other names are passed over: mails and campaigns add theirs.
 */
const Query = z.object({
  key: z.string().max(200).optional(),
  redirectUrl: z.string().max(2048).optional(),
  state: z.string().max(1000).optional(),
  codeChallenge: fields.codeChallenge.optional(),
  loginHint: z.string().max(320).optional(),
  // What nobody knows here is no reason to keep anybody out.
  action: z.string().max(64).optional().catch(undefined),
  locale: fields.locale.optional().catch(undefined),
  theme: z.enum(['light', 'dark']).optional().catch(undefined),
  display: z.enum(['page', 'popup']).optional().catch(undefined),
})
type Query = z.infer<typeof Query>

/** One look at the page: for which app it is, and the action that this browser is at. */
export interface Visit {
  query: Query
  view: EnvironmentView
  app: App
  origin: AtWork['origin']
  circumstances: AtWork['circumstances']
  /** The action of this browser that the page goes on with. */
  work: AtWork | null
}

type Work = NonNullable<Awaited<ReturnType<typeof findWork>>>

/** Whose page it is. */
interface Place {
  view: EnvironmentView
  app: App
  action?: Action | null
}

/**
 * The hosted sign-in page (CONTRACT section 6): `GET /sign-in` with an app's key, or without one for an action that a backend
 * tracked and this browser has opened. A GET changes nothing; a bad key or redirectUrl is an error page, never a redirect.
 */
export function signInRoutes(deps: HttpDeps): Hono<AppVariables> {
  const app = new Hono<AppVariables>()

  app.get('/sign-in', c =>
    orErrorPage(deps, c, () =>
      deps.admit(false, async () => showStep(deps, c, await visitOf(deps, c), { told: {}, screen: null })),
    ),
  )

  app.post('/sign-in', c =>
    orErrorPage(deps, c, async () => {
      const form = await readForm(c)
      const name = form?.get('act') ?? ''
      return deps.admit(SENDING.includes(name), () => takeForm(deps, c, form, name))
    }),
  )

  app.get('/a/:token', c =>
    orErrorPage(deps, c, async () => {
      const look = lookOf(deps, c, await placeOf(deps, await tracked(deps, c.req.param('token'))))
      return page(c, openingPage(look, pressToken(c, deps.random)))
    }),
  )

  app.post('/a/:token', c =>
    orErrorPage(deps, c, async () => {
      if (!isOwnForm(c, await readForm(c))) throw new OstiaryError('origin_not_allowed')
      return deps.admit(false, () => open(deps, c, c.req.param('token')))
    }),
  )
  return app
}

/** Does what the form asks for, and shows where that leads. */
async function takeForm(
  deps: HttpDeps,
  c: Request,
  form: URLSearchParams | null,
  name: string,
): Promise<Response> {
  const visit = await visitOf(deps, c, form)
  if (!form || !isOwnForm(c, form)) throw new OstiaryError('origin_not_allowed')
  const act = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined
  if (!act) throw new OstiaryError('invalid_request', { detail: '"act" is not one of the form.' })
  const moment: Moment = { visit, form, jar: getCookie(c), cookies: [] }
  try {
    const { to, screen, told } = await act(deps, moment)
    if (to !== undefined) return withCookies(seeOther(to ?? ownAddress(c, moment)), moment)
    const after = { ...visit, work: await workAfter(deps, moment) }
    const answer = await showStep(deps, c, after, { told: told ?? {}, screen: screen ?? null })
    return withCookies(answer, moment)
  } catch (error) {
    if (!(error instanceof OstiaryError) || error.status >= 500) throw error
    deps.metrics.requestRefused(error.code)
    // Read anew: the refusal may have used up an attempt, or there is an action now.
    const after = { ...visit, work: await workAfter(deps, moment) }
    const told = toldOf(error, signInTextsOf(c, visit), visit)
    return withCookies(await showStep(deps, c, after, { told, screen: null }, error.status), moment)
  }
}

/** Trades an opening token for this browser's cookie. */
async function open(deps: HttpDeps, c: Request, openingToken: string): Promise<Response> {
  const jar = getCookie(c)
  try {
    const opened = await openAction(deps, openingToken)
    const cookies = actionCookies(jar, opened, deps.clock.now(), openingToken)
    return withCookies(seeOther(`/sign-in?action=${opened.action.id}`), { cookies })
  } catch (error) {
    // The same browser, once more (back, reload, the link again): it goes on with what it has.
    const known = await heldWork(deps, jar, openedBefore(jar, openingToken) ?? '')
    if (known && error instanceof OstiaryError && error.code === 'token_invalid')
      return seeOther(`/sign-in?action=${known.action.id}`)
    throw error
  }
}

/** What an opening token would open. Any text is looked up: an unknown token takes as long as a known one. */
const tracked = ({ store, keyring }: HttpDeps, openingToken: string): Promise<Action | null> =>
  store.findActionByOpening(keyring.tokenHash(openingToken))

async function visitOf(deps: HttpDeps, c: Request, form: URLSearchParams | null = null): Promise<Visit> {
  const query = queryOf(c)
  // A form says which action it was made for, and none where it is to begin one.
  const actionId = form?.get('actionId') ?? query.action ?? null
  const jar = getCookie(c)
  const keyed = query.key === undefined ? null : await byKey(deps, query)
  const found = keyed
    ? await goingOn(deps, jar, { app: keyed.app, query, actionId })
    : await heldWork(deps, jar, actionId)
  const place = keyed ?? (await placeOf(deps, found?.action ?? null))
  if (!place) throw new OstiaryError('unauthorized', { detail: 'The address has no key.' })
  const { view, app } = place
  const origin: AtWork['origin'] = {
    environmentId: view.environment.id,
    appId: app.id,
    actor: { type: 'user', id: null },
    requestId: c.get('requestId'),
  }
  const at = { view, origin, circumstances: circumstancesOf(deps, c) }
  const kept = { shown: heldDevice(jar, view), isRemembered: isRemembered(jar, view) }
  return { query, app, ...at, work: found && { ...found, ...at, ...kept } }
}

/** The query, each name at most once. */
function queryOf(c: Request): Query {
  const { search, searchParams } = new URL(c.req.url)
  const isTwice = Object.keys(Query.shape).some(name => searchParams.getAll(name).length > 1)
  if (isTwice || /%00/.test(search)) throw new OstiaryError('invalid_request')
  return validate(Query, Object.fromEntries(searchParams))
}

async function byKey({ directory }: HttpDeps, query: Query): Promise<Pick<Visit, 'view' | 'app'>> {
  const key = query.key ?? ''
  const found = apiKeyMode('opk', key) ? await directory.byPublishableKey(key) : null
  if (!found) throw new OstiaryError('unauthorized', { detail: 'The publishable key is unknown.' })
  if (query.redirectUrl === undefined)
    throw new OstiaryError('redirect_url_not_allowed', { detail: 'redirectUrl is missing.' })
  guardRedirect(found, found.app, query)
  return found
}

async function placeOf({ directory }: HttpDeps, action: Action | null): Promise<Place | null> {
  const view = action && (await directory.byId(action.environmentId))
  const app = view?.apps.find(one => one.id === action?.appId)
  return view && app ? { view, app, action } : null
}

/**
 * The action of this browser that a page with a key goes on with: the one that its address names, else the latest that somebody
 * has told an address in; one without is another tab's, which has just been opened.
 */
async function goingOn(
  deps: HttpDeps,
  jar: Jar,
  { app, query, actionId }: { app: App; query: Query; actionId: string | null },
): Promise<Work | null> {
  for (const held of heldActions(jar).slice(0, MAX_ACTION_COOKIES)) {
    if (actionId !== null && held.actionId !== actionId) continue
    const work = await heldWork(deps, jar, held.actionId)
    if (!work || !isFor(work.action, app, query)) continue
    // One that its address names is shown as it ended, too, where the rules have ended it: else nobody would learn why.
    const isNamed = actionId !== null && isStopped(work.action.state)
    const isTold = actionId !== null || work.action.address !== null
    if (isNamed || (isTold && isGoingOn(deps, work.action))) return work
  }
  return null
}

/** Begun for the same answer. Another `state` is another sign-in: its app would refuse what this one gives. */
function isFor(action: Action, app: App, query: Query): boolean {
  // A popup's action has no redirectUrl: its result goes to the opener, also when its link is pressed in another tab.
  const isForOpener = action.redirectUrl === null && popupOrigin(query) !== null
  return (
    action.appId === app.id &&
    (action.redirectUrl === (query.redirectUrl ?? null) || isForOpener) &&
    action.clientState === (query.state ?? null) &&
    action.codeChallenge === (query.codeChallenge ?? null)
  )
}

/** A result that was taken, and whatever ended, make room for a new beginning where there is a key for one. */
function isGoingOn({ clock, epoch }: HttpDeps, action: Action): boolean {
  const now = clock.now()
  const state = stateOf(action, now, epoch)
  if (state === 'CHALLENGE_SUCCEEDED') return action.resultExpiresAt === null && action.expiresAt > now
  const isInReview = state === 'REVIEW_REQUIRED' || state === 'REVIEW_SUCCEEDED'
  return isInReview ? action.expiresAt > now && action.epoch === epoch : state === 'CHALLENGE_REQUIRED'
}

const isStopped = (state: Action['state']) => state === 'BLOCK' || state === 'REVIEW_FAILED'

/** The action after a form was taken. */
async function workAfter(deps: HttpDeps, { visit, begun, jar }: Moment): Promise<AtWork | null> {
  const { query, view, origin, circumstances } = visit
  const found = begun
    ? await findWork(deps, begun.token)
    : await heldWork(deps, jar, visit.work?.action.id ?? '')
  const isShown = found && (isGoingOn(deps, found.action) || isStopped(found.action.state))
  const isOver = !found || (query.key !== undefined && !isShown)
  return isOver ? null : { ...found, view, origin, circumstances }
}

async function showStep(
  deps: HttpDeps,
  c: Request,
  visit: Visit,
  shown: { told: Told; screen: Step | null },
  status = 200,
): Promise<Response> {
  const { query, work } = visit
  const look = lookOf(deps, c, visit)
  const { version } = await elementFiles()
  const plain = plainStep(deps, visit, look.texts, shown, pressToken(c, deps.random))
  const opener = popupOrigin(query)
  const attributes = {
    'data-popup': opener && popupData(opener, look.texts),
    key: query.key ?? null,
    'redirect-url': query.redirectUrl ?? null,
    state: query.state ?? null,
    'code-challenge': query.codeChallenge ?? null,
    'login-hint': query.loginHint ?? null,
    action: work?.action.id ?? null,
    locale: look.texts.locale,
    theme: look.theme,
  }
  // Where a plain form was sent, nobody has the element: its answer is the form again.
  const element = c.req.method === 'POST' ? null : { version, attributes }
  const redirectUrl = query.redirectUrl ?? work?.action.redirectUrl ?? null
  return page(c, signInPage(look, element, plain, redirectUrl), status, opener !== null)
}

/** Answers with the page; a refusal is a page, too, with its status. */
export async function orErrorPage(
  deps: HttpDeps,
  c: Request,
  answer: () => Promise<Response>,
): Promise<Response> {
  try {
    return await answer()
  } catch (error) {
    if (!(error instanceof OstiaryError)) throw error
    const { limit, reason, cause } = error.refusal
    const requestId = c.get('requestId')
    deps.metrics.requestRefused(error.code)
    // In a surge there are thousands of these, and the line of the request tells of each.
    if (error.status >= 500 && limit !== 'capacity')
      deps.log.error({ requestId, code: error.code, reason, err: cause }, 'request failed')
    const look = lookOf(deps, c, null)
    const key =
      TROUBLES[error.code] ?? (error.status < 500 ? 'signIn.trouble.setup' : 'signIn.trouble.server')
    const reference = look.texts.say('signIn.trouble.reference', { requestId })
    const trail = [error.code, error.refusal.detail, reference].filter(Boolean).join(' · ')
    return page(c, signInErrorPage(look, { text: look.texts.say(key), trail }), error.status)
  }
}

const TROUBLES: Partial<Record<OstiaryError['code'], string>> = {
  token_invalid: 'signIn.ended.expired.text',
  origin_not_allowed: 'signIn.ended.failed.text',
  rate_limited: 'signIn.trouble.server',
}

type Shown = Visit | Place | null

function lookOf(deps: HttpDeps, c: Request, shown: Shown): SignInLook {
  return {
    settings: shown?.view.settings ?? null,
    texts: signInTextsOf(c, shown),
    theme: shown && 'query' in shown ? (shown.query.theme ?? null) : null,
    nonce: deps.random.bytes(18).toString('base64url'),
  }
}

function signInTextsOf(c: Request, shown: Shown) {
  const wishes = wishesOf(c.req.header('accept-language'))
  const isVisit = shown !== null && 'query' in shown
  const action = (isVisit ? shown.work?.action : shown?.action) ?? null
  const asked = isVisit ? (shown.query.locale ?? action?.locale) : (action?.locale ?? c.req.query('locale'))
  // Who confirms something else does not sign in.
  const variant = action && action.name !== 'signIn' ? 'confirm' : null
  return pageTexts([asked, ...wishes], shown?.view.settings ?? null, 'signIn.', variant)
}

export function page(c: Request, { html, csp }: Page, status = 200, hasOpener = false): Response {
  return c.body(html, status as 200, pageHeaders(csp, hasOpener))
}

/** The page's own address, which names the action that it is about. */
function ownAddress(c: Request, { visit, begun }: Moment): string {
  const { searchParams } = new URL(c.req.url)
  const { work } = visit
  // What the rules have stopped is left behind by whoever begins anew.
  const id = begun?.id ?? (work && !isStopped(work.action.state) ? work.action.id : undefined)
  if (id === undefined) searchParams.delete('action')
  else searchParams.set('action', id)
  return `/sign-in?${searchParams}`
}

function seeOther(url: string): Response {
  return new Response(null, {
    status: 303,
    headers: { Location: url, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' },
  })
}

function withCookies(answer: Response, { cookies }: Pick<Moment, 'cookies'>): Response {
  for (const cookie of cookies) answer.headers.append('Set-Cookie', cookie)
  return answer
}
