import { trace } from '@opentelemetry/api'
import { VERSION } from './version.ts'

/** Where spans begin. It does nothing until the process registers a provider (OpenTelemetry API, no SDK of ours). */
export const tracer = trace.getTracer('ostiary', VERSION)
