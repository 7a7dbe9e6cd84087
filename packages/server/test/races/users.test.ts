import { afterAll, beforeAll, expect, it } from 'vitest'
import { isOnPostgres, type TestServer } from '../setup/server.ts'
import { crowd, openToCrowds, send, settle, successes, tally, times } from './crowd.ts'

let server: TestServer
beforeAll(async () => {
  server = await openToCrowds()
})
afterAll(() => server.stop())

for (const end of ['block', 'delete'] as const)
  it(`${end} a user against verify and refresh: afterwards nothing of theirs works`, async () => {
    for (let round = 0; round < 6; round++) {
      const { body } = await server.signIn(`${end}${round}@x.test`)
      const { id, code } = await send(server, `${end}${round}@x.test`)
      const over = () =>
        end === 'block'
          ? server.post(`/v1/users/${body.user.id}/block`)
          : server.call('DELETE', `/v1/users/${body.user.id}`)
      const answers = await crowd([
        ...times(20, () => server.post(`/v1/challenges/${id}/verify`, { code })),
        ...times(3, () => server.post('/v1/sessions/refresh', { refreshToken: body.tokens.refreshToken })),
        over,
        ...times(20, () => server.post('/v1/sessions/verify', { accessToken: body.tokens.accessToken })),
      ])
      expect(answers.every(({ status }) => status < 500)).toBe(true)
      const tokens = [body.tokens, ...successes(answers).flatMap(answer => answer.body?.tokens ?? [])]
      for (const { accessToken, refreshToken } of tokens) {
        const check = await server.post('/v1/sessions/verify', { accessToken })
        expect(check.body.isActive).toBe(false)
        expect((await server.post('/v1/sessions/refresh', { refreshToken })).body.code).toBe(
          'refresh_invalid',
        )
      }
      expect((await server.post(`/v1/challenges/${id}/verify`, { code })).status).toBe(409)
      await settle(server)
    }
  })

it('one externalId or proven address for many at once: one user', async () => {
  const byName = await crowd(times(50, () => server.post('/v1/users', { externalId: 'ext-1' })))
  expect(tally(byName)).toEqual({ 201: 1, external_id_taken: 49 })
  const { id, code } = await send(server, 'import@x.test')
  const byAddress = await crowd([
    ...times(50, () => server.post('/v1/users', { email: 'import@x.test', emailVerified: true })),
    ...times(50, () => server.post(`/v1/challenges/${id}/verify`, { code })),
  ])
  expect(successes(byAddress)).toHaveLength(1)
  const { body } = await server.get('/v1/users?email=import@x.test')
  expect(body.data).toHaveLength(1)
  await settle(server)
})

it('an API key revoked against its use: what begins after the answer is refused', async () => {
  for (let round = 0; round < 3; round++) {
    const { secret, key } = await server.newKey(['auth', 'read'])
    const use = () => server.call('GET', '/v1/challenges', undefined, { key: secret })
    const create = (index: number) =>
      server.call('POST', '/v1/challenges', { to: `key${index}@x.test` }, { key: secret })
    let late = 0
    const revoke = async () => {
      const answer = await server.call('DELETE', `/v1/api-keys/${key.id}`)
      // Another node may take the key for up to a second longer (DESIGN section 6).
      if (isOnPostgres) server.clock.advance(1000)
      const after = await crowd(times(20, use))
      late = after.filter(({ status }) => status !== 401).length
      return answer
    }
    const answers = await crowd([...times(100, use), ...times(50, create), revoke])
    expect(answers.every(({ status }) => [200, 201, 204, 401].includes(status))).toBe(true)
    expect(late).toBe(0)
    expect((await create(0)).status).toBe(401)
    await settle(server, [secret])
  }
})

it('of many revocations of one key, one is told that it did it', async () => {
  const { key } = await server.newKey(['read'])
  const answers = await crowd(times(50, () => server.call('DELETE', `/v1/api-keys/${key.id}`)))
  expect(tally(answers)).toEqual({ 204: 1, not_found: 49 })
})
