import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectRefusal } from '../http/answers.ts'
import { codeOf, dump, fresh, later, rowCounts, send } from '../http/world.ts'
import { type TestServer, testServer } from '../setup/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const PATHS: [title: string, path: string][] = [
  ['[163] a slash at the end', '/v1/challenges/ID/verify/'],
  ['[163] two slashes', '//v1/challenges/ID/verify'],
  ['[163] two slashes inside', '/v1/challenges//ID/verify'],
  ['[163] another case', '/V1/Challenges/ID/Verify'],
  ['[163] a path parameter', '/v1/challenges/ID/verify;x=1'],
  ['[163] a dot segment, encoded', '/v1/users/%2e%2e/challenges/ID/verify/x'],
  ['[163] an encoded slash', '/v1%2fchallenges/ID/verify'],
  ['[163] the path in the query', '/healthz/x?path=/v1/challenges/ID/verify'],
]
describe('another spelling of a path', () => {
  test.each(PATHS)('%s', async (_, path) => {
    const { id } = await send(server, { to: fresh() })
    const code = await codeOf(server, id)
    const answer = await server.post(path.replace('ID', id), { code })
    expect(answer.status).toBe(404)
    expect((await server.get(`/v1/challenges/${id}`)).body.status).toBe('pending')
  })
  test('[163] an encoded letter is the same route with the same key asked for, or none', async () => {
    const { id } = await send(server, { to: fresh() })
    const answer = await server.call('POST', `/v1/challenges/${id}/%76erify`, { code: 'x' }, { key: null })
    expect([401, 404]).toContain(answer.status)
  })
  const overrides: [title: string, headers: Record<string, string>][] = [
    ['[163] the agent of a health check', { 'User-Agent': 'kube-probe/1.30 ELB-HealthChecker/2.0' }],
    ['[163] X-HTTP-Method-Override', { 'X-HTTP-Method-Override': 'GET' }],
    ['[163] X-Original-URL', { 'X-Original-URL': '/healthz', 'X-Rewrite-URL': '/healthz' }],
  ]
  test.each(overrides)('%s', async (_, headers) => {
    expectRefusal(await server.call('GET', '/v1/users', undefined, { key: null, headers }), 'unauthorized')
    expectRefusal(await server.call('POST', '/v1/users', {}, { key: null, headers }), 'unauthorized')
  })
})

const NO_STORE: [title: string, method: string, path: string, body: unknown][] = [
  ['[68] a challenge', 'POST', '/v1/challenges', { to: 'a@x.test' }],
  ['[68] a refused body', 'POST', '/v1/challenges', {}],
  ['[68] a session that is unknown', 'POST', '/v1/sessions/refresh', { refreshToken: 'x' }],
  ['[68] a link token that is unknown', 'POST', '/v1/challenges/verify', { linkToken: 'x' }],
  ['[68] a list', 'GET', '/v1/users', undefined],
  ['[68] the page of an unknown link', 'GET', '/l/olk_x', undefined],
  ['[68] an unknown path', 'GET', '/nothing', undefined],
  ['[68] a method that is not taken', 'PUT', '/v1/users', undefined],
  ['[68] readiness', 'GET', '/readyz', undefined],
]
describe('nothing is kept by a cache', () => {
  test.each(NO_STORE)('%s', async (_, method, path, body) => {
    const { headers } = await server.call(method, path, body)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('vary') ?? '').not.toBe('*')
  })
})

const DEBUG: [title: string, path: string][] = [
  ['[182] debug routes', '/debug'],
  ['[182] pages of ostiary dev', '/dev'],
  ['[182] the messages of ostiary dev', '/dev/messages'],
  ['[182] files of the server', '/.env'],
  ['[182] its packages', '/package.json'],
  ['[182] its database', '/ostiary.db'],
]
test.each(DEBUG)('%s', async (_, path) => {
  const { status, headers, body } = await server.call('GET', path, undefined, { key: null })
  expect(status).toBe(404)
  expect(headers.get('server')).toBeNull()
  expect(JSON.stringify(body)).not.toMatch(/node_modules|\.ts:\d|at \w+ \(/)
})

describe('an API key', () => {
  test('[172] is not made by somebody without one, whatever the body names', async () => {
    const before = await rowCounts(server)
    for (const body of [
      { name: 'x', userId: 'usr_x' },
      { name: 'x', scopes: ['admin'], user_id: 1 },
    ])
      expectRefusal(await server.call('POST', '/v1/api-keys', body, { key: null }), 'unauthorized')
    expect(await rowCounts(server)).toEqual(before)
  })
  const places: [title: string, path: string, headers: Record<string, string>][] = [
    ['[173] in the query', '/v1/users?key=KEY', {}],
    ['[173] as access_token in the query', '/v1/users?access_token=KEY', {}],
    ['[173] as a user of Basic', '/v1/users', { Authorization: 'Basic BASIC' }],
    ['[173] in X-API-Key', '/v1/users', { 'X-API-Key': 'KEY' }],
    ['[173] in a cookie', '/v1/users', { Cookie: 'key=KEY' }],
  ]
  test.each(places)('%s', async (_, path, headers) => {
    const fill = (text: string) =>
      text.replace('KEY', server.key).replace('BASIC', Buffer.from(`${server.key}:`).toString('base64'))
    const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]))
    const answer = await server.call('GET', fill(path), undefined, { key: null, headers: filled })
    expectRefusal(answer, 'unauthorized')
    expect(JSON.stringify(answer.body)).not.toContain(server.key)
  })
})

test('[158] a limit that is full stays full over a restart, and for two clocks that nearly agree', async () => {
  let its = await testServer()
  const ask = (on: TestServer, key: string) =>
    on.call('POST', '/v1/challenges', { to: 'full@x.test' }, { key })
  const { key } = its
  for (let round = 0; round < 2; round++) expect((await ask(its, key)).status).toBe(201)
  its = await its.reopen()
  expectRefusal(await ask(its, key), 'rate_limited')
  its.clock.set(its.clock.now() - 1500)
  expectRefusal(await ask(its, key), 'rate_limited')
  await its.stop()
})

describe('a person’s address by userId', () => {
  test('[82] is the proven one, not the one that a stranger added first', async () => {
    const { id } = (await server.post('/v1/users', { email: 'first@x.test' })).body
    const value = 'second@x.test'
    await server.post(`/v1/users/${id}/identifiers`, { type: 'email', value, isVerified: true })
    await server.post(`/v1/users/${id}/identifiers`, { type: 'email', value: 'a-third@x.test' })
    const { id: challengeId } = await send(server, { userId: id })
    await server.ostiary.drain()
    const rows = (await dump(server)).messages?.map(row => JSON.parse(row)) ?? []
    expect(rows.find(row => row.challenge_id === challengeId).recipient).toBe(value)
  })
  test('[70] with userMode existing an unknown address never becomes a user, however it is answered', async () => {
    const to = fresh()
    const { id } = await send(server, { to, userMode: 'existing' })
    const { code } = await server.message({ challengeId: id })
    if (code) expectRefusal(await server.post(`/v1/challenges/${id}/verify`, { code }), 'code_incorrect')
    expect((await server.get(`/v1/users?email=${to}`)).body.data).toEqual([])
    // Known at send and gone since: the challenge is over with its user.
    const known = fresh()
    await server.post('/v1/users', { email: known, emailVerified: true })
    const asked = await send(server, { to: known, userMode: 'existing' })
    const right = await codeOf(server, asked.id)
    const [user] = (await server.get(`/v1/users?email=${known}`)).body.data
    await server.call('DELETE', `/v1/users/${user.id}`)
    expect((await server.post(`/v1/challenges/${asked.id}/verify`, { code: right })).status).toBe(409)
    await later(server, 61_000)
  })
})

/**
 * How well a stranger who times answers tells two kinds of addresses apart: 0.5 is not at all. The halves are asked in
 * turns, so that whatever slows the machine slows both.
 */
test('[71] the time of a send does not tell known from unknown', { retry: 2, timeout: 60_000 }, async () => {
  const its = await testServer()
  const many = 1_000_000
  await its.call('PATCH', '/v1/settings', {
    limits: {
      sendsPerAddressUntold: { minute: many, hour: many },
      sendsPerAddress: { hour: many, day: many },
    },
  })
  const rounds = 300
  for (let index = 0; index < 50; index++)
    await its.post('/v1/users', { email: `known${1000 + index}@x.test`, emailVerified: true })
  const ask = async (to: string) => {
    const at = performance.now()
    await its.post('/v1/challenges', { to })
    return performance.now() - at
  }
  const times: { known: number[]; unknown: number[] } = { known: [], unknown: [] }
  for (let round = -30; round < rounds; round++) {
    const index = 1000 + (Math.abs(round) % 50)
    const order = round % 2 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
    for (const kind of order) {
      const ms = await ask(kind === 'known' ? `known${index}@x.test` : `nobody${index}@x.test`)
      if (round >= 0) times[kind].push(ms)
    }
  }
  await its.stop()
  const sorted = [...times.known.map(ms => [ms, 1]), ...times.unknown.map(ms => [ms, 0])].sort(
    (a, b) => (a[0] ?? 0) - (b[0] ?? 0),
  )
  let ranks = 0
  sorted.forEach(([, isKnown], index) => {
    if (isKnown) ranks += index + 1
  })
  const auc = (ranks - (rounds * (rounds + 1)) / 2) / (rounds * rounds)
  expect(Math.abs(auc - 0.5)).toBeLessThan(0.12)
})
