import { createHash, timingSafeEqual } from 'node:crypto'
import { OstiaryError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { MetricsBook } from '../core/metrics.ts'
import type { Clock, Store } from '../core/ports.ts'
import { asRefusal, problemResponse } from './problem.ts'

export interface MetricsPageDeps {
  metrics: MetricsBook
  store: Store
  clock: Clock
  /** What a scraper sends as `Authorization: Bearer`; null: whoever reaches the page may read it. */
  token: string | null
}

/** `GET /metrics` for this `Authorization` header. Refusal: `unauthorized`. */
export type MetricsPage = (authorization: string | undefined) => Promise<Response>

export function createMetricsPage({ metrics, store, clock, token }: MetricsPageDeps): MetricsPage {
  return async authorization => {
    if (token !== null && !isBearer(authorization, token))
      throw new OstiaryError('unauthorized', {
        detail: 'Send METRICS_TOKEN as "Authorization: Bearer …".',
      })
    // A store in trouble is when the rest of the page is needed most.
    const vitals = await store.vitals().catch(() => null)
    const { contentType, text } = await metrics.page(vitals, clock.now())
    return new Response(text, { headers: { 'Content-Type': contentType, 'Cache-Control': 'no-store' } })
  }
}

/** A listener of its own, which has this page and nothing else. */
export function serveMetricsOnly(page: MetricsPage | null, publicUrl: string, clock: Clock) {
  return async (request: Request): Promise<Response> => {
    try {
      if (!page || new URL(request.url).pathname !== '/metrics') throw new OstiaryError('not_found')
      if (request.method !== 'GET' && request.method !== 'HEAD') throw new OstiaryError('method_not_allowed')
      return await page(request.headers.get('authorization') ?? undefined)
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
