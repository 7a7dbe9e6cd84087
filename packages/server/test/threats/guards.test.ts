import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRedirectUrlAllowed, redirectUrlFault } from '../../src/core/addresses/redirect-url.ts'
import { normaliseCode } from '../../src/core/challenges/code.ts'
import { createKeyring } from '../../src/core/keys.ts'
import { newToken } from '../../src/core/tokens.ts'
import { expectRefusal } from '../http/answers.ts'
import { fresh, send } from '../http/world.ts'
import { SECRET, type TestServer, testServer } from '../setup/server.ts'

/** What `npm run mutate` found that no other test sees: each of these stands for one line of defence. */

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

describe('a redirect URL', () => {
  // WHATWG reads a user here although no two slashes stand before it.
  test.each(['https:user@app.example/cb', 'https:/user@app.example/cb', 'https:user:pw@app.example/cb'])(
    '[61] names no user, with fewer slashes neither: %s',
    redirectUrl => {
      const list = ['https://app.example/cb']
      expect(isRedirectUrlAllowed(redirectUrl, list, 'live')).toBe(false)
      expect(redirectUrlFault(redirectUrl, 'test')).toBe('has user information')
    },
  )
  test('[61] of http leads to this machine alone, although it stands on the list of a test app', async () => {
    for (const host of ['app.example', '192.168.0.1', '0.0.0.0', 'localhost.app.example']) {
      const url = `http://${host}/cb`
      expect(isRedirectUrlAllowed(url, [url], 'test')).toBe(false)
      expectRefusal(await server.post('/v1/apps', { name: 'a', redirectUrls: [url] }), 'invalid_request')
    }
  })
})

test('[40] a text of over 64 characters is no try at a code, even when only spaces are too many', () => {
  expect(normaliseCode(`123456${' '.repeat(58)}`)).toBe('123456')
  expect(normaliseCode(`123456${' '.repeat(59)}`)).toBeNull()
})

test('[35] the same code has another hash for another challenge, purpose or epoch, and so has a token for another epoch', () => {
  const hash = (epoch: number, challengeId: string, purpose: string) =>
    createKeyring([SECRET], epoch).codeHash('123456', challengeId, purpose)
  const hashes = [
    hash(1, 'chl_a', 'signIn'),
    hash(1, 'chl_b', 'signIn'),
    hash(1, 'chl_a', 'pay'),
    hash(2, 'chl_a', 'signIn'),
  ]
  expect(new Set(hashes).size).toBe(hashes.length)
  const [before, after] = [1, 2].map(epoch => createKeyring([SECRET], epoch).tokenHash('olk_x'))
  expect(before).not.toBe(after)
})

test('[70] the link of a decoy, if somebody could know it, has the page of an unknown link', async () => {
  const to = fresh()
  const ask = { to, credential: 'link', redirectUrl: 'http://localhost:3000/cb', userMode: 'existing' }
  const { id } = await send(server, ask)
  await server.ostiary.drain()
  // The token of a decoy is never mailed: here its row gets one that the test knows.
  const token = newToken('olk', server.ostiary.deps.random.bytes(32))
  const hash = server.ostiary.deps.keyring.tokenHash(token)
  await server.tamper(`UPDATE challenge_links SET hash = '${hash}' WHERE challenge_id = '${id}'`)
  expect(await server.ostiary.store.findLink(hash)).toMatchObject({ id })
  for (const method of ['GET', 'POST'])
    expect((await server.call(method, `/l/${token}`, undefined, { key: null })).status).toBe(404)
})

test('[205] a challenge of an older epoch is told as expired, although its time is not over', async () => {
  const its = await testServer()
  const { key } = its
  const { id } = await send(its, { to: fresh() })
  expect((await its.get(`/v1/challenges/${id}`)).body.status).toBe('pending')
  const raised = await its.reopen({ epoch: 2 })
  const { body } = await raised.call('GET', `/v1/challenges/${id}`, undefined, { key })
  expect(body.status).toBe('expired')
  await raised.stop()
})

test.each([
  [
    'blocking the user, even when they are let in again',
    async (id: string) => {
      await server.post(`/v1/users/${id}/block`)
      await server.post(`/v1/users/${id}/unblock`)
    },
  ],
  [
    'removing the address',
    async (id: string, to: string) => {
      const query = new URLSearchParams({ type: 'email', value: to })
      await server.call('DELETE', `/v1/users/${id}/identifiers?${query}`)
    },
  ],
  ['signing out everywhere', (id: string) => server.post(`/v1/users/${id}/sessions/revoke`)],
])('[79] a proof that was claimed opens no session after %s', async (_, end) => {
  const to = fresh()
  const user = (await server.post('/v1/users', { externalId: to })).body
  const { id } = await send(server, { to, userMode: 'none' })
  const { code } = await server.message({ challengeId: id })
  await server.post(`/v1/challenges/${id}/verify`, { code })
  expect((await server.post(`/v1/challenges/${id}/claim`, { userId: user.id })).status).toBe(200)
  await end(user.id, to)
  expectRefusal(await server.post('/v1/sessions', { challengeId: id }), 'challenge_expired')
})

test('[26] with challenge.resend set to replace, a resend ends the earlier code', async () => {
  await server.call('PATCH', '/v1/settings', { challenge: { resend: 'replace' } })
  const { id } = await send(server, { to: fresh() })
  const { code } = await server.message({ challengeId: id })
  server.clock.advance(31_000)
  expect((await server.post(`/v1/challenges/${id}/resend`)).body.earlierCodes).toBe('replaced')
  expectRefusal(await server.post(`/v1/challenges/${id}/verify`, { code }), 'code_incorrect', [
    'attemptsLeft',
  ])
  await server.call('PATCH', '/v1/settings', { challenge: null })
})

test('[98] another spelling of a refresh token is no token, and revokes nothing', async () => {
  const { tokens } = (await server.signIn(fresh())).body
  const token: string = tokens.refreshToken
  // The last letter carries four bits that say nothing: sixteen spellings of the same bytes.
  const other = String.fromCharCode(token.charCodeAt(token.length - 1) + 1)
  const respelled = token.slice(0, -1) + other
  expect(Buffer.from(respelled.slice(4), 'base64url')).toEqual(Buffer.from(token.slice(4), 'base64url'))
  expectRefusal(await server.post('/v1/sessions/refresh', { refreshToken: respelled }), 'refresh_invalid')
  expect((await server.post('/v1/sessions/refresh', { refreshToken: token })).status).toBe(200)
})
