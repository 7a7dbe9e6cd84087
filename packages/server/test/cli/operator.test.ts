import { spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { openSink, refusal, type Sink } from '../delivery/smtp-sink.ts'
import { apiOf, BIN, type DevServer, liveSettings, ostiary, startDev } from '../setup/process.ts'

// All of it beside a running server, as an operator works.
let server: DevServer
beforeAll(async () => {
  server = await startDev()
})

const run = (...args: string[]) => ostiary([...args, '--data', server.folder])
async function json(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, '--json')
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}
const api = (method: string, path: string, body?: unknown) =>
  apiOf(server.url, server.facts.secretKey)(method, path, body)

async function signIn(to: string) {
  const { body: challenge } = await api('POST', '/v1/challenges', { to })
  const { body: messages } = await api('GET', `/v1/messages?challengeId=${challenge.id}&wait=10`)
  const verified = await api('POST', `/v1/challenges/${challenge.id}/verify`, { code: messages.data[0].code })
  expect(verified.status).toBe(200)
  return { ...verified.body, code: messages.data[0].code as string }
}

async function refused(args: string[], sentence: string | RegExp) {
  const { code, stdout, stderr } = await run(...args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(sentence)
}

describe('env', () => {
  it('creates one that the running server serves within 1.5 s, and lists it', async () => {
    const made = await json('env', 'create', 'staging', '--mode', 'test')
    expect(made).toMatchObject({
      slug: 'staging',
      mode: 'test',
      publishableKey: expect.stringMatching(/^opk_test_/),
    })
    const { secret } = await json('keys', 'create', '-e', 'staging', '-n', 'ci', '-s', 'auth,read')
    await pause(1500)
    const sent = await apiOf(server.url, secret)('POST', '/v1/challenges', { to: 'ada@example.com' })
    expect(sent.status).toBe(201)
    expect((await fetch(`${server.url}/e/staging/.well-known/jwks.json`)).status).toBe(200)
    expect((await json('env', 'list')).map(({ slug }: { slug: string }) => slug)).toEqual([
      'test',
      'live',
      'staging',
    ])
    expect((await run('env', 'list')).stdout).toMatch(/ staging +test +env_\w+ +1 app\n/)
    const [created] = await json('events', '-e', 'staging', '--type', 'environment.created')
    expect(created.actor).toEqual({ type: 'admin', id: null })
  })

  it('refuses a slug that is taken or no slug, and another mode', async () => {
    await refused(['env', 'create', 'live', '--mode', 'live'], 'already')
    await refused(['env', 'create', 'Shop/1', '--mode', 'live'], 'lower-case')
    await refused(['env', 'create', 'shop', '--mode', 'prod'], '"prod" is not a mode')
    await refused(['apps', 'list', '-e', 'shop'], /no environment "shop"\n.*test, live/)
  })
})

describe('apps', () => {
  it('creates, changes, lists and deletes', async () => {
    const urls = ['https://shop.example.com/in', 'https://shop.example.com/app/*']
    const made = await json(
      ...['apps', 'create', 'Shop', '-e', 'test', '--audience', 'shop'],
      ...urls.flatMap(url => ['--redirect-url', url]),
    )
    expect(made).toMatchObject({
      name: 'Shop',
      redirectUrls: urls,
      origins: [],
      audience: 'shop',
      isDefault: false,
      publicRefresh: false,
    })
    const changed = await json(
      ...['apps', 'update', made.id, '-e', 'test', '--name', 'Shop 2'],
      ...['--origin', 'https://shop.example.com', '--redirect-url', '', '--audience', ''],
    )
    expect(changed).toMatchObject({
      name: 'Shop 2',
      redirectUrls: [],
      origins: ['https://shop.example.com'],
      audience: null,
    })
    expect((await api('GET', `/v1/apps/${made.id}`)).body).toEqual(changed)
    expect(await json('apps', 'list', '-e', 'test')).toContainEqual(changed)
    await refused(['apps', 'delete', made.id, '-e', 'test'], '--yes')
    expect(await json('apps', 'delete', made.id, '-e', 'test', '--yes')).toEqual({ deleted: made.id })
    expect((await run('apps', 'list', '-e', 'test')).stdout).not.toContain(made.id)
  })

  it('says what is wrong', async () => {
    const [first] = await json('apps', 'list', '-e', 'test')
    await refused(['apps', 'create', 'Bad', '-e', 'test', '-r', 'ftp://x.example/'], 'redirectUrls.0')
    await refused(['apps', 'create', 'Bad', '-e', 'live', '-o', 'http://localhost:3000'], 'origins.0')
    await refused(['apps', 'update', first.id, '-e', 'test'], 'nothing to change')
    await refused(['apps', 'update', first.id, '-e', 'live', '-n', 'Mine'], 'there is no app')
    await refused(['apps', 'delete', first.id, '-e', 'test', '--yes'], 'default app')
  })
})

describe('users', () => {
  it('finds, blocks, unblocks and deletes; the running server follows at once', async () => {
    const { user, tokens } = await signIn('grace@example.com')
    await api('PATCH', `/v1/users/${user.id}`, { externalId: 'g-1' })
    for (const by of [[user.id], ['--email', 'Grace@Example.com'], ['--external-id', 'g-1']])
      expect(await json('users', 'show', ...by, '-e', 'test')).toMatchObject({
        id: user.id,
        externalId: 'g-1',
      })
    expect((await run('users', 'list', '-e', 'test')).stdout).toMatch(
      new RegExp(`${user.id} +active .*grace@example.com +g-1\n`),
    )
    const isActive = async () =>
      (await api('POST', '/v1/sessions/verify', { accessToken: tokens.accessToken })).body.isActive
    expect(await isActive()).toBe(true)
    expect(await json('users', 'block', user.id, '-e', 'test')).toMatchObject({ status: 'blocked' })
    expect(await isActive()).toBe(false)
    expect(await json('users', 'unblock', '--external-id', 'g-1', '-e', 'test')).toMatchObject({
      status: 'active',
    })
    await refused(['users', 'delete', user.id, '-e', 'test'], '--yes')
    await json('users', 'delete', user.id, '-e', 'test', '--yes')
    expect((await api('GET', `/v1/users/${user.id}`)).status).toBe(404)
    const [deleted] = await json('events', '-e', 'test', '--user', user.id, '--limit', '1')
    expect(deleted).toMatchObject({ type: 'user.deleted', actor: { type: 'admin', id: null } })
  })

  it('shows what would steer the terminal as text, and as the same value in JSON', async () => {
    const externalId = 'x\u001b]52;c;ZXZpbA==\u0007\u009b2J\u202e'
    const name = 'Eve\n  Status       active\u001b[8m'
    const { id } = (await api('POST', '/v1/users', { externalId, name })).body
    for (const command of ['show', 'list']) {
      const { stdout, stderr } = await run('users', command, '--external-id', externalId, '-e', 'test')
      expect(stderr).toBe('')
      expect(stdout).not.toMatch(/[^\P{Cc}\n]|\u202e/u)
      expect(stdout).toContain('x\\u001b]52;c;ZXZpbA==\\u0007\\u009b2J\\u202e')
      expect(stdout.match(/^ +Status/gm) ?? []).toHaveLength(command === 'show' ? 1 : 0)
    }
    expect(await json('users', 'show', id, '-e', 'test')).toMatchObject({ externalId, name })
    await refused(['users', 'show', 'usr_\u001b[8m', '-e', 'test'], 'no user usr_\\u001b[8m')
  })

  it('wants exactly one user', async () => {
    for (let index = 0; index < 2; index++) await api('POST', '/v1/users', { email: 'twice@example.com' })
    await refused(
      ['users', 'show', '--email', 'twice@example.com', '-e', 'test'],
      /2 users .*\n.*usr_\w+ usr_/,
    )
    await refused(['users', 'show', '-e', 'test'], 'which user')
    await refused(['users', 'show', '--email', 'nobody@example.com', '-e', 'test'], 'there is no user')
    await refused(['users', 'show', '--email', 'no address', '-e', 'test'], 'is not an e-mail address')
    await refused(['users', 'list', '--limit', 'all'], 'from 1 to 1000')
  })
})

describe('inbox and events', () => {
  it('shows codes and links of a test environment, and of no live one', async () => {
    const { code } = await signIn('ada@example.com')
    const [newest] = await json('inbox', '--to', 'Ada@Example.com', '--limit', '1')
    expect(newest).toMatchObject({ to: 'ada@example.com', code, link: null, status: 'sent' })
    expect((await run('inbox')).stdout).toMatch(new RegExp(`ada@example.com +[A-Z]{3} +${code}\n`))
    await refused(['inbox', '-e', 'live'], 'live environment')
    await refused(['events', '--type', 'user.born'], '"user.born" is not a type')
  })

  it('follows both, each row once, while the server goes on, until Ctrl+C', async () => {
    const follow = (...args: string[]) => {
      const child = spawn(process.execPath, [BIN, ...args, '--follow', '--json', '--data', server.folder], {
        env: { PATH: process.env.PATH },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let text = ''
      child.stdout.setEncoding('utf8').on('data', part => {
        text += part
      })
      return {
        child,
        rows: () =>
          text
            .split('\n')
            .filter(Boolean)
            .map(line => JSON.parse(line)),
      }
    }
    const inbox = follow('inbox')
    const events = follow('events', '-e', 'test', '--type', 'session.created')
    // They show what comes after they began: until both have begun, somebody signs in again and again.
    let codes: string[] = []
    for (let number = 0; inbox.rows().length === 0 || events.rows().length === 0; number++)
      codes = [...codes, (await signIn(`follow${number}@example.com`)).code]
    const began = performance.now()
    for (const name of ['x', 'y', 'z']) codes.push((await signIn(`${name}@example.com`)).code)
    expect(performance.now() - began).toBeLessThan(5000)
    const seen = () => inbox.rows().map(({ code }) => code)
    await expect.poll(() => seen().slice(-3), { timeout: 5000 }).toEqual(codes.slice(-3))
    await pause(1000)
    expect(new Set(inbox.rows().map(({ id }) => id)).size).toBe(inbox.rows().length)
    expect(events.rows().length).toBeGreaterThanOrEqual(3)
    for (const { child } of [inbox, events]) {
      const ended = new Promise(resolve => child.once('close', resolve))
      child.kill('SIGINT')
      expect(await ended).toBe(0)
    }
  })
})

describe('why', () => {
  it('says what it comes to, what to do, and each attempt, newest first', async () => {
    const { user } = await signIn('why@example.com')
    const { body: challenge } = await api('POST', '/v1/challenges', { to: 'why@example.com' })
    await api('GET', `/v1/messages?challengeId=${challenge.id}&wait=10`)
    const wrong = { code: '12' }
    expect((await api('POST', `/v1/challenges/${challenge.id}/verify`, wrong)).status).toBe(400)
    const { code, stdout } = await run('why', 'Why@Example.com', '-e', 'test')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^The last code was typed wrong; tries left: 4 \((just now|\d+ seconds? ago)\)\.\n {2}\S/,
    )
    expect(stdout).toContain(`why@example.com belongs to ${user.id}\n`)
    expect(stdout.indexOf('A wrong code was typed')).toBeLessThan(stdout.indexOf('The code was right'))
    const told = await json('why', 'why@example.com', '-e', 'test', '--since', '1h')
    expect(told).toMatchObject({ userId: user.id, conclusion: { kind: 'wrongCode' } })
    expect(told.attempts[0][0]).toMatchObject({ type: 'challenge.created', challengeId: challenge.id })
  })

  it('is told of an address that nobody has, of a block, and only reads', async () => {
    const counted = async () => (await json('events', '-e', 'test', '--limit', '1000')).length
    const before = await counted()
    const nobody = await run('why', 'nobody@example.com', '-e', 'test')
    expect(nobody.stdout).toMatch(/^Nobody asked .*\n.*\n\nnobody@example.com belongs to nobody\n$/)
    expect(await counted()).toBe(before)
    const { user } = await signIn('why-blocked@example.com')
    await api('POST', `/v1/users/${user.id}/block`, {})
    expect((await run('why', 'why-blocked@example.com', '-e', 'test')).stdout).toMatch(
      /^The user is blocked\./,
    )
  })

  it('prints what could steer a terminal as text', async () => {
    await api('POST', '/v1/challenges', {
      to: 'why-steer@example.com',
      context: { ipAddress: '198.51.100.9', userAgent: '\u001b[2Jevil' },
    })
    for (const more of [[], ['--json']]) {
      const { stdout } = await run('why', 'why-steer@example.com', '-e', 'test', ...more)
      expect(stdout).toContain('A code was asked for.')
      expect(stdout).not.toContain('\u001b')
    }
  })

  it('refuses what is no address, no time and no environment', async () => {
    await refused(['why', 'nobody', '-e', 'test'], /"nobody" is not an e-mail address\n/)
    await refused(
      ['why', 'a@example.com', '-e', 'test', '--since', 'yesterday'],
      /"yesterday" is not a time\n/,
    )
    await refused(['why', 'a@example.com', '-e', 'nowhere'], 'no environment "nowhere"')
  })
})

describe('send-test', () => {
  let sink: Sink
  const refuses = { isOn: false }
  beforeAll(async () => {
    sink = await openSink({
      onRcptTo: (_address, _session, done) =>
        refuses.isOn ? done(refusal(550, '5.7.1 relaying denied')) : done(),
    })
  })
  afterAll(() => sink.close())

  it('sends one marked mail, and prints what the provider says', async () => {
    const { env } = await liveSettings(sink.url)
    const sent = await ostiary(['send-test', '--to', 'you@example.com'], { env })
    expect(sent).toMatchObject({ code: 0, stderr: '' })
    expect(sent.stdout).toMatch(
      /^sent to you@example.com from login@acme.example\nthe provider says: 250 .*4711/,
    )
    const [mail] = sink.mails
    expect(sink.mails).toHaveLength(1)
    expect(mail?.email.subject).toBe('[Test] Ostiary can send mail')
    expect(mail?.email.text).toContain('holds no code')
    expect(mail?.raw).not.toMatch(/olk_|\b\d{6}\b(?!.*Message-ID)/)
    const asJson = await ostiary(['send-test', '-t', 'you@example.com', '-e', 'live', '--json'], { env })
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      to: 'you@example.com',
      reply: expect.stringContaining('250'),
    })
    expect(
      JSON.parse((await ostiary(['events', '--json', '--type', 'challenge.created'], { env })).stdout),
    ).toEqual([])
  })

  it("fails with the provider's words", async () => {
    refuses.isOn = true
    const { env } = await liveSettings(sink.url)
    const { code, stdout, stderr } = await ostiary(['send-test', '--to', 'you@example.com'], { env })
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('relaying denied')
    expect((await ostiary(['send-test', '--to', 'you'], { env })).code).toBe(2)
    expect((await ostiary(['send-test', '--to', 'you@example.com'])).stderr).toContain('SMTP_URL is missing')
  })
})

test('openapi prints the document for a URL, also into a pipe that closes early', async () => {
  const { code, stdout } = await ostiary(['openapi', '--url', 'https://auth.example.com'])
  const document = JSON.parse(stdout)
  expect([code, document.openapi, document.servers]).toEqual([
    0,
    '3.1.0',
    [{ url: 'https://auth.example.com' }],
  ])
  expect((await ostiary(['openapi', '--url', 'auth.example.com/x'])).code).toBe(2)
})
