import type { Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasBrowser, openWindow, type Person, useBrowser } from '../setup/browser.ts'
import { apiOf, type DevServer, startDev } from '../setup/process.ts'

let server: DevServer
let person: Person
let page: Page
let count = 0
let address: string

describe.skipIf(!hasBrowser)('a newcomer at the demo', () => {
  useBrowser()
  beforeAll(async () => {
    server = await startDev()
  })
  beforeEach(async () => {
    person = await openWindow(server.url)
    page = person.page
    address = `person${++count}@example.com`
  })
  afterEach(async () => {
    expect(person.complaints).toEqual([])
    await person.close()
  })

  const heading = (name: string, on = page) => on.getByRole('heading', { name, level: 1 })

  async function askForCode(): Promise<void> {
    await page.goto(`${server.url}/`)
    await page.getByLabel('E-mail address').fill(address)
    await page.keyboard.press('Enter')
    await page.getByLabel('Code', { exact: false }).first().waitFor()
  }

  /** Opens the inbox in a second tab by the way that the page offers, and waits until it shows this message. */
  async function openInbox(): Promise<Page> {
    const [inbox] = await Promise.all([
      person.context.waitForEvent('page'),
      page.getByRole('link', { name: 'dev inbox', exact: true }).click(),
    ])
    await expect.poll(() => inbox.locator('#to').textContent()).toBe(address)
    return inbox
  }

  const codeIn = async (inbox: Page) =>
    (await inbox.locator('#digits').textContent())?.replace(/\s/g, '') ?? ''

  it('types the address, reads the code in the inbox, types it, is signed in, and signs out', async () => {
    await askForCode()
    expect(await page.evaluate('document.activeElement.id')).toBe('code')
    const inbox = await openInbox()
    const code = await codeIn(inbox)
    expect(code).toMatch(/^\d{6}$/)
    // The letters in the mail and on the page are the same.
    const tag = await inbox.locator('#tag').textContent()
    expect(await page.locator('main').textContent()).toContain(tag)
    const mail = inbox.frameLocator('#frame')
    await expect.poll(() => mail.locator('body').textContent()).toContain(tag)

    // Typed as people paste it; the last digit sends the form.
    await page.locator('#code').pressSequentially(`${code.slice(0, 3)} ${code.slice(3)}`)
    await heading('You are signed in').waitFor()
    expect(await page.locator('main').textContent()).toContain('Welcome!')
    expect(await page.locator('main').textContent()).toContain(address)
    await page.reload()
    await heading('You are signed in').waitFor()

    await page.getByRole('button', { name: 'Sign out' }).click()
    await heading('Sign in').waitFor()
    expect(await page.locator('main').textContent()).toContain('The session was revoked')
    await page.reload()
    await heading('Sign in').waitFor()
    const cookies = await person.context.cookies()
    expect(cookies.filter(({ name, value }) => name.startsWith('demo_') && value !== '')).toEqual([])
  })

  it('is told that a code is wrong and how many tries are left, and then types the right one', async () => {
    await askForCode()
    const code = await codeIn(await openInbox())
    await page.locator('#code').pressSequentially(code === '111111' ? '222222' : '111111')
    const alert = page.getByRole('alert')
    await alert.waitFor()
    expect(await alert.textContent()).toContain('4 attempts are left')
    await page.locator('#code').pressSequentially(code)
    await heading('You are signed in').waitFor()
  })

  it('presses the link from the inbox, and the tab that waited follows', async () => {
    await askForCode()
    const inbox = await openInbox()
    const [linkPage] = await Promise.all([
      person.context.waitForEvent('page'),
      inbox.getByRole('link', { name: 'Open link' }).click(),
    ])
    await heading('Sign in to My app', linkPage).waitFor()
    await linkPage.getByRole('button', { name: 'Sign in' }).click()
    await heading('You are signed in', linkPage).waitFor()
    expect(linkPage.url()).toBe(`${server.url}/`)
    await heading('You are signed in').waitFor()
    await linkPage.goBack().catch(() => null)
    await linkPage.goto((await inbox.locator('#link').textContent()) ?? '')
    await heading('This link was used already', linkPage).waitFor()
  })

  it('presses the link inside the mail itself', async () => {
    await askForCode()
    const inbox = await openInbox()
    const [linkPage] = await Promise.all([
      person.context.waitForEvent('page'),
      inbox.frameLocator('#frame').locator('a[href*="/l/olk_"]').first().click(),
    ])
    await linkPage.getByRole('button', { name: 'Sign in' }).click()
    await heading('You are signed in', linkPage).waitFor()
  })

  it('asks for another message, gets it, and the code of the first still works', async () => {
    const api = apiOf(server.url, server.facts.secretKey)
    await api('PATCH', '/v1/settings', { challenge: { resendWaitSeconds: [1] } })
    await askForCode()
    await api('PATCH', '/v1/settings', { challenge: null })
    const inbox = await openInbox()
    const code = await codeIn(inbox)
    await page.getByRole('button', { name: 'Send again', exact: true }).click()
    await page.getByText('A new message is on its way. The codes before it still work.').waitFor()
    await expect.poll(() => codeIn(inbox)).not.toBe(code)
    const { body } = await api('GET', `/v1/messages?to=${address}`)
    expect(body.data.map((message: { code: string }) => message.code)).toEqual([await codeIn(inbox), code])
    await page.locator('#code').pressSequentially(code)
    await heading('You are signed in').waitFor()
  })

  it('cannot ask for another message too early, whatever the page believes', async () => {
    await askForCode()
    const inbox = await openInbox()
    const code = await codeIn(inbox)
    const again = page.getByRole('button', { name: /Send again/ })
    expect(await again.isDisabled()).toBe(true)
    expect(await again.textContent()).toMatch(/Send again in 0:\d\d/)
    // Nobody waits half a minute for a test: the page believes that the wait is over, the server knows better.
    await page.evaluate(
      "document.querySelector('[data-enabled-at]').dataset.enabledAt = '1970-01-01T00:00:00Z'",
    )
    await expect.poll(() => again.isEnabled()).toBe(true)
    await again.click()
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').textContent()).toMatch(/Try again in \d+ seconds/)
    await page.locator('#code').pressSequentially(code)
    await heading('You are signed in').waitFor()
  })

  it('goes back to another address', async () => {
    await askForCode()
    await page.getByRole('button', { name: 'Other address' }).click()
    await heading('Sign in').waitFor()
    await page.getByLabel('E-mail address').fill('not an address')
    await page.keyboard.press('Enter')
    // The browser itself holds the form back.
    await heading('Sign in').waitFor()
  })
})

describe.skipIf(!hasBrowser)('without JavaScript', () => {
  useBrowser()
  it('the way to the session is the same', async () => {
    const { url } = await startDev()
    const one = await openWindow(url, { javaScriptEnabled: false })
    await one.page.goto(`${url}/`)
    await one.page.getByLabel('E-mail address').fill('plain@example.com')
    await one.page.keyboard.press('Enter')
    await one.page.locator('#code').waitFor()
    const answer = await one.context.request.get(`${url}/dev/inbox/messages`)
    const [{ code }] = (await answer.json()).data
    await one.page.locator('#code').fill(code)
    await one.page.keyboard.press('Enter')
    await one.page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await one.page.getByRole('button', { name: 'Sign out' }).click()
    await one.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(one.complaints).toEqual([])
    await one.close()
  })
})
