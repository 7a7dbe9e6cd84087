import {
  type CryptoKey,
  createLocalJWKSet,
  decodeJwt,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { dump, fresh, later, mailbox, send } from './world.ts'

let server: TestServer
const box = mailbox()
beforeAll(async () => {
  server = await testServer({ transport: box })
})
afterAll(() => server.stop())

const ISSUER = 'http://localhost:4545/e/test'
const keysOf = async (slug = 'test') =>
  (await server.call('GET', `/e/${slug}/.well-known/jwks.json`, undefined, { key: null })).body
const check = async (accessToken: string, key = server.key) =>
  (await server.call('POST', '/v1/sessions/verify', { accessToken }, { key })).body
const refresh = (refreshToken: string, context?: Record<string, string>, key = server.key) =>
  server.call('POST', '/v1/sessions/refresh', { refreshToken, ...(context && { context }) }, { key })
const INACTIVE = { isActive: false, session: null, user: null }

/** Signs a person in in live, where the code is read from the mail. */
async function signInLive(): Promise<{
  session: { id: string }
  tokens: { accessToken: string; refreshToken: string }
}> {
  const { id, to } = await send(server, { to: fresh('live') }, server.liveKey)
  await server.ostiary.drain()
  return (
    await server.call('POST', `/v1/challenges/${id}/verify`, { code: box.code(to) }, { key: server.liveKey })
  ).body
}

describe('an access token', () => {
  test('is what RFC 9068 says, and verifies against the served keys', async () => {
    const { tokens, session, user } = (await server.signIn(fresh())).body
    const apps = (await server.get('/v1/apps')).body.data
    const { payload, protectedHeader } = await jwtVerify(
      tokens.accessToken,
      createLocalJWKSet(await keysOf()),
      {
        issuer: ISSUER,
        typ: 'at+jwt',
        algorithms: ['ES256'],
        currentDate: new Date(server.clock.now()),
      },
    )
    expect(Object.keys(protectedHeader).sort()).toEqual(['alg', 'kid', 'typ'])
    const issuedAt = Math.floor(server.clock.now() / 1000)
    expect(payload).toEqual({
      iss: ISSUER,
      aud: (await server.get('/v1/events?limit=1')).body.data[0].environmentId,
      sub: user.id,
      sid: session.id,
      amr: ['otp'],
      auth_time: Date.parse(session.authTime) / 1000,
      iat: issuedAt,
      exp: issuedAt + 600,
      jti: expect.stringMatching(/^[0-9a-z]{26}$/),
      client_id: apps.find((app: { isDefault: boolean }) => app.isDefault).id,
    })
    expect(Date.parse(tokens.accessTokenExpiresAt) / 1000).toBe(issuedAt + 600)
    const again = (await refresh(tokens.refreshToken)).body.tokens
    expect(decodeJwt(again.accessToken).jti).not.toBe(payload.jti)
  })

  test('has the audience of its app, and the claims of the settings', async () => {
    const app = (await server.post('/v1/apps', { name: 'Shop', audience: 'https://api.shop.example' })).body
    await server.call('PATCH', '/v1/settings', {
      session: { claims: { plan: 'free', 'https://x.example/a': [1] }, accessTokenSeconds: 60 },
    })
    const { tokens } = (await server.signIn(fresh(), { appId: app.id })).body
    const claims = decodeJwt(tokens.accessToken)
    expect(claims).toMatchObject({
      aud: 'https://api.shop.example',
      client_id: app.id,
      plan: 'free',
      'https://x.example/a': [1],
    })
    expect((claims.exp as number) - (claims.iat as number)).toBe(60)
    expect((await check(tokens.accessToken)).isActive).toBe(true)
    await server.call('PATCH', '/v1/settings', { session: null })
  })

  test('that is forged, foreign, expired or for somebody else is not active', async () => {
    const { tokens } = (await server.signIn(fresh())).body
    const { accessToken } = tokens
    expect((await check(accessToken)).isActive).toBe(true)
    const [header = '', payload = '', signature = ''] = accessToken.split('.')
    const claims = decodeJwt(accessToken)
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
    const [jwk] = (await keysOf()).keys as JWK[]
    const { privateKey } = await generateKeyPair('ES256')
    const sign = (change: Record<string, unknown>, head: Record<string, unknown> = {}) =>
      new SignJWT({ ...claims, ...change })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...head })
        .sign(privateKey)
    // The server's own key, to change one claim at a time.
    const view = await server.ostiary.deps.directory.bySlug('test')
    const own = (change: Record<string, unknown>, head: Record<string, unknown> = {}) =>
      new SignJWT({ ...claims, ...change })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...head })
        .sign(view?.signer.privateKey as CryptoKey)
    expect((await check(await own({}))).isActive).toBe(true)
    const publicAsSecret = new TextEncoder().encode(JSON.stringify(jwk))
    const forged = [
      '',
      'x',
      `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.`,
      `${encode({ alg: 'none' })}.${payload}.${signature}`,
      await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid }).sign(publicAsSecret),
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid })
        .sign(Buffer.from(jwk?.x ?? '', 'base64url')),
      await sign({}),
      await sign({}, { jwk: await exportJWK((await generateKeyPair('ES256')).publicKey) }),
      await sign({}, { kid: undefined }),
      `${header}.${encode({ ...claims, sub: 'usr_x' })}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${header}.${payload}`,
      await own({ aud: 'https://other.example' }),
      await own({ aud: undefined }),
      await own({ iss: 'http://localhost:4545/e/live' }),
      await own({ exp: (claims.iat as number) - 1 }),
      await own({ exp: undefined }),
      await own({ sid: undefined }),
      await own({ sid: 'ses_01k6z5v9hrf0qv2s8yb7m3c4dn' }),
      await own({ nbf: (claims.exp as number) + 60 }),
      await own({}, { typ: 'JWT' }),
      await own({}, { typ: undefined }),
      (await signInLive()).tokens.accessToken,
      tokens.refreshToken,
    ]
    for (const [index, token] of forged.entries()) {
      const answer = await server.post('/v1/sessions/verify', { accessToken: token })
      if (token === '') expectRefusal(answer, 'invalid_request')
      else expect(answer, `forgery ${index}`).toMatchObject({ status: 200, body: INACTIVE })
    }
    await later(server, 600_000)
    expect(await check(accessToken)).toEqual(INACTIVE)
  })

  test('is over by the clock of the store, where ours is a second behind', async () => {
    const { accessToken } = (await server.signIn(fresh())).body.tokens
    const end = (decodeJwt(accessToken).exp as number) * 1000
    server.clock.set(end - 1000)
    expect((await check(accessToken)).isActive).toBe(true)
    await server.ostiary.deps.store.ping(end)
    expect(await check(accessToken)).toEqual(INACTIVE)
    server.clock.set(end)
  })

  test('of one environment is nothing in the other', async () => {
    const live = await signInLive()
    expect((await check(live.tokens.accessToken, server.liveKey)).isActive).toBe(true)
    expect(await check(live.tokens.accessToken)).toEqual(INACTIVE)
    const kids = async (slug: string) => (await keysOf(slug)).keys.map((key: JWK) => key.kid)
    expect(await kids('test')).not.toEqual(await kids('live'))
  })

  test.each(['revoke', 'revoke all', 'block', 'delete'])('is not active at once after %s', async what => {
    const { tokens, session, user } = (await server.signIn(fresh())).body
    if (what === 'revoke') await server.post(`/v1/sessions/${session.id}/revoke`)
    if (what === 'revoke all')
      expect((await server.post(`/v1/users/${user.id}/sessions/revoke`)).body).toEqual({ revoked: 1 })
    if (what === 'block') await server.post(`/v1/users/${user.id}/block`)
    if (what === 'delete') await server.call('DELETE', `/v1/users/${user.id}`)
    expect(await check(tokens.accessToken)).toEqual(INACTIVE)
    expectRefusal(await refresh(tokens.refreshToken), 'refresh_invalid')
    if (what === 'block') {
      await server.post(`/v1/users/${user.id}/unblock`)
      expect(await check(tokens.accessToken)).toEqual(INACTIVE)
    }
  })
})

describe('the served keys', () => {
  test('are public halves, may be kept ten minutes and read from any origin', async () => {
    const answer = await server.call('GET', '/e/test/.well-known/jwks.json', undefined, { key: null })
    expect(answer.headers.get('cache-control')).toBe('public, max-age=600')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    for (const key of answer.body.keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
      await importJWK(key, 'ES256')
    }
    expectRefusal(
      await server.call('GET', '/e/nowhere/.well-known/jwks.json', undefined, { key: null }),
      'not_found',
    )
  })
})

describe('a refresh', () => {
  test('rotates the token, keeps the session and its authTime', async () => {
    const { tokens, session } = (await server.signIn(fresh())).body
    await later(server, 3_600_000)
    const { body } = await refresh(tokens.refreshToken)
    expect(body.session).toEqual({ ...session, lastUsedAt: new Date(server.clock.now()).toISOString() })
    expect(body.tokens.refreshToken).not.toBe(tokens.refreshToken)
    expect(Date.parse(body.tokens.refreshTokenExpiresAt) - server.clock.now()).toBe(1_209_600_000)
  })
  test('within ten seconds is answered again to the same client, three times at most', async () => {
    const context = { ipAddress: '203.0.113.7', userAgent: 'a' }
    const { refreshToken } = (await server.signIn(fresh())).body.tokens
    const successor = (await refresh(refreshToken, context)).body.tokens.refreshToken
    await later(server, 9_999)
    for (let round = 0; round < 3; round++)
      expect((await refresh(refreshToken, context)).body.tokens.refreshToken).toBe(successor)
    expectRefusal(await refresh(refreshToken, context), 'refresh_reused')
    expectRefusal(await refresh(successor, context), 'refresh_invalid')
  })
  test.each([
    ['after ten seconds', 10_000, { ipAddress: '203.0.113.7', userAgent: 'a' }],
    ['from another network', 0, { ipAddress: '203.0.113.8', userAgent: 'a' }],
    ['from another browser', 0, { ipAddress: '203.0.113.7', userAgent: 'b' }],
    ['from one who does not say', 0, undefined],
  ])('of a used token %s revokes the session', async (_, ms, context) => {
    const { tokens, session } = (await server.signIn(fresh())).body
    const next = (await refresh(tokens.refreshToken, { ipAddress: '203.0.113.7', userAgent: 'a' })).body
    await later(server, ms)
    expectRefusal(await refresh(tokens.refreshToken, context), 'refresh_reused')
    expect(await check(next.tokens.accessToken)).toEqual(INACTIVE)
    expect((await server.get(`/v1/sessions/${session.id}`)).body.revokedAt).not.toBeNull()
    const events = (await server.get(`/v1/events?sessionId=${session.id}`)).body.data
    expect(events.map((event: { type: string }) => event.type)).toContain('session.refresh_reused')
  })
  test('after the successor was used is reuse, within ten seconds too', async () => {
    const { refreshToken } = (await server.signIn(fresh())).body.tokens
    const second = (await refresh(refreshToken)).body.tokens.refreshToken
    expect((await refresh(second)).status).toBe(200)
    expectRefusal(await refresh(refreshToken), 'refresh_reused')
  })
  test('of a token that nobody made revokes nothing', async () => {
    const { tokens } = (await server.signIn(fresh())).body
    const before = await dump(server)
    const { refreshToken } = tokens
    const swap = (at: number) =>
      refreshToken.slice(0, at) + (refreshToken[at] === 'A' ? 'B' : 'A') + refreshToken.slice(at + 1)
    for (const token of [
      swap(8),
      swap(40),
      swap(80),
      'x',
      refreshToken.slice(0, -1),
      tokens.accessToken.slice(0, 200),
    ])
      expectRefusal(await refresh(token), 'refresh_invalid')
    expectRefusal(await refresh('x'.repeat(201)), 'invalid_request')
    expect(await dump(server)).toEqual(before)
    expect((await refresh(refreshToken)).status).toBe(200)
  })
  test('in the other environment is 401 and revokes nothing', async () => {
    const { refreshToken } = (await server.signIn(fresh())).body.tokens
    const next = (await refresh(refreshToken)).body.tokens.refreshToken
    const before = await dump(server)
    expectRefusal(await refresh(next, undefined, server.liveKey), 'refresh_invalid')
    expectRefusal(await refresh(refreshToken, undefined, server.liveKey), 'refresh_invalid')
    expect(await dump(server)).toEqual(before)
    expect((await refresh(next)).status).toBe(200)
  })
  test('is too late at the idle end, and never passes the absolute end', async () => {
    await server.call('PATCH', '/v1/settings', { session: { idleSeconds: 600, absoluteSeconds: 1000 } })
    const idle = (await server.signIn(fresh())).body.tokens.refreshToken
    const { tokens, session } = (await server.signIn(fresh())).body
    await later(server, 599_999)
    const { body } = await refresh(tokens.refreshToken)
    expect(body.tokens.refreshTokenExpiresAt).toBe(session.expiresAt)
    await later(server, 1)
    expectRefusal(await refresh(idle), 'refresh_invalid')
    await later(server, 399_000)
    const last = (await refresh(body.tokens.refreshToken)).body
    // In whole seconds, as `exp` is.
    expect(Date.parse(last.tokens.accessTokenExpiresAt)).toBe(
      Math.floor(Date.parse(session.expiresAt) / 1000) * 1000,
    )
    await later(server, 1000)
    expectRefusal(await refresh(last.tokens.refreshToken), 'refresh_invalid')
    expect(await check(last.tokens.accessToken)).toEqual(INACTIVE)
    await server.call('PATCH', '/v1/settings', { session: null })
  })
  test('of one token ten times at once names one successor', async () => {
    const { refreshToken } = (await server.signIn(fresh())).body.tokens
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(refreshToken)))
    const successors = answers.filter(one => one.status === 200).map(one => one.body.tokens.refreshToken)
    expect(new Set(successors).size).toBe(1)
    expect(successors.length).toBeLessThanOrEqual(4)
  })
})
