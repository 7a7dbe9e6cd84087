import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Answer, type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { codeOf, dump, fresh, later, send } from './world.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
// A window is counted in sixtieths: one who was refused waits at most so much longer.
const GRAIN = 61 / 60

// Each test from the start of a day of its own, with empty windows.
beforeEach(async () => {
  await later(server, 3 * DAY - (server.clock.now() % DAY))
})

const ask = (to: string, ipAddress?: string) =>
  server.post('/v1/challenges', { to, ...(ipAddress && { context: { ipAddress } }) })

/** Calls until one is refused; how many passed, and the refusal. */
async function until(
  limit: string,
  call: (index: number) => Promise<Answer>,
): Promise<{ passed: number; refused: Answer }> {
  for (let passed = 0; ; passed++) {
    const refused = await call(passed)
    if (refused.status !== 429) {
      expect(refused.status).toBeLessThan(300)
      continue
    }
    expectRefusal(refused, 'rate_limited')
    expect(refused.body.limit).toBe(limit)
    return { passed, refused }
  }
}

/** A network of its own for each index: /24 and /48 differ. */
const network = (index: number) => `10.${index >> 8}.${index & 255}.7`

describe('sends to one address', () => {
  test('from untold circumstances: 2 a minute, 10 an hour', async () => {
    const to = fresh()
    expect((await until('sendsPerAddressUntold', () => ask(to))).passed).toBe(2)
    for (let round = 1; round < 5; round++) {
      await later(server, 2 * MINUTE)
      expect((await until('sendsPerAddressUntold', () => ask(to))).passed).toBe(2)
    }
    await later(server, 2 * MINUTE)
    const { passed, refused } = await until('sendsPerAddressUntold', () => ask(to))
    expect(passed).toBe(0)
    expect(refused.body.retryAfterSeconds).toBeGreaterThan(45 * 60)
    await later(server, refused.body.retryAfterSeconds * 1000)
    expect((await ask(to)).status).toBe(201)
  })

  test('from one network: 2 a minute, 4 an hour, whichever of its hosts', async () => {
    const to = fresh()
    expect((await until('sendsPerAddressAndNetwork', index => ask(to, `203.0.113.${index}`))).passed).toBe(2)
    await later(server, 2 * MINUTE)
    expect((await until('sendsPerAddressAndNetwork', index => ask(to, `203.0.113.${index}`))).passed).toBe(2)
    await later(server, 2 * MINUTE)
    expect(
      (await until('sendsPerAddressAndNetwork', index => ask(to, `::ffff:203.0.113.${index}`))).passed,
    ).toBe(0)
    expect((await ask(to, '203.0.114.1')).status).toBe(201)
    const six = fresh()
    expect(
      (await until('sendsPerAddressAndNetwork', index => ask(six, `2001:db8:1:${index}::1`))).passed,
    ).toBe(2)
    expect((await ask(six, '2001:db8:2::1')).status).toBe(201)
  })

  test('from everywhere: 15 an hour, 40 a day', async () => {
    const to = fresh()
    let networks = 0
    const fromEverywhere = () => ask(to, network(networks++))
    expect((await until('sendsPerAddress', fromEverywhere)).passed).toBe(15)
    await later(server, HOUR * GRAIN)
    expect((await until('sendsPerAddress', fromEverywhere)).passed).toBe(15)
    await later(server, HOUR * GRAIN)
    const { passed, refused } = await until('sendsPerAddress', fromEverywhere)
    expect(passed).toBe(10)
    expect(refused.body.retryAfterSeconds).toBeGreaterThan(20 * 3600)
    await later(server, DAY)
    expect((await until('sendsPerAddress', fromEverywhere)).passed).toBe(15)
  })

  test('count resends and spellings of the address, and no other address', async () => {
    const to = fresh('Case')
    const { id } = (await ask(to)).body
    await later(server, 31_000)
    expect((await server.post(`/v1/challenges/${id}/resend`)).status).toBe(200)
    const third = await ask(to.toUpperCase())
    expectRefusal(third, 'rate_limited')
    expect((await ask(fresh())).status).toBe(201)
  })

  test('of which N + 1 come at once let exactly N pass', async () => {
    const to = fresh()
    const answers = await Promise.all(Array.from({ length: 16 }, (_, index) => ask(to, network(index))))
    expect(answers.filter(answer => answer.status === 201)).toHaveLength(15)
  })

  test('that were refused take nothing from any limit', async () => {
    const to = fresh()
    for (let round = 0; round < 20; round++) await ask(to, '203.0.113.7')
    const rows = (await dump(server, [])).limits?.filter(row => row.includes(to)) ?? []
    const counted = rows.map(row =>
      (JSON.parse(JSON.parse(row).hits) as [number, number][]).reduce((sum, [, n]) => sum + n, 0),
    )
    expect(counted).toEqual([2, 2])
  })
})

describe('sends from one IP address', () => {
  test('are 30 an hour from a host', async () => {
    expect((await until('sendsPerIp', () => ask(fresh(), '203.0.113.7'))).passed).toBe(30)
    expect((await ask(fresh(), '203.0.113.8')).status).toBe(201)
    await later(server, HOUR * GRAIN)
    expect((await ask(fresh(), '203.0.113.7')).status).toBe(201)
  })
  test('are 30 an hour from a /64', async () => {
    expect(
      (await until('sendsPerIp', index => ask(fresh(), `2001:db8:1:1::${index.toString(16)}`))).passed,
    ).toBe(30)
    expect((await ask(fresh(), '2001:db8:1:2::1')).status).toBe(201)
  })
  test('are ten times as many from a /24', async () => {
    await server.call('PATCH', '/v1/settings', { limits: { sendsPerIp: { hour: 3 } } })
    expect((await until('sendsPerIp', index => ask(fresh(), `203.0.113.${index}`))).passed).toBe(30)
    expect((await ask(fresh(), '203.0.112.1')).status).toBe(201)
    await server.call('PATCH', '/v1/settings', { limits: null })
  })
  test('are not limited when no address is told', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(fresh())))
    expect(answers.every(answer => answer.status === 201)).toBe(true)
  })
})

describe('wrong answers from one IP address', () => {
  test('are 60 in ten minutes, and then nothing is judged or spent', async () => {
    const context = { ipAddress: '203.0.113.7' }
    const challenges: Answer['body'][] = []
    for (let round = 0; round < 13; round++) challenges.push(await send(server, { to: fresh() }))
    const guess = async (index: number) => {
      const path = `/v1/challenges/${challenges[Math.floor(index / 5)]?.id}/verify`
      const answer = await server.post(path, { code: 'x', context })
      return answer.status === 400 ? { ...answer, status: 200 } : answer
    }
    const { passed, refused } = await until('wrongPerIp', guess)
    expect(passed).toBe(60)
    const last = challenges[12]
    expect((await server.get(`/v1/challenges/${last.id}`)).body.attemptsLeft).toBe(5)
    const code = await codeOf(server, last.id)
    expectRefusal(await server.post(`/v1/challenges/${last.id}/verify`, { code, context }), 'rate_limited')
    // The owner, from elsewhere, is not held up.
    const owner = { ipAddress: '198.51.100.1' }
    expect((await server.post(`/v1/challenges/${last.id}/verify`, { code, context: owner })).status).toBe(200)
    await later(server, refused.body.retryAfterSeconds * 1000)
    const next = await send(server, { to: fresh() })
    expect((await server.post(`/v1/challenges/${next.id}/verify`, { code: 'x', context })).status).toBe(400)
  })
  test('do not count right ones', async () => {
    await server.call('PATCH', '/v1/settings', { limits: { wrongPerIp: { tenMinutes: 1 } } })
    for (let round = 0; round < 3; round++) {
      const { id } = await send(server, { to: fresh() })
      const code = await codeOf(server, id)
      const context = { ipAddress: '203.0.113.9' }
      expect((await server.post(`/v1/challenges/${id}/verify`, { code, context })).status).toBe(200)
    }
    await server.call('PATCH', '/v1/settings', { limits: null })
  })
})

describe('a limit that fires', () => {
  test('is told by one event for its key and window, with a count', async () => {
    const to = fresh()
    const fired = async () =>
      (await server.get('/v1/events?type=limit.fired&limit=100')).body.data
        .map((event: { data: Record<string, unknown> }) => event.data)
        .filter((data: { key: string }) => data.key === to)
    const told = (refusals: number) => ({
      limit: 'sendsPerAddressUntold',
      key: to,
      refusals,
      endsAt: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    await ask(to)
    await ask(to)
    for (let round = 0; round < 4; round++) await ask(to)
    expect(await fired()).toEqual([told(4)])
    await later(server, 2 * MINUTE)
    for (let round = 0; round < 3; round++) await ask(to)
    expect(await fired()).toEqual([told(1), told(4)])
  })
})

/**
 * Promise 9: three hostile networks send to the owner's address whatever they can for a whole day; at every hour the
 * owner comes from a network that nobody has seen, with a first challenge, and signs in.
 */
test('three hostile networks cannot stop the owner at any hour of a day', async () => {
  const hostile = ['203.0.113.', '198.51.100.', '192.0.2.']
  const victims = Array.from({ length: 24 }, (_, index) => ({ hour: index, to: fresh('owner') }))
  for (const { to } of victims.slice(0, 3)) await server.signIn(to)
  await later(server, 2 * DAY)
  const start = server.clock.now()
  let mails = 0
  for (let step = 0; step < 24 * 4; step++) {
    const hour = Math.floor(step / 4)
    for (const { to, hour: due } of victims) {
      // Each is attacked from the first hour to its own; every quarter of an hour, from many hosts, until refused.
      if (hour > due) continue
      for (const [index, net] of hostile.entries())
        for (let round = 0; ; round++) {
          const answer = await ask(to, `${net}${(step * 4 + round) % 250}`)
          if (answer.status === 429) break
          mails++
          // Half of what they get they also guess at, which makes new codes long but never a lock.
          if (round === 0 && index === 0 && step % 8 === 0)
            await server.post(`/v1/challenges/${answer.body.id}/verify`, {
              code: 'x',
              context: { ipAddress: `${net}${step % 250}` },
            })
        }
    }
    await later(server, 14 * MINUTE)
    if (step % 4 === 3) {
      const owner = victims[hour] as { to: string }
      const context = { ipAddress: network(1000 + hour), userAgent: 'new device' }
      const sent = await server.post('/v1/challenges', { to: owner.to, context })
      expect(sent, `hour ${hour}: ${JSON.stringify(sent.body)}`).toMatchObject({ status: 201 })
      const code = await codeOf(server, sent.body.id)
      const verified = await server.post(`/v1/challenges/${sent.body.id}/verify`, { code, context })
      expect(verified, `hour ${hour}: ${JSON.stringify(verified.body)}`).toMatchObject({ status: 200 })
    }
    await later(server, MINUTE)
  }
  expect(server.clock.now() - start).toBe(DAY)
  expect(mails).toBeGreaterThan(300)
}, 60_000)
