import { randomBytes } from 'node:crypto'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { WireChallenge, WireTokens } from './demo-api.ts'

/** The sign-in under way: what the code page shows, and the PKCE verifier that binds the link to this browser. */
export interface Pending extends WireChallenge {
  verifier: string
}

/** What the next page says once. */
export type Note = 'in' | 'new' | 'back' | 'out' | 'resent' | 'replaced'

const PENDING = 'demo_pending'
const ACCESS = 'demo_access'
const REFRESH = 'demo_refresh'
const NOTE = 'demo_note'
const STATE = 'demo_state'
const NOTES: readonly string[] = ['in', 'new', 'back', 'out', 'resent', 'replaced'] satisfies Note[]

// No Secure and no __Host- prefix: the demo is plain http on localhost. A real app sets both.
const OPTIONS = { httpOnly: true, sameSite: 'Lax', path: '/' } as const

/** Keeps the sign-in for as long as its challenge lives. */
export function keepPending(c: Context, challenge: WireChallenge, verifier: string): Pending {
  const { id, to, codeLength, tag, expiresAt, resendAt, sendsLeft, attemptsLeft } = challenge
  const pending = { id, to, codeLength, tag, expiresAt, resendAt, sendsLeft, attemptsLeft, verifier }
  const value = Buffer.from(JSON.stringify(pending)).toString('base64url')
  setCookie(c, PENDING, value, { ...OPTIONS, expires: new Date(expiresAt) })
  return pending
}

/** The sign-in under way, or null. The cookie may hold anything: it shows only to the one who brought it. */
export function readPending(c: Context): Pending | null {
  try {
    const value = JSON.parse(Buffer.from(getCookie(c, PENDING) ?? '', 'base64url').toString())
    const isWhole =
      ['id', 'to', 'tag', 'verifier'].every(name => typeof value[name] === 'string') &&
      ['sendsLeft', 'attemptsLeft'].every(name => typeof value[name] === 'number') &&
      ['expiresAt', 'resendAt'].every(name => !Number.isNaN(Date.parse(value[name])))
    return isWhole && /^chl_[0-9a-z]+$/.test(value.id) ? value : null
  } catch {
    return null
  }
}

export function dropPending(c: Context): void {
  deleteCookie(c, PENDING, OPTIONS)
}

/** What comes back with a result of the element: only the browser that began may come back as somebody. */
export function stateToBegin(c: Context): string {
  const state = getCookie(c, STATE) ?? randomBytes(16).toString('base64url')
  setCookie(c, STATE, state, { ...OPTIONS, maxAge: 3600 })
  return state
}

export function isOwnState(c: Context, state: string | undefined): boolean {
  return state !== undefined && state !== '' && state === getCookie(c, STATE)
}

export function dropState(c: Context): void {
  deleteCookie(c, STATE, OPTIONS)
}

export function keepTokens(c: Context, tokens: WireTokens): void {
  setCookie(c, ACCESS, tokens.accessToken, { ...OPTIONS, expires: new Date(tokens.accessTokenExpiresAt) })
  setCookie(c, REFRESH, tokens.refreshToken, { ...OPTIONS, expires: new Date(tokens.refreshTokenExpiresAt) })
}

export function readTokens(c: Context): { access: string | null; refresh: string | null } {
  return { access: getCookie(c, ACCESS) || null, refresh: getCookie(c, REFRESH) || null }
}

export function dropTokens(c: Context): void {
  deleteCookie(c, ACCESS, OPTIONS)
  deleteCookie(c, REFRESH, OPTIONS)
}

export function leaveNote(c: Context, note: Note): void {
  setCookie(c, NOTE, note, { ...OPTIONS, maxAge: 30 })
}

/** Reads the note and takes it away. */
export function takeNote(c: Context): Note | null {
  const note = getCookie(c, NOTE)
  if (note === undefined) return null
  deleteCookie(c, NOTE, OPTIONS)
  return NOTES.includes(note) ? (note as Note) : null
}
