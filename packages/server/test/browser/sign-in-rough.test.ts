import { createHash, randomBytes } from 'node:crypto'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Listening, listen } from '../../src/http/server.ts'
import { hasBrowser, openWindow, useBrowser } from '../setup/browser.ts'
import { hostedPage } from '../setup/hosted-page.ts'
import { type DevServer, freePort, startDev } from '../setup/process.ts'
import { handClock, type TestServer, testServer } from '../setup/server.ts'

type Hosted = ReturnType<typeof hostedPage>

describe.skipIf(!hasBrowser)('the sign-in page on a bad day', () => {
  useBrowser()
  let server: DevServer
  let hosted: Hosted
  let count = 0
  beforeAll(async () => {
    server = await startDev()
    hosted = hostedPage(server)
  })

  async function open(options: BrowserContextOptions = {}, more: Record<string, string> = {}) {
    const person = await openWindow(server.url, options)
    await person.page.goto(hosted.addressOf(more))
    await person.page.locator('input[type=email]').waitFor()
    return { ...person, address: `rough${++count}@example.com` }
  }

  /** Names of the calls of `/client/v1/actions` that change something, in their order. */
  function postsOf(context: BrowserContext): string[] {
    const posts: string[] = []
    context.on('request', request => {
      const { pathname } = new URL(request.url())
      if (request.method() === 'POST') posts.push(pathname.replace('/client/v1/actions', ''))
    })
    return posts
  }

  async function paste(page: Page, text: string) {
    await page.evaluate(`{
      const clipboardData = new DataTransfer()
      clipboardData.setData('text', ${JSON.stringify(text)})
      document.querySelector('input[name=code]').dispatchEvent(
        new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }`)
  }

  it('offline while the code is typed: it says so, keeps what was typed, and goes on', async () => {
    const { page, context, address, close } = await open()
    const code = await hosted.askForCode(page, address)
    await page.locator('input[name=code]').pressSequentially(code.slice(0, 5))
    await context.setOffline(true)
    await page.getByText('You are offline. It goes on as soon as you are connected.').waitFor()
    await page.locator('input[name=code]').pressSequentially(code.slice(5))
    await page.waitForTimeout(1500)
    expect(await page.locator('input[name=code]').inputValue()).toBe(code)
    await context.setOffline(false)
    await page.getByText('You are offline').waitFor({ state: 'detached' })
    expect(await page.locator('input[name=code]').inputValue()).toBe(code)
    await page.keyboard.press('Enter')
    await hosted.arrived(page, address)
    await close()
  })

  it('offline when it is loaded: the address that was typed is sent when the connection is back', async () => {
    const { page, context, address, close } = await open()
    await context.setOffline(true)
    await page.getByText('You are offline').waitFor()
    await hosted.tellAddress(page, address)
    await page.waitForTimeout(1500)
    expect(await page.locator('input[type=email]').inputValue()).toBe(address)
    await context.setOffline(false)
    await page.getByText('You are offline').waitFor({ state: 'detached' })
    await page.locator('input[type=email]').press('Enter')
    await page.getByRole('button', { name: /With a code/ }).waitFor()
    await close()
  })

  it('two seconds for every answer: the button says that it is busy, and a second press is none', async () => {
    const { page, context, address, complaints, close } = await open()
    const posts = postsOf(context)
    await context.route('**/client/v1/**', async route => {
      await new Promise(resolve => setTimeout(resolve, 2000))
      await route.continue().catch(() => {})
    })
    const button = page.locator('.ostiary-button')
    await page.locator('input[type=email]').fill(address)
    const before = await button.textContent()
    for (let presses = 0; presses < 3; presses++) await page.keyboard.press('Enter')
    await expect.poll(() => button.getAttribute('aria-disabled')).toBe('true')
    expect(await button.textContent()).not.toBe(before)
    await button.click({ force: true })
    const method = page.getByRole('button', { name: /With a code/ })
    await method.click()
    await method.click({ force: true }).catch(() => {})
    await page.locator('input[name=code]').waitFor()
    const { code } = await hosted.messageTo(address)
    await page.locator('input[name=code]').pressSequentially(code)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await hosted.arrived(page, address)
    const told = posts.filter(name => name !== '')
    expect(told.filter(name => name !== '/passkey')).toEqual(['/identify', '/send', '/verify'])
    // The page asks for it by itself, once, perhaps before anybody listens.
    expect(told.filter(name => name === '/passkey').length).toBeLessThan(2)
    const { body } = await hosted.api('GET', `/v1/messages?to=${address}`)
    expect(body.data).toHaveLength(1)
    expect(complaints).toEqual([])
    await close()
  })

  it('back from the field for the code, and forward again: the code still works', async () => {
    const person = await openWindow(server.url)
    const { page } = person
    await page.goto(`${server.url}/docs/errors`)
    await page.evaluate(`location.assign(${JSON.stringify(hosted.addressOf())})`)
    await page.locator('input[type=email]').waitFor()
    const address = `rough${++count}@example.com`
    const code = await hosted.askForCode(page, address)
    await page.goBack()
    await page.waitForURL(/\/docs\/errors/)
    await page.goForward()
    await page.locator('input[name=code]').pressSequentially(code)
    await hosted.arrived(page, address)
    expect(person.complaints).toEqual([])
    await person.close()
  })

  it('to another address and back again: the code of the first still works', async () => {
    const { page, address, close } = await open()
    const code = await hosted.askForCode(page, address)
    await page.getByRole('button', { name: 'Use another address' }).click()
    await page.locator('input[type=email]').waitFor()
    await page.getByRole('button', { name: 'Back', exact: true }).click()
    await page.locator('input[name=code]').pressSequentially(code)
    await hosted.arrived(page, address)
    await close()
  })

  it('after the last wrong code it offers a new one at once, also after a reload', async () => {
    const { page, address, complaints, close } = await open()
    const code = await hosted.askForCode(page, address)
    for (let left = 4; left >= 0; left--) {
      await page.locator('input[name=code]').fill(code.startsWith('1') ? `22222${left}` : `11111${left}`)
      await page
        .getByText(left > 0 ? `Attempts left: ${left}` : 'Too many wrong codes')
        .first()
        .waitFor()
    }
    expect(await page.locator('input[name=code]').count()).toBe(0)
    await page.reload()
    await page.getByRole('button', { name: 'Send a new code' }).click()
    await page.locator('input[name=code]').waitFor()
    const { body } = await hosted.api('GET', `/v1/messages?to=${address}`)
    await page.locator('input[name=code]').pressSequentially(body.data[0].code)
    await hosted.arrived(page, address)
    expect(complaints).toEqual([])
    await close()
  })

  const PASTED: [name: string, form: (code: string) => string][] = [
    ['spaces around and within', code => `  ${code.slice(0, 3)} ${code.slice(3)} \n`],
    ['dashes', code => code.match(/../g)?.join('-') ?? ''],
    ['full-width digits', code => code.replace(/\d/g, digit => String.fromCharCode(0xff10 + Number(digit)))],
    ['no-break spaces', code => [...code].join('\u00a0')],
  ]
  it.each(PASTED)('takes a code that is pasted with %s', async (_, form) => {
    const { page, address, complaints, close } = await open()
    const code = await hosted.askForCode(page, address)
    await paste(page, form(code))
    await hosted.arrived(page, address)
    expect(complaints).toEqual([])
    await close()
  })

  it('after a scanner with JavaScript has followed and pressed everything in the mail, the person signs in', async () => {
    const { page, context, address, complaints, close } = await open()
    const link = await hosted.askForLink(page, address)
    const { html } = await hosted.messageTo(address)
    const scanner = await openWindow(server.url, { locale: 'en-GB' })
    const found = [...html.matchAll(/href="([^"]+)"/g)].map(([, target]) => target?.replaceAll('&amp;', '&'))
    expect(found).toContain(link)
    for (const target of found) {
      await scanner.page.goto(target ?? '')
      await scanner.page.waitForTimeout(500)
      for (const button of await scanner.page.getByRole('button').all())
        await button.click({ timeout: 1000 }).catch(() => {})
      await scanner.page.waitForTimeout(500)
    }
    // What its presses led to asks for a number that only the first page shows.
    await page.locator('output').waitFor()
    expect(scanner.page.url().startsWith(server.url)).toBe(true)
    expect(await scanner.context.cookies()).not.toContainEqual(
      expect.objectContaining({ name: '__Host-ostiary-action' }),
    )
    const tab = await context.newPage()
    await tab.goto(link)
    await hosted.arrived(tab, address)
    expect(complaints).toEqual([])
    await Promise.all([close(), scanner.close()])
  })

  it('is done by keyboard alone, the focus always on something that is seen', async () => {
    await hosted.api('PATCH', '/v1/settings', { challenge: { resendWaitSeconds: [1] } })
    const { page, address, complaints, close } = await open()
    const focused = (): Promise<string> =>
      page.evaluate(`{
        let at = document.activeElement
        while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
        const { width, height } = at.getBoundingClientRect()
        width > 0 && height > 0 && at !== document.body ? at.textContent.trim() || at.name : 'lost'
      }`)
    async function tabTo(text: RegExp) {
      const seen: string[] = []
      for (let presses = 0; presses < 15; presses++) {
        const at = await focused()
        if (text.test(at)) return
        seen.push(at)
        await page.keyboard.press('Tab')
      }
      throw new Error(`no way by Tab to ${text}: ${seen.join(' | ')}`)
    }
    expect(await focused()).toBe('email')
    await page.keyboard.type(address)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /With a code/ }).waitFor()
    await tabTo(/With a link/)
    await page.keyboard.press('Enter')
    await page.getByText('Waiting for the link').waitFor()
    expect(await focused()).not.toBe('lost')
    await tabTo(/another way/i)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /With a code/ }).waitFor()
    expect(await focused()).not.toBe('lost')
    await tabTo(/With a code/)
    await page.keyboard.press('Space')
    await page.locator('input[name=code]').waitFor()
    await expect.poll(focused).toBe('code')
    await page.getByRole('button', { name: 'Send a new code' }).waitFor()
    await tabTo(/Send a new code/)
    await page.keyboard.press('Enter')
    await page.getByText('A new e-mail is on its way').first().waitFor()
    await hosted.api('PATCH', '/v1/settings', { challenge: null })
    await expect.poll(focused).toBe('code')
    const { body } = await hosted.api('GET', `/v1/messages?to=${address}`)
    await page.keyboard.type(body.data[0].code)
    await hosted.arrived(page, address)
    expect(complaints).toEqual([])
    await close()
  })

  it.each(['en', 'de', 'ar'])(
    '%s: at 320 pixels and 200 percent nothing has to be scrolled sideways',
    async locale => {
      const { page, address, close } = await open({ viewport: { width: 320, height: 640 } }, { locale })
      const faults: string[] = []
      const judge = async (step: string) => {
        for (const way of ['text', 'zoom']) {
          const [name, value] = way === 'text' ? ['fontSize', '200%'] : ['zoom', '2']
          await page.evaluate(`document.documentElement.style.${name} = '${value}'`)
          const over: number = await page.evaluate(
            'document.documentElement.scrollWidth - document.documentElement.clientWidth',
          )
          if (over > 0) faults.push(`${step}, ${way}: ${over} px too wide`)
          await page.evaluate(`document.documentElement.style.${name} = ''`)
        }
      }
      await judge('identify')
      await hosted.tellAddress(page, `a.person.with.a.very.long.address.${address}`)
      const method = page.locator('button').filter({ has: page.locator('small') })
      await method.first().waitFor()
      await judge('method')
      await method.first().click()
      await page.locator('input[name=code]').waitFor()
      await page.locator('summary').click()
      await judge('code')
      expect(faults).toEqual([])
      await close()
    },
  )

  it('hands an app without a backend its session by PKCE, and nobody without the verifier', async () => {
    const verifier = randomBytes(32).toString('base64url')
    const codeChallenge = createHash('sha256').update(verifier).digest('base64url')
    const { page, address, complaints, close } = await open({}, { codeChallenge })
    const code = await hosted.askForCode(page, address)
    await page.locator('input[name=code]').pressSequentially(code)
    await page.waitForURL(/\/back\?/)
    const token = new URL(page.url()).searchParams.get('token') ?? ''
    interface Answer {
      code?: string
      tokens?: { accessToken: string; refreshToken?: string } | null
    }
    const validate = (codeVerifier: string): Promise<Answer> =>
      page.evaluate(
        ([url, key, body]) =>
          fetch(url as string, {
            method: 'POST',
            headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
            body: body as string,
          }).then(answer => answer.json() as Promise<Answer>),
        [
          `${server.url}/client/v1/actions/validate`,
          server.facts.publishableKey,
          JSON.stringify({ token, codeVerifier }),
        ],
      )
    expect((await validate(randomBytes(32).toString('base64url'))).code).toBe('token_invalid')
    const taken = await validate(verifier)
    expect(taken).toMatchObject({ isValid: true, user: { email: address } })
    expect(taken.tokens?.accessToken).toMatch(/^eyJ/)
    expect(taken.tokens?.refreshToken).toBeUndefined()
    expect((await validate(verifier)).tokens).toBeNull()
    expect(complaints).toEqual([])
    await close()
  })
})

describe.skipIf(!hasBrowser)('the sign-in page and the clock', () => {
  useBrowser()
  const clock = handClock(Date.now())
  let url: string
  let server: TestServer
  let listening: Listening
  let hosted: Hosted
  beforeAll(async () => {
    const port = await freePort()
    url = `http://localhost:${port}`
    server = await testServer({ publicUrl: url, clock })
    listening = await listen(server.ostiary.fetch, port, ['127.0.0.1'])
    const { body } = await server.get('/v1/apps')
    hosted = hostedPage({
      url,
      facts: { secretKey: server.key, publishableKey: body.data[0].publishableKey },
    })
  })
  afterAll(async () => {
    await listening.close(0)
    await server.stop()
  })

  it('offers a new code where the old one has expired, and begins anew where all has', async () => {
    const { page, complaints, close } = await openWindow(url)
    await page.clock.install()
    await page.goto(hosted.addressOf())
    const first = await hosted.askForCode(page, 'late@example.com')
    clock.advance(601_000)
    await page.locator('input[name=code]').pressSequentially(first)
    await page.getByText('This code has expired').first().waitFor()
    await page.getByRole('button', { name: 'Send a new code' }).click()
    await page.locator('input[name=code]').waitFor()
    const second = (await server.message({ to: 'late@example.com' })).code
    // The next one stays unused until there is nothing to go on with: the page says so by itself.
    await page.locator('input[name=code]').pressSequentially(second.slice(0, 3))
    clock.advance(900_000)
    await page.clock.fastForward(1_501_000)
    await page.getByText('This took too long').first().waitFor()
    await page.getByRole('button', { name: 'Start again' }).click()
    const third = await hosted.askForCode(page, 'later@example.com')
    await page.locator('input[name=code]').pressSequentially(third)
    await page.waitForURL(/\/back\?/)
    // The app came too late for it.
    clock.advance(61_000)
    const token = new URL(page.url()).searchParams.get('token')
    const { body } = await server.post('/v1/actions/validate', { token, action: 'signIn' })
    expect(body.code).toBe('token_invalid')
    expect(complaints).toEqual([])
    await close()
  })
})
