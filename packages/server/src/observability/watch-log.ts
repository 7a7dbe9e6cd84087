import { trace } from '@opentelemetry/api'
import { currentRequestId } from '../core/request-scope.ts'

/** The part of a logger that is watched. */
interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * The same log, whose lines tell what they belong to: `requestId` on every line that a request leads to, wherever it is
 * written, and `traceId` inside a trace. Around the log and not inside of pino, so that any logger gets them.
 */
export function watchLog(log: Log): Log {
  return {
    info: (fields, message) => log.info(belonging(fields), message),
    warn: (fields, message) => log.warn(belonging(fields), message),
    error: (fields, message) => log.error(belonging(fields), message),
  }
}

function belonging(fields: object): object {
  const requestId = currentRequestId()
  const traceId = trace.getActiveSpan()?.spanContext().traceId
  if (requestId === null && traceId === undefined) return fields
  return { ...(requestId !== null && { requestId }), ...(traceId !== undefined && { traceId }), ...fields }
}
