import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'

// An app that pays out only what the person has approved, as much as its rules ask for (rules.js).
const {
  OSTIARY_URL = 'http://localhost:4545',
  OSTIARY_SECRET_KEY,
  OSTIARY_PUBLISHABLE_KEY,
  PORT = '3000',
} = process.env
const origin = `http://localhost:${PORT}`
/** One draft for each session: what its person is about to pay out. A real app has a table. */
const drafts = new Map()
/** What was paid, by user. */
const paid = new Map()

const ROUTES = {
  'GET /': home,
  'GET /sign-in': signIn,
  'GET /signed-in': signedIn,
  'POST /pay-outs': payOut,
  'GET /paid': approved,
}

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', origin)
  const found = ROUTES[`${request.method} ${pathname}`]
  if (!found) return response.writeHead(404).end('Not found')
  found(request, response, searchParams).catch(error => {
    console.error(error)
    response.writeHead(500).end('Something went wrong')
  })
}).listen(Number(PORT), 'localhost', () => console.log(origin))

async function home(request, response) {
  const { user } = await whoIs(request)
  if (!user) return show(response, '<p><a href="/sign-in">Sign in</a></p>')
  const lines = (paid.get(user.id) ?? []).map(one => `<li>Paid: ${escaped(inWords(one))}</li>`)
  show(
    response,
    `<p>Signed in as <b>${escaped(user.email)}</b></p><ul>${lines.join('')}</ul><form method="post" action="/pay-outs">
<label>Amount in € <input name="amount" inputmode="decimal" required></label>
<label>To <input name="iban" required></label> <button>Pay out</button></form>`,
  )
}

/** The sensitive action: tracked with all that matters about it, and done at once only where the rules let it. */
async function payOut(request, response) {
  const { user, session } = await whoIs(request)
  if (!user || request.headers['sec-fetch-site'] !== 'same-origin')
    return response.writeHead(403).end('Not from here')
  const form = await formOf(request)
  const attributes = { amount: Number(form.get('amount')), iban: (form.get('iban') ?? '').replace(/\s/g, '') }
  if (!(attributes.amount > 0) || !/^[A-Z]{2}[A-Z0-9]{4,32}$/.test(attributes.iban))
    return show(response, '<p>An amount and an IBAN, please. <a href="/">Back</a></p>')
  const draft = { attributes, state: randomBytes(16).toString('base64url') }
  drafts.set(session.id, draft)
  const action = await ostiary('/v1/actions', {
    name: 'payOut',
    userId: user.id,
    attributes,
    intent: `Pay out ${inWords(attributes)}`,
    redirectUrl: `${origin}/paid`,
    state: draft.state,
    // Of the person, not of this server. Behind a proxy it is the address that the proxy tells.
    context: { ipAddress: request.socket.remoteAddress, userAgent: request.headers['user-agent'] },
  })
  if (action.state === 'ALLOW') return pay(response, user, session)
  if (action.url === null) return show(response, '<p>We do not pay that out. <a href="/">Back</a></p>')
  go(response, action.url)
}

/** Back from Ostiary: nothing is done before the result is redeemed, and is about just what would be done now. */
async function approved(request, response, query) {
  const { user, session } = await whoIs(request)
  const draft = session && drafts.get(session.id)
  const token = query.get('token')
  if (!user || !draft) return show(response, '<p>There is nothing to approve. <a href="/">Back</a></p>')
  if (token === null)
    return show(response, `<p>Not paid: ${escaped(query.get('error'))}. <a href="/">Back</a></p>`)
  const { isValid, attributesHash } = await ostiary('/v1/actions/validate', {
    token,
    action: 'payOut',
    userId: user.id,
  })
  if (!isValid) return show(response, '<p>Not paid: too late, or not yours. <a href="/">Back</a></p>')
  // What the person saw and approved, against what is here now: another tab may have changed it, or somebody else.
  if (attributesHash !== hashOf(draft.attributes) || query.get('state') !== draft.state)
    return show(response, '<p>Not paid: something else was approved. <a href="/">Back</a></p>')
  pay(response, user, session)
}

function pay(response, user, session) {
  const { attributes } = drafts.get(session.id)
  // Gone with the first: an approval pays once.
  drafts.delete(session.id)
  paid.set(user.id, [...(paid.get(user.id) ?? []), attributes])
  go(response, '/')
}

/** SHA-256 of the attributes as JSON with the keys in order (RFC 8785): both are short texts and numbers here. */
function hashOf(attributes) {
  const json = JSON.stringify(attributes, Object.keys(attributes).sort())
  return createHash('sha256').update(json).digest('base64url')
}

const inWords = ({ amount, iban }) => `${amount} € to ${iban}`

async function signIn(_request, response) {
  const state = randomBytes(16).toString('base64url')
  const page = new URL('/sign-in', OSTIARY_URL)
  page.search = new URLSearchParams({
    key: OSTIARY_PUBLISHABLE_KEY,
    redirectUrl: `${origin}/signed-in`,
    state,
  })
  go(response, page.href, [cookie('state', state, 900)])
}

async function signedIn(request, response, query) {
  const token = query.get('token')
  if (token === null || query.get('state') !== cookiesOf(request).state) return go(response, '/')
  const { isValid, tokens } = await ostiary('/v1/actions/validate', { token, action: 'signIn' })
  if (!isValid || !tokens) return go(response, '/')
  go(response, '/', [cookie('state', '', 0), cookie('access', tokens.accessToken, 600)])
}

async function whoIs(request) {
  const accessToken = cookiesOf(request).access
  const { isActive, user, session } = accessToken ? await ostiary('/v1/sessions/verify', { accessToken }) : {}
  return isActive ? { user, session } : {}
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
  // Without an answer of the rules nothing is done.
  if (answer.status >= 500 || answer.status === 401 || (path === '/v1/actions' && !answer.ok))
    throw new Error(`${path}: ${await answer.text()}`)
  return await answer.json()
}

async function formOf(request) {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > 10_000) throw new Error('too long')
  }
  return new URLSearchParams(text)
}

const cookie = (name, value, maxAge) => `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}`

const cookiesOf = request =>
  Object.fromEntries((request.headers.cookie ?? '').split('; ').map(pair => pair.split(/=(.*)/s).slice(0, 2)))

function go(response, location, cookies = []) {
  response.writeHead(303, { Location: location, 'Set-Cookie': cookies }).end()
}

function show(response, html) {
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Example</title><link rel="icon" href="data:,"><h1>Example</h1>${html}</html>`,
  )
}

const escaped = text => String(text).replace(/[&<>"']/g, char => `&#${char.codePointAt(0)};`)
