import axe from 'axe-core'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasBrowser, openWindow, type Person, useBrowser } from '../../server/test/setup/browser.ts'
import { type Double, startDouble } from './setup/double.ts'

describe.skipIf(!hasBrowser)('<ostiary-sign-in>', () => {
  useBrowser()
  let double: Double
  let plan: Double['plan']
  beforeAll(async () => {
    double = await startDouble()
    plan = structuredClone(double.plan)
  })
  afterAll(() => double.close())
  beforeEach(() => {
    double.plan = structuredClone(plan)
    double.faults = {}
    double.calls = []
    double.action = null
  })

  interface Tried extends Person {
    /** What the element told the page, in order. */
    told: () => Promise<string[]>
  }

  async function open(
    attributes: Record<string, string> = {},
    options: BrowserContextOptions = {},
  ): Promise<Tried> {
    const person = await openWindow(double.url, options)
    await person.page.addInitScript(() => {
      const seen: string[] = []
      const host = globalThis as unknown as Window & { told: string[] }
      host.told = seen
      for (const name of ['ready', 'step', 'success', 'error', 'cancel'])
        host.addEventListener(name, event => {
          if (!(event instanceof CustomEvent)) return
          seen.push(`${name} ${JSON.stringify(event.detail)}`)
        })
    })
    const query = new URLSearchParams({ key: 'opk_test_1', locale: 'en', ...attributes })
    await person.page.goto(`${double.url}/page?${query}`)
    return { ...person, told: () => person.page.evaluate('told') }
  }

  const address = (page: Page) => page.getByLabel('E-mail address')
  const code = (page: Page) => page.getByLabel('Code (6 digits)')
  const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name }).waitFor()
  const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('name'))

  async function toCode(attributes: Record<string, string> = {}, options: BrowserContextOptions = {}) {
    const tried = await open(attributes, options)
    await address(tried.page).fill('ada@example.com')
    await tried.page.keyboard.press('Enter')
    await code(tried.page).waitFor()
    return tried
  }

  it('signs in by keyboard alone, and gives the page a result token, never a session', async () => {
    const { page, told, complaints, close } = await open({ state: 's1' })
    await address(page).waitFor()
    // Nothing is taken from the page: the focus comes by the Tab key.
    expect(await focused(page)).toBeNull()
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('email')
    await page.keyboard.type('ada@example.com')
    await page.keyboard.press('Enter')
    await code(page).waitFor()
    await expect.poll(() => focused(page)).toBe('code')
    await page.keyboard.type('123456')
    await heading(page, 'You are signed in')
    expect(await told()).toEqual([
      'step {"name":"identify"}',
      'ready null',
      'step {"name":"code"}',
      'step {"name":"done"}',
      'success {"token":"oht_result","state":"s1"}',
    ])
    expect(complaints).toEqual([])
    await close()
  })

  it('shows fields that password managers and phones know, in the tree of the page', async () => {
    const { page, close } = await open({ 'login-hint': 'ada@example.com' })
    const attributes = (selector: string, names: string[]) =>
      page.evaluate(
        ([found, wanted]) => {
          const field = document.querySelector(found as string)
          return (wanted as string[]).map(name => field?.getAttribute(name))
        },
        [selector, names] as const,
      )
    await address(page).waitFor()
    expect(await address(page).inputValue()).toBe('ada@example.com')
    const email = await attributes('form input', [
      'type',
      'autocomplete',
      'autocapitalize',
      'spellcheck',
      'inputmode',
    ])
    expect(email).toEqual(['email', 'username webauthn', 'off', 'false', 'email'])
    await address(page).press('Enter')
    await code(page).waitFor()
    const numeric = await attributes('form input', ['type', 'autocomplete', 'inputmode', 'maxlength'])
    expect(numeric).toEqual(['text', 'one-time-code', 'numeric', null])
    expect(await page.locator('form input').count()).toBe(1)
    for (const field of await page.locator('form input').all())
      expect(
        await field.evaluate(input => Number.parseFloat(getComputedStyle(input).fontSize)),
      ).toBeGreaterThanOrEqual(16)
    await close()
  })

  it.each(['123 456', '123-456', '１２３４５６', 'Your code is 123 456, valid for 10 minutes.'])(
    'takes a pasted %j, and submits it',
    async text => {
      const { page, close } = await toCode()
      await code(page).evaluate((field, pasted) => {
        const clipboardData = new DataTransfer()
        clipboardData.setData('text', pasted)
        const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true })
        // As the browser does it, unless the page did.
        if (!field.dispatchEvent(paste)) return
        ;(field as HTMLInputElement).value = pasted
        field.dispatchEvent(new InputEvent('input', { inputType: 'insertFromPaste', bubbles: true }))
      }, text)
      await heading(page, 'You are signed in')
      expect(double.calls.filter(call => call.name === 'POST verify').map(call => call.body)).toEqual([
        { code: '123456' },
      ])
      await close()
    },
  )

  it('takes a code that the phone fills in at once', async () => {
    const { page, close } = await toCode()
    await code(page).fill('123456')
    await heading(page, 'You are signed in')
    await close()
  })

  it('announces a wrong code, keeps the focus, and lets the next one replace it', async () => {
    const { page, close } = await toCode()
    await code(page).pressSequentially('111111')
    const error = page.locator('.ostiary-error')
    await expect.poll(() => error.textContent()).toContain('Attempts left: 4')
    expect(await error.getAttribute('aria-live')).toBe('polite')
    expect(await code(page).getAttribute('aria-invalid')).toBe('true')
    expect((await code(page).getAttribute('aria-describedby'))?.split(' ')).toContain(
      await error.getAttribute('id'),
    )
    expect(await focused(page)).toBe('code')
    await page.keyboard.type('123456')
    await heading(page, 'You are signed in')
    await close()
  })

  it('follows the length that the server tells, and says when digits lack', async () => {
    double.plan.codeLength = 10
    double.code = '1234567890'
    const { page, close } = await open()
    await address(page).fill('ada@example.com')
    await page.keyboard.press('Enter')
    const field = page.getByLabel('Code (10 digits)')
    await field.pressSequentially('12345')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect.poll(() => page.locator('.ostiary-error').textContent()).toContain('10')
    expect(double.calls.filter(call => call.name === 'POST verify')).toEqual([])
    await field.fill('1234567890')
    await heading(page, 'You are signed in')
    double.code = '123456'
    await close()
  })

  it('says what an address lacks before it asks the server', async () => {
    const { page, close } = await open()
    await address(page).press('Enter')
    const error = page.locator('.ostiary-error')
    await expect.poll(() => error.textContent()).toBe('Enter your e-mail address.')
    await address(page).fill('ada@example')
    await address(page).press('Enter')
    await expect.poll(() => error.textContent()).toContain('not a complete e-mail address')
    expect(double.calls.filter(call => call.name === 'POST identify')).toEqual([])
    await close()
  })

  it('always says which address and tag, and leads back to another one', async () => {
    const { page, close } = await toCode()
    const text = () =>
      page.locator('ostiary-sign-in').evaluate(host => `${host.shadowRoot?.textContent} ${host.textContent}`)
    expect(await text()).toContain('ada@example.com')
    expect(await text()).toContain('KTR')
    expect(await text()).toMatch(/Valid for 10 minutes/)
    await page.getByRole('button', { name: 'Use another address' }).click()
    await expect.poll(() => focused(page)).toBe('email')
    await page.getByRole('button', { name: 'Back' }).click()
    await code(page).waitFor()
    await page.getByRole('button', { name: 'Use another address' }).click()
    await address(page).fill('bob@example.com')
    await address(page).press('Enter')
    await expect.poll(text).toContain('bob@example.com')
    await close()
  })

  it('counts down to the next message, sends it, and says so', async () => {
    double.plan.resendAfterMs = 2500
    const { page, close } = await toCode()
    const resend = page.getByRole('button', { name: 'Send a new code' })
    expect(await resend.count()).toBe(0)
    await page.getByText('You can get a new e-mail in').waitFor()
    await resend.click()
    await expect.poll(() => page.getByRole('status').textContent()).toContain('A new e-mail is on its way')
    await expect.poll(() => focused(page)).toBe('code')
    await close()
  })

  it('offers a new code when the old one has expired', async () => {
    double.plan.challengeLifeMs = 1200
    const { page, close } = await toCode()
    const anew = page.getByRole('button', { name: 'Send a new code' })
    await anew.waitFor()
    expect(await page.getByRole('alert').last().textContent()).toContain('expired')
    double.plan.challengeLifeMs = 600_000
    await anew.click()
    await code(page).fill('123456')
    await heading(page, 'You are signed in')
    await close()
  })

  it('offers the methods when there are several, and goes on by itself when the link is opened', async () => {
    double.plan.methods = ['passkey', 'emailCode', 'emailLink']
    const { page, complaints, close } = await open()
    await address(page).fill('ada@example.com')
    await address(page).press('Enter')
    await page.getByRole('button', { name: 'With a link' }).click()
    await expect.poll(() => double.streams.size).toBe(1)
    const challenge = double.action?.challenge ?? null
    double.move({ step: 'approve', challenge: challenge && { ...challenge, number: '47' } })
    await page.getByText('47', { exact: true }).first().waitFor()
    double.move({ step: 'done', state: 'CHALLENGE_SUCCEEDED' })
    await heading(page, 'You are signed in')
    expect(complaints).toEqual([])
    await close()
  })

  it('goes to the redirect with the result, unless the page keeps it', async () => {
    double.plan.redirectTo = `${double.url}/back`
    const first = await toCode({ 'redirect-url': `${double.url}/back` })
    await code(first.page).fill('123456')
    await first.page.waitForURL(`${double.url}/back?token=oht_result&state=s1`)
    await first.close()

    const second = await toCode({ 'redirect-url': `${double.url}/back` })
    await second.page.evaluate(() => addEventListener('success', event => event.preventDefault()))
    await code(second.page).fill('123456')
    await heading(second.page, 'You are signed in')
    expect(await second.told()).toContain('success {"token":"oht_result","state":"s1"}')
    await second.page.waitForTimeout(200)
    expect(second.page.url()).toContain('/page')
    await second.close()
  })

  it('gives up by a press, and begins anew', async () => {
    const { page, told, close } = await toCode({ 'redirect-url': 'https://app.example/back' })
    await page.getByRole('button', { name: 'Cancel' }).click()
    await heading(page, 'Sign-in cancelled')
    expect(await told()).toContain('cancel null')
    await page.getByRole('button', { name: 'Start again' }).click()
    await heading(page, /Sign in to/)
    await close()
  })

  it('leads back from an action that it cannot begin anew', async () => {
    const { page, close } = await toCode()
    double.move({ step: 'ended', redirectTo: `${double.url}/back?error=expired` })
    await page.locator('ostiary-sign-in').evaluate(host => {
      host.removeAttribute('key')
      host.setAttribute('action', 'oat_token')
    })
    await heading(page, 'This took too long')
    expect(await page.getByRole('button', { name: 'Start again' }).count()).toBe(0)
    await page.getByRole('link', { name: 'Back' }).click()
    await page.waitForURL(`${double.url}/back?error=expired`)
    await close()
  })

  it('says that it is offline, and goes on when it is not', async () => {
    const { page, context, close } = await toCode()
    await context.setOffline(true)
    await page.getByText('You are offline').waitFor()
    await context.setOffline(false)
    await expect.poll(() => page.getByText('You are offline').count()).toBe(0)
    await code(page).fill('123456')
    await heading(page, 'You are signed in')
    await close()
  })

  it('says when it takes long, and tells a fault with its reference', async () => {
    const { page, told, close } = await toCode()
    double.faults.verify = { delayMs: 5000, refuse: { status: 500, code: 'internal_error' } }
    await code(page).fill('123456')
    await expect
      .poll(() => page.getByRole('status').textContent(), { timeout: 8000 })
      .toContain('longer than usual')
    const alert = page.getByRole('alert').first()
    await expect.poll(() => alert.textContent(), { timeout: 8000 }).toContain('req_test')
    expect((await told()).at(-1)).toContain('"code":"internal_error"')
    await close()
  })

  it('counts down a limit, and takes the same press again', async () => {
    double.faults.identify = { refuse: { status: 429, code: 'rate_limited', retryAfterSeconds: 2 }, times: 1 }
    const { page, close } = await open()
    await address(page).fill('ada@example.com')
    await address(page).press('Enter')
    await page.getByText('Too many attempts').waitFor()
    await expect.poll(() => page.getByText('Too many attempts').count(), { timeout: 5000 }).toBe(0)
    await address(page).press('Enter')
    await code(page).waitFor()
    await close()
  })

  it('says what is wrong when it cannot begin, and tries again', async () => {
    double.faults.begin = { refuse: { status: 403, code: 'origin_not_allowed' }, times: 1 }
    const { page, close } = await open()
    await page.getByText('not set up correctly').waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await address(page).waitFor()
    await close()
  })

  it('speaks without a catalogue when there is none to be had', async () => {
    double.faults.begin = { refuse: { status: 500, code: 'internal_error' } }
    const person = await openWindow(double.url)
    await person.page.route('**/element/words/**', route => route.abort())
    await person.page.goto(`${double.url}/page?key=opk_test_1&locale=de`)
    await person.page.getByText('Something went wrong on our side').waitFor()
    await person.close()
  })

  it('loads one language, and takes the words of the app before it', async () => {
    double.plan.locale = 'de'
    const asked: string[] = []
    const person = await openWindow(double.url, { locale: 'de-DE' })
    person.page.on('request', request => asked.push(new URL(request.url()).pathname))
    await person.page.goto(`${double.url}/page?key=opk_test_1`)
    await person.page.getByLabel('E-Mail-Adresse').waitFor()
    expect(asked.filter(path => path.startsWith('/element/words'))).toEqual(['/element/words/de.json'])
    await person.page.evaluate(() => {
      const host = document.querySelector('ostiary-sign-in') as HTMLElement & {
        texts: Record<string, string>
      }
      host.texts = { 'signIn.title': 'Willkommen bei {brand}' }
    })
    await heading(person.page, /Willkommen bei.*Acme Notes/)
    await person.close()
  })

  it('stays inside of 320 pixels, at 200 %, and in a narrow place', async () => {
    const { page, close } = await toCode({}, { viewport: { width: 320, height: 600 } })
    const overflow = () => page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(await overflow()).toBeLessThanOrEqual(0)
    // 200 % of a 640 pixel window is 320 of them; larger text besides.
    await page.evaluate(() => (document.documentElement.style.fontSize = '32px'))
    expect(await overflow()).toBeLessThanOrEqual(0)
    await close()
  })

  it('lets the brand and the page set its colors', async () => {
    double.plan.brand = {
      ...double.plan.brand,
      colors: { light: { primary: '#4338ca' }, dark: { primary: '#a5b4fc' } },
    }
    const { page, close } = await open({ theme: 'light' }, { colorScheme: 'dark' })
    await address(page).waitFor()
    const background = () =>
      page.locator('.ostiary-button').evaluate(button => getComputedStyle(button).backgroundColor)
    expect(await background()).toBe('rgb(67, 56, 202)')
    await page.locator('ostiary-sign-in').evaluate(host => host.removeAttribute('theme'))
    await expect.poll(background).toBe('rgb(165, 180, 252)')
    await page
      .locator('ostiary-sign-in')
      .evaluate(host => (host as HTMLElement).style.setProperty('--ostiary-primary', '#123456'))
    await expect.poll(background).toBe('rgb(18, 52, 86)')
    await close()
  })

  const LOOKS: [string, Record<string, string>, BrowserContextOptions][] = [
    ['light', {}, { colorScheme: 'light' }],
    ['dark', {}, { colorScheme: 'dark' }],
    ['right to left', { locale: 'ar' }, { colorScheme: 'light' }],
    ['forced colors', {}, { forcedColors: 'active' }],
  ]
  it.each(LOOKS)('has no serious fault of access in any step, %s', async (_, attributes, options) => {
    double.plan.methods = ['emailCode', 'emailLink']
    double.plan.locale = attributes.locale ?? 'en'
    const { page, close } = await open(attributes, { bypassCSP: true, reducedMotion: 'reduce', ...options })
    await page.locator('form input[type=email]').waitFor()
    await check(page, 'identify')
    await page.keyboard.press('Tab')
    await page.keyboard.type('ada@example.com')
    await page.keyboard.press('Enter')
    await page.locator('.option').first().waitFor()
    await check(page, 'method')
    await page.locator('.option').first().click()
    await page.locator('input[name=code]').waitFor()
    await check(page, 'code')
    await page.locator('input[name=code]').fill('000000')
    await expect.poll(() => page.locator('.ostiary-error').textContent()).not.toBe('')
    await page.locator('summary').click()
    await check(page, 'wrong code')
    await page.locator('.more .row button').nth(1).click()
    await page.locator('.option').nth(1).click()
    await page.locator('.waiting').waitFor()
    await check(page, 'link')
    const challenge = double.action?.challenge ?? null
    await expect.poll(() => double.streams.size).toBe(1)
    double.move({ step: 'approve', challenge: challenge && { ...challenge, number: '47' } })
    await page.locator('.number').waitFor()
    await check(page, 'approve')
    double.move({ step: 'done', state: 'CHALLENGE_SUCCEEDED' })
    await page.locator('.badge').waitFor()
    await check(page, 'done')
    if (attributes.locale === 'ar')
      expect(await page.locator('ostiary-sign-in').evaluate(host => getComputedStyle(host).direction)).toBe(
        'rtl',
      )
    await close()
  })

  async function check(page: Page, step: string): Promise<void> {
    await page.evaluate(axe.source)
    const found = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } }
      interface Violation {
        id: string
        impact: string
        nodes: { target: unknown; failureSummary: string }[]
      }
      const { violations } = await axe.run()
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(
          ({ id, nodes }) =>
            `${id}: ${nodes.map(node => `${node.target} ${node.failureSummary}`).join('; ')}`,
        )
    })
    expect(found, step).toEqual([])
  }
})
