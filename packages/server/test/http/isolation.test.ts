import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Scope } from '../../src/core/rows.ts'
import { ENDPOINTS } from '../../src/http/routes.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { buildWorld, dump, mailbox, nowhere, purge, raw, type World } from './world.ts'

let server: TestServer
let worlds: Record<'test' | 'live', World>
beforeAll(async () => {
  const box = mailbox()
  server = await testServer({ transport: box })
  worlds = { test: await buildWorld(server, box, 'test'), live: await buildWorld(server, box, 'live') }
  // Upkeep comes by once a minute and counts what was sent: then it has nothing left to write.
  for (const slug of ['test', 'live']) await purge(server, slug)
})
afterAll(() => server.stop())

/** `inner`: the second id of a path that has two. */
type Ask = { path?: string; inner?: string; query?: string; body?: unknown }
type Matrix = Record<string, (its: World, mine: World) => Ask[]>

const context = { ipAddress: '198.51.100.7' }
const device = softwareAuthenticator()
device.register({ challenge: '', rp: { id: 'localhost' }, user: { id: '' } })
const PUBLIC_KEY = device.passkeys[0]?.publicKey.toString('base64url')

/** For each endpoint: every request by which a caller can name something (`its`), beside what is the caller's own. */
const NAMED: Matrix = {
  'POST /v1/challenges': its => [
    { body: { method: 'passkey', userId: its.userId, context } },
    { body: { method: 'passkey', ceremony: 'registration', userId: its.userId } },
    { body: { method: 'passkey', appId: its.appId } },
    { body: { userId: its.userId, context } },
    { body: { to: 'someone@example.com', appId: its.appId, context } },
    { body: { to: 'someone@example.com', template: its.templateName, context } },
  ],
  'GET /v1/challenges': its => [{ query: `userId=${its.userId}` }],
  'POST /v1/challenges/verify': (its, mine) => [
    { body: { linkToken: its.linkToken, context } },
    { body: { linkToken: its.handover } },
    { body: { linkToken: mine.handover, challengeId: its.challengeId } },
  ],
  'GET /v1/challenges/{id}': its => [{ path: its.challengeId }, { path: its.verifiedId }],
  'POST /v1/challenges/{id}/verify': its => [
    { path: its.challengeId, body: { code: '123456', context } },
    { path: its.verifiedId, body: { code: '123456' } },
    { path: its.passkeyId, body: { credential: its.passkeyAnswer, context } },
  ],
  'POST /v1/challenges/{id}/resend': its => [
    { path: its.challengeId, body: {} },
    { path: its.verifiedId, body: {} },
  ],
  'POST /v1/challenges/{id}/claim': (its, mine) => [
    { path: its.verifiedId, body: { userId: mine.userId } },
    { path: mine.verifiedId, body: { userId: its.userId } },
    { path: mine.verifiedId, body: { externalId: its.externalId } },
  ],
  'POST /v1/actions': its => [
    { body: { name: 'signIn', userId: its.userId, context } },
    { body: { name: 'signIn', appId: its.appId } },
  ],
  'POST /v1/actions/validate': its => [{ body: { token: its.resultToken, action: 'signIn', context } }],
  'GET /v1/actions': its => [{ query: `userId=${its.userId}` }],
  'GET /v1/actions/{id}': its => [{ path: its.actionId }],
  'PATCH /v1/actions/{id}': its => [{ path: its.actionId, body: { state: 'REVIEW_SUCCEEDED' } }],
  'POST /v1/sessions': its => [
    { body: { challengeId: its.provenId, context } },
    { body: { actionId: its.actionId, context } },
  ],
  'POST /v1/sessions/refresh': its => [{ body: { refreshToken: its.refreshToken, context } }],
  'POST /v1/sessions/verify': its => [{ body: { accessToken: its.accessToken } }],
  'GET /v1/sessions/{id}': its => [{ path: its.sessionId }],
  'POST /v1/sessions/{id}/revoke': its => [{ path: its.sessionId, body: {} }],
  'POST /v1/users': () => [],
  'GET /v1/users': its => [{ query: `externalId=${its.externalId}` }, { query: `email=${its.email}` }],
  'GET /v1/users/{id}': its => [{ path: its.userId }],
  'PATCH /v1/users/{id}': its => [{ path: its.userId, body: { name: 'Eve' } }],
  'DELETE /v1/users/{id}': its => [{ path: its.userId }],
  'POST /v1/users/{id}/block': its => [{ path: its.userId, body: {} }],
  'POST /v1/users/{id}/unblock': its => [{ path: its.userId, body: {} }],
  'POST /v1/users/{id}/identifiers': its => [
    { path: its.userId, body: { type: 'email', value: 'eve@example.com', isVerified: true } },
  ],
  'DELETE /v1/users/{id}/identifiers': its => [{ path: its.userId, query: `type=email&value=${its.email}` }],
  'GET /v1/users/{id}/sessions': its => [{ path: its.userId }],
  'POST /v1/users/{id}/sessions/revoke': its => [{ path: its.userId, body: {} }],
  'GET /v1/users/{id}/authenticators': its => [{ path: its.userId }],
  'POST /v1/users/{id}/authenticators': its => [
    {
      path: its.userId,
      body: {
        type: 'passkey',
        credentialId: Buffer.alloc(32).toString('base64url'),
        publicKey: PUBLIC_KEY,
        isBackupEligible: true,
      },
    },
  ],
  'PATCH /v1/users/{id}/authenticators/{authenticatorId}': (its, mine) => [
    { path: its.userId, inner: its.authenticatorId, body: { name: 'Mine' } },
    { path: mine.userId, inner: its.authenticatorId, body: { name: 'Mine' } },
  ],
  'DELETE /v1/users/{id}/authenticators/{authenticatorId}': (its, mine) => [
    { path: its.userId, inner: its.authenticatorId },
    { path: mine.userId, inner: its.authenticatorId },
  ],
  'GET /v1/users/{id}/devices': its => [{ path: its.userId }],
  'PATCH /v1/users/{id}/devices/{deviceId}': (its, mine) => [
    { path: its.userId, inner: its.deviceId, body: { rememberedUntil: null } },
    { path: mine.userId, inner: its.deviceId, body: { rememberedUntil: null } },
  ],
  'POST /v1/users/{id}/devices/{deviceId}/end': (its, mine) => [
    { path: its.userId, inner: its.deviceId, body: {} },
    { path: mine.userId, inner: its.deviceId, body: {} },
  ],
  'POST /v1/apps': () => [],
  'GET /v1/apps': () => [],
  'GET /v1/apps/{id}': its => [{ path: its.appId }],
  'PATCH /v1/apps/{id}': its => [{ path: its.appId, body: { redirectUrls: ['https://evil.example/*'] } }],
  'DELETE /v1/apps/{id}': its => [{ path: its.appId }],
  'POST /v1/api-keys': () => [],
  'GET /v1/api-keys': () => [],
  'DELETE /v1/api-keys/{id}': its => [{ path: its.keyId }],
  'GET /v1/settings': () => [],
  'PATCH /v1/settings': () => [],
  'POST /v1/templates': () => [],
  'GET /v1/templates': () => [],
  'GET /v1/templates/{id}': its => [{ path: its.templateId }],
  'PATCH /v1/templates/{id}': its => [{ path: its.templateId, body: { name: 'taken' } }],
  'DELETE /v1/templates/{id}': its => [{ path: its.templateId }],
  'POST /v1/templates/{id}/preview': its => [{ path: its.templateId, body: {} }],
  'POST /v1/hooks/before-sign-in/rotate-secret': () => [],
  'POST /v1/webhooks': () => [],
  'GET /v1/webhooks': () => [],
  'GET /v1/webhooks/{id}': its => [{ path: its.webhookId }],
  'PATCH /v1/webhooks/{id}': its => [{ path: its.webhookId, body: { url: 'https://evil.example/' } }],
  'DELETE /v1/webhooks/{id}': its => [{ path: its.webhookId }],
  'POST /v1/webhooks/{id}/rotate-secret': its => [{ path: its.webhookId, body: {} }],
  'POST /v1/webhooks/{id}/test': its => [{ path: its.webhookId, body: {} }],
  'GET /v1/webhooks/{id}/deliveries': its => [{ path: its.webhookId }],
  'POST /v1/webhooks/{id}/replay': (its, mine) => [
    { path: its.webhookId, body: { deliveryId: its.deliveryId } },
    { path: its.webhookId, body: { since: '2026-01-01T00:00:00.000Z' } },
    { path: mine.webhookId, body: { deliveryId: its.deliveryId } },
  ],
  'POST /v1/rules': () => [],
  'GET /v1/rules': () => [],
  'POST /v1/rules/test': its => [
    { body: { rule: { id: its.ruleId, name: 'its', condition: 'true', outcome: 'ALLOW' } } },
  ],
  // Versions are counted in each environment for itself: a number names nothing of another.
  'GET /v1/rules/versions': () => [],
  'GET /v1/rules/versions/{id}': its => [{ path: its.ruleId }],
  'POST /v1/rules/rollback': () => [],
  'GET /v1/rules/{id}': its => [{ path: its.ruleId }],
  'PATCH /v1/rules/{id}': its => [{ path: its.ruleId, body: { isActive: false } }],
  'DELETE /v1/rules/{id}': its => [{ path: its.ruleId }],
  'POST /v1/lists': () => [],
  'GET /v1/lists': () => [],
  'GET /v1/lists/{id}': its => [{ path: its.listId }],
  'PATCH /v1/lists/{id}': its => [{ path: its.listId, body: { entries: [] } }],
  'DELETE /v1/lists/{id}': its => [{ path: its.listId }],
  'GET /v1/users/{id}/timeline': its => [{ path: its.userId }],
  'GET /v1/timeline': its => [{ query: `to=${its.email}` }],
  'GET /v1/stats': () => [],
  'GET /v1/events': its => [
    { query: `userId=${its.userId}` },
    { query: `challengeId=${its.challengeId}` },
    { query: `sessionId=${its.sessionId}` },
    { query: `actionId=${its.actionId}` },
  ],
  'GET /v1/messages': its => [{ query: `challengeId=${its.challengeId}` }, { query: `to=${its.email}` }],
}

const names = ENDPOINTS.map(one => `${one.method} ${one.path}`)

test('the matrix has every endpoint of the table', () => {
  expect(Object.keys(NAMED).sort()).toEqual([...names].sort())
})

/** The answer with what is new in every answer masked. */
async function asked(name: string, { path = '', inner = '', query, body }: Ask, key: string) {
  const [method = '', pattern = ''] = name.split(' ')
  const filled = pattern.replace('{id}', path).replace(/\{(authenticatorId|deviceId)\}/, inner)
  const url = filled + (query === undefined ? '' : `?${query}`)
  const { status, headers, text } = await raw(server, method, url, body, { key })
  const { 'request-id': requestId = '', ...rest } = headers
  return { status, headers: rest, text: text.replaceAll(requestId, 'REQUEST') }
}

describe.each([
  ['test', 'live'],
  ['live', 'test'],
] as const)('with a key of %s, what is in %s', (own, foreign) => {
  test.each(names)('answers like nothing, and nothing is written: %s', async name => {
    const mine = worlds[own]
    const foreignAsks = NAMED[name]?.(worlds[foreign], mine) ?? []
    const randomAsks = NAMED[name]?.(nowhere(server, mine.key), mine) ?? []
    for (const [index, ask] of foreignAsks.entries()) {
      const before = await dump(server)
      const answer = await asked(name, ask, mine.key)
      expect(await dump(server)).toEqual(before)
      const random = await asked(name, randomAsks[index] as Ask, mine.key)
      expect(answer).toEqual(random)
      expect(await dump(server)).toEqual(before)
      expect(answer.text).not.toMatch(/"(userId|sub)":"usr_/)
    }
  })
  test('is there for a key of its own', async () => {
    const its = worlds[foreign]
    for (const [path, id] of [
      ['users', its.userId],
      ['challenges', its.challengeId],
      ['sessions', its.sessionId],
      ['apps', its.appId],
      ['templates', its.templateId],
      ['rules', its.ruleId],
      ['lists', its.listId],
      ['actions', its.actionId],
      ['webhooks', its.webhookId],
    ]) {
      expect((await server.call('GET', `/v1/${path}/${id}`, undefined, { key: its.key })).status).toBe(200)
      expectRefusal(
        await server.call('GET', `/v1/${path}/${id}`, undefined, { key: worlds[own].key }),
        'not_found',
      )
    }
  })
})

test('lists of one environment hold nothing of the other', async () => {
  for (const path of [
    'challenges',
    'users',
    'apps',
    'api-keys',
    'templates',
    'webhooks',
    'rules',
    'lists',
    'events',
  ]) {
    const idsOf = async (key: string) => {
      const { body } = await server.call(
        'GET',
        `/v1/${path}${path === 'apps' ? '' : '?limit=100'}`,
        undefined,
        { key },
      )
      return body.data.map((row: { id: string }) => row.id) as string[]
    }
    const [test, live] = [await idsOf(server.key), await idsOf(server.liveKey)]
    expect(test.length).toBeGreaterThan(0)
    expect(live.length).toBeGreaterThan(0)
    expect(test.filter(id => live.includes(id))).toEqual([])
  }
})

test('live has no inbox: the route answers like any unknown path', async () =>
  expectRefusal(await server.call('GET', '/v1/messages', undefined, { key: server.liveKey }), 'not_found'))

describe('without a key', () =>
  test.each(names)('%s is unauthorized', async name => {
    const [method = '', path = ''] = name.split(' ')
    expectRefusal(
      await server.call(method, path.replace('{id}', 'x'), undefined, { key: null }),
      'unauthorized',
    )
  }))

describe('with each scope alone', () => {
  const SCOPES: Scope[] = ['auth', 'users', 'read', 'review', 'admin']
  const keys = new Map<Scope, string>()
  beforeAll(async () => {
    for (const scope of SCOPES) keys.set(scope, (await server.newKey([scope])).secret)
  })
  test.each(ENDPOINTS)('$method $path lets in what its scopes say', async ({ method, path, scopes }) => {
    const nothing = nowhere(server, '')
    for (const scope of SCOPES) {
      const hasBody = method === 'POST' || method === 'PATCH'
      const answer = await server.call(
        method,
        path.replace('{id}', nothing.userId),
        hasBody ? { '?': 1 } : undefined,
        {
          key: keys.get(scope) as string,
        },
      )
      if (scope === 'admin' || scopes.includes(scope)) expect([200, 204, 400, 404]).toContain(answer.status)
      else expectRefusal(answer, 'scope_insufficient')
    }
  })
  test('no endpoint is open to every scope, and to review the actions alone', () => {
    for (const { scopes, path } of ENDPOINTS) {
      expect(scopes.length).toBeGreaterThan(0)
      if (!/^\/v1\/actions(\/\{id\})?$/.test(path)) expect(scopes).not.toContain('review')
    }
  })
})

test('an externalId of the other environment is that of a newcomer here', async () => {
  const before = (
    await server.call('GET', `/v1/users/${worlds.live.userId}`, undefined, { key: worlds.live.key })
  ).body
  const { status, body } = await server.call(
    'POST',
    '/v1/actions',
    { name: 'payOut', user: { externalId: worlds.live.externalId, email: 'newcomer@example.com' } },
    { key: worlds.test.key },
  )
  expect(status).toBe(201)
  expect(body.userId).not.toBe(worlds.live.userId)
  const made = await server.call('GET', `/v1/users/${body.userId}`, undefined, { key: worlds.test.key })
  expect(made.body).toMatchObject({ externalId: worlds.live.externalId, email: 'newcomer@example.com' })
  const after = await server.call('GET', `/v1/users/${worlds.live.userId}`, undefined, {
    key: worlds.live.key,
  })
  expect(after.body).toEqual(before)
})
