import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { hostedPage } from '../test/setup/hosted-page.ts'
import { endAll, startDev } from '../test/setup/process.ts'
import { addAuthenticator } from '../test/setup/virtual-authenticator.ts'

/**
 * `npm run screenshots [-- --only TEXT] [--out FOLDER]`: every step of the sign-in as it is on the hosted page, with its
 * faults, without JavaScript, in the popup, from right to left, the pages of links and the mails: light and dark, phone and
 * desktop, against a server of its own. Pictures for eyes, in coverage/screens (ignored by git); nothing is compared.
 */

interface Stage {
  url: string
  page: Page
  hosted: ReturnType<typeof hostedPage>
  address: string
  /** Another browser, dressed the same. */
  another(options?: BrowserContextOptions): Promise<Page>
}

interface Scene {
  options?: BrowserContextOptions
  /** Of the query of /sign-in, which is open when `reach` begins. */
  query?: Record<string, string>
  settings?: object
  /** Leads to what is to be seen; the page on which that is, where it is another one. */
  reach?(stage: Stage): Promise<Page | undefined>
}

const PLAIN = { javaScriptEnabled: false }
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const BRAND = {
  name: 'Seagull Insurance',
  supportUrl: 'https://example.com/help',
  colors: {
    light: { primary: '#4338ca' },
    dark: { primary: '#a5b4fc', background: '#111827', text: '#f3f4f6' },
  },
  radius: 20,
  font: 'serif',
}

const toMethod = async ({ page, hosted, address }: Stage) => {
  await hosted.tellAddress(page, address)
  await page
    .locator('button')
    .filter({ has: page.locator('small') })
    .first()
    .waitFor()
  return undefined
}
const toCode = async ({ page, hosted, address }: Stage) => {
  await hosted.askForCode(page, address)
  return undefined
}
const toLink = async ({ page, hosted, address }: Stage) => {
  await hosted.askForLink(page, address)
  return undefined
}
const wrongCode = async (stage: Stage) => {
  const code = await stage.hosted.askForCode(stage.page, stage.address)
  await stage.page.locator('input[name=code]').fill(code === '111111' ? '222222' : '111111')
  await stage.page.keyboard.press('Enter')
  await stage.page.locator('[aria-invalid=true]').waitFor()
  return undefined
}
/** The link, opened in another browser. */
const elsewhere = async (stage: Stage, options?: BrowserContextOptions) => {
  const link = await stage.hosted.askForLink(stage.page, stage.address)
  const other = await stage.another(options)
  await other.goto(link)
  return { link, other }
}
const pressed = async (stage: Stage) => {
  const { other } = await elsewhere(stage)
  await other.locator('button').first().click()
  await other.locator('input:not([type=hidden])').waitFor()
  return other
}
const typed = async (stage: Stage, isRight: boolean) => {
  const other = await pressed(stage)
  const number = (await stage.page.locator('output').textContent())?.trim() ?? ''
  await other.locator('input:not([type=hidden])').fill(isRight ? number : number === '10' ? '11' : '10')
  await other.keyboard.press('Enter')
  await other.locator('input:not([type=hidden])').waitFor({ state: 'detached' })
  return other
}
const refused = (name: string, status: number, body: object) => async (stage: Stage) => {
  await stage.page.route(`**/client/v1/actions/${name}`, route =>
    route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify(body) }),
  )
  await stage.hosted.tellAddress(stage.page, stage.address)
  await stage.page.locator('.trouble').waitFor()
  return undefined
}
const tracked = async ({ hosted, url }: Stage): Promise<string> => {
  const asked = { name: 'signIn', redirectUrl: `${url}/back`, state: 's1' }
  return (await hosted.api('POST', '/v1/actions', asked)).body.url
}
const STEP_UP = {
  action: {
    definitions: { reviewed: { outcome: 'REVIEW' }, byPasskey: { methods: ['passkey'] } },
  },
}
/** A tracked action of a person who is named, opened by its url. */
const stepUp =
  (name: string, reach?: (stage: Stage, action: { id: string }) => Promise<Page | undefined>, asked = {}) =>
  async (stage: Stage) => {
    const { hosted, address: email, page, url } = stage
    const { body: sent } = await hosted.api('POST', '/v1/challenges', { to: email })
    const { code } = await hosted.messageTo(email)
    const { body: proven } = await hosted.api('POST', `/v1/challenges/${sent.id}/verify`, { code })
    const whole = {
      name,
      userId: proven.user.id,
      intent: 'Pay out 5,000 € to DE12 3456 7890',
      redirectUrl: `${url}/back`,
    }
    const { body: action } = await hosted.api('POST', '/v1/actions', { locale: 'en', ...whole, ...asked })
    await page.goto(action.url)
    await page.locator('h1').first().waitFor()
    // Without JavaScript the page that opens it is there to be pressed.
    if ((await page.locator('ostiary-sign-in').count()) === 0) await page.locator('button').click()
    await page.locator('.intent, [part=intent]').first().waitFor()
    return await reach?.(stage, action)
  }
const stepUpCode = async (stage: Stage) => {
  const { page } = stage
  await page
    .locator('button')
    .filter({ has: page.locator('small') })
    .first()
    .click()
  await page.locator('input[name=code]').waitFor()
  return undefined
}
async function toMethodAlone({ page, hosted, address }: Stage) {
  await hosted.tellAddress(page, address)
  await page.locator('input[type=email]').waitFor({ state: 'detached' })
  return undefined
}
const failReview = async ({ hosted, page }: Stage, { id }: { id: string }) => {
  await hosted.api('PATCH', `/v1/actions/${id}`, { state: 'REVIEW_FAILED' })
  const again = page.locator('button[value=restart]')
  if ((await again.count()) > 0) await again.click()
  await page.getByText('This was stopped').first().waitFor()
  return undefined
}
const stepUpLink = async (stage: Stage) => {
  const { page } = stage
  await page
    .locator('button')
    .filter({ has: page.locator('small') })
    .nth(1)
    .click()
  const { link } = await stage.hosted.messageTo(stage.address)
  const other = await stage.another()
  await other.goto(link)
  return other
}
const stepUpMail = async (stage: Stage) => {
  await stepUpCode(stage)
  const { html } = await stage.hosted.messageTo(stage.address)
  const other = await stage.another()
  await other.setContent(html)
  return other
}
/** Nobody is named: somebody who is and has no passkey is for a review. */
const byPasskey = stepUp('byPasskey', toMethodAlone, { userId: undefined })
const NO_PASSKEYS = "Object.defineProperty(window, 'PublicKeyCredential', { value: undefined })"

const mail = (way: typeof toCode) => async (stage: Stage) => {
  await way(stage)
  const { html } = await stage.hosted.messageTo(stage.address)
  const other = await stage.another()
  await other.setContent(html)
  return other
}
const at = (path: string) => async (stage: Stage) => {
  await stage.page.goto(`${stage.url}${path}`)
  return undefined
}

/** By a code to the offer of a passkey. */
const toOffer = async (stage: Stage) => {
  const authenticator = await addAuthenticator(stage.page)
  await stage.page.reload()
  const code = await stage.hosted.askForCode(stage.page, stage.address)
  await stage.page.locator('input[name=code]').pressSequentially(code)
  await stage.page.locator('[data-step=offer]').waitFor()
  return authenticator
}
const refuseCeremonies = (page: Page) =>
  page.evaluate(
    `for (const name of ['get', 'create'])
navigator.credentials[name] = () => Promise.reject(new DOMException('no', 'NotAllowedError'))`,
  )
/** The account page of somebody with a passkey; `locale` of the page. */
const toAccount = async (stage: Stage, locale = 'en') => {
  const { page, hosted, address, url } = stage
  await addAuthenticator(page)
  const key = new URL(hosted.addressOf()).searchParams.get('key') ?? ''
  await page.goto(`${url}/account?${new URLSearchParams({ key, returnUrl: `${url}/back`, locale })}`)
  const code = await hosted.askForCode(page, address)
  await page.locator('input[name=code]').pressSequentially(code)
  await page.locator('[part=button]').filter({ visible: true }).first().waitFor()
  await page.locator('[data-step=offer] , [data-section]').first().waitFor()
  if (await page.locator('[data-step=offer]').count()) await page.locator('.main').first().click()
  await page.locator('[data-section=passkeys] .row').waitFor()
  await page.locator('[data-section=activity] .line').first().waitFor()
}
const account =
  (reach?: (page: Page, stage: Stage) => Promise<unknown>, locale?: string) => async (stage: Stage) => {
    await toAccount(stage, locale)
    await reach?.(stage.page, stage)
    return undefined
  }
const inSection = (page: Page, name: string) => page.locator(`[data-section=${name}]`)

const SCENES: Record<string, Scene> = {
  identify: {},
  'identify-wrong': {
    async reach({ page, hosted }) {
      await hosted.tellAddress(page, 'ada@example')
      return undefined
    },
  },
  method: { reach: toMethod },
  code: { reach: toCode },
  'code-help': {
    async reach(stage) {
      await toCode(stage)
      await stage.page.locator('summary').click()
      return undefined
    },
  },
  'code-wrong': { reach: wrongCode },
  'code-used-up': {
    async reach(stage) {
      const code = await stage.hosted.askForCode(stage.page, stage.address)
      for (let attempt = 0; attempt < 5; attempt++) {
        const field = stage.page.locator('input[name=code]')
        await field.fill(code.startsWith('1') ? `22222${attempt}` : `11111${attempt}`)
        await stage.page.waitForTimeout(400)
      }
      return undefined
    },
  },
  'code-ten': { settings: { challenge: { codeLength: 10 } }, reach: toCode },
  'code-resent': {
    settings: { challenge: { resendWaitSeconds: [1] } },
    async reach(stage) {
      await toCode(stage)
      await stage.page.locator('[part=resend]').click()
      await stage.page.locator('.notice').waitFor()
      return undefined
    },
  },
  link: { reach: toLink },
  approve: {
    async reach(stage) {
      await pressed(stage)
      await stage.page.locator('output').waitFor()
      return undefined
    },
  },
  done: {
    async reach(stage) {
      const code = await stage.hosted.askForCode(stage.page, stage.address)
      await stage.page.evaluate(
        "document.querySelector('ostiary-sign-in').addEventListener('success', event => event.preventDefault())",
      )
      await stage.page.locator('input[name=code]').pressSequentially(code)
      await stage.page.locator('.badge').waitFor()
      return undefined
    },
  },
  'done-elsewhere': {
    async reach(stage) {
      const link = await stage.hosted.askForLink(stage.page, stage.address)
      const tab = await stage.page.context().newPage()
      await tab.goto(link)
      await stage.page.bringToFront()
      await stage.page.locator('.badge').waitFor()
      return undefined
    },
  },
  slow: {
    async reach(stage) {
      const code = await stage.hosted.askForCode(stage.page, stage.address)
      await stage.page.route('**/verify', () => {})
      await stage.page.locator('input[name=code]').pressSequentially(code)
      await stage.page.locator('.notice').waitFor()
      return undefined
    },
  },
  offline: {
    async reach(stage) {
      await toCode(stage)
      await stage.page.context().setOffline(true)
      await stage.page.locator('.trouble').waitFor()
      return undefined
    },
  },
  rate: { reach: refused('identify', 429, { code: 'rate_limited', retryAfterSeconds: 42 }) },
  fault: { reach: refused('identify', 500, { code: 'internal_error', requestId: 'req_01k2' }) },
  unreachable: {
    async reach({ page }) {
      await page.route('**/client/v1/**', route => route.abort())
      await page.reload()
      await page.locator('.badge').waitFor()
      return undefined
    },
  },
  offer: {
    async reach(stage) {
      await toOffer(stage)
      return undefined
    },
  },
  'offer-cancelled': {
    async reach(stage) {
      await toOffer(stage)
      await refuseCeremonies(stage.page)
      await stage.page.locator('.main').click()
      await stage.page.locator('.notice').waitFor()
      return undefined
    },
  },
  'passkey-cancelled': {
    async reach({ page }) {
      await refuseCeremonies(page)
      await page.locator('[part=passkey]').click()
      await page.locator('.notice').waitFor()
      return undefined
    },
  },
  'passkey-unknown': {
    async reach({ page, hosted }) {
      const authenticator = await addAuthenticator(page)
      const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
        'sign',
        'verify',
      ])
      const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey)).toString('base64')
      await authenticator.isTouched(false)
      await page.goto(hosted.addressOf({ locale: 'en' }))
      await page.locator('[part=passkey]').waitFor()
      await authenticator.cdp.send('WebAuthn.addCredential', {
        authenticatorId: authenticator.id,
        credential: {
          credentialId: Buffer.from('removed').toString('base64'),
          isResidentCredential: true,
          rpId: 'localhost',
          privateKey: pkcs8,
          userHandle: Buffer.from('usr_removed').toString('base64'),
          signCount: 0,
        },
      })
      await authenticator.isTouched(true)
      await page.locator('[part=passkey]').click()
      await page.locator('.trouble').waitFor()
      return undefined
    },
  },
  account: { reach: account() },
  'account-remove': {
    reach: account(page => inSection(page, 'passkeys').locator('.row .acts button').last().click()),
  },
  'account-rename': {
    reach: account(page => inSection(page, 'passkeys').locator('.row .acts button').first().click()),
  },
  'account-code': {
    reach: account(async (page, { address }) => {
      await inSection(page, 'addresses').locator('.foot button').click()
      await page.locator('#address').fill(`other.${address}`)
      await page.keyboard.press('Enter')
      await page.locator('#code').waitFor()
    }),
  },
  'account-proof': {
    reach: account(async page => {
      const problem = { code: 'fresh_proof_required', title: 'A fresh proof is needed', status: 403 }
      await page.route('**/me/passkeys', route =>
        route.fulfill({
          status: 403,
          contentType: 'application/problem+json',
          body: JSON.stringify(problem),
        }),
      )
      await inSection(page, 'passkeys').locator('.foot button').click()
      await page.locator('dialog .option, ostiary-sign-in .option').first().waitFor()
    }),
  },
  'account-part-failed': {
    reach: account(async page => {
      await page.route('**/me/sessions', route => route.fulfill({ status: 403, body: '{}' }))
      await page.reload()
      await inSection(page, 'sessions').locator('.bad').waitFor()
    }),
  },
  'account-signed-out': {
    reach: account(async page => {
      await page.locator('.head .acts button').last().click()
      await page.locator('.mark').waitFor()
    }),
  },
  'account-arabic': { reach: account(undefined, 'ar') },
  'account-german': { reach: account(undefined, 'de') },
  'account-branded': { settings: { brand: BRAND }, reach: account() },
  'account-plain': {
    options: PLAIN,
    async reach({ page, hosted, url }) {
      const key = new URL(hosted.addressOf()).searchParams.get('key')
      await page.goto(`${url}/account?key=${key}&locale=en`)
      return undefined
    },
  },
  'arabic-identify': { query: { locale: 'ar' } },
  'arabic-method': { query: { locale: 'ar' }, reach: toMethod },
  'arabic-code': { query: { locale: 'ar' }, reach: wrongCode },
  'arabic-link-page': { query: { locale: 'ar' }, reach: async stage => (await elsewhere(stage)).other },
  'german-code': { query: { locale: 'de' }, reach: toCode },
  'japanese-code': { query: { locale: 'ja' }, reach: toCode },
  'branded-code': { settings: { brand: BRAND }, reach: toCode },
  'branded-link-page': { settings: { brand: BRAND }, reach: async stage => (await elsewhere(stage)).other },
  popup: {
    options: { viewport: { width: 440, height: 680 } },
    query: { display: 'popup', codeChallenge: CHALLENGE },
    reach: toCode,
  },
  'popup-lost': {
    options: { viewport: { width: 440, height: 680 } },
    async reach(stage) {
      // Opened by a page that does not take the result.
      await stage.page.route('http://localhost:1/**', route => route.fulfill({ body: '' }))
      await stage.page.goto('http://localhost:1/')
      const url = stage.hosted.addressOf({ display: 'popup', codeChallenge: CHALLENGE, locale: 'en' })
      const [popup] = await Promise.all([
        stage.page.context().waitForEvent('page'),
        stage.page.evaluate(`void open(${JSON.stringify(url)})`),
      ])
      await popup.locator('input[type=email]').waitFor()
      const code = await stage.hosted.askForCode(popup, stage.address)
      await popup.locator('input[name=code]').pressSequentially(code)
      await popup.waitForTimeout(3500)
      return popup
    },
  },
  'plain-identify': { options: PLAIN },
  'plain-method': { options: PLAIN, reach: toMethod },
  'plain-code': { options: PLAIN, reach: toCode },
  'plain-code-wrong': { options: PLAIN, reach: wrongCode },
  'plain-link': { options: PLAIN, reach: toLink },
  'plain-arabic': { options: PLAIN, query: { locale: 'ar' }, reach: wrongCode },
  'link-page': { reach: async stage => (await elsewhere(stage)).other },
  'link-page-number': { reach: pressed },
  'link-page-right': { reach: stage => typed(stage, true) },
  'link-page-wrong': { reach: stage => typed(stage, false) },
  'link-page-same-browser': {
    options: PLAIN,
    async reach({ page, hosted, address }) {
      await page.goto(await hosted.askForLink(page, address))
      return undefined
    },
  },
  'link-page-go-back': {
    settings: { challenge: { linkBrowser: 'same' } },
    reach: async stage => (await elsewhere(stage)).other,
  },
  'link-page-used': {
    async reach(stage) {
      const { link, other } = await elsewhere(stage)
      const tab = await stage.page.context().newPage()
      await tab.goto(link)
      await tab.waitForURL(/\/back\?/)
      await other.goto(link)
      return other
    },
  },
  'link-page-unknown': { reach: at('/l/olk_nobody') },
  opening: {
    options: PLAIN,
    async reach(stage) {
      await stage.page.goto(await tracked(stage))
      return undefined
    },
  },
  'opening-taken': {
    async reach(stage) {
      const url = await tracked(stage)
      await stage.page.goto(url)
      await stage.page.locator('input[type=email]').waitFor()
      const other = await stage.another()
      await other.goto(url)
      await other.locator('.reference').waitFor()
      return other
    },
  },
  'error-key': { reach: at('/sign-in?key=opk_test_nobody&redirectUrl=https://app.example/') },
  'error-redirect': {
    async reach({ page, hosted }) {
      await page.goto(hosted.addressOf({ redirectUrl: 'https://evil.example/' }))
      return undefined
    },
  },
  'step-up-method': { settings: STEP_UP, reach: stepUp('payOut') },
  'step-up-code': { settings: STEP_UP, reach: stepUp('payOut', stepUpCode) },
  'step-up-review': { settings: STEP_UP, reach: stepUp('reviewed') },
  'step-up-review-arabic': { settings: STEP_UP, reach: stepUp('reviewed', undefined, { locale: 'ar' }) },
  'step-up-blocked': { settings: STEP_UP, reach: stepUp('reviewed', failReview) },
  'step-up-passkey-only': { settings: STEP_UP, reach: byPasskey },
  'step-up-no-passkey': {
    settings: STEP_UP,
    async reach(stage) {
      await stage.page.addInitScript(NO_PASSKEYS)
      return await byPasskey(stage)
    },
  },
  'step-up-link-page': { settings: STEP_UP, reach: stepUp('payOut', stepUpLink) },
  'step-up-mail': { settings: STEP_UP, reach: stepUp('payOut', stepUpMail) },
  'plain-step-up-method': { settings: STEP_UP, options: PLAIN, reach: stepUp('payOut') },
  'plain-step-up-code': { settings: STEP_UP, options: PLAIN, reach: stepUp('payOut', stepUpCode) },
  'plain-step-up-review': { settings: STEP_UP, options: PLAIN, reach: stepUp('reviewed') },
  'plain-step-up-blocked': { settings: STEP_UP, options: PLAIN, reach: stepUp('reviewed', failReview) },
  'plain-step-up-no-passkey': { settings: STEP_UP, options: PLAIN, reach: byPasskey },
  'mail-code': { reach: mail(toCode) },
  'mail-link': { reach: mail(toLink) },
  'mail-arabic': { query: { locale: 'ar' }, reach: mail(toCode) },
}

const WITH_LARGE_TEXT = ['identify', 'method', 'code-help', 'code-ten', 'code-wrong', 'link', 'approve']

const SIZES = {
  phone: { width: 375, height: 720 },
  desktop: { width: 1024, height: 760 },
  // Text at 200 % (WCAG 2.2, 1.4.4).
  text: { width: 375, height: 720 },
}

const DOUBLE_TEXT =
  "addEventListener('DOMContentLoaded', () => { document.documentElement.style.fontSize = '200%' })"

const { values } = parseArgs({ options: { only: { type: 'string' }, out: { type: 'string' } } })
const out = resolve(values.out ?? fileURLToPath(new URL('../../../coverage/screens', import.meta.url)))
const names = Object.keys(SCENES).filter(name => name.includes(values.only ?? ''))
if (values.only === undefined) rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
})
const failed: string[] = []
try {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const [size, viewport] of Object.entries(SIZES))
      await takeAll(browser, `${colorScheme}-${size}`, { colorScheme, viewport })
} finally {
  await browser.close()
  await endAll()
}
for (const line of failed) console.error(line)
console.log(out)
process.exit(failed.length > 0 ? 1 : 0)

/** One look. A server of its own for each: one host may begin 120 sign-ins in ten minutes. */
async function takeAll(inBrowser: Browser, look: string, dress: BrowserContextOptions): Promise<void> {
  const server = await startDev()
  const hosted = hostedPage(server)
  const isLarge = look.endsWith('-text')
  for (const name of names.filter(one => !isLarge || WITH_LARGE_TEXT.includes(one))) {
    const scene = SCENES[name] ?? {}
    const contexts: { close(): Promise<void> }[] = []
    const another = async (options: BrowserContextOptions = {}) => {
      const context = await inBrowser.newContext({
        locale: 'en-GB',
        reducedMotion: 'reduce',
        ...dress,
        ...options,
      })
      context.setDefaultTimeout(8000)
      contexts.push(context)
      return await context.newPage()
    }
    try {
      for (const part of ['challenge', 'brand']) await hosted.api('PATCH', '/v1/settings', { [part]: null })
      await hosted.api('PATCH', '/v1/settings', scene.settings ?? {})
      const page = await another(scene.options)
      if (isLarge) await page.addInitScript(DOUBLE_TEXT)
      await page.goto(hosted.addressOf({ locale: 'en', ...scene.query }))
      await page.locator('input[type=email]').waitFor()
      const stage = {
        url: server.url,
        page,
        hosted,
        address: `ada.lovelace+${name}@example.com`,
        another: (options = scene.options ?? {}) => another(options),
      }
      const shown = (await scene.reach?.(stage)) ?? page
      await shown.waitForTimeout(350)
      const path = join(out, `${name}-${look}.png`)
      await shown.screenshot({ path, fullPage: true, animations: 'disabled' })
    } catch (error) {
      failed.push(`${name}, ${look}: ${error instanceof Error ? error.message : error}`)
    }
    for (const context of contexts) await context.close()
  }
}
