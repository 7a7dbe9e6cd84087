import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { judgePast } from '../../src/core/rules/past.ts'
import { chanceOf } from '../crash/chance.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { appOf, tabOf } from './browser.ts'
import { addRule, dropRules } from './rule-set.ts'
import { fresh, later, purge } from './world.ts'

/** What rules would have made of actions that are past. */

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
})
afterEach(async () => {
  await dropRules(server)
  await server.call('PATCH', '/v1/settings', { action: null, methods: null })
  // What a test tracked is older than what the next one asks about.
  server.clock.advance(1000)
})
afterAll(async () => {
  // Days go by in these tests.
  await purge(server)
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const track = async (body: object = {}) => {
  const answer = await server.post('/v1/actions', { name: 'payOut', appId: app.id, ...body })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body
}
const pay = (amount: unknown, more: object = {}) => track({ attributes: { amount }, ...more })
const now = () => new Date(server.clock.now()).toISOString()
const ofPast = async (body: object) => {
  const answer = await server.post('/v1/rules/test', body)
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body
}
const prove = async ({ id, token }: { id: string; token: string }, to: string, isNamed = false) => {
  const tab = tabOf(server, id, token)
  if (!isNamed) await tab.post('identify', { to })
  const sent = await tab.post('send', { method: 'emailCode' })
  expect(sent.status, JSON.stringify(sent.body)).toBe(200)
  return await tab.post('verify', { code: (await server.message({ to })).code })
}
const LARGE = { name: 'Large', condition: 'action.attributes.amount > 100', outcome: 'REVIEW' }

describe('one rule beside those that are saved', () => {
  test('tells what it would have changed, newest first, and writes nothing', async () => {
    const since = now()
    const { body: user } = await server.post('/v1/users', { email: fresh(), emailVerified: true })
    const small = await pay(5)
    server.clock.advance(10)
    const large = await pay(500, { userId: user.id })
    server.clock.advance(10)
    const odd = await pay('x')
    const events = (await server.get('/v1/events?limit=1')).body.data
    const answer = await ofPast({ rule: LARGE, since })
    expect(answer).toMatchObject({
      ...{ lookedAt: 3, skipped: 0, waiting: 0, isComplete: true, changed: 2 },
      was: { ALLOW: 0, CHALLENGE: 3, REVIEW: 0, BLOCK: 0 },
      wouldBe: { ALLOW: 0, CHALLENGE: 1, REVIEW: 2, BLOCK: 0 },
    })
    expect(answer.examples).toEqual([
      {
        ...{ actionId: odd.id, name: 'payOut', createdAt: odd.createdAt, userId: null },
        ...{ was: 'CHALLENGE', wouldBe: 'REVIEW', rules: [] },
        erring: [{ id: 'rule0', name: 'Large', outcome: 'REVIEW', message: expect.any(String) }],
        seen: { 'action.attributes.amount': 'x' },
      },
      {
        ...{ actionId: large.id, name: 'payOut', createdAt: large.createdAt, userId: user.id },
        ...{ was: 'CHALLENGE', wouldBe: 'REVIEW', erring: [] },
        rules: [{ id: 'rule0', name: 'Large', outcome: 'REVIEW' }],
        seen: { 'action.attributes.amount': 500 },
      },
    ])
    expect((await server.get(`/v1/actions/${small.id}`)).body.outcome).toBe('CHALLENGE')
    expect((await server.get('/v1/events?limit=1')).body.data).toEqual(events)
  })

  test('stands at its priority among them', async () => {
    const since = now()
    await addRule(server, { condition: 'true', outcome: 'BLOCK', priority: 20 })
    await pay(500)
    const wouldBe = async (priority: number) =>
      (await ofPast({ rule: { ...LARGE, priority }, since })).changed
    expect([await wouldBe(10), await wouldBe(20), await wouldBe(30)]).toEqual([1, 0, 0])
  })

  test('by its id stands in the place of the saved one, and keeps what is not told', async () => {
    const since = now()
    const saved = (await server.post('/v1/rules', { ...LARGE, actionName: 'payOut', priority: 10 })).body
    await addRule(server, { condition: 'true', outcome: 'BLOCK', priority: 20, actionName: null })
    await pay(500)
    await track({ name: 'other', attributes: { amount: 500 } })
    const rule = {
      id: saved.id,
      name: 'Large',
      condition: 'action.attributes.amount > 1000',
      outcome: 'REVIEW',
    }
    const answer = await ofPast({ rule, since })
    expect([answer.changed, answer.examples[0].wouldBe]).toEqual([1, 'BLOCK'])
    // With the priority or the action name of a new rule it would have gone another way.
    const same = { ...rule, condition: LARGE.condition }
    expect((await ofPast({ rule: same, since })).changed).toBe(0)
    expect((await ofPast({ rule: { ...same, priority: 30 }, since })).changed).toBe(1)
    expect((await ofPast({ rule: { ...same, isActive: false }, since })).examples[0].wouldBe).toBe('BLOCK')
  })

  test('is refused by the id of a rule that is not there, be it of another environment', async () => {
    const foreign = await server.call('POST', '/v1/rules', LARGE, { key: server.liveKey })
    const refusals = []
    for (const id of [foreign.body.id, 'rul_01k6z5v9hrf0qv2s8yb7m3c4dn', 'rule0']) {
      const answer = await server.post('/v1/rules/test', { rule: { ...LARGE, id } })
      expectRefusal(answer, 'invalid_request', ['errors'])
      refusals.push(answer.body.errors)
    }
    expect(new Set(refusals.map(one => JSON.stringify(one))).size).toBe(1)
  })
})

test('the example of the guide has the answer that is shown', async () => {
  const guide = readFileSync(new URL('../../../../docs/rules.md', import.meta.url), 'utf8')
  const shown = (kind: string) =>
    JSON.parse(guide.match(new RegExp(`\`\`\`json ${kind}\\n([\\s\\S]*?)\`\`\``))?.[1] ?? '')
  const [asked, answer] = [shown('past'), shown('outcomes')]
  const since = now()
  for (const amount of [250, 5000, 12.5]) await pay(amount)
  await track({ name: 'other', attributes: { amount: 5000 } })
  const told = { actionId: expect.stringMatching(/^act_/), createdAt: since }
  const examples = answer.examples.map((one: object) => ({ ...one, ...told }))
  expect(await ofPast({ ...asked, since })).toEqual({ ...answer, examples })
  expect((await ofPast(asked)).isComplete).toBe(true)
})

describe('a whole set', () => {
  test('stands in the place of all rules', async () => {
    const since = now()
    await addRule(server, { condition: 'true', outcome: 'BLOCK', priority: 0 })
    await pay(500)
    expect((await ofPast({ rules: [], since })).wouldBe).toMatchObject({ CHALLENGE: 1, BLOCK: 0 })
    expect((await ofPast({ rules: [LARGE], since })).examples[0].rules).toEqual([
      { id: 'rule0', name: 'Large', outcome: 'REVIEW' },
    ])
  })

  test.each<[object, string]>([
    [{ rule: { ...LARGE, condition: 'gone' } }, 'rule.condition'],
    [{ rules: [LARGE, { ...LARGE, condition: 'user.emial == ""' }] }, 'rules.1.condition'],
    [{ rule: { ...LARGE, condition: 'user.email in list("none")' } }, 'rule.condition'],
    [{ rule: LARGE, rules: [] }, 'rules'],
    [{ rule: LARGE, signals: {}, limit: 5 }, 'limit'],
    [{ rule: LARGE, signals: {}, since: '2026-01-01T00:00:00Z' }, 'since'],
    [{ rule: LARGE, signals: {}, actionName: 'payOut' }, 'actionName'],
    [{ rule: LARGE, limit: 1001 }, 'limit'],
    [{ rule: LARGE, limit: 0 }, 'limit'],
    [{ rule: LARGE, since: 'yesterday' }, 'since'],
    [{ rule: LARGE, actionName: '1' }, 'actionName'],
    [{ rule: LARGE, signal: {} }, 'signal'],
  ])('%j is refused', async (body, path) => {
    const answer = await server.post('/v1/rules/test', body)
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(answer.body.errors[0].path).toBe(path)
    expect(answer.body.errors[0].message).toMatch(/\S/)
  })
})

describe('what is looked at', () => {
  test('is bounded by name, instant and number', async () => {
    server.clock.advance(60_000)
    const since = now()
    await pay(1)
    await track({ name: 'other' })
    server.clock.advance(1000)
    const later = now()
    for (let made = 0; made < 45; made++) await pay(made)
    const lookedAt = async (more: object) => (await ofPast({ rules: [], ...more })).lookedAt
    expect(await lookedAt({ since })).toBe(47)
    expect(await lookedAt({ since, actionName: 'payOut' })).toBe(46)
    expect(await lookedAt({ since, actionName: 'other' })).toBe(1)
    expect(await lookedAt({ since, actionName: 'none' })).toBe(0)
    expect(await lookedAt({ since: later })).toBe(45)
    expect(await lookedAt({ since, limit: 41 })).toBe(41)
  })

  test('has at most twenty examples, the newest', async () => {
    const since = now()
    for (let made = 0; made < 25; made++) {
      await pay(1000 + made)
      server.clock.advance(1)
    }
    const { changed, examples } = await ofPast({ rule: LARGE, since })
    expect([changed, examples.length]).toEqual([25, 20])
    expect(examples.map((one: { seen: object }) => Object.values(one.seen)[0])).toEqual(
      Array.from({ length: 20 }, (_, index) => 1024 - index),
    )
  })

  test('is the environment of the key', async () => {
    await pay(500)
    const live = await server.call('POST', '/v1/rules/test', { rule: LARGE }, { key: server.liveKey })
    expect(live.body).toMatchObject({ lookedAt: 0, changed: 0 })
  })

  test('is skipped where its signals are not kept', async () => {
    const since = now()
    const { id } = await pay(500)
    await pay(600)
    await server.tamper(`UPDATE actions SET decision = 'null' WHERE id = '${id}'`)
    expect(await ofPast({ rule: LARGE, since })).toMatchObject({ lookedAt: 2, skipped: 1, changed: 1 })
  })

  test('is judged at the instant of its decision, by the lists of today', async () => {
    const since = now()
    const { body: user } = await server.post('/v1/users', { email: fresh(), emailVerified: true })
    await pay(1, { userId: user.id })
    const hour = new Date(server.clock.now()).getUTCHours()
    await later(server, 3 * 3_600_000)
    const night = { name: 'Then', condition: `now.getHours() == ${hour}`, outcome: 'BLOCK' }
    expect((await ofPast({ rule: night, since })).changed).toBe(1)
    const list = (await server.post('/v1/lists', { name: 'mine', entries: [] })).body
    const listed = { name: 'Listed', condition: 'user.email in list("mine")', outcome: 'ALLOW' }
    expect((await ofPast({ rule: listed, since })).changed).toBe(0)
    await server.call('PATCH', `/v1/lists/${list.id}`, { entries: [user.email] })
    expect((await ofPast({ rule: listed, since })).changed).toBe(1)
    await server.call('DELETE', `/v1/lists/${list.id}`)
  })

  test('tells of sign-ins where rules would have waited for a proof', async () => {
    const since = now()
    const rule = { name: 'New', condition: 'user.isNew', outcome: 'BLOCK', actionName: 'signIn' }
    const first = await track({ name: 'signIn' })
    await prove(first, fresh())
    expect(await ofPast({ rule, since })).toMatchObject({ lookedAt: 1, waiting: 1, changed: 0 })
    // A rule that reads the person, be it a shadow, has the signals of the proof kept.
    await addRule(server, { condition: 'user.isNew', outcome: 'BLOCK', mode: 'shadow', actionName: 'signIn' })
    const second = await track({ name: 'signIn' })
    await prove(second, fresh())
    const answer = await ofPast({ rule, since })
    expect(answer).toMatchObject({ lookedAt: 2, waiting: 1, changed: 1 })
    expect(answer.examples[0]).toMatchObject({ actionId: second.id, wouldBe: 'BLOCK' })
  })
})

describe('bounds', () => {
  test('of runs at once, for each environment', async () => {
    for (let made = 0; made < 30; made++) await pay(made)
    const before = Array.from({ length: 3 }, () => server.post('/v1/rules/test', { rule: LARGE }))
    const live = server.call('POST', '/v1/rules/test', { rule: LARGE }, { key: server.liveKey })
    const answers = await Promise.all(before)
    expect(answers.map(one => one.status).sort()).toEqual([200, 200, 429])
    const refused = answers.find(one => one.status === 429)
    if (refused) expectRefusal(refused, 'rate_limited')
    expect(refused?.body.limit).toBe('pastRuns')
    expect((await live).status).toBe(200)
    for (let again = 0; again < 3; again++)
      expect((await server.post('/v1/rules/test', { rule: LARGE })).status).toBe(200)
    // A run that is refused gives its turn back, too.
    const bad = { rule: { ...LARGE, condition: 'gone' } }
    for (let again = 0; again < 3; again++)
      expectRefusal(await server.post('/v1/rules/test', bad), 'invalid_request')
  })

  const started = async (workMs: number, signal = new AbortController().signal) => {
    const { directory } = server.ostiary.deps
    const view = await directory.bySlug('test')
    if (!view) throw new Error('no environment')
    const actor = { type: 'system' as const, id: null }
    const origin = { environmentId: view.environment.id, appId: null, actor, requestId: null }
    return await judgePast(server.ostiary.deps, { view, origin, signal }, { rules: [] }, undefined, workMs)
  }
  test('of work: what was looked at by then is told', async () => {
    await pay(1)
    expect(await started(0)).toMatchObject({ lookedAt: 0, isComplete: false })
    const whole = await started(60_000)
    expect([whole.isComplete, whole.lookedAt > 0]).toEqual([true, true])
  })
  test('of whoever has gone: nothing more is looked at', async () => {
    await pay(1)
    expect(await started(60_000, AbortSignal.abort())).toMatchObject({ lookedAt: 0, isComplete: false })
  })

  test('200 rules over many actions hold nobody up', async () => {
    // Some ten milliseconds for an action, so that the twenty that are read together take twice what may be.
    const range = `[${Array.from({ length: 40 }, (_, index) => index).join(', ')}]`
    const rules = Array.from({ length: 200 }, (_, index) => ({
      name: `Rule ${index}`,
      condition: `${range}.exists(x, x + ${index} == 1000)`,
      outcome: 'REVIEW',
    }))
    for (let made = 0; made < 60; made++) await pay(made, { context: { ipAddress: '192.0.2.7' } })
    // What is read and compiled once is no part of it.
    await ofPast({ rules, limit: 2 })
    let worst = 0
    let at = process.threadCpuUsage()
    const beat = () => {
      const { user, system } = process.threadCpuUsage(at)
      worst = Math.max(worst, (user + system) / 1000)
      at = process.threadCpuUsage()
    }
    const heart = setInterval(beat, 1)
    try {
      expect(await ofPast({ rules, limit: 60 })).toMatchObject({ lookedAt: 60, isComplete: true })
      beat()
    } finally {
      clearInterval(heart)
    }
    expect(worst).toBeLessThan(100)
  })
})

/** Conditions of every kind: of the person, of the action, of neither; some err for some. */
const CONDITIONS = [
  'true',
  'false',
  'action.attributes.amount > 100',
  'has(action.attributes.amount) && action.attributes.amount == 7.0',
  'user.isNew',
  'user.hasPasskey',
  'user.email.endsWith("example.com")',
  'has(user.metadata.plan) && user.metadata.plan == "pro"',
  'device.known',
  'history.failures.hour > 0',
  'has(history.lastSignInAt) && now - history.lastSignInAt < duration("1h")',
  'ip.address == "192.0.2.7"',
  'ip.isNew',
  'userAgent.browser == "Firefox"',
  'now.getMinutes() % 2 == 0',
  'action.name == "signIn"',
  '!action.hasUser',
  'user.ageDays >= 0 && action.attributes.amount < 1.5',
]

test('the rules that are saved would have said what they said, of every action', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const chance = chanceOf(seed)
  const one = <T>(list: readonly T[]): T => list[chance.between(0, list.length)] as T
  const people: { to: string; id: string }[] = []
  for (let made = 0; made < 3; made++) {
    const to = fresh()
    const { user } = (await server.signIn(to)).body
    if (made === 1)
      await server.call('PATCH', `/v1/users/${user.id}`, { metadata: { plan: 'pro', __proto__x: 'ü' } })
    people.push({ to, id: user.id })
  }
  await later(server, 61_000)
  for (let round = 0; round < 12; round++) {
    await dropRules(server)
    for (let made = chance.between(0, 5); made >= 0; made--) {
      const outcome = one(['ALLOW', 'CHALLENGE', 'REVIEW', 'BLOCK'])
      const isAsking = outcome === 'CHALLENGE' || outcome === 'REVIEW'
      await addRule(server, {
        outcome,
        condition: one(CONDITIONS),
        priority: chance.between(0, 4),
        actionName: one([null, 'signIn', 'payOut']),
        mode: one(['live', 'live', 'shadow']),
        methods: isAsking ? one([[], ['passkey'], ['emailCode', 'passkey']]) : [],
        requires: 1,
      })
    }
    await server.call('PATCH', '/v1/settings', {
      action: { defaultOutcome: { other: one(['ALLOW', 'CHALLENGE', 'BLOCK']) } },
    })
    const since = now()
    for (let made = 0; made < 6; made++) {
      const person = one(people)
      const name = one(['signIn', 'payOut'])
      const to = chance.is(0.5) ? person.to : fresh()
      const isNamed = chance.is(0.5)
      const tracked = await track({
        name,
        attributes: one([{}, { amount: 7 }, { amount: 500 }, { amount: 'x', ü: [null, -0, 1e-7] }]),
        ...(isNamed && { userId: person.id }),
        ...(chance.is(0.5) && {
          context: { ipAddress: '192.0.2.7', userAgent: 'Mozilla/5.0 Firefox/140.0' },
        }),
      })
      server.clock.advance(31_000)
      if (tracked.state === 'CHALLENGE_REQUIRED' && tracked.nextStep.methods.includes('emailCode'))
        await prove(tracked, isNamed ? person.to : to, isNamed)
      // Limits of an address are not what this is about.
      await later(server, 20 * 60_000)
    }
    const answer = await ofPast({ since })
    expect({ ...answer, seed }).toMatchObject({ lookedAt: 6, skipped: 0, changed: 0, examples: [], seed })
    expect(answer.wouldBe).toEqual(answer.was)
  }
})
