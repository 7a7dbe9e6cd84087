import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { APP_BACK, appOf, begin, browse, openLink, prove, S256, sendTo, tabOf } from '../http/browser.ts'
import { plainBrowser } from '../http/plain-browser.ts'
import { addRule, dropRules } from '../http/rule-set.ts'
import { fresh, later } from '../http/world.ts'
import { type TestServer, testServer } from '../setup/server.ts'

/** Attacks on actions (PROTOCOL section 4): one begins, another is to finish; and a yes or a session without a proof. */

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
})
afterEach(async () => {
  await dropRules(server)
  await server.call('PATCH', '/v1/settings', { challenge: null, action: null })
})
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const track = async (asked: object = {}) =>
  (await server.post('/v1/actions', { name: 'signIn', appId: app.id, redirectUrl: APP_BACK, ...asked })).body
const validate = (token: string, action = 'signIn') => server.post('/v1/actions/validate', { token, action })
const sessionsIn = async (actionId: string) =>
  (await server.get(`/v1/events?actionId=${actionId}&type=session.created`)).body.data

describe('an attacker begins and the victim is to finish', () => {
  test('[222] who opened the url keeps the action: the victim who is sent it gets nowhere with it', async () => {
    const action = await track()
    const path = new URL(action.url).pathname
    const [attacker, victim] = [plainBrowser(server), plainBrowser(server)]
    expect((await attacker.send(path, {})).text).toContain('type="email"')
    expect((await victim.send(path, {})).status).toBe(400)
    expect([...victim.jar.keys()].filter(name => name.includes('action'))).toEqual([])
    // Nor does the token that the app was given work on it any more.
    expect((await tabOf(server, action.id, action.token).get('current')).status).toBe(401)
  })

  test('[222] a link that the victim presses gives the attacker who asked for it nothing', async () => {
    const attacker = await begin(server, app)
    const { link } = await sendTo(server, attacker, fresh(), 'emailLink')
    const page = await openLink(server, link)
    // A press in another browser asks for the number of the first tab, which the victim does not see.
    expect((await page.press()).location).toBeNull()
    expect((await attacker.post('finish')).status).toBe(409)
    const { number } = (await attacker.get('current')).body.challenge
    expect((await page.press(number === '10' ? '11' : '10')).status).toBe(409)
    expect((await attacker.post('finish')).status).toBe(409)
    expect(await sessionsIn(attacker.id)).toEqual([])
  })

  test('[222] where links go on anywhere, the one who presses signs in, and the attacker does not', async () => {
    await server.call('PATCH', '/v1/settings', { challenge: { linkBrowser: 'anywhere' } })
    const to = fresh()
    const attacker = await begin(server, app)
    const { link } = await sendTo(server, attacker, to, 'emailLink')
    const { location } = await (await openLink(server, link)).press()
    expect((await attacker.post('finish')).status).toBe(409)
    expect(JSON.stringify((await attacker.get('current')).body)).not.toContain('oht_')
    const token = new URL(location ?? '').searchParams.get('token') ?? ''
    expect((await validate(token)).body.user.email).toBe(to)
  })

  test('[222] a result that was led astray is worth nothing without the verifier', async () => {
    const tab = await begin(server, app, { redirectUrl: APP_BACK, codeChallenge: S256 })
    const { token } = (await prove(server, tab, fresh())).body.result
    expect((await validate(token)).status).toBe(400)
    const stolen = { token, codeVerifier: 'A'.repeat(43) }
    const answer = await browse(server, 'POST', '/client/v1/actions/validate', stolen, {
      bearer: app.publishableKey,
      headers: { Origin: 'https://app.example' },
    })
    expect(answer.status).toBe(400)
    expect(await sessionsIn(tab.id)).toEqual([])
  })

  test('[222] the code of the victim’s mail answers the action of the one who asked, and no other', async () => {
    const [attacker, victim] = [await begin(server, app), await begin(server, app)]
    const to = fresh()
    const { code } = await sendTo(server, attacker, to)
    await later(server, 61_000)
    await sendTo(server, victim, to)
    const answer = await victim.post('verify', { code })
    expect(answer.status).toBe(400)
    expect((await victim.post('finish')).status).toBe(409)
  })
})

describe('a session without a proof', () => {
  const ways = async (action: { id: string; token: string | null }) => {
    const tab = tabOf(server, action.id, action.token ?? 'oat_none')
    return [
      (await tab.post('finish')).status,
      (await tab.post('verify', { code: '000000' })).status,
      (await server.post('/v1/sessions', { actionId: action.id })).status,
      (await validate(action.token ?? 'oat_none')).status,
    ]
  }
  test.each(['ALLOW', 'REVIEW', 'BLOCK', 'CHALLENGE'])('[223] comes of no %s', async outcome => {
    await addRule(server, { actionName: 'signIn', condition: 'true', outcome })
    const { user } = (await server.signIn(fresh())).body
    await later(server, 61_000)
    for (const asked of [{}, { userId: user.id }, { name: 'payOut', userId: user.id }]) {
      const action = await track(asked)
      for (const status of await ways(action)) expect(status).toBeGreaterThanOrEqual(400)
      expect(await sessionsIn(action.id)).toEqual([])
    }
  })

  test('[223] comes of no review that was passed, before the proof', async () => {
    await addRule(server, { actionName: 'signIn', condition: 'true', outcome: 'REVIEW' })
    const action = await track()
    await server.call('PATCH', `/v1/actions/${action.id}`, { state: 'REVIEW_SUCCEEDED' })
    for (const status of await ways(action)) expect(status).toBeGreaterThanOrEqual(400)
  })

  test('[223] comes of no proof of another action, or of a challenge beside it', async () => {
    const { user } = (await server.signIn(fresh())).body
    await later(server, 61_000)
    const action = await track({ userId: user.id })
    await server.signIn(user.email)
    for (const status of await ways(action)) expect(status).toBeGreaterThanOrEqual(400)
    expect(await sessionsIn(action.id)).toEqual([])
  })
})

test.each([
  ['reads what nobody knows', 'ip.country == "XX"'],
  ['divides by nothing', 'action.attributes.amount / 0.0 > 1.0 || 1 / (1 - 1) > 0'],
  ['reads what the app did not tell', 'action.attributes.limit > 5.0'],
])('[224] a rule that %s is never a yes, and as strict as it says', async (_title, condition) => {
  await addRule(server, { condition, outcome: 'ALLOW', priority: 1 })
  const asked = { name: 'payOut', attributes: { amount: 1 } }
  expect((await track(asked)).outcome).toBe('CHALLENGE')
  await addRule(server, { condition, outcome: 'BLOCK', priority: 2 })
  expect((await track(asked)).outcome).toBe('BLOCK')
})
