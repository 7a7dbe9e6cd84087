import { afterAll, beforeAll, expect, it } from 'vitest'
import type { TestServer } from '../setup/server.ts'
import { CROWD, count, crowd, openToCrowds, send, settle, successes, tally, times } from './crowd.ts'

let server: TestServer
beforeAll(async () => {
  server = await openToCrowds()
})
afterAll(() => server.stop())

const refresh = (refreshToken: string, extra = {}, headers = {}) =>
  server.post('/v1/sessions/refresh', { refreshToken, ...extra }, headers)

it('a refresh token by many at once: at most four answers, all with one successor, and the rest revokes', async () => {
  const { body } = await server.signIn('refresh@x.test')
  const answers = await crowd(times(CROWD, () => refresh(body.tokens.refreshToken)))
  const good = successes(answers)
  expect(tally(answers)).toEqual({ 200: 4, refresh_reused: 1, refresh_invalid: CROWD - 5 })
  const successors = new Set(good.map(answer => answer.body.tokens.refreshToken))
  expect(successors.size).toBe(1)
  expect((await refresh([...successors][0] ?? '')).status).toBe(401)
  await settle(server, [body.tokens.refreshToken, ...successors])
})

it('a refresh token by two places at once: one goes on or the session is revoked, never two lines of tokens', async () => {
  for (let round = 0; round < 5; round++) {
    const { body } = await server.signIn(`places${round}@x.test`)
    const answers = await crowd(
      times(20, index =>
        refresh(body.tokens.refreshToken, { context: { ipAddress: `198.51.100.${index}` } }),
      ),
    )
    expect(successes(answers)).toHaveLength(1)
    expect(tally(answers).refresh_reused).toBe(1)
    expect((await refresh(successes(answers)[0]?.body.tokens.refreshToken)).body.code).toBe('refresh_invalid')
  }
  await settle(server)
})

it('many lines of tokens, each refreshed by a few at once again and again, stay one line each', async () => {
  let tokens: string[] = []
  for (let index = 0; index < 20; index++)
    tokens.push((await server.signIn(`line${index}@x.test`)).body.tokens.refreshToken)
  for (let round = 0; round < 3; round++) {
    const answers = await crowd(tokens.flatMap(token => times(3, () => refresh(token))))
    expect(tally(answers)).toEqual({ 200: 60 })
    const next = new Set(answers.map(answer => answer.body.tokens.refreshToken))
    expect(next.size).toBe(20)
    tokens = [...next]
  }
  await settle(server, tokens)
})

it('a proven address claimed by many at once goes to one user', async () => {
  const { id, code } = await send(server, 'claim@x.test', { userMode: 'none' })
  await server.post(`/v1/challenges/${id}/verify`, { code })
  const users = await Promise.all(Array.from({ length: 10 }, () => server.post('/v1/users', {})))
  const answers = await crowd(
    times(CROWD, index => server.post(`/v1/challenges/${id}/claim`, { userId: users[index % 10]?.body.id })),
  )
  expect(tally(answers)).toEqual({ 200: 1, already_claimed: CROWD - 1 })
  expect(await count(server, '/v1/users?email=claim@x.test')).toBe(1)
  await settle(server, [code])
})

it('a session that verify did not open is opened once, and told the instant of the proof', async () => {
  const { id, code } = await send(server, 'later@x.test', { session: false })
  const verified = await server.post(`/v1/challenges/${id}/verify`, { code })
  server.clock.advance(60_000)
  const answers = await crowd(times(CROWD, () => server.post('/v1/sessions', { challengeId: id })))
  expect(tally(answers)).toEqual({ 201: 1, already_claimed: CROWD - 1 })
  expect(successes(answers)[0]?.body.session.authTime).toBe(verified.body.challenge.verifiedAt)
  await settle(server)
})

it('claim, verify and session of one challenge mixed at random: one of each', async () => {
  const { id, code } = await send(server, 'all@x.test', { userMode: 'none' })
  const { body: user } = await server.post('/v1/users', {})
  const all = []
  for (let round = 0; round < 5; round++)
    all.push(
      ...(await crowd([
        ...times(20, () => server.post(`/v1/challenges/${id}/verify`, { code })),
        ...times(20, () => server.post(`/v1/challenges/${id}/claim`, { userId: user.id })),
        ...times(20, () => server.post('/v1/sessions', { challengeId: id })),
      ])),
    )
  const good = successes(all)
  expect(good.filter(({ status }) => status === 201)).toHaveLength(1)
  expect(good.filter(({ body }) => body.isNewUser !== undefined)).toHaveLength(1)
  expect(good).toHaveLength(3)
  await settle(server)
})

it('revocation against refresh: what was answered after it is a refusal', async () => {
  for (let round = 0; round < 5; round++) {
    const { body } = await server.signIn(`revoke${round}@x.test`)
    const answers = await crowd([
      ...times(3, () => refresh(body.tokens.refreshToken)),
      () => server.post(`/v1/sessions/${body.session.id}/revoke`),
      ...times(20, () => server.post('/v1/sessions/verify', { accessToken: body.tokens.accessToken })),
    ])
    const next =
      answers.find(answer => answer.body.tokens)?.body.tokens.refreshToken ?? body.tokens.refreshToken
    expect((await refresh(next)).body.code).toBe('refresh_invalid')
    const check = await server.post('/v1/sessions/verify', { accessToken: body.tokens.accessToken })
    expect(check.body.isActive).toBe(false)
  }
  await settle(server)
})
