import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { faultsOf } from '../setup/axe.ts'
import { hasBrowser, openWindow, type Person, picture, useBrowser } from '../setup/browser.ts'
import { hostedPage } from '../setup/hosted-page.ts'
import { type DevServer, startDev } from '../setup/process.ts'
import { addAuthenticator } from '../setup/virtual-authenticator.ts'

/** Actions that a backend tracked, in a browser: two proofs, what is stopped, what waits, and what makes a device known. */
describe.skipIf(!hasBrowser)('an action that rules judge', () => {
  useBrowser()
  let server: DevServer
  let hosted: ReturnType<typeof hostedPage>
  const windows: Person[] = []
  let count = 0
  beforeAll(async () => {
    server = await startDev()
    hosted = hostedPage(server)
  })
  afterEach(async () => {
    for (const person of windows.splice(0)) {
      expect(person.complaints).toEqual([])
      await person.close()
    }
    const { body } = await hosted.api('GET', '/v1/rules?limit=100')
    for (const { id } of body.data) await hosted.api('DELETE', `/v1/rules/${id}`)
  })

  const addRule = async (rule: object) => {
    const made = await hosted.api('POST', '/v1/rules', { name: 'Rule', actionName: 'payOut', ...rule })
    expect(made.status, JSON.stringify(made.body)).toBe(201)
  }
  const open = async () => {
    const person = await openWindow(server.url)
    windows.push(person)
    return person
  }
  const somebody = () => `step${++count}@example.com`
  /** A person who signed in on this browser; with a passkey, where there is an authenticator. */
  const signIn = async ({ page }: Person, address: string, isOffered = false) => {
    await page.goto(hosted.addressOf({ locale: 'en', state: 's1' }))
    await page.locator('input[name=code]').or(page.locator('input[type=email]')).waitFor()
    const code = await hosted.askForCode(page, address)
    await page.locator('input[name=code]').pressSequentially(code)
    if (isOffered) await page.getByRole('button', { name: 'Create a passkey' }).click()
    await hosted.arrived(page, address)
    const { body } = await hosted.api('GET', `/v1/users?email=${address}`)
    return body.data[0].id as string
  }
  const track = async (asked: object = {}) => {
    const { status, body } = await hosted.api('POST', '/v1/actions', {
      name: 'payOut',
      intent: 'Pay out 5000 € to DE12 3456',
      redirectUrl: `${server.url}/back`,
      locale: 'en',
      ...asked,
    })
    expect(status, JSON.stringify(body)).toBe(201)
    return body
  }
  const result = async ({ page }: Person) => {
    await page.waitForURL(/\/back\?/)
    const token = new URL(page.url()).searchParams.get('token')
    return (await hosted.api('POST', '/v1/actions/validate', { token, action: 'payOut' })).body
  }
  const byCode = async ({ page }: Person, address: string) => {
    await page.getByRole('button', { name: /With a code/ }).click()
    await page.locator('input[name=code]').waitFor()
    await page.locator('input[name=code]').pressSequentially((await hosted.messageTo(address)).code)
  }

  it('takes a code and then a passkey, and says what for and that one more is needed', async () => {
    await addRule({ condition: 'true', outcome: 'CHALLENGE', methods: ['emailCode', 'passkey'], requires: 2 })
    const person = await open()
    const { page } = person
    await addAuthenticator(page)
    const address = somebody()
    const userId = await signIn(person, address, true)
    await page.goto((await track({ userId })).url)
    await page.getByRole('heading', { name: 'How do you want to confirm?' }).waitFor()
    await page.getByText('Pay out 5000 € to DE12 3456').waitFor()
    await byCode(person, address)
    await page.getByText('That worked. One more proof is needed.').first().waitFor()
    expect(await page.getByText('We send an e-mail').count()).toBe(0)
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'step-up-second')
    // A reload is no way round it.
    await page.reload()
    await page.getByText('That worked. One more proof is needed.').first().waitFor()
    await page.getByRole('button', { name: /Confirm with a passkey/ }).click()
    expect(await result(person)).toMatchObject({
      isValid: true,
      session: null,
      user: { id: userId },
      action: { state: 'CHALLENGE_SUCCEEDED', completedSteps: ['emailCode', 'passkey'] },
    })
  })

  it('says so where a passkey is asked for and the browser has none', async () => {
    await addRule({ condition: 'true', outcome: 'CHALLENGE', methods: ['passkey'] })
    const person = await open()
    const { page } = person
    await page.addInitScript("Object.defineProperty(window, 'PublicKeyCredential', { value: undefined })")
    await page.goto((await track()).url)
    await hosted.tellAddress(page, somebody())
    await page.getByText('This takes a passkey').first().waitFor()
    expect(await faultsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.waitForURL(/\/back\?error=cancelled/)
  })

  it('that is stopped after the proof says so, and leads back', async () => {
    await addRule({ condition: 'user.isNew', outcome: 'BLOCK' })
    const person = await open()
    const { page } = person
    const address = somebody()
    await page.goto((await track()).url)
    await hosted.tellAddress(page, address)
    await byCode(person, address)
    await page.getByRole('heading', { name: 'This was stopped' }).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'step-up-blocked')
    await page.getByRole('link', { name: 'Back' }).click()
    await page.waitForURL(/\/back\?error=blocked/)
  })

  it('waits for a review, and goes on to the proof by itself when it is passed', async () => {
    await addRule({ condition: 'true', outcome: 'REVIEW', methods: ['emailCode'] })
    const address = somebody()
    const person = await open()
    const { page } = person
    const userId = await signIn(person, address)
    const action = await track({ userId })
    await page.goto(action.url)
    await page.getByRole('heading', { name: 'This is being checked' }).waitFor()
    expect(await page.getByRole('link', { name: 'Back' }).getAttribute('href')).toContain(
      'error=review_pending',
    )
    expect(await faultsOf(page)).toEqual([])
    await picture(page, 'step-up-review')
    await hosted.api('PATCH', `/v1/actions/${action.id}`, { state: 'REVIEW_SUCCEEDED' })
    await byCode(person, address)
    expect(await result(person)).toMatchObject({ isValid: true, action: { outcome: 'REVIEW' } })
  })

  it('that a review refuses says so on the page that waits, also where there is nowhere to go', async () => {
    await addRule({ condition: 'true', outcome: 'REVIEW' })
    const { page } = await open()
    const action = await track({ redirectUrl: undefined })
    await page.goto(action.url)
    await page.getByRole('heading', { name: 'This is being checked' }).waitFor()
    expect(await page.getByRole('link', { name: 'Back' }).count()).toBe(0)
    await hosted.api('PATCH', `/v1/actions/${action.id}`, { state: 'REVIEW_FAILED' })
    await page.getByRole('heading', { name: 'This was stopped' }).waitFor()
  })

  it('is allowed on a device that is known, by its cookie and by no copy of its id', async () => {
    const rules = [
      { condition: 'device.known', outcome: 'CHALLENGE', methods: ['emailCode'], priority: 10 },
      { condition: 'true', outcome: 'BLOCK', priority: 20 },
    ]
    for (const rule of rules) await addRule({ ...rule, actionName: 'signIn' })
    const address = somebody()
    const stranger = await open()
    const first = async (person: Person) => {
      const { page } = person
      await page.goto(hosted.addressOf({ locale: 'en' }))
      const code = await hosted.askForCode(page, address)
      await page.locator('input[name=code]').pressSequentially(code)
    }
    await first(stranger)
    await stranger.page.getByRole('heading', { name: 'This was stopped' }).waitFor()
    expect((await stranger.context.cookies()).filter(one => one.name.includes('device'))).toEqual([])

    // Signed in while the rules let everybody in.
    const { body } = await hosted.api('GET', '/v1/rules?limit=100')
    const block = body.data.find((one: { outcome: string }) => one.outcome === 'BLOCK')
    await hosted.api('PATCH', `/v1/rules/${block.id}`, { isActive: false })
    await hosted.api('PATCH', '/v1/settings', { challenge: { resendWaitSeconds: [1] } })
    const own = await open()
    const userId = await signIn(own, address)
    await hosted.api('PATCH', `/v1/rules/${block.id}`, { isActive: true })
    await first(own)
    await hosted.arrived(own.page, address)

    const [device] = (await hosted.api('GET', `/v1/users/${userId}/devices`)).body.data
    const [{ environmentId }] = (await hosted.api('GET', '/v1/events?limit=1')).body.data
    const thief = await open()
    await thief.context.addCookies([
      {
        name: `__Host-ostiary-device-${environmentId}`,
        value: device.id,
        domain: 'localhost',
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Lax',
      },
    ])
    await first(thief)
    await thief.page.getByRole('heading', { name: 'This was stopped' }).waitFor()
    await hosted.api('PATCH', '/v1/settings', { challenge: null })
  })
})
