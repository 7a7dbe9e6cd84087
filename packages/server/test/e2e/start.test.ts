import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSink, refusal, type Sink } from '../delivery/smtp-sink.ts'
import {
  apiOf,
  type Call,
  liveSettings,
  ostiary,
  pressLink,
  type Running,
  startServer,
} from '../setup/process.ts'

// One production server from its start to its end, with a real mail server beside it. The tests build on each other:
// what the first ones used is what the last ones look for where it must not be.

let sink: Sink
let server: Running
let live: Call
let settings: Awaited<ReturnType<typeof liveSettings>>
/** Everything that opens a door, as it came up. */
const planted = { codes: [] as string[], tokens: [] as string[] }
/** What both processes printed. */
let printed = ''

const greylisted = new Set<string>()
let slowMs = 0

beforeAll(async () => {
  sink = await openSink({
    onRcptTo({ address }, _session, done) {
      if (address.startsWith('gone')) return done(refusal(550, '5.1.1 no such user here'))
      if (address.startsWith('later') && !greylisted.has(address)) {
        greylisted.add(address)
        return done(refusal(451, '4.7.1 greylisted, try again'))
      }
      setTimeout(done, slowMs)
    },
  })
  settings = await liveSettings(sink.url)
  settings.env.LOG_LEVEL = 'trace'
  server = await startServer(['start'], settings.port, { env: settings.env })
  const created = await ostiary(
    ['keys', 'create', '--environment', 'live', '--name', 'e2e', '--scopes', 'admin', '--json'],
    { env: settings.env },
  )
  const { secret } = JSON.parse(created.stdout)
  planted.tokens.push(secret, settings.env.OSTIARY_SECRET ?? '')
  live = apiOf(server.url, secret)
})
afterAll(() => sink.close())

/** Waits for the mail to this address, and notes what it carries. */
async function mailTo(address: string): Promise<{ code: string; link: string; text: string; html: string }> {
  const mine = () => sink.mails.filter(({ to }) => to.includes(address))
  await expect.poll(() => mine().length, { timeout: 10_000 }).toBeGreaterThan(0)
  const { email } = mine().at(-1) ?? {}
  const text = email?.text ?? ''
  // Long codes are shown in halves.
  const code = /^\s*(\d[\d ]{4,10}\d)\s*$/m.exec(text)?.[1]?.replaceAll(' ', '') ?? ''
  const link = /http:\/\/localhost:\d+\/l\/(olk_[\w-]{43})/.exec(text)
  if (code) planted.codes.push(code)
  if (link?.[1]) planted.tokens.push(link[1])
  return { code, link: link?.[0] ?? '', text, html: email?.html ?? '' }
}

function note(tokens: { accessToken: string; refreshToken: string }) {
  planted.tokens.push(tokens.accessToken, tokens.refreshToken)
  return tokens
}

describe('signing in by mail', () => {
  it('sends a code that signs in, once, and a session that can be refreshed', async () => {
    const sent = await live('POST', '/v1/challenges', { to: 'Ada@Example.com', locale: 'en' })
    expect(sent.status).toBe(201)
    const { code, html } = await mailTo('ada@example.com')
    expect(code).toMatch(/^\d{6}$/)
    expect(html).toContain(sent.body.tag)
    const [mail] = sink.mails
    expect(mail?.from).toBe('login@acme.example')
    expect(mail?.email.subject).toContain(code)

    const path = `/v1/challenges/${sent.body.id}/verify`
    expect((await live('POST', path, { code: code === '000000' ? '000001' : '000000' })).body).toMatchObject({
      code: 'code_incorrect',
      attemptsLeft: 4,
    })
    const verified = await live('POST', path, { code })
    expect(verified).toMatchObject({
      status: 200,
      body: { isNewUser: true, user: { email: 'ada@example.com' } },
    })
    const first = note(verified.body.tokens)
    expect((await live('POST', path, { code })).body.code).toBe('challenge_used')

    const { refreshToken, accessToken } = note(
      (await live('POST', '/v1/sessions/refresh', { refreshToken: first.refreshToken })).body.tokens,
    )
    note((await live('POST', '/v1/sessions/refresh', { refreshToken })).body.tokens)
    expect((await live('POST', '/v1/sessions/verify', { accessToken })).body).toMatchObject({
      isActive: true,
    })
    const reused = await live('POST', '/v1/sessions/refresh', { refreshToken: first.refreshToken })
    expect(reused).toMatchObject({ status: 401, body: { code: 'refresh_reused' } })
    expect((await live('POST', '/v1/sessions/verify', { accessToken })).body).toMatchObject({
      isActive: false,
    })
  })

  it('sends a link whose press leads to the app with a token that signs in, once', async () => {
    const redirectUrl = 'https://app.example.com/welcome'
    const apps = await live('GET', '/v1/apps')
    const patched = await live('PATCH', `/v1/apps/${apps.body.data[0].id}`, { redirectUrls: [redirectUrl] })
    expect(patched.status).toBe(200)
    const sent = await live('POST', '/v1/challenges', {
      to: 'grace@example.com',
      credential: 'link',
      redirectUrl,
      state: 'where-we-were',
    })
    expect(sent.status).toBe(201)
    const { link, code } = await mailTo('grace@example.com')
    expect(code).toBe('')

    // Another site's form is not a press; looking at the page is not one either.
    const foreign = await fetch(link, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'Sec-Fetch-Site': 'cross-site' },
    })
    expect(foreign.status).toBe(403)
    for (const method of ['GET', 'HEAD', 'GET'])
      expect((await fetch(link, { method, headers: { Connection: 'close' } })).status).toBe(200)

    const pressed = await fetch(link, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'press=x',
    })
    expect(pressed.status).toBe(303)
    const location = new URL(pressed.headers.get('location') ?? '')
    expect(location.origin + location.pathname).toBe(redirectUrl)
    expect(location.searchParams.get('state')).toBe('where-we-were')
    const lost = location.searchParams.get('token') ?? ''
    // The answer was lost on the way: until the token is exchanged, the same button may be pressed again.
    const handover = (await pressLink(link)) ?? ''
    planted.tokens.push(lost, handover)
    expect((await live('POST', '/v1/challenges/verify', { linkToken: lost })).status).toBe(400)

    const verified = await live('POST', '/v1/challenges/verify', { linkToken: handover })
    expect(verified).toMatchObject({ status: 200, body: { user: { email: 'grace@example.com' } } })
    const { refreshToken } = note(verified.body.tokens)
    expect((await live('POST', '/v1/challenges/verify', { linkToken: handover })).body.code).toBe(
      'link_invalid',
    )
    expect(await pressLink(link)).toBeNull()
    expect((await fetch(link)).status).toBe(409)
    const refreshed = await live(
      'POST',
      '/v1/sessions/refresh',
      { refreshToken },
      { 'Idempotency-Key': 'again-1' },
    )
    expect(refreshed.status).toBe(200)
    note(refreshed.body.tokens)
    const replayed = await live(
      'POST',
      '/v1/sessions/refresh',
      { refreshToken },
      { 'Idempotency-Key': 'again-1' },
    )
    expect(replayed.body).toEqual(refreshed.body)
    expect(replayed.headers.get('idempotency-replayed')).toBe('true')
  })

  it('has no inbox', async () => {
    expect(await live('GET', '/v1/messages')).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(await live('GET', '/v1/messages?to=ada@example.com')).toMatchObject({ status: 404 })
    expect((await fetch(`${server.url}/dev/inbox/messages`)).status).toBe(404)
  })
})

describe('a mail server with moods', () => {
  const timeline = async (id: string): Promise<string[]> => {
    const { body } = await live('GET', `/v1/challenges/${id}`)
    return body.timeline.map(({ type }: { type: string }) => type)
  }

  it('a 4xx is tried again, and one mail arrives', async () => {
    const { body } = await live('POST', '/v1/challenges', { to: 'later@example.org' })
    await mailTo('later@example.org')
    await expect.poll(() => timeline(body.id)).toContain('message.sent')
    expect(await timeline(body.id)).toContain('message.retried')
    expect(await timeline(body.id)).not.toContain('message.failed')
    await pause(300)
    expect(sink.mails.filter(({ to }) => to.includes('later@example.org'))).toHaveLength(1)
  })

  it('a 5xx is final, and the timeline says why', async () => {
    const { body } = await live('POST', '/v1/challenges', { to: 'gone@example.org' })
    expect(body.status).toBe('pending')
    await expect.poll(() => timeline(body.id)).toContain('message.failed')
    const told = await live('GET', `/v1/challenges/${body.id}`)
    const failed = told.body.timeline.find(({ type }: { type: string }) => type === 'message.failed')
    expect(JSON.stringify(failed)).toContain('no such user here')
    expect(sink.mails.some(({ to }) => to.includes('gone@example.org'))).toBe(false)
  })
})

describe('the end', () => {
  it('puts no secret where it does not belong, wherever a caller puts it', async () => {
    const [code = ''] = planted.codes
    for (const token of planted.tokens) {
      await live('GET', `/nowhere/${token}?token=${token}`)
      await live('GET', `/l/${token}/more`)
      await live('GET', `/l/${token}`)
      await live('GET', `/v1/events?type=${token}`)
      await live('GET', `/v1/challenges/${token}`)
      await live('POST', '/v1/sessions/refresh', `{"refreshToken": "${token}`)
      await live('POST', '/v1/sessions/refresh', { refreshToken: token, [token]: token })
      await live(
        'POST',
        '/v1/challenges/verify',
        { linkToken: token },
        { 'Idempotency-Key': token.slice(0, 200) },
      )
      await fetch(`${server.url}/v1/settings`, {
        headers: { Authorization: `Bearer ${token}`, Cookie: token },
      })
    }
    await live('GET', `/v1/challenges/${code}`)
    await live('POST', `/v1/challenges/chl_01k6z5v9hrf0qv2s8yb7m3c4dn/verify`, { code, [code]: code })
  })

  it('SIGTERM answers what is under way, delivers what is being sent, and exits with 0', async () => {
    slowMs = 600
    const slow = await live('POST', '/v1/challenges', { to: 'slow@example.org' })
    await expect.poll(() => sink.connections()).toBeGreaterThan(0)
    await pause(200)

    const body = JSON.stringify({ to: 'inflight@example.org' })
    const socket = connect(settings.port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', text => {
      answer += text
    })
    socket.write(
      `POST /v1/challenges HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${planted.tokens[0]}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    )
    await pause(100)
    const ended = server.stop()
    await pause(200)
    // No new connection is taken; the one under way is answered.
    await expect(fetch(`${server.url}/healthz`, { headers: { Connection: 'close' } })).rejects.toThrow()
    socket.write(body.slice(5))
    await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 201 /)
    const answeredAt = performance.now()
    const { code, stdout, stderr } = await ended
    expect(code).toBe(0)
    // The connection would be kept alive; the stop does not wait for its client (after 10 s it would be cut).
    expect(performance.now() - answeredAt).toBeLessThan(8000)
    expect(stderr).toBe('')
    expect(stdout).toContain('"msg":"stopping"')
    printed += stdout + stderr
    expect(sink.mails.filter(({ to }) => to.includes('slow@example.org'))).toHaveLength(1)

    // Nothing that was accepted is lost by the stop, and nothing that was sent is sent again.
    slowMs = 0
    server = await startServer(['start'], settings.port, { env: settings.env })
    await mailTo('inflight@example.org')
    await mailTo('slow@example.org')
    await expect
      .poll(async () =>
        (await live('GET', `/v1/challenges/${slow.body.id}`)).body.timeline.map(
          (event: { type: string }) => event.type,
        ),
      )
      .toContain('message.sent')
    await pause(300)
    for (const to of ['slow@example.org', 'inflight@example.org'])
      expect(
        sink.mails.filter(mail => mail.to.includes(to)),
        to,
      ).toHaveLength(1)
  })

  it('leaves no code, link, token, key or secret in log or database', async () => {
    const folder = dirname(settings.file)
    const bytes = () =>
      ['', '-wal', '-shm'].map(end => {
        const file = join(folder, basename(settings.file) + end)
        return [file, readFileSync(file, { encoding: 'latin1', flag: 'a+' })] as const
      })
    const whileRunning = bytes()
    printed += server.stdout() + server.stderr()
    const last = await server.stop()
    printed += last.stdout + last.stderr
    expect(printed.split('\n').length).toBeGreaterThan(50)
    expect(planted.codes.length).toBeGreaterThanOrEqual(3)
    expect(planted.tokens.length).toBeGreaterThanOrEqual(10)

    for (const [place, text] of [['the log', printed] as const, ...whileRunning, ...bytes()]) {
      const found = [
        ...planted.tokens.filter(token => text.includes(token)),
        // A token is no secret without its random part; with half of it, it is half a secret.
        ...planted.tokens.filter(token => text.includes(token.slice(-20))),
        ...planted.codes.filter(code => new RegExp(`(?<![\\w.-])${code}(?![\\w.-])`).test(text)),
      ]
      expect(found, place).toEqual([])
    }
  })
})
