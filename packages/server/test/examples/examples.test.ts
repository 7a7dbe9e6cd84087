import { type ChildProcess, spawn } from 'node:child_process'
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

  async function run(file: string): Promise<string> {
    const port = await freePort()
    const path = fileURLToPath(new URL(`../../../../examples/${file}`, import.meta.url))
    const child = spawn(process.execPath, [path], {
      env: {
        PATH: process.env.PATH,
        PORT: String(port),
        OSTIARY_URL: server.url,
        OSTIARY_SECRET_KEY: server.facts.secretKey,
        OSTIARY_PUBLISHABLE_KEY: server.facts.publishableKey,
      },
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
