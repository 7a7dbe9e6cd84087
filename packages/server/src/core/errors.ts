/**
 * The closed list of refusals. Code, status and public title of each stand here and nowhere else; the error pages,
 * the OpenAPI file and the SDK's union are made from this table. A code is never reused for another meaning.
 */
export const ERRORS = {
  invalid_request: [400, 'The request has a missing, unknown or malformed field'],
  malformed_json: [400, 'The body is not valid JSON'],
  cursor_invalid: [400, 'The cursor is damaged or belongs to another list or filter'],
  redirect_url_not_allowed: [400, 'The redirect URL is not on the list of the app'],
  template_invalid: [400, 'The template is unknown, not valid, or lacks a value'],
  code_incorrect: [400, 'The code is not right'],
  link_invalid: [400, 'The link token is not valid here'],
  token_invalid: [400, 'The token is not valid here'],
  unauthorized: [401, 'The request is not authenticated'],
  session_invalid: [401, 'The session is unknown, ended or revoked'],
  refresh_invalid: [401, 'The refresh token is unknown or expired'],
  refresh_reused: [401, 'The refresh token was used before; its session is revoked'],
  scope_insufficient: [403, 'The API key lacks the scope for this call'],
  origin_not_allowed: [403, 'The origin is not on the list of the app'],
  fresh_proof_required: [403, 'The person has to prove who they are again'],
  sign_up_closed: [403, 'Sign-up is closed'],
  user_blocked: [403, 'The user is blocked'],
  hook_denied: [403, 'The hook denied the sign-in'],
  not_found: [404, 'There is no such thing here'],
  method_not_allowed: [405, 'The path does not take this method'],
  not_acceptable: [406, 'No answer in a media type that the client accepts'],
  challenge_expired: [409, 'The challenge has expired'],
  challenge_used: [409, 'The challenge was used already'],
  attempts_exhausted: [409, 'No attempt is left on the challenge'],
  sends_exhausted: [409, 'No send is left on the challenge'],
  resend_too_late: [409, 'Too little life is left on the challenge for another message'],
  already_exists: [409, 'It exists already'],
  external_id_taken: [409, 'Another user has this externalId'],
  state_conflict: [409, 'The state of the object does not allow this'],
  already_claimed: [409, 'It was claimed already'],
  idempotency_in_progress: [409, 'The first request with this Idempotency-Key is still running'],
  precondition_failed: [412, 'The object was changed in between (If-Match)'],
  body_too_large: [413, 'The body is larger than this call takes'],
  unsupported_media_type: [415, 'The body has to be application/json'],
  idempotency_key_reused: [422, 'The Idempotency-Key was used with another body'],
  destination_not_allowed: [422, 'Nothing is sent to this destination'],
  rate_limited: [429, 'Too many requests of this kind'],
  internal_error: [500, 'Something broke on our side'],
  unavailable: [503, 'The server cannot decide this right now'],
  outcome_unknown: [503, 'It is not known whether the request took effect'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ErrorCode = keyof typeof ERRORS

/** One entry of `errors[]`: which field of the request is wrong and how. */
export interface FieldError {
  path: string
  code: string
  message: string
  suggestion?: string
}

/** What a refusal tells its caller besides the code. `reason` never leaves the server: it goes to the log. */
export interface Refusal {
  detail?: string
  reason?: string
  errors?: FieldError[]
  attemptsLeft?: number
  retryAfterSeconds?: number
  limit?: string
  cause?: unknown
}

/** A refusal: the one kind of error that core throws on purpose. Anything else that is thrown is a bug. */
export class OstiaryError extends Error {
  override name = 'OstiaryError'
  readonly code: ErrorCode
  readonly status: number
  readonly refusal: Refusal

  constructor(code: ErrorCode, refusal: Refusal = {}) {
    super(refusal.detail ?? ERRORS[code][1], refusal.cause === undefined ? {} : { cause: refusal.cause })
    this.code = code
    this.status = ERRORS[code][0]
    this.refusal = refusal
  }
}

/** A refusal that names one field of the request. */
export function fieldError(path: string, code: string, message: string, suggestion?: string): OstiaryError {
  const error: FieldError =
    suggestion === undefined ? { path, code, message } : { path, code, message, suggestion }
  return new OstiaryError('invalid_request', { detail: `"${path}" ${message}.`, errors: [error] })
}
