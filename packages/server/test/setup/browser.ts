import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'

const PLACES = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
const executablePath = PLACES.find(place => place !== undefined && existsSync(place))

if (executablePath === undefined) {
  const sentence = 'chromium is missing: apt-get install -y chromium'
  if (process.env.CI === 'true') throw new Error(sentence)
  console.error(`\n\n*** ${sentence}: no page is tested in a browser ***\n\n`)
}

/** Whether there is a browser to test with; without one, the suites that need it are skipped. */
export const hasBrowser = executablePath !== undefined

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

let browser: Browser | undefined

/** One Chromium for the test file, with a user data folder of its own. */
export function useBrowser(): void {
  beforeAll(async () => {
    if (executablePath) browser = await chromium.launch({ executablePath, args: ARGS })
  })
  afterAll(async () => {
    await browser?.close()
    browser = undefined
  })
}

/** A person at a browser of their own: cookies, tabs, and all that went wrong in them. */
export interface Person {
  context: BrowserContext
  page: Page
  /** Errors on the console, exceptions, violations of a policy, requests to other origins, answers from 500 on. */
  complaints: string[]
  close(): Promise<void>
}

/**
 * Opens a browser window. A refused form is an answer like any other: `complaints` has no line for the status of a
 * page that was asked for, from 400 to 499.
 */
export async function openWindow(origin: string, options: BrowserContextOptions = {}): Promise<Person> {
  if (!browser) throw new Error('call useBrowser() first')
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options })
  context.setDefaultTimeout(10_000)
  const complaints: string[] = []
  await context.addInitScript(() => {
    const host = globalThis as unknown as EventTarget
    host.addEventListener('securitypolicyviolation', event => {
      const { violatedDirective, blockedURI } = event as Event &
        Record<'violatedDirective' | 'blockedURI', string>
      console.error(`policy violated: ${violatedDirective} ${blockedURI}`)
    })
  })
  context.on('console', message => {
    const isStatus = /the server responded with a status of 4\d\d/.test(message.text())
    if (['error', 'warning'].includes(message.type()) && !isStatus)
      complaints.push(`${message.page()?.url()}: ${message.type()}: ${message.text()}`)
  })
  context.on('weberror', error => complaints.push(`exception: ${error.error().message}`))
  context.on('request', request => {
    const { protocol, origin: asked } = new URL(request.url())
    if (asked !== origin && !['data:', 'blob:', 'about:'].includes(protocol))
      complaints.push(`request to another origin: ${request.url()}`)
  })
  context.on('response', response => {
    if (response.status() >= 500) complaints.push(`${response.status()} from ${response.url()}`)
  })
  context.on('requestfailed', request => {
    // A page that is left ends what it was waiting for.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED')
      complaints.push(`${request.failure()?.errorText} at ${request.url()}`)
  })
  return { context, page: await context.newPage(), complaints, close: () => context.close() }
}

/** Keeps a picture of the page in the folder that `SCREENSHOTS` names (`coverage/pages` is ignored by git), if it is set. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  const before = page.viewportSize() ?? { width: 1280, height: 800 }
  // A taller window, not a full-page picture: that one leaves out what a frame below the fold has not painted yet.
  const height: number = await page.evaluate('document.documentElement.scrollHeight')
  await page.setViewportSize({ width: before.width, height: Math.max(before.height, height) })
  await page.waitForTimeout(300)
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' })
  await page.setViewportSize(before)
}
