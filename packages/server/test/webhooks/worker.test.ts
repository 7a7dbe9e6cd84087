import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseAddressList } from '../../src/core/addresses/address-list.ts'
import { retryAt } from '../../src/webhooks/backoff.ts'
import { type HandClock, type TestServer, testServer } from '../setup/server.ts'
import { type FaultyReceiver, ok, openFaultyReceiver, saying, silence } from './receiver.ts'

/** The worker by the real clock, with receivers that fail. */

const realClock: HandClock = { now: () => Date.now(), advance: () => {}, set: () => {} }
let server: TestServer
const receivers: FaultyReceiver[] = []
beforeAll(async () => {
  server = await testServer({ clock: realClock, webhookPrivateTargets: parseAddressList('127.0.0.1') })
})
afterEach(async () => {
  for (const { id } of (await server.get('/v1/webhooks')).body.data)
    await server.call('DELETE', `/v1/webhooks/${id}`)
  await Promise.all(receivers.splice(0).map(receiver => receiver.close()))
})
afterAll(() => server.stop())

async function open(answer: FaultyReceiver['answer'], body: object = {}) {
  const receiver = await openFaultyReceiver(answer)
  receivers.push(receiver)
  const made = await server.post('/v1/webhooks', { url: receiver.url, ...body })
  expect(made.status).toBe(201)
  return { receiver, id: made.body.id as string, secret: made.body.secret as string }
}
const deliveriesOf = async (id: string, query = '') =>
  (await server.get(`/v1/webhooks/${id}/deliveries?limit=100${query}`)).body.data
let count = 0
/** An event of a kind of its own: what the settings of an environment are is nobody's business here. */
const cause = async () => await server.call('PATCH', '/v1/settings', { brand: { name: `Acme ${++count}` } })

describe('the worker', () => {
  it('is woken by the commit, long before it would look', async () => {
    const { receiver } = await open(ok, { eventTypes: ['settings.updated'] })
    await cause()
    await expect.poll(() => receiver.requests.length, { timeout: 3000 }).toBe(1)
    await pause(1200)
    const begunAt = Date.now()
    await cause()
    await expect.poll(() => receiver.requests.length, { timeout: 3000, interval: 5 }).toBe(2)
    expect(Date.now() - begunAt).toBeLessThan(900)
  })

  it('lets a receiver that never answers hold up no other, and calls it five times at once at most', async () => {
    const dead = await open(silence, { eventTypes: ['settings.updated'] })
    const live = await open(ok, { eventTypes: ['settings.updated'] })
    for (let number = 0; number < 40; number++) await cause()
    await expect.poll(() => live.receiver.requests.length, { timeout: 5000 }).toBe(40)
    expect(dead.receiver.requests).toHaveLength(5)
    expect(live.receiver.verified(live.secret)).toHaveLength(40)
    await expect.poll(async () => (await deliveriesOf(live.id, '&status=delivered')).length).toBe(40)
    expect(await deliveriesOf(dead.id, '&status=pending')).toHaveLength(40)
  })

  it('tries a failure again by itself', { timeout: 20_000 }, async () => {
    const { receiver, id } = await open(saying(503), { eventTypes: ['settings.updated'] })
    await cause()
    await expect.poll(() => receiver.requests.length, { timeout: 3000 }).toBe(1)
    receiver.answer = ok
    await expect.poll(() => receiver.requests.length, { timeout: 9000 }).toBe(2)
    const [first, second] = receiver.requests
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(4900)
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    await expect.poll(async () => (await deliveriesOf(id))[0].status).toBe('delivered')
  })

  it('sends nothing more once the endpoint is deleted', async () => {
    const { receiver, id } = await open(saying(503), { eventTypes: ['settings.updated'] })
    await cause()
    await expect.poll(() => receiver.requests.length, { timeout: 3000 }).toBe(1)
    expect((await server.call('DELETE', `/v1/webhooks/${id}`)).status).toBe(204)
    await pause(6500)
    expect(receiver.requests).toHaveLength(1)
  })
})

describe('a server that stops', () => {
  it('waits five seconds for a receiver that does not answer, not fifteen', { timeout: 20_000 }, async () => {
    const own = await testServer({ clock: realClock, webhookPrivateTargets: parseAddressList('127.0.0.1') })
    const receiver = await openFaultyReceiver(silence)
    await own.post('/v1/webhooks', { url: receiver.url })
    await own.call('PATCH', '/v1/settings', { brand: { name: 'Acme' } })
    await expect.poll(() => receiver.requests.length, { timeout: 3000 }).toBe(1)
    const begunAt = Date.now()
    await own.stop()
    expect(Date.now() - begunAt).toBeLessThan(9000)
    await receiver.close()
  })
})

describe('the back-off', () => {
  it('takes 28 hours in all, adds a little by chance, and ends', () => {
    let now = 0
    let tries = 1
    for (let at = retryAt(tries, now, 1); at !== null; at = retryAt(++tries, now, 1)) now = at
    expect(tries).toBe(8)
    expect(now / 3_600_000).toBeGreaterThan(28)
    expect(now / 3_600_000).toBeLessThan(28.2)
    expect(retryAt(1, 0, 0)).toBe(5000)
  })
})

describe('with a receiver that never answers', () => {
  it('a sign-in takes as long as without one', { timeout: 60_000 }, async () => {
    const round = async () => {
      const times: number[] = []
      for (let number = 0; number < 25; number++) {
        const begunAt = performance.now()
        const answer = await server.signIn(`person${++count}@example.com`)
        expect(answer.status).toBe(200)
        times.push(performance.now() - begunAt)
      }
      return times.sort((a, b) => a - b)[12] ?? 0
    }
    const limits = { sendsPerIp: null }
    await server.call('PATCH', '/v1/settings', { limits })
    await round()
    const alone: number[] = []
    const beside: number[] = []
    for (let number = 0; number < 4; number++) {
      alone.push(await round())
      const { id, receiver } = await open(silence)
      beside.push(await round())
      await server.call('DELETE', `/v1/webhooks/${id}`)
      await receiver.close()
    }
    const median = (list: number[]) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
    console.log(
      `median of a sign-in: ${median(alone).toFixed(2)} ms alone, ${median(beside).toFixed(2)} ms beside`,
    )
    // A call that waited for the receiver would take 15 s; what is allowed here is the noise of a busy machine.
    expect(median(beside)).toBeLessThan(median(alone) * 2 + 5)
  })
})
