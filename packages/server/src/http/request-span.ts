import { context, propagation, type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { tracer } from '../core/tracer.ts'

const HEADERS = {
  keys: (headers: Headers) => [...headers.keys()],
  get: (headers: Headers, key: string) => headers.get(key) ?? undefined,
}

/**
 * Runs the work of a request in its server span, a child of the caller's where the caller told of one (W3C traceparent).
 * Path, query, headers and peer stay out: paths of links hold tokens, and an address is the visitor's own.
 */
export function inServerSpan<T>(
  request: Request,
  requestId: string,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const options = {
    kind: SpanKind.SERVER,
    attributes: { 'http.request.method': request.method, 'ostiary.request_id': requestId },
  }
  const parent = propagation.extract(context.active(), request.headers, HEADERS)
  return tracer.startActiveSpan(request.method, options, parent, async span => {
    try {
      return await work(span)
    } finally {
      span.end()
    }
  })
}

/** Names the span when the route is known: by its pattern. */
export function nameServerSpan(span: Span, method: string, route: string, status: number): void {
  span.updateName(`${method} ${route}`)
  span.setAttributes({ 'http.route': route, 'http.response.status_code': status })
  if (status < 500) return
  span.setAttribute('error.type', String(status))
  span.setStatus({ code: SpanStatusCode.ERROR })
}
