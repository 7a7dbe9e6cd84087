import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { parseAddressList } from '../../src/core/addresses/address-list.ts'
import { DeliveryError } from '../../src/core/ports.ts'
import { createPrometheus, joinSnapshots } from '../../src/observability/prometheus.ts'
import { appOf, begin, sendTo } from '../http/browser.ts'
import { fresh, send, wrongCode } from '../http/world.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { ok, openFaultyReceiver, saying, silence } from '../webhooks/receiver.ts'
import { type Samples, samplesOf } from './samples.ts'

const TOKEN = 'a-token-for-scrapers'
let server: TestServer
let mood: 'well' | 'refusing' | 'away' = 'well'
const carried: string[] = []

beforeAll(async () => {
  server = await testServer({
    metrics: createPrometheus(),
    metricsAccess: { token: TOKEN },
    webhookPrivateTargets: parseAddressList('127.0.0.1'),
    transport: {
      name: 'smtp',
      timeoutMs: 1000,
      send: async mail => {
        carried.push(mail.text, mail.to)
        if (mood !== 'well') throw new DeliveryError('no', mood === 'refusing')
        return { reply: '250 ok' }
      },
      close: async () => {},
    },
  })
})
afterAll(() => server.stop())

const page = (authorization?: string, method = 'GET') =>
  server.call(method, '/metrics', undefined, {
    key: null,
    ...(authorization !== undefined && { headers: { Authorization: authorization } }),
  })
const samples = async (): Promise<Samples> => samplesOf((await page(`Bearer ${TOKEN}`)).body)

describe('GET /metrics', () => {
  it('asks for the token', async () => {
    for (const authorization of [undefined, 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${server.key}`]) {
      const refused = await page(authorization)
      expect(refused).toMatchObject({ status: 401, body: { code: 'unauthorized' } })
      expect(refused.headers.get('www-authenticate')).toBe('Bearer')
    }
    const shown = await page(`Bearer ${TOKEN}`)
    expect(shown.status).toBe(200)
    expect(shown.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(shown.headers.get('cache-control')).toBe('no-store')
    expect((await page(`Bearer ${TOKEN}`, 'HEAD')).status).toBe(200)
    const posted = await page(`Bearer ${TOKEN}`, 'POST')
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  it('is not there without access', async () => {
    const other = await testServer({ metrics: createPrometheus() })
    expect(await other.get('/metrics')).toMatchObject({ status: 404 })
    expect((await other.ostiary.fetchMetrics(new Request('http://x/metrics'))).status).toBe(200)
    expect((await other.ostiary.fetchMetrics(new Request('http://x/v1/users'))).status).toBe(404)
    await other.stop()
    const without = await testServer()
    expect(await without.get('/metrics')).toMatchObject({ status: 404 })
    expect((await without.ostiary.fetchMetrics(new Request('http://x/metrics'))).status).toBe(404)
    await without.stop()
  })

  it('tells what it can while the store is gone', async () => {
    const other = await testServer({ metrics: createPrometheus(), metricsAccess: 'open' })
    other.ostiary.store.vitals = async () => {
      throw new Error('the disk is gone')
    }
    const shown = samplesOf((await other.get('/metrics')).body)
    expect(shown.value('ostiary_store_up')).toBe(0)
    expect(shown.value('ostiary_build_info', { node: process.versions.node })).toBe(1)
    await other.stop()
  })
})

describe('what happens is counted', () => {
  it('sends, answers, sessions and their refreshes', async () => {
    const before = await samples()
    const challenge = await send(server, { to: fresh() })
    const { code } = await server.message({ challengeId: challenge.id })
    const path = `/v1/challenges/${challenge.id}/verify`
    await server.post(path, { code: wrongCode(code) })
    const verified = await server.post(path, { code }, { 'Idempotency-Key': 'once' })
    await server.post(path, { code }, { 'Idempotency-Key': 'once' })
    await server.post(path, { code })
    await server.post('/v1/challenges/verify', { linkToken: `oht_${Buffer.alloc(32).toString('base64url')}` })
    const { refreshToken } = verified.body.tokens
    expect((await server.post('/v1/sessions/refresh', { refreshToken })).status).toBe(200)
    await server.post(`/v1/challenges/${challenge.id}/resend`)
    server.clock.advance(60_000)
    expect((await server.post('/v1/sessions/refresh', { refreshToken })).status).toBe(401)
    const after = await samples()
    const grown = (name: string, labels: Record<string, string>) =>
      after.value(name, labels) - before.value(name, labels)
    const test = { environment: 'test' }
    expect(grown('ostiary_sends_total', { ...test, channel: 'email', result: 'queued' })).toBe(1)
    expect(grown('ostiary_sends_total', { ...test, channel: 'unknown', result: 'challenge_used' })).toBe(1)
    for (const result of ['verified', 'code_incorrect', 'challenge_used', 'replayed'])
      expect(grown('ostiary_verifies_total', { ...test, method: 'code', result }), result).toBe(1)
    expect(grown('ostiary_verifies_total', { ...test, method: 'link', result: 'link_invalid' })).toBe(1)
    expect(grown('ostiary_sessions_opened_total', test)).toBe(1)
    expect(grown('ostiary_session_refreshes_total', { ...test, result: 'refreshed' })).toBe(1)
    expect(grown('ostiary_session_refreshes_total', { ...test, result: 'refresh_reused' })).toBe(1)
    expect(grown('ostiary_refusals_total', { code: 'code_incorrect' })).toBe(1)
    const route = '/v1/challenges/:id/verify'
    const requests = 'ostiary_http_requests_total'
    expect(grown(requests, { method: 'POST', route, status: '200' })).toBe(2)
    expect(grown(requests, { method: 'POST', route, status: '400' })).toBe(1)
    expect(grown('ostiary_http_request_duration_seconds_count', { method: 'POST', route })).toBe(4)
    expect(grown('ostiary_store_commit_operations_count', {})).toBeGreaterThan(3)
    expect(grown('ostiary_store_commit_duration_seconds_sum', {})).toBeGreaterThan(0)
  })

  it('401s and malformed requests, which leave no event', async () => {
    const before = await samples()
    await server.call('GET', '/v1/users', undefined, { key: null })
    await server.call('POST', '/v1/challenges', '{"to":')
    await server.get('/nowhere')
    const after = await samples()
    for (const code of ['unauthorized', 'malformed_json', 'not_found'])
      expect(
        after.value('ostiary_refusals_total', { code }) - before.value('ostiary_refusals_total', { code }),
        code,
      ).toBe(1)
  })

  it('limits, by their names', async () => {
    const challenge = await send(server, { to: fresh() })
    expect((await server.post(`/v1/challenges/${challenge.id}/resend`)).status).toBe(429)
    expect((await send(server, { to: challenge.to })).id).toBeTruthy()
    expect((await server.post('/v1/challenges', { to: challenge.to })).status).toBe(429)
    const shown = await samples()
    const limit = (name: string) =>
      shown.value('ostiary_limits_fired_total', { environment: 'test', limit: name })
    expect(limit('resend')).toBe(1)
    expect(limit('sendsPerAddressUntold')).toBe(1)
  })

  it('deliveries, by transport and outcome', async () => {
    for (mood of ['well', 'refusing', 'away'] as const) {
      await send(server, { to: fresh() }, server.liveKey)
      // Until the transport was called; what is to be tried again is not drained.
      await expect.poll(() => carried.length % 2).toBe(0)
      if (mood !== 'away') await server.ostiary.drain()
    }
    await expect
      .poll(async () => (await samples()).value('ostiary_message_tries_total', { outcome: 'retry' }))
      .toBe(1)
    const shown = await samples()
    for (const outcome of ['sent', 'refused', 'failed'])
      expect(shown.value('ostiary_deliveries_total', { transport: 'smtp', outcome }), outcome).toBe(1)
    expect(shown.value('ostiary_delivery_duration_seconds_count', { transport: 'smtp' })).toBe(3)
    expect(shown.value('ostiary_message_tries_total', { outcome: 'failed' })).toBe(1)
    expect(shown.value('ostiary_outbox_messages')).toBe(1)
    server.clock.advance(500)
    expect((await samples()).value('ostiary_outbox_oldest_age_seconds')).toBeGreaterThanOrEqual(0.5)
  })

  it('webhooks: tries by outcome, what waits and for how long, endpoints that are disabled', async () => {
    const receiver = await openFaultyReceiver(ok)
    const made = async () =>
      (await server.post('/v1/webhooks', { url: receiver.url, eventTypes: ['user.created'] })).body.id
    const endpoint = await made()
    const cause = async () => {
      await server.post('/v1/users', { email: fresh() })
      await server.ostiary.drain()
    }
    const tries = async (outcome: string) =>
      (await samples()).value('ostiary_webhook_tries_total', { environment: 'test', outcome })
    await cause()
    expect(await tries('delivered')).toBe(1)

    receiver.answer = saying(500)
    await cause()
    await cause()
    expect(await tries('retry')).toBe(2)
    const waiting = await samples()
    expect(waiting.value('ostiary_webhook_deliveries_waiting')).toBe(2)
    // Between two tries nothing waits for its turn.
    expect(waiting.value('ostiary_webhook_oldest_due_age_seconds')).toBe(0)

    // Nobody takes what is due: all places of the endpoint are taken by calls that are not answered.
    receiver.answer = silence
    for (let number = 0; number < 6; number++) await server.post('/v1/users', { email: fresh() })
    await expect.poll(() => receiver.requests.length).toBeGreaterThanOrEqual(8)
    server.clock.advance(3000)
    const late = await samples()
    expect(late.value('ostiary_webhook_deliveries_waiting')).toBe(8)
    expect(late.value('ostiary_webhook_oldest_due_age_seconds')).toBe(3)

    await server.call('DELETE', `/v1/webhooks/${endpoint}`)
    receiver.answer = saying(410)
    const gone = await made()
    await cause()
    receiver.answer = saying(500)
    const byHand = await made()
    await cause()
    await server.call('PATCH', `/v1/webhooks/${byHand}`, { status: 'disabled' })
    expect(await tries('failed')).toBe(1)
    const disabled = (shown: Samples, reason: string, environment = 'test') =>
      shown.value('ostiary_webhook_endpoints_disabled', { environment, reason })
    const shown = await samples()
    expect([disabled(shown, 'gone'), disabled(shown, 'manual'), disabled(shown, 'failing')]).toEqual([
      1, 1, 0,
    ])
    expect(disabled(shown, 'gone', 'live')).toBe(0)
    // What waits for an endpoint that is disabled is no queue.
    expect(shown.value('ostiary_webhook_deliveries_waiting')).toBe(0)
    receiver.answer = ok
    await server.call('PATCH', `/v1/webhooks/${gone}`, { status: 'enabled' })
    expect(disabled(await samples(), 'gone')).toBe(0)
    await receiver.close()
  })

  it('what happens inside an action: sends, answers and the one session', async () => {
    const before = await samples()
    const app = await appOf(server)
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, fresh())
    await tab.post('verify', { code: wrongCode(code) })
    const { result } = (await tab.post('verify', { code })).body
    for (const _ of [1, 2])
      await server.post('/v1/actions/validate', { token: result.token, action: 'signIn' })
    const after = await samples()
    const grew = (name: string, labels: Record<string, string>) =>
      (after.value(name, labels) ?? 0) - (before.value(name, labels) ?? 0)
    const environment = 'test'
    expect(grew('ostiary_sends_total', { environment, channel: 'email', result: 'queued' })).toBe(1)
    expect(grew('ostiary_verifies_total', { environment, method: 'code', result: 'verified' })).toBe(1)
    expect(grew('ostiary_verifies_total', { environment, method: 'code', result: 'code_incorrect' })).toBe(1)
    expect(grew('ostiary_sessions_opened_total', { environment })).toBe(1)
  })

  it('protection, while it is raised', async () => {
    expect((await samples()).value('ostiary_protection_raised', { environment: 'test' })).toBe(0)
    const limits = { weakGuessesPerEnvironment: { tenMinutes: 3, factor: 1, cap: 3 } }
    expect((await server.call('PATCH', '/v1/settings', { limits })).status).toBe(200)
    for (const _ of [1, 2, 3]) {
      const challenge = await send(server, { to: fresh() })
      const { code } = await server.message({ challengeId: challenge.id })
      await server.post(`/v1/challenges/${challenge.id}/verify`, { code: wrongCode(code) })
    }
    const shown = await samples()
    expect(shown.value('ostiary_protection_raised', { environment: 'test' })).toBe(1)
    expect(shown.value('ostiary_protection_raised', { environment: 'live' })).toBe(0)
  })

  it('the process: event loop, memory, CPU', async () => {
    const shown = await samples()
    for (const name of [
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
    ])
      expect(shown.has(name), name).toBe(true)
  })
})

test('of several processes webhooks are added up, and the queue, read by all, is shown once', async () => {
  const books = [createPrometheus(), createPrometheus()]
  const vitals = {
    outbox: { queued: 0, oldestQueuedAt: null },
    webhooks: { queued: 7, oldestDueAt: 1000 },
    environments: [
      {
        slug: 'live',
        isProtectionRaised: false,
        disabledWebhooks: { manual: 0, gone: 2, failing: 1, secret_replaced: 0 },
      },
    ],
  }
  const snapshots = await Promise.all(
    books.map(book => {
      book.webhookSettled('live', 'delivered')
      return book.snapshot(vitals, 5000)
    }),
  )
  const joined = samplesOf((await joinSnapshots(snapshots)).text)
  const live = { environment: 'live' }
  expect(joined.value('ostiary_webhook_tries_total', { ...live, outcome: 'delivered' })).toBe(2)
  expect(joined.value('ostiary_webhook_deliveries_waiting')).toBe(7)
  expect(joined.value('ostiary_webhook_oldest_due_age_seconds')).toBe(4)
  expect(joined.value('ostiary_webhook_endpoints_disabled', { ...live, reason: 'gone' })).toBe(2)
  expect(joined.value('ostiary_webhook_endpoints_disabled', live)).toBe(3)
  for (const book of books) book.close()
})

test('no label holds what a caller sent: addresses, ids, tokens, paths, methods', async () => {
  const planted = 'planted-by-a-caller'
  await server.get(`/${planted}`)
  await server.get(`/l/${planted}`)
  await server.get(`/v1/users/${planted}?limit=${planted}`)
  await server.call('GET', `/v1/events?type=${planted}`)
  await server.ostiary.app.request(`http://localhost:4545/v1/users`, { method: 'PLANTEDBYACALLER' })
  const { body } = await page(`Bearer ${TOKEN}`)
  expect(body).not.toMatch(/planted/i)
  expect(body).not.toMatch(
    /@|example\.com|127\.0\.0\.1|\b(?:whk|dlv|chl|usr|ses|msg|env|app|key|evt|req)_[0-9a-hjkmnp-tv-z]{26}/,
  )
  expect(body).not.toMatch(/o(?:sk|pk|lk|ht|rt)_|Bearer/)
  for (const secret of [TOKEN, server.key, server.liveKey, ...carried]) expect(body).not.toContain(secret)
})
