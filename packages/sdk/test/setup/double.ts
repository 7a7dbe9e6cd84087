import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Brand, ClientAction } from '../../src/client/wire.ts'
import { build } from '../../tools/build.ts'

/** How the double is to misbehave with calls of one name, until it is told otherwise. */
export interface Fault {
  /** Answers with this problem instead of doing it. */
  refuse?: { status: number; code: string; retryAfterSeconds?: number; attemptsLeft?: number }
  /** Does it, and the answer never comes. */
  loseAnswer?: true
  delayMs?: number
  /** For so many calls; for all when not told. */
  times?: number
}

export interface Double {
  url: string
  /** The right code. */
  code: string
  /** What the next action is made of. */
  plan: {
    methods: string[]
    codeLength: number
    resendAfterMs: number
    challengeLifeMs: number
    actionLifeMs: number
    brand: Brand
    locale: string
    redirectTo: string | null
    hasCodeInLinkMail: boolean
  }
  faults: Record<string, Fault | undefined>
  /** Each call as "POST verify", and its body. */
  calls: { name: string; body: Record<string, unknown>; authorization: string | null }[]
  action: ClientAction | null
  /** Another device did something: changes the action and tells the streams. */
  move(change: Partial<ClientAction>): void
  /** Streams that are open. */
  streams: Set<ServerResponse>
  close(): Promise<void>
}

const BRAND: Brand = {
  name: 'Acme Notes',
  logoUrl: null,
  supportUrl: 'https://example.com/help',
  colors: { light: {}, dark: {} },
  radius: 8,
  font: 'system',
}

const REFUSALS: Record<string, number> = {
  state_conflict: 409,
  code_incorrect: 400,
  unauthorized: 401,
  token_invalid: 400,
}

/**
 * A server that speaks `/client/v1` as the contract has it, with one action in memory and without mails: what the
 * element and the client need to be tried alone, faults included.
 */
export async function startDouble(): Promise<Double> {
  const folder = mkdtempSync(join(tmpdir(), 'ostiary-sdk-'))
  await build(folder)
  let attemptsLeft = 5
  let isProven = false
  let isTaken = false
  const double: Double = {
    url: '',
    code: '123456',
    plan: {
      methods: ['emailCode'],
      codeLength: 6,
      resendAfterMs: 30_000,
      challengeLifeMs: 600_000,
      actionLifeMs: 900_000,
      brand: BRAND,
      locale: 'en',
      redirectTo: null,
      hasCodeInLinkMail: false,
    },
    faults: {},
    calls: [],
    action: null,
    streams: new Set(),
    move(change) {
      if (!double.action) throw new Error('no action has begun')
      double.action = { ...double.action, ...change }
      isProven = double.action.step === 'done'
      for (const stream of double.streams) tell(stream)
    },
    async close() {
      for (const stream of double.streams) stream.end()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }

  function tell(stream: ServerResponse) {
    const { state, step } = double.action as ClientAction
    stream.write(`event: state\ndata: ${JSON.stringify({ state, step })}\n\n`)
  }

  function challengeOf(method: string): ClientAction['challenge'] {
    const { plan } = double
    const now = Date.now()
    const hasCode = method === 'emailCode' || plan.hasCodeInLinkMail
    return {
      method,
      codeLength: hasCode ? plan.codeLength : null,
      tag: 'KTR',
      sentAt: at(now),
      expiresAt: at(now + plan.challengeLifeMs),
      resendAt: at(now + plan.resendAfterMs),
      sendsLeft: 2,
      attemptsLeft,
      number: null,
    }
  }

  const result = () => ({
    token: 'oht_result',
    redirectTo: double.plan.redirectTo && `${double.plan.redirectTo}?token=oht_result&state=s1`,
  })
  const prove = () => {
    isTaken = true
    double.move({ step: 'done', state: 'CHALLENGE_SUCCEEDED' })
    return { ...double.action, result: result() }
  }

  const acts: Record<string, (body: Record<string, unknown>) => unknown> = {
    begin(body) {
      const { plan } = double
      isProven = isTaken = false
      attemptsLeft = 5
      double.action = {
        id: 'act_1',
        name: 'signIn',
        state: 'CHALLENGE_REQUIRED',
        step: 'identify',
        methods: plan.methods,
        completedSteps: [],
        address: null,
        intent: null,
        isAddressFixed: false,
        loginHint: (body.loginHint as string | undefined) ?? null,
        challenge: null,
        redirectTo: null,
        locale: plan.locale,
        brand: plan.brand,
        createdAt: at(Date.now()),
        expiresAt: at(Date.now() + plan.actionLifeMs),
      }
      return { ...double.action, token: 'oat_token' }
    },
    current: () => double.action ?? 'unauthorized',
    identify({ to }) {
      if (!double.action || ['done', 'ended'].includes(double.action.step)) return 'state_conflict'
      double.move({ address: String(to), step: 'method', challenge: null })
      return double.action
    },
    send({ method }) {
      if (!double.action?.address) return 'state_conflict'
      attemptsLeft = 5
      double.move({ step: method === 'emailLink' ? 'link' : 'code', challenge: challengeOf(String(method)) })
      return double.action
    },
    resend() {
      const challenge = double.action?.challenge
      if (!challenge) return 'state_conflict'
      double.move({
        challenge: {
          ...(challengeOf(challenge.method) as typeof challenge),
          sendsLeft: challenge.sendsLeft - 1,
        },
      })
      return { ...double.action, earlierCodes: 'valid' }
    },
    verify({ code }) {
      const challenge = double.action?.challenge
      if (!challenge || isTaken) return 'state_conflict'
      if (code === double.code) return prove()
      attemptsLeft--
      double.move({ challenge: { ...challenge, attemptsLeft } })
      return attemptsLeft > 0 ? 'code_incorrect' : 'attempts_exhausted'
    },
    finish: () => (isProven && !isTaken ? prove() : 'state_conflict'),
    cancel() {
      double.move({ step: 'ended' })
      return { redirectTo: double.plan.redirectTo && `${double.plan.redirectTo}?error=cancelled&state=s1` }
    },
    validate: () => ({ isValid: true, user: null, session: null, tokens: null }),
  }

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    if (!pathname.startsWith('/client/v1/')) return void file(response, folder, pathname, searchParams)
    const name = pathname.replace(/^\/client\/v1\/(actions\/?)?/, '') || 'begin'
    const body = await bodyOf(request)
    double.calls.push({
      name: `${request.method} ${name}`,
      body,
      authorization: request.headers.authorization ?? null,
    })
    const fault = double.faults[name]
    if (fault?.times !== undefined && --fault.times <= 0) double.faults[name] = undefined
    if (fault?.delayMs) await new Promise(resolve => setTimeout(resolve, fault.delayMs))
    // Whoever gave up meanwhile changes nothing any more: the action may be another test's by now.
    if (response.destroyed) return
    if (fault?.refuse) return problem(response, fault.refuse.status, fault.refuse)
    if (name === 'events') return open(response)
    const answer = acts[name]?.(body)
    if (fault?.loseAnswer) return void response.destroy()
    if (answer === undefined) return problem(response, 404, { code: 'not_found' })
    if (typeof answer !== 'string') return json(response, name === 'begin' ? 201 : 200, answer)
    problem(response, REFUSALS[answer] ?? 409, {
      code: answer,
      ...(answer === 'code_incorrect' && { attemptsLeft }),
    })
  })

  function open(response: ServerResponse) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write(':\n\n')
    double.streams.add(response)
    response.on('close', () => double.streams.delete(response))
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  double.url = `http://localhost:${(server.address() as AddressInfo).port}`
  return double
}

function at(ms: number): string {
  return new Date(ms).toISOString()
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text === '' ? {} : JSON.parse(text)
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Request-Id': 'req_test' })
  response.end(JSON.stringify(body))
}

function problem(response: ServerResponse, status: number, fields: object): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json', 'Request-Id': 'req_test' })
  response.end(
    JSON.stringify({ type: 'about:blank', title: 'Refused', status, requestId: 'req_test', ...fields }),
  )
}

// As strict as a page can be: no inline script, no inline style, nothing from elsewhere.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src http://localhost:*; img-src 'self'; form-action 'none'; base-uri 'none'"
const STYLE = `body{margin:0;min-height:100dvh;display:grid;align-items:center;padding:24px 16px;background:#f6f6f3}
@media(prefers-color-scheme:dark){body.auto{background:#131412}}body.dark{background:#131412}
@media(max-width:420px){body{align-items:start;padding:16px 12px}}`

/** The built files, and at `/page?…` a page with the element: the query names its attributes. */
function file(response: ServerResponse, folder: string, path: string, query: URLSearchParams): void {
  const send = (type: string, content: string | Buffer) => {
    response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Content-Security-Policy': POLICY })
    response.end(content)
  }
  if (path === '/page') send('text/html', page(query))
  else if (path === '/page.css') send('text/css', STYLE)
  else if (path === '/back') send('text/html', '<!doctype html><title>Back</title><h1>Back in the app</h1>')
  else if (!existsSync(join(folder, path))) response.writeHead(404).end()
  else send(path.endsWith('.js') ? 'text/javascript' : 'application/json', readFileSync(join(folder, path)))
}

function page(query: URLSearchParams): string {
  const escaped = (text: string) => text.replace(/[&"<]/g, char => `&#${char.charCodeAt(0)};`)
  const attributes = [...query].map(([name, value]) => `${name}="${escaped(value)}"`).join(' ')
  const lang = query.get('locale') ?? 'en'
  return `<!doctype html><html lang="${escaped(lang)}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in</title><link rel="stylesheet" href="/page.css"><script type="module" src="/element/v1.js"></script>
<body class="${escaped(query.get('theme') ?? 'auto')}"><main><ostiary-sign-in ${attributes}>Loading</ostiary-sign-in></main></body></html>`
}
