import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import type { App } from '../../src/core/rows.ts'
import { CLIENT_ENDPOINTS } from '../../src/http/routes.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type Answer, PUBLIC_URL, type TestServer, testServer } from '../setup/server.ts'
import {
  APP_BACK,
  APP_ORIGIN,
  appOf,
  begin,
  browse,
  cookieOf,
  hosted,
  openLink,
  prove,
  S256,
  sendTo,
  type Tab,
  tabOf,
  VERIFIER,
} from './browser.ts'
import { dump, fresh, later, mailbox } from './world.ts'

let server: TestServer
let app: App
let liveApp: App
const box = mailbox()
beforeAll(async () => {
  server = await testServer({ transport: box })
  app = await appOf(server)
  liveApp = await appOf(server, {}, server.liveKey)
})
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const BASE = '/client/v1/actions'
/** A refusal; CORS and `Vary` come on top of what `/v1` has. */
function expectRefused(answer: Answer, status: number, code: string) {
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status, body: { code } })
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('request-id')).toMatch(/^req_/)
}

describe('CORS', () => {
  const preflight = (path: string, origin: string, headers: Record<string, string> = {}) =>
    browse(server, 'OPTIONS', path, undefined, {
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST', ...headers },
    })

  test.each(CLIENT_ENDPOINTS)(
    'the preflight of $method $path is answered for origins of apps alone',
    async one => {
      const allowed = await preflight(one.path, APP_ORIGIN)
      expect(allowed.status).toBe(204)
      expect(allowed.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN)
      expect(allowed.headers.get('access-control-allow-methods')).toBe(one.method)
      expect(allowed.headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type')
      expect(allowed.headers.get('access-control-allow-credentials')).toBeNull()
      expect(allowed.headers.get('vary')).toBe('Origin')
      for (const origin of [
        'https://evil.example',
        'null',
        'https://app.example.evil.example',
        'http://app.example',
      ]) {
        const refused = await preflight(one.path, origin)
        expect(refused.headers.get('access-control-allow-origin')).toBeNull()
        expect(refused.headers.get('access-control-allow-methods')).toBeNull()
      }
    },
  )
  test('lets the page read the answer, Request-Id and Retry-After, and no cookie in', async () => {
    const tab = await begin(server, app)
    const read = await browse(server, 'GET', `${BASE}/current`, undefined, {
      bearer: tab.token,
      headers: { Origin: APP_ORIGIN },
    })
    expect(read.status).toBe(200)
    expect(read.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN)
    expect(read.headers.get('access-control-expose-headers')).toBe('Request-Id, Retry-After')
    expect(read.headers.get('access-control-allow-credentials')).toBeNull()
    const refused = await browse(
      server,
      'POST',
      BASE,
      {},
      { bearer: 'opk_x', headers: { Origin: APP_ORIGIN } },
    )
    expectRefused(refused, 401, 'unauthorized')
    expect(refused.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN)
  })
  test.each([
    'https://evil.example',
    'null',
    'https://app.example:8443',
    'http://app.example',
    'https://APP.example',
  ])('refuses calls from %s, unreadably, and nothing is written', async origin => {
    const tab = await begin(server, app)
    const before = await dump(server)
    for (const answer of [
      await browse(server, 'POST', BASE, {}, { bearer: app.publishableKey, headers: { Origin: origin } }),
      await browse(server, 'POST', `${BASE}/cancel`, {}, { bearer: tab.token, headers: { Origin: origin } }),
      await browse(server, 'GET', `${BASE}/current`, undefined, {
        bearer: tab.token,
        headers: { Origin: origin },
      }),
    ]) {
      expectRefused(answer, 403, 'origin_not_allowed')
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
    expect(await dump(server)).toEqual(before)
  })
  test('another app’s origin is another origin', async () => {
    const other = await appOf(server, { origins: ['https://other.example'] })
    const answer = await browse(
      server,
      'POST',
      BASE,
      {},
      {
        bearer: app.publishableKey,
        headers: { Origin: 'https://other.example' },
      },
    )
    expectRefused(answer, 403, 'origin_not_allowed')
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    expect(other.origins).toEqual(['https://other.example'])
  })
  test('http://localhost is let in by test and not by live', async () => {
    const headers = { Origin: 'http://localhost:5173' }
    expect((await browse(server, 'POST', BASE, {}, { bearer: app.publishableKey, headers })).status).toBe(201)
    const live = await browse(server, 'POST', BASE, {}, { bearer: liveApp.publishableKey, headers })
    expectRefused(live, 403, 'origin_not_allowed')
    expect(live.headers.get('access-control-allow-origin')).toBeNull()
  })
  test('there is none on /v1, with or without an origin of an app', async () => {
    const answer = await server.get('/v1/apps', { Origin: APP_ORIGIN })
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('who may call', () => {
  const bearers: Record<string, () => Promise<string | null>> = {
    nothing: async () => null,
    'a secret key': async () => server.key,
    'a damaged key': async () => `${app.publishableKey.slice(0, -1)}!`,
    'an unknown token': async () => `oat_${'A'.repeat(43)}`,
    'a result token': async () => (await prove(server, await begin(server, app), fresh())).body.result.token,
    'a publishable key': async () => app.publishableKey,
    'an action token': async () => (await begin(server, app)).token,
  }
  const RIGHT: Record<string, string> = { key: 'a publishable key', action: 'an action token' }
  const cases = CLIENT_ENDPOINTS.filter(one => one.auth !== 'page').flatMap(one =>
    Object.keys(bearers)
      .filter(name => name !== RIGHT[one.auth])
      .map(name => [one.method, one.path, name, one.auth] as const),
  )
  test.each(cases)('%s %s refuses %s', async (method, path, name, auth) => {
    const bearer = (await bearers[name]?.()) ?? null
    const answer = await browse(server, method, path, method === 'POST' ? {} : undefined, { bearer })
    expectRefused(answer, 401, auth === 'session' ? 'session_invalid' : 'unauthorized')
  })
  test('an action of live is not driven by test, and the other way round', async () => {
    const live = await begin(server, liveApp)
    await sendTo(server, live, fresh('live')).catch(() => null)
    const test = await begin(server, app)
    expect((await live.get('current')).body.id).toBe(live.id)
    expect((await server.get(`/v1/actions/${live.id}`)).status).toBe(404)
    expect(
      (await server.call('GET', `/v1/actions/${test.id}`, undefined, { key: server.liveKey })).status,
    ).toBe(404)
  })
  test.each(CLIENT_ENDPOINTS.filter(one => one.body))(
    '$method $path refuses unknown fields and queries',
    async one => {
      const tab = await begin(server, app)
      const person = one.auth === 'session' ? (await server.signIn(fresh())).body.tokens.accessToken : null
      const bearer = person ?? (one.auth === 'key' ? app.publishableKey : tab.token)
      const headers = { 'Sec-Fetch-Site': 'same-origin' }
      const answer = await browse(server, 'POST', one.path, { metadata: {} }, { bearer, headers })
      expectRefused(answer, 400, 'invalid_request')
      expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain('metadata')
      expectRefused(
        await browse(server, 'POST', `${one.path}?x=1`, {}, { bearer, headers }),
        400,
        'invalid_request',
      )
    },
  )
  test('a publishable key sets what PROTOCOL 7 lists and nothing more', async () => {
    for (const field of [
      'name',
      'userId',
      'user',
      'context',
      'appId',
      'metadata',
      'externalId',
      'userMode',
      'purpose',
    ]) {
      const answer = await browse(server, 'POST', BASE, { [field]: 'x' }, { bearer: app.publishableKey })
      expectRefused(answer, 400, 'invalid_request')
    }
    expectRefused(
      await browse(
        server,
        'POST',
        BASE,
        { redirectUrl: 'https://evil.example/' },
        { bearer: app.publishableKey },
      ),
      400,
      'redirect_url_not_allowed',
    )
    expect((await server.call('GET', '/v1/users', undefined, { key: app.publishableKey })).status).toBe(401)
  })
  test('other methods are 405 with Allow', async () => {
    for (const { path, method } of CLIENT_ENDPOINTS) {
      const answer = await browse(server, 'DELETE', path)
      expectRefused(answer, 405, 'method_not_allowed')
      expect(answer.headers.get('allow')).toBe(method === 'GET' ? 'GET, HEAD' : 'POST')
    }
  })
  test('one host begins 120 in ten minutes', async () => {
    const ask = (ip: string) => browse(server, 'POST', BASE, {}, { bearer: app.publishableKey, ip })
    for (let count = 0; count < 120; count++) expect((await ask('203.0.113.77')).status).toBe(201)
    const limited = await ask('203.0.113.77')
    expectRefused(limited, 429, 'rate_limited')
    expect(limited.body.limit).toBe('actionsPerIp')
    expect((await ask('203.0.113.78')).status).toBe(201)
  })
})

describe('on Ostiary’s own pages', () => {
  test('the cookie is all there is: host-only, not for scripts, not across sites', async () => {
    const page = await hosted(server, app)
    expect(page.setCookie).toMatch(
      /^__Host-ostiary-action-[0-9a-z]{26}=oat_[\w-]{43}; Max-Age=900; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
    expect((await page.get('current')).body.id).toBe(page.id)
    expect((await page.post('identify', { to: fresh() })).body.step).toBe('method')
  })
  test.each([
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a sister site', { 'Sec-Fetch-Site': 'same-site', Origin: PUBLIC_URL }],
    ['the address bar', { 'Sec-Fetch-Site': 'none' }],
    ['a form of another site', { Origin: 'https://evil.example' }],
    ['the app’s own page', { Origin: APP_ORIGIN }],
    ['nobody says where', {}],
  ])('a POST with the cookie from %s is refused, and nothing is written', async (_, headers) => {
    const page = await hosted(server, app)
    const before = await dump(server)
    for (const [call, body] of [
      ['identify', { to: 'eve@example.com' }],
      ['cancel', {}],
    ] as const)
      expectRefused(
        await browse(server, 'POST', `${BASE}/${call}`, body, {
          headers: { ...headers, Cookie: page.cookie },
        }),
        403,
        'origin_not_allowed',
      )
    expect(await dump(server)).toEqual(before)
  })
  test('a browser that does not say the site is believed by its Origin', async () => {
    const page = await hosted(server, app)
    const headers = { Origin: PUBLIC_URL, Cookie: page.cookie }
    expect((await browse(server, 'POST', `${BASE}/cancel`, {}, { headers })).status).toBe(200)
  })
  test('a form post is no call', async () => {
    const page = await hosted(server, app)
    const answer = await server.ostiary.app.request(`${PUBLIC_URL}${BASE}/identify`, {
      method: 'POST',
      headers: {
        Cookie: page.cookie,
        'Sec-Fetch-Site': 'same-origin',
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: 'to=eve@example.com',
    })
    expect(answer.status).toBe(415)
  })
})

describe('the steps of every address look alike until the first proof', () => {
  /** Bytes of each step, with what was typed and what is drawn masked. */
  async function walk(to: string, method: string): Promise<string[]> {
    const tab = await begin(server, app)
    const answers = [
      await tab.post('identify', { to }),
      await tab.post('send', { method }),
      await tab.get('current'),
      await tab.post('resend'),
      ...(method === 'emailCode'
        ? [await tab.post('verify', { code: '000000x' })]
        : [await tab.post('finish')]),
      await tab.get('current'),
    ]
    return answers.map(({ status, headers, body }) => {
      const text = JSON.stringify({
        status,
        headers: [...headers].filter(([name]) => name !== 'request-id'),
        body,
      })
      return text
        .replaceAll(to, 'ADDRESS')
        .replaceAll(/(act|req)_[0-9a-z]{26}/g, 'ID')
        .replaceAll(/"tag":"[A-Z]{3}"/g, '"tag":"TAG"')
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT')
    })
  }
  test.each(['emailCode', 'emailLink'])('known, unknown, blocked and decoy by %s', async method => {
    const [known, blocked] = [fresh(), fresh()]
    await server.signIn(known)
    const { user } = (await server.signIn(blocked)).body
    await server.post(`/v1/users/${user.id}/block`)
    await later(server, 61_000)
    const walks = [await walk(known, method), await walk(fresh(), method), await walk(blocked, method)]
    await server.call('PATCH', '/v1/settings', { signUp: 'closed' })
    const other = fresh()
    walks.push(await walk(other, method))
    await server.call('PATCH', '/v1/settings', { signUp: null })
    for (const one of walks.slice(1)) expect(one).toEqual(walks[0])
    await server.ostiary.drain()
  })
  test('nothing of the user, the timeline or the delivery is in an answer', async () => {
    const to = fresh()
    await server.signIn(to)
    await later(server, 61_000)
    const tab = await begin(server, app)
    await tab.post('identify', { to })
    const sent = await tab.post('send', { method: 'emailCode' })
    for (const one of [sent, await tab.get('current')]) {
      expect(JSON.stringify(one.body)).not.toMatch(/usr_|chl_|msg_|evt_|metadata|timeline|delivery|userId/)
      expect(Object.keys(one.body.challenge).sort()).toEqual(
        'attemptsLeft codeLength expiresAt method number resendAt sendsLeft sentAt tag'.split(' '),
      )
    }
  })
})

describe('an app without a backend', () => {
  const ask = (one: App, path: string, body: unknown, headers: Record<string, string> = {}) =>
    browse(server, 'POST', path, body, {
      bearer: one.publishableKey,
      headers: { Origin: APP_ORIGIN, ...headers },
    })
  const proven = async (one: App, to = fresh()) => {
    const tab = await begin(server, one, { redirectUrl: APP_BACK, codeChallenge: S256 })
    return (await prove(server, tab, to)).body.result.token as string
  }
  const me = (accessToken: string | null, origin = APP_ORIGIN) =>
    browse(server, 'GET', '/client/v1/me', undefined, { bearer: accessToken, headers: { Origin: origin } })

  test('redeems its result with the verifier; the refresh token stays away from it', async () => {
    const to = fresh()
    const token = await proven(app, to)
    const wrong = await ask(app, `${BASE}/validate`, { token, codeVerifier: `${VERIFIER}x` })
    expectRefused(wrong, 400, 'token_invalid')
    const valid = await ask(app, `${BASE}/validate`, { token, codeVerifier: VERIFIER })
    expect(valid).toMatchObject({ status: 200, body: { isValid: true, user: { email: to } } })
    expect(Object.keys(valid.body.tokens)).toEqual(['accessToken', 'accessTokenExpiresAt'])
    expect(JSON.stringify(valid.body)).not.toMatch(/ort_|metadata/)
    expect(valid.headers.get('set-cookie')).toBeNull()
    const again = await ask(app, `${BASE}/validate`, { token, codeVerifier: VERIFIER })
    expect(again.body).toMatchObject({ isValid: true, session: null, tokens: null })
    const { accessToken } = valid.body.tokens
    expect((await me(accessToken)).body).toEqual(valid.body.user)
    expectRefused(await me(accessToken, 'https://evil.example'), 403, 'origin_not_allowed')
    await server.post(`/v1/sessions/${valid.body.session.id}/revoke`)
    expectRefused(await me(accessToken), 401, 'session_invalid')
    expectRefused(await me(null), 401, 'session_invalid')
  })
  test('redeems its own results and no other app’s, verifier or not', async () => {
    const other = await appOf(server)
    const redeem = { token: await proven(app), codeVerifier: VERIFIER }
    expectRefused(await ask(other, `${BASE}/validate`, redeem), 400, 'token_invalid')
    expectRefused(await ask(liveApp, `${BASE}/validate`, redeem), 400, 'token_invalid')
    expect((await ask(app, `${BASE}/validate`, redeem)).body.session).not.toBeNull()
  })
  test('needs a verifier: a result that no verifier binds is for backends', async () => {
    const tab = await begin(server, app)
    const { token } = (await prove(server, tab, fresh())).body.result
    expectRefused(await ask(app, `${BASE}/validate`, { token }), 400, 'invalid_request')
    expectRefused(await ask(app, `${BASE}/validate`, { token, codeVerifier: VERIFIER }), 400, 'token_invalid')
  })
  test('refreshes by a cookie where publicRefresh is on, and nowhere else', async () => {
    expect(app.publicRefresh).toBe(false)
    const spa = await appOf(server, { publicRefresh: true })
    const valid = await ask(spa, `${BASE}/validate`, { token: await proven(spa), codeVerifier: VERIFIER })
    expect(valid.headers.get('access-control-allow-credentials')).toBe('true')
    const refreshCookie = `^__Host-ostiary-refresh-${spa.id}=ort_[\\w-]{86}; Max-Age=1209600; Path=/; HttpOnly; Secure; SameSite=Strict$`
    const deviceCookie =
      '^__Host-ostiary-device-env_\\w+=odt_[\\w-]{43}; Max-Age=34560000; Path=/; HttpOnly; Secure; SameSite=Lax$'
    expect(valid.headers.getSetCookie()).toEqual([
      expect.stringMatching(new RegExp(refreshCookie)),
      expect.stringMatching(new RegExp(deviceCookie)),
    ])
    const cookie = cookieOf(valid, `__Host-ostiary-refresh-${spa.id}`)
    const refresh = (one: App, headers: Record<string, string>) =>
      ask(one, '/client/v1/sessions/refresh', {}, headers)
    expectRefused(await refresh(spa, {}), 401, 'refresh_invalid')
    const stolen = cookie.replace(spa.id, app.id)
    expectRefused(await refresh(app, { Cookie: stolen }), 401, 'refresh_invalid')
    expectRefused(
      await refresh(spa, { Cookie: cookie, Origin: 'https://evil.example' }),
      403,
      'origin_not_allowed',
    )
    const refreshed = await refresh(spa, { Cookie: cookie })
    expect(refreshed.status).toBe(200)
    expect(JSON.stringify(refreshed.body)).not.toContain('ort_')
    expect((await me(refreshed.body.accessToken)).status).toBe(200)
    await later(server, 11_000)
    expectRefused(await refresh(spa, { Cookie: cookie }), 401, 'refresh_reused')
    expectRefused(await me(refreshed.body.accessToken), 401, 'session_invalid')
  })
})

describe('server-sent events', () => {
  const stream = async (tab: Tab, signal?: AbortSignal) =>
    await server.ostiary.app.request(`${PUBLIC_URL}${BASE}/events`, {
      headers: { Authorization: `Bearer ${tab.token}` },
      ...(signal && { signal }),
    })
  test('tell the names of state and step, follow the action and end with it', async () => {
    const tab = await begin(server, app)
    const answer = await stream(tab)
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const whole = answer.text()
    const to = fresh()
    await new Promise(resolve => setTimeout(resolve, 100))
    const { code } = await sendTo(server, tab, to)
    await new Promise(resolve => setTimeout(resolve, 1500))
    await tab.post('verify', { code })
    const events = (await whole).trim().split('\n\n')
    expect(events).toEqual([
      'event: state\ndata: {"state":"CHALLENGE_REQUIRED","step":"identify"}',
      'event: state\ndata: {"state":"CHALLENGE_REQUIRED","step":"code"}',
      'event: state\ndata: {"state":"CHALLENGE_SUCCEEDED","step":"done"}',
    ])
  })
  test('are three for a token; who leaves makes room', async () => {
    const tab = await begin(server, app)
    const open = [await stream(tab), await stream(tab), await stream(tab)]
    const fourth = await stream(tab)
    expect(fourth.status).toBe(429)
    expect(((await fourth.json()) as { limit: string }).limit).toBe('streamsPerToken')
    await open[0]?.body?.cancel()
    const next = await stream(tab)
    expect(next.status).toBe(200)
    for (const one of [...open.slice(1), next]) await one.body?.cancel()
    const last = await stream(tab)
    expect(last.status).toBe(200)
    await last.body?.cancel()
  })
  test('a HEAD takes no stream, and a token that drives nothing any more gets none', async () => {
    const tab = await begin(server, app)
    for (let round = 0; round < 5; round++) {
      const head = await server.ostiary.app.request(`${PUBLIC_URL}${BASE}/events`, {
        method: 'HEAD',
        headers: { Authorization: `Bearer ${tab.token}` },
      })
      expect(head.status).toBe(200)
      expect(await head.text()).toBe('')
    }
    await tab.post('cancel')
    const over = await stream(tab)
    expect(await over.text()).toBe('event: state\ndata: {"state":"CHALLENGE_FAILED","step":"ended"}\n\n')
  })
})

test('each answer has every documented field and no other', async () => {
  const shape = (path: string, answer: Answer) => {
    const endpoint = CLIENT_ENDPOINTS.find(one => one.path === path)
    expect(answer.status, JSON.stringify(answer.body)).toBe(endpoint?.status)
    const body = endpoint?.answer as z.ZodType
    expect(body.parse(answer.body)).toEqual(answer.body)
    asked.add(path)
    return answer.body
  }
  const asked = new Set<string>()
  const to = fresh()
  const spa = await appOf(server, { publicRefresh: true })
  const key = { bearer: spa.publishableKey }
  const begun = shape(
    BASE,
    await browse(server, 'POST', BASE, { redirectUrl: APP_BACK, codeChallenge: S256 }, key),
  )
  const tab = tabOf(server, begun.id, begun.token)
  shape(`${BASE}/current`, await tab.get('current'))
  shape(`${BASE}/identify`, await tab.post('identify', { to }))
  shape(`${BASE}/send`, await tab.post('send', { method: 'emailCode' }))
  await later(server, 31_000)
  shape(`${BASE}/resend`, await tab.post('resend'))
  const { code } = await server.message({ to })
  const { result } = shape(`${BASE}/verify`, await tab.post('verify', { code }))
  const redeem = { token: result.token, codeVerifier: VERIFIER }
  const validated = await browse(server, 'POST', `${BASE}/validate`, redeem, key)
  const { tokens } = shape(`${BASE}/validate`, validated)
  const headers = { Cookie: cookieOf(validated, '__Host-ostiary-refresh') }
  shape(
    '/client/v1/sessions/refresh',
    await browse(server, 'POST', '/client/v1/sessions/refresh', {}, { ...key, headers }),
  )
  shape(
    '/client/v1/me',
    await browse(server, 'GET', '/client/v1/me', undefined, { bearer: tokens.accessToken }),
  )
  const device = softwareAuthenticator()
  const enrolling = await begin(server, app)
  const { code: digits } = await sendTo(server, enrolling, fresh())
  const offer = await enrolling.post('verify', { code: digits, canOffer: true })
  expect(shape(`${BASE}/verify`, offer)).toMatchObject({ step: 'offer', result: null })
  const { publicKey } = shape(`${BASE}/enroll`, await enrolling.post('enroll'))
  const made = { credential: device.register(publicKey) }
  shape(`${BASE}/enroll/finish`, await enrolling.post('enroll/finish', made))
  const passkey = await begin(server, app)
  const asks = shape(`${BASE}/passkey`, await passkey.post('passkey'))
  const signed = { credential: device.authenticate(asks.publicKey) }
  shape(`${BASE}/verify`, await passkey.post('verify', signed))
  shape(`${BASE}/cancel`, await (await begin(server, app)).post('cancel'))
  const tracked = (await server.post('/v1/actions', { name: 'signIn' })).body
  const opened = { token: tracked.url.slice(tracked.url.lastIndexOf('/') + 1) }
  const own = { headers: { 'Sec-Fetch-Site': 'same-origin' } }
  shape(`${BASE}/open`, await browse(server, 'POST', `${BASE}/open`, opened, own))
  const first = await begin(server, app, {})
  const { link } = await sendTo(server, first, fresh(), 'emailLink')
  const elsewhere = await openLink(server, link)
  await elsewhere.press()
  const { number } = (await first.get('current')).body.challenge
  await elsewhere.press(number)
  shape(`${BASE}/finish`, await first.post('finish'))
  // Those of an account are asked in account.test.ts.
  const untold = CLIENT_ENDPOINTS.filter(
    one => one.answer !== null && one.auth !== 'session' && !asked.has(one.path),
  )
  expect(untold.map(one => one.path)).toEqual([])
})
