import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

test('a code that was mailed signs a person in, once', async () => {
  const sent = await server.post('/v1/challenges', { to: 'Ada@Example.com' })
  expect(sent.status).toBe(201)
  const { code } = await server.message({ to: 'ada@example.com' })
  const verified = await server.post(`/v1/challenges/${sent.body.id}/verify`, { code })
  expect(verified.status).toBe(200)
  expect(verified.body).toMatchObject({
    isNewUser: true,
    user: { email: 'ada@example.com', emailVerified: true },
  })
  expect(verified.body.session.authTime).toBe(verified.body.challenge.verifiedAt)

  const again = await server.post(`/v1/challenges/${sent.body.id}/verify`, { code })
  expect(again).toMatchObject({ status: 409, body: { code: 'challenge_used' } })
})

test('a refresh token is rotated, and the old one revokes the session', async () => {
  const { body } = await server.signIn('refresh@example.com')
  const first = body.tokens.refreshToken
  const next = await server.post('/v1/sessions/refresh', { refreshToken: first })
  expect(next.status).toBe(200)
  const third = await server.post('/v1/sessions/refresh', { refreshToken: next.body.tokens.refreshToken })
  expect(third.status).toBe(200)
  expect(await server.post('/v1/sessions/refresh', { refreshToken: first })).toMatchObject({
    status: 401,
    body: { code: 'refresh_reused' },
  })
  const check = await server.post('/v1/sessions/verify', { accessToken: third.body.tokens.accessToken })
  expect(check.body).toEqual({ isActive: false, session: null, user: null })
})
