import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Answer, TestServer } from '../setup/server.ts'
import { count, crowd, openToCrowds, send, settle, tally, times } from './crowd.ts'

let server: TestServer
beforeAll(async () => {
  server = await openToCrowds()
})
afterAll(() => server.stop())

const MANY = 50

/** The same call with the same key, by many at once: one effect, and one answer for all of them. */
async function once(path: string, body: unknown): Promise<Answer> {
  const key = `key-${Math.random()}`
  const texts: string[] = []
  const answers = await crowd(
    times(MANY, async () => {
      const response = await server.ostiary.app.request(`http://localhost:4545${path}`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${server.key}`,
          'Content-Type': 'application/json',
          'Idempotency-Key': key,
        },
        body: JSON.stringify(body),
      })
      const text = await response.text()
      texts.push(text)
      return { status: response.status, headers: response.headers, body: JSON.parse(text) }
    }),
  )
  expect(Math.max(...answers.map(({ status }) => status))).toBeLessThan(300)
  expect(new Set(texts).size).toBe(1)
  const replayed = answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')
  expect(replayed).toHaveLength(MANY - 1)
  const other = await server.post(path, { ...(body as object), metadata: {} }, { 'Idempotency-Key': key })
  expect(['idempotency_key_reused', 'invalid_request']).toContain(other.body.code)
  return answers[0] as Answer
}

it('send: one challenge, one message', async () => {
  const { body } = await once('/v1/challenges', { to: 'send@x.test' })
  expect(await count(server, '/v1/challenges?to=send@x.test')).toBe(1)
  expect(await count(server, `/v1/messages?to=send@x.test`)).toBe(1)
  const other = await server.post('/v1/challenges', { to: 'other@x.test' }, { 'Idempotency-Key': 'k' })
  const reused = await server.post('/v1/challenges', { to: 'another@x.test' }, { 'Idempotency-Key': 'k' })
  expect(reused).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
  expect(other.body.id).not.toBe(body.id)
  expect(await count(server, '/v1/challenges?to=another@x.test')).toBe(0)
  await settle(server)
})

it('verify: one sign-in, whose tokens all of them get', async () => {
  const { id, code } = await send(server, 'verify@x.test')
  const { body } = await once(`/v1/challenges/${id}/verify`, { code })
  expect(await count(server, `/v1/users/${body.user.id}/sessions`)).toBe(1)
  await settle(server, [code, body.tokens.refreshToken, body.tokens.accessToken])
})

it('refresh: one successor, and no reuse however many they are', async () => {
  const { body } = await server.signIn('refresh@x.test')
  const next = await once('/v1/sessions/refresh', { refreshToken: body.tokens.refreshToken })
  const third = await server.post('/v1/sessions/refresh', { refreshToken: next.body.tokens.refreshToken })
  expect(third.status).toBe(200)
  await settle(server, [next.body.tokens.refreshToken])
})

it('resend, users, claims and sessions: one effect each', async () => {
  const first = await send(server, 'resend@x.test')
  server.clock.advance(31_000)
  await once(`/v1/challenges/${first.id}/resend`, {})
  expect(await count(server, '/v1/messages?to=resend@x.test')).toBe(2)
  const { body: user } = await once('/v1/users', { externalId: 'ext-1' })
  const none = await send(server, 'claim@x.test', { userMode: 'none' })
  await server.post(`/v1/challenges/${none.id}/verify`, { code: none.code })
  await once(`/v1/challenges/${none.id}/claim`, { userId: user.id })
  await once('/v1/sessions', { challengeId: none.id })
  expect(await count(server, `/v1/users/${user.id}/sessions`)).toBe(1)
  await settle(server)
})

it('a refusal is not kept: each of many wrong answers with one key spends its attempt', async () => {
  const { id, code } = await send(server, 'wrong@x.test')
  const wrong = code === '000000' ? '000001' : '000000'
  const answers = await crowd(
    times(MANY, () =>
      server.post(`/v1/challenges/${id}/verify`, { code: wrong }, { 'Idempotency-Key': 'w' }),
    ),
  )
  expect(tally(answers)).toEqual({ code_incorrect: 5, attempts_exhausted: MANY - 5 })
  expect(answers.some(({ headers }) => headers.has('idempotency-replayed'))).toBe(false)
  await settle(server)
})
