import { createHash, timingSafeEqual } from 'node:crypto'
import { OstiaryError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { MetricsBook } from '../core/metrics.ts'
import type { Clock } from '../core/ports.ts'
import { asRefusal, problemResponse } from './problem.ts'

export interface MetricsPageDeps {
  page: () => ReturnType<MetricsBook['page']>
  /** What a scraper sends as `Authorization: Bearer`; null: whoever reaches the page may read it. */
  token: string | null
}

/** `GET /metrics` for this `Authorization` header. Refusal: `unauthorized`. */
export type MetricsPage = (authorization: string | undefined) => Promise<Response>

export function createMetricsPage({ page, token }: MetricsPageDeps): MetricsPage {
  return async authorization => {
    if (token !== null && !isBearer(authorization, token))
      throw new OstiaryError('unauthorized', {
        detail: 'Send METRICS_TOKEN as "Authorization: Bearer …".',
      })
    const { contentType, text } = await page()
    return new Response(text, { headers: { 'Content-Type': contentType, 'Cache-Control': 'no-store' } })
  }
}

/** What a listener of its own serves, beside the public one or instead of it. */
export interface SideListener {
  metricsPage: MetricsPage | null
  /** Of a process without a public listener: whether it is ready. Then `/healthz` and `/readyz` are here, for all. */
  ready?: () => Promise<void>
}

/** A listener of its own: these pages and nothing else. */
export function serveAside({ metricsPage, ready }: SideListener, publicUrl: string, clock: Clock) {
  const pages: Record<string, (request: Request) => Promise<Response>> = {
    ...(metricsPage && {
      '/metrics': request => metricsPage(request.headers.get('authorization') ?? undefined),
    }),
    ...(ready && {
      '/healthz': async () => Response.json({ status: 'ok' }),
      '/readyz': async () => {
        await ready()
        return Response.json({ status: 'ready' })
      },
    }),
  }
  return async (request: Request): Promise<Response> => {
    try {
      const { pathname } = new URL(request.url)
      const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined
      if (!page) throw new OstiaryError('not_found')
      if (request.method !== 'GET' && request.method !== 'HEAD') throw new OstiaryError('method_not_allowed')
      return await page(request)
    } catch (error) {
      const refusal = asRefusal(error)
      const headers = refusal.code === 'method_not_allowed' ? { Allow: 'GET, HEAD' } : {}
      return problemResponse(refusal, publicUrl, newId('req', clock.now()), headers as Record<string, string>)
    }
  }
}

function isBearer(authorization: string | undefined, token: string): boolean {
  const presented = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(presented), digest(token))
}
