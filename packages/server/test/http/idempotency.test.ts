import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAddressList } from '../../src/core/addresses/address-list.ts'
import { ENDPOINTS } from '../../src/http/routes.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { type FaultyReceiver, openFaultyReceiver } from '../webhooks/receiver.ts'
import { expectRefusal } from './answers.ts'
import { prove, tabOf } from './browser.ts'
import { CODE_TEXTS, codeOf, dump, fresh, handoverOf, later, mailbox, raw, send, wrongCode } from './world.ts'

let server: TestServer
let receiver: FaultyReceiver
beforeAll(async () => {
  receiver = await openFaultyReceiver()
  server = await testServer({ transport: mailbox(), webhookPrivateTargets: parseAddressList('127.0.0.1') })
})
afterAll(async () => {
  await server.stop()
  await receiver.close()
})

interface Ready {
  path: string
  body: Record<string, unknown>
  /** Another body that would be taken as well. */
  other: Record<string, unknown>
}
const context = { ipAddress: '198.51.100.7' }
const LINK = { credential: 'link', redirectUrl: 'http://localhost:3000/cb' }

/** For each POST of the table: a request that will succeed, made anew each time. */
const READY: Record<string, () => Promise<Ready>> = {
  '/v1/challenges': async () => ({
    path: '/v1/challenges',
    body: { to: fresh(), context },
    other: { to: fresh() },
  }),
  '/v1/challenges/verify': async () => {
    const { id } = await send(server, { to: fresh(), ...LINK })
    const linkToken = await handoverOf(server, (await server.message({ challengeId: id })).link)
    return { path: '/v1/challenges/verify', body: { linkToken }, other: { linkToken, context } }
  },
  '/v1/challenges/{id}/verify': async () => {
    const { id } = await send(server, { to: fresh() })
    const code = await codeOf(server, id)
    return { path: `/v1/challenges/${id}/verify`, body: { code }, other: { code: wrongCode(code) } }
  },
  '/v1/challenges/{id}/resend': async () => {
    const { id } = await send(server, { to: fresh() })
    await later(server, 31_000)
    return { path: `/v1/challenges/${id}/resend`, body: {}, other: {} }
  },
  '/v1/challenges/{id}/claim': async () => {
    const user = (await server.post('/v1/users', { externalId: fresh() })).body
    const { challenge } = (await server.signIn(fresh(), { userMode: 'none' })).body
    const path = `/v1/challenges/${challenge.id}/claim`
    return { path, body: { userId: user.id }, other: { externalId: user.externalId } }
  },
  '/v1/actions': async () => ({
    path: '/v1/actions',
    body: { name: 'signIn', context },
    other: { name: 'signIn' },
  }),
  '/v1/actions/validate': async () => {
    const { id, token: bearer } = (await server.post('/v1/actions', { name: 'signIn' })).body
    const { result } = (await prove(server, tabOf(server, id, bearer), fresh())).body
    const body = { token: result.token, action: 'signIn' }
    return { path: '/v1/actions/validate', body, other: { ...body, context } }
  },
  '/v1/sessions': async () => {
    const { challenge } = (await server.signIn(fresh(), { session: false })).body
    return {
      path: '/v1/sessions',
      body: { challengeId: challenge.id },
      other: { challengeId: challenge.id, context },
    }
  },
  '/v1/sessions/refresh': async () => {
    const { refreshToken } = (await server.signIn(fresh())).body.tokens
    return { path: '/v1/sessions/refresh', body: { refreshToken, context }, other: { refreshToken } }
  },
  '/v1/sessions/{id}/revoke': async () => ({
    path: `/v1/sessions/${(await server.signIn(fresh())).body.session.id}/revoke`,
    body: {},
    other: {},
  }),
  '/v1/users': async () => ({ path: '/v1/users', body: { email: fresh() }, other: { email: fresh() } }),
  '/v1/users/{id}/block': async () => ({ path: `/v1/users/${await newUser()}/block`, body: {}, other: {} }),
  '/v1/users/{id}/unblock': async () => ({
    path: `/v1/users/${await newUser()}/unblock`,
    body: {},
    other: {},
  }),
  '/v1/users/{id}/identifiers': async () => ({
    path: `/v1/users/${await newUser()}/identifiers`,
    body: { type: 'email', value: fresh() },
    other: { type: 'email', value: fresh() },
  }),
  '/v1/users/{id}/authenticators': async () => {
    const device = softwareAuthenticator()
    device.register({ challenge: '', rp: { id: 'localhost' }, user: { id: '' } })
    const [passkey] = device.passkeys
    const body = {
      type: 'passkey',
      credentialId: passkey?.id,
      publicKey: passkey?.publicKey.toString('base64url'),
      isBackupEligible: true,
    }
    return {
      path: `/v1/users/${await newUser()}/authenticators`,
      body,
      other: { ...body, isBackedUp: true },
    }
  },
  '/v1/users/{id}/sessions/revoke': async () => {
    const { user } = (await server.signIn(fresh())).body
    return { path: `/v1/users/${user.id}/sessions/revoke`, body: {}, other: {} }
  },
  '/v1/users/{id}/devices/{deviceId}/end': async () => {
    const { id } = await send(server, { to: fresh() })
    const answer = { code: await codeOf(server, id), context: { userAgent: 'A browser' } }
    const { user, session } = (await server.post(`/v1/challenges/${id}/verify`, answer)).body
    return { path: `/v1/users/${user.id}/devices/${session.deviceId}/end`, body: {}, other: {} }
  },
  '/v1/apps': async () => ({ path: '/v1/apps', body: { name: 'A' }, other: { name: 'B' } }),
  '/v1/templates': async () => ({
    path: '/v1/templates',
    body: { name: newName(), locales: CODE_TEXTS },
    other: { name: newName(), locales: CODE_TEXTS },
  }),
  '/v1/templates/{id}/preview': async () => {
    const { id } = (await server.post('/v1/templates', { name: newName(), locales: CODE_TEXTS })).body
    return { path: `/v1/templates/${id}/preview`, body: {}, other: { locale: 'de' } }
  },
  '/v1/webhooks': async () => {
    await newEndpoint()
    const body = { url: receiver.url, eventTypes: ['secret.rotated'] }
    return { path: '/v1/webhooks', body, other: { url: receiver.url } }
  },
  '/v1/hooks/before-sign-in/rotate-secret': async () => ({
    path: '/v1/hooks/before-sign-in/rotate-secret',
    body: {},
    other: { overlapSeconds: 60 },
  }),
  '/v1/webhooks/{id}/rotate-secret': async () => ({
    path: `/v1/webhooks/${await newEndpoint()}/rotate-secret`,
    body: {},
    other: { overlapSeconds: 60 },
  }),
  '/v1/webhooks/{id}/test': async () => ({
    path: `/v1/webhooks/${await newEndpoint()}/test`,
    body: {},
    other: { type: 'user.created' },
  }),
  '/v1/webhooks/{id}/replay': async () => {
    const path = `/v1/webhooks/${await newEndpoint()}`
    const deliveryId = (await server.post(`${path}/test`)).body.id
    await server.ostiary.drain()
    return { path: `${path}/replay`, body: { deliveryId }, other: { since: '2026-11-21T00:00:00Z' } }
  },
  '/v1/rules': async () => ({
    path: '/v1/rules',
    body: { ...RULE, name: 'one' },
    other: { ...RULE, name: 'another' },
  }),
  '/v1/rules/test': async () => ({
    path: '/v1/rules/test',
    body: { rule: { ...RULE, name: 'one' }, signals: {} },
    other: { rule: { ...RULE, name: 'another' }, signals: {} },
  }),
  '/v1/rules/rollback': async () => {
    for (const name of ['one', 'another']) await server.post('/v1/rules', { ...RULE, name })
    const [newest, before] = (await server.get('/v1/rules/versions')).body.data
    return {
      path: '/v1/rules/rollback',
      body: { version: before.version },
      other: { version: newest.version },
    }
  },
  '/v1/lists': async () => ({
    path: '/v1/lists',
    body: { name: newName(), entries: ['a'] },
    other: { name: newName(), entries: ['a'] },
  }),
  '/v1/api-keys': async () => ({
    path: '/v1/api-keys',
    body: { name: 'A', scopes: ['read'] },
    other: { name: 'B', scopes: ['read'] },
  }),
}

// Without effect on anybody: what else this file does is not judged by it.
const RULE = { condition: 'true', outcome: 'CHALLENGE', mode: 'shadow' }
const newName = () => fresh('mail').split('@')[0] as string
/** The only one, because an environment has few; nothing here causes what it subscribes to. */
async function newEndpoint(): Promise<string> {
  for (const { id } of (await server.get('/v1/webhooks?limit=100')).body.data)
    await server.call('DELETE', `/v1/webhooks/${id}`)
  const asked = { url: receiver.url, eventTypes: ['secret.rotated'] }
  return (await server.post('/v1/webhooks', asked)).body.id
}
const newUser = async () => (await server.post('/v1/users', {})).body.id as string
// A check of an access token keeps nothing: a kept answer would hide a revocation, and there is no effect to repeat.
const UNKEPT = '/v1/sessions/verify'
const posts = ENDPOINTS.filter(one => one.method === 'POST' && one.path !== UNKEPT)
let keys = 0
const newHeader = () => `idempotency key ${++keys}`
const post = (path: string, body: unknown, header: string, key = server.key) =>
  raw(server, 'POST', path, body, { key, headers: { 'Idempotency-Key': header } })

test('every POST of the table is tried', () => {
  expect(Object.keys(READY).sort()).toEqual(posts.map(one => one.path).sort())
})

describe.each(posts)('POST $path with an Idempotency-Key', endpoint => {
  const ready = () => (READY[endpoint.path] as () => Promise<Ready>)()

  test('is answered again with the same bytes, and nothing is written or spent', async () => {
    const { path, body } = await ready()
    const header = newHeader()
    const first = await post(path, body, header)
    expect(first, first.text).toMatchObject({ status: endpoint.status })
    expect(first.headers['idempotency-replayed']).toBeUndefined()
    const before = await dump(server)
    await later(server, 5000)
    const second = await post(path, body, header)
    expect(second.status).toBe(first.status)
    expect(second.text).toBe(first.text)
    expect(second.headers['idempotency-replayed']).toBe('true')
    expect(second.headers['request-id']).not.toBe(first.headers['request-id'])
    expect(second.headers['content-type']).toBe(first.headers['content-type'])
    expect(await dump(server)).toEqual(before)
  })

  test('is refused with another body, and answered anew under another header', async () => {
    const { path, body, other } = await ready()
    const header = newHeader()
    expect((await post(path, body, header)).status).toBe(endpoint.status)
    const changed = Object.keys(other).length > 0 ? other : `${JSON.stringify(other)} `
    const before = await dump(server)
    const headers = { 'Idempotency-Key': header }
    expectRefusal(await server.call('POST', path, changed, { headers }), 'idempotency_key_reused')
    expect(await dump(server)).toEqual(before)
    const anew = await post(path, body, newHeader())
    expect(anew.headers['idempotency-replayed']).toBeUndefined()
  })

  test(`is kept ${endpoint.holdsTokens ? '10 minutes' : '24 hours'} and no longer`, async () => {
    const { path, body } = await ready()
    const header = newHeader()
    const first = await post(path, body, header)
    expect(first.status).toBe(endpoint.status)
    const kept = endpoint.holdsTokens ? 10 * 60_000 : 24 * 60 * 60_000
    await later(server, kept - 1)
    expect(await post(path, body, header)).toMatchObject({
      text: first.text,
      headers: { 'idempotency-replayed': 'true' },
    })
    await later(server, 1)
    expect((await post(path, body, header)).headers['idempotency-replayed']).toBeUndefined()
  })

  test('is not answered to another API key', async () => {
    const { path, body } = await ready()
    const header = newHeader()
    await post(path, body, header)
    const { secret } = await server.newKey(['admin'])
    expect((await post(path, body, header, secret)).headers['idempotency-replayed']).toBeUndefined()
    const live = await post(path, body, header, server.liveKey)
    expect(live.headers['idempotency-replayed']).toBeUndefined()
  })

  test.each(['', 'ä', 'a\tb', 'x'.repeat(256)])('refuses the header %.20j', async header => {
    const { path, body } = await ready()
    const answer = await server.call('POST', path, body, { headers: { 'Idempotency-Key': header } })
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(answer.body.errors[0].path).toBe('Idempotency-Key')
  })
})

test('a check of an access token sees a revocation, whatever its header', async () => {
  const { session, tokens } = (await server.signIn(fresh())).body
  const body = { accessToken: tokens.accessToken }
  const header = newHeader()
  expect(JSON.parse((await post(UNKEPT, body, header)).text).isActive).toBe(true)
  await server.post(`/v1/sessions/${session.id}/revoke`)
  expect(JSON.parse((await post(UNKEPT, body, header)).text).isActive).toBe(false)
  expectRefusal(
    await server.call('POST', UNKEPT, body, { headers: { 'Idempotency-Key': 'ä' } }),
    'invalid_request',
  )
})

test('what holds tokens or secrets is kept for 10 minutes', async () => {
  for (const endpoint of posts) {
    const { path, body } = await (READY[endpoint.path] as () => Promise<Ready>)()
    const { text } = await raw(server, 'POST', path, body)
    expect(endpoint.holdsTokens === true, path).toBe(
      /"(accessToken|refreshToken|secret|token)"|"tokens":/.test(text),
    )
  }
})

test('one header on two paths is two keys', async () => {
  const header = newHeader()
  const [first, second] = [await newUser(), await newUser()]
  expect((await post(`/v1/users/${first}/block`, {}, header)).status).toBe(200)
  const other = await post(`/v1/users/${second}/block`, {}, header)
  expect(other.headers['idempotency-replayed']).toBeUndefined()
  expect(JSON.parse(other.text).id).toBe(second)
})

test('a header of 255 characters is taken, on other methods it says nothing', async () => {
  const headers = { 'Idempotency-Key': `${'~'.repeat(254)} `.trim().padEnd(255, '!') }
  expect((await server.post('/v1/users', {}, headers)).status).toBe(201)
  const id = await newUser()
  for (let round = 0; round < 2; round++) {
    const patched = await server.call('PATCH', `/v1/users/${id}`, { name: `${round}` }, { headers })
    expect(patched).toMatchObject({ status: 200, body: { name: `${round}` } })
    expect(patched.headers.has('idempotency-replayed')).toBe(false)
  }
})

describe('a refusal is not kept', () => {
  test('a wrong code spends an attempt each time, and the right one is taken under the same header', async () => {
    const { id } = await send(server, { to: fresh() })
    const code = await codeOf(server, id)
    const header = newHeader()
    const path = `/v1/challenges/${id}/verify`
    for (const attemptsLeft of [4, 3]) {
      const answer = await server.post(path, { code: wrongCode(code) }, { 'Idempotency-Key': header })
      expectRefusal(answer, 'code_incorrect', ['attemptsLeft'])
      expect(answer.body.attemptsLeft).toBe(attemptsLeft)
      expect(answer.headers.has('idempotency-replayed')).toBe(false)
    }
    expect((await post(path, { code }, header)).status).toBe(200)
  })
  test('a limit that fired is asked again', async () => {
    const to = fresh()
    const header = newHeader()
    await send(server, { to })
    await send(server, { to })
    expect((await post('/v1/challenges', { to }, header)).status).toBe(429)
    await later(server, 62_000)
    expect((await post('/v1/challenges', { to }, header)).status).toBe(201)
  })
})

test('of ten requests at once with one header there is one effect, and ten equal answers', async () => {
  const { path, body } = await (READY['/v1/challenges/{id}/verify'] as () => Promise<Ready>)()
  const header = newHeader()
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(path, body, header)))
  expect(new Set(answers.map(answer => answer.text)).size).toBe(1)
  expect(answers.every(answer => answer.status === 200)).toBe(true)
  expect(answers.filter(answer => answer.headers['idempotency-replayed'] === 'true')).toHaveLength(9)
})

test('nothing that is stored opens the answer: neither header nor body nor token stands in the table', async () => {
  const { path, body } = await (READY['/v1/sessions/refresh'] as () => Promise<Ready>)()
  const header = `planted-${newHeader()}`
  const { text } = await post(path, body, header)
  const rows = JSON.stringify((await dump(server)).idempotency)
  for (const secret of [header, JSON.parse(text).tokens.refreshToken, JSON.parse(text).tokens.accessToken])
    expect(rows).not.toContain(secret)
})

test('the first answer holds when the settings would refuse the request by now', async () => {
  const to = `someone@soon-blocked-${fresh().replace('@', '.')}`
  const header = newHeader()
  const first = await post('/v1/challenges', { to, context }, header)
  expect(first.status).toBe(201)
  const domain = to.slice(to.indexOf('@') + 1)
  await server.call('PATCH', '/v1/settings', { emailDomains: { block: [domain] } })
  const again = await post('/v1/challenges', { to, context }, header)
  expect(again).toMatchObject({ status: 201, text: first.text, headers: { 'idempotency-replayed': 'true' } })
  expectRefusal(await server.post('/v1/challenges', { to, context }), 'destination_not_allowed')
  await server.call('PATCH', '/v1/settings', { emailDomains: null })
})
