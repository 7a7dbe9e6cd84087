import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { faultsOf } from '../setup/axe.ts'
import { hasBrowser, openWindow, type Person, picture, useBrowser } from '../setup/browser.ts'
import { hostedPage } from '../setup/hosted-page.ts'
import { type DevServer, startDev } from '../setup/process.ts'
import { addAuthenticator, type VirtualAuthenticator } from '../setup/virtual-authenticator.ts'

/** An action that takes a passkey from somebody who has none: proven by mail, enrolled on the way, and back at the app. */
describe.skipIf(!hasBrowser)('a passkey that an action takes', () => {
  useBrowser()
  let server: DevServer
  let hosted: ReturnType<typeof hostedPage>
  let person: Person
  let page: Page
  let authenticator: VirtualAuthenticator
  let count = 0
  let address: string

  beforeAll(async () => {
    server = await startDev()
    hosted = hostedPage(server)
    const rule = { name: 'Passkeys pay', actionName: 'payOut', condition: 'true', outcome: 'CHALLENGE' }
    const asked = { ...rule, methods: ['passkey'], enrolmentCounts: true }
    expect((await hosted.api('POST', '/v1/rules', asked)).status).toBe(201)
  })
  beforeEach(async () => {
    address = `eve${++count}@example.com`
    person = await openWindow(server.url)
    page = person.page
    authenticator = await addAuthenticator(page)
  })
  afterEach(async () => {
    expect(person.complaints).toEqual([])
    await person.close()
  })

  /** To the step: their address is proven, and they have no passkey. */
  const enrolling = async () => {
    const { body: user } = await hosted.api('POST', '/v1/users', { email: address, emailVerified: true })
    const { body } = await hosted.api('POST', '/v1/actions', {
      name: 'payOut',
      userId: user.id,
      intent: 'Pay out 250 € to DE12 3456',
      redirectUrl: `${server.url}/back`,
      state: 's1',
      locale: 'en',
    })
    await page.goto(body.url)
    await button(/With a code/).click()
    await page.locator('input[name=code]').waitFor()
    await page.locator('input[name=code]').pressSequentially((await hosted.messageTo(address)).code)
    await page.getByRole('heading', { name: 'A passkey is needed' }).waitFor()
    return { actionId: body.id, userId: user.id }
  }
  const button = (name: string | RegExp) => page.getByRole('button', { name })

  it('is made, and the action succeeds', async () => {
    const { userId } = await enrolling()
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'enroll')
    expect(await button('Not now').count()).toBe(0)
    await button('Create a passkey').click()
    await page.waitForURL(/\/back\?/)
    const { searchParams } = new URL(page.url())
    const { body } = await hosted.api('POST', '/v1/actions/validate', {
      token: searchParams.get('token'),
      action: 'payOut',
    })
    assert.equal(body.user.id, userId)
    expect(body.action.completedSteps).toEqual(['emailCode', 'passkey'])
    expect(await authenticator.credentials()).toHaveLength(1)
  })

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)('stands well in %s at %i', async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 740 })
    await enrolling()
    expect(await faultsOf(page)).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    await picture(page, `enroll-${colorScheme}-${width}`)
  })

  it('is asked for again where the browser made none, and cannot be skipped', async () => {
    await enrolling()
    await page.evaluate(
      "navigator.credentials.create = () => Promise.reject(new DOMException('refused', 'NotAllowedError'))",
    )
    await button('Create a passkey').click()
    await page.getByText('It takes one to go on').first().waitFor()
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'enroll-cancelled')
    expect(await button('Not now').count()).toBe(0)
    await button('Cancel').click()
    await page.waitForURL(/error=cancelled/)
  })

  it('is where it was after a reload', async () => {
    await enrolling()
    await page.reload()
    await button('Create a passkey').click()
    await page.waitForURL(/\/back\?token=/)
  })

  it('is not made in a browser that has none, which is said', async () => {
    await page.addInitScript("Object.defineProperty(window, 'PublicKeyCredential', { value: undefined })")
    await enrolling()
    await page.getByText('No passkey can be created here').first().waitFor()
    expect(await button('Create a passkey').count()).toBe(0)
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'enroll-impossible')
    await button('Cancel').click()
    await page.waitForURL(/error=cancelled/)
  })
})
