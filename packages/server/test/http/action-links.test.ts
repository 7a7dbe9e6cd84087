import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { APP_BACK, appOf, begin, hosted, openLink, S256, sendTo, type Tab, VERIFIER } from './browser.ts'
import { dump, fresh, later, purge } from './world.ts'

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
})
afterEach(() => setting(null))
afterAll(async () => {
  await purge(server)
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const setting = (linkBrowser: string | null) =>
  server.call('PATCH', '/v1/settings', { challenge: { linkBrowser } })
const validate = (token: string, more: object = {}) =>
  server.post('/v1/actions/validate', { token, action: 'signIn', ...more })
const stepOf = async (tab: Pick<Tab, 'get'>) => (await tab.get('current')).body.step
const numberOf = async (tab: Pick<Tab, 'get'>): Promise<string> =>
  (await tab.get('current')).body.challenge.number
const wrongNumber = (number: string) => (number === '99' ? '98' : String(Number(number) + 1))

/** A tab that waits for its link, and the link. */
async function waiting(to = fresh(), body: object = { redirectUrl: APP_BACK, state: 'st' }) {
  const tab = await begin(server, app, body)
  const { link } = await sendTo(server, tab, to, 'emailLink')
  expect(await stepOf(tab)).toBe('link')
  return { tab, link, to }
}
async function waitingPage(to = fresh(), body: object = { redirectUrl: APP_BACK, state: 'st' }) {
  const page = await hosted(server, app, body)
  await page.post('identify', { to })
  await page.post('send', { method: 'emailLink' })
  return { page, link: (await server.message({ to })).link, to }
}

describe('the browser that asked', () => {
  test.each(['same', 'approve', 'anywhere'])('goes on without a press, in the mode %s', async mode => {
    await setting(mode)
    const { page, link } = await waitingPage()
    const opened = await openLink(server, link, page.cookie)
    expect(opened.status).toBe(200)
    const nonce = /<script nonce="([^"]+)">/.exec(opened.text)?.[1]
    expect(opened.csp).toContain(`script-src 'nonce-${nonce}'`)
    expect(opened.text.match(/<button/g)).toHaveLength(1)
    const pressed = await opened.press()
    expect(pressed.status).toBe(303)
    const location = new URL(pressed.location ?? '')
    expect(location.href).toMatch(/^https:\/\/app\.example\/back\?own=1&token=oht_[\w-]{43}&state=st$/)
    expect(await stepOf(page)).toBe('done')
    const { body } = await validate(location.searchParams.get('token') ?? '')
    expect(body).toMatchObject({ action: { method: 'emailLink' }, session: { methods: ['emailLink'] } })
    expect((await page.post('finish')).status).toBe(409)
    expect((await opened.press()).status).toBe(409)
  })
  test('without redirectUrl: the first tab goes on', async () => {
    const { page, link } = await waitingPage(fresh(), {})
    const pressed = await (await openLink(server, link, page.cookie)).press()
    expect(pressed).toMatchObject({ status: 200, location: null })
    const { result } = (await page.post('finish')).body
    expect((await validate(result.token)).body.session).not.toBeNull()
    expect((await page.post('finish')).status).toBe(409)
  })
  test('is not whoever holds the cookie of another action', async () => {
    const { link, page } = await waitingPage()
    const other = await hosted(server, app)
    const opened = await openLink(server, link, other.cookie)
    expect(opened.text).not.toContain('<script')
    expect((await opened.press()).location).toBeNull()
    expect(await stepOf(page)).toBe('approve')
  })
})

describe('looking at the link of an action', () => {
  test.each(['same', 'approve', 'anywhere'])('changes nothing but its events, in the mode %s', async mode => {
    await setting(mode)
    const { link, tab } = await waiting()
    const rows = async () => {
      const { events, challenges, ...rest } = await dump(server)
      return { rest, challenges: challenges?.map(row => ({ ...JSON.parse(row), link_opens: 0 })) }
    }
    const before = await rows()
    for (let round = 0; round < 3; round++) {
      const opened = await openLink(server, link)
      expect(opened.text).not.toContain('<script')
    }
    expect(await rows()).toEqual(before)
    expect(await stepOf(tab)).toBe('link')
  })
})

describe('a press in another browser', () => {
  test('in the mode same leads back to the first one', async () => {
    await setting('same')
    const { link, tab } = await waiting()
    const opened = await openLink(server, link)
    expect(opened.status).toBe(409)
    const before = await dump(server)
    expect(await opened.press()).toMatchObject({ status: 409, location: null })
    expect(await dump(server)).toEqual(before)
    expect(await stepOf(tab)).toBe('link')
  })
  test('in the mode anywhere goes on there', async () => {
    await setting('anywhere')
    const { link, tab } = await waiting()
    const pressed = await (await openLink(server, link)).press()
    expect(pressed.status).toBe(303)
    const token = new URL(pressed.location ?? '').searchParams.get('token') ?? ''
    expect((await validate(token)).body.session).not.toBeNull()
    expect((await tab.post('finish')).status).toBe(409)
  })
  test('goes on from anywhere only where no verifier binds the result to the first one', async () => {
    await setting('anywhere')
    const { link, tab } = await waiting(fresh(), { redirectUrl: APP_BACK, codeChallenge: S256 })
    const opened = await openLink(server, link)
    expect((await opened.press()).location).toBeNull()
    await opened.press(await numberOf(tab))
    const { token } = (await tab.post('finish')).body.result
    expect((await validate(token)).status).toBe(400)
    expect((await validate(token, { codeVerifier: VERIFIER })).status).toBe(200)
  })
  test.each([
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a sister site', { 'Sec-Fetch-Site': 'same-site' }],
    ['nothing', {}],
  ])('from %s is refused in every mode, by every browser', async (_, headers) => {
    for (const mode of ['same', 'approve', 'anywhere']) {
      await setting(mode)
      const { page, link } = await waitingPage()
      for (const cookie of [page.cookie, '']) {
        const opened = await openLink(server, link, cookie)
        if (opened.status !== 200) continue
        const pressed = await opened.press(undefined, headers as Record<string, string>)
        expect(pressed).toMatchObject({ status: 403, location: null })
      }
      expect(await stepOf(page)).toBe('link')
    }
  })
})

describe('approval of the first tab', () => {
  test('by the number that it shows: the session belongs to the first tab', async () => {
    const { link, tab } = await waiting()
    const opened = await openLink(server, link)
    expect(opened.text).not.toContain('olk_')
    const asked = await opened.press()
    expect(asked).toMatchObject({ status: 200, location: null })
    expect(asked.text).toContain('name="number"')
    const number = await numberOf(tab)
    expect(number).toMatch(/^[1-9]\d$/)
    expect(asked.text).not.toContain(`>${number}<`)
    expect(await stepOf(tab)).toBe('approve')
    expect(await opened.press(number)).toMatchObject({ status: 200, location: null })
    expect(await stepOf(tab)).toBe('done')
    const { result } = (await tab.post('finish')).body
    expect((await validate(result.token)).body.session).toMatchObject({ methods: ['emailLink'] })
    expect((await tab.post('finish')).status).toBe(409)
    const types = (await server.get(`/v1/events?actionId=${tab.id}&type=challenge.link_approved`)).body.data
    expect(types.map((one: { data: object }) => one.data)).toEqual([{ isRight: true }])
  })
  test('takes the number in the digits of an Arabic keyboard', async () => {
    const { link, tab } = await waiting()
    const opened = await openLink(server, link)
    await opened.press()
    const number = (await numberOf(tab)).replace(/\d/g, digit => String.fromCharCode(0x0660 + Number(digit)))
    expect(await opened.press(number)).toMatchObject({ status: 200, location: null })
    expect(await stepOf(tab)).toBe('done')
  })
  test('a wrong number ends this approval, not the challenge; three a day switch it off for the address', async () => {
    const { link, tab, to } = await waiting()
    const opened = await openLink(server, link)
    for (let round = 0; round < 3; round++) {
      await opened.press()
      const number = await numberOf(tab)
      expect((await opened.press(wrongNumber(number))).status).toBe(409)
      expect(await stepOf(tab)).toBe('link')
      // The right one comes too late: this approval is over.
      expect((await opened.press(number)).status).toBe(409)
      expect(await stepOf(tab)).toBe('link')
    }
    expect((await opened.press()).status).toBe(409)
    expect(await stepOf(tab)).toBe('link')
    await later(server, 61_000)
    const next = await waiting(to)
    expect((await (await openLink(server, next.link)).press()).text).not.toContain('name="number"')
    const other = await waiting()
    expect((await (await openLink(server, other.link)).press()).text).toContain('name="number"')
    await later(server, 86_400_000 + 1_440_000)
    const tomorrow = await waiting(to)
    expect((await (await openLink(server, tomorrow.link)).press()).text).toContain('name="number"')
  })
  test('takes the number from the browser that was asked, while it lasts', async () => {
    const { link, tab } = await waiting()
    const [second, third] = [await openLink(server, link), await openLink(server, link)]
    await second.press()
    const number = await numberOf(tab)
    expect((await third.press(number)).status).toBe(409)
    expect((await second.press(number, {})).status).toBe(403)
    expect(await stepOf(tab)).toBe('approve')
    await later(server, 120_000)
    expect(await stepOf(tab)).toBe('link')
    expect((await second.press(number)).status).toBe(409)
    expect(await stepOf(tab)).toBe('link')
  })
  test('a number without a press before it proves nothing', async () => {
    const { link, tab } = await waiting()
    for (const number of ['10', '', '0', '1e1'])
      expect((await (await openLink(server, link)).press(number)).status).toBe(409)
    expect(await stepOf(tab)).toBe('link')
  })
})

describe('a link of an action that has moved on', () => {
  const pressed = async (link: string) => (await (await openLink(server, link)).press()).status
  test('cancelled, for another address, sent anew, or out of time', async () => {
    const cancelled = await waiting()
    await cancelled.tab.post('cancel')
    expect(await pressed(cancelled.link)).toBe(410)
    const moved = await waiting()
    await moved.tab.post('identify', { to: fresh() })
    expect(await pressed(moved.link)).toBe(410)
    const anew = await waiting()
    await anew.tab.post('send', { method: 'emailCode' })
    expect(await pressed(anew.link)).toBe(410)
    const old = await waiting()
    await later(server, 600_000)
    expect(await pressed(old.link)).toBe(410)
  })
  test('is no token for anything else', async () => {
    const { link } = await waiting()
    const linkToken = link.slice(link.lastIndexOf('/') + 1)
    expect((await server.post('/v1/challenges/verify', { linkToken })).status).toBe(400)
    expect((await validate(linkToken)).status).toBe(400)
  })
})
