import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type AttributeValue,
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'

/** A span as a collector would get it. */
export interface Recorded {
  name: string
  kind: number
  attributes: Record<string, AttributeValue | undefined>
  status: number
  spanContext: SpanContext
  parentSpanId: string | null
  isEnded: boolean
}

/** Registers a provider that keeps all spans, written by hand: the server brings the API, never an SDK. */
export function recordSpans(): { spans: Recorded[]; stop(): void } {
  const spans: Recorded[] = []
  let count = 0
  const nextId = (length: number) => (++count).toString(16).padStart(length, '0')

  const tracer: Tracer = {
    startSpan(name, options = {}, parentContext = context.active()) {
      const parent = trace.getSpanContext(parentContext)
      const recorded: Recorded = {
        name,
        kind: options.kind ?? 0,
        attributes: { ...options.attributes },
        status: 0,
        spanContext: {
          traceId: parent?.traceId ?? nextId(32),
          spanId: nextId(16),
          traceFlags: TraceFlags.SAMPLED,
        },
        parentSpanId: parent?.spanId ?? null,
        isEnded: false,
      }
      spans.push(recorded)
      return spanOf(recorded)
    },
    startActiveSpan(name: string, ...rest: unknown[]) {
      const work = rest.at(-1) as (span: Span) => unknown
      const [options, parent = context.active()] = rest.slice(0, -1) as [object?, Context?]
      const span = tracer.startSpan(name, options, parent)
      return context.with(trace.setSpan(parent, span), () => work(span)) as never
    },
  }
  context.setGlobalContextManager(contextManager())
  trace.setGlobalTracerProvider({ getTracer: () => tracer })
  return {
    spans,
    stop() {
      trace.disable()
      context.disable()
    },
  }
}

function spanOf(recorded: Recorded): Span {
  const span: Span = {
    spanContext: () => recorded.spanContext,
    setAttribute(name, value) {
      recorded.attributes[name] = value
      return span
    },
    setAttributes(attributes) {
      Object.assign(recorded.attributes, attributes)
      return span
    },
    setStatus({ code }) {
      recorded.status = code
      return span
    },
    updateName(name) {
      recorded.name = name
      return span
    },
    end() {
      recorded.isEnded = true
    },
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    isRecording: () => true,
    recordException() {
      throw new Error('an exception may quote what it failed on')
    },
  }
  return span
}

function contextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...args) => storage.run(active, () => work.call(self as never, ...args)),
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  }
  return manager
}
