import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import type { App } from '../../src/core/rows.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import {
  APP_BACK,
  appOf,
  begin,
  browse,
  openLink,
  prove,
  S256,
  sendTo,
  type Tab,
  tabOf,
  VERIFIER,
} from './browser.ts'
import { dump, fresh, later, purge, wrongCode } from './world.ts'

const logged: string[] = []
const note = (...said: unknown[]) => void logged.push(JSON.stringify(said))
let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer({ log: { info: note, warn: note, error: note } })
  app = await appOf(server)
})
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const validate = (token: string, more: object = {}) =>
  server.post('/v1/actions/validate', { token, action: 'signIn', ...more })
const typesOf = async (filter: string): Promise<string[]> =>
  (await server.get(`/v1/events?${filter}&limit=100`)).body.data.map((one: { type: string }) => one.type)
const stateOf = async (id: string) => (await server.get(`/v1/actions/${id}`)).body.state

describe('a sign-in on a page of the app', () => {
  test('goes from the address to the session, with an event for each step', async () => {
    const to = fresh()
    const tab = await begin(server, app)
    expect((await tab.get('current')).body).toMatchObject({
      state: 'CHALLENGE_REQUIRED',
      step: 'identify',
      address: null,
      challenge: null,
      redirectTo: null,
    })
    expect((await tab.post('identify', { to: to.toUpperCase() })).body).toMatchObject({
      step: 'method',
      address: to.toUpperCase(),
      methods: ['emailCode', 'emailLink', 'passkey'],
    })
    const sent = await tab.post('send', { method: 'emailCode' })
    expect(sent.body).toMatchObject({
      step: 'code',
      challenge: { method: 'emailCode', codeLength: 6, sendsLeft: 2, attemptsLeft: 5, number: null },
    })
    expect(sent.body.challenge.sentAt).toBe(new Date(server.clock.now()).toISOString())
    const { code } = await server.message({ to })
    const proven = await tab.post('verify', { code })
    expect(proven).toMatchObject({ status: 200, body: { state: 'CHALLENGE_SUCCEEDED', step: 'done' } })
    const { token, redirectTo } = proven.body.result
    expect(redirectTo).toBe(`${APP_BACK}&token=${token}&state=st`)
    const valid = await validate(token)
    expect(valid.body).toMatchObject({
      isValid: true,
      action: {
        id: tab.id,
        state: 'CHALLENGE_SUCCEEDED',
        method: 'emailCode',
        completedSteps: ['emailCode'],
        isEnrolled: true,
        nextStep: { type: 'none', methods: [] },
      },
      user: { email: to },
      session: { methods: ['emailCode'], appId: app.id },
      tokens: { accessToken: expect.any(String), refreshToken: expect.stringMatching(/^ort_/) },
    })
    expect(valid.body.session.authTime).toBe(new Date(server.clock.now()).toISOString())
    const again = await validate(token)
    expect(again.body).toEqual({ ...valid.body, session: null, tokens: null })
    expect((await typesOf(`actionId=${tab.id}`)).sort()).toEqual([
      'action.challenge_started',
      'action.challenge_succeeded',
      'action.tracked',
      'action.validated',
      'challenge.created',
      'challenge.verified',
      'message.queued',
      'session.created',
    ])
  })

  test('takes another address until the end; the first code is worth nothing then', async () => {
    const tab = await begin(server, app)
    const first = await sendTo(server, tab, fresh())
    const second = await sendTo(server, tab, fresh())
    expectRefusal(await tab.post('verify', { code: first.code }), 'code_incorrect', ['attemptsLeft'])
    expect((await tab.post('verify', { code: second.code })).status).toBe(200)
    expectRefusal(await tab.post('identify', { to: fresh() }), 'state_conflict')
  })

  test('sends again: both codes work, and the answer says so', async () => {
    const to = fresh()
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, to)
    expectRefusal(await tab.post('resend'), 'rate_limited')
    await later(server, 31_000)
    const again = await tab.post('resend')
    expect(again.body).toMatchObject({ earlierCodes: 'valid', step: 'code', challenge: { sendsLeft: 1 } })
    expect(again.body.challenge.sentAt).toBe(new Date(server.clock.now()).toISOString())
    expect((await tab.post('verify', { code })).status).toBe(200)
  })

  test('begins a new challenge when the attempts are used up', async () => {
    const to = fresh()
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, to)
    for (let left = 4; left >= 0; left--)
      expect((await tab.post('verify', { code: wrongCode(code) })).body.attemptsLeft).toBe(left)
    expectRefusal(await tab.post('verify', { code }), 'attempts_exhausted')
    const next = await sendTo(server, tab, to)
    expect((await tab.post('verify', { code: next.code })).status).toBe(200)
  })

  test('without redirectUrl gives the token alone', async () => {
    const tab = await begin(server, app, {})
    const { result } = (await prove(server, tab, fresh())).body
    expect(result).toEqual({ token: expect.stringMatching(/^oht_[\w-]{43}$/), redirectTo: null })
    expect((await validate(result.token)).status).toBe(200)
  })
})

/** How an action comes to each step. */
const AT: Record<string, (tab: Tab) => Promise<unknown>> = {
  identify: async () => {},
  method: tab => tab.post('identify', { to: fresh() }),
  code: tab => sendTo(server, tab, fresh()),
  link: tab => sendTo(server, tab, fresh(), 'emailLink'),
  done: tab => prove(server, tab, fresh()),
  cancelled: tab => tab.post('cancel'),
  expired: () => later(server, 900_000),
}
const CALLS: Record<string, unknown> = {
  identify: { to: 'order@example.com' },
  send: { method: 'emailCode' },
  resend: {},
  verify: { code: '123456' },
  finish: {},
  cancel: {},
}
/** Which calls a step takes; all others are `state_conflict`. */
const DUE: Record<string, Record<string, number>> = {
  identify: { identify: 200, cancel: 200 },
  method: { identify: 200, send: 200, cancel: 200 },
  code: { identify: 200, send: 200, resend: 429, verify: 400, cancel: 200 },
  link: { identify: 200, send: 200, resend: 429, cancel: 200 },
  done: {},
  cancelled: {},
  expired: {},
}

describe.each(Object.keys(AT))('at the step %s', step => {
  test.each(Object.keys(CALLS))('%s', async call => {
    const tab = await begin(server, app)
    await AT[step]?.(tab)
    const before = (await tab.get('current')).body
    expect(before.step).toBe(step === 'cancelled' || step === 'expired' ? 'ended' : step)
    const answer = await tab.post(call, CALLS[call])
    const status = DUE[step]?.[call]
    if (status !== undefined) return expect(answer.status, JSON.stringify(answer.body)).toBe(status)
    expectRefusal(answer, 'state_conflict')
    expect((await tab.get('current')).body).toEqual(before)
  })
})

describe('an action that ends without a proof', () => {
  test('leads back with the reason, and no code works any more', async () => {
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, fresh())
    const back = `${APP_BACK}&error=cancelled&state=st`
    expect((await tab.post('cancel')).body).toEqual({ redirectTo: back })
    expect((await tab.get('current')).body).toMatchObject({
      state: 'CHALLENGE_FAILED',
      step: 'ended',
      redirectTo: back,
    })
    expectRefusal(await tab.post('verify', { code }), 'state_conflict')
    expect(await typesOf(`actionId=${tab.id}`)).toContain('action.challenge_failed')
  })
  test('after its life has failed, though nobody wrote it', async () => {
    const tab = await begin(server, app)
    await later(server, 900_000)
    expect((await tab.get('current')).body).toMatchObject({
      state: 'CHALLENGE_FAILED',
      redirectTo: `${APP_BACK}&error=expired&state=st`,
    })
    expect(await stateOf(tab.id)).toBe('CHALLENGE_FAILED')
  })
  test('by the setting is blocked, or waits for a review that nobody skips', async () => {
    for (const [outcome, state, step, error] of [
      ['BLOCK', 'BLOCK', 'ended', 'blocked'],
      ['REVIEW', 'REVIEW_REQUIRED', 'review', 'review_pending'],
    ]) {
      await server.call('PATCH', '/v1/settings', { action: { defaultOutcome: { signIn: outcome } } })
      const tab = await begin(server, app)
      expect((await tab.get('current')).body).toMatchObject({
        state,
        step,
        redirectTo: `${APP_BACK}&error=${error}&state=st`,
      })
      for (const [call, body] of Object.entries(CALLS))
        expectRefusal(await tab.post(call, body), 'state_conflict')
      await server.call('PATCH', '/v1/settings', { action: null })
    }
  })
  test('because the person was blocked after the mail went out', async () => {
    const to = fresh()
    const { user } = (await server.signIn(to)).body
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, to)
    await server.post(`/v1/users/${user.id}/block`)
    expectRefusal(await tab.post('verify', { code }), 'challenge_expired')
    // A new challenge for a blocked person is a decoy: it can be asked for, and nothing is right.
    await later(server, 61_000)
    expect((await tab.post('send', { method: 'emailCode' })).body.step).toBe('code')
    expectRefusal(await tab.post('verify', { code }), 'code_incorrect', ['attemptsLeft'])
  })
})

describe('the result token', () => {
  const proven = async (body?: object) => {
    const tab = await begin(server, app, body)
    return { tab, token: (await prove(server, tab, fresh())).body.result.token as string }
  }
  test('lives 60 seconds, and what it stood for as long as the action', async () => {
    const late = (await proven()).token
    await later(server, 60_000)
    expectRefusal(await validate(late), 'token_invalid')
    const { token } = await proven()
    await later(server, 59_999)
    expect((await validate(token)).body.session).not.toBeNull()
    await later(server, 300_000)
    expect((await validate(token)).body).toMatchObject({ isValid: true, session: null, tokens: null })
    await later(server, 900_000)
    expectRefusal(await validate(token), 'token_invalid')
  })
  test('is refused for another environment, app, action and user, and consumes nothing', async () => {
    const { token } = await proven()
    const live = { key: server.liveKey }
    expectRefusal(
      await server.call('POST', '/v1/actions/validate', { token, action: 'signIn' }, live),
      'token_invalid',
    )
    const other = await appOf(server)
    const body = { token, codeVerifier: VERIFIER }
    for (const { publishableKey } of [other, app])
      expectRefusal(
        await browse(server, 'POST', '/client/v1/actions/validate', body, { bearer: publishableKey }),
        'token_invalid',
      )
    expectRefusal(await validate(token, { action: 'withdrawFunds' }), 'token_invalid')
    const stranger = (await server.signIn(fresh())).body.user.id
    expectRefusal(await validate(token, { userId: stranger }), 'token_invalid')
    expect((await validate(token)).body.session).not.toBeNull()
  })
  test('takes the verifier where one was bound, and none elsewhere; five wrong ones end it', async () => {
    const bound = await proven({ redirectUrl: APP_BACK, codeChallenge: S256 })
    expectRefusal(await validate(bound.token), 'token_invalid')
    expectRefusal(await validate(bound.token, { codeVerifier: `${VERIFIER}x` }), 'token_invalid')
    expect((await validate(bound.token, { codeVerifier: VERIFIER })).body.session).not.toBeNull()
    const unbound = await proven()
    expectRefusal(await validate(unbound.token, { codeVerifier: VERIFIER }), 'token_invalid')
    expect((await validate(unbound.token)).status).toBe(200)
    const guessed = await proven({ redirectUrl: APP_BACK, codeChallenge: S256 })
    for (let round = 0; round < 5; round++) expectRefusal(await validate(guessed.token), 'token_invalid')
    expectRefusal(await validate(guessed.token, { codeVerifier: VERIFIER }), 'token_invalid')
  })
  test('is no other kind of token, nor is another kind a result', async () => {
    const { tab, token } = await proven()
    for (const wrong of [tab.token, tab.id, app.publishableKey, server.key, `${token}x`, 'x'])
      expectRefusal(await validate(wrong), 'token_invalid')
    expectRefusal(await server.post('/v1/challenges/verify', { linkToken: token }), 'link_invalid')
    expectRefusal(await tabOf(server, tab.id, token).get('current'), 'unauthorized')
    expect((await validate(token)).status).toBe(200)
  })
  test('dies with what ends the proof: signed out everywhere, blocked, deleted', async () => {
    for (const end of ['sessions/revoke', 'block', 'delete']) {
      const to = fresh()
      const { user } = (await server.signIn(to)).body
      const tab = await begin(server, app)
      const { token } = (await prove(server, tab, to)).body.result
      const path = `/v1/users/${user.id}`
      if (end === 'delete') await server.call('DELETE', path)
      else await server.post(`${path}/${end}`)
      expectRefusal(await validate(token), 'token_invalid')
      expect((await server.get(`/v1/events?userId=${user.id}&type=session.created`)).body.data).toHaveLength(
        1,
      )
    }
  })
  test('is kept for an Idempotency-Key: the same session again', async () => {
    const { token } = await proven()
    const headers = { 'Idempotency-Key': 'validate-1' }
    const ask = () => server.post('/v1/actions/validate', { token, action: 'signIn' }, headers)
    const first = await ask()
    const second = await ask()
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.body).toEqual(first.body)
  })
})

describe('what a backend tracks', () => {
  const track = (more: object = {}) =>
    server.post('/v1/actions', { name: 'signIn', redirectUrl: APP_BACK, appId: app.id, ...more })
  const open = (token: string, headers: Record<string, string> = { 'Sec-Fetch-Site': 'same-origin' }) =>
    browse(server, 'POST', '/client/v1/actions/open', { token }, { headers })
  const openingOf = (url: string) => url.slice(url.lastIndexOf('/') + 1)

  test('is opened by one browser; a second opener and the backend’s own token are refused then', async () => {
    const { body } = await track()
    expect(body).toMatchObject({
      state: 'CHALLENGE_REQUIRED',
      outcome: 'CHALLENGE',
      nextStep: { type: 'challenge', methods: ['emailCode', 'emailLink', 'passkey'] },
      url: expect.stringMatching(/^http:\/\/localhost:4545\/a\/oat_[\w-]{43}$/),
    })
    const first = await open(openingOf(body.url))
    expect(first).toMatchObject({ status: 200, body: { id: body.id, step: 'identify' } })
    expect(first.headers.get('set-cookie')).toMatch(
      /^__Host-ostiary-action-[0-9a-z]{26}=oat_[\w-]{43}\.[\w-]{16};/,
    )
    expectRefusal(await open(openingOf(body.url)), 'token_invalid')
    expectRefusal(await tabOf(server, body.id, body.token).get('current'), 'unauthorized')
  })
  test('is opened by nobody once its token works on it', async () => {
    const { body } = await track()
    const tab = tabOf(server, body.id, body.token)
    expect((await tab.get('current')).status).toBe(200)
    expect((await tab.post('identify', { to: fresh() })).status).toBe(200)
    expectRefusal(await open(openingOf(body.url)), 'token_invalid')
    expect((await tab.post('identify', { to: fresh() })).status).toBe(200)
  })
  test.each([
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a sister site', { 'Sec-Fetch-Site': 'same-site' }],
    ['no browser', {}],
    ['another origin', { Origin: 'https://evil.example' }],
    ['the app’s own page', { Origin: 'https://app.example' }],
  ])('is not opened from %s', async (_, headers) => {
    const { body } = await track()
    const answer = await open(openingOf(body.url), headers as Record<string, string>)
    expectRefusal(answer, 'origin_not_allowed')
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect((await open(openingOf(body.url))).status).toBe(200)
  })
  test('an opening token drives nothing, and no id opens or validates', async () => {
    const { body } = await track()
    for (const wrong of [openingOf(body.url), body.id, `oat_${body.id}`]) {
      expectRefusal(await tabOf(server, body.id, wrong).get('current'), 'unauthorized')
      expectRefusal(await validate(wrong), 'token_invalid')
    }
    for (const wrong of [body.token, body.id]) expectRefusal(await open(wrong), 'token_invalid')
  })
  test('names who it is about: nobody else is proven in it', async () => {
    const to = fresh()
    const { user } = (await server.signIn(to)).body
    const { body } = await track({ userId: user.id })
    expect(body).toMatchObject({
      userId: user.id,
      isEnrolled: true,
      enrolledMethods: ['emailCode', 'emailLink'],
    })
    const tab = tabOf(server, body.id, body.token)
    const current = (await tab.get('current')).body
    expect(current).toMatchObject({ step: 'method', address: `${to[0]}***@example.com` })
    expect(JSON.stringify(current)).not.toContain(to)
    expectRefusal(await tab.post('identify', { to: fresh() }), 'state_conflict')
    expect((await tab.post('send', { method: 'emailCode' })).status).toBe(200)
    const proven = await tab.post('verify', { code: (await server.message({ to })).code })
    expect((await validate(proven.body.result.token, { userId: user.id })).body.user.id).toBe(user.id)
  })
  test('ends when that user is blocked or deleted, before anything was sent', async () => {
    for (const end of ['block', 'delete']) {
      const { user } = (await server.signIn(fresh())).body
      const { body } = await track({ userId: user.id })
      if (end === 'block') await server.post(`/v1/users/${user.id}/block`)
      else await server.call('DELETE', `/v1/users/${user.id}`)
      expect(await stateOf(body.id)).toBe('CHALLENGE_FAILED')
      const tab = tabOf(server, body.id, body.token)
      expectRefusal(await tab.post('send', { method: 'emailCode' }), 'state_conflict')
      expectRefusal(await open(openingOf(body.url)), 'token_invalid')
    }
  })
  test('by an address or an externalId', async () => {
    const to = fresh()
    const byEmail = (await track({ user: { email: to } })).body
    const tab = tabOf(server, byEmail.id, byEmail.token)
    expectRefusal(await tab.post('identify', { to: fresh() }), 'state_conflict')
    await tab.post('send', { method: 'emailCode' })
    expect((await tab.post('verify', { code: (await server.message({ to })).code })).status).toBe(200)
    const { user } = (await server.signIn(fresh(), { externalId: 'ext-tracked' })).body
    expect((await track({ user: { externalId: 'ext-tracked' } })).body.userId).toBe(user.id)
    expectRefusal(await track({ userId: newId('usr', server.clock.now()) }), 'not_found')
    expectRefusal(await track({ userId: user.id, user: { email: to } }), 'invalid_request', ['errors'])
    expectRefusal(await track({ user: {} }), 'invalid_request', ['errors'])
    expectRefusal(await track({ name: '1 name' }), 'invalid_request', ['errors'])
    expectRefusal(await track({ redirectUrl: 'https://evil.example/' }), 'redirect_url_not_allowed')
  })
  test('opens its session by id once, where no verifier binds it and no browser began it', async () => {
    const tracked = async (more: object = {}) => {
      const { body } = await track(more)
      const tab = tabOf(server, body.id, body.token)
      return { tab, token: (await prove(server, tab, fresh())).body.result.token as string }
    }
    const openSession = (actionId: string) => server.post('/v1/sessions', { actionId })
    const { tab, token } = await tracked()
    const [first, second] = [await openSession(tab.id), await openSession(tab.id)]
    expect(first).toMatchObject({ status: 201, body: { session: { appId: app.id } } })
    expectRefusal(second, 'already_claimed')
    expect((await validate(token)).body.session).toBeNull()
    expectRefusal(await openSession((await tracked({ codeChallenge: S256 })).tab.id), 'state_conflict')
    const byBrowser = await begin(server, app)
    await prove(server, byBrowser, fresh())
    expectRefusal(await openSession(byBrowser.id), 'state_conflict')
    expectRefusal(await openSession((await track()).body.id), 'state_conflict')
    expectRefusal(await openSession('act_nothing'), 'not_found')
    expectRefusal(await server.post('/v1/sessions', {}), 'invalid_request', ['errors'])
    const late = await tracked()
    await later(server, 600_000)
    expectRefusal(await openSession(late.tab.id), 'challenge_expired')
  })
})

describe('a challenge of an action', () => {
  test('is answered, sent again and opened as a session inside it and nowhere else', async () => {
    const to = fresh()
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, to)
    const { id } = (await server.get(`/v1/challenges?to=${to}`)).body.data[0]
    const before = await dump(server)
    expectRefusal(await server.post(`/v1/challenges/${id}/verify`, { code }), 'not_found')
    expectRefusal(await server.post(`/v1/challenges/${id}/resend`), 'not_found')
    expect(await dump(server)).toEqual(before)
    expect((await tab.post('verify', { code })).status).toBe(200)
    expectRefusal(await server.post('/v1/sessions', { challengeId: id }), 'state_conflict')
  })
  test('of another action does not count in this one', async () => {
    const [mine, theirs] = [await begin(server, app), await begin(server, app)]
    const { code } = await sendTo(server, theirs, fresh())
    await sendTo(server, mine, fresh())
    expectRefusal(await mine.post('verify', { code }), 'code_incorrect', ['attemptsLeft'])
    expect((await theirs.post('verify', { code })).status).toBe(200)
  })
})

test('what one started, another who knows only its id cannot finish or read', async () => {
  const tab = await begin(server, app)
  const { code } = await sendTo(server, tab, fresh())
  const thief = await begin(server, app)
  expectRefusal(await thief.post('verify', { code }), 'state_conflict')
  const proven = await tab.post('verify', { code })
  expect(proven.status).toBe(200)
  // Whoever holds the working token later gets no second result of the same proof.
  expectRefusal(await tab.post('finish'), 'state_conflict')
  expect((await tab.get('current')).body).not.toHaveProperty('result')
})

test('no token stands in a log, an event or the database', async () => {
  const tracked = (await server.post('/v1/actions', { name: 'signIn', redirectUrl: APP_BACK, appId: app.id }))
    .body
  const tab = await begin(server, app)
  const { code } = await sendTo(server, tab, fresh())
  const { token } = (await tab.post('verify', { code })).body.result
  const { body } = await validate(token)
  const link = (await sendTo(server, await begin(server, app), fresh(), 'emailLink')).link
  await openLink(server, link)
  const secrets = [
    tab.token,
    tracked.token,
    tracked.url.slice(tracked.url.lastIndexOf('/') + 1),
    token,
    body.tokens.refreshToken,
    link.slice(link.lastIndexOf('/') + 1),
  ]
  const events = JSON.stringify((await server.get('/v1/events?limit=100')).body)
  const file = await server.snapshot()
  const stored = [file, `${file}-wal`].map(name => {
    try {
      return readFileSync(name, 'latin1')
    } catch {
      return ''
    }
  })
  for (const secret of secrets) {
    expect(secret).toMatch(/^o(at|ht|rt|lk)_/)
    for (const place of [logged.join('\n'), events, ...stored]) expect(place.includes(secret)).toBe(false)
  }
})

test('rows go with the retention of challenges', async () => {
  const tab = await begin(server, app)
  await sendTo(server, tab, fresh())
  const count = async () => (await dump(server)).actions?.filter(row => row.includes(tab.id)).length
  await later(server, 900_000 + 30 * 86_400_000 - 1)
  await purge(server)
  expect(await count()).toBe(1)
  await later(server, 1)
  await purge(server)
  expect(await count()).toBe(0)
})
