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
    await page.locator('ostiary-sign-in input').fill(address)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /With a code/ }).click()
    await codeField().waitFor()
  }

  async function askForLink(): Promise<void> {
    await page.goto(`${server.url}/`)
    await page.locator('ostiary-sign-in input').fill(address)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /With a link/ }).click()
    await page.getByText('Waiting for the link').waitFor()
  }

  const codeField = () => page.locator('input[name=code]')

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
    expect(await page.evaluate('document.activeElement.name')).toBe('code')
    const inbox = await openInbox()
    const code = await codeIn(inbox)
    expect(code).toMatch(/^\d{6}$/)
    // The letters in the mail and on the page are the same.
    const tag = await inbox.locator('#tag').textContent()
    expect(await page.locator('ostiary-sign-in').textContent()).toContain(tag)
    const mail = inbox.frameLocator('#frame')
    await expect.poll(() => mail.locator('body').textContent()).toContain(tag)

    // Typed as people paste it; the last digit sends the form.
    await codeField().pressSequentially(`${code.slice(0, 3)} ${code.slice(3)}`)
    await heading('You are signed in').waitFor()
    expect(await page.locator('main').textContent()).toContain('Welcome!')
    expect(await page.locator('main').textContent()).toContain(address)
    await page.reload()
    await heading('You are signed in').waitFor()

    await page.getByRole('button', { name: 'Sign out' }).click()
    await heading('Sign in to My app').waitFor()
    expect(await page.locator('main').textContent()).toContain('The session was revoked')
    await page.reload()
    await heading('Sign in to My app').waitFor()
    const cookies = await person.context.cookies()
    expect(
      cookies.filter(({ name, value }) => /^demo_(access|refresh|pending)/.test(name) && value !== ''),
    ).toEqual([])
  })

  it('is told that a code is wrong and how many tries are left, and then types the right one', async () => {
    await askForCode()
    const code = await codeIn(await openInbox())
    await codeField().pressSequentially(code === '111111' ? '222222' : '111111')
    await page.getByText('This code is not right. Attempts left: 4').first().waitFor()
    await codeField().pressSequentially(code)
    await heading('You are signed in').waitFor()
  })

  it('opens the link from the inbox, and the tab that waited follows', async () => {
    await askForLink()
    const inbox = await openInbox()
    const [linkPage] = await Promise.all([
      person.context.waitForEvent('page'),
      inbox.getByRole('link', { name: 'Open link' }).click(),
    ])
    await heading('You are signed in', linkPage).waitFor()
    expect(linkPage.url()).toBe(`${server.url}/`)
    await heading('You are signed in').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    await linkPage.goto((await inbox.locator('#link').textContent()) ?? '')
    await heading('This link was used already', linkPage).waitFor()
  })

  it('opens the link inside the mail itself', async () => {
    await askForLink()
    const inbox = await openInbox()
    const [linkPage] = await Promise.all([
      person.context.waitForEvent('page'),
      inbox.frameLocator('#frame').locator('a[href*="/l/olk_"]').first().click(),
    ])
    await heading('You are signed in', linkPage).waitFor()
    await heading('You are signed in').waitFor()
  })

  it('asks for another message, gets it, and the code of the first still works', async () => {
    const api = apiOf(server.url, server.facts.secretKey)
    await api('PATCH', '/v1/settings', { challenge: { resendWaitSeconds: [1] } })
    await askForCode()
    await api('PATCH', '/v1/settings', { challenge: null })
    const inbox = await openInbox()
    const code = await codeIn(inbox)
    await page.getByRole('button', { name: 'Send a new code' }).click()
    await page.getByText('A new e-mail is on its way').first().waitFor()
    await expect.poll(() => codeIn(inbox)).not.toBe(code)
    const { body } = await api('GET', `/v1/messages?to=${address}`)
    expect(body.data.map((message: { code: string }) => message.code)).toEqual([await codeIn(inbox), code])
    await codeField().pressSequentially(code)
    await heading('You are signed in').waitFor()
  })

  it('gives up, and begins again', async () => {
    await askForCode()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await heading('Sign in to My app').waitFor()
    expect(page.url()).toBe(`${server.url}/`)
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
