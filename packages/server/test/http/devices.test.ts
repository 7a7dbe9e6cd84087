import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { replaceSecret } from '../../src/core/secrets/replace.ts'
import { handClock, PUBLIC_URL, type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import {
  APP_BACK,
  appOf,
  begin,
  browse,
  cookieOf,
  deviceCookieOf,
  hosted,
  openLink,
  prove,
  S256,
  VERIFIER,
} from './browser.ts'
import { plainBrowser } from './plain-browser.ts'
import { fresh, later, purge } from './world.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
  COOKIE = await deviceCookieOf(server)
})
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const DAY = 24 * 60 * 60_000
const BROWSER =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'
let COOKIE: string

/** Signs in as a backend does that keeps device tokens. */
async function signIn(to: string, deviceToken?: string, via = server) {
  await later(via, 61_000)
  const sent = await via.post('/v1/challenges', { to })
  expect(sent.status, JSON.stringify(sent.body)).toBe(201)
  const { code } = await via.message({ challengeId: sent.body.id })
  const context = { ipAddress: '192.0.2.9', userAgent: BROWSER, ...(deviceToken && { deviceToken }) }
  const answer = await via.post(`/v1/challenges/${sent.body.id}/verify`, { code, context })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body
}
const listOf = async (userId: string, via = server) =>
  (await via.get(`/v1/users/${userId}/devices`)).body.data
const endedOf = async (userId: string) =>
  (await server.get(`/v1/events?userId=${userId}&type=device.ended`)).body.data.map(
    (event: { data: object }) => event.data,
  )

/** The device was known: it keeps its token and its id. */
async function expectKnown(to: string, token: string, id: string) {
  const { session, tokens } = await signIn(to, token)
  expect({ id: session.deviceId, token: tokens.deviceToken }).toEqual({ id, token: null })
}
/** It was not, and is another one from now on. */
async function expectUnknown(to: string, token: string, id: string) {
  const { session, tokens } = await signIn(to, token)
  expect(session.deviceId).not.toBe(id)
  expect(tokens.deviceToken).toMatch(/^odt_[\w-]{43}$/)
  expect(tokens.deviceToken).not.toBe(token)
}

describe('a device of a backend', () => {
  test('is made with the session, and known by its token from then on', async () => {
    const to = fresh()
    const { user, session, tokens } = await signIn(to)
    expect(session.deviceId).toMatch(/^dev_/)
    expect(tokens.deviceToken).toMatch(/^odt_[\w-]{43}$/)
    expect(await listOf(user.id)).toEqual([
      {
        id: session.deviceId,
        userId: user.id,
        browser: 'Chrome',
        system: 'Windows',
        ipAddress: '192.0.2.9',
        userAgent: BROWSER,
        createdAt: session.createdAt,
        lastSignInAt: session.createdAt,
        rememberedUntil: new Date(Date.parse(session.createdAt) + 90 * DAY).toISOString(),
        endedAt: null,
      },
    ])
    await expectKnown(to, tokens.deviceToken, session.deviceId)
    const [device] = await listOf(user.id)
    expect(Date.parse(device.lastSignInAt)).toBeGreaterThan(Date.parse(device.createdAt))
    const events = (await server.get(`/v1/events?userId=${user.id}&type=device.created`)).body.data
    expect(events).toMatchObject([
      { data: { deviceId: session.deviceId }, context: { ipAddress: '192.0.2.9', userAgent: BROWSER } },
    ])
  })

  test('is told of among the events of its challenge, however the session is opened', async () => {
    for (const opensAtOnce of [true, false]) {
      await later(server, 61_000)
      const sent = (await server.post('/v1/challenges', { to: fresh(), session: opensAtOnce })).body
      const { code } = await server.message({ challengeId: sent.id })
      const context = { userAgent: BROWSER }
      await server.post(`/v1/challenges/${sent.id}/verify`, { code, context })
      if (!opensAtOnce) await server.post('/v1/sessions', { challengeId: sent.id, context })
      const found = await server.get(`/v1/events?challengeId=${sent.id}&type=device.created`)
      expect(found.body.data).toHaveLength(1)
    }
  })

  test('is none where nothing tells of a browser, and no refresh has a token of one', async () => {
    const { session, tokens, user } = (await server.signIn(fresh())).body
    expect([session.deviceId, tokens.deviceToken]).toEqual([null, null])
    expect(await listOf(user.id)).toEqual([])
    const { refreshToken } = tokens
    const refreshed = await server.post('/v1/sessions/refresh', { refreshToken })
    expect(refreshed.body.tokens.deviceToken).toBeNull()
  })

  test('is made where a session is opened later, and by an Idempotency-Key once', async () => {
    const sent = (await server.post('/v1/challenges', { to: fresh(), session: false })).body
    const { code } = await server.message({ challengeId: sent.id })
    await server.post(`/v1/challenges/${sent.id}/verify`, { code })
    const asked = { challengeId: sent.id, context: { userAgent: BROWSER } }
    const one = await server.post('/v1/sessions', asked, { 'Idempotency-Key': 'device' })
    const again = await server.post('/v1/sessions', asked, { 'Idempotency-Key': 'device' })
    expect(one.body.tokens.deviceToken).toMatch(/^odt_/)
    expect(again.body).toEqual(one.body)
    expect(await listOf(one.body.user.id)).toHaveLength(1)
  })

  test('is not known by its id, by another token, or by one that was never given', async () => {
    const to = fresh()
    const { session, tokens } = await signIn(to)
    await expectUnknown(to, session.deviceId, session.deviceId)
    await expectUnknown(to, `odt_${'A'.repeat(43)}`, session.deviceId)
    await expectUnknown(to, `oht_${tokens.deviceToken.slice(4)}`, session.deviceId)
  })

  test('that another user shows gets a new token, and knows both by it', async () => {
    const [thief, victim] = [fresh(), fresh()]
    const planted = await signIn(thief)
    const own = await signIn(victim, planted.tokens.deviceToken)
    expect(own.session.deviceId).toBe(planted.session.deviceId)
    const { deviceToken } = own.tokens
    expect(deviceToken).not.toBe(planted.tokens.deviceToken)
    await expectKnown(victim, deviceToken, own.session.deviceId)
    await expectKnown(thief, deviceToken, own.session.deviceId)
    // Whoever planted the token has one that tells of nobody.
    await expectUnknown(victim, planted.tokens.deviceToken, own.session.deviceId)
    expect(await listOf(own.user.id)).toHaveLength(2)
  })

  test('of another environment is unknown', async () => {
    const to = fresh()
    const { tokens, session } = await signIn(to)
    // As if this were the other one.
    await server.tamper(
      `UPDATE devices SET environment_id = (SELECT id FROM environments WHERE mode = 'live') WHERE id = '${session.deviceId}'`,
    )
    await expectUnknown(to, tokens.deviceToken, session.deviceId)
  })

  test('goes after 400 days in which nobody showed it', async () => {
    const { user } = await signIn(fresh())
    await later(server, 399 * DAY)
    await purge(server)
    expect(await listOf(user.id)).toHaveLength(1)
    await later(server, 2 * DAY)
    await purge(server)
    expect(await listOf(user.id)).toEqual([])
  })

  test('is one of fifty at most: the one used longest ago ends', async () => {
    const to = fresh()
    const first = await signIn(to)
    const copies = Array.from({ length: 49 }, (_, index) => {
      const id = `dev_0${String(index).padStart(25, '0')}`
      return `INSERT INTO devices SELECT '${id}', environment_id, '${id}', epoch, created_at, last_seen_at, ended_at
          FROM devices WHERE id = '${first.session.deviceId}';
        INSERT INTO device_users SELECT '${id}', user_id, environment_id, ip_address, user_agent, created_at,
          last_sign_in_at + ${index + 1}, remembered_until, ended_at FROM device_users WHERE device_id = '${first.session.deviceId}'`
    })
    await server.tamper(copies.join(';'))
    const { user } = await signIn(to)
    expect(await endedOf(user.id)).toEqual([{ deviceId: first.session.deviceId, reason: 'too_many' }])
    await expectUnknown(to, first.tokens.deviceToken, first.session.deviceId)
  })
})

test('of devices that ended the last fifty are kept: every sign-in looks through what there is', async () => {
  const to = fresh()
  const { user, session } = await signIn(to)
  const copies = Array.from({ length: 80 }, (_, index) => {
    const id = `dev_1${user.id.slice(-20)}${String(index).padStart(5, '0')}`
    return `INSERT INTO devices SELECT '${id}', environment_id, '${id}', epoch, created_at, last_seen_at, ended_at
        FROM devices WHERE id = '${session.deviceId}';
      INSERT INTO device_users SELECT '${id}', user_id, environment_id, ip_address, user_agent, created_at,
        last_sign_in_at, remembered_until, ${index + 1} FROM device_users WHERE device_id = '${session.deviceId}'`
  })
  await server.tamper(copies.join(';'))
  await server.post(`/v1/users/${user.id}/sessions/revoke`, {})
  const { data } = (await server.get(`/v1/users/${user.id}/devices?limit=100`)).body
  expect(data).toHaveLength(50)
  const ends = data.map((one: { endedAt: string }) => Date.parse(one.endedAt))
  expect(Math.min(...ends)).toBe(32)
})

describe('a device ends for its user', () => {
  test.each([
    [
      'asked',
      async (_to: string, userId: string, id: string) => {
        const path = `/v1/users/${userId}/devices/${id}/end`
        const ended = await server.post(path, {})
        expect(ended).toMatchObject({ status: 200, body: { id } })
        expect(ended.body.endedAt).not.toBeNull()
        expect((await server.post(path, {})).body).toEqual(ended.body)
      },
    ],
    ['signed_out', (_to: string, userId: string) => server.post(`/v1/users/${userId}/sessions/revoke`, {})],
    [
      'user_blocked',
      async (_to: string, userId: string) => {
        await server.post(`/v1/users/${userId}/block`, {})
        await server.post(`/v1/users/${userId}/unblock`, {})
      },
    ],
    [
      'secret_replaced',
      async () => {
        const { deps } = server.ostiary
        const view = await deps.directory.bySlug('test')
        if (!view) throw new Error('no environment')
        const origin = {
          environmentId: view.environment.id,
          appId: null,
          actor: { type: 'system' as const, id: null },
          requestId: null,
        }
        expect((await replaceSecret(deps, { view, origin })).devices).toBeGreaterThan(0)
      },
    ],
  ])('%s', async (reason, end) => {
    const to = fresh()
    const { user, session, tokens } = await signIn(to)
    await end(to, user.id, session.deviceId)
    expect(await endedOf(user.id)).toContainEqual({ deviceId: session.deviceId, reason })
    await expectUnknown(to, tokens.deviceToken, session.deviceId)
    // The earlier token stays worth nothing after the new sign-in, too.
    await expectUnknown(to, tokens.deviceToken, session.deviceId)
    const path = `/v1/users/${user.id}/devices/${session.deviceId}`
    expectRefusal(await server.call('PATCH', path, { rememberedUntil: null }), 'state_conflict')
  })

  test('and for no other', async () => {
    const [one, two] = [fresh(), fresh()]
    const first = await signIn(one)
    const second = await signIn(two, first.tokens.deviceToken)
    await server.post(`/v1/users/${first.user.id}/sessions/revoke`, {})
    await expectKnown(two, second.tokens.deviceToken, first.session.deviceId)
  })

  test('when its address is adopted', async () => {
    const to = fresh()
    const { user, session, tokens } = await signIn(to)
    // As if nobody had proven it.
    await server.tamper(`UPDATE identifiers SET verified_at = NULL WHERE user_id = '${user.id}'`)
    await expectUnknown(to, tokens.deviceToken, session.deviceId)
    expect(await endedOf(user.id)).toContainEqual({ deviceId: session.deviceId, reason: 'adopted' })
  })

  test('with its user', async () => {
    const to = fresh()
    const { user, session, tokens } = await signIn(to)
    await server.call('DELETE', `/v1/users/${user.id}`)
    const next = await signIn(to, tokens.deviceToken)
    expect(next.user.id).not.toBe(user.id)
    expect(next.tokens.deviceToken).not.toBe(tokens.deviceToken)
    expect(next.session.deviceId).toBe(session.deviceId)
    expect(await listOf(next.user.id)).toHaveLength(1)
  })

  test('with a higher epoch', async () => {
    const own = await testServer({ clock: handClock() })
    const to = fresh()
    const { session, tokens } = await signIn(to, undefined, own)
    const next = await own.reopen({ epoch: 2 })
    const after = await signIn(to, tokens.deviceToken, next)
    expect(after.session.deviceId).not.toBe(session.deviceId)
    expect(after.tokens.deviceToken).toMatch(/^odt_/)
    await next.stop()
  })

  test('but the one in hand, where a person signs out everywhere else', async () => {
    const to = fresh()
    const other = await signIn(to)
    const mine = await signIn(to)
    const bearer = mine.tokens.accessToken
    const ended = await browse(server, 'POST', '/client/v1/me/sessions/end-others', {}, { bearer })
    expect(ended.status, JSON.stringify(ended.body)).toBe(200)
    await expectUnknown(to, other.tokens.deviceToken, other.session.deviceId)
    await expectKnown(to, mine.tokens.deviceToken, mine.session.deviceId)
  })
})

describe('being remembered', () => {
  test('lasts as long as the settings say, and no sign-in shortens what was said', async () => {
    await server.call('PATCH', '/v1/settings', { device: { rememberDays: 7 } })
    const to = fresh()
    const { user, session, tokens } = await signIn(to)
    const path = `/v1/users/${user.id}/devices/${session.deviceId}`
    const until = async () => (await listOf(user.id))[0].rememberedUntil
    expect(Date.parse(await until())).toBe(Date.parse(session.createdAt) + 7 * DAY)
    const late = new Date(server.clock.now() + 30 * DAY).toISOString()
    expect((await server.call('PATCH', path, { rememberedUntil: late })).body.rememberedUntil).toBe(late)
    await expectKnown(to, tokens.deviceToken, session.deviceId)
    expect(await until()).toBe(late)
    expect((await server.call('PATCH', path, { rememberedUntil: null })).body.rememberedUntil).toBeNull()
    await expectKnown(to, tokens.deviceToken, session.deviceId)
    expect(Date.parse(await until())).toBe(server.clock.now() + 7 * DAY)
    await server.call('PATCH', '/v1/settings', { device: null })
    const events = (await server.get(`/v1/events?userId=${user.id}&type=device.remembered`)).body.data
    expect(events.map((event: { data: object }) => event.data)).toEqual([
      { deviceId: session.deviceId, rememberedUntil: null },
      { deviceId: session.deviceId, rememberedUntil: late },
    ])
  })

  test.each([
    ['the past', () => -1000],
    ['more than a cookie lives', () => 401 * DAY],
  ])('cannot be said for %s', async (_, ms) => {
    const { user, session } = await signIn(fresh())
    const rememberedUntil = new Date(server.clock.now() + ms()).toISOString()
    const path = `/v1/users/${user.id}/devices/${session.deviceId}`
    expectRefusal(await server.call('PATCH', path, { rememberedUntil }), 'invalid_request')
  })
})

describe('the browser on our own pages', () => {
  const headers = { 'Sec-Fetch-Site': 'same-origin' }
  /** Signs in on the hosted page: the device cookie that it leaves, and the session that the result opens. */
  async function onPage(to: string, device = '', context?: object) {
    await later(server, 61_000)
    const page = await hosted(server, await appOf(server))
    const post = (path: string, body: object) =>
      browse(server, 'POST', `/client/v1/actions/${path}`, body, {
        headers: { ...headers, Cookie: [page.cookie, device].filter(Boolean).join('; ') },
      })
    expect((await post('identify', { to })).status).toBe(200)
    expect((await post('send', { method: 'emailCode' })).status).toBe(200)
    const { code } = await server.message({ to })
    const proven = await post('verify', { code })
    expect(proven.status, JSON.stringify(proven.body)).toBe(200)
    const validated = await server.post('/v1/actions/validate', {
      token: proven.body.result.token,
      action: 'signIn',
      ...(context && { context }),
    })
    expect(validated.status).toBe(200)
    return { proven, cookie: cookieOf(proven, COOKIE), ...validated.body }
  }

  test('keeps its token in a cookie that no script reads, and is known by it', async () => {
    const to = fresh()
    const first = await onPage(to)
    const set = first.proven.headers.getSetCookie().find((one: string) => one.startsWith(COOKIE))
    expect(set).toMatch(
      new RegExp(`^${COOKIE}=odt_[\\w-]{43}; Max-Age=34560000; Path=/; HttpOnly; Secure; SameSite=Lax$`),
    )
    expect(JSON.stringify(first.proven.body)).not.toContain('odt_')
    expect(first.session.deviceId).toMatch(/^dev_/)
    expect(first.tokens.deviceToken).toBeNull()
    const again = await onPage(to, first.cookie)
    expect([again.cookie, again.session.deviceId]).toEqual(['', first.session.deviceId])
  })

  test('is of its environment: another one keeps its own beside it', async () => {
    const live = await deviceCookieOf(server, 'live')
    expect(live).not.toBe(COOKIE)
    const first = await onPage(fresh())
    const there = first.cookie.replace(COOKIE, live)
    expect((await onPage(first.user.email, there)).session.deviceId).not.toBe(first.session.deviceId)
  })

  describe('that is asked whether it may be remembered', () => {
    beforeAll(() => server.call('PATCH', '/v1/settings', { device: { askToRemember: true } }))
    afterAll(() => server.call('PATCH', '/v1/settings', { device: null }))
    const YES = '__Host-ostiary-remember=1'
    const until = async ({ user, session }: { user: { id: string }; session: { deviceId: string } }) =>
      (await listOf(user.id)).find((one: { id: string }) => one.id === session.deviceId)?.rememberedUntil

    test('is known and not remembered without a yes, and remembered by one', async () => {
      const to = fresh()
      const silent = await onPage(to)
      expect(await until(silent)).toBeNull()
      const asked = await onPage(to, `${silent.cookie}; ${YES}`)
      expect(asked.session.deviceId).toBe(silent.session.deviceId)
      expect(Date.parse((await until(asked)) ?? '')).toBe(server.clock.now() + 90 * DAY)
      // Another sign-in without a yes takes nothing back.
      await onPage(to, silent.cookie)
      expect(await until(asked)).not.toBeNull()
    })

    test('no other value is a yes', async () => {
      expect(await until(await onPage(fresh(), '__Host-ostiary-remember=true'))).toBeNull()
    })

    test('nor is it remembered by the token that the backend keeps', async () => {
      const to = fresh()
      const told = await signIn(to)
      const path = `/v1/users/${told.user.id}/devices/${told.session.deviceId}`
      await server.call('PATCH', path, { rememberedUntil: null })
      const page = await onPage(to, '', { userAgent: BROWSER, deviceToken: told.tokens.deviceToken })
      expect(page.session.deviceId).toBe(told.session.deviceId)
      expect(await until(page)).toBeNull()
    })

    test('asks on the page, and in the form of the page without scripts', async () => {
      const app = await appOf(server)
      const browser = plainBrowser(server, { headers: { 'User-Agent': BROWSER } })
      const path = `/sign-in?key=${app.publishableKey}&redirectUrl=${encodeURIComponent(APP_BACK)}&state=s`
      for (const says of [{}, { remember: '1' }]) {
        const to = fresh()
        const begun = await browser.get(path)
        expect(begun.text).toContain('<input type="checkbox" id="remember"> Remember this device')
        const shown = await browser.send(path, { act: 'identify', to })
        const actionId = /name="actionId" value="(act_\w+)"/.exec(shown.text)?.[1] ?? ''
        const sent = await browser.send(path, { act: 'send', method: 'emailCode', actionId })
        expect(sent.text).toContain('<input type="checkbox" name="remember" value="1"> Remember this device')
        const { code } = await server.message({ to })
        const done = await browser.post(path, { act: 'verify', code, actionId, ...says })
        const token = new URL(done.location ?? '', PUBLIC_URL).searchParams.get('token')
        const { body } = await server.post('/v1/actions/validate', { token, action: 'signIn' })
        expect((await until(body)) !== null).toBe('remember' in says)
      }
    })
  })

  test('stands back behind a token that the backend tells', async () => {
    const to = fresh()
    const told = await signIn(to)
    const page = await onPage(to, '', { userAgent: BROWSER, deviceToken: told.tokens.deviceToken })
    expect(page.session.deviceId).toBe(told.session.deviceId)
    const untold = await onPage(to, '', { userAgent: BROWSER })
    expect(untold.tokens.deviceToken).toBeNull()
    expect(untold.session.deviceId).not.toBe(told.session.deviceId)
  })

  test('keeps none in a page of the app: there the backend does', async () => {
    const to = fresh()
    const app = await appOf(server)
    const tab = await begin(server, app)
    const proven = await prove(server, tab, to)
    expect(cookieOf(proven, COOKIE)).toBe('')
    const { body } = await server.post('/v1/actions/validate', {
      token: proven.body.result.token,
      action: 'signIn',
      context: { userAgent: BROWSER },
    })
    expect(body.session.deviceId).toMatch(/^dev_/)
    expect(body.tokens.deviceToken).toMatch(/^odt_/)
  })

  test('an app without a backend gets the cookie where it may refresh, and only there', async () => {
    for (const publicRefresh of [true, false]) {
      const app = await appOf(server, { publicRefresh })
      const tab = await begin(server, app, { redirectUrl: APP_BACK, codeChallenge: S256 })
      const proven = await prove(server, tab, fresh())
      const validated = await browse(
        server,
        'POST',
        '/client/v1/actions/validate',
        { token: proven.body.result.token, codeVerifier: VERIFIER },
        { bearer: app.publishableKey, headers: { 'User-Agent': BROWSER } },
      )
      expect(validated.status, JSON.stringify(validated.body)).toBe(200)
      expect(cookieOf(validated, COOKIE) !== '').toBe(publicRefresh)
      expect(validated.body.session.deviceId !== null).toBe(publicRefresh)
    }
  })

  test('the first tab signs in where its link is approved elsewhere, not the browser that presses', async () => {
    const to = fresh()
    await later(server, 61_000)
    const page = await hosted(server, await appOf(server))
    await page.post('identify', { to })
    await page.post('send', { method: 'emailLink' })
    const { link } = await server.message({ to })
    const elsewhere = await openLink(server, link)
    await elsewhere.press()
    const { number } = (await page.get('current')).body.challenge
    expect((await elsewhere.press(number)).status).toBe(200)
    const finished = await page.post('finish')
    expect(finished.status, JSON.stringify(finished.body)).toBe(200)
    expect(cookieOf(finished, COOKIE)).toMatch(/odt_/)
    const { body } = await server.post('/v1/actions/validate', {
      token: finished.body.result.token,
      action: 'signIn',
    })
    expect(body.session.deviceId).toMatch(/^dev_/)
  })

  /** A page that waits for the press of its link, in a browser that has this device cookie. */
  async function waitingFor(to: string, device = '') {
    await later(server, 61_000)
    const page = await hosted(server, await appOf(server), undefined, device)
    await page.post('identify', { to })
    await page.post('send', { method: 'emailLink' })
    return { page, link: (await server.message({ to })).link }
  }
  const resultIn = (location: string | null) =>
    location === null ? null : new URL(location).searchParams.get('token')

  test('that opens its link itself gets the token with the press, and is known by it', async () => {
    const to = fresh()
    const { page, link } = await waitingFor(to)
    const pressed = await (await openLink(server, link, page.cookie)).press()
    const device = cookieOf(pressed, COOKIE)
    expect(device).toMatch(/odt_/)
    const asked = { token: resultIn(pressed.location), action: 'signIn' }
    const { session } = (await server.post('/v1/actions/validate', asked)).body
    expect(session.deviceId).toMatch(/^dev_/)
    const again = await waitingFor(to, device)
    const jar = [again.page.cookie, device].join('; ')
    const anew = await (await openLink(server, again.link, jar)).press()
    expect(cookieOf(anew, COOKIE)).toBe('')
    const next = { token: resultIn(anew.location), action: 'signIn' }
    expect((await server.post('/v1/actions/validate', next)).body.session.deviceId).toBe(session.deviceId)
  })

  test('is not known by a proof whose result nobody took', async () => {
    const to = fresh()
    const { user } = await signIn(to)
    const { page, link } = await waitingFor(to)
    const pressed = await (await openLink(server, link, page.cookie)).press()
    const live = async () =>
      (await listOf(user.id)).filter((one: { endedAt: string | null }) => one.endedAt === null)
    expect(await live()).toHaveLength(1)
    // The browser has its token, and nobody has signed in on it.
    const token = cookieOf(pressed, COOKIE).split('=')[1] ?? ''
    expect(token).toMatch(/^odt_/)
    const asked = {
      token: resultIn(pressed.location),
      action: 'signIn',
      context: { ipAddress: '192.0.2.77' },
    }
    const { session } = (await server.post('/v1/actions/validate', asked)).body
    expect((await live())[0]).toMatchObject({ id: session.deviceId, ipAddress: '192.0.2.77' })
    await expectKnown(to, token, session.deviceId)
  })

  test('that was ended before its result was taken stays so', async () => {
    const to = fresh()
    const first = await onPage(to)
    const { page, link } = await waitingFor(to, first.cookie)
    const pressed = await (await openLink(server, link, [page.cookie, first.cookie].join('; '))).press()
    const { deviceId } = first.session
    await server.post(`/v1/users/${first.user.id}/devices/${deviceId}/end`, {})
    const asked = { token: resultIn(pressed.location), action: 'signIn' }
    expect((await server.post('/v1/actions/validate', asked)).status).toBe(200)
    const [device] = await listOf(first.user.id)
    // The sign-in is none on it.
    expect(device).toMatchObject({ id: deviceId, lastSignInAt: first.session.createdAt })
    expect(device.endedAt).not.toBeNull()
  })

  test('a link that goes on anywhere is judged by the browser that presses it', async () => {
    await server.call('PATCH', '/v1/settings', { challenge: { linkBrowser: 'anywhere' } })
    const to = fresh()
    const { cookie } = await onPage(to)
    const rule = await server.post('/v1/rules', {
      name: 'strange',
      actionName: 'signIn',
      priority: 1,
      condition: '!device.known',
      outcome: 'BLOCK',
    })
    expect(rule.status, JSON.stringify(rule.body)).toBe(201)
    // Whoever reads the mail presses before the person whose browser is known.
    const stolen = await waitingFor(to, cookie)
    const pressed = await (await openLink(server, stolen.link)).press()
    expect(resultIn(pressed.location)).toBeNull()
    const own = await waitingFor(to)
    const elsewhere = await (await openLink(server, own.link, cookie)).press()
    expect(resultIn(elsewhere.location)).toMatch(/^oht_/)
    await server.call('DELETE', `/v1/rules/${rule.body.id}`)
    await server.call('PATCH', '/v1/settings', { challenge: null })
  })

  test('is not known by a proof that ended before its result was taken', async () => {
    const to = fresh()
    const { user } = await signIn(to)
    await later(server, 61_000)
    const page = await hosted(server, await appOf(server))
    await page.post('identify', { to })
    await page.post('send', { method: 'emailLink' })
    const { link } = await server.message({ to })
    const elsewhere = await openLink(server, link)
    await elsewhere.press()
    const { number } = (await page.get('current')).body.challenge
    await elsewhere.press(number)
    await server.post(`/v1/users/${user.id}/sessions/revoke`, {})
    const finished = await page.post('finish')
    expect(cookieOf(finished, COOKIE)).toBe('')
    expect((await listOf(user.id)).filter((one: { endedAt: null }) => one.endedAt === null)).toEqual([])
  })

  test('the page without scripts sets it, too', async () => {
    const to = fresh()
    const app = await appOf(server)
    const browser = plainBrowser(server, { headers: { 'User-Agent': BROWSER } })
    const path = `/sign-in?key=${app.publishableKey}&redirectUrl=${encodeURIComponent(APP_BACK)}&state=s`
    await browser.get(path)
    const shown = await browser.send(path, { act: 'identify', to })
    const actionId = /name="actionId" value="(act_\w+)"/.exec(shown.text)?.[1] ?? ''
    expect(actionId).not.toBe('')
    if (!/name="code"/.test(shown.text))
      await browser.send(path, { act: 'send', method: 'emailCode', actionId })
    const { code } = await server.message({ to })
    const done = await browser.post(path, { act: 'verify', code, actionId })
    expect(done.status).toBe(303)
    expect(browser.jar.get(COOKIE)).toMatch(/^odt_/)
    expect(new URL(done.location ?? '', PUBLIC_URL).searchParams.get('token')).toMatch(/^oht_/)
  })
})
