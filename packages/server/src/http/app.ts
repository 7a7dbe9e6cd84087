import { Hono } from 'hono'
import { OstiaryError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { TrustedProxies } from './client-ip.ts'
import { isUnnamedProxy } from './client-ip.ts'
import { errorsPage } from './errors-page.ts'
import { jwks } from './jwks.ts'
import { linkRoutes } from './link.ts'
import { openApiDocument } from './openapi.ts'
import { asRefusal, problemResponse } from './problem.ts'
import { ENDPOINTS } from './routes.ts'
import { type ApiDeps, serveEndpoint } from './serve-endpoint.ts'

/** The part of pino that the edge needs. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface HttpDeps extends ApiDeps {
  log: Log
  trustedProxies: TrustedProxies
  /** Pages and routes of `ostiary dev`, mounted last. */
  development?: Hono
}

export interface AppVariables {
  Variables: { requestId: string; peer: string | undefined }
}

/** What the server is told of the connection: set by the Node adapter, absent in tests through `app.request()`. */
interface Bindings {
  incoming?: { socket?: { remoteAddress?: string } }
}

const UNNAMED_PROXY_MS = 2 * 60_000
const UNNAMED_PROXY =
  'Requests come through a proxy that is not named: set TRUSTED_PROXIES to its address, or all visitors count as one.'
const ANY_ORIGIN = { 'Access-Control-Allow-Origin': '*' }

/**
 * The whole server as one function from request to response. Its parts, in the order of matching: the API, links,
 * keys, documents, health, and what `ostiary dev` adds.
 */
export function createApp(deps: HttpDeps): Hono<AppVariables> {
  const { store, clock, publicUrl, log, trustedProxies } = deps
  const app = new Hono<AppVariables>()
  const isHttps = publicUrl.startsWith('https:')
  let unnamedProxyAt = Number.NEGATIVE_INFINITY

  app.use(async (c, next) => {
    const startedAt = performance.now()
    const requestId = newId('req', clock.now())
    c.set('requestId', requestId)
    c.set('peer', (c.env as Bindings | undefined)?.incoming?.socket?.remoteAddress)
    if (isUnnamedProxy(c.get('peer'), c.req.header('x-forwarded-for'), trustedProxies)) {
      if (clock.now() - unnamedProxyAt > UNNAMED_PROXY_MS) log.warn({ peer: c.get('peer') }, UNNAMED_PROXY)
      unnamedProxyAt = clock.now()
    }
    await next()
    if (isHttps) c.res.headers.set('Strict-Transport-Security', 'max-age=31536000')
    c.res.headers.set('Request-Id', requestId)
    if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store')
    c.res.headers.set('X-Content-Type-Options', 'nosniff')
    // The pattern, not the path: paths of links hold tokens.
    const ms = Math.round(performance.now() - startedAt)
    log.info({ requestId, method: c.req.method, route: c.req.routePath, status: c.res.status, ms }, 'request')
  })

  for (const endpoint of ENDPOINTS) {
    app.on(endpoint.method, endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1'), serveEndpoint(deps, endpoint))
  }

  app.route('/l', linkRoutes(deps))
  app.get('/e/:slug/.well-known/jwks.json', async c => {
    const view = await deps.directory.bySlug(c.req.param('slug'))
    if (!view) throw new OstiaryError('not_found')
    return c.json(jwks(view, clock.now()), 200, { ...ANY_ORIGIN, 'Cache-Control': 'public, max-age=600' })
  })

  let document: Record<string, unknown> | undefined
  app.get('/openapi.json', c => {
    document ??= openApiDocument(publicUrl)
    return c.json(document, 200, ANY_ORIGIN)
  })
  app.get('/docs/errors', () => errorsPage())

  app.get('/healthz', c => c.json({ status: 'ok' }))
  app.get('/readyz', async c => {
    // It lapses: one header of one stranger, through a private hop of ours, must not take the node out for good.
    if (clock.now() - unnamedProxyAt <= UNNAMED_PROXY_MS)
      throw new OstiaryError('unavailable', { detail: UNNAMED_PROXY })
    await store.ping(clock.now())
    return c.json({ status: 'ready' })
  })

  if (deps.development) app.route('/', deps.development)

  app.notFound(c => {
    const allowed = allowedMethods(c.req.path)
    const error = allowed.length > 0 ? new OstiaryError('method_not_allowed') : new OstiaryError('not_found')
    return problemResponse(
      error,
      publicUrl,
      c.get('requestId'),
      allowed.length > 0 ? { Allow: allowed.join(', ') } : {},
    )
  })
  app.onError((error, c) => {
    const refusal = asRefusal(error)
    const { reason, cause } = refusal.refusal
    const fields = { requestId: c.get('requestId'), code: refusal.code, reason, err: cause }
    if (refusal.status >= 500) log.error(fields, 'request failed')
    else if (reason !== undefined) log.warn(fields, 'request refused')
    return problemResponse(refusal, publicUrl, c.get('requestId'))
  })
  return app
}

const OTHER_PATHS: [pattern: string, methods: string[]][] = [
  ['/l/{token}', ['GET', 'POST']],
  ['/e/{slug}/.well-known/jwks.json', ['GET']],
  ['/openapi.json', ['GET']],
  ['/docs/errors', ['GET']],
  ['/healthz', ['GET']],
  ['/readyz', ['GET']],
]

const PATHS = [...ENDPOINTS.map(({ path, method }) => [path, [method]] as const), ...OTHER_PATHS].map(
  ([path, methods]) => ({
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    methods,
  }),
)

/** The methods that a known path takes, HEAD beside GET; empty for an unknown path. */
export function allowedMethods(path: string): string[] {
  const methods = new Set<string>(
    PATHS.filter(({ pattern }) => pattern.test(path)).flatMap(entry => entry.methods),
  )
  if (methods.has('GET')) methods.add('HEAD')
  return [...methods].sort()
}
