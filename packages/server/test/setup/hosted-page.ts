import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { apiOf, type DevServer } from './process.ts'

/** A person's way through the sign-in page of a server, by what stands on it. */
export function hostedPage(server: DevServer) {
  const api = apiOf(server.url, server.facts.secretKey)

  async function messageTo(address: string, at = 0): Promise<{ code: string; link: string; html: string }> {
    let found: { code: string; link: string; html: string } | undefined
    await expect
      .poll(async () => {
        const { body } = await api('GET', `/v1/messages?to=${encodeURIComponent(address)}`)
        found = body.data[at]
        return found
      })
      .toBeDefined()
    return found as NonNullable<typeof found>
  }

  async function tellAddress(page: Page, address: string): Promise<void> {
    await page.locator('input[type=email]').fill(address)
    await page.keyboard.press('Enter')
  }

  return {
    api,
    messageTo,
    tellAddress,

    addressOf: (more: Record<string, string> = {}) =>
      `${server.url}/sign-in?${new URLSearchParams({ key: server.facts.publishableKey, redirectUrl: `${server.url}/back`, state: 's1', ...more })}`,

    /** To the field for the code; the code is in the mail. */
    async askForCode(page: Page, address: string): Promise<string> {
      await tellAddress(page, address)
      await page.getByRole('button', { name: /With a code/ }).click()
      await page.locator('input[name=code]').waitFor()
      return (await messageTo(address)).code
    },

    async askForLink(page: Page, address: string): Promise<string> {
      await tellAddress(page, address)
      await page.getByRole('button', { name: /With a link/ }).click()
      await page.getByText('Waiting for the link').waitFor()
      return (await messageTo(address)).link
    },

    /** The app was reached with a result that is worth a session for this person. */
    async arrived(page: Page, address: string): Promise<void> {
      await page.waitForURL(/\/back\?/)
      const { searchParams } = new URL(page.url())
      expect(searchParams.get('state')).toBe('s1')
      const { body } = await api('POST', '/v1/actions/validate', {
        token: searchParams.get('token'),
        action: 'signIn',
      })
      expect(body).toMatchObject({ isValid: true, user: { email: address } })
    },
  }
}
