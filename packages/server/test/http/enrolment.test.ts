import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { APP_BACK, APP_ORIGIN, appOf, begin, openLink, sendTo, type Tab, tabOf } from './browser.ts'
import { plainBrowser } from './plain-browser.ts'
import { addRule, dropRules } from './rule-set.ts'
import { fresh, later, purge } from './world.ts'

/** A passkey that is enrolled inside an action, where a rule takes that for a proof (PROTOCOL section 4). */

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
})
afterEach(async () => {
  await dropRules(server)
  await server.call('PATCH', '/v1/settings', { methods: null })
})
afterAll(async () => {
  await purge(server)
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const counts = { methods: ['passkey'], enrolmentCounts: true }
const asks = (rule: object = counts) => addRule(server, { condition: 'true', outcome: 'CHALLENGE', ...rule })
const tracked = async (body: object = {}) => {
  const answer = await server.post('/v1/actions', { name: 'payOut', appId: app.id, ...body })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return { ...answer.body, tab: tabOf(server, answer.body.id, answer.body.token ?? 'oat_none') }
}
const read = async (id: string) => (await server.get(`/v1/actions/${id}`)).body
const validate = (token: string, action = 'payOut') => server.post('/v1/actions/validate', { token, action })
const somebody = async () => {
  const to = fresh()
  const { user } = (await server.signIn(to)).body
  await later(server, 61_000)
  return { to, id: user.id as string }
}
const keysOf = async (id: string) => (await server.get(`/v1/users/${id}/authenticators`)).body.data
const addKey = async (id: string) => {
  const device = softwareAuthenticator({ origin: APP_ORIGIN })
  const user = { id: Buffer.from(id).toString('base64url') }
  device.register({ challenge: '', rp: { id: 'localhost' }, user })
  const [key] = device.passkeys
  const added = await server.post(`/v1/users/${id}/authenticators`, {
    type: 'passkey',
    credentialId: key?.id,
    publicKey: key?.publicKey.toString('base64url'),
    isBackupEligible: false,
  })
  expect(added.status).toBe(201)
  return device
}
const byPasskey = async (tab: Tab, device: ReturnType<typeof softwareAuthenticator>) => {
  const asked = await tab.post('passkey')
  expect(asked.status, JSON.stringify(asked.body)).toBe(200)
  return await tab.post('verify', { credential: device.authenticate(asked.body.publicKey) })
}
const byCode = async (tab: Tab, to: string) => {
  const sent = await tab.post('send', { method: 'emailCode' })
  expect(sent.status, JSON.stringify(sent.body)).toBe(200)
  return await tab.post('verify', { code: (await server.message({ to })).code })
}
/** Registers with a new device, as far as the server lets it. */
const enrol = async (tab: Tab) => {
  const begun = await tab.post('enroll')
  if (begun.status !== 200) return begun
  const credential = softwareAuthenticator({ origin: APP_ORIGIN }).register(begun.body.publicKey)
  return await tab.post('enroll/finish', { credential })
}
const typesOf = async (id: string) =>
  (await server.get(`/v1/events?actionId=${id}&limit=100`)).body.data
    .map((one: { type: string }) => one.type)
    .reverse()

describe('where the rule takes it', () => {
  test('goes from a fresh proof to a passkey, and to the result', async () => {
    await asks()
    const { to, id: userId } = await somebody()
    const { tab, ...action } = await tracked({ userId, redirectUrl: APP_BACK })
    expect(action).toMatchObject({
      outcome: 'CHALLENGE',
      allowedMethods: ['emailCode', 'emailLink', 'passkey'],
      nextStep: { type: 'challenge', methods: ['emailCode', 'emailLink', 'passkey'] },
    })
    expectRefusal(await tab.post('enroll'), 'state_conflict')
    const proven = await byCode(tab, to)
    expect(proven).toMatchObject({
      status: 200,
      body: {
        state: 'CHALLENGE_REQUIRED',
        step: 'enroll',
        methods: ['passkey'],
        challenge: null,
        result: null,
      },
    })
    expect(await read(action.id)).toMatchObject({
      nextStep: { type: 'enroll', methods: ['passkey'] },
      completedSteps: ['emailCode'],
      isEnrolled: true,
      enrolledMethods: ['emailCode', 'emailLink'],
    })
    // What was proven already proves nothing more, and nobody skips what is asked for.
    for (const [step, body] of [
      ['finish', {}],
      ['identify', { to }],
      ['send', { method: 'emailCode' }],
      ['resend', {}],
      ['verify', { code: '123456' }],
    ] as const)
      expectRefusal(await tab.post(step, body), 'state_conflict')
    const enrolled = await enrol(tab)
    expect(enrolled, JSON.stringify(enrolled.body)).toMatchObject({
      status: 200,
      body: { state: 'CHALLENGE_SUCCEEDED', step: 'done', authenticator: { type: 'passkey' } },
    })
    const { token, redirectTo } = enrolled.body.result
    expect(redirectTo).toBe(`${APP_BACK}&token=${token}`)
    expect((await validate(token)).body).toMatchObject({
      isValid: true,
      session: null,
      user: { id: userId },
      action: { method: 'emailCode', completedSteps: ['emailCode', 'passkey'], nextStep: { type: 'none' } },
    })
    expect(await keysOf(userId)).toEqual([enrolled.body.authenticator])
    for (const step of ['enroll', 'finish', 'passkey']) expectRefusal(await tab.post(step), 'state_conflict')
    const types = await typesOf(action.id)
    expect(types.filter((type: string) => type.startsWith('action.'))).toEqual([
      'action.tracked',
      'action.challenge_started',
      'action.step_succeeded',
      'action.challenge_succeeded',
      'action.validated',
    ])
    expect(types).toContain('authenticator.created')
  })

  test('follows a link that was opened elsewhere', async () => {
    await asks()
    const { to, id: userId } = await somebody()
    const { tab } = await tracked({ userId })
    await tab.post('send', { method: 'emailLink' })
    const link = await openLink(server, (await server.message({ to })).link)
    await link.press()
    await link.press((await tab.get('current')).body.challenge.number)
    expect((await tab.get('current')).body).toMatchObject({ step: 'enroll', methods: ['passkey'] })
    expect((await enrol(tab)).body.step).toBe('done')
  })

  test('is no second proof to the session: it stands on the mail alone', async () => {
    await asks({ ...counts, actionName: 'signIn', condition: '!user.hasPasskey' })
    const { to } = await somebody()
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, to)
    const at = server.clock.now()
    expect((await tab.post('verify', { code, canOffer: true })).body).toMatchObject({
      step: 'enroll',
      result: null,
    })
    await later(server, 60_000)
    const { result } = (await enrol(tab)).body
    expect((await validate(result.token, 'signIn')).body).toMatchObject({
      session: { methods: ['emailCode'], amr: ['otp'], authTime: new Date(at).toISOString() },
      action: { completedSteps: ['emailCode', 'passkey'] },
    })
    const again = await begin(server, app)
    expect((await again.post('passkey')).status).toBe(200)
  })

  test('is for a newcomer, whom the proof makes', async () => {
    await asks({ ...counts, actionName: 'signIn', condition: '!user.hasPasskey' })
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, fresh())
    expect((await tab.post('verify', { code })).body.step).toBe('enroll')
    const { result } = (await enrol(tab)).body
    expect((await validate(result.token, 'signIn')).body.session.methods).toEqual(['emailCode'])
  })

  test('makes the second of two that are asked for', async () => {
    await asks({ requires: 2, enrolmentCounts: true })
    const { to, id: userId } = await somebody()
    const { tab } = await tracked({ userId })
    expect((await byCode(tab, to)).body.step).toBe('enroll')
    expect((await enrol(tab)).body.result.token).toMatch(/^oht_/)
  })

  test('comes last, after a proof that another rule asks for', async () => {
    await asks({ priority: 1, condition: 'ip.country == "XX"', methods: ['emailLink'] })
    await asks({ priority: 2, ...counts })
    const { to, id: userId } = await somebody()
    const { tab } = await tracked({ userId })
    const proven = await byCode(tab, to)
    expect(proven.body).toMatchObject({ step: 'method', methods: ['emailLink', 'passkey'] })
    expectRefusal(await tab.post('enroll'), 'state_conflict')
    await tab.post('send', { method: 'emailLink' })
    const link = await openLink(server, (await server.message({ to })).link)
    await link.press()
    await link.press((await tab.get('current')).body.challenge.number)
    expect((await enrol(tab)).body.step).toBe('done')
  })

  test('waits for a review where the rule is one', async () => {
    await asks({ ...counts, outcome: 'REVIEW' })
    const { to, id: userId } = await somebody()
    const { id, tab } = await tracked({ userId })
    expectRefusal(await tab.post('enroll'), 'state_conflict')
    await server.call('PATCH', `/v1/actions/${id}`, { state: 'REVIEW_SUCCEEDED' })
    expect((await byCode(tab, to)).body).toMatchObject({ state: 'REVIEW_SUCCEEDED', step: 'enroll' })
    expect((await enrol(tab)).body.step).toBe('done')
  })

  test('may be tried again, and given up', async () => {
    await asks()
    const { to, id: userId } = await somebody()
    const { tab } = await tracked({ userId, redirectUrl: APP_BACK })
    await byCode(tab, to)
    const device = softwareAuthenticator({ origin: APP_ORIGIN })
    const first = await tab.post('enroll')
    const lied = device.register(first.body.publicKey, { origin: 'https://evil.example' })
    expectRefusal(await tab.post('enroll/finish', { credential: lied }), 'token_invalid')
    expect((await tab.get('current')).body.step).toBe('enroll')
    const { publicKey } = (await tab.post('enroll')).body
    expect((await tab.post('cancel')).body).toEqual({ redirectTo: `${APP_BACK}&error=cancelled` })
    const credential = device.register(publicKey)
    expectRefusal(await tab.post('enroll/finish', { credential }), 'state_conflict')
    expect(await keysOf(userId)).toEqual([])
  })
})

describe('who holds the mailbox alone', () => {
  test('enrols nothing where the rule does not take it: that is for a person to look at', async () => {
    await asks({ methods: ['passkey'] })
    const { to, id: userId } = await somebody()
    const { id, tab } = await tracked({ userId })
    expect((await read(id)).state).toBe('REVIEW_REQUIRED')
    for (const step of ['enroll', 'finish', 'passkey']) expectRefusal(await tab.post(step), 'state_conflict')
    expectRefusal(await tab.post('send', { method: 'emailCode' }), 'state_conflict')
    // Nor at a sign-in, where it is judged after the proof.
    await asks({ methods: ['passkey'], actionName: 'signIn', condition: '!user.hasPasskey' })
    const signIn = await begin(server, app)
    const { code } = await sendTo(server, signIn, to)
    expect((await signIn.post('verify', { code, canOffer: true })).body).toMatchObject({
      state: 'REVIEW_REQUIRED',
      step: 'review',
      result: null,
    })
    expectRefusal(await signIn.post('enroll'), 'state_conflict')
    expect(await keysOf(userId)).toEqual([])
  })

  test('enrols none beside the one that somebody has', async () => {
    await asks()
    const { to, id: userId } = await somebody()
    const device = await addKey(userId)
    const { tab, nextStep } = await tracked({ userId })
    expect(nextStep).toEqual({ type: 'challenge', methods: ['passkey'] })
    expectRefusal(await tab.post('send', { method: 'emailCode' }), 'invalid_request', ['errors'])
    expect((await byPasskey(tab, device)).body.step).toBe('done')
    // Nor where nobody was told until the proof.
    await asks({ ...counts, actionName: 'signIn' })
    const signIn = await begin(server, app)
    const { code } = await sendTo(server, signIn, to)
    expect((await signIn.post('verify', { code })).body).toMatchObject({
      step: 'method',
      methods: ['passkey'],
    })
    expectRefusal(await signIn.post('enroll'), 'state_conflict')
    expect((await byPasskey(signIn, device)).body.step).toBe('done')
    expect(await keysOf(userId)).toHaveLength(1)
  })

  test('proves by the one that came meanwhile', async () => {
    await asks()
    const { to, id: userId } = await somebody()
    const [early, late] = [await tracked({ userId }), await tracked({ userId })]
    await byCode(early.tab, to)
    await later(server, 61_000)
    await byCode(late.tab, to)
    const { publicKey } = (await late.tab.post('enroll')).body
    const device = await addKey(userId)
    // Begun before it came: the write that enrols looks again.
    const credential = softwareAuthenticator({ origin: APP_ORIGIN }).register(publicKey)
    expectRefusal(await late.tab.post('enroll/finish', { credential }), 'state_conflict')
    for (const { tab } of [early, late]) {
      expectRefusal(await tab.post('enroll'), 'state_conflict')
      expect((await tab.get('current')).body).toMatchObject({ step: 'method', methods: ['passkey'] })
      expect((await byPasskey(tab, device)).body.step).toBe('done')
    }
    expect(await keysOf(userId)).toHaveLength(1)
  })

  test('has no way past another rule that does not take it', async () => {
    await asks({ priority: 1, condition: 'ip.country == "XX"', methods: ['passkey'] })
    await asks({ priority: 2, ...counts })
    const { id: userId } = await somebody()
    expect((await tracked({ userId })).state).toBe('REVIEW_REQUIRED')
  })

  test('finds a review where passkeys are off, or mails', async () => {
    await asks()
    const { id: userId } = await somebody()
    for (const methods of [{ passkey: false }, { emailCode: false, emailLink: false }]) {
      await server.call('PATCH', '/v1/settings', { methods })
      expect((await tracked({ userId })).state).toBe('REVIEW_REQUIRED')
      await server.call('PATCH', '/v1/settings', { methods: null })
    }
  })

  test('is told alike before the proof', async () => {
    await asks({ ...counts, actionName: 'signIn' })
    const known = await somebody()
    await addKey(known.id)
    const shown = []
    for (const to of [known.to, (await somebody()).to, fresh()]) {
      const tab = await begin(server, app)
      const { body } = await tab.post('identify', { to })
      shown.push({ step: body.step, methods: body.methods, state: body.state })
    }
    expect(shown[1]).toEqual(shown[0])
    expect(shown[2]).toEqual(shown[0])
    expect(shown[0]?.methods).toEqual(['emailCode', 'emailLink', 'passkey'])
  })
})

describe('with nothing proven', () => {
  test('an action is for a person to look at', async () => {
    await asks()
    const { body: user } = await server.post('/v1/users', { email: fresh() })
    expect(await tracked({ userId: user.id })).toMatchObject({
      outcome: 'REVIEW',
      state: 'REVIEW_REQUIRED',
      nextStep: { type: 'review' },
    })
  })

  test('the first proof of an address that stands there leads to no enrolment', async () => {
    await asks({ ...counts, actionName: 'signIn' })
    const to = fresh()
    const { body: user } = await server.post('/v1/users', { email: to })
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, to)
    const proven = await tab.post('verify', { code })
    expect(proven.body).toMatchObject({ state: 'REVIEW_REQUIRED', step: 'review', result: null })
    expectRefusal(await tab.post('enroll'), 'state_conflict')
    expect(await keysOf(user.id)).toEqual([])
    expect(await typesOf(tab.id)).toContain('action.review_required')
    // A review that is passed leads to a proof, and to no passkey of whoever gives it.
    await server.call('PATCH', `/v1/actions/${tab.id}`, { state: 'REVIEW_SUCCEEDED' })
    expect((await tab.get('current')).body).toMatchObject({ step: 'method', methods: ['passkey'] })
  })
})

describe('a proof that is over', () => {
  test.each(['sessions/revoke', 'block'])('by %s enrols nothing', async how => {
    await asks()
    const { to, id: userId } = await somebody()
    const { tab } = await tracked({ userId })
    await byCode(tab, to)
    const { publicKey } = (await tab.post('enroll')).body
    await server.post(`/v1/users/${userId}/${how}`)
    const credential = softwareAuthenticator({ origin: APP_ORIGIN }).register(publicKey)
    expectRefusal(await tab.post('enroll/finish', { credential }), 'state_conflict')
    expectRefusal(await tab.post('finish'), 'state_conflict')
    expect(await keysOf(userId)).toEqual([])
  })

  test('by the end of the action enrols nothing', async () => {
    await asks()
    const { to, id: userId } = await somebody()
    const { tab } = await tracked({ userId })
    await byCode(tab, to)
    await later(server, 12 * 60_000)
    const { publicKey } = (await tab.post('enroll')).body
    await later(server, 3 * 60_000)
    const credential = softwareAuthenticator({ origin: APP_ORIGIN }).register(publicKey)
    expectRefusal(await tab.post('enroll/finish', { credential }), 'state_conflict')
    expect((await tab.get('current')).body).toMatchObject({ step: 'ended', state: 'CHALLENGE_FAILED' })
    expect(await keysOf(userId)).toEqual([])
  })
})

test('a page without JavaScript says that none can be made there, and lets nobody past', async () => {
  await asks({ ...counts, actionName: 'signIn' })
  const { to, id: userId } = await somebody()
  const asked = { key: app.publishableKey, redirectUrl: APP_BACK, state: 'st', locale: 'en' }
  const path = `/sign-in?${new URLSearchParams(asked)}`
  const person = plainBrowser(server)
  await person.send(path, { act: 'identify', to })
  await person.send(path, { act: 'send', method: 'emailCode' })
  const { code } = await server.message({ to })
  const page = await person.send(path, { act: 'verify', code })
  expect(page.text).toContain('A passkey is needed')
  expect(page.text).toContain('No passkey can be created here.')
  expect((await person.send(path, { act: 'finish' })).text).toContain('A passkey is needed')
  expect(await keysOf(userId)).toEqual([])
  expect((await person.post(path, { act: 'cancel' })).location).toBe(`${APP_BACK}&error=cancelled&state=st`)
})
