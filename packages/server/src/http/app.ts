import { Hono } from 'hono'
import { OstiaryError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { Metrics } from '../core/metrics.ts'
import { inRequest } from '../core/request-scope.ts'
import { accountRoutes } from './account.ts'
import { clientCors, serveClient } from './client/serve.ts'
import type { TrustedProxies } from './client-ip.ts'
import { isUnnamedProxy } from './client-ip.ts'
import { elementRoutes } from './element.ts'
import { errorsPage } from './errors-page.ts'
import { hookRoutes, type MailEvents } from './hooks/hooks.ts'
import { jwks } from './jwks.ts'
import { linkRoutes } from './link.ts'
import type { MetricsPage } from './metrics-page.ts'
import { openApiDocument } from './openapi.ts'
import { asRefusal, problemResponse } from './problem.ts'
import { inServerSpan, nameServerSpan } from './request-span.ts'
import { CLIENT_ENDPOINTS, ENDPOINTS } from './routes.ts'
import { type ApiDeps, serveEndpoint } from './serve-endpoint.ts'
import { signInRoutes } from './sign-in.ts'
import { webauthnDocument } from './well-known.ts'

/** The part of pino that the edge needs. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface HttpDeps extends ApiDeps {
  log: Log
  metrics: Metrics
  /** What `GET /metrics` answers; without it the path does not exist. */
  metricsPage?: MetricsPage
  trustedProxies: TrustedProxies
  /** Aborted when the server is to stop. */
  leaving: AbortSignal
  /** Providers that may report what became of mails; without it there is none. */
  mailEvents?: MailEvents
  /** Pages and routes of `ostiary dev`, mounted last. */
  development?: Hono
}

export interface AppVariables {
  Variables: {
    requestId: string
    peer: string | undefined
    /** The origin whose pages may read this answer of `/client/v1`, or null. */
    corsOrigin: string | null
  }
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
 * The whole server as one function from request to response. Its parts, in the order of matching: the API of backends,
 * the API of browsers, the sign-in page and its element, links, reports of mail providers, keys, documents, health, and
 * what `ostiary dev` adds.
 */
export function createApp(deps: HttpDeps): Hono<AppVariables> {
  const { store, clock, publicUrl, log, metrics, trustedProxies } = deps
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
    await inRequest(requestId, () =>
      inServerSpan(c.req.raw, requestId, async span => {
        await next()
        nameServerSpan(span, c.req.method, c.req.routePath, c.res.status)
      }),
    )
    if (isHttps) c.res.headers.set('Strict-Transport-Security', 'max-age=31536000')
    c.res.headers.set('Request-Id', requestId)
    if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store')
    c.res.headers.set('X-Content-Type-Options', 'nosniff')
    // The pattern, not the path: paths of links hold tokens.
    const { method, routePath: route } = c.req
    const { status } = c.res
    const ms = performance.now() - startedAt
    metrics.requestServed({ method, route, status, seconds: ms / 1000 })
    log.info({ requestId, method, route, status, ms: Math.round(ms) }, 'request')
  })

  for (const endpoint of ENDPOINTS) {
    app.on(endpoint.method, endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1'), serveEndpoint(deps, endpoint))
  }

  app.use('/client/v1/*', clientCors(deps, CLIENT_ENDPOINTS))
  for (const endpoint of CLIENT_ENDPOINTS) app.on(endpoint.method, endpoint.path, serveClient(deps, endpoint))

  app.route('/', signInRoutes(deps))
  app.route('/', accountRoutes(deps))
  app.route('/element', elementRoutes())
  app.route('/l', linkRoutes(deps))
  app.route('/hooks', hookRoutes(deps))
  app.get('/e/:slug/.well-known/jwks.json', async c => {
    const view = await deps.directory.bySlug(c.req.param('slug'))
    if (!view) throw new OstiaryError('not_found')
    return c.json(jwks(view, clock.now()), 200, { ...ANY_ORIGIN, 'Cache-Control': 'public, max-age=600' })
  })
  app.get('/.well-known/webauthn', async c =>
    c.json(webauthnDocument(await deps.directory.all()), 200, {
      ...ANY_ORIGIN,
      'Cache-Control': 'public, max-age=600',
    }),
  )

  let document: Promise<string> | undefined
  app.get('/openapi.json', async c => {
    document ??= openApiDocument(publicUrl).then(made => JSON.stringify(made))
    return c.body(await document, 200, { ...ANY_ORIGIN, 'Content-Type': 'application/json' })
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

  const { metricsPage } = deps
  if (metricsPage) app.get('/metrics', c => metricsPage(c.req.header('authorization')))

  if (deps.development) app.route('/', deps.development)

  app.notFound(c => {
    const isMetrics = metricsPage !== undefined && c.req.path === '/metrics'
    const allowed = isMetrics ? ['GET', 'HEAD'] : allowedMethods(c.req.path)
    const error = allowed.length > 0 ? new OstiaryError('method_not_allowed') : new OstiaryError('not_found')
    metrics.requestRefused(error.code)
    return problemResponse(
      error,
      publicUrl,
      c.get('requestId'),
      allowed.length > 0 ? { Allow: allowed.join(', ') } : {},
    )
  })
  app.onError((error, c) => {
    const refusal = asRefusal(error)
    metrics.requestRefused(refusal.code)
    const { reason, cause } = refusal.refusal
    const fields = { requestId: c.get('requestId'), code: refusal.code, reason, err: cause }
    // In a surge there are thousands of these, and the line of the request tells of each.
    const isFull = refusal.refusal.limit === 'capacity'
    if (refusal.status >= 500 && !isFull) log.error(fields, 'request failed')
    else if (reason !== undefined) log.warn(fields, 'request refused')
    return problemResponse(refusal, publicUrl, c.get('requestId'))
  })
  return app
}

const OTHER_PATHS: [pattern: string, methods: string[]][] = [
  ['/sign-in', ['GET', 'POST']],
  ['/account', ['GET']],
  ['/a/{token}', ['GET', 'POST']],
  ['/element/{file}', ['GET']],
  ['/element/words/{file}', ['GET']],
  ['/l/{token}', ['GET', 'POST']],
  ['/hooks/mail/{provider}', ['POST']],
  ['/e/{slug}/.well-known/jwks.json', ['GET']],
  ['/.well-known/webauthn', ['GET']],
  ['/openapi.json', ['GET']],
  ['/docs/errors', ['GET']],
  ['/healthz', ['GET']],
  ['/readyz', ['GET']],
]

const PATHS = [
  ...[...ENDPOINTS, ...CLIENT_ENDPOINTS].map(({ path, method }) => [path, [method]] as const),
  ...OTHER_PATHS,
].map(([path, methods]) => ({
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  methods,
}))

/** The methods that a known path takes, HEAD beside GET; empty for an unknown path. */
export function allowedMethods(path: string): string[] {
  const methods = new Set<string>(
    PATHS.filter(({ pattern }) => pattern.test(path)).flatMap(entry => entry.methods),
  )
  if (methods.has('GET')) methods.add('HEAD')
  return [...methods].sort()
}
