import { beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, openWindow, picture, useBrowser } from '../setup/browser.ts'
import { apiOf, type DevServer, startDev } from '../setup/process.ts'

const LARGE =
  "addEventListener('DOMContentLoaded', () => document.documentElement.style.setProperty('font-size', '200%'))"

describe.skipIf(!hasBrowser)('the sign-in page with text at 200 % (WCAG 2.2, 1.4.4)', () => {
  useBrowser()
  let server: DevServer
  beforeAll(async () => {
    server = await startDev()
  })

  it.each([
    ['en', 'element', 6],
    ['de', 'element', 10],
    ['ar', 'plain form', 6],
  ])('in %s, the %s and a code of %i digits fit on a phone', async (locale, way, codeLength) => {
    await apiOf(server.url, server.facts.secretKey)('PATCH', '/v1/settings', { challenge: { codeLength } })
    const person = await openWindow(server.url, { viewport: { width: 375, height: 700 } })
    const { page } = person
    await page.addInitScript(LARGE)
    if (way === 'plain form')
      await person.context.route('**/element/**', route => route.abort('blockedbyclient'))
    const query = { key: server.facts.publishableKey, redirectUrl: `${server.url}/back`, locale }
    await page.goto(`${server.url}/sign-in?${new URLSearchParams(query)}`)
    const fits = async (step: string) => {
      await picture(page, `large-text-${locale}-${step}`)
      const width: number = await page.evaluate('document.documentElement.scrollWidth')
      expect(width, step).toBeLessThanOrEqual(375)
    }
    await page.locator('input[type=email]').fill(`large-${locale}@example.com`)
    await fits('identify')
    await page.keyboard.press('Enter')
    const option = page
      .locator('button')
      .filter({ has: page.locator('small') })
      .first()
    await option.waitFor()
    await fits('method')
    // Words are broken at spaces, not letter by letter.
    expect((await option.boundingBox())?.height).toBeLessThan(500)
    await option.click()
    const field = page.locator('input[name=code]')
    await field.waitFor()
    // One short of the whole, which would be sent at once; the last one has the same room.
    const digits = '0'.repeat(way === 'plain form' ? codeLength : codeLength - 1)
    await field.pressSequentially(digits)
    await fits('code')
    const room: { text: number; field: number } = await page.evaluate(
      `(() => {
        const node = document.querySelector('input[name=code]')
        const { font, letterSpacing, paddingLeft, paddingRight } = getComputedStyle(node)
        const context = document.createElement('canvas').getContext('2d')
        context.font = font
        const each = context.measureText('0').width + parseFloat(letterSpacing)
        return { text: each * ${codeLength}, field: node.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) }
      })()`,
    )
    expect(room.text).toBeLessThanOrEqual(room.field)
    await person.close()
  })
})
