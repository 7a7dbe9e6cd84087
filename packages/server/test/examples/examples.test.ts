import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { build } from '../../../sdk/tools/build.ts'
import { hasBrowser, openWindow, type Person, useBrowser } from '../setup/browser.ts'
import { apiOf, type DevServer, freePort, startDev } from '../setup/process.ts'
import { addAuthenticator } from '../setup/virtual-authenticator.ts'

/** Each example runs as its README says, and a person signs in with it. */
describe.skipIf(!hasBrowser)('the example', () => {
  useBrowser()
  let server: DevServer
  const children: ChildProcess[] = []
  beforeAll(async () => {
    server = await startDev()
  })
  afterAll(() => {
    for (const child of children) child.kill()
  })

  const pathOf = (file: string) => fileURLToPath(new URL(`../../../../examples/${file}`, import.meta.url))
  const environment = () => ({
    PATH: process.env.PATH,
    OSTIARY_URL: server.url,
    OSTIARY_SECRET_KEY: server.facts.secretKey,
    OSTIARY_PUBLISHABLE_KEY: server.facts.publishableKey,
  })

  async function run(file: string): Promise<string> {
    const port = await freePort()
    const child = spawn(process.execPath, [pathOf(file)], {
      env: { ...environment(), PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding('utf8').once('data', text => resolve(text.trim()))
      child.once('close', () => reject(new Error(`${file} ended`)))
    })
    expect(url).toBe(`http://localhost:${port}`)
    return url
  }

  /** Two origins speak with each other here: that is no complaint. */
  const complaintsOf = ({ complaints }: Person) =>
    complaints.filter(line => !line.startsWith(`request to another origin: ${server.url}`))

  async function prove(page: Page, address: string): Promise<void> {
    await page.locator('input[type=email]').fill(address)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /With a code/ }).click()
    await page.locator('input[name=code]').waitFor()
    const { body } = await apiOf(server.url, server.facts.secretKey)('GET', `/v1/messages?to=${address}`)
    await page.locator('input[name=code]').pressSequentially(body.data[0].code)
  }

  it('hosted-redirect signs in and out, and takes nobody whom another browser began for', async () => {
    const url = await run('hosted-redirect/server.js')
    const person = await openWindow(url)
    const { page } = person
    await page.goto(url)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await prove(page, 'redirect@example.com')
    await page.getByText('Signed in as redirect@example.com').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('Not signed in: cancelled').waitFor()
    await page.goto(`${url}/callback?token=oht_stolen&state=other`)
    await page.getByText('Another browser began this sign-in').waitFor()
    expect(complaintsOf(person)).toEqual([])
    await person.close()
  })

  it('plain-html signs in on its own page', async () => {
    const url = await run('plain-html/server.js')
    const person = await openWindow(url)
    await person.page.goto(url)
    await prove(person.page, 'element@example.com')
    await person.page.getByText('Signed in as element@example.com').waitFor()
    expect(new URL(person.page.url()).origin).toBe(url)
    expect(complaintsOf(person)).toEqual([])
    await person.close()
  })

  it('spa-pkce signs in without a backend, and the token is not left in the address', async () => {
    const url = await run('spa-pkce/serve.js')
    const person = await openWindow(url)
    const { page } = person
    await page.goto(url)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await prove(page, 'spa@example.com')
    await page.getByText('Signed in as spa@example.com').waitFor()
    expect(page.url()).toBe(`${url}/`)
    expect(complaintsOf(person)).toEqual([])
    await person.close()
  })

  it('passkey-first signs in by e-mail, makes a passkey, shows the account, and then needs no e-mail', async () => {
    const url = await run('passkey-first/serve.js')
    const person = await openWindow(url)
    const { page } = person
    await addAuthenticator(page)
    await page.goto(url)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await prove(page, 'passkey@example.com')
    await page.getByRole('button', { name: 'Create a passkey' }).click()
    await page.getByText('Signed in as passkey@example.com').first().waitFor()
    await page.getByText('Synced between your devices').waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Signed in as passkey@example.com').first().waitFor()
    await page.getByRole('heading', { name: 'Where you are signed in' }).waitFor()
    expect(complaintsOf(person)).toEqual([])
    await person.close()
  })

  it('step-up pays out what was approved, and nothing that was cancelled, blocked or changed', {
    timeout: 90_000,
  }, async () => {
    for (let time = 0; time < 2; time++)
      execFileSync(process.execPath, [pathOf('step-up/rules.js')], { env: environment() })
    const api = apiOf(server.url, server.facts.secretKey)
    expect((await api('GET', '/v1/rules')).body.data).toHaveLength(4)
    const url = await run('step-up/server.js')
    const person = await openWindow(url)
    const { page, context } = person
    const address = 'step-up@example.com'
    await addAuthenticator(page)
    await page.goto(url)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await prove(page, address)
    await page.getByRole('button', { name: 'Create a passkey' }).click()
    await page.getByText(`Signed in as ${address}`).waitFor()
    const ask = async (amount: number, at = page) => {
      await at.goto(url)
      await at.locator('input[name=amount]').fill(String(amount))
      await at.locator('input[name=iban]').fill('DE12 3456')
      await at.getByRole('button', { name: 'Pay out' }).click()
    }
    const paid = (amount: number) => page.getByText(`Paid: ${amount} € to DE123456`)
    const codeTo = async () => {
      await page.getByText(/^Pay out \d+ € to DE123456$/).waitFor()
      await page.getByRole('button', { name: /With a code/ }).click()
      await page.locator('input[name=code]').waitFor()
      const { body } = await api('GET', `/v1/messages?to=${address}`)
      expect(body.data[0].text).toContain('What for: Pay out')
      return body.data[0].code as string
    }

    await ask(50)
    await paid(50).waitFor()

    await ask(250)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('Not paid: cancelled').waitFor()

    await ask(251)
    const code = await codeTo()
    await page.locator('input[name=code]').pressSequentially(code)
    await paid(251).waitFor()

    await ask(20_000)
    await page.getByText('We do not pay that out').waitFor()

    // Approved in one tab, changed in another meanwhile.
    await ask(252)
    const second = await codeTo()
    const other = await context.newPage()
    await ask(9000, other)
    await other.getByText('Pay out 9000 € to DE123456').waitFor()
    await page.locator('input[name=code]').pressSequentially(second)
    await page.getByText('Not paid: something else was approved').waitFor()

    await ask(5000)
    const third = await codeTo()
    await page.locator('input[name=code]').pressSequentially(third)
    await page.getByText('One more proof is needed').first().waitFor()
    await page.getByRole('button', { name: /Confirm with a passkey/ }).click()
    await paid(5000).waitFor()

    await page.goto(url)
    expect(await page.getByText(/^Paid: /).allTextContents()).toEqual([
      'Paid: 50 € to DE123456',
      'Paid: 251 € to DE123456',
      'Paid: 5000 € to DE123456',
    ])
    expect(complaintsOf(person)).toEqual([])
    await person.close()
  })

  it('popup signs in, and says so when the window is closed', async () => {
    await build(fileURLToPath(new URL('../../../sdk/dist', import.meta.url)))
    const url = await run('popup/serve.js')
    const person = await openWindow(url)
    const { page, context } = person
    await page.goto(url)
    const press = async () => {
      const [popup] = await Promise.all([
        context.waitForEvent('page'),
        page.getByRole('button', { name: 'Sign in' }).click(),
      ])
      await popup.locator('input[type=email]').waitFor()
      return popup
    }
    await (await press()).close()
    await page.getByText('Not signed in: cancelled').waitFor()
    await prove(await press(), 'popup@example.com')
    await page.getByText('Signed in as popup@example.com').waitFor()
    expect(complaintsOf(person)).toEqual([])
    await person.close()
  })
})
