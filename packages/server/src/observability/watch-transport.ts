import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Metrics } from '../core/metrics.ts'
import { DeliveryError, type Transport } from '../core/ports.ts'
import { tracer } from '../core/tracer.ts'

/**
 * The same transport, watched: each call is timed, counted by its outcome, and a span. The span is the first of its
 * trace: the message left its request behind in the outbox; both carry the id of the message.
 */
export function watchTransport(transport: Transport, metrics: Metrics): Transport {
  return {
    name: transport.name,
    timeoutMs: transport.timeoutMs,
    async send(mail) {
      const startedAt = performance.now()
      const done = (outcome: 'sent' | 'refused' | 'failed') =>
        metrics.transportCalled(transport.name, outcome, (performance.now() - startedAt) / 1000)
      const span = tracer.startSpan(`deliver ${transport.name}`, {
        kind: SpanKind.CLIENT,
        attributes: { 'ostiary.message_id': mail.id, 'ostiary.transport': transport.name },
      })
      try {
        const sent = await context.with(trace.setSpan(context.active(), span), () => transport.send(mail))
        done('sent')
        return sent
      } catch (error) {
        const outcome = error instanceof DeliveryError && error.isPermanent ? 'refused' : 'failed'
        done(outcome)
        // Not the provider's words: they may quote the address, and even the mail.
        span.setAttribute('error.type', outcome)
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    },
    rehearse: async mail => await transport.rehearse?.(mail),
    close: () => transport.close(),
  }
}
