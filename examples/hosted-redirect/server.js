import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

// An app with a backend that sends people to Ostiary's sign-in page and gets them back with a result token.
const {
  OSTIARY_URL = 'http://localhost:4545',
  OSTIARY_SECRET_KEY,
  OSTIARY_PUBLISHABLE_KEY,
  PORT = '3000',
} = process.env
const origin = `http://localhost:${PORT}`

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', origin)
  const act = { 'GET /': home, 'GET /sign-in': signIn, 'GET /callback': callback, 'POST /sign-out': signOut }
  const found = act[`${request.method} ${pathname}`]
  if (!found) return response.writeHead(404).end('Not found')
  found(request, response, searchParams).catch(error => {
    console.error(error)
    response.writeHead(500).end('Something went wrong')
  })
}).listen(Number(PORT), 'localhost', () => console.log(origin))

async function home(request, response) {
  const accessToken = cookiesOf(request).access
  const { isActive, user } = accessToken ? await ostiary('/v1/sessions/verify', { accessToken }) : {}
  show(
    response,
    isActive
      ? `<p>Signed in as <b>${escaped(user.email)}</b></p><form method="post" action="/sign-out"><button>Sign out</button></form>`
      : '<p><a href="/sign-in">Sign in</a></p>',
  )
}

/** The state comes back with the person: only the browser that began here may come back as somebody. */
async function signIn(_request, response) {
  const state = randomBytes(16).toString('base64url')
  const page = new URL('/sign-in', OSTIARY_URL)
  page.search = new URLSearchParams({
    key: OSTIARY_PUBLISHABLE_KEY,
    redirectUrl: `${origin}/callback`,
    state,
  })
  go(response, page.href, [cookie('state', state, 900)])
}

async function callback(request, response, query) {
  if (!isSame(query.get('state'), cookiesOf(request).state))
    return show(response, '<p>Another browser began this sign-in. <a href="/sign-in">Begin here</a></p>')
  const token = query.get('token')
  if (token === null)
    return show(response, `<p>Not signed in: ${escaped(query.get('error'))}. <a href="/">Back</a></p>`)
  const { isValid, tokens } = await ostiary('/v1/actions/validate', { token, action: 'signIn' })
  if (!isValid || !tokens) return show(response, '<p>That was too late. <a href="/sign-in">Once more</a></p>')
  go(response, '/', [cookie('state', '', 0), cookie('access', tokens.accessToken, 600)])
}

async function signOut(request, response) {
  if (request.headers['sec-fetch-site'] !== 'same-origin') return response.writeHead(403).end('Not from here')
  const accessToken = cookiesOf(request).access
  const { isActive, session } = accessToken ? await ostiary('/v1/sessions/verify', { accessToken }) : {}
  if (isActive) await ostiary(`/v1/sessions/${session.id}/revoke`, {})
  go(response, '/', [cookie('access', '', 0)])
}

/** One call to Ostiary, with the secret key: from a backend only. A refusal is an answer without the fields of a success. */
async function ostiary(path, body) {
  const answer = await fetch(new URL(path, OSTIARY_URL), {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${OSTIARY_SECRET_KEY}`,
      'Content-Type': 'application/json',
      'Idempotency-Key': crypto.randomUUID(),
    },
    body: JSON.stringify(body),
  })
  if (answer.status >= 500 || answer.status === 401) throw new Error(`${path}: ${await answer.text()}`)
  return await answer.json()
}

const cookie = (name, value, maxAge) => `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}`

const cookiesOf = request =>
  Object.fromEntries((request.headers.cookie ?? '').split('; ').map(pair => pair.split(/=(.*)/s).slice(0, 2)))

function isSame(one, other) {
  if (!one || !other || one.length !== other.length) return false
  return timingSafeEqual(Buffer.from(one), Buffer.from(other))
}

function go(response, location, cookies) {
  response.writeHead(303, { Location: location, 'Set-Cookie': cookies }).end()
}

function show(response, html) {
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Example</title><h1>Example</h1>${html}</html>`,
  )
}

const escaped = text => String(text).replace(/[&<>"']/g, char => `&#${char.codePointAt(0)};`)
