import { createHash } from 'node:crypto'
import {
  type CryptoKey,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWK,
  SignJWT,
} from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSigningKey } from '../../src/core/sessions/access-token.ts'
import { expectRefusal } from '../http/answers.ts'
import { codeOf, fresh, later, press, send } from '../http/world.ts'
import { SECRET, type TestServer, testServer } from '../setup/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const INACTIVE = { isActive: false, session: null, user: null }
const check = async (accessToken: string, on = server) =>
  (await on.post('/v1/sessions/verify', { accessToken })).body
const refresh = (refreshToken: string, on = server) => on.post('/v1/sessions/refresh', { refreshToken })
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const keysOf = async (on = server): Promise<JWK[]> =>
  (await on.call('GET', '/e/test/.well-known/jwks.json', undefined, { key: null })).body.keys

/** A genuine token of somebody who is signed in, and a way to sign others with the server's own key. */
async function genuine() {
  const { tokens, user } = (await server.signIn(fresh())).body
  const claims = decodeJwt(tokens.accessToken)
  const { kid } = decodeProtectedHeader(tokens.accessToken)
  const view = await server.ostiary.deps.directory.bySlug('test')
  const own = (change: Record<string, unknown> = {}, head: Record<string, unknown> = {}) =>
    new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...(kid !== undefined && { kid }), ...head })
      .sign(view?.signer.privateKey as CryptoKey)
  return { token: tokens.accessToken as string, claims, kid, own, user }
}

type Genuine = Awaited<ReturnType<typeof genuine>>
const strange = async (head: Record<string, unknown>, its: Genuine) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  return await new SignJWT(its.claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...('jwk' in head ? { ...head, jwk } : head) })
    .sign(privateKey)
}
const hmac = (its: Genuine, secret: Uint8Array) =>
  new SignJWT(its.claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).sign(secret)
const pem = async () => {
  const jwk = (await keysOf())[0] as JWK
  const der = createHash('sha256').update(JSON.stringify(jwk)).digest('base64')
  return `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`
}
const HOUR = 3600
const FORGED: [title: string, forge: (its: Genuine) => Promise<string> | string][] = [
  ['[109] alg none', ({ claims }) => `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims)}.`],
  ['[109] alg nOnE', ({ claims }) => `${encode({ alg: 'nOnE', typ: 'at+jwt' })}.${encode(claims)}.`],
  [
    '[109] HS256 with the published key as its secret',
    async its => hmac(its, Buffer.from(JSON.stringify((await keysOf())[0]))),
  ],
  ['[109] HS256 with a PEM as its secret', async its => hmac(its, Buffer.from(await pem()))],
  ['[109] HS256 with white space before the PEM', async its => hmac(its, Buffer.from(` ${await pem()}`))],
  [
    '[109] another algorithm in the header',
    ({ token }) => token.replace(/^[^.]+/, encode({ alg: 'ES384', typ: 'at+jwt' })),
  ],
  ['[110] jwk in the header', its => strange({ jwk: true }, its)],
  ['[110] jku in the header', its => strange({ jku: 'http://127.0.0.1:1/jwks' }, its)],
  ['[110] x5u in the header', its => strange({ x5u: 'http://127.0.0.1:1/cert' }, its)],
  ['[110] kid as a path', its => strange({ kid: '../../../../etc/passwd' }, its)],
  ['[110] kid as SQL', its => strange({ kid: "' OR 1=1 --" }, its)],
  ['[110] kid as a URL', its => strange({ kid: 'https://evil.test/key' }, its)],
  ['[110] the kid of our key', its => strange({ kid: its.kid }, its)],
  ['[112] another audience', ({ own }) => own({ aud: 'https://other.test' })],
  ['[112] another issuer', ({ own }) => own({ iss: 'http://localhost:4545/e/live' })],
  ['[112] the issuer in a list', ({ own, claims }) => own({ iss: [claims.iss] })],
  ['[112] the session of another user', async ({ own }) => own({ sub: (await genuine()).user.id })],
  ['[113] no exp', ({ own }) => own({ exp: undefined })],
  ['[113] exp as text', ({ own }) => own({ exp: '9999999999' })],
  ['[113] exp of this second', ({ own }) => own({ exp: Math.floor(server.clock.now() / 1000) })],
  ['[113] nbf in an hour', ({ own, claims }) => own({ nbf: (claims.iat ?? 0) + HOUR })],
  ['[113] an ID token or anything else that is not at+jwt', ({ own }) => own({}, { typ: 'JWT' })],
  ['[115] 60 KB of token', ({ token }) => token + 'A'.repeat(60_000)],
  ['[115] 30,000 dots', () => '.'.repeat(30_000)],
  [
    '[115] a header nested 5,000 deep',
    ({ token }) => token.replace(/^[^.]+/, Buffer.from('['.repeat(5000)).toString('base64url')),
  ],
  ['[115] a genuine token of over 8 KB', ({ own }) => own({ filler: 'x'.repeat(9000) })],
  ['[115] a compressed JWE', () => `${encode({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' })}..AAAA.AAAA.AAAA`],
]
describe('an access token that is not ours or not whole', () => {
  test.each(FORGED)('%s', async (_, forge) => {
    const its = await genuine()
    expect((await check(await its.own())).isActive).toBe(true)
    const token = await forge(its)
    const at = performance.now()
    const answer = await server.post('/v1/sessions/verify', { accessToken: token })
    if (answer.status === 400) expectRefusal(answer, 'invalid_request')
    else expect(answer.body).toEqual(INACTIVE)
    expect(performance.now() - at).toBeLessThan(250)
  })
})

test('[116] a new key is published before it signs; the old one verifies until its last token is over, and is then gone', async () => {
  const its = await testServer()
  const { store, keyring, clock, directory } = its.ostiary.deps
  const view = await directory.bySlug('test')
  const environmentId = view?.environment.id ?? ''
  const origin = { environmentId, appId: null, actor: { type: 'system' as const, id: null }, requestId: null }
  const kids = async () => (await keysOf(its)).map(key => key.kid)
  const [old] = await kids()
  const first = (await its.signIn('a@x.test')).body.tokens.accessToken
  const HOUR_MS = 3_600_000
  await later(its, 120_000)
  const activatesAt = clock.now() + HOUR_MS
  const key = await newSigningKey(keyring, environmentId, clock.now(), activatesAt)
  await store.addSigningKey(key, origin, clock.now())
  directory.forget()
  expect((await kids()).sort()).toEqual([key.id, old].sort())
  expect(decodeProtectedHeader((await its.signIn('b@x.test')).body.tokens.accessToken).kid).toBe(old)
  expect((await check(first, its)).isActive).toBe(true)
  await later(its, HOUR_MS - 1000)
  const last = (await its.signIn('c@x.test')).body.tokens.accessToken
  expect(decodeProtectedHeader(last).kid).toBe(old)
  await later(its, 2000)
  expect(decodeProtectedHeader((await its.signIn('d@x.test')).body.tokens.accessToken).kid).toBe(key.id)
  expect((await check(last, its)).isActive).toBe(true)
  expect(await kids()).toContain(old)
  await later(its, 2 * HOUR_MS)
  expect(await kids()).toEqual([key.id])
  await its.stop()
})

describe('a refresh token', () => {
  test('[86] [91] of a user who was deleted and registered anew leads nowhere', async () => {
    const to = fresh()
    const { user, tokens } = (await server.signIn(to)).body
    await server.call('DELETE', `/v1/users/${user.id}`)
    await later(server, 61_000)
    const again = (await server.signIn(to)).body
    expect(again).toMatchObject({ isNewUser: true })
    expect(again.user.id).not.toBe(user.id)
    expectRefusal(await refresh(tokens.refreshToken), 'refresh_invalid')
    expect(await check(tokens.accessToken)).toEqual(INACTIVE)
  })
  test('[113] is never told to live longer than its session, not even the first one', async () => {
    await server.call('PATCH', '/v1/settings', { session: { absoluteSeconds: 3600, idleSeconds: 3600 } })
    await server.call('PATCH', '/v1/settings', { session: { idleSeconds: 3600, absoluteSeconds: 3600 } })
    const { session, tokens } = (await server.signIn(fresh())).body
    expect(tokens.refreshTokenExpiresAt <= session.expiresAt).toBe(true)
    await later(server, 3_595_000)
    const next = await refresh(tokens.refreshToken)
    expect(next.status).toBe(200)
    expect(next.body.tokens.refreshTokenExpiresAt <= session.expiresAt).toBe(true)
    expect(next.body.tokens.accessTokenExpiresAt <= session.expiresAt).toBe(true)
    await later(server, 5000)
    expectRefusal(await refresh(next.body.tokens.refreshToken), 'refresh_invalid')
    await server.call('PATCH', '/v1/settings', { session: null })
  })
  test('[92] used, used on, and used again after the grace time: the whole session is dead', async () => {
    const { tokens, session } = (await server.signIn(fresh())).body
    const next = (await refresh(tokens.refreshToken)).body.tokens
    await later(server, 11_000)
    expectRefusal(await refresh(tokens.refreshToken), 'refresh_reused')
    expectRefusal(await refresh(next.refreshToken), 'refresh_invalid')
    expect(await check(next.accessToken)).toEqual(INACTIVE)
    const { data } = (await server.get(`/v1/events?sessionId=${session.id}&type=session.refresh_reused`)).body
    expect(data).toHaveLength(1)
  })
})

test('[91] signing out everywhere ends proofs that no session was opened for yet', async () => {
  const to = fresh()
  const { user } = (await server.signIn(to)).body
  await later(server, 61_000)
  const { id } = await send(server, { to, session: false })
  await server.post(`/v1/challenges/${id}/verify`, { code: await codeOf(server, id) })
  await server.post(`/v1/users/${user.id}/sessions/revoke`)
  const opened = await server.post('/v1/sessions', { challengeId: id })
  expect(opened.status).toBeGreaterThanOrEqual(400)
})

test('[205] a higher epoch after a restore ends sessions, challenges, links and proofs; API keys stay', async () => {
  const its = await testServer()
  const { tokens } = (await its.signIn('s@x.test')).body
  const ask = { credential: 'codeAndLink', redirectUrl: 'http://localhost:3000/cb' }
  const pending = (await its.post('/v1/challenges', { to: 'p@x.test', ...ask })).body
  const { code, link } = await its.message({ challengeId: pending.id })
  const inApp = (await its.post('/v1/challenges', { to: 'q@x.test', ...ask, linkVia: 'app' })).body
  const { link: appLink } = await its.message({ challengeId: inApp.id })
  const proof = (await its.post('/v1/challenges', { to: 'r@x.test', session: false })).body
  const proofCode = (await its.message({ challengeId: proof.id })).code
  await its.post(`/v1/challenges/${proof.id}/verify`, { code: proofCode })
  const { key } = its
  const raised = await its.reopen({ epoch: 2 })
  const post = (path: string, body: unknown) => raised.call('POST', path, body, { key })
  expect((await raised.call('GET', '/v1/users', undefined, { key })).body.data).toHaveLength(2)
  expectRefusal(await post('/v1/sessions/refresh', { refreshToken: tokens.refreshToken }), 'refresh_invalid')
  expect((await post('/v1/sessions/verify', { accessToken: tokens.accessToken })).body).toEqual(INACTIVE)
  expectRefusal(await post(`/v1/challenges/${pending.id}/verify`, { code }), 'challenge_expired')
  expectRefusal(await post(`/v1/challenges/${pending.id}/resend`, {}), 'challenge_expired')
  expect((await raised.call('GET', new URL(link).pathname, undefined, { key: null })).body).not.toContain(
    '<form',
  )
  expect((await press(raised, link)).status).toBeGreaterThanOrEqual(400)
  const linkToken = new URL(appLink).searchParams.get('token')
  expect((await post('/v1/challenges/verify', { linkToken })).status).toBeGreaterThanOrEqual(400)
  expect((await post('/v1/sessions', { challengeId: proof.id })).status).toBe(409)
  await expect(raised.reopen({ epoch: 1 })).rejects.toThrow(/OSTIARY_EPOCH/)
})

test('[215] the key of ostiary dev is no key where it is not asked for', async () => {
  const developmentKey = (await import('../../src/core/tokens.ts')).formatApiKey(
    'osk',
    'test',
    createHash('sha256').update(SECRET).digest(),
  )
  const dev = await testServer({ developmentKey, acceptsDevelopmentKeys: true })
  const ask = (on: TestServer) => on.call('GET', '/v1/settings', undefined, { key: developmentKey })
  expect((await ask(dev)).status).toBe(200)
  const strict = await dev.reopen({ acceptsDevelopmentKeys: false })
  expectRefusal(await ask(strict), 'unauthorized')
  await strict.stop()
})
