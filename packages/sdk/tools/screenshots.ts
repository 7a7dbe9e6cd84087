import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import { type Double, startDouble } from '../test/setup/double.ts'

/**
 * `node packages/sdk/tools/screenshots.ts [--only NAME]`: every step of the element, light and dark, phone and desktop,
 * as pictures in coverage/element (ignored by git). For eyes, not for a comparison.
 */

const ADDRESS = 'ada.lovelace@example.com'

const toCode = async (page: Page, double: Double) => {
  double.plan.methods = ['emailCode']
  await page.reload()
  await begin(page)
}
const begin = async (page: Page) => {
  await page.locator('input[type=email]').fill(ADDRESS)
  await page.keyboard.press('Enter')
}
const toLink = async (page: Page, double: Double) => {
  double.plan.methods = ['emailLink']
  await page.reload()
  await begin(page)
}

/** How each step is reached, from the first screen. */
const SCENES: Record<string, (page: Page, double: Double) => Promise<void>> = {
  identify: async () => {},
  'identify-wrong': async page => {
    await page.locator('input[type=email]').fill('ada@example')
    await page.keyboard.press('Enter')
  },
  method: begin,
  code: toCode,
  'code-help': async (page, double) => {
    double.plan.resendAfterMs = 0
    await toCode(page, double)
    await page.locator('summary').click()
  },
  'code-wrong': async (page, double) => {
    await toCode(page, double)
    await page.locator('input[name=code]').pressSequentially('111111')
    await page.locator('.ostiary-error').filter({ hasText: /./ }).waitFor()
  },
  'code-expired': async (page, double) => {
    double.plan.challengeLifeMs = 1000
    await toCode(page, double)
    await page.locator('.main').waitFor()
  },
  'code-resent': async (page, double) => {
    double.plan.resendAfterMs = 0
    await toCode(page, double)
    await page.locator('[part=resend]').click()
    await page.locator('.notice').waitFor()
  },
  'code-slow': async (page, double) => {
    await toCode(page, double)
    double.faults.verify = { delayMs: 15_000 }
    await page.locator('input[name=code]').pressSequentially('123456')
    await page.locator('.notice').waitFor()
  },
  'code-ten': async (page, double) => {
    double.plan.codeLength = 10
    await toCode(page, double)
    await page.locator('input[name=code]').pressSequentially('12345678')
  },
  link: toLink,
  approve: async (page, double) => {
    await toLink(page, double)
    await page.locator('.waiting').waitFor()
    const challenge = double.action?.challenge ?? null
    double.move({ step: 'approve', challenge: challenge && { ...challenge, number: '47' } })
    await page.locator('.number').waitFor()
  },
  done: async (page, double) => {
    await toCode(page, double)
    await page.locator('input[name=code]').pressSequentially('123456')
    await page.locator('.badge').waitFor()
  },
  ended: async (page, double) => {
    await toCode(page, double)
    await page.locator('input[name=code]').waitFor()
    double.move({ step: 'ended' })
    await page.evaluate('dispatchEvent(new Event("online"))')
    await page.locator('.badge').waitFor()
  },
  offline: async (page, double) => {
    await toCode(page, double)
    await page.locator('input[name=code]').waitFor()
    await page.context().setOffline(true)
    await page.locator('.trouble').waitFor()
  },
  rate: async (page, double) => {
    double.faults.identify = { refuse: { status: 429, code: 'rate_limited', retryAfterSeconds: 42 } }
    await begin(page)
    await page.locator('.trouble').waitFor()
  },
  trouble: async (page, double) => {
    double.faults.identify = { refuse: { status: 500, code: 'internal_error' } }
    await begin(page)
    await page.locator('.trouble').waitFor()
  },
  failed: async (page, double) => {
    double.faults.begin = { refuse: { status: 401, code: 'unauthorized' } }
    await page.reload()
    await page.locator('.badge').waitFor()
  },
  arabic: async (page, double) => {
    await again(page, double, 'ar', toCode)
  },
  'arabic-method': async (page, double) => again(page, double, 'ar', begin),
  japanese: async (page, double) => again(page, double, 'ja', toCode),
  german: async (page, double) => again(page, double, 'de', toCode),
  branded: async (page, double) => {
    double.plan.brand = {
      name: 'Seagull Insurance',
      logoUrl: null,
      supportUrl: null,
      colors: {
        light: { primary: '#4338ca' },
        dark: { primary: '#a5b4fc', background: '#111827', text: '#f3f4f6' },
      },
      radius: 20,
      font: 'serif',
    }
    await toCode(page, double)
  },
}

async function again(
  page: Page,
  double: Double,
  locale: string,
  way: (page: Page, double: Double) => Promise<void>,
) {
  double.plan.locale = locale
  await page.goto(page.url().replace(/locale=\w+/, `locale=${locale}`))
  await way(page, double)
}

const WITH_LARGE_TEXT = [
  'identify',
  'method',
  'code-help',
  'code-ten',
  'code-wrong',
  'link',
  'approve',
  'arabic',
  'german',
  'ended',
]

const SIZES = {
  phone: { width: 375, height: 720 },
  small: { width: 320, height: 640 },
  desktop: { width: 1024, height: 760 },
  // Text at 200 % (WCAG 2.2, 1.4.4); `small` is a window of 1280 at 400 % (1.4.10).
  text: { width: 375, height: 720 },
}

const { values } = parseArgs({ options: { only: { type: 'string' }, out: { type: 'string' } } })
const out = resolve(values.out ?? fileURLToPath(new URL('../../../coverage/element', import.meta.url)))
mkdirSync(out, { recursive: true })
const double = await startDouble()
const plan = structuredClone(double.plan)
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
})
for (const [name, reach] of Object.entries(SCENES)) {
  if (values.only && !name.match(values.only)) continue
  for (const colorScheme of ['light', 'dark'] as const)
    for (const [size, viewport] of Object.entries(SIZES)) {
      if (size === 'text' && !WITH_LARGE_TEXT.includes(name)) continue
      if (size === 'small' && !['code-help', 'arabic', 'german', 'code-ten', 'approve'].includes(name))
        continue
      double.plan = { ...structuredClone(plan), methods: ['emailCode', 'emailLink'] }
      double.faults = {}
      const context = await browser.newContext({ viewport, colorScheme, locale: 'en-GB' })
      const page = await context.newPage()
      if (size === 'text')
        await page.addInitScript(
          "addEventListener('DOMContentLoaded', () => { document.documentElement.style.fontSize = '200%' })",
        )
      await page.goto(`${double.url}/page?key=opk_test_x&locale=en&redirect-url=https://app.example/back`)
      await page.locator('input[type=email]').waitFor()
      await reach(page, double)
      await page.waitForTimeout(350)
      await page.screenshot({
        path: join(out, `${name}-${colorScheme}-${size}.png`),
        fullPage: true,
        animations: 'disabled',
      })
      await context.close()
    }
}
await browser.close()
await double.close()
console.log(out)
