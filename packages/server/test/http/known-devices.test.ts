import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Answer, type TestServer, testServer } from '../setup/server.ts'
import { APP_BACK, appOf, browse, cookieOf, deviceCookieOf, hosted } from './browser.ts'
import { plainBrowser } from './plain-browser.ts'
import { fresh, later, raw, rowCounts, wrongCode } from './world.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
  COOKIE = await deviceCookieOf(server)
})
afterAll(async () => {
  expect((await server.violations()).filter(line => !line.startsWith('content is wiped'))).toEqual([])
  await server.stop()
})

const HOUR = 60 * 60_000
const DAY = 24 * HOUR
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
let COOKIE: string

// Each test from the start of a day of its own, with empty windows.
beforeEach(async () => {
  await later(server, 3 * DAY - (server.clock.now() % DAY))
})

const ask = (to: string, context?: object, more: object = {}) =>
  server.post('/v1/challenges', { to, ...(context && { context }), ...more })

interface Person {
  to: string
  userId: string
  deviceId: string
  deviceToken: string
}

/** Somebody who signed in on a device, long enough ago for every window to be empty again. */
async function person(to = fresh(), shown?: string): Promise<Person> {
  const context = { userAgent: BROWSER, ...(shown && { deviceToken: shown }) }
  const { body } = await ask(to, context)
  const { code } = await server.message({ challengeId: body.id })
  const proven = await server.post(`/v1/challenges/${body.id}/verify`, { code, context })
  expect(proven.status, JSON.stringify(proven.body)).toBe(200)
  const { user, session, tokens } = proven.body
  await later(server, 2 * DAY - (server.clock.now() % DAY))
  return { to, userId: user.id, deviceId: session.deviceId, deviceToken: tokens.deviceToken ?? shown }
}

/** All that strangers can take of an address within this hour, each from a network of their own. */
async function useUp(to: string): Promise<void> {
  for (let index = 0; index < 15; index++)
    expect((await ask(to, { ipAddress: `10.77.${index}.7` })).status).toBe(201)
  expect((await ask(to, { ipAddress: '10.77.99.7' })).body.limit).toBe('sendsPerAddress')
}

/** Guesses at what strangers began until every new code is long. */
async function guessUp(to: string): Promise<void> {
  for (let index = 0; index < 2; index++) {
    const { body } = await ask(to, { ipAddress: `10.78.${index}.7` })
    expect(body.codeLength).toBe(6)
    const { code } = await server.message({ challengeId: body.id })
    for (let guess = 0; guess < 5; guess++)
      await server.post(`/v1/challenges/${body.id}/verify`, { code: wrongCode(code) })
  }
  expect((await ask(to, { ipAddress: '10.78.9.7' })).body.codeLength).toBe(10)
}

describe('promise 9: a stranger', () => {
  test('uses up the victim’s mails; the victim on a known device still gets one, and signs in by it', async () => {
    const { to, deviceToken } = await person()
    await useUp(to)
    const context = { ipAddress: '192.0.2.9', userAgent: BROWSER, deviceToken }
    const sent = await ask(to, context)
    expect(sent.status, JSON.stringify(sent.body)).toBe(201)
    const { code } = await server.message({ challengeId: sent.body.id })
    expect((await server.post(`/v1/challenges/${sent.body.id}/verify`, { code, context })).status).toBe(200)
    await later(server, 31_000)
    expect((await ask(to, context)).status).toBe(201)
    expect((await ask(to, { ...context, deviceToken: undefined })).status).toBe(429)
  })

  test('guesses at the victim’s codes; the victim on a known device is not forced on to long ones', async () => {
    const { to, deviceToken } = await person()
    await guessUp(to)
    expect((await ask(to, { deviceToken })).body.codeLength).toBe(6)
    expect((await ask(to)).body.codeLength).toBe(10)
  })

  test('with a stolen token guesses no more than anybody, and makes nobody’s code long but that device’s', async () => {
    const { to, deviceToken } = await person()
    for (let index = 0; index < 2; index++) {
      const { body } = await ask(to, { deviceToken })
      const { code } = await server.message({ challengeId: body.id })
      for (let guess = 0; guess < 5; guess++)
        await server.post(`/v1/challenges/${body.id}/verify`, { code: wrongCode(code) })
    }
    expect((await ask(to, { deviceToken })).body.codeLength).toBe(10)
    expect((await ask(to)).body.codeLength).toBe(6)
  })
})

describe('the bucket of a device', () => {
  test('has five an hour, which resends take from, too; the refusal says so and stands in the person’s story', async () => {
    const { to, userId, deviceId, deviceToken } = await person()
    const first = await ask(to, { deviceToken })
    await later(server, 31_000)
    expect((await server.post(`/v1/challenges/${first.body.id}/resend`)).status).toBe(200)
    for (let index = 0; index < 3; index++) expect((await ask(to, { deviceToken })).status).toBe(201)
    const refused = await ask(to, { deviceToken })
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'rate_limited', limit: 'sendsPerKnownDevice' },
    })
    expect(refused.body.retryAfterSeconds).toBeGreaterThan(58 * 60)
    await later(server, 61_000)
    const again = await server.post(`/v1/challenges/${first.body.id}/resend`)
    expect(again.body).toMatchObject({ limit: 'sendsPerKnownDevice' })
    const [fired] = (await server.get('/v1/events?type=limit.fired')).body.data
    expect(fired.data).toMatchObject({ key: `${userId} ${deviceId}`, refusals: 2 })
    const told = (await server.get(`/v1/users/${userId}/timeline`)).body.data
    expect(told.map((line: { text: string }) => line.text).join()).toContain(
      'mails asked for from a known device',
    )
    // And another device of theirs, or none, is as before.
    expect((await ask(to)).status).toBe(201)
    await later(server, refused.body.retryAfterSeconds * 1000)
    expect((await ask(to, { deviceToken })).status).toBe(201)
  })

  test('is as large as the settings say', async () => {
    await server.call('PATCH', '/v1/settings', { limits: { sendsPerKnownDevice: { hour: 1 } } })
    const { to, deviceToken } = await person()
    expect((await ask(to, { deviceToken })).status).toBe(201)
    expect((await ask(to, { deviceToken })).body.limit).toBe('sendsPerKnownDevice')
    await server.call('PATCH', '/v1/settings', { limits: null })
  })

  test('frees nobody from the limit of their IP', async () => {
    await server.call('PATCH', '/v1/settings', { limits: { sendsPerIp: { hour: 3 } } })
    const { to, deviceToken } = await person()
    const context = { ipAddress: '192.0.2.77', deviceToken }
    for (let index = 0; index < 3; index++)
      expect((await ask(fresh(), { ipAddress: '192.0.2.77' })).status).toBe(201)
    expect((await ask(to, context)).body.limit).toBe('sendsPerIp')
    // What a device sends counts there, too.
    expect((await ask(to, { ...context, ipAddress: '192.0.2.78' })).status).toBe(201)
    for (let index = 0; index < 2; index++) await ask(fresh(), { ipAddress: '192.0.2.78' })
    expect((await ask(fresh(), { ipAddress: '192.0.2.78' })).body.limit).toBe('sendsPerIp')
    await server.call('PATCH', '/v1/settings', { limits: null })
  })

  test('is found by an Idempotency-Key once', async () => {
    const { to, deviceToken } = await person()
    await useUp(to)
    const key = { 'Idempotency-Key': fresh() }
    const once = () => server.post('/v1/challenges', { to, context: { deviceToken } }, key)
    const [first, second] = [await once(), await once()]
    expect([first.status, second.body]).toEqual([201, first.body])
    for (let index = 0; index < 4; index++) expect((await ask(to, { deviceToken })).status).toBe(201)
    expect((await ask(to, { deviceToken })).status).toBe(429)
  })
})

describe('a device counts as none', () => {
  const NONE: [string, (victim: Person) => Promise<string>][] = [
    ['whose token nobody has given', async () => `odt_${'A'.repeat(43)}`],
    ['by its id', async ({ deviceId }) => deviceId],
    ['by a token of another kind', async ({ deviceToken }) => `oht_${deviceToken.slice(4)}`],
    ['of another user', async () => (await person()).deviceToken],
    [
      'that was ended',
      async ({ userId, deviceId, deviceToken }) => {
        await server.post(`/v1/users/${userId}/devices/${deviceId}/end`, {})
        return deviceToken
      },
    ],
    [
      'once its user was signed out everywhere',
      async ({ userId, deviceToken }) => {
        await server.post(`/v1/users/${userId}/sessions/revoke`, {})
        return deviceToken
      },
    ],
    [
      'by the token that it had before one more user signed in on it',
      async ({ deviceToken }) => {
        await person(fresh(), deviceToken)
        return deviceToken
      },
    ],
  ]
  test.each(NONE)('%s', async (_, tokenFor) => {
    const victim = await person()
    const deviceToken = await tokenFor(victim)
    await useUp(victim.to)
    expect((await ask(victim.to, { deviceToken })).body.limit).toBe('sendsPerAddress')
  })

  test('of another environment', async () => {
    const { to, deviceToken } = await person()
    const options = { key: server.liveKey }
    await server.call('POST', '/v1/users', { email: to, emailVerified: true }, options)
    const limits = { sendsPerAddressUntold: { minute: 1 } }
    await server.call('PATCH', '/v1/settings', { limits }, options)
    const send = () => server.call('POST', '/v1/challenges', { to, context: { deviceToken } }, options)
    expect((await send()).status).toBe(201)
    expect((await send()).body.limit).toBe('sendsPerAddressUntold')
  })
})

describe('a browser that shows a token', () => {
  const masked = (text: string, to: string) =>
    text
      .replaceAll(to, 'ADDRESS')
      .replaceAll(/"(chl|req|usr|app)_[0-9a-z]{26}"/g, '"$1"')
      .replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"TIME"')
      .replaceAll(/"tag":"[A-Z]{3}"/g, '"tag":"TAG"')

  const prove = async (to: string): Promise<string> =>
    (await server.post('/v1/users', { email: to, emailVerified: true })).body.id

  /** Answers, headers, rows written and limits of a whole hour, from a network of its own. */
  async function seen(to: string, deviceToken: string | undefined, network: number) {
    await later(server, 2 * HOUR - (server.clock.now() % HOUR))
    const views: unknown[] = []
    const context = { ipAddress: `198.51.${network}.7`, ...(deviceToken && { deviceToken }) }
    const step = async (path: string, body: unknown) => {
      const { status, headers, text } = await raw(server, 'POST', path, body)
      const { 'request-id': _, ...rest } = headers
      views.push({ status, rest, text: masked(text, to) })
      return JSON.parse(text)
    }
    const before = await rowCounts(server)
    const { id } = await step('/v1/challenges', { to, context })
    for (let guess = 0; guess < 5; guess++) await step(`/v1/challenges/${id}/verify`, { code: '00000x' })
    const { id: second } = await step('/v1/challenges', { to, context })
    await step('/v1/challenges', { to, context })
    await later(server, 62_000)
    await step(`/v1/challenges/${second}/resend`, {})
    await step('/v1/challenges', { to, context })
    await step('/v1/challenges', { to, context })
    const after = await rowCounts(server)
    const written = Object.entries(after).map(([table, count]) => [table, count - (before[table] ?? 0)])
    return { views, written }
  }

  test.each(['open', 'closed'])(
    'that tells of nobody, or of another, learns nothing (sign-up %s)',
    async signUp => {
      const { deviceToken: foreign } = await person()
      await server.call('PATCH', '/v1/settings', { signUp })
      const kinds: Record<string, (to: string) => Promise<unknown>> = {
        known: prove,
        unknown: async () => {},
        blocked: async to => server.post(`/v1/users/${await prove(to)}/block`, {}),
        deleted: async to => server.call('DELETE', `/v1/users/${await prove(to)}`),
      }
      const views: Record<string, unknown> = {}
      let network = signUp === 'open' ? 0 : 100
      for (const [kind, prepare] of Object.entries(kinds))
        for (const token of [undefined, foreign, `odt_${'A'.repeat(43)}`]) {
          const to = `q${fresh().replace(/\D/g, '').padStart(9, '0')}@example.com`
          await prepare(to)
          views[`${kind} ${token?.slice(0, 8)}`] = await seen(to, token, ++network)
        }
      await server.call('PATCH', '/v1/settings', { signUp: null })
      for (const [name, view] of Object.entries(views)) expect(view, name).toEqual(views['known undefined'])
    },
  )

  test('of somebody who is blocked since is as one of nobody', async () => {
    const { to, userId, deviceToken } = await person()
    await server.post(`/v1/users/${userId}/block`, {})
    await useUp(to)
    expect((await ask(to, { deviceToken })).body.limit).toBe('sendsPerAddress')
  })
})

describe('where Ostiary keeps the token, or a backend told it of an action', () => {
  const headers = { 'Sec-Fetch-Site': 'same-origin' }
  const sendIn = (cookie: string, path: string, body: object) =>
    browse(server, 'POST', `/client/v1/actions/${path}`, body, { headers: { ...headers, Cookie: cookie } })

  async function onPage(to: string, device: string): Promise<Answer> {
    const page = await hosted(server, await appOf(server))
    const cookie = [page.cookie, device].filter(Boolean).join('; ')
    expect((await sendIn(cookie, 'identify', { to })).status).toBe(200)
    return await sendIn(cookie, 'send', { method: 'emailCode' })
  }

  test('the hosted page sends, and sends again, when strangers have used up the mails', async () => {
    const { to, deviceToken } = await person()
    await useUp(to)
    expect((await onPage(to, '')).body.limit).toBe('sendsPerAddress')
    const cookie = `${COOKIE}=${deviceToken}`
    expect((await onPage(to, cookie)).status).toBe(200)
    const page = await hosted(server, await appOf(server))
    const jar = `${page.cookie}; ${cookie}`
    await sendIn(jar, 'identify', { to })
    expect((await sendIn(jar, 'send', { method: 'emailCode' })).status).toBe(200)
    await later(server, 31_000)
    expect((await sendIn(jar, 'resend', {})).status).toBe(200)
  })

  test('and so does the page without scripts', async () => {
    const { to, deviceToken } = await person()
    await useUp(to)
    const app = await appOf(server)
    const path = `/sign-in?key=${app.publishableKey}&redirectUrl=${encodeURIComponent(APP_BACK)}&state=s`
    for (const token of [null, deviceToken]) {
      const browser = plainBrowser(server, { headers: { 'User-Agent': BROWSER } })
      if (token) browser.jar.set(COOKIE, token)
      await browser.get(path)
      const shown = await browser.send(path, { act: 'identify', to })
      const actionId = /name="actionId" value="(act_\w+)"/.exec(shown.text)?.[1] ?? ''
      const sent = /name="code"/.test(shown.text)
        ? shown
        : await browser.send(path, { act: 'send', method: 'emailCode', actionId })
      expect(/name="code"/.test(sent.text)).toBe(token !== null)
    }
  })

  test('an action sends by the token that its backend told, if its browser shows none', async () => {
    const [other, { to, userId, deviceToken }] = [await person(), await person()]
    await useUp(to)
    const app = await appOf(server)
    const track = async (token: string | undefined) => {
      const tracked = await server.post('/v1/actions', {
        name: 'withdrawFunds',
        userId,
        appId: app.id,
        context: { userAgent: BROWSER, ...(token && { deviceToken: token }) },
      })
      expect(tracked.status, JSON.stringify(tracked.body)).toBe(201)
      return await browse(
        server,
        'POST',
        '/client/v1/actions/send',
        { method: 'emailCode' },
        {
          bearer: tracked.body.token,
        },
      )
    }
    expect((await track(undefined)).body.limit).toBe('sendsPerAddress')
    expect((await track(other.deviceToken)).status).toBe(429)
    const sent = await track(deviceToken)
    expect(sent.status, JSON.stringify(sent.body)).toBe(200)
  })

  test('cookies of ours do not count in pages of others', async () => {
    const { to, deviceToken } = await person()
    await useUp(to)
    const app = await appOf(server)
    const begun = await browse(
      server,
      'POST',
      '/client/v1/actions',
      { redirectUrl: APP_BACK },
      { bearer: app.publishableKey, headers: { Origin: 'https://app.example' } },
    )
    const work = { bearer: begun.body.token, headers: { Cookie: `${COOKIE}=${deviceToken}` } }
    await browse(server, 'POST', '/client/v1/actions/identify', { to }, work)
    const sent = await browse(server, 'POST', '/client/v1/actions/send', { method: 'emailCode' }, work)
    expect(sent.body.limit).toBe('sendsPerAddress')
    expect(cookieOf(sent, COOKIE)).toBe('')
  })
})
