import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { APP_BACK, appOf } from './browser.ts'
import { plainBrowser } from './plain-browser.ts'
import { addRule, dropRules } from './rule-set.ts'
import { fresh, later } from './world.ts'

/** An action on the page without JavaScript: what stands there when rules ask, stop or wait. */

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
})
afterEach(() => dropRules(server))
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const somebody = async () => {
  const to = fresh()
  const { user } = (await server.signIn(to)).body
  await later(server, 61_000)
  return { to, id: user.id as string }
}

/** Opens a tracked action in a browser of its own. */
async function open(asked: object = {}) {
  const { body } = await server.post('/v1/actions', {
    name: 'payOut',
    appId: app.id,
    redirectUrl: APP_BACK,
    intent: 'Pay <250> €',
    ...asked,
  })
  const browser = plainBrowser(server)
  const path = `/sign-in?action=${body.id}`
  const page = await browser.send(new URL(body.url).pathname, {})
  const send = (act: string, fields: Record<string, string> = {}) =>
    browser.send(path, { act, actionId: body.id, ...fields })
  return { id: body.id as string, page, browser, send, look: () => browser.get(path) }
}
const review = (id: string, state = 'REVIEW_SUCCEEDED') =>
  server.call('PATCH', `/v1/actions/${id}`, { state })

test('says what is confirmed at each step, escaped, and speaks of confirming', async () => {
  const { to, id } = await somebody()
  const { page, send } = await open({ userId: id })
  expect(page.text).toContain('How do you want to confirm?')
  expect(page.text).toContain('<bdi>Pay &lt;250&gt; €</bdi>')
  const code = await send('send', { method: 'emailCode' })
  expect(code.text).toContain('<bdi>Pay &lt;250&gt; €</bdi>')
  expect(code.text).toContain('value="verify">Confirm</button>')
  expect(code.text).not.toMatch(/sign(ed)? in/i)
  const done = await send('verify', { code: (await server.message({ to })).code })
  expect(done.location).toMatch(/token=oht_/)
})

test('offers the ways that the rules leave, and says so where a passkey is the only one', async () => {
  await addRule(server, {
    condition: 'action.attributes.amount > 10.0',
    outcome: 'CHALLENGE',
    methods: ['emailLink'],
  })
  await addRule(server, { condition: 'true', outcome: 'CHALLENGE', methods: ['passkey'] })
  const link = await open({ attributes: { amount: 20 } })
  expect((await link.send('identify', { to: fresh() })).text).toContain(
    'Open it, and this page goes on by itself',
  )
  const passkey = await open({ attributes: { amount: 1 } })
  const { text } = await passkey.send('identify', { to: fresh() })
  expect(text).toContain('This takes a passkey')
  expect(text).not.toContain('name="method"')
})

test('asks for the second proof after the first', async () => {
  await addRule(server, { condition: 'true', outcome: 'CHALLENGE', requires: 2 })
  const to = fresh()
  const { send, look } = await open()
  await send('identify', { to })
  await send('send', { method: 'emailCode' })
  const { text } = await send('verify', { code: (await server.message({ to })).code })
  // Without JavaScript there is no passkey to go on with.
  expect(text).toContain('This takes a passkey')
  expect((await look()).text).toContain('This takes a passkey')
})

describe('what the rules stop', () => {
  test('is said, and the app hears of it by a press', async () => {
    await addRule(server, { condition: 'user.isNew', outcome: 'BLOCK' })
    const to = fresh()
    const { send } = await open()
    await send('identify', { to })
    await send('send', { method: 'emailCode' })
    const { text } = await send('verify', { code: (await server.message({ to })).code })
    expect(text).toContain('This was stopped')
    expect(text).not.toContain('This took too long')
    expect((await send('leave')).location).toBe(`${APP_BACK}&error=blocked`)
  })

  test('is said of a sign-in too, which can begin anew', async () => {
    await addRule(server, { actionName: 'signIn', condition: 'user.isNew', outcome: 'BLOCK' })
    const query = new URLSearchParams({ key: app.publishableKey, redirectUrl: APP_BACK })
    const browser = plainBrowser(server)
    const to = fresh()
    const first = await browser.send(`/sign-in?${query}`, { act: 'identify', to })
    const actionId = /name="actionId" value="(act_\w+)"/.exec(first.text)?.[1] ?? ''
    const path = `/sign-in?${query}&action=${actionId}`
    await browser.send(path, { act: 'send', method: 'emailCode', actionId })
    const { code } = await server.message({ to })
    const { text } = await browser.send(path, { act: 'verify', code, actionId })
    expect(text).toContain('This was stopped')
    expect(text).toContain('Start again')
    expect((await browser.post(path, { act: 'leave', actionId })).location).toContain('error=blocked')
    expect((await browser.send(path, { act: 'restart', actionId })).text).toContain('type="email"')
  })

  test('has a page of its own where there is nowhere to go back to', async () => {
    const outcome = { condition: 'true', outcome: 'REVIEW' }
    await addRule(server, outcome)
    const { id, send, page } = await open({ redirectUrl: undefined })
    expect(page.text).toContain('This is being checked')
    expect(page.text).not.toContain('value="leave"')
    await review(id, 'REVIEW_FAILED')
    expect((await send('restart')).text).toContain('This was stopped')
  })
})

describe('what waits for a review', () => {
  test('is said, can be left, and goes on to the proof when it is passed', async () => {
    await addRule(server, { condition: 'true', outcome: 'REVIEW' })
    const { id, page, send, look } = await open()
    expect(page.text).toContain('This is being checked')
    expect((await send('leave')).location).toBe(`${APP_BACK}&error=review_pending`)
    await review(id)
    expect((await look()).text).toContain('type="email"')
  })

  test('is found again by the sign-in page, whose person proves anew', async () => {
    await addRule(server, { actionName: 'signIn', condition: 'user.isNew', outcome: 'REVIEW' })
    const query = new URLSearchParams({ key: app.publishableKey, redirectUrl: APP_BACK })
    const browser = plainBrowser(server)
    const to = fresh()
    const first = await browser.send(`/sign-in?${query}`, { act: 'identify', to })
    const actionId = /name="actionId" value="(act_\w+)"/.exec(first.text)?.[1] ?? ''
    await browser.send(`/sign-in?${query}`, { act: 'send', method: 'emailCode', actionId })
    const { code } = await server.message({ to })
    const waiting = await browser.send(`/sign-in?${query}`, { act: 'verify', code, actionId })
    expect(waiting.text).toContain('This is being checked')
    await review(actionId)
    expect((await browser.get(`/sign-in?${query}`)).text).toContain('How do you want to sign in?')
  })

  test('and is not decided in its life is said to wait still', async () => {
    await addRule(server, { condition: 'true', outcome: 'REVIEW' })
    const { look, send } = await open()
    await later(server, 900_000)
    // The cookie ends with the action in a browser; this one kept it.
    expect((await look()).text).toContain('Not decided yet')
    expect((await send('leave')).location).toBe(`${APP_BACK}&error=review_pending`)
  })
})
