import { ERRORS, type ErrorCode, OstiaryError } from '../core/errors.ts'

/** The body of a refusal: RFC 9457 with `code`, `requestId` and what the caller needs next (CONTRACT section 1). */
export function problemBody(
  error: OstiaryError,
  publicUrl: string,
  requestId: string,
): Record<string, unknown> {
  const [status, title] = ERRORS[error.code]
  const { detail, errors, attemptsLeft, retryAfterSeconds, limit } = error.refusal
  return {
    type: `${publicUrl}/docs/errors#${error.code}`,
    title,
    status,
    detail: detail ?? `${title}.`,
    code: error.code,
    requestId,
    ...(attemptsLeft !== undefined && { attemptsLeft }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(limit !== undefined && { limit }),
    ...(errors !== undefined && { errors }),
  }
}

/** The whole answer to a refusal, with the headers that its status asks for. */
export function problemResponse(
  error: OstiaryError,
  publicUrl: string,
  requestId: string,
  headers: Record<string, string> = {},
): Response {
  const retryAfter = error.refusal.retryAfterSeconds ?? (error.status === 503 ? 1 : undefined)
  return new Response(JSON.stringify(problemBody(error, publicUrl, requestId)), {
    status: error.status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      'Request-Id': requestId,
      ...(error.status === 401 && { 'WWW-Authenticate': 'Bearer' }),
      ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
      ...headers,
    },
  })
}

/** What was thrown, as a refusal: anything that nobody threw on purpose is `internal_error`, and its reason is logged. */
export function asRefusal(error: unknown): OstiaryError {
  return error instanceof OstiaryError ? error : new OstiaryError('internal_error', { cause: error })
}

export const errorCodes = Object.keys(ERRORS) as ErrorCode[]
