import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parseAddressList } from '../../src/core/addresses/address-list.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import {
  endless,
  type FaultyReceiver,
  ok,
  openFaultyReceiver,
  saying,
  verifyAt,
} from '../webhooks/receiver.ts'
import { expectRefusal } from './answers.ts'
import { fresh, later, mailbox, purge, send } from './world.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let server: TestServer
let receiver: FaultyReceiver
const made: string[] = []
beforeAll(async () => {
  server = await testServer({
    transport: mailbox(),
    webhookPrivateTargets: parseAddressList('127.0.0.1'),
  })
  receiver = await openFaultyReceiver()
})
afterEach(async () => {
  for (const id of made.splice(0)) await server.call('DELETE', `/v1/webhooks/${id}`)
  await server.ostiary.drain()
  // What happens in the next test is later than what happened in this one.
  server.clock.advance(MINUTE)
  receiver.answer = ok
  receiver.requests.length = 0
})
afterAll(async () => {
  await server.stop()
  await receiver.close()
})

async function create(body: Record<string, unknown> = {}) {
  const { status, body: endpoint } = await server.post('/v1/webhooks', { url: receiver.url, ...body })
  expect(status, JSON.stringify(endpoint)).toBe(201)
  made.push(endpoint.id)
  return endpoint as { id: string; secret: string; status: string; url: string }
}
const get = async (id: string) => (await server.get(`/v1/webhooks/${id}`)).body
const deliveriesOf = async (id: string, query = '') =>
  (await server.get(`/v1/webhooks/${id}/deliveries?limit=100${query}`)).body.data
const eventsOf = async (type: string) => (await server.get(`/v1/events?type=${type}&limit=100`)).body.data

describe('an endpoint', () => {
  test('is made with a secret that is shown once, changed, read and deleted', async () => {
    const endpoint = await create({ eventTypes: ['user.created', 'session.created', 'user.created'] })
    expect(endpoint.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const read = await get(endpoint.id)
    expect(read).toEqual({
      id: endpoint.id,
      url: receiver.url,
      eventTypes: ['session.created', 'user.created'],
      status: 'enabled',
      disabledReason: null,
      previousSecretUntil: null,
      failingSince: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    const patched = await server.call('PATCH', `/v1/webhooks/${endpoint.id}`, {
      eventTypes: null,
      status: 'disabled',
    })
    expect(patched.body).toMatchObject({ eventTypes: null, status: 'disabled', disabledReason: 'manual' })
    expect((await server.get('/v1/webhooks')).body.data[0]).toEqual(patched.body)
    expect((await server.call('DELETE', `/v1/webhooks/${endpoint.id}`)).status).toBe(204)
    expectRefusal(await server.get(`/v1/webhooks/${endpoint.id}`), 'not_found')
    expectRefusal(await server.get(`/v1/webhooks/${endpoint.id}/deliveries`), 'not_found')
    const told = ['created', 'updated', 'disabled', 'deleted'].map(what =>
      eventsOf(`webhook_endpoint.${what}`),
    )
    for (const [event] of await Promise.all(told)) {
      expect(event.data.webhookEndpointId).toBe(endpoint.id)
      expect(JSON.stringify(event)).not.toMatch(/127\.0\.0\.1|whsec_/)
    }
  })

  test('the twenty-first of an environment is refused', async () => {
    for (let number = 0; number < 20; number++) await create()
    expectRefusal(await server.post('/v1/webhooks', { url: receiver.url }), 'state_conflict')
  })

  test('an Idempotency-Key makes one, and shows its secret again', async () => {
    const ask = () =>
      server.post('/v1/webhooks', { url: receiver.url }, { 'Idempotency-Key': `endpoint-${made.length}` })
    const [first, second] = [await ask(), await ask()]
    made.push(first.body.id)
    expect(second.body).toEqual(first.body)
    expect((await server.get('/v1/webhooks')).body.data).toHaveLength(1)
  })
})

describe('a delivery', () => {
  test('is posted for each event, signed, with the event as GET /v1/events shows it', async () => {
    const endpoint = await create()
    const to = fresh('hook')
    const signedIn = await server.signIn(to)
    await server.ostiary.drain()
    const payloads = receiver.verified(endpoint.secret)
    const types = payloads.map(({ type }) => type)
    for (const type of [
      'challenge.created',
      'message.sent',
      'challenge.verified',
      'user.created',
      'session.created',
    ])
      expect(types.filter(one => one === type)).toHaveLength(1)
    const events: { id: string; type: string; createdAt: string }[] = (
      await server.get(`/v1/events?userId=${signedIn.body.user.id}`)
    ).body.data
    for (const event of events) {
      const index = payloads.findIndex(({ data }) => data.id === event.id)
      expect(payloads[index]).toEqual({ type: event.type, timestamp: event.createdAt, data: event })
      expect(receiver.requests[index]?.headers['webhook-id']).toBe(event.id)
    }
    const log = await deliveriesOf(endpoint.id)
    expect(log).toHaveLength(payloads.length)
    for (const one of log) {
      expect(one).toMatchObject({ status: 'delivered', failures: 0, nextTryAt: null, webhookId: one.eventId })
      expect(one.lastTry).toMatchObject({ status: 200, answer: 'thanks', error: null })
      expect(one.id).toMatch(/^dlv_0[0-9a-z]{25}$/)
    }
    // Promise 5: nothing that signs in.
    const code = (await server.message({ to })).code
    const posted = receiver.requests.map(({ body }) => body).join()
    for (const secret of [code, signedIn.body.tokens.refreshToken, server.key, endpoint.secret, to])
      expect(posted).not.toContain(secret)
  })

  test('comes only for the types that the endpoint subscribes to, and only from its environment', async () => {
    const some = await create({ eventTypes: ['user.created'] })
    await server.signIn(fresh('some'))
    await send(server, { to: fresh('live') }, server.liveKey)
    await server.ostiary.drain()
    expect((await deliveriesOf(some.id)).map((one: { eventType: string }) => one.eventType)).toEqual([
      'user.created',
    ])
  })

  test('keeps the first KB of an answer, without control characters', async () => {
    receiver.answer = saying(200, `\u0000\u001b[2J${'ä'.repeat(2000)}`)
    const endpoint = await create({ eventTypes: ['user.created'] })
    await server.signIn(fresh('kb'))
    await server.ostiary.drain()
    const [one] = await deliveriesOf(endpoint.id)
    expect(Buffer.byteLength(one.lastTry.answer)).toBeLessThanOrEqual(1024)
    expect(one.lastTry.answer).toMatch(/^\[2Jä+/)
  })

  test('an answer that never ends is read to its bound, and its status counts', async () => {
    receiver.answer = endless
    const endpoint = await create({ eventTypes: ['user.created'] })
    const begunAt = Date.now()
    await server.signIn(fresh('endless'))
    await server.ostiary.drain()
    expect(Date.now() - begunAt).toBeLessThan(5000)
    const [one] = await deliveriesOf(endpoint.id)
    expect(one).toMatchObject({ status: 'delivered', lastTry: { status: 200 } })
    expect(one.lastTry.answer).toHaveLength(1024)
  })

  test('that fails is tried eight times over some 28 hours, under the same id, then is failed', async () => {
    receiver.answer = saying(500, 'no')
    const endpoint = await create({ eventTypes: ['user.created'] })
    await server.signIn(fresh('again'))
    const begunAt = server.clock.now()
    const waits: number[] = []
    for (;;) {
      await server.ostiary.drain()
      const [one] = await deliveriesOf(endpoint.id)
      if (one.nextTryAt === null) break
      waits.push(Date.parse(one.nextTryAt) - server.clock.now())
      server.clock.set(Date.parse(one.nextTryAt))
    }
    const [one] = await deliveriesOf(endpoint.id)
    expect(one).toMatchObject({ status: 'failed', failures: 8, lastTry: { status: 500, answer: 'no' } })
    expect(receiver.requests).toHaveLength(8)
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    for (const [index, step] of [
      5_000,
      5 * MINUTE,
      30 * MINUTE,
      2 * HOUR,
      5 * HOUR,
      10 * HOUR,
      10 * HOUR,
    ].entries())
      expect(waits[index]).toSatisfy((wait: number) => wait >= step && wait <= step * 1.021)
    expect((server.clock.now() - begunAt) / HOUR).toSatisfy((hours: number) => hours > 27.5 && hours < 28.2)
    expect((await get(endpoint.id)).failingSince).not.toBeNull()
    receiver.verified(endpoint.secret)
  })

  test('redirects are not followed, and count as failures', async () => {
    const other = await openFaultyReceiver()
    receiver.answer = saying(302, '', { Location: other.url })
    const endpoint = await create({ eventTypes: ['user.created'] })
    await server.signIn(fresh('redirect'))
    await server.ostiary.drain()
    expect(other.requests).toHaveLength(0)
    expect((await deliveriesOf(endpoint.id))[0]).toMatchObject({
      status: 'pending',
      lastTry: { status: 302, error: 'redirects are not followed' },
    })
    await other.close()
  })

  test('of a receiver that is down arrives when it is back', async () => {
    const endpoint = await create({ eventTypes: ['user.created'] })
    await receiver.down()
    await server.signIn(fresh('down'))
    await server.ostiary.drain()
    expect((await deliveriesOf(endpoint.id))[0]).toMatchObject({
      status: 'pending',
      failures: 1,
      lastTry: { status: null, error: expect.stringMatching(/ECONNREFUSED/) },
    })
    await receiver.up()
    await later(server, 6_000)
    await server.ostiary.drain()
    expect(receiver.verified(endpoint.secret)).toHaveLength(1)
    expect((await get(endpoint.id)).failingSince).toBeNull()
  })
})

describe('an endpoint that', () => {
  test('answers 410 is disabled at once, with an event, and what waits for it stays', async () => {
    receiver.answer = saying(410)
    const endpoint = await create({ eventTypes: ['user.created'] })
    await server.signIn(fresh('gone'))
    await server.ostiary.drain()
    expect(await get(endpoint.id)).toMatchObject({ status: 'disabled', disabledReason: 'gone' })
    expect((await deliveriesOf(endpoint.id))[0]).toMatchObject({ status: 'failed', lastTry: { status: 410 } })
    const told = (await eventsOf('webhook_endpoint.disabled')).filter(
      (event: { data: { webhookEndpointId: string } }) => event.data.webhookEndpointId === endpoint.id,
    )
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({ actor: { type: 'system' }, data: { reason: 'gone' } })
    const before = receiver.requests.length
    await server.signIn(fresh('after'))
    await server.ostiary.drain()
    expect(receiver.requests).toHaveLength(before)
    expectRefusal(await server.post(`/v1/webhooks/${endpoint.id}/test`), 'state_conflict')
    expectRefusal(
      await server.post(`/v1/webhooks/${endpoint.id}/replay`, { since: new Date(0).toISOString() }),
      'state_conflict',
    )
  })

  test('fails for five days without a success is disabled; a success in between begins anew', async () => {
    receiver.answer = saying(500)
    const endpoint = await create({ eventTypes: ['user.created'] })
    const fail = async () => {
      await server.signIn(fresh('fail'))
      await server.ostiary.drain()
    }
    await fail()
    await later(server, 4 * DAY)
    await fail()
    receiver.answer = ok
    await fail()
    expect((await get(endpoint.id)).failingSince).toBeNull()
    receiver.answer = saying(500)
    await fail()
    await later(server, 5 * DAY - MINUTE)
    await fail()
    expect((await get(endpoint.id)).status).toBe('enabled')
    await later(server, 2 * MINUTE)
    await fail()
    expect(await get(endpoint.id)).toMatchObject({ status: 'disabled', disabledReason: 'failing' })
    const enabled = await server.call('PATCH', `/v1/webhooks/${endpoint.id}`, { status: 'enabled' })
    expect(enabled.body).toMatchObject({ status: 'enabled', disabledReason: null, failingSince: null })
  })

  test('is disabled is told of once, by mail, to each mailbox that the settings name', async () => {
    const noticeTo = async (list: unknown) =>
      await server.call('PATCH', '/v1/settings', { webhooks: { noticeTo: list } })
    for (const wrong of [['nobody'], ['a@b'], Array(6).fill('ops@example.com'), 'ops@example.com'])
      expectRefusal(await noticeTo(wrong), 'invalid_request', ['errors'])
    const [ops, second] = [fresh('ops'), fresh('second')]
    const saved = await noticeTo([ops, ops.toUpperCase(), second])
    expect(saved.body.webhooks.noticeTo).toEqual([ops, ops.toUpperCase(), second])
    const toldTo = async (to: string) => (await server.get(`/v1/messages?to=${to}`)).body.data

    receiver.answer = saying(410)
    const endpoint = await create({ eventTypes: ['user.created'], url: `${receiver.url}/secret-of-theirs` })
    // Many tries find out at once.
    for (let number = 0; number < 5; number++) await server.post('/v1/users', { email: fresh() })
    await server.ostiary.drain()
    for (const to of [ops, second]) {
      const [mail, ...more] = await toldTo(to)
      expect(more).toEqual([])
      expect(mail).toMatchObject({
        notice: 'webhookDisabled',
        challengeId: null,
        status: 'sent',
        code: null,
        link: null,
        subject: `Webhooks to ${new URL(receiver.url).host} have stopped`,
      })
      expect(mail.text).toContain(endpoint.id)
      expect(mail.text).toContain('410')
      expect(`${mail.text}${mail.html}`).not.toContain('secret-of-theirs')
    }
    const queued = (await eventsOf('message.queued')).filter(
      (event: { data: { webhookEndpointId?: string } }) => event.data.webhookEndpointId === endpoint.id,
    )
    expect(queued).toHaveLength(2)
    expect(queued[0]).toMatchObject({ userId: null, challengeId: null, actor: { type: 'system' } })

    // By hand, it is no news.
    await server.call('PATCH', `/v1/webhooks/${endpoint.id}`, { status: 'enabled' })
    receiver.answer = ok
    await server.call('PATCH', `/v1/webhooks/${endpoint.id}`, { status: 'disabled' })
    await server.ostiary.drain()
    expect(await toldTo(ops)).toHaveLength(1)

    // Where nobody is named nobody is told.
    expect((await noticeTo(null)).body.webhooks.noticeTo).toEqual([])
    receiver.answer = saying(410)
    const other = await create({ eventTypes: ['user.created'] })
    await server.post('/v1/users', { email: fresh() })
    await server.ostiary.drain()
    expect(await get(other.id)).toMatchObject({ status: 'disabled', disabledReason: 'gone' })
    expect(await toldTo(ops)).toHaveLength(1)
    await purge(server)
    expect(await server.violations()).toEqual([])
  })

  test('was disabled by hand goes on where it was when it is enabled, and can replay what it missed', async () => {
    receiver.answer = saying(500)
    const endpoint = await create({ eventTypes: ['user.created'] })
    await server.signIn(fresh('waits'))
    await server.ostiary.drain()
    receiver.answer = ok
    await server.call('PATCH', `/v1/webhooks/${endpoint.id}`, { status: 'disabled' })
    const since = new Date(server.clock.now()).toISOString()
    await later(server, MINUTE)
    await server.signIn(fresh('missed'))
    await server.ostiary.drain()
    expect(receiver.requests).toHaveLength(1)
    await server.call('PATCH', `/v1/webhooks/${endpoint.id}`, { status: 'enabled' })
    await server.ostiary.drain()
    expect(receiver.requests).toHaveLength(2)
    const replayed = await server.post(`/v1/webhooks/${endpoint.id}/replay`, { since, which: 'undelivered' })
    expect(replayed.body).toEqual({ queued: 1, nextSince: null })
    await server.ostiary.drain()
    expect(new Set(receiver.verified(endpoint.secret).map(({ data }) => data.id)).size).toBe(2)
  })
})

describe('a replay', () => {
  test('sends one again under the same webhook-id', async () => {
    const endpoint = await create({ eventTypes: ['user.created'] })
    await server.signIn(fresh('one'))
    await server.ostiary.drain()
    const [one] = await deliveriesOf(endpoint.id)
    const answer = await server.post(`/v1/webhooks/${endpoint.id}/replay`, { deliveryId: one.id })
    expect(answer.body).toEqual({ queued: 1, nextSince: null })
    await server.ostiary.drain()
    expect(receiver.requests).toHaveLength(2)
    const [first, second] = receiver.verified(endpoint.secret)
    expect(second).toEqual(first)
    expect(receiver.requests[1]?.headers['webhook-id']).toBe(receiver.requests[0]?.headers['webhook-id'])
    expect(await deliveriesOf(endpoint.id)).toHaveLength(1)
  })

  test('sends all since an instant again, of its types only', async () => {
    await server.signIn(fresh('before'))
    server.clock.advance(MINUTE)
    const since = new Date(server.clock.now()).toISOString()
    for (const name of ['a', 'b', 'c']) await server.signIn(fresh(name))
    const endpoint = await create({ eventTypes: ['user.created'] })
    const replay = (body: object) => server.post(`/v1/webhooks/${endpoint.id}/replay`, body)
    expect((await replay({ since })).body).toEqual({ queued: 3, nextSince: null })
    await server.ostiary.drain()
    expect(receiver.verified(endpoint.secret)).toHaveLength(3)
    expect((await replay({ since, which: 'undelivered' })).body).toEqual({ queued: 0, nextSince: null })
    expect((await replay({ since })).body).toEqual({ queued: 3, nextSince: null })
    await server.ostiary.drain()
    expect(receiver.requests).toHaveLength(6)
    for (const body of [{}, { since, deliveryId: 'dlv_x' }, { deliveryId: 'dlv_x', which: 'all' }])
      expectRefusal(await replay(body), 'invalid_request')
    expectRefusal(await replay({ deliveryId: 'dlv_x' }), 'not_found')
  })

  test('of an event that retention has removed fails with its reason', async () => {
    const endpoint = await create({ eventTypes: ['user.created'] })
    await server.signIn(fresh('old'))
    await server.ostiary.drain()
    const [one] = await deliveriesOf(endpoint.id)
    await server.tamper(`DELETE FROM sessions WHERE 1 = 1; DELETE FROM events WHERE id = '${one.eventId}'`)
    await server.post(`/v1/webhooks/${endpoint.id}/replay`, { deliveryId: one.id })
    await server.ostiary.drain()
    expect((await deliveriesOf(endpoint.id))[0]).toMatchObject({
      status: 'failed',
      lastTry: { status: null, error: 'not sent: the event is past its retention' },
    })
    expect((await get(endpoint.id)).failingSince).toBeNull()
  })
})

describe('a test', () => {
  test('sends a made-up event that says so, whatever is subscribed to', async () => {
    const endpoint = await create({ eventTypes: ['user.deleted'] })
    const plain = await server.post(`/v1/webhooks/${endpoint.id}/test`)
    expect(plain).toMatchObject({
      status: 201,
      body: { status: 'pending', eventType: 'webhook.test', eventId: null },
    })
    await server.post(`/v1/webhooks/${endpoint.id}/test`, { type: 'user.created' })
    await server.ostiary.drain()
    const payloads = receiver.verified(endpoint.secret)
    expect(payloads.map(({ type }) => type).sort()).toEqual(['user.created', 'webhook.test'])
    for (const { data } of payloads) expect(data.data).toEqual({ isTest: true })
    expectRefusal(await server.post(`/v1/webhooks/${endpoint.id}/test`, { type: 'x.y' }), 'invalid_request')
  })
})

describe('a new secret', () => {
  test('signs beside the old one until the overlap ends', async () => {
    const endpoint = await create()
    const test = async () => {
      receiver.requests.length = 0
      await server.post(`/v1/webhooks/${endpoint.id}/test`)
      await server.ostiary.drain()
      return receiver.requests.find(({ body }) => body.includes('webhook.test'))
    }
    const isSignedBy = (secret: string, request: Awaited<ReturnType<typeof test>>) => {
      try {
        verifyAt(secret, request?.headers ?? {}, request?.body ?? '')
        return true
      } catch {
        return false
      }
    }
    const rotated = await server.post(`/v1/webhooks/${endpoint.id}/rotate-secret`, { overlapSeconds: 3600 })
    expect(rotated.body.secret).not.toBe(endpoint.secret)
    expect(Date.parse(rotated.body.previousSecretUntil) - server.clock.now()).toBe(HOUR)
    const during = await test()
    expect(isSignedBy(endpoint.secret, during)).toBe(true)
    expect(isSignedBy(rotated.body.secret, during)).toBe(true)
    await later(server, HOUR)
    const after = await test()
    expect(isSignedBy(endpoint.secret, after)).toBe(false)
    expect(isSignedBy(rotated.body.secret, after)).toBe(true)
    await purge(server)
    expect((await get(endpoint.id)).previousSecretUntil).toBeNull()
    const atOnce = await server.post(`/v1/webhooks/${endpoint.id}/rotate-secret`, { overlapSeconds: 0 })
    expect(atOnce.body.previousSecretUntil).toBeNull()
    expect(isSignedBy(rotated.body.secret, await test())).toBe(false)
    expectRefusal(await server.post('/v1/webhooks/whk_x/rotate-secret'), 'not_found')
  })
})

describe('retention', () => {
  test('removes the log after 30 days, and what waits for an endpoint that is disabled', async () => {
    const endpoint = await create({ eventTypes: ['user.created'] })
    await server.signIn(fresh('log'))
    await server.ostiary.drain()
    receiver.answer = saying(500)
    await server.signIn(fresh('waits'))
    await server.ostiary.drain()
    await server.call('PATCH', `/v1/webhooks/${endpoint.id}`, { status: 'disabled' })
    await later(server, 29 * DAY)
    await purge(server)
    expect(await deliveriesOf(endpoint.id)).toHaveLength(2)
    await later(server, 2 * DAY)
    await purge(server)
    expect(await deliveriesOf(endpoint.id)).toHaveLength(0)
  })
})
