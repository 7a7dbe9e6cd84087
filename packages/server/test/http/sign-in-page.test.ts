import { DatabaseSync } from 'node:sqlite'
import { brotliDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { PUBLIC_URL, type TestServer, testServer } from '../setup/server.ts'
import { APP_BACK, appOf, hosted, openLink } from './browser.ts'
import { plainBrowser as plainBrowserOf } from './plain-browser.ts'

let server: TestServer
let app: App
let count = 0
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
})
afterAll(() => server.stop())

const newAddress = () => `page${++count}@example.com`

const plainBrowser = (options?: Parameters<typeof plainBrowserOf>[1]) => plainBrowserOf(server, options)

const pathOf = (more: Record<string, string> = {}) =>
  `/sign-in?${new URLSearchParams({ key: app.publishableKey, redirectUrl: APP_BACK, state: 'st', ...more })}`

/** Every row of the database. */
async function everything(): Promise<string> {
  // What became of a message is written when it is known.
  await server.ostiary.drain()
  const database = new DatabaseSync(await server.snapshot(), { readOnly: true })
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all()
  const rows = tables.map(({ name }) => [name, database.prepare(`SELECT * FROM "${name}"`).all()])
  database.close()
  return JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value))
}

describe('GET /sign-in', () => {
  test('is a page of its own files only, that nobody frames', async () => {
    const one = await plainBrowser().get(pathOf())
    const other = await plainBrowser().get(pathOf())
    expect(one.status).toBe(200)
    const csp = one.headers.get('content-security-policy') ?? ''
    const [, nonce = ''] = /'nonce-([\w-]{24,})'/.exec(csp) ?? []
    expect(csp.split('; ').sort()).toEqual(
      [
        "default-src 'none'",
        `script-src 'nonce-${nonce}'`,
        `style-src 'nonce-${nonce}'`,
        "connect-src 'self'",
        "form-action 'self' https://app.example",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
      ].sort(),
    )
    expect(other.headers.get('content-security-policy')).not.toContain(nonce)
    for (const [tag] of one.text.matchAll(/<(?:script|style)\b[^>]*>/g))
      expect(tag).toContain(`nonce="${nonce}"`)
    expect(one.text).not.toMatch(/\sstyle=|\son\w+=/)
    const sources = [...one.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address)
    expect(sources).toEqual([expect.stringMatching(/^\/element\/v1\.js\?v=[\w-]{22}$/)])
    expect(one.headers.get('cache-control')).toBe('no-store')
    expect(one.headers.get('referrer-policy')).toBe('no-referrer')
  })

  test('weighs less than 60 KB with script and texts', async () => {
    const page = await plainBrowser().get(pathOf())
    const take = async (path: string) =>
      (
        await server.ostiary.app.request(`${PUBLIC_URL}${path}`, {
          headers: { 'Accept-Encoding': 'gzip, br' },
        })
      ).arrayBuffer()
    const [, script = ''] = /src="(\/element\/[^"]+)"/.exec(page.text) ?? []
    const parts = [Buffer.from(page.text), await take(script), await take('/element/words/de.json')]
    expect(parts.every(part => part.byteLength > 500)).toBe(true)
    expect(parts.reduce((sum, part) => sum + part.byteLength, 0)).toBeLessThan(60_000)
  })

  const BAD: [name: string, path: () => string, status: number, code: string][] = [
    ['without a key', () => '/sign-in', 401, 'unauthorized'],
    ['with an unknown key', () => pathOf({ key: 'opk_test_nobody' }), 401, 'unauthorized'],
    ['with a secret key', () => pathOf({ key: server.key }), 401, 'unauthorized'],
    [
      'with another host',
      () => pathOf({ redirectUrl: 'https://evil.example/back' }),
      400,
      'redirect_url_not_allowed',
    ],
    ['with a script', () => pathOf({ redirectUrl: 'javascript:alert(1)' }), 400, 'redirect_url_not_allowed'],
    ['without redirectUrl', () => `/sign-in?key=${app.publishableKey}`, 400, 'redirect_url_not_allowed'],
    ['with two redirectUrls', () => `${pathOf()}&redirectUrl=https://evil.example/`, 400, 'invalid_request'],
    ['with a bad codeChallenge', () => pathOf({ codeChallenge: 'plain' }), 400, 'invalid_request'],
  ]
  test.each(BAD)('%s is an error page, never a redirect', async (_, path, status, code) => {
    const person = plainBrowser()
    for (const answer of [await person.get(path()), await person.post(path(), { act: 'cancel' })]) {
      expect(answer).toMatchObject({ status, location: null })
      expect(answer.headers.get('content-type')).toContain('text/html')
      expect(answer.headers.get('content-security-policy')).toContain("form-action 'none'")
      expect(answer.text).toContain(code)
      expect(answer.text).not.toContain('evil.example')
      expect(answer.text).not.toContain('<form')
    }
  })

  test('changes nothing, however often and at whatever step', async () => {
    const person = plainBrowser()
    const to = newAddress()
    const before = await everything()
    for (const path of [pathOf(), pathOf({ loginHint: to }), '/sign-in', pathOf({ key: 'opk_test_x' })])
      await person.get(path)
    expect(await everything()).toBe(before)
    await person.send(pathOf(), { act: 'identify', to })
    await person.send(pathOf(), { act: 'send', method: 'emailCode' })
    const sent = await everything()
    expect(sent).not.toBe(before)
    for (let look = 0; look < 3; look++) expect((await person.get(pathOf())).text).toContain('name="code"')
    expect(await everything()).toBe(sent)
  })

  test('speaks the language of the app, then of the browser, and the texts of the settings', async () => {
    const german = plainBrowser({ headers: { 'Accept-Language': 'pl;q=0.3, de-AT' } })
    expect((await german.get(pathOf())).text).toMatch(/<html lang="de-AT" dir="ltr">[\s\S]*E-Mail-Adresse/)
    const arabic = (await german.get(pathOf({ locale: 'ar' }))).text
    expect(arabic).toContain('<html lang="ar" dir="rtl">')
    expect(arabic).toMatch(/<ostiary-sign-in[^>]* locale="ar"/)
    expect((await german.get(pathOf({ locale: '??' }))).text).toContain('lang="de-AT"')
    const texts = { de: { 'signIn.identify.submit': 'Los <geht’s>' } }
    await server.call('PATCH', '/v1/settings', {
      texts,
      brand: { name: 'Möwe & Söhne', radius: 20, colors: { light: { primary: '#4338ca' } } },
    })
    server.clock.advance(2000)
    const own = (await german.get(pathOf({ theme: 'dark' }))).text
    await server.call('PATCH', '/v1/settings', { texts: null, brand: null })
    server.clock.advance(2000)
    expect(own).toContain('Los &lt;geht’s&gt;')
    expect(own).toContain('Möwe &amp; Söhne')
    expect(own).toContain('--primary:#4338ca')
    expect(own).toContain('--radius:20px')
    expect(own).toMatch(/<html[^>]* data-theme="dark">/)
  })

  test('the texts of the settings reach the element in the language of its action, and no other texts do', async () => {
    const texts = {
      de: { 'signIn.identify.submit': 'Los', 'signIn.back': 'Zurück', 'mail.support': 'nur für Mails' },
      'de-AT': { 'signIn.identify.submit': 'Servus' },
      fr: { 'signIn.back': 'Retour' },
    }
    await server.call('PATCH', '/v1/settings', { texts })
    server.clock.advance(2000)
    const begin = async (locale: string) =>
      (await hosted(server, app, { redirectUrl: APP_BACK, locale })).get('current')
    const [austrian, english] = [await begin('de-AT'), await begin('en')]
    await server.call('PATCH', '/v1/settings', { texts: null })
    server.clock.advance(2000)
    expect(austrian.body.brand.texts).toEqual({ 'signIn.identify.submit': 'Servus', 'signIn.back': 'Zurück' })
    expect(english.body.brand.texts).toEqual({})
  })

  test('gives the element what the address says, escaped', async () => {
    const { text } = await plainBrowser().get(pathOf({ state: '"><script>1', loginHint: 'ada@example.com' }))
    const [tag = ''] = /<ostiary-sign-in[^>]*(?:"[^"]*"[^>]*)*>/.exec(text) ?? []
    expect(tag).toContain(`key="${app.publishableKey}"`)
    expect(tag).toContain(`redirect-url="${APP_BACK}"`)
    expect(tag).toContain('state="&quot;&gt;&lt;script&gt;1"')
    expect(tag).toContain('login-hint="ada@example.com"')
    expect(tag).not.toContain(' action=')
  })
})

describe('without JavaScript', () => {
  test('address, code, app', async () => {
    const person = plainBrowser()
    const to = newAddress()
    expect((await person.get(pathOf())).text).toContain('name="to"')
    const method = await person.send(pathOf(), { act: 'identify', to })
    expect(method.text).toContain(to)
    expect(method.text).toContain('value="emailCode"')
    const asked = await person.send(pathOf(), { act: 'send', method: 'emailCode' })
    expect(asked.text).toContain('autocomplete="one-time-code"')
    const { code } = await server.message({ to })

    const wrong = await person.post(pathOf(), {
      act: 'verify',
      code: code === '111111' ? '222222' : '111111',
    })
    expect(wrong.status).toBe(400)
    expect(wrong.text).toContain('This code is not right. Attempts left: 4')
    const short = await person.post(pathOf(), { act: 'verify', code: '12' })
    expect(short.text).toContain('The code has 6 digits.')
    const { body } = await server.get(`/v1/messages?to=${to}`)
    const challenge = await server.get(`/v1/challenges/${body.data[0].challengeId}`)
    expect(challenge.body.attemptsLeft).toBe(4)

    const right = await person.post(pathOf(), { act: 'verify', code: `${code.slice(0, 3)} ${code.slice(3)}` })
    expect(right.status).toBe(303)
    const back = new URL(right.location ?? '')
    expect(`${back.origin}${back.pathname}`).toBe('https://app.example/back')
    expect(Object.fromEntries(back.searchParams)).toEqual({
      own: '1',
      state: 'st',
      token: expect.stringMatching(/^oht_/),
    })
    const validated = await server.post('/v1/actions/validate', {
      token: back.searchParams.get('token'),
      action: 'signIn',
    })
    expect(validated.body).toMatchObject({ isValid: true, user: { email: to } })
    // Whoever goes back begins anew.
    expect((await person.get(pathOf())).text).toContain('name="to"')
  })

  test('with one method it is sent at once; another message, another address, and the way out', async () => {
    await server.call('PATCH', '/v1/settings', {
      methods: { emailLink: false, emailCode: true },
      challenge: { resendWaitSeconds: [1] },
    })
    server.clock.advance(2000)
    const person = plainBrowser()
    const [first, second] = [newAddress(), newAddress()]
    expect((await person.send(pathOf(), { act: 'identify', to: first })).text).toContain('name="code"')
    expect((await person.post(pathOf(), { act: 'resend' })).text).toContain('Too many attempts')
    server.clock.advance(2000)
    expect((await person.send(pathOf(), { act: 'resend' })).text).toContain('on its way')
    expect((await person.send(pathOf(), { act: 'other' })).text).toContain(`value="${first}"`)
    expect((await person.send(pathOf(), { act: 'identify', to: second })).text).toContain(second)
    const { code } = await server.message({ to: second })
    expect(code).toMatch(/^\d{6}$/)
    const out = await person.post(pathOf(), { act: 'cancel' })
    await server.call('PATCH', '/v1/settings', { methods: null, challenge: null })
    server.clock.advance(2000)
    expect(out).toMatchObject({ status: 303, location: `${APP_BACK}&error=cancelled&state=st` })
    expect((await person.post(pathOf(), { act: 'verify', code })).location).toBe(`${pathOf()}`)
  })

  test('a code that has run out is said to have, and a new one can be had', async () => {
    await server.call('PATCH', '/v1/settings', { challenge: { expiresInSeconds: 60 } })
    server.clock.advance(2000)
    const person = plainBrowser()
    const to = newAddress()
    await person.send(pathOf(), { act: 'identify', to })
    await person.send(pathOf(), { act: 'send', method: 'emailCode' })
    server.clock.advance(61_000)
    const late = await person.get(pathOf())
    expect(late.text).toContain('This code has expired')
    expect(late.text).not.toContain('name="code"')
    expect((await person.send(pathOf(), { act: 'resend' })).text).toContain('name="code"')
    await server.call('PATCH', '/v1/settings', { challenge: null })
    server.clock.advance(2000)
  })

  test('a link opened in the same browser leads to the app; opened elsewhere it asks for the number', async () => {
    const person = plainBrowser()
    const to = newAddress()
    await person.send(pathOf(), { act: 'identify', to })
    const waits = await person.send(pathOf(), { act: 'send', method: 'emailLink' })
    expect(waits.text).toContain('value="finish"')
    expect((await person.send(pathOf(), { act: 'finish' })).text).toContain('value="finish"')
    const { link } = await server.message({ to })
    const elsewhere = await openLink(server, link)
    await elsewhere.press()
    const shown = await person.send(pathOf(), { act: 'finish' })
    const [, number = ''] = /<output[^>]*>(\d\d)</.exec(shown.text) ?? []
    expect((await elsewhere.press(number)).status).toBe(200)
    const done = await person.post(pathOf(), { act: 'finish' })
    expect(done.location).toMatch(/^https:\/\/app\.example\/back\?own=1&token=oht_/)
  })

  test('nonsense is refused on the page, and a closed door is told after the proof', async () => {
    const person = plainBrowser()
    const bad = await person.post(pathOf(), { act: 'identify', to: 'nobody' })
    expect(bad.status).toBe(400)
    expect(bad.text).toContain('aria-invalid="true"')
    expect([...person.jar.keys()].some(name => name.startsWith('__Host-ostiary-action'))).toBe(false)
    for (const act of ['nothing', 'constructor', ''])
      expect((await person.post(pathOf(), { act })).status).toBe(400)
    const to = newAddress()
    await person.send(pathOf(), { act: 'identify', to })
    await person.send(pathOf(), { act: 'send', method: 'emailCode' })
    const { code } = await server.message({ to })
    await server.call('PATCH', '/v1/settings', { signUp: 'closed' })
    server.clock.advance(2000)
    const refused = await person.post(pathOf(), { act: 'verify', code })
    await server.call('PATCH', '/v1/settings', { signUp: null })
    server.clock.advance(2000)
    expect(refused).toMatchObject({ status: 403, location: null })
    expect(refused.text).toContain('There is no account for this address')
  })

  test('forms of other sites count for nothing', async () => {
    const to = newAddress()
    const before = await everything()
    for (const site of ['cross-site', 'same-site', 'none', null]) {
      const victim = plainBrowser({ site })
      const { text } = await victim.get(pathOf())
      expect(text).toContain('name="press"')
      const answer = await victim.post(pathOf(), { act: 'identify', to, press: 'guessed' })
      expect(answer).toMatchObject({ status: 403, location: null })
    }
    expect(await everything()).toBe(before)
    const old = plainBrowser({ site: null })
    const [, press = ''] = /name="press" value="([^"]+)"/.exec((await old.get(pathOf())).text) ?? []
    expect((await old.post(pathOf(), { act: 'identify', to, press })).status).toBe(303)
  })

  test('another app, redirectUrl or state is another sign-in', async () => {
    const person = plainBrowser()
    await person.send(pathOf(), { act: 'identify', to: newAddress() })
    const live = await person.get(pathOf())
    expect(live.text).toMatch(/<ostiary-sign-in[^>]* action="act_/)
    const other = await appOf(server, { name: 'Other' })
    for (const more of [
      { key: other.publishableKey },
      { state: 'another' },
      { redirectUrl: 'https://app.example/back?own=2' },
    ] as Record<string, string>[]) {
      const { text } = await person.get(pathOf(more))
      expect(text).toContain('name="to"')
      expect(text).not.toContain('action="act_')
    }
  })
})

describe('an action that a backend tracked', () => {
  const track = async (more: object = {}) =>
    (
      await server.post('/v1/actions', {
        name: 'signIn',
        appId: app.id,
        redirectUrl: APP_BACK,
        state: 'tr',
        ...more,
      })
    ).body

  test('its url is inert; the first browser that presses gets it, and no other', async () => {
    const { url } = await track()
    const path = new URL(url).pathname
    const before = await everything()
    const first = plainBrowser()
    for (let look = 0; look < 2; look++) {
      const { status, text, headers } = await first.get(path)
      expect(status).toBe(200)
      expect(text).toContain('<form method="post"')
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
    expect(await everything()).toBe(before)
    expect((await plainBrowser({ site: 'cross-site' }).post(path, {})).status).toBe(403)
    const opened = await first.send(path, {})
    expect(opened.text).toMatch(/<ostiary-sign-in[^>]* action="act_/)
    expect(opened.text).not.toContain('key=')
    const second = await plainBrowser().post(path, {})
    expect(second).toMatchObject({ status: 400, location: null })
    // Back, and once more: the same browser goes on.
    expect((await first.send(path, {})).text).toContain('name="to"')

    const to = newAddress()
    await first.send('/sign-in', { act: 'identify', to })
    await first.send('/sign-in', { act: 'send', method: 'emailCode' })
    const { code } = await server.message({ to })
    const right = await first.post('/sign-in', { act: 'verify', code })
    expect(right.location).toMatch(/^https:\/\/app\.example\/back\?own=1&token=oht_.*&state=tr$/)
  })

  test('with nowhere to lead it says that one can go on', async () => {
    const { url } = await track({ redirectUrl: undefined, state: undefined })
    const person = plainBrowser()
    await person.send(new URL(url).pathname, {})
    const to = newAddress()
    await person.send('/sign-in', { act: 'identify', to })
    await person.send('/sign-in', { act: 'send', method: 'emailCode' })
    const { code } = await server.message({ to })
    const done = await person.post('/sign-in', { act: 'verify', code })
    expect(done.status).toBe(200)
    expect(done.text).toContain('You are signed in')
    expect(done.text).not.toContain('oht_')
  })
})

describe('/element', () => {
  const get = (path: string, headers: Record<string, string> = {}) =>
    server.ostiary.app.request(`${PUBLIC_URL}/element/${path}`, { headers })

  test('serves the script compressed, and once known not again', async () => {
    const plain = await get('v1.js')
    const packed = await get('v1.js', { 'Accept-Encoding': 'gzip, br' })
    expect(packed.headers.get('content-encoding')).toBe('br')
    expect(packed.headers.get('vary')).toContain('Accept-Encoding')
    expect(brotliDecompressSync(Buffer.from(await packed.arrayBuffer())).toString()).toBe(await plain.text())
    expect(packed.headers.get('access-control-allow-origin')).toBe('*')
    expect(packed.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    const known = await get('v1.js', {
      'Accept-Encoding': 'gzip, br',
      'If-None-Match': packed.headers.get('etag') ?? '',
    })
    expect(known.status).toBe(304)
    expect((await get('v1.js', { 'Accept-Encoding': 'br;q=0' })).headers.get('content-encoding')).toBeNull()
  })

  test('is kept for ever only where its address names the version', async () => {
    const { text } = await plainBrowser().get(pathOf())
    const [, version = ''] = /v1\.js\?v=([\w-]+)/.exec(text) ?? []
    for (const file of ['v1.js', 'passkeys.js', 'watch.js', 'words/ja.json']) {
      expect((await get(`${file}?v=${version}`)).headers.get('cache-control')).toContain('immutable')
      for (const other of [file, `${file}?v=old`])
        expect((await get(other)).headers.get('cache-control')).not.toContain('immutable')
    }
  })

  test('has ten languages, and nothing else', async () => {
    const languages = ['en', 'de', 'fr', 'es', 'pt-BR', 'it', 'nl', 'pl', 'ja', 'ar']
    for (const language of languages) {
      const words = (await (await get(`words/${language}.json`)).json()) as Record<string, string>
      expect(words['signIn.title']).toContain('{brand}')
      expect(Object.keys(words).every(key => key.startsWith('signIn.'))).toBe(true)
    }
    for (const path of ['words/xx.json', 'words/..%2fv1.js', 'v2.js'])
      expect((await get(path)).status).toBe(404)
  })
})
