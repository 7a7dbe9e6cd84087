/** The wire forms of which the demo reads fields (CONTRACT sections 2 and 3). */
export interface WireChallenge {
  id: string
  to: string
  codeLength: number | null
  tag: string
  expiresAt: string
  resendAt: string
  sendsLeft: number
  attemptsLeft: number
}

export interface WireUser {
  id: string
  name: string | null
  email: string | null
  phone: string | null
}

export interface WireSession {
  id: string
  methods: string[]
  amr: string[]
  authTime: string
  expiresAt: string
}

export interface WireTokens {
  accessToken: string
  accessTokenExpiresAt: string
  refreshToken: string
  refreshTokenExpiresAt: string
}

export interface Verified {
  challenge: WireChallenge
  user: WireUser
  isNewUser: boolean
  session: WireSession
  tokens: WireTokens
}

/** A result of the element, redeemed; a repetition has no tokens. */
export interface Redeemed {
  user: WireUser
  session: WireSession | null
  tokens: WireTokens | null
}

export interface Refreshed {
  session: WireSession
  tokens: WireTokens
  user: WireUser
}

export type Checked =
  | { isActive: true; session: WireSession; user: WireUser }
  | { isActive: false; session: null; user: null }

/** What `application/problem+json` says (RFC 9457), so far as the demo shows it. `code` is null without an answer. */
export interface Problem {
  status: number | null
  code: string | null
  detail: string
  attemptsLeft: number | null
  retryAfterSeconds: number | null
  requestId: string | null
}

export type Answer<Value> = { value: Value; problem: null } | { value: null; problem: Problem }

/** One POST to Ostiary: the answer or the problem; never throws. */
export type Call = <Value>(path: string, body: object, idempotencyKey?: string) => Promise<Answer<Value>>

/** The demo's whole Ostiary client: this is all that a backend needs. */
export function ostiaryCaller(apiUrl: string, secretKey: string, fetchIt: typeof fetch): Call {
  return async <Value>(path: string, body: object, idempotencyKey?: string): Promise<Answer<Value>> => {
    const headers: Record<string, string> = {
      Authorization: `Bearer ${secretKey}`,
      'Content-Type': 'application/json',
    }
    if (idempotencyKey) headers['Idempotency-Key'] = idempotencyKey
    const request = {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    }
    try {
      const response = await fetchIt(apiUrl + path, request)
      const answer = JSON.parse((await response.text()) || '{}')
      return response.ok
        ? { value: answer, problem: null }
        : { value: null, problem: problemOf(response.status, answer) }
    } catch {
      return { value: null, problem: problemOf(null, { detail: `Ostiary did not answer at ${apiUrl}.` }) }
    }
  }
}

function problemOf(status: number | null, body: Record<string, unknown>): Problem {
  const text = (name: string) => (typeof body[name] === 'string' ? body[name] : null)
  const number = (name: string) => (typeof body[name] === 'number' ? body[name] : null)
  return {
    status,
    code: text('code'),
    detail: text('detail') ?? text('title') ?? 'The answer could not be read.',
    attemptsLeft: number('attemptsLeft'),
    retryAfterSeconds: number('retryAfterSeconds'),
    requestId: text('requestId'),
  }
}
