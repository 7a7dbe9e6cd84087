import type { Context, MiddlewareHandler } from 'hono'
import { getCookie } from 'hono/cookie'
import { guardFresh } from '../../core/account/account.ts'
import { findWork } from '../../core/actions/work.ts'
import { parseIp } from '../../core/addresses/network.ts'
import type { EnvironmentView } from '../../core/environments/directory.ts'
import { OstiaryError } from '../../core/errors.ts'
import type { Circumstances } from '../../core/ports.ts'
import type { App, Origin } from '../../core/rows.ts'
import { issuerOf } from '../../core/sessions/access-token.ts'
import { verifySession } from '../../core/sessions/verify.ts'
import { apiKeyMode } from '../../core/tokens.ts'
import type { AppVariables, HttpDeps } from '../app.ts'
import { parseJson, readBytes, validate } from '../body.ts'
import { clientIp } from '../client-ip.ts'
import { ACTION_HEADER, heldActions, heldWork } from './action-cookies.ts'
import { heldDevice, isRemembered } from './device-cookie.ts'
import type { ClientCall, ClientEndpoint, LetIn } from './endpoint.ts'
import { isAppOrigin, isOwnPage } from './origins.ts'

type Request = Context<AppVariables>

/**
 * CORS of `/client/v1`: the origins of apps and no other. Before a call is made nobody knows for which app (the preflight
 * has no key), so the preflight goes by all of them; the call itself is judged by its own app, and the answer to another
 * one's page cannot be read.
 */
export function clientCors(
  { directory, publicUrl }: HttpDeps,
  endpoints: readonly ClientEndpoint[],
): MiddlewareHandler<AppVariables> {
  const ownOrigin = new URL(publicUrl).origin
  return async (c, next) => {
    const origin = c.req.header('origin')
    const isForeign = origin !== undefined && origin !== ownOrigin
    const named = isForeign
      ? (await directory.all()).flatMap(view => view.apps.filter(app => isAppOrigin(origin, app, view)))
      : []
    c.set('corsOrigin', named.length > 0 ? (origin ?? null) : null)
    const isPreflight =
      c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined
    const found = endpoints.find(one => one.path === c.req.path)
    if (isPreflight && found) {
      c.res = new Response(null, { status: 204 })
      if (named.length > 0) {
        c.res.headers.set('Access-Control-Allow-Methods', `${found.method}`)
        c.res.headers.set('Access-Control-Allow-Headers', 'Authorization, Content-Type')
        c.res.headers.set('Access-Control-Max-Age', '600')
      }
    } else await next()
    c.res.headers.append('Vary', 'Origin')
    const allowed = c.get('corsOrigin')
    if (!allowed) return
    c.res.headers.set('Access-Control-Allow-Origin', allowed)
    c.res.headers.set('Access-Control-Expose-Headers', 'Request-Id, Retry-After')
    if (found?.takesCredentials && named.some(app => app.publicRefresh))
      c.res.headers.set('Access-Control-Allow-Credentials', 'true')
  }
}

/** The handler of an endpoint of browsers: let in, translate in, call, translate out. */
export function serveClient(deps: HttpDeps, endpoint: ClientEndpoint) {
  const handle = handlerOf(deps, endpoint)
  return (c: Request): Promise<Response> =>
    endpoint.load === 'wait' ? handle(c) : deps.admit(endpoint.load === 'send', () => handle(c))
}

function handlerOf(deps: HttpDeps, endpoint: ClientEndpoint) {
  return async (c: Request): Promise<Response> => {
    const circumstances = circumstancesOf(deps, c)
    const letIn = await ENTRANCES[endpoint.auth](deps, c, circumstances)
    if (endpoint.needsFreshProof) guardFresh(letIn as LetIn['session'])
    if (/%00/.test(c.req.url) || new URL(c.req.url).search !== '')
      throw new OstiaryError('invalid_request', { detail: 'The URL takes no query here.' })
    const bytes = endpoint.method === 'POST' ? await readBytes(c.req.raw) : Buffer.alloc(0)
    const call = {
      ...letIn,
      circumstances,
      isOwnPage: isOwn(deps, c),
      body: endpoint.body
        ? validate(endpoint.body, parseJson(bytes, c.req.header('content-type')))
        : undefined,
      jar: getCookie(c),
      leaving: deps.leaving,
      // Asked for by few; making one costs.
      get signal() {
        return c.req.raw.signal
      },
    } as ClientCall<keyof LetIn, unknown>
    const result = await endpoint.act(deps, call)
    if (result instanceof Response) {
      // Nobody reads the stream that a HEAD asks about.
      if (c.req.method === 'HEAD') await result.body?.cancel()
      return result
    }
    const response = new Response(JSON.stringify(endpoint.render(result, call, deps)), {
      status: endpoint.status,
      headers: { 'Content-Type': 'application/json' },
    })
    for (const cookie of endpoint.cookies?.(result, call, deps) ?? [])
      response.headers.append('Set-Cookie', cookie)
    return response
  }
}

type Entrance<Auth extends keyof LetIn> = (
  deps: HttpDeps,
  c: Request,
  circumstances: Circumstances,
) => Promise<LetIn[Auth]>

const ENTRANCES: { [Auth in keyof LetIn]: Entrance<Auth> } = {
  async key(deps, c) {
    const key = bearerOf(c)
    if (key === null || !apiKeyMode('opk', key))
      throw new OstiaryError('unauthorized', {
        detail: 'Send the publishable key as "Authorization: Bearer opk_…".',
      })
    const found = await deps.directory.byPublishableKey(key)
    if (!found) throw new OstiaryError('unauthorized', { detail: 'The publishable key is unknown.' })
    guardOrigin(deps, c, found.app, found.view)
    return { ...found, origin: originOf(c, found.view, found.app) }
  },

  async action(deps, c, circumstances) {
    const bearer = bearerOf(c)
    const jar = getCookie(c)
    if (bearer === null && heldActions(jar).length === 0)
      throw new OstiaryError('unauthorized', {
        detail: 'Send the token of the action as "Authorization: Bearer oat_…".',
      })
    if (bearer === null) guardOwnPage(deps, c)
    const work =
      bearer === null
        ? await heldWork(deps, jar, c.req.header(ACTION_HEADER) ?? null)
        : await findWork(deps, bearer)
    const view = work && (await deps.directory.byId(work.action.environmentId))
    const app = view?.apps.find(one => one.id === work?.action.appId)
    if (!work || !view || !app)
      throw new OstiaryError('unauthorized', { detail: 'The token of the action is unknown.' })
    guardOrigin(deps, c, app, view)
    // A cookie of ours stays in pages of ours; elsewhere the app's backend keeps the token.
    const kept = isOwn(deps, c)
      ? { shown: heldDevice(jar, view), isRemembered: isRemembered(jar, view) }
      : { shown: undefined }
    return { ...work, view, app, origin: originOf(c, view, app), circumstances, ...kept }
  },

  async page(deps, c) {
    guardOwnPage(deps, c)
    return {}
  },

  async session(deps, c, circumstances) {
    const token = bearerOf(c) ?? ''
    const view = await issuerView(deps, token)
    const check = view && (await verifySession(deps, { view, origin: originOf(c, view, null) }, token))
    const app = view?.apps.find(one => one.id === check?.session.appId)
    if (!view || !check || !app) throw new OstiaryError('session_invalid')
    guardOrigin(deps, c, app, view)
    const origin: Origin = { ...originOf(c, view, app), actor: { type: 'user', id: check.user.id } }
    return { ...check, view, app, circumstances, origin }
  },
}

const bearerOf = (c: Request): string | null =>
  /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? null

const isOwn = ({ publicUrl }: HttpDeps, c: Request) =>
  isOwnPage(c.req.header('sec-fetch-site'), c.req.header('origin'), publicUrl)

/** A page of another origin may call only where it is the app's; an answer to any other cannot be read there. */
function guardOrigin({ publicUrl }: HttpDeps, c: Request, app: App, view: EnvironmentView) {
  const origin = c.req.header('origin')
  if (origin === undefined || origin === new URL(publicUrl).origin || isAppOrigin(origin, app, view)) return
  c.set('corsOrigin', null)
  throw new OstiaryError('origin_not_allowed')
}

/** The cookie comes along with whatever any site starts, so it counts on our own pages only (PROTOCOL section 3). */
function guardOwnPage(deps: HttpDeps, c: Request) {
  const site = c.req.header('sec-fetch-site')
  // A GET changes nothing; browsers that say nothing of its site may leave out its Origin, too.
  const isPlainRead = c.req.method !== 'POST' && site === undefined && c.req.header('origin') === undefined
  if (isOwn(deps, c) || isPlainRead) return
  c.set('corsOrigin', null)
  throw new OstiaryError('origin_not_allowed', { detail: 'This is for pages of Ostiary itself.' })
}

/** The environment that an access token says it is from; whether that is so its signature tells. */
async function issuerView(
  { directory, publicUrl }: HttpDeps,
  token: string,
): Promise<EnvironmentView | null> {
  const issuer = token.length > 8192 ? null : issuerIn(token)
  if (issuer === null) return null
  return (await directory.all()).find(view => issuerOf(publicUrl, view) === issuer) ?? null
}

function issuerIn(token: string): string | null {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())?.iss ?? null
  } catch {
    return null
  }
}

function originOf(c: Request, { environment }: EnvironmentView, app: App | null): Origin {
  return {
    environmentId: environment.id,
    appId: app?.id ?? null,
    actor: { type: 'user', id: null },
    requestId: c.get('requestId'),
  }
}

/** The person's circumstances, as this server sees them: a browser cannot tell its own. */
export function circumstancesOf({ trustedProxies }: HttpDeps, c: Request): Circumstances {
  const address = clientIp(c.get('peer'), c.req.header('x-forwarded-for'), trustedProxies)
  const ip = address === null ? null : parseIp(address)
  return {
    ipAddress: address,
    userAgent: c.req.header('user-agent')?.slice(0, 1024) ?? null,
    host: ip?.host ?? null,
    site: ip?.site ?? null,
  }
}
