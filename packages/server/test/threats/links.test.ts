import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectRefusal } from '../http/answers.ts'
import { codeOf, dump, fresh, handoverOf, later, press, raw, send } from '../http/world.ts'
import { type TestServer, testServer } from '../setup/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const CB = 'http://localhost:3000/cb'
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const S256 = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

async function linked(extra: Record<string, unknown> = {}) {
  const sent = await send(server, { to: fresh(), credential: 'codeAndLink', redirectUrl: CB, ...extra })
  const { link } = await server.message({ challengeId: sent.id })
  const token = /olk_[\w-]{43}/.exec(link)?.[0] ?? ''
  return { id: sent.id as string, to: sent.to as string, link, token, path: `/l/${token}` }
}
const exchange = (linkToken: string, extra: Record<string, unknown> = {}) =>
  server.post('/v1/challenges/verify', { linkToken, ...extra })
const open = (path: string, method = 'GET', headers: Record<string, string> = {}) =>
  server.call(method, path, undefined, { key: null, headers })

const HOSTS: [title: string, headers: Record<string, string>][] = [
  ['[58] a false Host', { Host: 'evil.test' }],
  ['[58] X-Forwarded-Host', { 'X-Forwarded-Host': 'evil.test' }],
  ['[58] Forwarded', { Forwarded: 'host=evil.test;proto=https' }],
  ['[58] X-Forwarded-Proto', { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '8443' }],
  ['[58] X-Original-URL', { 'X-Original-URL': 'https://evil.test/l/x', 'X-Rewrite-URL': '/evil' }],
]
describe('a link leads to the configured origin alone', () => {
  test.each(HOSTS)('%s', async (_, headers) => {
    const to = fresh()
    const body = { to, credential: 'link', redirectUrl: CB }
    const response = await server.ostiary.app.request('http://evil.test/v1/challenges', {
      method: 'POST',
      headers: { Authorization: `Bearer ${server.key}`, 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    expect(response.status).toBe(201)
    const { link, text, html } = await server.message({ to })
    expect(link).toMatch(/^http:\/\/localhost:4545\/l\/olk_/)
    expect(text + html).not.toContain('evil')
  })
  test('[61] a base URL or template host in the request is an unknown field', async () => {
    for (const field of ['baseUrl', 'host', 'linkUrl'])
      expectRefusal(
        await server.post('/v1/challenges', { to: fresh(), [field]: 'https://evil.test' }),
        'invalid_request',
      )
  })
})

const BENT: [title: string, bend: (token: string) => string][] = [
  ['[62] a token cut by one character', token => token.slice(0, -1)],
  ['[62] a token cut to its first half', token => token.slice(0, 26)],
  ['[62] a token with one character more', token => `${token}A`],
  ['[62] a token with padding', token => `${token}=`],
  ['[62] a token in the other alphabet of base64', token => token.replaceAll('-', '+').replaceAll('_', '/')],
  ['[62] a token in capitals', token => `olk_${token.slice(4).toUpperCase()}`],
  ['[62] a token with its last bits changed', token => token.slice(0, -1) + nextOf(token.at(-1) ?? 'A')],
  ['[62] a token with white space behind', token => `${token} `],
  ['[62] a token of the other kind', token => token.replace('olk_', 'oht_')],
  ['[62] a token without its kind', token => token.slice(4)],
  ['[62] a token with a NUL', token => `${token}%00`],
]
// The next character has the same leading bits: only those differ that stand for nothing.
function nextOf(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(character) ^ 1] ?? 'A'
}
describe('a token that is not the one that was mailed', () => {
  test.each(BENT)('%s', async (_, bend) => {
    const ours = await linked({ linkVia: 'app' })
    const bent = bend(ours.token)
    expectRefusal(await exchange(bent), 'link_invalid')
    const page = await linked()
    const path = `/l/${encodeURIComponent(bend(page.token)).replaceAll('%25', '%')}`
    for (const method of ['GET', 'POST'])
      expect([400, 404]).toContain((await open(path, method, { 'Sec-Fetch-Site': 'same-origin' })).status)
    expect((await exchange(ours.token)).status).toBe(200)
  })
})

/** After each of these neither the link nor a hand-over that came of it leads in. */
const OVER: [title: string, end: (its: { id: string; to: string }) => Promise<unknown>][] = [
  ['[65] a link older than its life', () => later(server, 600_000)],
  [
    '[65] a link whose challenge was answered by the code',
    async ({ id }) => server.post(`/v1/challenges/${id}/verify`, { code: await codeOf(server, id) }),
  ],
  [
    '[65] a link that a resend has replaced',
    async ({ id }) => {
      await server.call('PATCH', '/v1/settings', { challenge: { resend: 'replace' } })
      await later(server, 31_000)
      await server.post(`/v1/challenges/${id}/resend`)
      await server.call('PATCH', '/v1/settings', { challenge: null })
    },
  ],
  [
    '[65] a link after the account was deleted',
    async ({ to }) => {
      const [user] = (await server.get(`/v1/users?email=${to}`)).body.data
      expect((await server.call('DELETE', `/v1/users/${user.id}`)).status).toBe(204)
    },
  ],
  [
    '[79] a link after the address was taken from the account',
    async ({ to }) => {
      const [user] = (await server.get(`/v1/users?email=${to}`)).body.data
      await server.call('DELETE', `/v1/users/${user.id}/identifiers?type=email&value=${to}`)
    },
  ],
  [
    '[86] a link after the address was registered anew',
    async ({ to }) => {
      const [user] = (await server.get(`/v1/users?email=${to}`)).body.data
      await server.call('DELETE', `/v1/users/${user.id}`)
      await server.post('/v1/users', { email: to, emailVerified: true })
    },
  ],
]
describe('a link that is over', () => {
  test.each(OVER)('%s', async (_, end) => {
    for (const linkVia of ['ostiary', 'app']) {
      const to = fresh()
      await server.post('/v1/users', { email: to, emailVerified: true })
      const its = await linked({ to, linkVia })
      await end(its)
      expect((await exchange(its.token)).status).toBeGreaterThanOrEqual(400)
      if (linkVia === 'app') continue
      const looked = await open(its.path)
      // A link that a resend replaced is unknown from then on.
      expect([404, 409, 410]).toContain(looked.status)
      expect(looked.body).not.toContain('<form')
      expect((await press(server, its.link)).status).toBe(looked.status)
    }
  })
  test('[65] a hand-over whose challenge ended between press and exchange', async () => {
    const to = fresh()
    const { id: userId } = (await server.post('/v1/users', { email: to, emailVerified: true })).body
    const its = await linked({ to })
    const handover = await handoverOf(server, its.link)
    await server.post(`/v1/users/${userId}/block`)
    expect((await exchange(handover)).status).toBeGreaterThanOrEqual(400)
  })
})

describe('a link that is bound to the browser that asked', () => {
  const bound: [title: string, codeVerifier: string | undefined][] = [
    ['[67] without the verifier', undefined],
    ['[67] with the challenge as its verifier', S256],
    ['[67] with another verifier', VERIFIER.replace('d', 'e')],
  ]
  test.each(bound)('%s', async (_, codeVerifier) => {
    const { token } = await linked({ linkVia: 'app', codeChallenge: S256 })
    expectRefusal(await exchange(token, codeVerifier ? { codeVerifier } : {}), 'link_invalid')
    expect((await exchange(token, { codeVerifier: VERIFIER })).status).toBe(200)
  })
  test('[67] a verifier where none was asked for is a stripped challenge', async () => {
    const { token } = await linked({ linkVia: 'app' })
    expectRefusal(await exchange(token, { codeVerifier: VERIFIER }), 'link_invalid')
  })
})

describe('the answers of a link', () => {
  test('[64] page and press refer nobody, load nothing foreign and are not stored', async () => {
    const { link, path } = await linked()
    const page = await open(path)
    expect(page.body).not.toMatch(/(src|href)="https?:/)
    const pressed = await press(server, link)
    for (const headers of [page.headers, pressed.headers]) {
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
    expect(pressed.headers.get('location')).not.toContain('olk_')
  })
  test('[134] a press is answered by 303, so that no form is sent on', async () => {
    const { link } = await linked()
    expect((await press(server, link)).status).toBe(303)
  })
  test('[178] every page has a policy from nothing, cannot be framed and is not sniffed', async () => {
    const { path } = await linked()
    for (const page of [path, '/l/olk_x', '/docs/errors']) {
      const { headers } = await open(page)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).toContain("base-uri 'none'")
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })
  test('[178] over https all answers ask for https for a year', async () => {
    const secure = await testServer({ publicUrl: 'https://auth.example.test' })
    for (const path of ['/healthz', '/l/x', '/v1/settings', '/nothing'])
      expect((await secure.get(path)).headers.get('strict-transport-security')).toBe('max-age=31536000')
    await secure.stop()
  })
  test('[100] the cookie of the page is of this host alone, out of reach of scripts, and small', async () => {
    const { path } = await linked()
    const cookie = (await open(path)).headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^__Host-ostiary-press=[\w-]{43};/)
    const [, ...parts] = cookie.split('; ')
    expect(parts.sort()).toEqual(['HttpOnly', 'Max-Age=3600', 'Path=/', 'SameSite=Strict', 'Secure'])
    expect(cookie.length).toBeLessThan(4096)
  })
})

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }
const FORGED: [title: string, headers: Record<string, string>, body: string][] = [
  ['[181] a form of another site', { ...FORM, 'Sec-Fetch-Site': 'cross-site' }, 'press=FIELD'],
  ['[181] a form of a sibling subdomain', { ...FORM, 'Sec-Fetch-Site': 'same-site' }, 'press=FIELD'],
  ['[181] a press that nobody made', { ...FORM, 'Sec-Fetch-Site': 'none' }, 'press=FIELD'],
  ['[181] no word from the browser and no cookie', FORM, 'press=FIELD'],
  ['[181] a field that is not the cookie', { ...FORM, Cookie: '__Host-ostiary-press=COOKIE' }, 'press=x'],
  ['[181] no field', { ...FORM, Cookie: '__Host-ostiary-press=COOKIE' }, ''],
  [
    '[181] JSON as plain text',
    { 'Content-Type': 'text/plain', Cookie: '__Host-ostiary-press=COOKIE' },
    '{"press":"COOKIE"}',
  ],
  [
    '[107] a cookie of the same name without the prefix',
    { ...FORM, Cookie: 'ostiary-press=COOKIE' },
    'press=COOKIE',
  ],
  ['[107] an empty cookie and an empty field', { ...FORM, Cookie: '__Host-ostiary-press=' }, 'press='],
]
describe('a press that is not ours', () => {
  test.each(FORGED)('%s', async (_, headers, body) => {
    const { link, path } = await linked()
    const page = await open(path)
    const cookie = /press=([\w-]{43})/.exec(page.headers.get('set-cookie') ?? '')?.[1] ?? ''
    const field = /name="press" value="([\w-]+)"/.exec(page.body)?.[1] ?? ''
    expect(field).toBe(cookie)
    const fill = (text: string) => text.replace('COOKIE', cookie).replace('FIELD', field)
    const before = await dump(server)
    const { status } = await raw(server, 'POST', path, fill(body), {
      key: null,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)])),
    })
    expect(status).toBe(403)
    expect(await dump(server)).toEqual(before)
    expect((await press(server, link)).status).toBe(303)
  })
})
