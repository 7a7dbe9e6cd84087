import { type Context, Hono } from 'hono'
import { getCookie } from 'hono/cookie'
import { z } from 'zod'
import { type Step, stateOf, stepOf } from '../core/actions/state.ts'
import { type AtWork, findWork, openAction } from '../core/actions/work.ts'
import { guardRedirect } from '../core/challenges/create.ts'
import type { EnvironmentView } from '../core/environments/directory.ts'
import { OstiaryError } from '../core/errors.ts'
import type { App } from '../core/rows.ts'
import { apiKeyMode } from '../core/tokens.ts'
import * as fields from './api/fields.ts'
import type { AppVariables, HttpDeps } from './app.ts'
import { validate } from './body.ts'
import { ACTION_COOKIE, actionCookie } from './client/cookies.ts'
import { circumstancesOf } from './client/serve.ts'
import { elementFiles } from './element.ts'
import { pageHeaders } from './pages/headers.ts'
import type { Page } from './pages/link-page.ts'
import { isOwnForm, pressToken, readForm } from './pages/own-form.ts'
import { pageTexts, wishesOf } from './pages/page-texts.ts'
import { openingPage, type SignInLook, signInErrorPage, signInPage } from './pages/sign-in-page.ts'
import { ACTS, type Moment, plainStep, SENDING, type Told, toldOf } from './sign-in-form.ts'

type Request = Context<AppVariables>

/** What an app's link to the page may say (CONTRACT section 6). Other names are passed over: mails and campaigns add theirs. */
const Query = z.object({
  key: z.string().max(200).optional(),
  redirectUrl: z.string().max(2048).optional(),
  state: z.string().max(1000).optional(),
  codeChallenge: fields.codeChallenge.optional(),
  loginHint: z.string().max(320).optional(),
  // A language or a theme that nobody knows is no reason to keep anybody out.
  locale: fields.locale.optional().catch(undefined),
  theme: z.enum(['light', 'dark']).optional().catch(undefined),
})
type Query = z.infer<typeof Query>

/** One look at the page: for which app it is, and the action that this browser is at. */
export interface Visit {
  query: Query
  view: EnvironmentView
  app: App
  origin: AtWork['origin']
  circumstances: AtWork['circumstances']
  /** The action of this browser's cookie, where it is the one that this URL asks for. */
  work: AtWork | null
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
    orErrorPage(deps, c, async () => page(c, openingPage(lookOf(deps, c, null), pressToken(c, deps.random)))),
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
  const visit = await visitOf(deps, c)
  if (!form || !isOwnForm(c, form)) throw new OstiaryError('origin_not_allowed')
  const act = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined
  if (!act) throw new OstiaryError('invalid_request', { detail: '"act" is not one of the form.' })
  const moment: Moment = { visit, form, cookies: [] }
  try {
    const { to, screen, told } = await act(deps, moment)
    if (to !== undefined) return withCookies(seeOther(to ?? ownAddress(c)), moment)
    const after = { ...visit, work: await workOf(deps, c, visit, moment.token) }
    const answer = await showStep(deps, c, after, { told: told ?? {}, screen: screen ?? null })
    return withCookies(answer, moment)
  } catch (error) {
    if (!(error instanceof OstiaryError) || error.status >= 500) throw error
    deps.metrics.requestRefused(error.code)
    // Read anew: the refusal may have used up an attempt, or there is an action now.
    const after = { ...visit, work: await workOf(deps, c, visit, moment.token) }
    const told = toldOf(error, signInTextsOf(c, visit), visit)
    return withCookies(await showStep(deps, c, after, { told, screen: null }, error.status), moment)
  }
}

/** Trades an opening token for this browser's cookie. */
async function open(deps: HttpDeps, c: Request, openingToken: string): Promise<Response> {
  try {
    const { action, token } = await openAction(deps, openingToken)
    const answer = seeOther('/sign-in')
    answer.headers.append('Set-Cookie', actionCookie(token, action.expiresAt, deps.clock.now()))
    return answer
  } catch (error) {
    // The same browser, once more (back, reload): it goes on with what it has.
    const isKnown = (await findWork(deps, getCookie(c, ACTION_COOKIE) ?? '')) !== null
    if (isKnown && error instanceof OstiaryError && error.code === 'token_invalid')
      return seeOther('/sign-in')
    throw error
  }
}

async function visitOf(deps: HttpDeps, c: Request): Promise<Visit> {
  const query = queryOf(c)
  const cookie = getCookie(c, ACTION_COOKIE) ?? ''
  const found = query.key === undefined ? await openedBy(deps, cookie) : await keyed(deps, query)
  const origin: AtWork['origin'] = {
    environmentId: found.view.environment.id,
    appId: found.app.id,
    actor: { type: 'user', id: null },
    requestId: c.get('requestId'),
  }
  const visit = { query, ...found, origin, circumstances: circumstancesOf(deps, c), work: null }
  return { ...visit, work: await workOf(deps, c, visit) }
}

/** The query, each name at most once. */
function queryOf(c: Request): Query {
  const { search, searchParams } = new URL(c.req.url)
  const isTwice = Object.keys(Query.shape).some(name => searchParams.getAll(name).length > 1)
  if (isTwice || /%00/.test(search)) throw new OstiaryError('invalid_request')
  return validate(Query, Object.fromEntries(searchParams))
}

async function keyed({ directory }: HttpDeps, query: Query): Promise<Pick<Visit, 'view' | 'app'>> {
  const key = query.key ?? ''
  const found = apiKeyMode('opk', key) ? await directory.byPublishableKey(key) : null
  if (!found) throw new OstiaryError('unauthorized', { detail: 'The publishable key is unknown.' })
  if (query.redirectUrl === undefined)
    throw new OstiaryError('redirect_url_not_allowed', { detail: 'redirectUrl is missing.' })
  guardRedirect(found, found.app, query)
  return found
}

async function openedBy(deps: HttpDeps, cookie: string): Promise<Pick<Visit, 'view' | 'app'>> {
  const work = await findWork(deps, cookie)
  const view = work && (await deps.directory.byId(work.action.environmentId))
  const app = view?.apps.find(one => one.id === work?.action.appId)
  if (!view || !app) throw new OstiaryError('unauthorized', { detail: 'The address has no key.' })
  return { view, app }
}

/**
 * The action of this browser, where it is the one that the page is for: the same app, and begun for the same answer. Another
 * `state` is another sign-in: its app would refuse what this one gives.
 */
async function workOf(
  deps: HttpDeps,
  c: Request,
  visit: Omit<Visit, 'work'>,
  token = getCookie(c, ACTION_COOKIE) ?? '',
): Promise<AtWork | null> {
  const { query, view, app, origin, circumstances } = visit
  const found = await findWork(deps, token)
  if (!found || found.action.appId !== app.id) return null
  const { redirectUrl, clientState, codeChallenge, resultExpiresAt } = found.action
  const isSame =
    redirectUrl === (query.redirectUrl ?? null) &&
    clientState === (query.state ?? null) &&
    codeChallenge === (query.codeChallenge ?? null)
  if (query.key !== undefined && !isSame) return null
  const state = stateOf(found.action, deps.clock.now(), deps.epoch)
  // A result that was taken, and whatever ended, make room for a new beginning where there is a key for one.
  const isOver = state === 'CHALLENGE_SUCCEEDED' ? resultExpiresAt !== null : state !== 'CHALLENGE_REQUIRED'
  return isOver && query.key !== undefined ? null : { ...found, view, origin, circumstances }
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
  const now = deps.clock.now()
  const isAtWork = work !== null && stepOf(work.action, work.challenge, now, deps.epoch) !== 'done'
  const plain = plainStep(deps, visit, look.texts, shown, pressToken(c, deps.random))
  const attributes = {
    key: query.key ?? null,
    'redirect-url': query.redirectUrl ?? null,
    state: query.state ?? null,
    'code-challenge': query.codeChallenge ?? null,
    'login-hint': query.loginHint ?? null,
    action: isAtWork || query.key === undefined ? 'current' : null,
    locale: look.texts.locale,
    theme: look.theme,
  }
  // Where a plain form was sent, nobody has the element: its answer is the form again.
  const element = c.req.method === 'POST' ? null : { version, attributes }
  const redirectUrl = query.redirectUrl ?? work?.action.redirectUrl ?? null
  return page(c, signInPage(look, element, plain, redirectUrl), status)
}

/** Answers with the page; a refusal is a page, too, with its status. */
async function orErrorPage(deps: HttpDeps, c: Request, answer: () => Promise<Response>): Promise<Response> {
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

function lookOf(deps: HttpDeps, c: Request, visit: Visit | null): SignInLook {
  return {
    settings: visit?.view.settings ?? null,
    texts: signInTextsOf(c, visit),
    theme: visit?.query.theme ?? null,
    nonce: deps.random.bytes(18).toString('base64url'),
  }
}

function signInTextsOf(c: Request, visit: Visit | null) {
  const wishes = wishesOf(c.req.header('accept-language'))
  const asked = visit ? (visit.query.locale ?? visit.work?.action.locale) : c.req.query('locale')
  return pageTexts([asked, ...wishes], visit?.view.settings ?? null, 'signIn.')
}

function page(c: Request, { html, csp }: Page, status = 200): Response {
  return c.body(html, status as 200, pageHeaders(csp))
}

const ownAddress = (c: Request) => `/sign-in${new URL(c.req.url).search}`

function seeOther(url: string): Response {
  return new Response(null, {
    status: 303,
    headers: { Location: url, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' },
  })
}

function withCookies(answer: Response, { cookies }: Moment): Response {
  for (const cookie of cookies) answer.headers.append('Set-Cookie', cookie)
  return answer
}
