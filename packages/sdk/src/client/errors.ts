/** The refusals of the server that a browser can meet (CONTRACT section 1). */
export type RefusalCode =
  | 'invalid_request'
  | 'malformed_json'
  | 'redirect_url_not_allowed'
  | 'code_incorrect'
  | 'link_invalid'
  | 'token_invalid'
  | 'unauthorized'
  | 'session_invalid'
  | 'refresh_invalid'
  | 'refresh_reused'
  | 'origin_not_allowed'
  | 'fresh_proof_required'
  | 'sign_up_closed'
  | 'user_blocked'
  | 'hook_denied'
  | 'not_found'
  | 'method_not_allowed'
  | 'not_acceptable'
  | 'challenge_expired'
  | 'challenge_used'
  | 'attempts_exhausted'
  | 'sends_exhausted'
  | 'resend_too_late'
  | 'state_conflict'
  | 'already_exists'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'destination_not_allowed'
  | 'rate_limited'
  | 'internal_error'
  | 'unavailable'
  | 'outcome_unknown'

/** No answer: no connection, none in time, the caller gave up, or something that is not Ostiary answered. */
export type LostCode = 'network_failed' | 'timed_out' | 'aborted' | 'answer_unreadable'

/** Why a popup gave no result. */
export type PopupCode =
  /** The browser let no window open: call it inside the press itself. */
  | 'popup_blocked'
  /** One is open; it was brought to the front. */
  | 'popup_open'
  /** The window was never heard of: an error page, a page that did not load, or cut off by an opener policy. */
  | 'popup_lost'
  /** What came back is of another sign-in. */
  | 'popup_mismatch'
  /** The person gave up, or closed the window. */
  | 'cancelled'

interface Told {
  message: string
  /** Null when there was no answer. */
  status: number | null
  requestId: string | null
  retryAfterSeconds: number | null
  attemptsLeft: number | null
}

/** Every way in which a call can fail. The union narrows by `code`. */
export type Failure =
  | (Told & { code: 'code_incorrect'; status: number; attemptsLeft: number })
  | (Told & { code: 'rate_limited'; status: number; retryAfterSeconds: number })
  | (Told & { code: Exclude<RefusalCode, 'code_incorrect' | 'rate_limited'>; status: number })
  | (Told & { code: LostCode | PopupCode })

export type FailureCode = Failure['code']

/** What every call of the client throws. `failure` is the typed union; the rest repeats it for reading at a glance. */
export class OstiaryClientError extends Error {
  override name = 'OstiaryClientError'
  readonly failure: Failure
  readonly code: FailureCode
  readonly requestId: string | null
  readonly retryAfterSeconds: number | null
  readonly attemptsLeft: number | null

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
    this.code = failure.code
    this.requestId = failure.requestId
    this.retryAfterSeconds = failure.retryAfterSeconds
    this.attemptsLeft = failure.attemptsLeft
  }
}

const LOST_SENTENCES: Record<LostCode, string> = {
  network_failed: 'There was no connection to the server',
  timed_out: 'The server did not answer in time',
  aborted: 'The call was given up',
  answer_unreadable: 'What answered is not Ostiary',
}

export function lost(code: LostCode, status: number | null = null, requestId: string | null = null) {
  const nothing = { retryAfterSeconds: null, attemptsLeft: null }
  return new OstiaryClientError({ code, message: LOST_SENTENCES[code], status, requestId, ...nothing })
}

/** Reads `application/problem+json` (RFC 9457); what is not such a document is `answer_unreadable`. */
export function refusalOf(answer: Response, body: unknown): OstiaryClientError {
  const problem = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const requestId = text(problem.requestId) ?? answer.headers.get('Request-Id')
  const code = text(problem.code)
  if (code === null) return lost('answer_unreadable', answer.status, requestId)
  const header = answer.headers.get('Retry-After')
  const retryAfter = whole(problem.retryAfterSeconds) ?? (header === null ? null : whole(Number(header)))
  const told = {
    message: text(problem.detail) ?? text(problem.title) ?? code,
    status: answer.status,
    requestId,
    retryAfterSeconds: code === 'rate_limited' ? (retryAfter ?? 60) : retryAfter,
    attemptsLeft: whole(problem.attemptsLeft) ?? (code === 'code_incorrect' ? 0 : null),
  }
  return new OstiaryClientError({ ...told, code } as Failure)
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function whole(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null
}
