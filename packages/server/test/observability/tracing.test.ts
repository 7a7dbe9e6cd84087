import { propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DeliveryError } from '../../src/core/ports.ts'
import type { Log } from '../../src/http/app.ts'
import { fresh, type Mailbox, mailbox, send, wrongCode } from '../http/world.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { type Recorded, recordSpans } from './spans.ts'

let server: TestServer
let box: Mailbox
let spans: Recorded[]
let stopRecording: () => void
const lines: Record<string, unknown>[] = []
const keep = (fields: object, message: string) => void lines.push({ ...fields, message })
const log: Log = { info: keep, warn: keep, error: keep }

beforeAll(async () => {
  const recording = recordSpans()
  spans = recording.spans
  stopRecording = recording.stop
  box = mailbox()
  server = await testServer({ transport: box, log })
})
afterAll(async () => {
  await server.stop()
  stopRecording()
})

/** The spans of the request that was answered with this id, the server span first. */
function traceOf(requestId: string | null): Recorded[] {
  const root = spans.find(span => span.attributes['ostiary.request_id'] === requestId)
  if (!root) throw new Error(`no span of ${requestId}`)
  return [root, ...spans.filter(span => span.parentSpanId === root.spanContext.spanId)]
}

it('a request is a server span named by its route, with the calls of the store as its children', async () => {
  const sent = await server.call('POST', '/v1/challenges', { to: fresh() }, { key: server.liveKey })
  const [root, ...children] = traceOf(sent.headers.get('request-id'))
  expect(root).toMatchObject({
    name: 'POST /v1/challenges',
    kind: SpanKind.SERVER,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/v1/challenges',
      'http.response.status_code': 201,
    },
    status: SpanStatusCode.UNSET,
    parentSpanId: null,
    isEnded: true,
  })
  const write = children.find(({ name }) => name === 'store createChallenge')
  expect(write).toMatchObject({
    kind: SpanKind.CLIENT,
    attributes: { 'ostiary.outcome': 'created' },
    isEnded: true,
  })
})

it('a refusal is no error of ours; a store that fails is', async () => {
  const challenge = await send(server, { to: fresh() })
  const { code } = await server.message({ challengeId: challenge.id })
  const path = `/v1/challenges/${challenge.id}/verify`
  const refused = await server.post(path, { code: wrongCode(code) })
  const [root, ...children] = traceOf(refused.headers.get('request-id'))
  expect(root).toMatchObject({ name: 'POST /v1/challenges/:id/verify', status: SpanStatusCode.UNSET })
  expect(children.find(({ name }) => name === 'store attempt')?.attributes['ostiary.outcome']).toBe(
    'incorrect',
  )

  server.clock.advance(-5000)
  const failed = await server.post(path, { code })
  server.clock.advance(5000)
  expect(failed.status).toBe(503)
  const [brokenRoot, ...broken] = traceOf(failed.headers.get('request-id'))
  expect(brokenRoot).toMatchObject({ status: SpanStatusCode.ERROR, attributes: { 'error.type': '503' } })
  expect(broken.find(({ name }) => name === 'store attempt')).toMatchObject({
    status: SpanStatusCode.ERROR,
    attributes: { 'error.type': 'unavailable' },
  })
})

it('a delivery is a span of its own that names the message', async () => {
  await send(server, { to: fresh() }, server.liveKey)
  await server.ostiary.drain()
  const delivery = spans.findLast(({ name }) => name === 'deliver mailbox')
  expect(delivery).toMatchObject({ kind: SpanKind.CLIENT, parentSpanId: null, isEnded: true })
  expect(delivery?.attributes['ostiary.message_id']).toMatch(/^msg_/)

  const { send: carry } = box
  box.send = async mail => {
    throw new DeliveryError(`no such user ${mail.to}, your mail was: ${mail.text}`, true)
  }
  await send(server, { to: fresh() }, server.liveKey)
  await server.ostiary.drain()
  box.send = carry
  expect(spans.findLast(({ name }) => name === 'deliver mailbox')).toMatchObject({
    status: SpanStatusCode.ERROR,
    attributes: { 'error.type': 'refused' },
  })
})

it('is a child of the caller, where the caller tells of one', async () => {
  const spanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
  propagation.setGlobalPropagator({
    inject: () => {},
    fields: () => ['traceparent'],
    extract: (active, carrier, getter) =>
      getter.get(carrier, 'traceparent') === undefined ? active : trace.setSpanContext(active, spanContext),
  })
  const answer = await server.get('/healthz', { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` })
  propagation.disable()
  const [root] = traceOf(answer.headers.get('request-id'))
  expect(root?.parentSpanId).toBe(spanContext.spanId)
  expect(root?.spanContext.traceId).toBe(spanContext.traceId)
})

it('every line of a request has its id and its trace, and lines of the worker have none', async () => {
  const from = lines.length
  server.clock.advance(-5000)
  const failed = await server.post('/v1/challenges', { to: fresh() })
  server.clock.advance(5000)
  expect(failed.status).toBe(503)
  const mine = lines.slice(from)
  expect(mine.map(({ message }) => message)).toEqual(['request failed', 'request'])
  const requestId = failed.headers.get('request-id')
  const [root] = traceOf(requestId)
  expect(mine.map(line => line.requestId)).toEqual([requestId, requestId])
  expect(mine[0]?.traceId).toBe(root?.spanContext.traceId)
  const ofWorker = lines.find(({ message }) => message === 'a message was not delivered')
  expect(ofWorker).toBeDefined()
  expect(ofWorker?.requestId).toBeUndefined()
})

it('no span holds an address, a code, a link, a token or a key', async () => {
  const to = fresh('planted')
  const signedIn = await server.signIn(to)
  const { refreshToken, accessToken } = signedIn.body.tokens
  await server.post('/v1/sessions/refresh', { refreshToken })
  await server.post('/v1/sessions/verify', { accessToken })
  const challenge = await send(
    server,
    { to: fresh('planted'), credential: 'codeAndLink', redirectUrl: 'http://localhost:3000/cb' },
    server.key,
  )
  const message = await server.message({ challengeId: challenge.id })
  await server.ostiary.app.request(message.link)
  await server.get(`/v1/users?email=${encodeURIComponent(to)}`)
  const text = JSON.stringify(spans)
  expect(spans.every(({ isEnded }) => isEnded)).toBe(true)
  expect(text).toContain('GET /l/:token')
  const link = new URL(message.link).pathname.slice('/l/'.length)
  for (const secret of ['planted', '@', message.code, link, refreshToken, accessToken, server.key])
    expect(text, secret).not.toContain(secret)
  expect(text).not.toMatch(/o(?:sk|pk|lk|ht|rt)_(?:test_|live_)?[\w-]{20}/)
})
