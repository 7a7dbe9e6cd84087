import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Metrics } from '../core/metrics.ts'
import { DeliveryError, type Mail, type Transport } from '../core/ports.ts'
import { tracer } from '../core/tracer.ts'

/**
 * The same transport, watched: each call is timed, counted by its outcome, and a span. The span is the first of its
 * trace: the message left its request behind in the outbox; both carry the id of the message. A rehearsal is a span like
 * it, because it has to cost as much (promise 7), and is not counted: nothing was called.
 */
export function watchTransport(transport: Transport, metrics: Metrics): Transport {
  const { name, timeoutMs } = transport
  return {
    name,
    timeoutMs,
    send: async mail =>
      await watched(
        `deliver ${name}`,
        name,
        mail,
        () => transport.send(mail),
        (outcome, seconds) => metrics.transportCalled(name, outcome, seconds),
      ),
    rehearse: async mail =>
      await watched(
        `rehearse ${name}`,
        name,
        mail,
        async () => await transport.rehearse?.(mail),
        () => {},
      ),
    close: () => transport.close(),
  }
}

async function watched<T>(
  spanName: string,
  transport: string,
  mail: Mail,
  act: () => Promise<T>,
  done: (outcome: 'sent' | 'refused' | 'failed', seconds: number) => void,
): Promise<T> {
  const startedAt = performance.now()
  const seconds = () => (performance.now() - startedAt) / 1000
  const span = tracer.startSpan(spanName, {
    kind: SpanKind.CLIENT,
    attributes: { 'ostiary.message_id': mail.id, 'ostiary.transport': transport },
  })
  try {
    const answer = await context.with(trace.setSpan(context.active(), span), act)
    done('sent', seconds())
    return answer
  } catch (error) {
    const outcome = error instanceof DeliveryError && error.isPermanent ? 'refused' : 'failed'
    done(outcome, seconds())
    // Not the provider's words: they may quote the address, and even the mail.
    span.setAttribute('error.type', outcome)
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw error
  } finally {
    span.end()
  }
}
