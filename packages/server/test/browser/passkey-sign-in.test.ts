import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { faultsOf } from '../setup/axe.ts'
import { hasBrowser, openWindow, type Person, picture, useBrowser } from '../setup/browser.ts'
import { hostedPage } from '../setup/hosted-page.ts'
import { type DevServer, startDev } from '../setup/process.ts'
import { addAuthenticator, type VirtualAuthenticator } from '../setup/virtual-authenticator.ts'

/** Passkeys on the hosted page: by the address field, by the button, by the offer; and all the ways in which there is none. */
describe.skipIf(!hasBrowser)('a passkey on the sign-in page', () => {
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
  })
  afterAll(() => hosted.api('PATCH', '/v1/settings', { passkey: null }))
  beforeEach(async () => {
    address = `ada${++count}@example.com`
    person = await openWindow(server.url)
    page = person.page
    authenticator = await addAuthenticator(page)
  })
  afterEach(async () => {
    expect(person.complaints).toEqual([])
    await person.close()
  })

  const open = async (query: Record<string, string> = {}) => {
    await page.goto(hosted.addressOf({ locale: 'en', ...query }))
    await page.locator('input[type=email]').waitFor()
  }
  const byCode = async () =>
    await page.locator('input[name=code]').pressSequentially(await hosted.askForCode(page, address))
  const button = (name: string | RegExp) => page.getByRole('button', { name })
  const offered = () => button('Create a passkey').waitFor()

  /** A passkey by the offer; then nobody touches the authenticator any more. */
  async function enrol(): Promise<void> {
    await open()
    await byCode()
    await button('Create a passkey').click()
    await hosted.arrived(page, address)
    await authenticator.isTouched(false)
  }

  const passkeysOf = async () => {
    const { body } = await hosted.api('GET', `/v1/users?email=${address}`)
    const { id } = body.data[0]
    const { data } = (await hosted.api('GET', `/v1/users/${id}/authenticators`)).body
    return { id, authenticators: data }
  }

  it('is offered after a code, and made', async () => {
    await open()
    expect(await page.locator('input[type=email]').getAttribute('autocomplete')).toBe('username webauthn')
    await byCode()
    await offered()
    await expect
      .poll(() => page.evaluate('document.activeElement.shadowRoot?.activeElement?.tagName'))
      .toBe('H1')
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'offer')
    await button('Create a passkey').click()
    await hosted.arrived(page, address)
    expect(await authenticator.credentials()).toHaveLength(1)
    expect((await passkeysOf()).authenticators).toMatchObject([{ type: 'passkey', isBackedUp: true }])
  })

  it('is skipped, and not offered again that soon', async () => {
    await open()
    await byCode()
    await button('Not now').click()
    await hosted.arrived(page, address)
    await open()
    await byCode()
    await hosted.arrived(page, address)
    expect(await authenticator.credentials()).toEqual([])
  })

  it('is not offered where the device makes none', async () => {
    await authenticator.cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: authenticator.id })
    await open()
    await byCode()
    await hosted.arrived(page, address)
  })

  it('signs in by the address field, without a press', async () => {
    await enrol()
    await authenticator.isTouched(true)
    await open()
    await hosted.arrived(page, address)
  })

  it('signs in by the button', async () => {
    await enrol()
    await authenticator.isTouched(true)
    // The field waits for a choice; the button ends that.
    await page.addInitScript(NO_AUTOFILL)
    await open()
    await button('Sign in with a passkey').click()
    await hosted.arrived(page, address)
  })

  it('signs in from the choice of ways, and from beside the code', async () => {
    await enrol()
    await open()
    await hosted.tellAddress(page, address)
    await button(/With a code/).waitFor()
    await authenticator.isTouched(true)
    await button(/Sign in with a passkey/).click()
    await hosted.arrived(page, address)
    await authenticator.isTouched(false)
    await open()
    await hosted.askForCode(page, address)
    await button('Sign in another way').click()
    await authenticator.isTouched(true)
    await button(/Sign in with a passkey/).click()
    await hosted.arrived(page, address)
  })

  it('gives way to an address that is typed', async () => {
    await enrol()
    await page.addInitScript(WATCHED)
    await open()
    await expect.poll(() => page.evaluate('window.ceremonies')).toEqual(['get conditional'])
    const code = await hosted.askForCode(page, address)
    expect(await page.evaluate('window.ceremonies')).toEqual(['get conditional', 'aborted'])
    expect(await page.locator('.trouble').count()).toBe(0)
    await page.locator('input[name=code]').pressSequentially(code)
    await hosted.arrived(page, address)
  })

  it('gives way to an address while the browser waits at its window', async () => {
    await enrol()
    await page.addInitScript(WATCHED)
    await open()
    await button('Sign in with a passkey').click()
    await button('Waiting for your passkey…').waitFor()
    expect(await page.evaluate('window.ceremonies')).toEqual(['get conditional', 'aborted', 'get modal'])
    const code = await hosted.askForCode(page, address)
    expect(await page.evaluate('window.ceremonies')).toContain('aborted')
    await page.locator('input[name=code]').pressSequentially(code)
    await hosted.arrived(page, address)
  })

  it('tells a person who gave up what else there is, and no error', async () => {
    await enrol()
    await page.addInitScript(refusing('get', 'NotAllowedError'))
    await open()
    await button('Sign in with a passkey').click()
    await page.getByText('No passkey was used. Try again, or sign in by e-mail.').first().waitFor()
    expect(await page.locator('.trouble').count()).toBe(0)
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'passkey-cancelled')
    await byCode()
    await hosted.arrived(page, address)
  })

  it('has no button any more where the page cannot use them', async () => {
    await page.addInitScript(NO_AUTOFILL)
    await page.addInitScript(refusing('get', 'SecurityError'))
    await open()
    await button('Sign in with a passkey').click()
    await page.getByText('Passkeys do not work on this page.').first().waitFor()
    expect(await button('Sign in with a passkey').count()).toBe(0)
    await byCode()
    await hosted.arrived(page, address)
  })

  it('says that it was removed, and has the password manager forget it', async () => {
    await enrol()
    const { id, authenticators } = await passkeysOf()
    await hosted.api('DELETE', `/v1/users/${id}/authenticators/${authenticators[0].id}`)
    await page.addInitScript(`${NO_AUTOFILL}
window.forgotten = []
PublicKeyCredential.signalUnknownCredential = async told => void window.forgotten.push(told)`)
    const [credential] = await authenticator.credentials()
    await open()
    await authenticator.isTouched(true)
    await button('Sign in with a passkey').click()
    await page.getByText('This passkey was not accepted.').first().waitFor()
    // One that counts may have been refused for its counter: nobody is told to forget it.
    expect(await page.evaluate('window.forgotten')).toEqual([])
    await page.evaluate(NOT_COUNTING)
    await button('Sign in with a passkey').click()
    await expect.poll(() => page.evaluate('window.forgotten.length')).toBe(1)
    expect(await page.evaluate('window.forgotten')).toEqual([
      { rpId: 'localhost', credentialId: base64url(credential?.credentialId ?? '') },
    ])
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'passkey-unknown')
    await byCode()
    await hosted.arrived(page, address)
  })

  it('is refused without the finger where the settings want one', async () => {
    await enrol()
    await hosted.api('PATCH', '/v1/settings', { passkey: { userVerification: 'required' } })
    await authenticator.isVerified(false)
    await authenticator.isTouched(true)
    await page.addInitScript(NO_AUTOFILL)
    await open()
    await button('Sign in with a passkey').click()
    await page.getByText('No passkey was used.').first().waitFor()
    await hosted.api('PATCH', '/v1/settings', { passkey: null })
    await byCode()
    await hosted.arrived(page, address)
  })

  it('is not made twice on one device, and not needed to go on', async () => {
    await open()
    await byCode()
    await offered()
    await page.evaluate(refusing('create', 'InvalidStateError'))
    await button('Create a passkey').click()
    await page.getByText('This device already has a passkey for your account.').first().waitFor()
    await page.evaluate(refusing('create', 'NotAllowedError'))
    await button('Create a passkey').click()
    await page.getByText('No passkey was created. Try again, or go on without one.').first().waitFor()
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'offer-cancelled')
    await button('Not now').click()
    await hosted.arrived(page, address)
  })

  it('is no matter to a browser that has none', async () => {
    await page.addInitScript("Object.defineProperty(window, 'PublicKeyCredential', { value: undefined })")
    await open()
    expect(await button('Sign in with a passkey').count()).toBe(0)
    await byCode()
    await hosted.arrived(page, address)
  })

  it('loads what it needs for it only then, and goes on where that cannot be loaded', async () => {
    await person.context.route('**/element/passkeys.js*', route => route.fulfill({ status: 404, body: '' }))
    await open()
    await button('Sign in with a passkey').click()
    await page.getByText('We cannot reach the server.').first().waitFor()
    await byCode()
    await hosted.arrived(page, address)
    // A script of the wrong type is told to the console, as is right.
    person.complaints.splice(0)
  })
})

const base64url = (base64: string) => base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')

// Scripts for the page, which has a world of its own.

const NO_AUTOFILL = 'PublicKeyCredential.isConditionalMediationAvailable = async () => false'

/** The authenticator's counter stays at 0, as it does where passkeys are synced. */
const NOT_COUNTING = `{
const get = navigator.credentials.get.bind(navigator.credentials)
navigator.credentials.get = async options => {
  const { id, rawId, type, response } = await get(options)
  const { clientDataJSON, signature, userHandle } = response
  const authenticatorData = new Uint8Array(response.authenticatorData.slice(0)).fill(0, 33, 37).buffer
  const changed = { authenticatorData, clientDataJSON, signature, userHandle }
  return { id, rawId, type, response: changed, getClientExtensionResults: () => ({}) }
} }`

/** Keeps count of what the page asks the browser for, and what of it was ended. */
const WATCHED = `{
window.ceremonies = []
const get = navigator.credentials.get.bind(navigator.credentials)
navigator.credentials.get = options => {
  window.ceremonies.push('get ' + (options.mediation ?? 'modal'))
  options.signal.addEventListener('abort', () => window.ceremonies.push('aborted'))
  return get(options)
} }`

/** The browser's window is closed, or does not come; the field goes on as it does. */
const refusing = (name: 'get' | 'create', error: string) => `{
const before = navigator.credentials.${name}.bind(navigator.credentials)
navigator.credentials.${name} = options => options.mediation === 'conditional'
  ? before(options)
  : Promise.reject(new DOMException('refused', '${error}')) }`
