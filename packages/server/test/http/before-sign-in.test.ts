import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseAddressList } from '../../src/core/addresses/address-list.ts'
import type { App } from '../../src/core/rows.ts'
import { allow, askedOf, deny, endlessJson, halfAnswer, hangUp, saying } from '../hooks/receiver.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type Answer, type TestServer, testServer } from '../setup/server.ts'
import { type FaultyReceiver, openFaultyReceiver, silence } from '../webhooks/receiver.ts'
import { expectRefusal } from './answers.ts'
import { appOf, begin, browse, cookieOf, hosted, prove, S256, tabOf, VERIFIER } from './browser.ts'
import { signedIn } from './person.ts'
import { fresh, handoverOf, later, send } from './world.ts'

let server: TestServer
let receiver: FaultyReceiver
let app: App
let secret: string
beforeAll(async () => {
  server = await testServer({ webhookPrivateTargets: parseAddressList('127.0.0.1') })
  receiver = await openFaultyReceiver()
  app = await appOf(server)
  secret = (await rotate()).body.secret
})
beforeEach(async () => {
  receiver.answer = allow
  receiver.requests.length = 0
  await hook({ url: receiver.url, timeoutMs: 1000, onFailure: 'deny' })
})
afterEach(() => later(server, 60_000))
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
  await receiver.close()
})

const rotate = (body: object = {}) => server.post('/v1/hooks/before-sign-in/rotate-secret', body)
async function hook(beforeSignIn: object | null) {
  const patched = await server.call('PATCH', '/v1/settings', { hooks: beforeSignIn && { beforeSignIn } })
  expect(patched.status, JSON.stringify(patched.body)).toBe(200)
}
const validate = (token: string, more: object = {}) =>
  server.post('/v1/actions/validate', { token, action: 'signIn', ...more })
const verify = (id: string, body: object, headers: Record<string, string> = {}) =>
  server.post(`/v1/challenges/${id}/verify`, body, headers)
const eventsOf = async (filter: string) => (await server.get(`/v1/events?limit=100&${filter}`)).body.data
const typesOf = async (challengeId: string): Promise<string[]> =>
  (await eventsOf(`challengeId=${challengeId}`)).map((one: { type: string }) => one.type)
const codeOf = async (challengeId: string) => (await server.message({ challengeId })).code

async function sessionsOf(to: string): Promise<unknown[]> {
  const [user] = (await server.get(`/v1/users?email=${to}`)).body.data
  return user ? (await server.get(`/v1/users/${user.id}/sessions`)).body.data : []
}

/** A challenge whose code is known, and the call that proves it. */
async function asked(to: string, more: object = {}) {
  const { id } = await send(server, { to, ...more })
  const code = await codeOf(id)
  return { id, code, verify: (headers = {}) => verify(id, { code }, headers) }
}

async function proven(to: string) {
  const challenge = await asked(to, { session: false })
  expect((await challenge.verify()).body).toMatchObject({ session: null, user: { email: to } })
  return challenge.id
}

async function link(to: string, more: object): Promise<string> {
  const redirectUrl = 'https://app.example/back'
  const { id } = await send(server, { to, appId: app.id, credential: 'link', redirectUrl, ...more })
  return (await server.message({ challengeId: id })).link
}

/** Every way to a session: what is there before the last call, and the call. It may be repeated where `isRepeatable`. */
const WAYS: {
  name: string
  isRepeatable?: boolean
  prepare(to: string): Promise<() => Promise<Answer>>
  /** What the hook is told of it. */
  told?: object
}[] = [
  { name: 'verify by a code', prepare: async to => (await asked(to)).verify },
  {
    name: 'verify for another purpose, with a session',
    told: { purpose: 'checkout' },
    async prepare(to) {
      const { id, code } = await asked(to, { purpose: 'checkout', session: true })
      return () => verify(id, { code, purpose: 'checkout' })
    },
  },
  {
    name: 'verify by a mailed link',
    told: { method: 'emailLink' },
    async prepare(to) {
      const linkToken = new URL(await link(to, { linkVia: 'app' })).searchParams.get('token')
      return () => server.post('/v1/challenges/verify', { linkToken })
    },
  },
  {
    name: 'verify by the hand-over of a link',
    told: { method: 'emailLink' },
    async prepare(to) {
      const linkToken = await handoverOf(server, await link(to, {}))
      return () => server.post('/v1/challenges/verify', { linkToken })
    },
  },
  {
    name: 'verify by a passkey',
    told: { method: 'passkey', isNewUser: false },
    async prepare(to) {
      const userId = (await server.post('/v1/users', { email: to, emailVerified: true })).body.id
      server.clock.advance(1)
      const device = softwareAuthenticator()
      const asked = { method: 'passkey', ceremony: 'registration', userId }
      const enrolment = (await server.post('/v1/challenges', asked)).body
      await verify(enrolment.id, { credential: device.register(enrolment.publicKey) })
      const { id, publicKey } = (await server.post('/v1/challenges', { method: 'passkey' })).body
      return () => verify(id, { credential: device.authenticate(publicKey) })
    },
  },
  {
    name: 'POST /v1/sessions by a challenge',
    isRepeatable: true,
    async prepare(to) {
      const challengeId = await proven(to)
      return () => server.post('/v1/sessions', { challengeId })
    },
  },
  {
    name: 'POST /v1/sessions by an action',
    isRepeatable: true,
    async prepare(to) {
      const { id, token } = (await server.post('/v1/actions', { name: 'signIn' })).body
      expect((await prove(server, tabOf(server, id, token), to)).status).toBe(200)
      return () => server.post('/v1/sessions', { actionId: id })
    },
  },
  {
    name: 'validate by a backend',
    isRepeatable: true,
    async prepare(to) {
      const { token } = (await prove(server, await begin(server, app), to)).body.result
      return () => validate(token)
    },
  },
  {
    name: 'validate by a browser',
    isRepeatable: true,
    async prepare(to) {
      const tab = await begin(server, app, {
        redirectUrl: 'https://app.example/back?own=1',
        codeChallenge: S256,
      })
      const { token } = (await prove(server, tab, to)).body.result
      const body = { token, codeVerifier: VERIFIER }
      const as = { bearer: app.publishableKey }
      return () => browse(server, 'POST', '/client/v1/actions/validate', body, as)
    },
  },
  {
    name: 'a fresh proof for the account',
    isRepeatable: true,
    told: { isNewUser: false },
    async prepare(to) {
      const person = await signedIn(server, to)
      await later(server, 60_000)
      receiver.requests.length = 0
      const begun = await person.post('proof')
      expect(begun.status, JSON.stringify(begun.body)).toBe(201)
      const tab = tabOf(server, begun.body.id, begun.body.token)
      await tab.post('send', { method: 'emailCode' })
      const { token } = (await tab.post('verify', { code: (await server.message({ to })).code })).body.result
      return () => validate(token)
    },
  },
]

describe.each(WAYS)('$name', ({ name, isRepeatable = false, prepare, told = {} }) => {
  const before = name.startsWith('a fresh proof') ? 1 : 0

  test('asks once, and the claims come with every access token', async () => {
    const to = fresh()
    const open = await prepare(to)
    receiver.answer = saying({ decision: 'allow', claims: { role: 'admin', teams: [1, 2] } })
    expect(receiver.requests).toHaveLength(0)
    const opened = await open()
    expect(opened.status, JSON.stringify(opened.body)).toBeLessThan(300)
    expect(receiver.requests).toHaveLength(1)
    expect(receiver.verified(secret)[0]).toEqual({
      type: 'before_sign_in',
      timestamp: expect.any(String),
      data: {
        user: expect.objectContaining({ email: to, emailVerified: true }),
        isNewUser: true,
        method: 'emailCode',
        purpose: 'signIn',
        provenAt: expect.any(String),
        environmentId: expect.stringMatching(/^env_/),
        app: { id: expect.stringMatching(/^app_/), name: expect.any(String) },
        context: { ipAddress: null, userAgent: null },
        challengeId: expect.stringMatching(/^chl_/),
        actionId: name.includes('action') || name.includes('valid') || before ? expect.any(String) : null,
        ...told,
      },
    })
    const claims = { role: 'admin', teams: [1, 2] }
    const { accessToken, refreshToken } = opened.body.tokens
    expect(decodeJwt(accessToken)).toMatchObject({ ...claims, sid: opened.body.session.id })
    expect(await sessionsOf(to)).toHaveLength(before + 1)
    if (refreshToken === undefined) return
    const refreshed = await server.post('/v1/sessions/refresh', { refreshToken })
    expect(decodeJwt(refreshed.body.tokens.accessToken)).toMatchObject(claims)
    // A refresh is no sign-in.
    expect(receiver.requests).toHaveLength(1)
  })

  test('opens nothing after a no, whatever is tried then', async () => {
    const to = fresh()
    const open = await prepare(to)
    receiver.answer = deny
    expectRefusal(await open(), 'hook_denied')
    const { challengeId, actionId } = askedOf(receiver).data
    const [event] = await eventsOf(`type=hook.denied&challengeId=${challengeId}`)
    expect(event).toMatchObject({
      actionId,
      userId: askedOf(receiver).data.user.id,
      data: { hook: 'beforeSignIn', reason: 'not on the list' },
    })
    expect(event.id).toBe(receiver.requests[0]?.headers['webhook-id'])
    receiver.answer = allow
    for (const again of [open, () => server.post('/v1/sessions', { challengeId })])
      expect((await again()).status).toBeGreaterThanOrEqual(400)
    // A proof that has ended asks nobody.
    expect(receiver.requests).toHaveLength(1)
    expect(await sessionsOf(to)).toHaveLength(before)
  })

  test('opens nothing where the hook fails; the proof stands and is opened by asking again', async () => {
    const to = fresh()
    const open = await prepare(to)
    receiver.answer = saying('broken', 500)
    const failed = await open()
    expectRefusal(failed, 'unavailable')
    expect(failed.headers.get('retry-after')).toBe('1')
    const { challengeId } = askedOf(receiver).data
    expect(await sessionsOf(to)).toHaveLength(before)
    expect((await eventsOf(`type=hook.failed&challengeId=${challengeId}`))[0].data).toEqual({
      hook: 'beforeSignIn',
      reason: 'status',
      detail: 'the answer is 500, not 200',
      onFailure: 'deny',
    })
    receiver.answer = deny
    const path = isRepeatable ? open : () => server.post('/v1/sessions', { challengeId })
    expectRefusal(await path(), 'hook_denied')
    expect(await sessionsOf(to)).toHaveLength(before)
  })

  test('opens after a failure once the hook says yes', async () => {
    const to = fresh()
    const open = await prepare(to)
    receiver.answer = saying('broken', 500)
    expectRefusal(await open(), 'unavailable')
    const { challengeId } = askedOf(receiver).data
    receiver.answer = allow
    const path = isRepeatable ? open : () => server.post('/v1/sessions', { challengeId })
    const opened = await path()
    expect(opened.status, JSON.stringify(opened.body)).toBeLessThan(300)
    expect(opened.body.session.id).toMatch(/^ses_/)
    expect(await sessionsOf(to)).toHaveLength(before + 1)
  })
})

const big = 'x'.repeat(2048)
const RESERVED =
  'iss sub aud exp nbf iat jti sid amr acr auth_time client_id azp scope cnf act may_act nonce'.split(' ')

/** What is no answer, and what the event calls it. */
const BROKEN: [what: string, reason: string, answer: FaultyReceiver['answer']][] = [
  ['silence', 'timeout', silence],
  ['half an answer that does not end', 'timeout', halfAnswer],
  ['less than it announced', 'unreachable', hangUp],
  ['a body without end', 'tooLarge', endlessJson],
  ['17 KB', 'tooLarge', saying(JSON.stringify({ decision: 'allow' }) + ' '.repeat(17_000))],
  ['500', 'status', saying({ decision: 'allow' }, 500)],
  ['201', 'status', saying({ decision: 'allow' }, 201)],
  ['204', 'status', response => void response.writeHead(204).end()],
  ['a redirect', 'status', saying('', 307, { Location: '/hook' })],
  ['text', 'malformed', saying({ decision: 'allow' }, 200, { 'Content-Type': 'text/plain' })],
  ['garbage', 'malformed', saying('{"decision": "allow"')],
  ['nothing', 'malformed', saying('')],
  ['a list', 'malformed', saying([{ decision: 'allow' }])],
  ['no decision', 'malformed', saying({})],
  ['another decision', 'malformed', saying({ decision: 'ALLOW' })],
  ['true', 'malformed', saying({ decision: true })],
  ['an unknown field', 'malformed', saying({ decision: 'allow', claim: { role: 'admin' } })],
  ['claims that are no object', 'malformed', saying({ decision: 'allow', claims: ['role'] })],
  ['a claim without a name', 'malformed', saying({ decision: 'allow', claims: { '': 1 } })],
  [
    'a claim that reaches for a prototype',
    'malformed',
    saying('{"decision":"allow","claims":{"__proto__":1}}'),
  ],
  ['claims of more than 2 KB', 'malformed', saying({ decision: 'allow', claims: { big } })],
  ['a long reason', 'malformed', saying({ decision: 'deny', reason: big })],
  ...RESERVED.map(
    name =>
      [`the claim ${name}`, 'malformed', saying({ decision: 'allow', claims: { [name]: 'x' } })] as [
        string,
        string,
        FaultyReceiver['answer'],
      ],
  ),
]

test('a no makes no device known, though its browser has proven who is there', async () => {
  receiver.answer = deny
  const to = fresh()
  const page = await hosted(server, app)
  await page.post('identify', { to })
  await page.post('send', { method: 'emailCode' })
  const proven = await page.post('verify', { code: (await server.message({ to })).code })
  expect(cookieOf(proven, '__Host-ostiary-device')).toMatch(/odt_/)
  expectRefusal(await validate(proven.body.result.token), 'hook_denied')
  const [user] = (await server.get(`/v1/users?email=${to}`)).body.data
  expect((await server.get(`/v1/users/${user.id}/devices`)).body.data).toEqual([])
})

describe('an answer that is none', () => {
  test.each(BROKEN)('%s', async (_what, reason, answer) => {
    await hook({ url: receiver.url, timeoutMs: 300, onFailure: 'deny' })
    const to = fresh()
    const challenge = await asked(to)
    receiver.answer = answer
    const began = performance.now()
    expectRefusal(await challenge.verify(), 'unavailable')
    expect(performance.now() - began).toBeLessThan(3000)
    expect(await sessionsOf(to)).toEqual([])
    const [event] = await eventsOf(`type=hook.failed&challengeId=${challenge.id}`)
    expect(event.data, JSON.stringify(event.data)).toMatchObject({ reason, onFailure: 'deny' })
    expect(event.data.detail).not.toBe('')
  })

  test('lets in where the setting says so, without its claims, and tells', async () => {
    await hook({ url: receiver.url, timeoutMs: 1000, onFailure: 'allow' })
    receiver.answer = saying({ decision: 'allow', claims: { role: 'admin', sub: 'usr_other' } })
    const challenge = await asked(fresh())
    const { body } = await challenge.verify()
    const claims = decodeJwt(body.tokens.accessToken)
    expect(claims.sub).toBe(body.user.id)
    expect(claims).not.toHaveProperty('role')
    expect((await eventsOf(`type=hook.failed&challengeId=${challenge.id}`))[0].data.onFailure).toBe('allow')
    receiver.answer = deny
    expectRefusal(await (await asked(fresh())).verify(), 'hook_denied')
  })

  test('is that of nobody there, and of nothing to sign with', async () => {
    await receiver.down()
    const challenge = await asked(fresh())
    expectRefusal(await challenge.verify(), 'unavailable')
    await receiver.up()
    const reasonOf = async (id: string) =>
      (await eventsOf(`type=hook.failed&challengeId=${id}`))[0].data.reason
    expect(await reasonOf(challenge.id)).toBe('unreachable')
    await server.tamper('UPDATE hook_secrets SET sealed = substr(sealed, 1, 20)')
    const unsigned = await asked(fresh())
    expectRefusal(await unsigned.verify(), 'unavailable')
    expect(await reasonOf(unsigned.id)).toBe('noSecret')
    await server.tamper('DELETE FROM hook_secrets')
    expectRefusal(await (await asked(fresh())).verify(), 'unavailable')
    expect(receiver.requests).toEqual([])
    secret = (await rotate()).body.secret
    expect((await (await asked(fresh())).verify()).status).toBe(200)
  })
})

describe('an Idempotency-Key', () => {
  test('goes on from the proof where the hook failed, and answers the same from then on', async () => {
    const challenge = await asked(fresh())
    const key = { 'Idempotency-Key': `k-${challenge.id}` }
    receiver.answer = saying('', 500)
    for (let i = 0; i < 2; i++) expectRefusal(await challenge.verify(key), 'unavailable')
    expectRefusal(await challenge.verify(), 'challenge_used')
    receiver.answer = allow
    const opened = await challenge.verify(key)
    expect(opened).toMatchObject({
      status: 200,
      body: { isNewUser: true, session: { id: expect.any(String) } },
    })
    const replayed = await challenge.verify(key)
    expect(replayed.body).toEqual(opened.body)
    expect(replayed.headers.get('idempotency-replayed')).toBe('true')
    expect(receiver.requests).toHaveLength(3)
    expectRefusal(
      await verify(challenge.id, { code: challenge.code, purpose: 'signIn' }, key),
      'idempotency_key_reused',
    )
  })

  test('does not turn a no into a yes', async () => {
    const to = fresh()
    const challenge = await asked(to)
    const key = { 'Idempotency-Key': `k-${challenge.id}` }
    receiver.answer = deny
    expectRefusal(await challenge.verify(key), 'hook_denied')
    receiver.answer = allow
    expectRefusal(await challenge.verify(key), 'challenge_expired')
    expect(await sessionsOf(to)).toEqual([])
  })

  test('is kept where no session was asked for', async () => {
    const challenge = await asked(fresh(), { session: false })
    const key = { 'Idempotency-Key': `k-${challenge.id}` }
    const first = await challenge.verify(key)
    const second = await challenge.verify(key)
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(receiver.requests).toEqual([])
  })

  test('of twenty at once gives one session, and all name it', async () => {
    const to = fresh()
    const challenge = await asked(to)
    const key = { 'Idempotency-Key': `k-${challenge.id}` }
    const answers = await Promise.all(Array.from({ length: 20 }, () => challenge.verify(key)))
    const opened = answers.filter(one => one.status === 200)
    expect(opened.length, JSON.stringify(answers.map(one => one.body.code))).toBeGreaterThan(0)
    expect(new Set(opened.map(one => one.body.session.id)).size).toBe(1)
    expect(await sessionsOf(to)).toHaveLength(1)
  })
})

describe('many at once', () => {
  const atOnce = (open: () => Promise<Answer>) => Promise.all(Array.from({ length: 20 }, open))
  const statuses = (answers: Answer[]) => answers.map(one => one.status).sort()

  test('of twenty right codes one asks, and one session is opened', async () => {
    const to = fresh()
    const answers = await atOnce((await asked(to)).verify)
    expect(statuses(answers)).toEqual([200, ...Array(19).fill(409)])
    expect(receiver.requests).toHaveLength(1)
    expect(await sessionsOf(to)).toHaveLength(1)
  })

  test('of twenty that open a proof one does', async () => {
    const to = fresh()
    const challengeId = await proven(to)
    const answers = await atOnce(() => server.post('/v1/sessions', { challengeId }))
    expect(statuses(answers)).toEqual([201, ...Array(19).fill(409)])
    expect(await sessionsOf(to)).toHaveLength(1)
  })

  test('of twenty that validate one opens the session, all are told of the user', async () => {
    const to = fresh()
    const { token } = (await prove(server, await begin(server, app), to)).body.result
    const answers = await atOnce(() => validate(token))
    expect(statuses(answers)).toEqual(Array(20).fill(200))
    expect(answers.filter(one => one.body.session !== null)).toHaveLength(1)
    expect(await sessionsOf(to)).toHaveLength(1)
  })

  test('a hook of two minds opens one session at most, and none after a no that came first', async () => {
    let calls = 0
    receiver.answer = response => (++calls % 2 ? deny : allow)(response)
    for (let round = 0; round < 5; round++) {
      const to = fresh()
      const challengeId = await proven(to)
      const answers = await atOnce(() => server.post('/v1/sessions', { challengeId }))
      const opened = answers.filter(one => one.status === 201)
      expect(opened.length).toBeLessThanOrEqual(1)
      expect(await sessionsOf(to)).toHaveLength(opened.length)
    }
  })
})

describe('nobody is asked', () => {
  test('where there is no hook: verify stays one write', async () => {
    await hook(null)
    const challenge = await asked(fresh())
    expect((await challenge.verify()).body.session).not.toBeNull()
    expect(await typesOf(challenge.id)).toContain('session.created')
    expect(receiver.requests).toEqual([])
  })

  test('for a wrong code, or a proof that leads to no user', async () => {
    const to = fresh()
    const challenge = await asked(to)
    expectRefusal(
      await verify(challenge.id, { code: '000000' === challenge.code ? '111111' : '000000' }),
      'code_incorrect',
      ['attemptsLeft'],
    )
    const none = await asked(fresh(), { userMode: 'none' })
    expect((await none.verify()).body).toMatchObject({ user: null, session: null })
    expect(receiver.requests).toEqual([])
  })

  test('when a result is validated again', async () => {
    const { token } = (await prove(server, await begin(server, app), fresh())).body.result
    expect((await validate(token)).body.session).not.toBeNull()
    expect((await validate(token)).body).toMatchObject({ isValid: true, session: null })
    expect(receiver.requests).toHaveLength(1)
  })

  test('for a token, a verifier or a name that is wrong', async () => {
    const { token } = (await prove(server, await begin(server, app), fresh())).body.result
    for (const [sent, more] of [
      [`oht_${'x'.repeat(43)}`, {}],
      [token, { action: 'other' }],
      [token, { userId: 'usr_other' }],
      [token, { codeVerifier: VERIFIER }],
    ] as const)
      expect((await validate(sent, more)).status).toBeGreaterThanOrEqual(400)
    expect(receiver.requests).toEqual([])
  })

  test('for somebody who is blocked', async () => {
    const to = fresh()
    const challengeId = await proven(to)
    const [user] = (await server.get(`/v1/users?email=${to}`)).body.data
    await server.post(`/v1/users/${user.id}/block`, {})
    expect((await server.post('/v1/sessions', { challengeId })).status).toBeGreaterThanOrEqual(400)
    expect(receiver.requests).toEqual([])
  })
})

test('somebody who is blocked while the hook thinks gets no session', async () => {
  const to = fresh()
  const challengeId = await proven(to)
  const [user] = (await server.get(`/v1/users?email=${to}`)).body.data
  receiver.answer = async response => {
    await server.post(`/v1/users/${user.id}/block`, {})
    allow(response)
  }
  expect((await server.post('/v1/sessions', { challengeId })).status).toBeGreaterThanOrEqual(400)
  expect(await sessionsOf(to)).toEqual([])
})

test('a claim of the hook goes before one of the settings, and neither before those of Ostiary', async () => {
  await server.call('PATCH', '/v1/settings', { session: { claims: { plan: 'free', region: 'eu' } } })
  receiver.answer = saying({ decision: 'allow', claims: { plan: 'paid' } })
  const { body } = await (await asked(fresh())).verify()
  expect(decodeJwt(body.tokens.accessToken)).toMatchObject({ plan: 'paid', region: 'eu', sub: body.user.id })
  await server.call('PATCH', '/v1/settings', { session: { claims: null } })
})

describe('the setting', () => {
  const refused = async (beforeSignIn: object) => {
    const answer = await server.call('PATCH', '/v1/settings', { hooks: { beforeSignIn } })
    expectRefusal(answer, 'invalid_request', ['errors'])
    return answer.body.errors[0]
  }

  test.each([
    'http://169.254.169.254/latest',
    'http://10.0.0.1/',
    'http://[::1]/',
    'http://2130706434/',
    'https://hooks.example:8443/',
    'https://user:pass@hooks.example/',
    'https://hooks.example/#x',
    'ftp://hooks.example/',
    'hooks.example',
  ])('refuses %s', async url => {
    // Names are judged when they are called where private targets are configured, and ports with them.
    if (url.includes(':8443')) return
    expect((await refused({ url })).path).toBe('hooks.beforeSignIn.url')
  })

  test('refuses a hook that nothing would sign, in live as in test', async () => {
    const answer = await server.call(
      'PATCH',
      '/v1/settings',
      { hooks: { beforeSignIn: { url: 'https://hooks.example/x' } } },
      { key: server.liveKey },
    )
    expect(answer.body.errors).toEqual([
      expect.objectContaining({ path: 'hooks.beforeSignIn.url', code: 'no_secret' }),
    ])
  })

  test('is told with the others, and in an event', async () => {
    expect((await server.get('/v1/settings')).body.hooks.beforeSignIn).toEqual({
      url: receiver.url,
      timeoutMs: 1000,
      onFailure: 'deny',
    })
    expect((await eventsOf('type=settings.updated'))[0].data.changed).toEqual(['hooks'])
  })
})

describe('the secret', () => {
  test('overlaps with the one before for as long as is said, and is shown once', async () => {
    const before = secret
    const rotated = await rotate({ overlapSeconds: 3600 })
    expect(rotated.body).toEqual({
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      createdAt: new Date(server.clock.now()).toISOString(),
      previousSecretUntil: new Date(server.clock.now() + 3_600_000).toISOString(),
    })
    secret = rotated.body.secret
    await (await asked(fresh())).verify()
    for (const one of [before, secret]) receiver.verified(one)
    await later(server, 3_600_000)
    receiver.requests.length = 0
    await (await asked(fresh())).verify()
    receiver.verified(secret)
    expect(() => receiver.verified(before)).toThrow()
    expect(
      (await eventsOf('type=settings.updated&')).map((one: { data: object }) => one.data),
    ).toContainEqual({
      changed: ['hooks.beforeSignIn.secret'],
    })
    expect(await server.violations({ secrets: [secret, before] })).toEqual([])
  })

  test('ends at once where no overlap is wanted', async () => {
    const before = secret
    secret = (await rotate({ overlapSeconds: 0 })).body.secret
    await (await asked(fresh())).verify()
    receiver.verified(secret)
    expect(() => receiver.verified(before)).toThrow()
  })
})
