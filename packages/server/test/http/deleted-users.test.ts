import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { appOf, tabOf } from './browser.ts'
import { addRule, signals } from './rule-set.ts'
import { dump, fresh, later } from './world.ts'

/** What is left of a person who was deleted. */

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
  const reading = '(has(user.email) || has(ip.address) || has(user.metadata.note)) && false'
  await addRule(server, { condition: reading, outcome: 'REVIEW', actionName: null })
})
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const IP = '203.0.113.77'
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const context = { ipAddress: IP, userAgent: BROWSER }

const track = async (body: object) => {
  const answer = await server.post('/v1/actions', { appId: app.id, context, ...body })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body
}

/** Somebody of whom there is all that there can be. */
async function somebody(to = fresh('leaver')) {
  const signIn = await track({ name: 'signIn' })
  const tab = tabOf(server, signIn.id, signIn.token)
  await tab.post('identify', { to })
  expect((await tab.post('send', { method: 'emailCode' })).status).toBe(200)
  const proven = await tab.post('verify', { code: (await server.message({ to })).code })
  const result = { token: proven.body.result.token, action: 'signIn', context }
  const { user } = (await server.post('/v1/actions/validate', result)).body
  await server.call('PATCH', `/v1/users/${user.id}`, { metadata: { note: 'lives at the lake' } })
  await later(server, 61_000)
  const paid = await track({ name: 'payOut', userId: user.id })
  return { to, id: user.id as string, actions: [signIn.id as string, paid.id as string] }
}

/** `table.column` of each cell that holds the text. */
async function placesOf(text: string): Promise<string[]> {
  const found = new Set<string>()
  for (const [table, rows] of Object.entries(await dump(server)))
    for (const row of rows)
      for (const [column, value] of Object.entries(JSON.parse(row)))
        if (String(value).includes(text)) found.add(`${table}.${column}`)
  return [...found].sort()
}

/** What docs/support.md says is kept, as `table.column`. */
const KEPT = [
  ...readFileSync(new URL('../../../../docs/support.md', import.meta.url), 'utf8').matchAll(
    /^\| `(\w+)`: (`\w+`(?:, `\w+`)*) \|/gm,
  ),
].flatMap(([, table, columns]) =>
  [...(columns ?? '').matchAll(/\w+/g)].map(([column]) => `${table}.${column}`),
)

describe('a user who is deleted', () => {
  test('is in no table but where the guide says so', async () => {
    const { to, id, actions } = await somebody()
    const unproven = await track({ name: 'signIn' })
    await tabOf(server, unproven.id, unproven.token).post('identify', { to })
    const identifier = { type: 'email', value: `second-${to}`, isVerified: true }
    expect((await server.post(`/v1/users/${id}/identifiers`, identifier)).status).toBe(201)
    expect((await server.post('/v1/challenges', { to, context })).status).toBe(201)
    await server.ostiary.drain()
    for (const action of actions) {
      const told = JSON.stringify(await signals(server, action))
      expect(told).toContain(to)
      expect(told).toContain(IP)
    }
    expect(await placesOf(to)).toContain('actions.decision')
    expect((await server.call('DELETE', `/v1/users/${id}`)).status).toBe(204)
    const left = [
      ...new Set([...(await placesOf(to)), ...(await placesOf(IP)), ...(await placesOf(BROWSER))]),
    ]
    expect(left.filter(place => !KEPT.includes(place))).toEqual([])
    // The guide names no more than there is.
    expect(KEPT.filter(place => !left.includes(place))).toEqual([])
    expect(await placesOf('lives at the lake')).toEqual([])
  })

  test('leaves actions that tell what was decided, and nothing of the person', async () => {
    const { id, actions } = await somebody()
    const others = await somebody()
    const before = await Promise.all(others.actions.map(one => signals(server, one)))
    const read = async (action = '') => (await server.get(`/v1/actions/${action}`)).body
    const [earlier] = await Promise.all(actions.map(read))
    await server.tamper(`UPDATE actions SET decision = 'null' WHERE id = '${actions[1]}'`)
    await server.call('DELETE', `/v1/users/${id}`)
    const [signIn, paid] = await Promise.all(actions.map(read))
    expect(signIn).toMatchObject({ outcome: earlier.outcome, state: earlier.state, userId: id })
    expect(signIn.decision).toEqual({ ...earlier.decision, seen: {} })
    expect(paid.decision).toBeNull()
    expect(await signals(server, actions[0] ?? '')).toBeUndefined()
    expect(await Promise.all(others.actions.map(one => signals(server, one)))).toEqual(before)
    const rule = { name: 'All', condition: 'true', outcome: 'BLOCK', priority: 0 }
    const tried = (await server.post('/v1/rules/test', { rule })).body
    expect(tried.skipped).toBeGreaterThanOrEqual(2)
    expect(tried.examples.map((one: { userId: string }) => one.userId)).not.toContain(id)
  })

  test('is forgotten also where a message holds what PostgreSQL does not read', async () => {
    const { id, actions } = await somebody()
    const message = '\u0000 \ud83d \\u0000 \u{1f40e}'
    const kept = { outcome: 'ALLOW', matched: [], erring: [], shadow: [], note: message }
    const decision = JSON.stringify({ ...kept, signals: { '\u0000': message }, seen: { '\ud83d': 1 } })
    await server.tamper(`UPDATE actions SET decision = '${decision}' WHERE id = '${actions[0]}'`)
    expect((await server.call('DELETE', `/v1/users/${id}`)).status).toBe(204)
    const rows = (await dump(server)).actions?.map(row => JSON.parse(row)) ?? []
    const left = JSON.parse(rows.find(row => row.id === actions[0]).decision)
    expect(Object.keys(left).sort()).toEqual(Object.keys(kept).sort())
    expect(left.note).toContain('\u{1f40e}')
  })

  test('is in no action that is tracked at the same moment', async () => {
    for (let round = 0; round < 12; round++) {
      const to = fresh('racer')
      const { user } = (await server.signIn(to)).body
      const tracks = Array.from({ length: 6 }, () =>
        server.post('/v1/actions', { name: 'payOut', appId: app.id, userId: user.id }),
      )
      const deleted = server.call('DELETE', `/v1/users/${user.id}`)
      const more = Array.from({ length: 6 }, () =>
        server.post('/v1/actions', { name: 'payOut', appId: app.id, userId: user.id }),
      )
      for (const answer of await Promise.all([...tracks, ...more]))
        if (answer.status !== 201) expectRefusal(answer, 'not_found')
      expect((await deleted).status).toBe(204)
      expect((await placesOf(to)).filter(place => place.startsWith('actions.'))).toEqual([])
      await later(server, 61_000)
    }
  })
})
