import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { build } from '../../../sdk/tools/build.ts'
import { hasBrowser, openWindow, type Person, useBrowser } from '../setup/browser.ts'
import { hostedPage } from '../setup/hosted-page.ts'
import { type DevServer, startDev, temporaryFolder } from '../setup/process.ts'

const APP = 'http://localhost:40001'
const EVIL = 'http://evil.example'

/** What `signInByPopup` gave, as the page keeps it in `ended`. */
interface Ended {
  token?: string
  codeVerifier?: string
  code?: string
}

describe.skipIf(!hasBrowser)('the popup', () => {
  useBrowser()
  let server: DevServer
  let hosted: ReturnType<typeof hostedPage>
  let script: string
  let count = 0
  beforeAll(async () => {
    server = await startDev()
    hosted = hostedPage(server)
    const out = temporaryFolder()
    await build(out)
    script = readFileSync(join(out, 'browser.js'), 'utf8')
  })

  const newAddress = () => `popup${++count}@example.com`

  /** An app's page with a button, and a stranger's; both note every message that reaches them. */
  async function open(headers: Record<string, string> = {}): Promise<Person> {
    const person = await openWindow(server.url)
    const options = {
      server: server.url,
      key: server.facts.publishableKey,
      redirectUrl: `${APP}/back`,
      locale: 'en',
    }
    const listening = `<script>window.heard = []; addEventListener('message', event => heard.push([event.origin, event.data]))</script>`
    await person.context.route(`${APP}/**`, (route, request) => {
      if (new URL(request.url()).pathname === '/browser.js')
        return route.fulfill({ contentType: 'text/javascript', body: script })
      return route.fulfill({
        contentType: 'text/html',
        headers,
        body: `<!doctype html><title>App</title><link rel="icon" href="data:,">${listening}<button id="go">Sign in</button><iframe></iframe>
<script type="module">
import { signInByPopup } from '/browser.js'
window.ended = []
window.given = new AbortController()
document.querySelector('#go').onclick = () => signInByPopup({ ...${JSON.stringify(options)}, signal: given.signal })
  .then(result => ended.push(result), error => ended.push({ code: error.code ?? error.message }))
window.isReady = true
</script>`,
      })
    })
    await person.context.route(`${EVIL}/**`, route =>
      route.fulfill({
        contentType: 'text/html',
        body: `<!doctype html><link rel="icon" href="data:,">${listening}`,
      }),
    )
    await person.page.goto(`${APP}/`)
    await person.page.waitForFunction('window.isReady')
    return person
  }

  const opened = async (context: BrowserContext, press: () => Promise<unknown>): Promise<Page> => {
    const [popup] = await Promise.all([context.waitForEvent('page'), press()])
    return popup
  }
  const press = ({ context, page }: Person) => opened(context, () => page.locator('#go').click())

  async function endOf(page: Page): Promise<Ended> {
    await page.waitForFunction('window.ended.length > 0')
    const ended: Ended[] = await page.evaluate('window.ended')
    expect(ended).toHaveLength(1)
    return ended[0] as Ended
  }

  const heardBy = (page: Page): Promise<[string, Record<string, unknown>][]> => page.evaluate('window.heard')

  const validate = (body: object) => hosted.api('POST', '/v1/actions/validate', { action: 'signIn', ...body })

  async function proveByCode(popup: Page, address: string) {
    const code = await hosted.askForCode(popup, address)
    await popup.locator('input[name=code]').pressSequentially(code)
  }

  /** The policy's, and the console's, but not what two origins speak with each other here, nor what the browser says of a message it held back. */
  const complaintsOf = ({ complaints }: Person) =>
    complaints.filter(line => !/^request to another origin|Failed to execute 'postMessage'/.test(line))

  it('signs in, tells the app alone, and closes; the result works once and with its verifier', async () => {
    const person = await open()
    const popup = await press(person)
    const address = newAddress()
    await popup.locator('input[type=email]').waitFor()
    expect(new URL(popup.url()).searchParams.get('display')).toBe('popup')
    const closed = popup.waitForEvent('close')
    await proveByCode(popup, address)
    const { token, codeVerifier } = await endOf(person.page)
    await closed
    for (const [origin] of await heardBy(person.page)) expect(origin).toBe(server.url)
    expect((await validate({ token })).body.code).toBe('token_invalid')
    expect((await validate({ token, codeVerifier: 'A'.repeat(43) })).body.code).toBe('token_invalid')
    const first = await validate({ token, codeVerifier })
    expect(first.body).toMatchObject({ isValid: true, user: { email: address } })
    expect(first.body.tokens).not.toBeNull()
    expect((await validate({ token, codeVerifier })).body.tokens).toBeNull()
    expect(complaintsOf(person)).toEqual([])
    await person.close()
  })

  it('goes on itself where its link is pressed in another tab, and keeps its place over a reload', async () => {
    const person = await open()
    const popup = await press(person)
    const address = newAddress()
    const link = await hosted.askForLink(popup, address)
    await popup.reload()
    await popup.getByText('Waiting for the link').waitFor()
    const tab = await person.context.newPage()
    await tab.goto(link)
    const { token, codeVerifier } = await endOf(person.page)
    expect(new URL(tab.url()).origin).toBe(server.url)
    expect((await validate({ token, codeVerifier })).body).toMatchObject({ user: { email: address } })
    expect(complaintsOf(person)).toEqual([])
    await person.close()
  })

  it('closed by the person, or by their "Cancel", it is cancelled; and the next press opens a new one', async () => {
    const person = await open()
    const popup = await press(person)
    await popup.locator('input[type=email]').waitFor()
    await popup.close()
    expect(await endOf(person.page)).toEqual({ code: 'cancelled' })
    await person.page.evaluate('window.ended = []')
    const second = await press(person)
    await hosted.askForCode(second, newAddress())
    await second.reload()
    await second.getByRole('button', { name: 'Cancel' }).click()
    expect(await endOf(person.page)).toEqual({ code: 'cancelled' })
    expect(complaintsOf(person)).toEqual([])
    await person.close()
  })

  it('is one at a time, ends with its signal, and says so where the browser opens none', async () => {
    const person = await open()
    const popup = await press(person)
    await popup.locator('input[type=email]').waitFor()
    await person.page.locator('#go').click()
    expect(await endOf(person.page)).toEqual({ code: 'popup_open' })
    expect(person.context.pages()).toHaveLength(2)
    await person.page.evaluate('window.ended = []; given.abort()')
    expect(await endOf(person.page)).toEqual({ code: 'aborted' })
    await expect.poll(() => person.context.pages().length).toBe(1)
    await person.page.evaluate(
      'window.ended = []; window.given = new AbortController(); window.open = () => null',
    )
    await person.page.locator('#go').click()
    expect(await endOf(person.page)).toEqual({ code: 'popup_blocked' })
    expect(complaintsOf(person)).toEqual([])
    await person.close()
  })

  it("cut off by the app's own opener policy, it says so at once; with same-origin-allow-popups it works", async () => {
    const cut = await open({ 'Cross-Origin-Opener-Policy': 'same-origin' })
    await press(cut)
    expect(await endOf(cut.page)).toEqual({ code: 'popup_lost' })
    await cut.close()
    const person = await open({ 'Cross-Origin-Opener-Policy': 'same-origin-allow-popups' })
    await proveByCode(await press(person), newAddress())
    expect(await endOf(person.page)).toMatchObject({ token: expect.stringMatching(/^oht_/) })
    await person.close()
  })

  it('takes nothing that a stranger says: not from a frame, not from its own window after it went elsewhere', async () => {
    const person = await open()
    const popup = await press(person)
    await popup.locator('input[type=email]').waitFor()
    const state = new URL(popup.url()).searchParams.get('state')
    const forged = JSON.stringify({ type: 'ostiary.signIn', state, token: 'oht_forged' })
    await person.page.locator('iframe').evaluate((frame, src) => frame.setAttribute('src', src), `${EVIL}/`)
    // Another window of Ostiary's, which the app opened as well: not the one that was asked.
    const url = hosted.addressOf({
      redirectUrl: `${APP}/back`,
      display: 'popup',
      codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    })
    const other = await opened(person.context, () =>
      person.page.evaluate(`void open(${JSON.stringify(url)})`),
    )
    await other.locator('input[type=email]').waitFor()
    await other.evaluate(`opener.postMessage(${forged}, '*')`)
    await other.close()
    const frame = () => person.page.frames().find(one => one.url() === `${EVIL}/`)
    await expect.poll(frame).toBeDefined()
    await frame()?.evaluate(`parent.postMessage(${forged}, '*')`)
    await person.page.evaluate(`postMessage(${forged}, '*')`)
    // By the page itself: an address that is typed in takes the opener away.
    await popup.evaluate(`location.assign('${EVIL}/')`)
    await popup.waitForURL(`${EVIL}/`)
    await popup.evaluate(`opener.postMessage(${forged}, '*')`)
    await expect
      .poll(async () => (await heardBy(person.page)).filter(([, told]) => told.token === 'oht_forged').length)
      .toBe(4)
    expect(await person.page.evaluate('window.ended')).toEqual([])
    // The person comes back, and it goes on.
    await popup.evaluate('history.back()')
    await proveByCode(popup, newAddress())
    expect((await endOf(person.page)).token).not.toBe('oht_forged')
    await person.close()
  })

  it('refuses the answer of another sign-in that was slipped into its window', async () => {
    const person = await open()
    const popup = await press(person)
    await popup.locator('input[type=email]').waitFor()
    const swapped = new URL(popup.url())
    swapped.searchParams.set('state', 'of-somebody-else')
    await popup.goto(swapped.href).catch(() => {})
    expect(await endOf(person.page)).toEqual({ code: 'popup_mismatch' })
    await expect.poll(() => person.context.pages().length).toBe(1)
    await person.close()
  })

  it("tells nothing to a stranger who opens it with the app's key and redirectUrl", async () => {
    const person = await open()
    const stranger = await person.context.newPage()
    await stranger.goto(`${EVIL}/`)
    const url = hosted.addressOf({
      redirectUrl: `${APP}/back`,
      display: 'popup',
      codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      locale: 'en',
    })
    const popup = await opened(person.context, () => stranger.evaluate(`void open(${JSON.stringify(url)})`))
    await proveByCode(popup, newAddress())
    // Nobody takes it: the person is not told that they are signed in.
    await popup.getByText('That did not work').first().waitFor()
    expect(await heardBy(stranger)).toEqual([])
    // The app's own page, open beside it, did not ask for it.
    expect(await heardBy(person.page)).toEqual([])
    expect(await person.page.evaluate('window.ended')).toEqual([])
    await person.close()
  })

  it('tells nothing to what took the place of the app in the window that opened it', async () => {
    const person = await open()
    const popup = await press(person)
    const code = await hosted.askForCode(popup, newAddress())
    await person.page.goto(`${EVIL}/`)
    await popup.locator('input[name=code]').pressSequentially(code)
    await popup.getByText('That did not work').first().waitFor()
    expect(await heardBy(person.page)).toEqual([])
    await person.close()
  })

  it('is a page like any other without JavaScript, without an opener, and without a verifier', async () => {
    const codeChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    for (const more of [{ codeChallenge }, {}] as Record<string, string>[])
      for (const javaScriptEnabled of [true, false]) {
        const person = await openWindow(server.url, { javaScriptEnabled })
        const { page } = person
        const address = newAddress()
        await page.goto(hosted.addressOf({ display: 'popup', ...more }))
        await hosted.tellAddress(page, address)
        await page.getByRole('button', { name: /With a code/ }).click()
        await page.locator('input[name=code]').fill((await hosted.messageTo(address)).code)
        if (!javaScriptEnabled) await page.keyboard.press('Enter')
        await page.waitForURL(/\/back\?token=oht_[^&]+&state=s1$/)
        expect(person.complaints).toEqual([])
        await person.close()
      }
  })
})
