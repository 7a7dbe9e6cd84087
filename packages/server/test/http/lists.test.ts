import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENDPOINTS } from '../../src/http/routes.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { CODE_TEXTS, fresh, later, send } from './world.ts'

let server: TestServer
let userId: string
let webhookId: string
const EMAIL = 'lists@example.com'
beforeAll(async () => {
  server = await testServer()
  userId = (await server.post('/v1/users', { email: EMAIL, emailVerified: true })).body.id
  for (let index = 0; index < 6; index++) {
    await send(server, { to: fresh(), purpose: index % 2 ? 'odd' : 'signIn' })
    await server.post('/v1/actions', { name: index % 2 ? 'odd' : 'even' })
    await server.post('/v1/users', { email: 'shared@example.com' })
    await server.post('/v1/apps', { name: `App ${index}` })
    // All events of this house have to fit into one page.
    if (index < 4) await server.newKey(['read'])
    await server.post('/v1/templates', { name: `mail${index}`, locales: CODE_TEXTS })
    // Of a type that nothing here causes: only the tests are sent, to nobody.
    const asked = { url: 'https://receiver.invalid/', eventTypes: ['secret.rotated'] }
    const made = await server.post('/v1/webhooks', asked)
    webhookId ??= made.body.id
    await server.post(`/v1/webhooks/${webhookId}/test`)
    if (index < 3) {
      const rule = { name: `Rule ${index}`, condition: 'true', outcome: 'CHALLENGE', mode: 'shadow' }
      await server.post('/v1/rules', rule)
      await server.post('/v1/lists', { name: `list${index}`, entries: [] })
      // Not by sign-ins, whose events would be too many.
      const at = server.clock.now() + index
      const its = `'dev_${index}', (SELECT environment_id FROM users WHERE id = '${userId}')`
      await server.tamper(`INSERT INTO devices (id, environment_id, token_hash, epoch, created_at, last_seen_at)
          VALUES (${its}, 'hash${index}', 1, ${at}, ${at});
        INSERT INTO device_users (device_id, environment_id, user_id, created_at, last_sign_in_at)
          VALUES (${its}, '${userId}', ${at}, ${at})`)
    }
    await server.signIn(EMAIL)
    await later(server, 61_000)
  }
})
afterAll(() => server.stop())

const LISTS: [path: string, filter: string, other: string][] = [
  ['/v1/actions', 'name=even', 'name=odd'],
  ['/v1/challenges', 'purpose=signIn', 'purpose=odd'],
  ['/v1/users', 'email=shared@example.com', 'email=other@example.com'],
  [
    '/v1/users/{id}/sessions',
    'createdAfter=2026-11-21T00:00:00.000Z',
    'createdAfter=2026-11-20T00:00:00.000Z',
  ],
  [
    '/v1/users/{id}/devices',
    'createdAfter=2026-11-21T00:00:00.000Z',
    'createdAfter=2026-11-20T00:00:00.000Z',
  ],
  ['/v1/apps', 'createdAfter=2026-11-21T00:00:00.000Z', 'createdAfter=2026-11-20T00:00:00.000Z'],
  ['/v1/api-keys', 'createdBefore=2027-01-01T00:00:00.000Z', 'createdBefore=2027-01-02T00:00:00.000Z'],
  ['/v1/templates', 'createdAfter=2026-11-21T00:00:00.000Z', 'createdAfter=2026-11-20T00:00:00.000Z'],
  ['/v1/webhooks', 'createdAfter=2026-11-21T00:00:00.000Z', 'createdAfter=2026-11-20T00:00:00.000Z'],
  ['/v1/webhooks/{id}/deliveries', 'status=pending', 'status=failed'],
  ['/v1/rules', 'createdAfter=2026-11-21T00:00:00.000Z', 'createdAfter=2026-11-20T00:00:00.000Z'],
  ['/v1/lists', 'createdAfter=2026-11-21T00:00:00.000Z', 'createdAfter=2026-11-20T00:00:00.000Z'],
  ['/v1/events', 'type=session.created', 'type=user.created'],
  ['/v1/messages', `to=${EMAIL}`, 'to=shared@example.com'],
  [
    '/v1/users/{id}/timeline',
    'createdAfter=2026-11-21T00:00:00.000Z',
    'createdAfter=2026-11-20T00:00:00.000Z',
  ],
  [
    `/v1/timeline?to=${EMAIL}`,
    'createdAfter=2026-11-21T00:00:00.000Z',
    'createdAfter=2026-11-20T00:00:00.000Z',
  ],
]
/** Takes queries and is no list. */
const NO_LISTS = ['/v1/stats']

/** Ends where a query can begin or go on. */
const pathOf = (path: string) => {
  const filled = path.replace('{id}', path.includes('/webhooks/') ? webhookId : userId)
  return `${filled}${path.includes('?') ? '&' : '?'}`
}
const page = async (path: string, query: string) => {
  const { data, ...rest } = (await server.get(`${pathOf(path)}${query}`)).body
  // Lines of a timeline are events in other words.
  const rows = data?.map((row: Record<string, unknown>) => ({ id: row.eventId, createdAt: row.at, ...row }))
  return { data: rows, ...rest }
}

async function walk(path: string, query: string): Promise<{ id: string; createdAt: string }[]> {
  const rows: { id: string; createdAt: string }[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const body = await page(path, `${query}${cursor && `&cursor=${cursor}`}`)
    rows.push(...body.data)
    cursor = body.nextCursor
  }
  return rows
}

test('every list of the table is tried', () => {
  const lists = ENDPOINTS.filter(one => one.method === 'GET' && one.query).map(one => one.path)
  const tried = LISTS.map(([path]) => path.replace(/\?.*/, ''))
  expect([...tried, ...NO_LISTS].sort()).toEqual([...lists].sort())
})

describe.each(LISTS)('GET %s', (path, filter, other) => {
  test('walked page by page gives each row once, newest first', async () => {
    for (const query of ['', filter]) {
      const whole = (await page(path, `${query}&limit=100`)).data
      expect(whole.length).toBeGreaterThan(2)
      for (const limit of [1, 2, 3]) expect(await walk(path, `${query}&limit=${limit}`)).toEqual(whole)
      const ids = whole.map((row: { id: string }) => row.id)
      expect([...ids].sort().reverse()).toEqual(ids)
      const times = whole.map((row: { createdAt: string }) => row.createdAt)
      expect([...times].sort().reverse()).toEqual(times)
    }
  })

  test('has no next page after the last row, and no totals', async () => {
    const { length } = (await page(path, `${filter}&limit=100`)).data
    const exact = await page(path, `${filter}&limit=${length}`)
    expect(exact.nextCursor).toBeNull()
    expect(Object.keys(exact)).toEqual(['data', 'nextCursor'])
    expect((await page(path, `${filter}&limit=${length - 1}`)).nextCursor).not.toBeNull()
  })

  test('takes a cursor with its own filters alone', async () => {
    const { nextCursor } = await page(path, `${filter}&limit=1`)
    expect((await server.get(`${pathOf(path)}${filter}&limit=2&cursor=${nextCursor}`)).status).toBe(200)
    const elsewhere = LISTS.find(([one]) => one !== path)?.[0] as string
    for (const url of [
      `${pathOf(path)}${other}&limit=1&cursor=${nextCursor}`,
      `${pathOf(path)}limit=1&cursor=${nextCursor}`,
      `${pathOf(path)}${filter}&created${filter.includes('Before') ? 'After' : 'Before'}=2026-01-09T00:00:00.000Z&cursor=${nextCursor}`,
      `${pathOf(elsewhere)}cursor=${nextCursor}`,
      `${pathOf(path)}${filter}&cursor=`,
      `${pathOf(path)}${filter}&cursor=nonsense`,
      `${pathOf(path)}${filter}&cursor=${nextCursor}!`,
      `${pathOf(path)}${filter}&cursor=${nextCursor}%3D`,
    ])
      expectRefusal(await server.get(url), 'cursor_invalid')
    const live = await server.call('GET', `${pathOf(path)}${filter}&cursor=${nextCursor}`, undefined, {
      key: server.liveKey,
    })
    if (live.status !== 404) expectRefusal(live, 'cursor_invalid')
  })

  test('takes no cursor that was changed in one place', async () => {
    const { nextCursor } = await page(path, `${filter}&limit=1`)
    const alphabet = [...'ABCXYZabcxyz019-_']
    await fc.assert(
      fc.asyncProperty(fc.nat(nextCursor.length - 1), fc.constantFrom(...alphabet), async (at, char) => {
        if (nextCursor[at] === char) return
        const changed = nextCursor.slice(0, at) + char + nextCursor.slice(at + 1)
        expectRefusal(await server.get(`${pathOf(path)}${filter}&cursor=${changed}`), 'cursor_invalid')
      }),
      { numRuns: 60 },
    )
  })

  test('is bounded by createdAfter, which it includes, and createdBefore, which it does not', async () => {
    const rows = await walk(path, 'limit=50')
    const middle = rows[Math.floor(rows.length / 2)]?.createdAt as string
    expect(await walk(path, `limit=2&createdAfter=${middle}`)).toEqual(
      rows.filter(row => row.createdAt >= middle),
    )
    expect(await walk(path, `limit=2&createdBefore=${middle}`)).toEqual(
      rows.filter(row => row.createdAt < middle),
    )
    const offset = encodeURIComponent(middle.replace('Z', '+00:00'))
    expect(await walk(path, `limit=9&createdBefore=${offset}`)).toEqual(
      rows.filter(row => row.createdAt < middle),
    )
    expect(await walk(path, `limit=2&createdAfter=${middle}&createdBefore=${middle}`)).toEqual([])
  })

  test.each([
    'limit=0',
    'limit=101',
    'limit=-1',
    'limit=1.5',
    'limit=x',
    'limit=',
    'createdAfter=yesterday',
    'createdBefore=1',
    'createdAfter=2026-02-30T00:00:00.000Z',
  ])('refuses %s', async query =>
    expectRefusal(await server.get(`${pathOf(path)}${query}`), 'invalid_request', ['errors']),
  )
})

test('a list has 25 rows when no limit is told', async () => {
  expect((await server.get('/v1/events')).body.data).toHaveLength(25)
})

describe('a filter', () => {
  test('status tells the challenges apart', async () => {
    const to = fresh()
    const [expired, pending] = [await send(server, { to, expiresInSeconds: 60 }), await send(server, { to })]
    await later(server, 62_000)
    const verified = (await server.signIn(to)).body.challenge
    const exhausted = await send(server, { to, purpose: 'other' })
    for (let round = 0; round < 5; round++)
      await server.post(`/v1/challenges/${exhausted.id}/verify`, { code: 'x', purpose: 'other' })
    for (const [status, { id }] of Object.entries({ expired, pending, verified, exhausted })) {
      const { data } = (await server.get(`/v1/challenges?to=${to}&status=${status}`)).body
      expect(data.map((row: { id: string; status: string }) => [row.id, row.status])).toEqual([[id, status]])
    }
  })
  test('of users takes an address in any spelling, and not two at once', async () => {
    expect((await server.get('/v1/users?email=LISTS@EXAMPLE.com')).body.data[0].id).toBe(userId)
    expectRefusal(await server.get('/v1/users?email=a@example.com&phone=%2B491701234567'), 'invalid_request')
    expectRefusal(await server.get('/v1/users?email=nonsense'), 'invalid_request')
  })
  test('of messages holds the answer until one is there', async () => {
    const to = fresh()
    const waiting = server.get(`/v1/messages?to=${to}&wait=10`)
    await new Promise(resolve => setTimeout(resolve, 30))
    const { id } = await send(server, { to })
    expect((await waiting).body.data).toMatchObject([{ challengeId: id }])
    expect((await server.get('/v1/messages?to=none@example.com&wait=0')).body.data).toEqual([])
    for (const wait of ['31', '-1', 'x', '1.5'])
      expectRefusal(await server.get(`/v1/messages?wait=${wait}`), 'invalid_request')
  })
})
