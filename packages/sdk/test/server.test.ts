import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, openWindow, useBrowser } from '../../server/test/setup/browser.ts'
import { apiOf, type Call, type DevServer, endAll, startDev } from '../../server/test/setup/process.ts'
import { type Double, startDouble } from './setup/double.ts'

/** The element on a page of the app's own origin, against `ostiary dev`: the real calls, CORS and mails. */
describe.skipIf(!hasBrowser)('<ostiary-sign-in> with the real server', () => {
  useBrowser()
  let files: Double
  let server: DevServer
  let api: Call
  let count = 0
  beforeAll(async () => {
    files = await startDouble()
    server = await startDev()
    api = apiOf(server.url, server.facts.secretKey)
  })
  afterAll(async () => {
    await files.close()
    await endAll()
  })

  async function open(): Promise<{ page: Page; address: string; close: () => Promise<void> }> {
    const person = await openWindow(files.url)
    const { page, close } = person
    const address = `element${++count}@example.com`
    // The double serves the page and the built files; every call goes to the real server.
    await page.route(`${server.url}/element/**`, async route => {
      const answer = await fetch(route.request().url().replace(server.url, files.url))
      const headers = { 'Access-Control-Allow-Origin': '*', 'Content-Type': 'application/json' }
      await route.fulfill({ status: answer.status, headers, body: await answer.text() })
    })
    const query = new URLSearchParams({
      key: server.facts.publishableKey,
      server: server.url,
      locale: 'en',
      state: 's1',
    })
    await page.goto(`${files.url}/page?${query}`)
    await page.evaluate(() => {
      const host = globalThis as unknown as Window & { result: unknown }
      host.addEventListener('success', event => {
        host.result = (event as CustomEvent).detail
      })
    })
    await page.getByLabel('E-mail address').fill(address)
    await page.keyboard.press('Enter')
    return { page, address, close }
  }

  const newestMail = async (address: string) =>
    (await api('GET', `/v1/messages?to=${address}&wait=10`)).body.data[0]

  it('signs in by code: wrong, then right', async () => {
    const { page, address, close } = await open()
    await page.getByRole('button', { name: 'With a code' }).click()
    const field = page.getByLabel('Code (6 digits)')
    await field.waitFor()
    const { code, subject } = await newestMail(address)
    expect(subject).toContain(code)
    await field.fill(code === '000000' ? '111111' : '000000')
    await expect.poll(() => page.locator('.ostiary-error').textContent()).toContain('Attempts left: 4')
    await field.fill(code)
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect(await page.evaluate('result')).toEqual({ token: expect.stringMatching(/^oht_/), state: 's1' })
    expect(files.calls).toEqual([])
    await close()
  })

  it('changes the address on the way, and the first code is worth nothing then', async () => {
    const { page, address, close } = await open()
    await page.getByRole('button', { name: 'With a code' }).click()
    await page.getByLabel('Code (6 digits)').waitFor()
    const first = await newestMail(address)
    await page.getByRole('button', { name: 'Use another address' }).click()
    const other = `other-${address}`
    await page.getByLabel('E-mail address').fill(other)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'With a code' }).click()
    await page
      .getByText(other.split('@')[0] ?? '')
      .first()
      .waitFor()
    const second = await newestMail(other)
    if (first.code !== second.code) {
      await page.getByLabel('Code (6 digits)').fill(first.code)
      await expect.poll(() => page.locator('.ostiary-error').textContent()).toContain('Attempts left')
    }
    await page.getByLabel('Code (6 digits)').fill(second.code)
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await close()
  })

  it('goes on by itself when the link is pressed on another device and the number typed there', async () => {
    const { page, address, close } = await open()
    await page.getByRole('button', { name: 'With a link' }).click()
    const { link } = await newestMail(address)
    const phone = await openWindow(server.url)
    await phone.page.goto(link)
    await phone.page.locator('main button[type=submit]').first().click()
    const number = page.locator('ostiary-sign-in .number')
    await number.waitFor()
    await phone.page.locator('main input:not([type=hidden])').fill((await number.textContent())?.trim() ?? '')
    await phone.page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect(await page.evaluate('result')).toEqual({ token: expect.stringMatching(/^oht_/), state: 's1' })
    await phone.close()
    await close()
  })
})
