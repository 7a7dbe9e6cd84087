import type { BrowserContextOptions, Page, Response } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { faultsOf } from '../setup/axe.ts'
import { hasBrowser, openWindow, picture, useBrowser } from '../setup/browser.ts'
import { apiOf, type Call, type DevServer, startDev } from '../setup/process.ts'

describe.skipIf(!hasBrowser)('the sign-in page', () => {
  useBrowser()
  let server: DevServer
  let api: Call
  let count = 0
  beforeAll(async () => {
    server = await startDev()
    api = apiOf(server.url, server.facts.secretKey)
  })

  const addressOf = (more: Record<string, string> = {}) =>
    `${server.url}/sign-in?${new URLSearchParams({ key: server.facts.publishableKey, redirectUrl: `${server.url}/back`, state: 's1', ...more })}`

  async function open(options: BrowserContextOptions = {}, more: Record<string, string> = {}) {
    const person = await openWindow(server.url, options)
    await person.page.goto(addressOf(more))
    await person.page.locator('input[type=email]').waitFor()
    return { ...person, address: `hosted${++count}@example.com` }
  }

  const messageTo = async (address: string, at = 0) => {
    let found: { code: string; link: string } | undefined
    await expect
      .poll(async () => {
        const { body } = await api('GET', `/v1/messages?to=${encodeURIComponent(address)}`)
        found = body.data[at]
        return found
      })
      .toBeDefined()
    return found as { code: string; link: string }
  }

  async function tellAddress(page: Page, address: string) {
    await page.locator('input[type=email]').fill(address)
    await page.keyboard.press('Enter')
  }

  async function askForCode(page: Page, address: string) {
    await tellAddress(page, address)
    await page.getByRole('button', { name: /With a code/ }).click()
    await page.locator('input[name=code]').waitFor()
    return (await messageTo(address)).code
  }

  async function askForLink(page: Page, address: string) {
    await tellAddress(page, address)
    await page.getByRole('button', { name: /With a link/ }).click()
    await page.getByText('Waiting for the link').waitFor()
    return (await messageTo(address)).link
  }

  /** The app was reached with a result that is worth a session for this person. */
  async function arrived(page: Page, address: string) {
    await page.waitForURL(/\/back\?/)
    const { searchParams } = new URL(page.url())
    expect(searchParams.get('state')).toBe('s1')
    const { body } = await api('POST', '/v1/actions/validate', {
      token: searchParams.get('token'),
      action: 'signIn',
    })
    expect(body).toMatchObject({ isValid: true, user: { email: address } })
  }

  it('takes a wrong code and then the right one, pasted in a sentence', async () => {
    const { page, address, complaints, close } = await open()
    const code = await askForCode(page, address)
    await page.locator('input[name=code]').pressSequentially(code === '111111' ? '222222' : '111111')
    await page.getByText('This code is not right. Attempts left: 4').first().waitFor()
    await page.evaluate(`{
      const clipboardData = new DataTransfer()
      clipboardData.setData('text', 'Your code is ${code.slice(0, 3)} ${code.slice(3)}, valid for 10 minutes.')
      document.querySelector('input[name=code]').dispatchEvent(
        new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }`)
    await arrived(page, address)
    expect(complaints).toEqual([])
    await close()
  })

  it('transfers less than 60 KB, from its own origin, one language of texts, and keeps them', async () => {
    const person = await openWindow(server.url)
    const answers: Response[] = []
    person.page.on('response', response => void answers.push(response))
    await person.page.goto(addressOf({ locale: 'de' }))
    await person.page.getByRole('button', { name: 'Weiter' }).waitFor()
    const sizes = await Promise.all(
      answers.map(async response => {
        const { responseBodySize, responseHeadersSize } = await response.request().sizes()
        return responseBodySize + responseHeadersSize
      }),
    )
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    expect(bytes).toBeGreaterThan(15_000)
    expect(bytes).toBeLessThan(60_000)
    const files = answers.filter(response => response.url().includes('/element/'))
    expect(files.map(file => new URL(file.url()).pathname).sort()).toEqual([
      '/element/passkeys.js',
      '/element/v1.js',
      '/element/words/de.json',
    ])
    for (const file of files) expect(file.headers()['cache-control']).toContain('immutable')
    expect(person.complaints).toEqual([])
    await person.close()
  })

  it('goes on where it was after a reload, and begins anew after the end (back button)', async () => {
    const { page, address, complaints, close } = await open()
    const code = await askForCode(page, address)
    await page.reload()
    await page.locator('input[name=code]').pressSequentially(code)
    await arrived(page, address)
    await page.goBack()
    await page.locator('input[type=email]').waitFor()
    const second = `hosted${++count}@example.com`
    const again = await askForCode(page, second)
    await page.locator('input[name=code]').pressSequentially(again)
    await arrived(page, second)
    expect(complaints).toEqual([])
    await close()
  })

  it('sends again, and takes another address', async () => {
    await api('PATCH', '/v1/settings', { challenge: { resendWaitSeconds: [1] } })
    const { page, address, complaints, close } = await open()
    const first = await askForCode(page, address)
    await page.getByRole('button', { name: 'Send a new code' }).click()
    await page.getByText('A new e-mail is on its way').first().waitFor()
    await api('PATCH', '/v1/settings', { challenge: null })
    expect((await messageTo(address, 1)).code).toBe(first)
    await page.getByRole('button', { name: 'Use another address' }).click()
    const other = `hosted${++count}@example.com`
    const code = await askForCode(page, other)
    await page.locator('input[name=code]').pressSequentially(code)
    await arrived(page, other)
    expect(complaints).toEqual([])
    await close()
  })

  it('follows a link that is opened in the same browser', async () => {
    const { page, context, address, complaints, close } = await open()
    const link = await askForLink(page, address)
    const tab = await context.newPage()
    await tab.goto(link)
    await arrived(tab, address)
    // The first tab does not take the result a second time.
    await page.getByText('It goes on in another tab').first().waitFor()
    expect(complaints).toEqual([])
    await close()
  })

  it('asks for the number where the link is opened in another browser, and the first one goes on', async () => {
    const { page, address, complaints, close } = await open()
    const link = await askForLink(page, address)
    const phone = await openWindow(server.url, { viewport: { width: 375, height: 700 } })
    await phone.page.goto(link)
    await phone.page.getByRole('button', { name: 'Yes, that is me' }).click()
    const number = await page.locator('output').textContent()
    expect(number?.trim()).toMatch(/^\d\d$/)
    await phone.page.getByLabel('Number').fill(number?.trim() ?? '')
    await phone.page.keyboard.press('Enter')
    await phone.page.getByRole('heading', { name: 'Done' }).waitFor()
    await arrived(page, address)
    expect(new URL(phone.page.url()).search).toBe('')
    expect([...complaints, ...phone.complaints]).toEqual([])
    await Promise.all([close(), phone.close()])
  })

  it('cancelled, it goes back to the app and says so', async () => {
    const { page, complaints, close } = await open()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.waitForURL(/\/back\?error=cancelled&state=s1$/)
    expect(complaints).toEqual([])
    await close()
  })

  it('two tabs of one browser: the one that is used goes on', async () => {
    const { page, context, address, complaints, close } = await open()
    const second = await context.newPage()
    await second.goto(addressOf())
    await second.locator('input[type=email]').waitFor()
    const code = await askForCode(second, address)
    await second.locator('input[name=code]').pressSequentially(code)
    await arrived(second, address)
    // The first tab's action has ended; it gets a new one and works.
    await page.bringToFront()
    await page.reload()
    const other = `hosted${++count}@example.com`
    const again = await askForCode(page, other)
    await page.locator('input[name=code]').pressSequentially(again)
    await arrived(page, other)
    expect(complaints).toEqual([])
    await close()
  })

  it('works where the element cannot be loaded, and without JavaScript', async () => {
    for (const way of ['blocked', 'off']) {
      const person = await openWindow(server.url, { javaScriptEnabled: way === 'blocked' })
      await person.context.route('**/element/**', route => route.abort('blockedbyclient'))
      const { page } = person
      const address = `plain${++count}@example.com`
      await page.goto(addressOf())
      await page.getByLabel('E-mail address').fill(address)
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: /With a code/ }).click()
      await page.getByLabel(/^Code/).fill((await messageTo(address)).code)
      await page.keyboard.press('Enter')
      await arrived(page, address)
      expect(person.complaints.filter(line => !line.includes('ERR_BLOCKED_BY_CLIENT'))).toEqual([])
      await person.close()
    }
  })

  it('opens an action that a backend tracked, and by nobody else', async () => {
    const { body } = await api('POST', '/v1/actions', {
      name: 'signIn',
      redirectUrl: `${server.url}/back`,
      state: 's1',
    })
    const person = await openWindow(server.url)
    await person.page.goto(body.url)
    await person.page.locator('input[type=email]').waitFor()
    expect(new URL(person.page.url()).pathname).toBe('/sign-in')
    const other = await openWindow(server.url)
    await other.page.goto(body.url)
    await other.page.getByText('token_invalid').waitFor()
    const address = `tracked${++count}@example.com`
    const code = await askForCode(person.page, address)
    await person.page.locator('input[name=code]').pressSequentially(code)
    await arrived(person.page, address)
    expect([...person.complaints, ...other.complaints]).toEqual([])
    await Promise.all([person.close(), other.close()])
  })

  it('is not framed', async () => {
    const { page, close } = await open()
    const elsewhere = await startDev()
    await page.route(`${elsewhere.url}/trap`, route =>
      route.fulfill({
        contentType: 'text/html',
        body: `<iframe src="${addressOf().replaceAll('&', '&amp;')}"></iframe>`,
      }),
    )
    await page.goto(`${elsewhere.url}/trap`)
    await page.waitForTimeout(500)
    expect(await page.frameLocator('iframe').locator('input').count()).toBe(0)
    await close()
  })

  const LOOKS: [name: string, options: BrowserContextOptions, locale: string, isPlain: boolean][] = [
    ['light, phone', { colorScheme: 'light', viewport: { width: 375, height: 700 } }, 'en', false],
    ['dark, desktop', { colorScheme: 'dark', viewport: { width: 1280, height: 800 } }, 'en', false],
    ['right to left, small', { colorScheme: 'light', viewport: { width: 320, height: 600 } }, 'ar', false],
    ['plain, light, small', { colorScheme: 'light', viewport: { width: 320, height: 600 } }, 'de', true],
    ['plain, dark, right to left', { colorScheme: 'dark' }, 'ar', true],
  ]
  it.each(LOOKS)('%s: fits, and axe finds nothing', async (name, options, locale, isPlain) => {
    // The checker is put into the page, which its policy would keep out. The plain forms are what is there without the element.
    const person = await openWindow(server.url, { ...options, bypassCSP: true, reducedMotion: 'reduce' })
    const { page } = person
    if (isPlain) await person.context.route('**/element/**', route => route.abort('blockedbyclient'))
    const address = `hosted${++count}@example.com`
    await page.goto(addressOf({ locale }))
    await page.locator('input[type=email]').waitFor()
    const judge = async (step: string) => {
      await picture(page, `sign-in-${name.replaceAll(/\W+/g, '-')}-${step}`)
      expect(await faultsOf(page), step).toEqual([])
    }
    await judge('identify')
    await tellAddress(page, address)
    const method = page.locator('button').filter({ has: page.locator('small') })
    await method.first().waitFor()
    await judge('method')
    await method.first().click()
    await page.locator('input[name=code]').waitFor()
    await judge('code')
    const { code } = await messageTo(address)
    await page.locator('input[name=code]').fill(code === '111111' ? '222222' : '111111')
    if (isPlain) await page.keyboard.press('Enter')
    await page.locator('[aria-invalid=true]').waitFor()
    await judge('wrong')
    expect(person.complaints.filter(line => !isPlain || !line.includes('ERR_BLOCKED_BY_CLIENT'))).toEqual([])
    await person.close()
  })
})
