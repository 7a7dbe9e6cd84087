import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, openWindow, picture, useBrowser } from '../setup/browser.ts'
import { apiOf, type Call, type DevServer, startDev } from '../setup/process.ts'

describe.skipIf(!hasBrowser)('tabs of the sign-in page', () => {
  useBrowser()
  let server: DevServer
  let api: Call
  let count = 0
  beforeAll(async () => {
    server = await startDev()
    api = apiOf(server.url, server.facts.secretKey)
  })

  const newAddress = () => `tabs${++count}@example.com`
  const pageAddress = () =>
    `${server.url}/sign-in?${new URLSearchParams({ key: server.facts.publishableKey, redirectUrl: `${server.url}/back`, state: 's1' })}`

  async function mailTo(address: string): Promise<{ code: string; link: string }> {
    let found: { code: string; link: string } | undefined
    await expect
      .poll(async () => {
        const { body } = await api('GET', `/v1/messages?to=${encodeURIComponent(address)}`)
        found = body.data[0]
        return found
      })
      .toBeDefined()
    return found as { code: string; link: string }
  }

  async function tellAddress(page: Page, address: string) {
    await page.bringToFront()
    await page.locator('input[type=email]').fill(address)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /With a code/ }).waitFor()
  }

  async function askForCode(page: Page) {
    await page.bringToFront()
    await page.getByRole('button', { name: /With a code/ }).click()
    await page.locator('input[name=code]').waitFor()
  }

  async function arrived(page: Page, address: string) {
    await page.waitForURL(/\/back\?/)
    const token = new URL(page.url()).searchParams.get('token')
    const { body } = await api('POST', '/v1/actions/validate', { token, action: 'signIn' })
    expect(body).toMatchObject({ isValid: true, user: { email: address } })
  }

  it.each(['with', 'without'])('both go their own way to the end, %s JavaScript', async way => {
    const person = await openWindow(server.url, { javaScriptEnabled: way === 'with' })
    const tabs = [person.page, await person.context.newPage()]
    const addresses = [newAddress(), newAddress()]
    for (const tab of tabs) await tab.goto(pageAddress())
    for (const [at, tab] of tabs.entries()) await tellAddress(tab, addresses[at] as string)
    for (const tab of tabs) await askForCode(tab)
    for (const [at, tab] of tabs.entries()) {
      await tab.bringToFront()
      await tab.reload()
      await tab
        .getByText(addresses[at] as string)
        .first()
        .waitFor()
      await tab.locator('input[name=code]').fill((await mailTo(addresses[at] as string)).code)
      if (way === 'without') await tab.keyboard.press('Enter')
      await arrived(tab, addresses[at] as string)
    }
    expect(person.complaints).toEqual([])
    await person.close()
  })

  it('a second tab on the same sign-in sees what the first one has told, and the first one says who goes on', async () => {
    const person = await openWindow(server.url)
    const address = newAddress()
    await person.page.goto(pageAddress())
    await tellAddress(person.page, address)
    await askForCode(person.page)
    const second = await person.context.newPage()
    await second.goto(pageAddress())
    await second.locator('input[name=code]').fill((await mailTo(address)).code)
    await arrived(second, address)
    await person.page.bringToFront()
    await person.page.evaluate('document.dispatchEvent(new Event("visibilitychange"))')
    await person.page.getByText('It goes on in another tab').first().waitFor()
    expect(person.complaints).toEqual([])
    await person.close()
  })

  it('a tab whose action was pushed out by many newer ones says so, and begins again by one press', async () => {
    const person = await openWindow(server.url)
    const address = newAddress()
    await person.page.goto(pageAddress())
    await tellAddress(person.page, address)
    for (let more = 0; more < 6; more++) {
      const tab = await person.context.newPage()
      await tab.goto(`${pageAddress()}${more}`)
      await tab.locator('input[type=email]').waitFor()
      await tab.close()
    }
    await person.page.getByRole('button', { name: /With a code/ }).click()
    await person.page.getByRole('heading', { name: 'This took too long' }).waitFor()
    await person.page.getByRole('button', { name: 'Start again' }).click()
    const again = newAddress()
    await tellAddress(person.page, again)
    await askForCode(person.page)
    await person.page.locator('input[name=code]').fill((await mailTo(again)).code)
    await arrived(person.page, again)
    expect(person.complaints).toEqual([])
    await person.close()
  })

  it('a reload after the link was approved on another device finishes', async () => {
    const person = await openWindow(server.url)
    const address = newAddress()
    await person.page.goto(pageAddress())
    await tellAddress(person.page, address)
    await person.page.getByRole('button', { name: /With a link/ }).click()
    const { link } = await mailTo(address)
    const phone = await openWindow(server.url)
    await phone.page.goto(link)
    await phone.page.getByRole('button', { name: 'Yes, that is me' }).click()
    const number = (await person.page.locator('output').textContent())?.trim() ?? ''
    const left = person.page.url()
    // The first tab is away (a phone put it to sleep) while the number is typed.
    await person.page.goto('about:blank')
    await phone.page.getByLabel('Number').fill(number)
    await phone.page.keyboard.press('Enter')
    await phone.page.getByRole('heading', { name: 'Done' }).waitFor()
    await person.page.goto(left)
    await arrived(person.page, address)
    // Whoever goes back then begins anew.
    await person.page.goto(left)
    await person.page.locator('input[type=email]').waitFor()
    await Promise.all([person.close(), phone.close()])
  })

  it('who the backend has named is not asked for another address', async () => {
    await api('PATCH', '/v1/settings', { brand: { name: 'Seagull Insurance' } })
    const email = newAddress()
    const { body } = await api('POST', '/v1/actions', {
      name: 'signIn',
      redirectUrl: `${server.url}/back`,
      user: { email },
    })
    const person = await openWindow(server.url)
    // The page that opens it shows whose it is.
    const looking = await openWindow(server.url, { javaScriptEnabled: false })
    await looking.page.goto(body.url)
    await looking.page.getByText('Seagull Insurance').waitFor()
    await picture(looking.page, 'opening')
    await looking.close()
    await person.page.goto(body.url)
    await askForCode(person.page)
    await person.page.getByText('No e-mail there?').click()
    await person.page.getByText('Look in the spam').waitFor()
    await picture(person.page, 'named-code')
    expect(await person.page.getByText('Use another address').count()).toBe(0)
    expect(await person.page.getByText('Make sure that').count()).toBe(0)
    await person.page.locator('input[name=code]').fill((await mailTo(email)).code)
    await arrived(person.page, email)
    await api('PATCH', '/v1/settings', { brand: null })
    expect(person.complaints).toEqual([])
    await person.close()
  })
})
