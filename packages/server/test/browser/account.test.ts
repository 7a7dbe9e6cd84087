import type { Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { faultsOf } from '../setup/axe.ts'
import { hasBrowser, openWindow, type Person, picture, useBrowser } from '../setup/browser.ts'
import { hostedPage } from '../setup/hosted-page.ts'
import { type DevServer, startDev } from '../setup/process.ts'
import { addAuthenticator, type VirtualAuthenticator } from '../setup/virtual-authenticator.ts'

/** The account page as people use it, on a server of its own. */
describe.skipIf(!hasBrowser)('the account page', () => {
  useBrowser()
  let server: DevServer
  let hosted: ReturnType<typeof hostedPage>
  let person: Person
  let page: Page
  let authenticator: VirtualAuthenticator
  let count = 0
  let address: string

  beforeAll(async () => {
    server = await startDev()
    hosted = hostedPage(server)
  })
  beforeEach(async () => {
    address = `grace${++count}@example.com`
    await arrive()
  })
  afterEach(async () => {
    expect(person.complaints).toEqual([])
    await person.close()
  })

  async function arrive(options: Parameters<typeof openWindow>[1] = {}): Promise<void> {
    person = await openWindow(server.url, options)
    page = person.page
    authenticator = await addAuthenticator(page)
  }

  const pathOf = (more: Record<string, string> = {}) =>
    `${server.url}/account?${new URLSearchParams({ key: server.facts.publishableKey, returnUrl: `${server.url}/back`, locale: 'en', ...more })}`
  const button = (name: string | RegExp) => page.getByRole('button', { name })
  const section = (name: 'passkeys' | 'addresses' | 'sessions' | 'activity') =>
    page.locator(`[data-section=${name}]`)
  const says = (text: string | RegExp) => page.getByText(text).filter({ visible: true }).first().waitFor()
  /** Where the focus is, through all shadow roots: its label, or its text. */
  const focused = (): Promise<string> =>
    page.evaluate(`(() => {
      let at = document.activeElement
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
      return (at?.labels?.[0]?.textContent ?? at?.textContent ?? '').trim()
    })()`)

  async function enter(more: Record<string, string> = {}): Promise<void> {
    await page.goto(pathOf(more))
    await page.locator('input[type=email]').waitFor()
    const code = await hosted.askForCode(page, address)
    await page.locator('input[name=code]').pressSequentially(code)
    const skip = page.locator('ostiary-sign-in [part=link]').last()
    await page.locator('ostiary-account .head, ostiary-sign-in [data-step=offer]').first().waitFor()
    if (await page.locator('[data-step=offer]').count()) await skip.click()
    await page.locator('ostiary-account .head').first().waitFor()
  }

  /** So long ago that whatever is sensitive asks for a fresh proof. */
  async function later(): Promise<void> {
    await page.route('**/client/v1/me/**', async route => {
      const isOld = route.request().headers().authorization === stale
      if (!isOld || !SENSITIVE.test(route.request().url())) return await route.fallback()
      await route.fulfill({
        status: 403,
        contentType: 'application/problem+json',
        body: JSON.stringify({ code: 'fresh_proof_required', title: 'A fresh proof is needed', status: 403 }),
      })
    })
    const [call] = await Promise.all([page.waitForRequest('**/client/v1/me/**'), page.reload()])
    const stale = call.headers().authorization
    await section('activity').locator('.line').first().waitFor()
  }

  it('shows who is signed in, and everything there is of it', async () => {
    await enter()
    await says(`Signed in as ${address}`)
    await section('sessions').getByText('This browser').waitFor()
    await section('activity').getByText('Account created').waitFor()
    await says('You have no passkey yet.')
    expect(await page.getByRole('link', { name: 'Back to' }).getAttribute('href')).toBe(`${server.url}/back`)
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'account')
    // Over a reload the person stays signed in.
    await page.reload()
    await says(`Signed in as ${address}`)
  })

  it('adds a passkey, names it, says no to the same device, and removes it', async () => {
    await enter()
    await button('Add a passkey').click()
    await says('The passkey was added.')
    await section('passkeys').getByText('Synced between your devices').waitFor()
    await button('Add a passkey').click()
    await says('This device already has a passkey for your account.')
    await button(/^Rename/).click()
    await expect.poll(focused).toBe('Name of the passkey')
    await page.keyboard.press('Escape')
    await expect.poll(focused).toBe('Rename')
    await page.keyboard.press('Enter')
    await page.locator('#name').fill('')
    await page.keyboard.press('Enter')
    await says('A name has 1 to 64 characters.')
    await page.locator('#name').fill('My <b>phone</b>')
    await page.keyboard.press('Enter')
    await says('The name was changed.')
    await section('passkeys').getByText('My <b>phone</b>').waitFor()
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'account-passkey')
    await page.evaluate(`window.kept = []
PublicKeyCredential.signalAllAcceptedCredentials = async told => void window.kept.push(told)`)
    await button(/^Remove: My/).click()
    await picture(page, 'account-passkey-remove')
    await section('passkeys').getByRole('button', { name: 'Remove', exact: true }).click()
    await says('The passkey was removed.')
    await expect.poll(focused).toBe('Passkeys')
    await says('You have no passkey yet.')
    await expect
      .poll(() => page.evaluate('window.kept[0]'))
      .toMatchObject({
        rpId: 'localhost',
        allAcceptedCredentialIds: [],
      })
  })

  it('asks for a fresh proof, and goes on by itself with what was asked', async () => {
    await enter()
    await later()
    await button('Add a passkey').click()
    await page.getByRole('dialog', { name: 'Confirm that it is you' }).waitFor()
    // The sign-in in it has begun, too, and wears its colors.
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).first().waitFor()
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'account-proof')
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).first().click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await authenticator.credentials()).toEqual([])
    await button('Add a passkey').click()
    await button(/With a code/).click()
    await page.locator('input[name=code]').waitFor()
    await expect
      .poll(async () => {
        const { body } = await hosted.api('GET', `/v1/messages?to=${address}`)
        return body.data.filter((one: { code: string | null }) => one.code !== null).length
      })
      .toBe(2)
    await page.locator('input[name=code]').pressSequentially((await hosted.messageTo(address)).code)
    await says('The passkey was added.')
    // The session that the proof took the place of has ended.
    await expect.poll(() => section('sessions').locator('.row').count()).toBe(1)
    await page.reload()
    await says(`Signed in as ${address}`)
  })

  it('adds an address by its code, makes it the primary one, and removes the other', async () => {
    const other = `other.${address}`
    await enter()
    await button('Add an address').click()
    await expect.poll(focused).toBe('New e-mail address')
    await page.keyboard.type('nobody@')
    await page.keyboard.press('Enter')
    await says('This is not a complete e-mail address.')
    await page.locator('#address').fill(other)
    await page.keyboard.press('Enter')
    await expect.poll(focused).toContain('Code (6 digits)')
    await picture(page, 'account-address-code')
    const { code } = await hosted.messageTo(other)
    await page.keyboard.type(code === '111111' ? '222222' : '111111')
    await says('This code is not right. Attempts left: 4')
    expect(await faultsOf(page)).toEqual([])
    await page.keyboard.type(code)
    await says(/^\u2068other.*\u2069 was added\.$/)
    await button(`Make primary: ${other}`).click()
    await says(/^\u2068other.*\u2069 is the primary address now\.$/)
    await button(`Remove: ${address}`).click()
    await section('addresses').getByRole('button', { name: 'Remove', exact: true }).click()
    await says(/^\u2068grace.*\u2069 was removed\.$/)
    await button(`Remove: ${other}`).click()
    await section('addresses').getByRole('button', { name: 'Remove', exact: true }).click()
    await says('This is the last way into your account. Add another one first.')
    await picture(page, 'account-last-way')
  })

  it('tells of an address of somebody else only after its code', async () => {
    const other = `taken.${address}`
    await hosted.api('POST', '/v1/users', { email: other, emailVerified: true })
    await enter()
    await button('Add an address').click()
    await page.locator('#address').fill(other)
    await page.keyboard.press('Enter')
    await page.locator('#code').waitFor()
    await page.keyboard.type((await hosted.messageTo(other)).code)
    await says('This address cannot be added: it belongs to an account.')
  })

  it('ends another session, and all others', async () => {
    for (const end of ['one', 'all']) {
      address = `${end}.${address}`
      await person.close()
      await arrive()
      await enter()
      await person.close()
      await arrive({
        userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/605.1',
      })
      await enter()
      await section('sessions').getByText('Safari on iPhone').waitFor()
      await picture(page, 'account-sessions')
      if (end === 'one') {
        await section('sessions').getByRole('button', { name: 'Sign out: Chrome on Linux' }).first().click()
        await section('sessions').getByRole('button', { name: 'Sign out', exact: true }).click()
        await says('It was signed out.')
      } else {
        await button('Sign out everywhere else').click()
        await expect.poll(focused).toBe('Sign out everywhere else')
        await page.keyboard.press('Enter')
        await says('You are signed out everywhere else.')
      }
      await expect.poll(() => section('sessions').locator('.row').count()).toBe(1)
    }
  })

  it('signs out, and lets in again', async () => {
    await enter()
    await button('Sign out').click()
    await says('You are signed out')
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'account-signed-out')
    await page.reload()
    await page.locator('input[type=email]').waitFor()
  })

  it('signs in by a passkey without a press', async () => {
    await enter()
    await button('Add a passkey').click()
    await says('The passkey was added.')
    await button('Sign out').click()
    await button('Sign in').click()
    await says(`Signed in as ${address}`)
  })

  it.each([
    ['dark', { colorScheme: 'dark' }, {}],
    ['right to left, on a phone', { viewport: { width: 320, height: 640 } }, { locale: 'ar' }],
    ['forced colors', { forcedColors: 'active' }, {}],
  ] as const)('has no fault of access, %s', async (name, options, query) => {
    await person.close()
    await arrive(options)
    await enter(query)
    await section('passkeys').locator('.foot button').click()
    await section('passkeys').locator('.row').waitFor()
    expect(await faultsOf(page)).toEqual([])
    await picture(page, `account-${name}`)
    await section('passkeys').locator('.row .acts button').last().click()
    expect(await faultsOf(page)).toEqual([])
  })

  it('says what could not be loaded, and tries again', async () => {
    await enter()
    await page.route('**/me/sessions', route => route.fulfill({ status: 403, body: '{}' }))
    await page.reload()
    await section('sessions').getByText('This could not be loaded.').waitFor()
    await picture(page, 'account-part-failed')
    await page.unroute('**/me/sessions')
    await section('sessions').getByRole('button', { name: 'Try again' }).click()
    await section('sessions').getByText('This browser').waitFor()
    await page.route('**/client/v1/**', route => route.abort())
    await page.reload()
    await says('We cannot reach the server.')
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'account-unreachable')
    await page.unroute('**/client/v1/**')
    await button('Try again').click()
    await says(`Signed in as ${address}`)
    // What was aborted here is in the console, as is right.
    person.complaints.splice(0)
  })

  it('is in no frame, and says so where there is no script', async () => {
    const answer = await page.goto(pathOf())
    const headers = answer?.headers() ?? {}
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['content-security-policy']).not.toContain('unsafe')
    await page.locator('input[type=email]').waitFor()
    await person.close()
    await arrive({ javaScriptEnabled: false })
    await page.goto(pathOf())
    await says('This page needs JavaScript.')
    expect(await page.getByText('One moment…').isVisible()).toBe(false)
  })

  it('goes back to no page that is not on the list', async () => {
    await page.goto(pathOf({ returnUrl: 'https://evil.example/' }))
    await says('redirect_url_not_allowed')
    await page.goto(pathOf({ key: 'opk_test_nobody' }))
    await says('unauthorized')
  })
})

const SENSITIVE = /\/me\/(passkeys|authenticators\/remove|identifiers)/
