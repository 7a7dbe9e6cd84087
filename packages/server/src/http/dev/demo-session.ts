import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import type { Call, Checked, Problem, Refreshed, WireSession, WireUser } from './demo-api.ts'
import { dropTokens, keepTokens, readTokens } from './demo-cookies.ts'

/** Who is signed in, and what the backend was told about them. Tokens themselves are not part of it. */
export interface SignedIn {
  user: WireUser
  session: WireSession
  claims: Record<string, unknown>
  /** The answer of Ostiary from which this was read. */
  answer: Checked
}

export type Visitor = { signedIn: SignedIn | null; problem: Problem | null }

/**
 * Asks Ostiary whether the session in the cookies is active, and refreshes it when the access token is not. Cookies
 * are dropped only when Ostiary says that the session is over, not when it could not be asked.
 */
export async function whoIsThere(c: Context, call: Call): Promise<Visitor> {
  const { access, refresh } = readTokens(c)
  if (access) {
    const { value, problem } = await call<Checked>('/v1/sessions/verify', { accessToken: access })
    if (problem) return { signedIn: null, problem }
    if (value.isActive) return { signedIn: signedIn(value, access), problem: null }
  }
  return refresh ? refreshed(c, call, refresh) : nobody(c, access)
}

/** The person's circumstances, as the backend tells them to Ostiary. */
export function contextOf(c: Context): { ipAddress?: string; userAgent?: string } {
  const ipAddress: unknown = c.env?.incoming?.socket?.remoteAddress
  const userAgent = c.req.header('user-agent')
  return {
    ...(typeof ipAddress === 'string' && { ipAddress }),
    ...(userAgent && { userAgent: userAgent.slice(0, 512) }),
  }
}

// The key comes from the token: two requests of one page that refresh at once get the same successor, not a revocation.
async function refreshed(c: Context, call: Call, refreshToken: string): Promise<Visitor> {
  const key = `refresh-${createHash('sha256').update(refreshToken).digest('base64url')}`
  const { value, problem } = await call<Refreshed>(
    '/v1/sessions/refresh',
    { refreshToken, context: contextOf(c) },
    key,
  )
  if (problem) return problem.status === 401 ? nobody(c, refreshToken) : { signedIn: null, problem }
  keepTokens(c, value.tokens)
  const { session, user } = value
  return { signedIn: signedIn({ isActive: true, session, user }, value.tokens.accessToken), problem: null }
}

function nobody(c: Context, hadToken: string | null): Visitor {
  if (hadToken) dropTokens(c)
  return { signedIn: null, problem: null }
}

function signedIn(answer: Checked & { isActive: true }, accessToken: string): SignedIn {
  return { user: answer.user, session: answer.session, claims: claimsOf(accessToken), answer }
}

// Read, not checked: Ostiary has just checked this token. An app that checks by itself uses the JWKS.
function claimsOf(accessToken: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
  } catch {
    return {}
  }
}
