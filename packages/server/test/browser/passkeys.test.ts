import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CDPSession, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasBrowser, openWindow, type Person, useBrowser } from '../setup/browser.ts'
import { apiOf, type DevServer, startDev } from '../setup/process.ts'

/** A real browser with an authenticator of Chromium's own (WebAuthn Level 3, section 11), through a page of an app. */

const PAGE = `<!doctype html><title>An app</title><h1>An app</h1><script type="module">
const credentials = navigator.credentials
window.make = async options => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  return (await credentials.create({ publicKey })).toJSON()
}
window.use = async options => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  return (await credentials.get({ publicKey })).toJSON()
}
window.call = async (path, token, body = {}) => {
  const headers = { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' }
  const answer = await fetch(window.api + path, { method: 'POST', headers, body: JSON.stringify(body) })
  return await answer.json()
}
</script>`

let server: DevServer
let site: Server
let origin: string
let person: Person
let page: Page
let cdp: CDPSession

describe.skipIf(!hasBrowser)('a browser with a passkey', () => {
  useBrowser()
  beforeAll(async () => {
    server = await startDev()
    site = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(PAGE)
    })
    await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
    origin = `http://localhost:${(site.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    await new Promise(resolve => site.close(resolve))
  })
  beforeEach(async () => {
    person = await openWindow(origin)
    page = person.page
    cdp = await person.context.newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    await page.goto(`${origin}/`)
    await page.evaluate(`window.api = ${JSON.stringify(server.url)}`)
  })
  afterEach(async () => {
    // The app's page calls Ostiary, which is another origin.
    expect(person.complaints.filter(one => !one.includes(`another origin: ${server.url}/client/`))).toEqual(
      [],
    )
    await person.close()
  })

  const addAuthenticator = async (more: object = {}) =>
    (
      await cdp.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2',
          ctap2Version: 'ctap2_1',
          transport: 'internal',
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
          automaticPresenceSimulation: true,
          ...more,
        },
      })
    ).authenticatorId

  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
  type Body = any
  const inPage = (name: string, ...values: unknown[]): Promise<Body> =>
    page.evaluate(`window.${name}(${values.map(value => JSON.stringify(value)).join(', ')})`)
  const call = (path: string, token: string, body: object = {}) =>
    inPage('call', `/client/v1/actions${path}`, token, body)

  /** Signs in by a code on the app's page, takes the offer, and gives the result. */
  async function enrol(to: string): Promise<Body> {
    const { token } = await call('', server.facts.publishableKey)
    await call('/identify', token, { to })
    await call('/send', token, { method: 'emailCode' })
    const { code } = await messageTo(to)
    expect(await call('/verify', token, { code, canOffer: true })).toMatchObject({
      step: 'offer',
      result: null,
    })
    const { publicKey } = await call('/enroll', token)
    return await call('/enroll/finish', token, { credential: await inPage('make', publicKey) })
  }

  async function signIn(): Promise<Body> {
    const { token } = await call('', server.facts.publishableKey)
    const { publicKey } = await call('/passkey', token)
    return await call('/verify', token, { credential: await inPage('use', publicKey) })
  }

  const api = () => apiOf(server.url, server.facts.secretKey)
  const messageTo = async (to: string) => (await api()('GET', `/v1/messages?to=${to}&wait=5`)).body.data[0]
  const validate = async (token: string) =>
    (await api()('POST', '/v1/actions/validate', { token, action: 'signIn' })).body

  it('is offered one after a code, takes it, and signs in by it without an address', async () => {
    const authenticatorId = await addAuthenticator({
      defaultBackupEligibility: true,
      defaultBackupState: true,
    })
    const enrolled = await enrol('ada@example.com')
    expect(enrolled).toMatchObject({
      step: 'done',
      authenticator: { type: 'passkey', rpId: 'localhost', isBackupEligible: true, isBackedUp: true },
    })
    const first = await validate(enrolled.result.token)
    const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId })
    expect(credentials).toMatchObject([{ rpId: 'localhost', isResidentCredential: true }])
    expect(Buffer.from(credentials[0]?.userHandle ?? '', 'base64').toString()).toBe(first.user.id)

    const proven = await signIn()
    expect(proven).toMatchObject({ step: 'done', state: 'CHALLENGE_SUCCEEDED' })
    expect(await validate(proven.result.token)).toMatchObject({
      user: { id: first.user.id },
      session: { methods: ['passkey'], amr: ['swk', 'user', 'mfa'] },
    })
  })

  it('has one that stays in its device', async () => {
    await addAuthenticator({ transport: 'usb' })
    const { result } = await enrol('grace@example.com')
    await validate(result.token)
    const proven = await signIn()
    expect(await validate(proven.result.token)).toMatchObject({ session: { amr: ['hwk', 'user', 'mfa'] } })
  })

  it('is let in by no passkey that was taken away', async () => {
    await addAuthenticator()
    const { result, authenticator } = await enrol('joan@example.com')
    const { user } = await validate(result.token)
    const path = `/v1/users/${user.id}/authenticators/${authenticator.id}`
    expect((await api()('DELETE', path)).status).toBe(204)
    expect(await signIn()).toMatchObject({ code: 'token_invalid', detail: 'The passkey was not accepted.' })
  })
})
