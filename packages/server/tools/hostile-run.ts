import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { chanceOf } from '../test/crash/chance.ts'
import { checkInvariants } from '../test/setup/invariants.ts'
import { apiOf, type Call, freePort, pressLink, startServer, temporaryFolder } from '../test/setup/process.ts'
import type { BrowserTarget } from './hostile-browser.ts'
import type { Heartbeat } from './hostile-heartbeat.ts'
import {
  type FetchInput,
  type Input,
  nextInput,
  type RawInput,
  type RightCall,
  type Target,
} from './hostile-inputs.ts'
import type { Pool } from './hostile-json.ts'

export interface HostileReport {
  inputs: number
  byStatus: Record<string, number>
  /** Answers 2xx by endpoint: inputs that got past every guard. */
  yeses: Record<string, number>
  /** What must not be, in words with the input. */
  faults: string[]
  heart: Heartbeat
  warm: Heartbeat
  /** Latencies of /healthz meanwhile, in milliseconds. */
  probe: { p50: number; p99: number; worst: number; count: number }
  violations: string[]
  /** The longest times in which the server was busy, with what of them was garbage collection and the inputs under way. */
  stalls: { ownMs: number; collectingMs: number; inputs: string[] }[]
  seconds: number
}

export interface HostileOptions {
  inputs: number
  seed: number
  /** Inputs before memory is first looked at. */
  warmUp: number
  onProgress?(done: number): void
}

const CLIENTS = 4
const ANSWER_MS = 5000
const QUIET_MS = 150
const SLOW_MS = 40
const MAX_SLOW = 20_000
/** A pool is used up by so many inputs: its users blocked or deleted, its codes spent. */
const INPUTS_PER_POOL = 2000

/** Throws hostile inputs at an `ostiary dev` of its own and looks at its answers, its heart, its memory and its rows. */
export async function runHostile({
  inputs,
  seed,
  warmUp,
  onProgress,
}: HostileOptions): Promise<HostileReport> {
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  const beat = join(folder, 'heart')
  const port = await freePort()
  const server = await startServer(['dev', '--port', String(port), '--data', data, '--json'], port, {
    env: { HOSTILE_HEARTBEAT: beat, LOG_LEVEL: 'error' },
    nodeOptions: ['--expose-gc', '--import', new URL('./hostile-heartbeat.ts', import.meta.url).href],
  })
  while (!server.stdout().endsWith('}\n')) await pause(10)
  const key = JSON.parse(server.stdout()).secretKey as string
  const call = apiOf(server.url, key)
  const target: Target = { port, key, ...(await fillTarget(call)) }
  // The start, and the first look at a passkey and at a condition, load and compile code, once (0.1 s): left out of the count.
  await call('POST', '/v1/users/usr_nobody/authenticators', {
    type: 'passkey',
    credentialId: 'AAAA',
    publicKey: 'AAAA',
    isBackupEligible: false,
  })
  await call('POST', '/v1/rules', { name: 'none', condition: '1', outcome: 'ALLOW' })
  await heartOf(beat)
  const faults: string[] = []
  const byStatus: Record<string, number> = {}
  const yeses: Record<string, number> = {}
  const slow: { from: number; until: number; told: string }[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  const startedAt = performance.now()
  let begun = 0
  let isOver = false

  async function client(number: number, until: number): Promise<void> {
    const chance = chanceOf(seed + 7919 * number + until)
    while (begun < until) {
      begun++
      if (begun % 5000 === 0) onProgress?.(begun)
      if (begun % INPUTS_PER_POOL === 0) Object.assign(target, await fillTarget(call).catch(() => ({})))
      const input = nextInput(target, chance)
      const givenAt = Date.now()
      const { statuses, fault } = await give(port, input, agent)
      if (Date.now() - givenAt > SLOW_MS && slow.length < MAX_SLOW)
        slow.push({ from: givenAt, until: Date.now(), told: describe(input) })
      for (const status of statuses) byStatus[status] = (byStatus[status] ?? 0) + 1
      if (input.kind === 'fetch' && statuses.some(status => status >= 200 && status < 300))
        yeses[input.name] = (yeses[input.name] ?? 0) + 1
      if (fault !== null && faults.length < 1000) faults.push(`${fault}: ${describe(input)}`)
      // Two cores: the probe and the server get their turn.
      await pause(chance.is(0.5) ? 1 : 0)
    }
  }
  const throwUntil = (until: number) =>
    Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number, until)))

  const latencies: number[] = []
  await throwUntil(Math.min(warmUp, inputs))
  const warm = await heartOf(beat)
  const probing = (async () => {
    const own = new Agent({ keepAlive: true })
    while (!isOver) {
      const at = performance.now()
      const { status } = await fetchOnce(
        port,
        { method: 'GET', path: '/healthz', headers: {}, body: null },
        own,
      )
      latencies.push(performance.now() - at)
      if (status !== 200) faults.push(`/healthz answered ${status}`)
      await pause(20)
    }
    own.destroy()
  })()
  await throwUntil(inputs)
  isOver = true
  await probing
  const heart = await heartOf(beat)
  agent.destroy()
  const seconds = (performance.now() - startedAt) / 1000
  const isAlive = (await call('GET', '/v1/settings')).status === 200
  if (!isAlive) faults.push('the server does not answer any more')
  const { code, signal, stderr } = await server.stop()
  if (code !== 0) faults.push(`the server ended with ${code ?? signal}: ${stderr.slice(-2000)}`)
  const internal = stderr.split('\n').filter(line => line.includes('internal_error'))
  for (const line of internal.slice(0, 20)) faults.push(`logged: ${line.slice(0, 800)}`)
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? 0
  return {
    inputs: begun,
    byStatus,
    yeses,
    faults,
    heart,
    warm,
    probe: { p50: at(0.5), p99: at(0.99), worst: at(1), count: latencies.length },
    violations: checkInvariants(join(data, 'ostiary.db'), { secrets: [key] }),
    stalls: [...warm.stalls, ...heart.stalls]
      .toSorted((a, b) => b.ownMs - a.ownMs)
      .slice(0, 5)
      .map(({ at, ownMs }) => ({
        ownMs,
        collectingMs: [...warm.collections, ...heart.collections]
          .filter(one => one.at <= at && one.at > at - ownMs)
          .reduce((sum, { ms }) => sum + ms, 0),
        inputs: slow.filter(({ from, until }) => from <= at && until >= at - ownMs).map(({ told }) => told),
      })),
    seconds,
  }
}

/** Things of every kind and calls that they make right, so that hostile inputs get past the first guard. */
async function fillTarget(call: Call): Promise<Pick<Target, 'pool' | 'right' | 'browser'>> {
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await call(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  // What was thrown may have closed the sign-up or switched off the links.
  await ask('PATCH', '/v1/settings', {
    signUp: null,
    emailDomains: null,
    methods: null,
    challenge: null,
    limits: null,
  })
  const name = `h${Date.now()}${Math.floor(1e6 * Math.random())}`
  const asked = { credential: 'codeAndLink', redirectUrl: 'http://localhost:9/cb' }
  const [open, used, pressed] = [
    await ask('POST', '/v1/challenges', { to: `${name}a@example.com`, ...asked }),
    await ask('POST', '/v1/challenges', { to: `${name}b@example.com` }),
    await ask('POST', '/v1/challenges', { to: `${name}c@example.com`, ...asked }),
  ]
  const messageOf = async (id: string) => (await ask('GET', `/v1/messages?challengeId=${id}`)).data[0]
  const { link } = await messageOf(open.id)
  const { code } = await messageOf(used.id)
  const handover = await pressLink((await messageOf(pressed.id)).link)
  const { user, session, tokens } = await ask('POST', `/v1/challenges/${used.id}/verify`, { code })
  const app = await ask('POST', '/v1/apps', { name })
  const list = await ask('GET', '/v1/events?limit=1')
  const id = [
    open.id,
    used.id,
    pressed.id,
    user.id,
    session.id,
    app.id,
    'x',
    'chl_',
    'usr_01k6z5v9hrf0qv2s8yb7m3c4dn',
  ]
  const right: RightCall[] = [
    { path: '/v1/sessions/refresh', body: { refreshToken: tokens.refreshToken } },
    { path: '/v1/sessions/verify', body: { accessToken: tokens.accessToken } },
    { path: `/v1/sessions/${session.id}/revoke`, body: {} },
    { path: `/v1/users/${user.id}/sessions/revoke`, body: {} },
    { path: '/v1/sessions', body: { challengeId: used.id } },
  ]
  for (let number = 0; number < 24; number++) {
    const isNone = number % 4 === 0
    const to = `${name}r${number}@example.com`
    const sent = await ask('POST', '/v1/challenges', { to, ...(isNone && { userMode: 'none' }) })
    const read = await messageOf(sent.id)
    right.push({ path: `/v1/challenges/${sent.id}/verify`, body: { code: read.code } })
    right.push({ path: '/v1/challenges', body: { to: `${name}s${number}@example.com`, ...asked } })
    if (isNone) right.push({ path: `/v1/challenges/${sent.id}/claim`, body: { userId: user.id } })
  }
  const pool: Pool = {
    id,
    userId: [user.id],
    challengeId: [open.id, used.id],
    sessionId: [session.id],
    appId: [app.id],
    // Many: a few addresses would soon be held up by the limits.
    to: Array.from(
      { length: 60 },
      (_, number) => `${number % 20 === 0 ? 'ä' : ''}${name}t${number}@example.com`,
    ),
    email: Array.from({ length: 20 }, (_, number) => `${name}e${number}@example.com`),
    value: [`${name}f@example.com`, '+491701234567'],
    phone: ['+491701234567'],
    code: [code, '000000'],
    linkToken: [handover ?? '', new URL(link).pathname.slice(3)],
    refreshToken: [tokens.refreshToken],
    accessToken: [tokens.accessToken],
    redirectUrl: ['http://localhost:9/cb'],
    codeChallenge: ['E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'],
    locale: ['de', 'en', 'pt-BR'],
    purpose: ['signIn', 'withdraw'],
    limit: ['1', '25', '100'],
    cursor: [list.nextCursor ?? 'x'],
    createdAfter: ['2026-01-01T00:00:00.000Z'],
    createdBefore: ['2030-01-01T00:00:00.000Z'],
    ipAddress: ['203.0.113.9', '2001:db8::1'],
    link: [new URL(link).pathname],
  }
  return { pool, right, browser: { ...(await fillBrowser(call, name)), accessTokens: [tokens.accessToken] } }
}

/** Actions at every step, in the hands of browsers. */
async function fillBrowser(call: Call, name: string): Promise<Omit<BrowserTarget, 'accessTokens'>> {
  const made: Omit<BrowserTarget, 'accessTokens'> = {
    publishableKey: '',
    workingTokens: [],
    openingTokens: [],
    resultTokens: [],
    links: [],
  }
  const apps = (await call('GET', '/v1/apps')).body.data
  made.publishableKey = apps.find((one: { isDefault: boolean }) => one.isDefault).publishableKey
  for (let number = 0; number < 24; number++) {
    const to = `${name}x${number}@example.com`
    const asked = { name: 'signIn', ...(number % 2 === 0 && { redirectUrl: 'http://localhost:9/cb' }) }
    const { token, url } = (await call('POST', '/v1/actions', asked)).body
    const step = async (path: string, body: object) =>
      (await call('POST', `/client/v1/actions/${path}`, body, { Authorization: `Bearer ${token}` })).body
    if (number < 3) made.openingTokens.push(url.slice(url.lastIndexOf('/') + 1))
    else made.workingTokens.push(token)
    if (number < 5) continue
    await step('identify', { to })
    if (number < 6) continue
    await step('send', { method: number < 15 ? 'emailCode' : 'emailLink' })
    const { code, link } = (await call('GET', `/v1/messages?to=${to}`)).body.data[0]
    if (number >= 15) made.links.push(new URL(link).pathname)
    if (number === 8) made.resultTokens.push((await step('verify', { code })).result.token)
  }
  return made
}

interface Given {
  statuses: number[]
  fault: string | null
}

async function give(port: number, input: Input, agent: Agent): Promise<Given> {
  if (input.kind === 'raw') return await giveRaw(port, input)
  const { status, body, error } = await fetchOnce(port, input, agent)
  if (error !== null) return { statuses: [], fault: `no answer (${error})` }
  return { statuses: [status], fault: faultOf(status, body, input.method === 'HEAD') }
}

/** No 5xx is right but a 503 that says why; to HEAD nobody says anything. */
function faultOf(status: number, body: string, isHead: boolean): string | null {
  if (status < 500 || (status === 503 && isHead)) return null
  if (status === 503 && /"code":"(unavailable|outcome_unknown)"/.test(body)) return null
  return `answered ${status} ${body.slice(0, 300)}`
}

type Sent = Pick<FetchInput, 'method' | 'path' | 'headers' | 'body'>

function fetchOnce(
  port: number,
  { method, path, headers, body }: Sent,
  agent: Agent,
): Promise<{ status: number; body: string; error: string | null }> {
  return new Promise(resolve => {
    const done = (status: number, text: string, error: string | null) =>
      resolve({ status, body: text, error })
    try {
      const asked = request(
        {
          host: '127.0.0.1',
          port,
          method,
          path: path.replaceAll(/[^\x21-\x7e]/g, ''),
          headers: {
            host: `localhost:${port}`,
            ...cleaned(headers),
            ...(body && { 'content-length': body.length }),
          },
          agent,
          timeout: ANSWER_MS,
        },
        response => {
          let text = ''
          response.setEncoding('latin1')
          response.on('data', chunk => {
            if (text.length < 4000) text += chunk
          })
          response.on('end', () => done(response.statusCode ?? 0, text, null))
          response.on('error', error => done(0, '', error.message))
        },
      )
      asked.on('timeout', () => asked.destroy(new Error(`nothing for ${ANSWER_MS} ms`)))
      asked.on('error', (error: NodeJS.ErrnoException) => {
        // What is too large is refused before it is read, and the answer may be lost in the reset of the connection.
        const isLarge = path.length + JSON.stringify(headers).length > 15_000 || (body?.length ?? 0) > 60_000
        const isCut = isLarge && (error.code === 'EPIPE' || error.code === 'ECONNRESET')
        done(isCut ? 413 : 0, '', isCut ? null : error.message)
      })
      asked.end(body ?? undefined)
    } catch (error) {
      // Node's own client refuses some of what we would say; the raw inputs say it.
      done(0, '', (error as NodeJS.ErrnoException).code === 'ERR_INVALID_CHAR' ? null : String(error))
    }
  })
}

const cleaned = (headers: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')]),
  )

/** Writes the pieces and reads what comes, until the other side ends or is quiet. */
function giveRaw(port: number, { pieces, end }: RawInput): Promise<Given> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const isHead = pieces[0]?.bytes.subarray(0, 5).toString() === 'HEAD '
    let text = ''
    let isEnded = false
    const finish = () => {
      if (isEnded) return
      isEnded = true
      clearTimeout(last)
      socket.destroy()
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(match => Number(match[1]))
      const bad = statuses.find(status => status >= 500)
      resolve({ statuses, fault: bad === undefined ? null : faultOf(bad, text, isHead) })
    }
    let last = setTimeout(finish, ANSWER_MS)
    const rest = (ms: number) => {
      clearTimeout(last)
      last = setTimeout(finish, ms)
    }
    socket.setEncoding('latin1')
    socket.on('data', chunk => {
      text += chunk
      rest(end === 'answered' ? 5 : 30)
    })
    socket.on('error', finish)
    socket.on('close', finish)
    socket.on('connect', async () => {
      for (const { bytes, waitMs } of pieces) {
        if (waitMs > 0) await pause(waitMs)
        if (isEnded) return
        socket.write(bytes)
      }
      if (end === 'reset') {
        socket.resetAndDestroy()
        return finish()
      }
      if (end === 'finish') socket.end()
      rest(QUIET_MS)
    })
  })
}

function heartOf(path: string): Promise<Heartbeat> {
  return new Promise((resolve, reject) => {
    let text = ''
    connect(path)
      .setEncoding('utf8')
      .on('data', chunk => {
        text += chunk
      })
      .on('end', () => resolve(JSON.parse(text)))
      .on('error', reject)
  })
}

function describe(input: Input): string {
  if (input.kind === 'raw')
    return `${input.name}: ${JSON.stringify(
      Buffer.concat(input.pieces.map(({ bytes }) => bytes))
        .toString('latin1')
        .slice(0, 500),
    )}`
  return `${input.method} ${input.path.slice(0, 300)} ${JSON.stringify(input.headers).slice(0, 300)} ${JSON.stringify(input.body?.toString('latin1').slice(0, 500) ?? null)}`
}

/** What a run must show, besides its faults: empty when all is well. */
export function judge({ heart, warm, faults, violations, stalls }: HostileReport): string[] {
  const wrong = [...faults, ...violations]
  const worstOwnMs = Math.max(warm.worstOwnMs, heart.worstOwnMs)
  if (worstOwnMs > 100)
    wrong.push(
      `the event loop was busy for ${worstOwnMs.toFixed(0)} ms: ${stalls[0]?.inputs[0] ?? 'no input was slow'}`,
    )
  const rss = rssOverTheRun(heart, warm)
  const [early, late] = [rss.slice(0, rss.length / 4), rss.slice(-rss.length / 4)]
  if (rss.length >= 40 && Math.max(...late) > Math.max(...early) + 64)
    wrong.push(`RSS grew from ${Math.max(...early)} to ${Math.max(...late)} MB`)
  if (heart.heapMb > warm.heapMb + 16)
    wrong.push(`the heap grew from ${warm.heapMb.toFixed(1)} to ${heart.heapMb.toFixed(1)} MB`)
  return wrong
}

/** The samples of RSS that were taken after the warm-up, each second. */
export const rssOverTheRun = (heart: Heartbeat, warm: Heartbeat): number[] =>
  heart.rssSamplesMb.slice(warm.rssSamplesMb.length)
