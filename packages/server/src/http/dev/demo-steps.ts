import { createHash, randomBytes } from 'node:crypto'
import type { Context } from 'hono'
import { pageHeaders } from '../pages/headers.ts'
import type { Call, Problem, Redeemed, Verified, WireChallenge } from './demo-api.ts'
import {
  dropPending,
  dropState,
  dropTokens,
  isOwnState,
  keepPending,
  keepTokens,
  leaveNote,
  readPending,
  stateToBegin,
  takeNote,
} from './demo-cookies.ts'
import { addressPage, codePage, DEMO_POLICY, signedInPage } from './demo-pages.ts'
import type { Trouble } from './demo-problems.ts'
import { inWords, ownTrouble } from './demo-problems.ts'
import { contextOf, whoIsThere } from './demo-session.ts'

export interface Demo {
  apiUrl: string
  call: Call
  publishableKey(): Promise<string>
}

/** The one page that people see: signed in, or the step of the sign-in at which they are. */
export async function front(c: Context, demo: Demo): Promise<Response> {
  const { apiUrl, call } = demo
  const { signedIn, problem } = await whoIsThere(c, call)
  if (signedIn) return show(c, signedInPage({ apiUrl, signedIn, note: takeNote(c), trouble: null }))
  return readPending(c)
    ? show(c, step(c, apiUrl, problem && inWords(problem)))
    : begin(c, demo, problem && inWords(problem))
}

/** The page with the element. */
async function begin(
  c: Context,
  { apiUrl, publishableKey }: Demo,
  trouble: Trouble | null,
  status: 200 | 400 = 200,
): Promise<Response> {
  const element = {
    key: await publishableKey(),
    redirectUrl: `${apiUrl}/demo/callback`,
    state: stateToBegin(c),
  }
  return show(c, addressPage({ apiUrl, to: '', note: takeNote(c), trouble, element }), status)
}

/** The element's way back: one call redeems its result. A HEAD must not spend it. */
async function redeem(c: Context, demo: Demo, token: string): Promise<Response> {
  const { value, problem } = await demo.call<Redeemed>('/v1/actions/validate', {
    token,
    action: 'signIn',
    context: contextOf(c),
  })
  if (problem) return begin(c, demo, inWords(problem), 400)
  dropState(c)
  // Redeemed before, by a reload: the session is there already.
  if (value.tokens) {
    keepTokens(c, value.tokens)
    leaveNote(c, 'in')
  }
  return goHome(c)
}

/** First call: asks Ostiary to prove the address, with the link bound to this browser (PKCE, RFC 7636). */
export async function send(c: Context, { apiUrl, call }: Demo): Promise<Response> {
  const to = await field(c, 'address')
  const verifier = randomBytes(32).toString('base64url')
  const { value, problem } = await call<WireChallenge>('/v1/challenges', {
    to,
    credential: 'codeAndLink',
    redirectUrl: `${apiUrl}/demo/callback`,
    codeChallenge: createHash('sha256').update(verifier).digest('base64url'),
    context: contextOf(c),
  })
  if (problem)
    return show(c, addressPage({ apiUrl, to, note: null, trouble: inWords(problem), element: null }), 400)
  keepPending(c, value, verifier)
  return goHome(c)
}

/** Second call: the code. */
export async function verify(c: Context, { apiUrl, call }: Demo): Promise<Response> {
  const pending = readPending(c)
  if (!pending) return goHome(c)
  const answer = { code: await field(c, 'code'), context: contextOf(c) }
  const { value, problem } = await call<Verified>(`/v1/challenges/${pending.id}/verify`, answer)
  return problem ? refused(c, apiUrl, problem) : enter(c, value)
}

/** Second call, by link. The token works once, so a HEAD must not spend it, and without a verifier it is of no use. */
export async function callback(c: Context, demo: Demo): Promise<Response> {
  const { apiUrl, call } = demo
  if (c.req.method === 'HEAD') return c.body(null)
  const linkToken = c.req.query('token')
  if (isOwnState(c, c.req.query('state'))) return linkToken ? redeem(c, demo, linkToken) : goHome(c)
  const pending = readPending(c)
  if (!linkToken || !pending) {
    const text =
      'This browser did not ask for it. Open it where you began, or type the code from the message there.'
    return show(c, step(c, apiUrl, ownTrouble('The link was opened somewhere else', text)), 400)
  }
  const proof = { linkToken, codeVerifier: pending.verifier, challengeId: pending.id, context: contextOf(c) }
  const { value, problem } = await call<Verified>('/v1/challenges/verify', proof)
  return problem ? refused(c, apiUrl, problem) : enter(c, value)
}

/** Another message for the same challenge. */
export async function resend(c: Context, { apiUrl, call }: Demo): Promise<Response> {
  const pending = readPending(c)
  if (!pending) return goHome(c)
  type Resent = WireChallenge & { earlierCodes: 'valid' | 'replaced' }
  const { value, problem } = await call<Resent>(`/v1/challenges/${pending.id}/resend`, {})
  if (problem) return refused(c, apiUrl, problem)
  keepPending(c, value, pending.verifier)
  leaveNote(c, value.earlierCodes === 'replaced' ? 'replaced' : 'resent')
  return goHome(c)
}

/** Forgets the sign-in under way. */
export function startOver(c: Context): Response {
  dropPending(c)
  return goHome(c)
}

/** Revokes the session at Ostiary. The cookies go only when that has worked: signed out means signed out. */
export async function signOut(c: Context, { apiUrl, call }: Demo): Promise<Response> {
  const { signedIn, problem } = await whoIsThere(c, call)
  const revoked = signedIn && (await call(`/v1/sessions/${signedIn.session.id}/revoke`, {}))
  const failure = problem ?? revoked?.problem
  if (failure) {
    const trouble = { ...inWords(failure), title: 'You are still signed in' }
    const page = signedIn ? signedInPage({ apiUrl, signedIn, note: null, trouble }) : step(c, apiUrl, trouble)
    return show(c, page, 400)
  }
  dropTokens(c)
  leaveNote(c, 'out')
  return goHome(c)
}

/** Third call, as JSON: what an app's own backend would tell its browser code. */
export async function me(c: Context, { call }: Demo): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const { signedIn, problem } = await whoIsThere(c, call)
  if (problem) return c.json({ isSignedIn: null, problem }, 503)
  return c.json(
    signedIn ? { isSignedIn: true, ...signedIn.answer, claims: signedIn.claims } : { isSignedIn: false },
  )
}

export function goHome(c: Context): Response {
  c.header('Cache-Control', 'no-store')
  c.header('Referrer-Policy', 'no-referrer')
  return c.redirect('/', 303)
}

function show(c: Context, page: string, status: 200 | 400 = 200): Response {
  return c.body(page, status, pageHeaders(DEMO_POLICY))
}

function step(c: Context, apiUrl: string, trouble: Trouble | null): string {
  const pending = readPending(c)
  const note = takeNote(c)
  if (pending && !trouble?.isOver) return codePage({ apiUrl, pending, note, trouble })
  return addressPage({ apiUrl, to: pending?.to ?? '', note, trouble, element: null })
}

function refused(c: Context, apiUrl: string, problem: Problem): Response {
  const trouble = inWords(problem)
  const page = step(c, apiUrl, trouble)
  if (trouble.isOver) dropPending(c)
  return show(c, page, 400)
}

function enter(c: Context, verified: Verified): Response {
  dropPending(c)
  keepTokens(c, verified.tokens)
  leaveNote(c, verified.isNewUser ? 'new' : 'back')
  return goHome(c)
}

async function field(c: Context, name: string): Promise<string> {
  const value = (await c.req.parseBody())[name]
  return typeof value === 'string' ? value.trim().slice(0, 320) : ''
}
