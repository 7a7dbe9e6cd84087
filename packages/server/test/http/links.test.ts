import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { codeOf, dump, fresh, handoverOf, later, press, send } from './world.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const CB = 'http://localhost:3000/cb?own=1&flag'
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const S256 = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const unknownToken = (kind: string) => `${kind}_${server.ostiary.deps.random.bytes(32).toString('base64url')}`

async function linked(extra: Record<string, unknown> = {}) {
  const sent = await send(server, { to: fresh(), credential: 'codeAndLink', redirectUrl: CB, ...extra })
  const { link, code } = await server.message({ challengeId: sent.id })
  return { id: sent.id as string, to: sent.to as string, link, code, path: new URL(link).pathname }
}
const exchange = (linkToken: string, extra: Record<string, unknown> = {}) =>
  server.post('/v1/challenges/verify', { linkToken, ...extra })
const open = (path: string, method = 'GET', headers: Record<string, string> = {}) =>
  server.call(method, path, undefined, { key: null, headers })

describe('looking at a link', () => {
  test('changes nothing but its events, of which there are at most 20', async () => {
    const { id, path, link } = await linked()
    const rows = async () => {
      const { events, challenges, ...rest } = await dump(server)
      const whole = challenges?.map(row => JSON.stringify({ ...JSON.parse(row), link_opens: null }))
      return {
        rest,
        challenges: whole,
        others: events?.filter(row => !row.includes('challenge.link_opened')),
      }
    }
    const before = await rows()
    for (let round = 0; round < 25; round++) {
      const answer = await open(path, round % 2 ? 'HEAD' : 'GET')
      expect(answer.status).toBe(200)
      if (round % 2) expect(answer.body).toBe('')
    }
    expect(await rows()).toEqual(before)
    const events = (await server.get(`/v1/events?challengeId=${id}&type=challenge.link_opened&limit=100`))
      .body.data
    expect(events).toHaveLength(20)
    expect((await exchange(await handoverOf(server, link))).status).toBe(200)
  })
  test('is told with the network it came from, and whether a scanner seems to have looked', async () => {
    const { id, path } = await linked()
    await later(server, 1_999)
    const firefox = { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' }
    await open(path, 'GET', firefox)
    await later(server, 1)
    for (const [method, headers] of [
      ['GET', firefox],
      ['HEAD', firefox],
      ['GET', { 'User-Agent': 'Slackbot-LinkExpanding 1.0' }],
      ['GET', {}],
    ] as const)
      await open(path, method, headers)
    const { timeline } = (await server.get(`/v1/challenges/${id}`)).body
    const opened = timeline.filter(({ type }: { type: string }) => type === 'challenge.link_opened')
    expect(opened.map(({ data }: { data: unknown }) => data)).toEqual(
      [true, false, true, true, true].map(isLikelyScanner => ({ network: null, isLikelyScanner })),
    )
  })
  test('shows a page that is not stored, framed or referred from, with a button', async () => {
    const { path, to } = await linked()
    const { headers, body } = await open(path, 'GET', { 'Accept-Language': 'de-AT,de;q=0.9' })
    expect(body).toContain('<html lang="de-AT" dir="ltr">')
    expect(body.match(/<button/g)).toHaveLength(1)
    expect(body).not.toContain(to)
    expect(body).not.toContain('olk_')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('content-security-policy')).toContain("form-action 'self' http://localhost:3000;")
    expect(headers.get('set-cookie')).toMatch(
      /^__Host-ostiary-press=[\w-]{43};.*HttpOnly.*Secure.*SameSite=Strict/,
    )
    expect(headers.get('request-id')).toMatch(/^req_/)
  })
  test('speaks the language of the mail, then of the browser, then the default, with the texts of the settings', async () => {
    const pageOf = async (path: string, accept = '') =>
      (await open(path, 'GET', { 'Accept-Language': accept })).body as string
    const [asked, unasked] = [await linked({ locale: 'ar' }), await linked()]
    expect(await pageOf(asked.path, 'de')).toContain('<html lang="ar" dir="rtl">')
    expect(await pageOf(unasked.path, 'xx, pl;q=0.2, fr-CA;q=0.9')).toContain('<html lang="fr-CA" dir="ltr">')
    await server.call('PATCH', '/v1/settings', {
      locale: { default: 'nl' },
      texts: { ja: { 'link.submit.signIn': '<入る>' }, sv: { 'link.support': 'Hjälp' } },
    })
    await later(server, 2000)
    const [japanese, swedish, dutch] = [
      await pageOf(unasked.path, 'ja'),
      await pageOf(unasked.path, 'sv'),
      await pageOf(unasked.path, 'fi'),
    ]
    await server.call('PATCH', '/v1/settings', { locale: null, texts: null })
    await later(server, 2000)
    expect(japanese).toContain('&lt;入る&gt;</button>')
    expect(swedish).toMatch(/<html lang="sv" dir="ltr">[\s\S]*>Inloggen<\/button>/)
    expect(dutch).toContain('<html lang="nl" dir="ltr">')
    expect(await pageOf('/l/olk_x', 'es')).toMatch(/<html lang="es" dir="ltr">[\s\S]*Este enlace no funciona/)
  })
  test('tells an unknown link nothing, whatever its form', async () => {
    const pages = new Set<string>()
    for (const token of [
      'x',
      unknownToken('olk'),
      unknownToken('oht'),
      unknownToken('osk'),
      '%00',
      'a'.repeat(5000),
    ]) {
      const answer = await open(`/l/${token}`)
      expect(answer.status).toBe(404)
      pages.add(answer.body.replaceAll(/nonce="[^"]*"/g, ''))
      expect((await press(server, `http://localhost:4545/l/${token}`)).status).toBe(404)
    }
    expect(pages.size).toBe(1)
  })
})

describe('pressing', () => {
  test.each([
    ['nothing', {}],
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a sister site', { 'Sec-Fetch-Site': 'same-site' }],
    ['the address bar', { 'Sec-Fetch-Site': 'none' }],
    ['a made-up word', { 'Sec-Fetch-Site': 'same-origin, cross-site' }],
    ['the right origin alone', { Origin: 'http://localhost:4545', Referer: 'http://localhost:4545/l/x' }],
  ])('from %s is refused, and the link lives on', async (_, headers) => {
    const { link } = await linked()
    const before = await dump(server)
    const answer = await press(server, link, headers as Record<string, string>)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('location')).toBeNull()
    expect(await dump(server)).toEqual(before)
    expect((await press(server, link)).status).toBe(303)
  })

  test('needs cookie and field of the page where the browser says nothing', async () => {
    const { link, path } = await linked()
    const page = await open(path)
    const cookie = page.headers.get('set-cookie')?.split(';')[0] as string
    const field = /name="press" value="([^"]+)"/.exec(page.body)?.[1] as string
    expect(cookie.split('=')[1]).toBe(field)
    const pressed = (headers: Record<string, string>, body: string) =>
      server.ostiary.app.request(link, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
        body,
      })
    const wrong = [
      pressed({}, `press=${field}`),
      pressed({ Cookie: cookie }, ''),
      pressed({ Cookie: cookie }, 'press='),
      pressed({ Cookie: `${cookie}x` }, `press=${field}`),
      pressed({ Cookie: cookie }, `press=${field}x`),
      pressed({ Cookie: '__Host-ostiary-press=' }, 'press='),
      pressed({ Cookie: cookie, 'Content-Type': 'text/plain' }, `press=${field}`),
      pressed({ Cookie: cookie, 'Sec-Fetch-Site': 'cross-site' }, `press=${field}`),
    ]
    for (const answer of await Promise.all(wrong)) expect(answer.status).toBe(403)
    expect((await pressed({ Cookie: cookie }, `press=${field}`)).status).toBe(303)
  })

  test('leads to the app with token and state behind its own query', async () => {
    const { link } = await linked({ state: 'a&token=b c' })
    const answer = await press(server, link)
    expect(answer.status).toBe(303)
    const location = answer.headers.get('location') as string
    expect(location).toMatch(/^http:\/\/localhost:3000\/cb\?own=1&flag&token=oht_[\w-]{43}&state=/)
    expect(new URL(location).searchParams.get('state')).toBe('a&token=b c')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    expect(await answer.text()).toBe('')
    const { link: stateless } = await linked()
    expect((await press(server, stateless)).headers.get('location')).not.toContain('state')
  })

  test('again ends the first hand-over', async () => {
    const { link } = await linked()
    const [first, second] = [await handoverOf(server, link), await handoverOf(server, link)]
    expectRefusal(await exchange(first), 'link_invalid')
    expect((await exchange(second)).status).toBe(200)
    expectRefusal(await exchange(second), 'link_invalid')
    expect((await press(server, link)).status).toBe(409)
    expect((await open(new URL(link).pathname)).status).toBe(409)
  })

  test('gives a hand-over for 60 seconds, and the link can be pressed after it', async () => {
    const { link } = await linked()
    const handover = await handoverOf(server, link)
    await later(server, 60_000)
    expect((await exchange(handover)).status).toBeGreaterThanOrEqual(400)
    const next = await handoverOf(server, link)
    await later(server, 59_999)
    expect((await exchange(next)).status).toBe(200)
  })

  test('late gives a hand-over that ends with its challenge', async () => {
    const { link } = await linked({ expiresInSeconds: 60 })
    await later(server, 59_000)
    const handover = await handoverOf(server, link)
    await later(server, 1000)
    expectRefusal(await exchange(handover), 'challenge_expired')
    expect((await press(server, link)).status).toBe(410)
    expect((await open(new URL(link).pathname)).status).toBe(410)
  })

  test('leaves the code valid until the hand-over is exchanged', async () => {
    const first = await linked()
    const handover = await handoverOf(server, first.link)
    expect((await server.post(`/v1/challenges/${first.id}/verify`, { code: first.code })).status).toBe(200)
    expect((await exchange(handover)).status).toBeGreaterThanOrEqual(400)
    const second = await linked()
    expect((await exchange(await handoverOf(server, second.link))).status).toBe(200)
    expectRefusal(
      await server.post(`/v1/challenges/${second.id}/verify`, { code: second.code }),
      'challenge_used',
    )
  })

  test('leads nowhere that the app has taken off its list since', async () => {
    const app = (await server.post('/v1/apps', { name: 'A', redirectUrls: ['https://app.example/cb'] })).body
    const { link, path } = await linked({ redirectUrl: 'https://app.example/cb', appId: app.id })
    expect((await open(path)).status).toBe(200)
    await server.call('PATCH', `/v1/apps/${app.id}`, { redirectUrls: [] })
    expect((await open(path)).status).toBe(409)
    const pressed = await press(server, link)
    expect(pressed.status).toBe(409)
    expect(pressed.headers.get('location')).toBeNull()
  })
})

describe('each kind of link token is refused where the other belongs', () => {
  test('with linkVia ostiary the mailed token is not exchanged', async () => {
    const { link } = await linked({ linkVia: 'ostiary' })
    const mailed = link.slice(link.lastIndexOf('/') + 1)
    expect(mailed).toMatch(/^olk_/)
    expectRefusal(await exchange(mailed), 'link_invalid')
    expect((await press(server, link)).status).toBe(303)
  })
  test('with linkVia app the mail holds it in the app’s own URL, and it has no page', async () => {
    const { link, id } = await linked({ linkVia: 'app', state: 's' })
    expect(link).toMatch(/^http:\/\/localhost:3000\/cb\?own=1&flag&token=olk_[\w-]{43}&state=s$/)
    const token = new URL(link).searchParams.get('token') as string
    expect((await open(`/l/${token}`)).status).toBe(404)
    expect((await press(server, `http://localhost:4545/l/${token}`)).status).toBe(404)
    expect(await exchange(token, { challengeId: id })).toMatchObject({
      status: 200,
      body: { challenge: { state: 's' } },
    })
    expectRefusal(await exchange(token), 'challenge_used')
  })
  test('what is no link token is invalid', async () => {
    const refresh = (await server.signIn(fresh())).body.tokens.refreshToken
    for (const token of [
      'x',
      refresh,
      server.key,
      unknownToken('olk'),
      unknownToken('oht'),
      `${unknownToken('oht')}=`,
    ])
      expectRefusal(await exchange(token.slice(0, 200)), 'link_invalid')
    expectRefusal(await exchange('x'.repeat(201)), 'invalid_request', ['errors'])
  })
  test('a token for another purpose or challenge is invalid, and is not used up', async () => {
    const { link, id } = await linked({ purpose: 'pay' })
    const other = await linked()
    const token = await handoverOf(server, link)
    expectRefusal(await exchange(token), 'link_invalid')
    expectRefusal(await exchange(token, { purpose: 'pay', challengeId: other.id }), 'link_invalid')
    expect((await exchange(token, { purpose: 'pay', challengeId: id })).status).toBe(200)
  })
})

describe('a link that is bound by codeChallenge', () => {
  test('needs the verifier; a missing or wrong one consumes nothing, five times', async () => {
    expect(createHash('sha256').update(VERIFIER).digest('base64url')).toBe(S256)
    const { link, id } = await linked({ codeChallenge: S256 })
    expect((await server.get(`/v1/challenges/${id}`)).body.isBrowserBound).toBe(true)
    const token = await handoverOf(server, link)
    for (const codeVerifier of [undefined, `${VERIFIER}x`, VERIFIER.toLowerCase(), S256])
      expectRefusal(await exchange(token, { codeVerifier }), 'link_invalid')
    for (const codeVerifier of ['short', `${VERIFIER.slice(0, 42)} `, 'x'.repeat(129)])
      expectRefusal(await exchange(token, { codeVerifier }), 'invalid_request', ['errors'])
    expect((await server.get(`/v1/challenges/${id}`)).body.attemptsLeft).toBe(5)
    expect((await exchange(token, { codeVerifier: VERIFIER })).status).toBe(200)
  })
  test('is over after five wrong ones, however often it is pressed; the code still works', async () => {
    const { link, id, code } = await linked({ codeChallenge: S256 })
    for (let round = 0; round < 5; round++)
      expectRefusal(await exchange(await handoverOf(server, link)), 'link_invalid')
    expectRefusal(
      await exchange(await handoverOf(server, link), { codeVerifier: VERIFIER }),
      'attempts_exhausted',
    )
    expect((await server.post(`/v1/challenges/${id}/verify`, { code })).status).toBe(200)
  })
  test('may lead to a private-use scheme', async () => {
    const app = (await server.post('/v1/apps', { name: 'Phone', redirectUrls: ['com.example.app:/cb'] })).body
    const { link } = await linked({ codeChallenge: S256, redirectUrl: 'com.example.app:/cb', appId: app.id })
    const pressed = await press(server, link)
    expect(pressed.headers.get('location')).toMatch(/^com\.example\.app:\/cb\?token=oht_/)
  })
})

test('of ten presses and ten exchanges at once, one session comes', async () => {
  const { link } = await linked()
  const tokens = await Promise.all(Array.from({ length: 10 }, () => handoverOf(server, link)))
  const answers = await Promise.all(tokens.map(token => exchange(token)))
  expect(answers.filter(answer => answer.status === 200)).toHaveLength(1)
})

test('a link alone takes no code, and its attempts stay', async () => {
  const { id } = await send(server, { to: fresh(), credential: 'link', redirectUrl: CB })
  expect(await codeOf(server, id)).toBeNull()
  expectRefusal(await server.post(`/v1/challenges/${id}/verify`, { code: '123456' }), 'not_found')
  expect((await server.get(`/v1/challenges/${id}`)).body.attemptsLeft).toBe(5)
})
