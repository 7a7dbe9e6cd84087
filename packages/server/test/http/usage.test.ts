import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Event } from '../../src/core/rows.ts'
import type { NetworkBook } from '../../src/core/signals/networks.ts'
import { bucketOf } from '../../src/core/usage/figures.ts'
import { handClock, isOnPostgres, type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { fresh, later, purge, wrongCode } from './world.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What the file of the operator tells by now; XX is no country. */
const told: Record<string, string> = { '192.0.2.1': 'DE', '198.51.100.1': 'JP', '203.0.113.1': 'XX' }
const networks: NetworkBook = {
  lookup: address => (told[address] === undefined ? {} : { country: told[address] }),
}
/** From where each challenge was asked for, as the file said at that moment. */
const countries = new Map<string, string | null>()

let server: TestServer
beforeAll(async () => {
  // Its own: it goes on over restarts.
  server = await testServer({ clock: handClock(), networks })
  await server.call('PATCH', '/v1/settings', { retentionDays: { events: 1 } })
  const rule = { name: 'never', actionName: 'payOut', condition: 'true', outcome: 'BLOCK' }
  expect((await server.post('/v1/rules', rule)).status).toBe(201)
  await later(server, 2000)
})
afterAll(() => server.stop())

/** Every event there ever was, also those that are purged by now. */
const seen = new Map<string, Event>()
async function collect() {
  await server.ostiary.drain()
  const view = await server.ostiary.deps.directory.bySlug('test')
  const filter = { type: null, userId: null, challengeId: null, actionId: null, sessionId: null }
  let before: string | null = null
  do {
    const page = { limit: 500, before, createdAfter: null, createdBefore: null }
    const { rows } = await server.ostiary.store.listEvents(view?.environment.id ?? '', filter, page)
    for (const event of rows) seen.set(event.id, event)
    before = rows.length === 500 ? (rows.at(-1)?.id ?? null) : null
  } while (before !== null)
}

const stats = async (query = '') =>
  (await server.get(`/v1/stats?from=2026-11-21&to=2027-10-01&${query}`)).body
const WAYS: Record<string, string> = {
  code: 'emailCode',
  link: 'emailLink',
  codeAndLink: 'emailCodeAndLink',
}

/** Counts the events anew, in the plainest way: nothing of the figures' own code. */
function recount(events: Event[]) {
  const begun = (event: Event) =>
    [...seen.values()].find(one => one.type === 'challenge.created' && one.challengeId === event.challengeId)
  const of = (type: string) => events.filter(event => event.type === type)
  const isDecoy = (event: Event) => begun(event)?.data.isDecoy === true
  const failures: Record<string, number> = {}
  const fail = (reason: string, count: number) => {
    if (count > 0) failures[reason] = (failures[reason] ?? 0) + count
  }
  fail('noAccount', of('challenge.created').filter(isDecoy).length)
  fail('wrongCode', of('challenge.attempt_failed').length)
  fail('exhausted', of('challenge.exhausted').length)
  fail('bounced', of('message.bounced').length)
  fail('mailFailed', of('message.failed').filter(event => !isDecoy(event)).length)
  for (const event of of('limit.fired')) fail(`limit:${event.data.limit}`, 1)
  const took = of('challenge.verified')
    .map(event => bucketOf(event.createdAt - (begun(event)?.createdAt ?? 0)))
    .sort((one, other) => one - other)
  return {
    asked: of('challenge.created').length,
    resent: of('challenge.resent').length,
    sent: of('message.sent').filter(event => event.challengeId !== null).length,
    delivered: of('message.delivered').length,
    verified: of('challenge.verified').length,
    sessions: of('session.created').length,
    medianSecondsToVerify: took.length === 0 ? null : took[Math.ceil(took.length / 2) - 1],
    passkeyShare: took.length === 0 ? null : 0,
    blockedByRule: of('action.tracked').filter(event => event.data.outcome === 'BLOCK').length,
    failures: Object.entries(failures)
      .map(([reason, count]) => ({ reason, count }))
      .sort((one, other) => (one.reason < other.reason ? -1 : 1)),
  }
}

function grouped(keyOf: (event: Event) => string | null) {
  const counted = [...seen.values()].filter(
    event =>
      /^(challenge\.(created|resent|verified|attempt_failed|exhausted)|limit\.fired|session\.created)$/.test(
        event.type,
      ) ||
      (event.type === 'action.tracked' && event.data.outcome === 'BLOCK') ||
      (/^message\.(sent|delivered|bounced|failed)$/.test(event.type) && event.challengeId !== null),
  )
  const keys = [...new Set(counted.map(keyOf))].sort((one, other) => ((one ?? '') < (other ?? '') ? -1 : 1))
  return keys.map(key => ({ key, ...recount(counted.filter(event => keyOf(event) === key)) }))
}

const dayOf = (event: Event) => new Date(event.createdAt).toISOString().slice(0, 10)
function wayOf({ challengeId }: Event): string | null {
  const created = [...seen.values()].find(
    one => one.type === 'challenge.created' && one.challengeId === challengeId,
  )
  return created ? (WAYS[String(created.data.credential)] ?? null) : null
}

const COUNTRY = /^(DE|AT|JP)$/
let to = fresh()
let challengeId = ''
const STEPS = {
  async ask(way: string) {
    to = fresh()
    await STEPS.askAgain(way)
  },
  async askAgain(way: string) {
    const [credential, ipAddress] = way.split(' ')
    const redirectUrl = credential === 'code' ? undefined : 'http://localhost:3000/cb'
    const context = ipAddress && { ipAddress }
    const { body } = await server.post('/v1/challenges', { to, credential, redirectUrl, context })
    if (body.id === undefined) return
    challengeId = body.id
    countries.set(challengeId, COUNTRY.exec(told[ipAddress ?? ''] ?? '')?.[0] ?? null)
  },
  /** Another file comes: what was asked for before stays where it was. */
  async changeFile(country: string) {
    told['192.0.2.1'] = country
  },
  async askForNobody() {
    await server.post('/v1/challenges', { to: fresh(), userMode: 'existing' })
  },
  async answer(isRight: boolean) {
    await server.ostiary.drain()
    const { body } = await server.get(`/v1/messages?challengeId=${challengeId}`)
    const code = body.data?.[0]?.code
    if (code)
      await server.post(`/v1/challenges/${challengeId}/verify`, { code: isRight ? code : wrongCode(code) })
  },
  async report(kind: 'bounced' | 'delivered') {
    await server.ostiary.drain()
    const { body } = await server.get(`/v1/messages?challengeId=${challengeId}`)
    const messageId = body.data?.[0]?.id
    // A report that is younger than what is kept of its challenge counts without a way; not here.
    if (messageId && server.clock.now() - Date.parse(body.data[0].createdAt) < HOUR)
      await server.ostiary.store.recordDelivery({ messageId, kind, detail: null, now: server.clock.now() })
  },
  block: () => server.post('/v1/actions', { name: 'payOut' }),
  resend: () => server.post(`/v1/challenges/${challengeId}/resend`, {}),
  wait: (ms: number) => later(server, ms),
  async count() {
    await collect()
    await purge(server)
  },
  async restart() {
    await server.ostiary.drain()
    server = await server.reopen()
  },
}

const fromSomewhere = fc.constantFrom(
  'code 192.0.2.1',
  'codeAndLink 192.0.2.1',
  'code 198.51.100.1',
  'code 203.0.113.1',
  'code 203.0.113.2',
)
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constant('ask'),
      fc.oneof(fc.constantFrom('code', 'link', 'codeAndLink'), fromSomewhere),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constant('askAgain'),
      fc.oneof(fc.constantFrom('code', 'codeAndLink'), fromSomewhere),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('changeFile'), fc.constantFrom('DE', 'AT')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('askForNobody'), fc.constant('')) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('answer'), fc.boolean()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('report'), fc.constantFrom('bounced', 'delivered')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('block'), fc.constant('')) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('resend'), fc.constant('')) },
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constant('wait'),
      fc.constantFrom(1000, 31_000, 3 * MINUTE, 40 * MINUTE, 5 * HOUR, 26 * HOUR),
    ),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('count'), fc.constant('')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('restart'), fc.constant('')) },
)

// Nothing of it is of an unknown country, so there is no such group.
const KNOWN_PLACE_ALONE: [string, string | number | boolean][] = [
  ['ask', 'codeAndLink 192.0.2.1'],
  ['answer', true],
  ['wait', 26 * HOUR],
  ['count', ''],
]

describe('GET /v1/stats', () => {
  test('is what a recount of all events gives, over restarts and purging', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async steps => {
        for (const [name, value] of steps)
          await (STEPS as Record<string, (value: unknown) => unknown>)[name]?.(value)
        await later(server, 3 * MINUTE)
        await STEPS.count()
        const all = [...seen.values()]
        const byDay = await stats('by=day')
        expect(byDay.total).toEqual({ key: null, ...recount(all) })
        expect(byDay.data).toEqual(grouped(dayOf))
        expect((await stats('by=method')).data).toEqual(grouped(wayOf))
        expect((await stats('by=channel')).data).toEqual(
          grouped(event => (event.challengeId ? 'email' : null)),
        )
        expect((await stats('by=country')).data).toEqual(
          grouped(event => countries.get(event.challengeId ?? '') ?? null).map(group => ({
            ...group,
            medianSecondsToVerify: null,
          })),
        )
      }),
      { numRuns: isOnPostgres ? 6 : 12, endOnFailure: true, examples: [[KNOWN_PLACE_ALONE]] },
    )
    // What was counted was purged meanwhile: the figures are all that is left.
    await later(server, 3 * DAY)
    await purge(server)
    const view = await server.ostiary.deps.directory.bySlug('test')
    const filter = {
      type: 'challenge.created',
      userId: null,
      challengeId: null,
      actionId: null,
      sessionId: null,
    }
    const page = { limit: 10, before: null, createdAfter: null, createdBefore: null }
    expect((await server.ostiary.store.listEvents(view?.environment.id ?? '', filter, page)).rows).toEqual([])
    expect((await stats()).total.asked).toBeGreaterThan(5)
  })

  test('counts no event before it is two minutes old, and none is purged uncounted', async () => {
    const day = new Date(server.clock.now()).toISOString().slice(0, 10)
    const today = async () => (await server.get(`/v1/stats?from=${day}&to=${day}`)).body
    const { asked } = (await today()).total
    await STEPS.ask('code')
    await later(server, MINUTE)
    await purge(server)
    expect((await today()).total.asked).toBe(asked)
    await later(server, MINUTE + 1)
    await purge(server)
    expect((await today()).total.asked).toBe(asked + 1)
    expect(Date.parse((await today()).countedTo)).toBe(server.clock.now() - 2 * MINUTE)
    await collect()
  })

  test('counts passkeys and keeps to its environment', async () => {
    const live = await server.call('GET', '/v1/stats', undefined, { key: server.liveKey })
    expect(live.body).toMatchObject({ by: 'day', total: { asked: 0, failures: [] }, data: [] })
    expect((await server.post('/v1/challenges', { method: 'passkey' })).status).toBe(201)
    await later(server, 3 * MINUTE)
    await purge(server)
    expect((await stats('by=method')).data).toContainEqual(
      expect.objectContaining({ key: 'passkey', asked: 1 }),
    )
  })

  test('tells the country of whoever asked, for ever, in all that became of it', async () => {
    const day = new Date(server.clock.now()).toISOString().slice(0, 10)
    const asked = async () => {
      const { data } = (await server.get(`/v1/stats?from=${day}&to=${day}&by=country`)).body
      return Object.fromEntries(
        data.map((one: Record<string, unknown>) => [one.key, [one.asked, one.verified]]),
      )
    }
    const before = await asked()
    told['192.0.2.1'] = 'FR'
    await STEPS.ask('code 192.0.2.1')
    // Between asking and proof the file changes, and the first half is counted.
    told['192.0.2.1'] = 'ES'
    await later(server, 3 * MINUTE)
    await purge(server)
    expect(await asked()).toEqual({ ...before, FR: [1, 0] })
    await STEPS.answer(true)
    const passkey = { method: 'passkey', context: { ipAddress: '192.0.2.1' } }
    expect((await server.post('/v1/challenges', passkey)).status).toBe(201)
    await later(server, 3 * MINUTE)
    await purge(server)
    expect(await asked()).toEqual({ ...before, FR: [1, 1], ES: [1, 0] })
    // How long it took would be a row for each second of each country.
    const database = new DatabaseSync(await server.snapshot(), { readOnly: true })
    const timed = "SELECT DISTINCT country FROM usage_counts WHERE metric = 'tookSeconds'"
    expect(database.prepare(timed).all()).toEqual([{ country: '' }])
    database.close()
    await collect()
  })

  test('takes whole days in order, 366 at most, and the last thirty by itself', async () => {
    const { from, to: until } = (await server.get('/v1/stats')).body
    expect((Date.parse(until) - Date.parse(from)) / DAY).toBe(29)
    for (const query of [
      'from=2026-11-22&to=2026-11-21',
      'from=2026-01-01&to=2027-01-02',
      'from=2026-02-30',
      'from=yesterday',
      'by=user',
      'day=1',
    ])
      expectRefusal(await server.get(`/v1/stats?${query}`), 'invalid_request')
    expect((await server.get('/v1/stats?from=2026-01-01&to=2027-01-01')).status).toBe(200)
  })
})

test('the buckets of durations rise, and none is wider than a minute', () => {
  fc.assert(
    fc.property(fc.nat(3_600_000), ms => {
      const bucket = bucketOf(ms)
      expect(bucket).toBeLessThanOrEqual(ms / 1000)
      expect(ms / 1000 - bucket).toBeLessThan(60)
      expect(bucketOf(bucket * 1000)).toBe(bucket)
    }),
  )
  expect(bucketOf(-5)).toBe(0)
})
