import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { MAX_ACTION_COOKIES } from '../../src/http/client/action-cookies.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { APP_BACK, appOf, browse, openLink } from './browser.ts'
import { plainBrowser } from './plain-browser.ts'

let server: TestServer
let app: App
let count = 0
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
})
afterAll(() => server.stop())

const newAddress = () => `tab${++count}@example.com`
const pathOf = (state = 'st') =>
  `/sign-in?${new URLSearchParams({ key: app.publishableKey, redirectUrl: APP_BACK, state })}`

/** One browser with JavaScript: its cookies, and tabs of Ostiary's own page in it. */
function browserOf() {
  const jar = new Map<string, string>()
  async function call(method: string, path: string, body?: unknown, more: Record<string, string> = {}) {
    const Cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { 'Sec-Fetch-Site': 'same-origin', ...(Cookie && { Cookie }), ...more }
    const bearer = path === '' ? app.publishableKey : null
    const answer = await browse(server, method, `/client/v1/actions${path}`, body, { headers, bearer })
    for (const set of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      if (/max-age=0/i.test(set)) jar.delete(name)
      else jar.set(name, value)
    }
    return answer
  }
  return {
    jar,
    cookies: () => [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
    call,
    async tab() {
      const begun = await call('POST', '', { redirectUrl: APP_BACK })
      expect(begun).toMatchObject({ status: 201, body: { token: null } })
      const named = { 'Ostiary-Action': begun.body.id as string }
      return {
        id: begun.body.id as string,
        get: (path: string) => call('GET', `/${path}`, undefined, named),
        post: (path: string, body: unknown = {}) => call('POST', `/${path}`, body, named),
      }
    },
  }
}

describe('two tabs of one browser', () => {
  test('each works on its own action, to the end', async () => {
    const browser = browserOf()
    const tabs = [await browser.tab(), await browser.tab()]
    const addresses = [newAddress(), newAddress()]
    for (const [at, tab] of tabs.entries()) await tab.post('identify', { to: addresses[at] })
    for (const tab of tabs) expect((await tab.post('send', { method: 'emailCode' })).status).toBe(200)
    for (const [at, tab] of tabs.entries()) {
      expect((await tab.get('current')).body).toMatchObject({ id: tab.id, address: addresses[at] })
      const { code } = await server.message({ to: addresses[at] as string })
      const proven = await tab.post('verify', { code })
      expect(proven).toMatchObject({ status: 200, body: { id: tab.id, step: 'done' } })
    }
  })

  test('the latest is meant where none is named', async () => {
    const browser = browserOf()
    await browser.tab()
    const second = await browser.tab()
    expect((await browser.call('GET', '/current')).body.id).toBe(second.id)
  })

  test('an id opens nothing without its cookie, nor with the cookie of another action', async () => {
    const victim = await browserOf().tab()
    const thief = browserOf()
    const own = await thief.tab()
    const named = { 'Ostiary-Action': victim.id }
    expect((await thief.call('GET', '/current', undefined, named)).status).toBe(401)
    // The value of the own cookie, under the name of the other's.
    const [value] = [...thief.jar.values()]
    thief.jar.set(`__Host-ostiary-action-${victim.id.slice(4)}`, value as string)
    expect((await thief.call('GET', '/current', undefined, named)).status).toBe(401)
    expect((await thief.call('POST', '/cancel', {}, named)).status).toBe(401)
    expect((await own.get('current')).status).toBe(200)
    for (const id of ['', 'act_', '__proto__', 'act_constructor', `${own.id} `])
      expect((await thief.call('GET', '/current', undefined, { 'Ostiary-Action': `x${id}` })).status).toBe(
        401,
      )
  })

  test('a browser holds few: the oldest go, and what it sends stays short', async () => {
    const browser = browserOf()
    const tabs = []
    for (let at = 0; at < MAX_ACTION_COOKIES + 3; at++) {
      server.clock.advance(5)
      tabs.push(await browser.tab())
    }
    const held = [...browser.jar.keys()].map(name => `act_${name.slice('__Host-ostiary-action-'.length)}`)
    expect(held.sort()).toEqual(
      tabs
        .slice(-MAX_ACTION_COOKIES)
        .map(tab => tab.id)
        .sort(),
    )
    expect((await tabs[0]?.get('current'))?.status).toBe(401)
    expect((await tabs[3]?.get('current'))?.status).toBe(200)
    expect(browser.cookies().length).toBeLessThan(800)
  })

  test('a link goes on by itself in the browser that holds its action among others', async () => {
    const browser = browserOf()
    const first = await browser.tab()
    const second = await browser.tab()
    const to = newAddress()
    await first.post('identify', { to })
    await first.post('send', { method: 'emailLink' })
    const { link } = await server.message({ to })
    const page = await openLink(server, link, browser.cookies())
    expect(page.text).toContain('<script')
    const only = [...browser.jar].find(([name]) => name.endsWith(second.id.slice(4)))
    const other = await openLink(server, link, only?.join('='))
    expect(other.text).not.toContain('<script')
    expect((await page.press()).location).toMatch(/^https:\/\/app\.example\/back\?own=1&token=oht_/)
  })
})

describe('two tabs without JavaScript', () => {
  /** A tab: the fields that its form holds go back with it, and its address is the one that it was led to. */
  function tabOf(person: ReturnType<typeof plainBrowser>, start: string) {
    let address = start
    let text = ''
    return {
      get address() {
        return address
      },
      get text() {
        return text
      },
      async open() {
        text = (await person.get(address)).text
      },
      async send(fields: Record<string, string>) {
        const [, actionId = ''] = /name="actionId" value="([^"]*)"/.exec(text) ?? []
        const answer = await person.post(address, { actionId, ...fields })
        if (!answer.location?.startsWith('/')) return answer
        address = answer.location
        text = (await person.get(address)).text
        return answer
      },
    }
  }

  test('each goes its own way, whichever is used first', async () => {
    const person = plainBrowser(server)
    const tabs = [tabOf(person, pathOf()), tabOf(person, pathOf())] as const
    const addresses = [newAddress(), newAddress()]
    for (const tab of tabs) await tab.open()
    for (const [at, tab] of tabs.entries()) await tab.send({ act: 'identify', to: addresses[at] as string })
    for (const tab of tabs) await tab.send({ act: 'send', method: 'emailCode' })
    for (const [at, tab] of tabs.entries()) {
      await tab.open()
      expect(tab.text).toContain(addresses[at])
      const { code } = await server.message({ to: addresses[at] as string })
      expect((await tab.send({ act: 'verify', code })).location).toMatch(
        /^https:\/\/app\.example\/.*token=oht_/,
      )
    }
  })

  test('a page that is opened anew goes on with what was told, and leaves what was not to its tab', async () => {
    const person = plainBrowser(server)
    const first = tabOf(person, pathOf())
    await first.open()
    const to = newAddress()
    await first.send({ act: 'identify', to })
    expect((await person.get(pathOf())).text).toContain(to)
    const browser = browserOf()
    await browser.tab()
    for (const [name, value] of browser.jar) person.jar.set(name, value)
    expect((await person.get(pathOf())).text).toContain(to)
    const fresh = plainBrowser(server)
    for (const [name, value] of browser.jar) fresh.jar.set(name, value)
    const { text } = await fresh.get(
      `/sign-in?${new URLSearchParams({ key: app.publishableKey, redirectUrl: APP_BACK })}`,
    )
    expect(text).not.toMatch(/<ostiary-sign-in[^>]* action=/)
  })

  test('an address that names what this browser does not hold begins anew', async () => {
    const stranger = await browserOf().tab()
    const person = plainBrowser(server)
    for (const id of [stranger.id, 'act_nothing', 'x'.repeat(500)]) {
      const page = await person.get(`${pathOf()}&action=${id}`)
      expect(page.status).toBe(200)
      expect(page.text).toContain('name="to"')
      expect(page.text).not.toMatch(/<ostiary-sign-in[^>]* action=/)
    }
    expect((await person.get(`/sign-in?action=${stranger.id}`)).status).toBe(401)
  })
})

describe('a reload after the link was approved elsewhere', () => {
  test('finishes; after that, the page begins anew', async () => {
    const person = plainBrowser(server)
    const to = newAddress()
    await person.send(pathOf(), { act: 'identify', to })
    await person.send(pathOf(), { act: 'send', method: 'emailLink' })
    const phone = await openLink(server, (await server.message({ to })).link)
    await phone.press()
    const [, number = ''] = /<output[^>]*>(\d\d)</.exec((await person.get(pathOf())).text) ?? []
    expect((await phone.press(number)).status).toBe(200)
    const page = await person.get(pathOf())
    expect(page.text).toMatch(/<ostiary-sign-in[^>]* action="act_/)
    expect(page.text).toContain('value="finish"')
    expect((await person.post(pathOf(), { act: 'finish' })).location).toMatch(/token=oht_/)
    expect((await person.get(pathOf())).text).not.toMatch(/<ostiary-sign-in[^>]* action=/)
  })
})

describe('an action of a named person', () => {
  const track = async (more: object = {}) =>
    (await server.post('/v1/actions', { name: 'signIn', appId: app.id, redirectUrl: APP_BACK, ...more })).body

  test('says that its address is fixed, and offers no other', async () => {
    const email = newAddress()
    const { url } = await track({ user: { email } })
    const person = plainBrowser(server)
    const method = await person.send(new URL(url).pathname, {})
    expect(method.text).toContain('value="emailCode"')
    expect(method.text).not.toContain('value="other"')
    const sent = await person.send('/sign-in', { act: 'send', method: 'emailCode' })
    expect(sent.text).toContain('name="code"')
    expect(sent.text).not.toContain('value="other"')
    // Asked for all the same, it leads nowhere.
    expect((await person.send('/sign-in', { act: 'other' })).text).toContain('name="code"')
    const Cookie = [...person.jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const current = await browse(server, 'GET', '/client/v1/actions/current', undefined, {
      headers: { Cookie },
    })
    expect(current.body).toMatchObject({ isAddressFixed: true, step: 'code' })
    expect(current.body.address).not.toBe(email)
    const own = await browserOf().tab()
    expect((await own.get('current')).body.isAddressFixed).toBe(false)
  })

  test('two tracked actions: each url, opened again, leads back to its own', async () => {
    const person = plainBrowser(server)
    const tracked = [await track({ state: 'one' }), await track({ state: 'two' })]
    const paths = tracked.map(({ url }) => new URL(url).pathname)
    for (const [at, path] of paths.entries())
      expect((await person.post(path, {})).location).toBe(`/sign-in?action=${tracked[at]?.id}`)
    for (const [at, path] of paths.entries())
      expect((await person.post(path, {})).location).toBe(`/sign-in?action=${tracked[at]?.id}`)
    expect((await plainBrowser(server).post(paths[0] as string, {})).status).toBe(400)
  })

  test('its url shows whose it is while it can be opened; an unknown one shows nobody', async () => {
    await server.call('PATCH', '/v1/settings', { brand: { name: 'Möwe Söhne', radius: 20 } })
    server.clock.advance(2000)
    const { url } = await track({ locale: 'de' })
    const path = new URL(url).pathname
    const shown = await plainBrowser(server).get(path)
    const known = await plainBrowser(server).get(`/a/oat_${Buffer.alloc(32, 7).toString('base64url')}`)
    const nonsense = await plainBrowser(server).get('/a/nonsense')
    await plainBrowser(server).post(path, {})
    const used = await plainBrowser(server).get(path)
    await server.call('PATCH', '/v1/settings', { brand: null })
    server.clock.advance(2000)
    expect(shown.text).toMatch(/<html lang="de"[\s\S]*--radius:20px[\s\S]*Möwe Söhne/)
    const masked = (text: string) =>
      text.replaceAll(/nonce="[^"]*"/g, '').replaceAll(/name="press" value="[^"]*"/g, '')
    for (const { status, text } of [known, nonsense, used]) {
      expect(status).toBe(shown.status)
      expect(masked(text)).toBe(masked(known.text))
      expect(text).not.toContain('Möwe')
    }
  })
})
