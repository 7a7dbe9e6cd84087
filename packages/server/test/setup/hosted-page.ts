import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { apiOf } from './process.ts'

interface Message {
  code: string
  link: string
  html: string
}

/** A person's way through the sign-in page of a server, by what stands on it. For tests, and for tools without vitest. */
export function hostedPage(server: { url: string; facts: { secretKey: string; publishableKey: string } }) {
  const api = apiOf(server.url, server.facts.secretKey)

  async function messageTo(address: string): Promise<Message> {
    for (const until = Date.now() + 10_000; Date.now() < until; await pause(50)) {
      const { body } = await api('GET', `/v1/messages?to=${encodeURIComponent(address)}`)
      if (body.data[0]) return body.data[0]
    }
    throw new Error(`no message to ${address}`)
  }

  async function tellAddress(page: Page, address: string): Promise<void> {
    await page.locator('input[type=email]').fill(address)
    await page.keyboard.press('Enter')
  }

  /** The button of a method, in whatever language: the element's, or the plain form's. */
  async function choose(page: Page, at: 0 | 1): Promise<void> {
    await page
      .locator('button')
      .filter({ has: page.locator('small') })
      .nth(at)
      .click()
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
      await choose(page, 0)
      await page.locator('input[name=code]').waitFor()
      return (await messageTo(address)).code
    },

    /** To the page that waits for the link. */
    async askForLink(page: Page, address: string): Promise<string> {
      await tellAddress(page, address)
      await choose(page, 1)
      const { link } = await messageTo(address)
      await page.locator('.waiting, .facts').first().waitFor()
      return link
    },

    /** The app was reached with a result that is worth a session for this person. */
    async arrived(page: Page, address: string): Promise<void> {
      await page.waitForURL(/\/back\?/)
      const { searchParams } = new URL(page.url())
      assert.equal(searchParams.get('state'), 's1')
      const { body } = await api('POST', '/v1/actions/validate', {
        token: searchParams.get('token'),
        action: 'signIn',
      })
      assert.equal(body.isValid, true)
      assert.equal(body.user.email, address)
    },
  }
}
