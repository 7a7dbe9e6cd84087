import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hashOf } from '../../src/core/actions/attributes.ts'
import type { App } from '../../src/core/rows.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type Answer, type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { APP_BACK, APP_ORIGIN, appOf, begin, openLink, prove, sendTo, type Tab, tabOf } from './browser.ts'
import { addRule, dropRules, signals } from './rule-set.ts'
import { fresh, later, purge } from './world.ts'

/** What rules make of actions, and what each state takes. */

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
})
afterEach(async () => {
  await dropRules(server)
  await server.call('PATCH', '/v1/settings', { action: null })
})
afterAll(async () => {
  // Days go by in these tests.
  await purge(server)
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const track = async (body: object = {}): Promise<Answer> =>
  await server.post('/v1/actions', { name: 'payOut', appId: app.id, ...body })
const tracked = async (body: object = {}) => {
  const answer = await track(body)
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return { ...answer.body, tab: tabOf(server, answer.body.id, answer.body.token ?? 'oat_none') }
}
const read = async (id: string) => (await server.get(`/v1/actions/${id}`)).body
const review = (id: string, state = 'REVIEW_SUCCEEDED') =>
  server.call('PATCH', `/v1/actions/${id}`, { state })
const validate = (token: string, action = 'payOut') => server.post('/v1/actions/validate', { token, action })
const somebody = async (more: object = {}) => {
  const to = fresh()
  const { user } = (await server.signIn(to)).body
  await server.call('PATCH', `/v1/users/${user.id}`, more)
  await later(server, 61_000)
  return { to, id: user.id as string }
}
const withPasskey = async () => {
  const one = await somebody()
  const device = softwareAuthenticator({ origin: APP_ORIGIN })
  device.register({
    challenge: '',
    rp: { id: 'localhost' },
    user: { id: Buffer.from(one.id).toString('base64url') },
  })
  const [key] = device.passkeys
  await server.post(`/v1/users/${one.id}/authenticators`, {
    type: 'passkey',
    credentialId: key?.id,
    publicKey: key?.publicKey.toString('base64url'),
    isBackupEligible: false,
  })
  return { ...one, device }
}
const byPasskey = async (tab: Tab, { device }: Awaited<ReturnType<typeof withPasskey>>) => {
  const asked = await tab.post('passkey')
  expect(asked.status, JSON.stringify(asked.body)).toBe(200)
  return await tab.post('verify', { credential: device.authenticate(asked.body.publicKey) })
}
const byCode = async (tab: Tab, to: string) => {
  const sent = await tab.post('send', { method: 'emailCode' })
  expect(sent.status, JSON.stringify(sent.body)).toBe(200)
  return await tab.post('verify', { code: (await server.message({ to })).code })
}
const typesOf = async (id: string) =>
  (await server.get(`/v1/events?actionId=${id}&limit=100`)).body.data.map((one: { type: string }) => one.type)

describe('the outcome', () => {
  test.each([
    ['ALLOW', 'ALLOW', 'none', false],
    ['BLOCK', 'BLOCK', 'none', false],
    ['REVIEW', 'REVIEW_REQUIRED', 'review', true],
    ['CHALLENGE', 'CHALLENGE_REQUIRED', 'challenge', true],
  ])('%s begins in %s', async (outcome, state, next, isForBrowser) => {
    await addRule(server, { condition: 'action.attributes.amount > 100.0', outcome, name: 'Large' })
    const action = await tracked({ attributes: { amount: 250 } })
    expect(action).toMatchObject({
      outcome,
      state,
      nextStep: { type: next },
      rules: [{ name: 'Large' }],
      decision: { rulesVersion: expect.any(Number), seen: { 'action.attributes.amount': 250 }, erring: [] },
    })
    expect([action.url !== null, action.token !== null]).toEqual([isForBrowser, isForBrowser])
    expect((await tracked({ attributes: { amount: 50 } })).rules).toEqual([])
    expectRefusal(await server.post('/v1/sessions', { actionId: action.id }), 'state_conflict')
    const isToReview = state === 'REVIEW_REQUIRED'
    if (!isToReview) expectRefusal(await review(action.id), 'state_conflict')
    expect((await typesOf(action.id)).includes('action.review_required')).toBe(isToReview)
  })
  test('of a rule that errs is never a yes', async () => {
    await addRule(server, { condition: 'ip.country == "DE"', outcome: 'ALLOW', priority: 1 })
    expect(await tracked()).toMatchObject({
      outcome: 'CHALLENGE',
      decision: { erring: [{ outcome: 'ALLOW' }], seen: { 'ip.country': null } },
    })
    await addRule(server, { condition: 'ip.country == "XX"', outcome: 'BLOCK', priority: 2 })
    await addRule(server, { condition: 'true', outcome: 'ALLOW', priority: 3 })
    const { id } = await tracked()
    expect((await read(id)).state).toBe('BLOCK')
    expect((await typesOf(id)).filter((type: string) => type === 'rule.failed')).toHaveLength(2)
  })
  test('is a review where no method that is on can prove what is asked for', async () => {
    await addRule(server, {
      condition: 'true',
      outcome: 'CHALLENGE',
      methods: ['emailCode', 'passkey'],
      requires: 2,
    })
    expect((await tracked()).state).toBe('CHALLENGE_REQUIRED')
    const { id } = await somebody()
    expect(await tracked({ userId: id })).toMatchObject({ outcome: 'REVIEW', state: 'REVIEW_REQUIRED' })
    await server.call('PATCH', '/v1/settings', { methods: { passkey: false } })
    expect((await tracked()).state).toBe('REVIEW_REQUIRED')
    await server.call('PATCH', '/v1/settings', { methods: null })
  })
  test('comes from the definition of the name where no rule says otherwise', async () => {
    const definitions = {
      payOut: { outcome: 'BLOCK' },
      look: { outcome: 'ALLOW' },
      enter: { methods: ['emailLink'], opensSession: true },
    }
    expect((await server.call('PATCH', '/v1/settings', { action: { definitions } })).status).toBe(200)
    expect((await tracked()).state).toBe('BLOCK')
    expect((await tracked({ name: 'look' })).state).toBe('ALLOW')
    const { tab, ...action } = await tracked({ name: 'enter', redirectUrl: APP_BACK })
    expect(action.allowedMethods).toEqual(['emailLink'])
    const to = fresh()
    await tab.post('identify', { to })
    expectRefusal(await tab.post('send', { method: 'emailCode' }), 'invalid_request', ['errors'])
    await tab.post('send', { method: 'emailLink' })
    const link = await openLink(server, (await server.message({ to })).link)
    await link.press()
    const { number } = (await tab.get('current')).body.challenge
    await link.press(number)
    const { result } = (await tab.post('finish')).body
    expect((await validate(result.token, 'enter')).body.session).toMatchObject({ methods: ['emailLink'] })
    for (const wrong of [
      { signIn: { outcome: 'ALLOW' } },
      { 'a b': {} },
      { x: { methods: [] } },
      { x: { on: 1 } },
    ])
      expectRefusal(
        await server.call('PATCH', '/v1/settings', { action: { definitions: wrong } }),
        'invalid_request',
        ['errors'],
      )
  })
})

describe('rules that have to know who is there', () => {
  test('wait for the proof where nobody is told, and a proof is asked for whatever is usual', async () => {
    await server.call('PATCH', '/v1/settings', { action: { definitions: { payOut: { outcome: 'ALLOW' } } } })
    await addRule(server, { condition: '"banned" in user.metadata', outcome: 'BLOCK' })
    const { id } = await somebody({ metadata: { banned: true } })
    expect((await tracked({ userId: id })).state).toBe('BLOCK')
    const { tab, state } = await tracked()
    expect(state).toBe('CHALLENGE_REQUIRED')
    expect((await prove(server, tab, fresh())).body.state).toBe('CHALLENGE_SUCCEEDED')
  })
  test('do not hold up what matched before them', async () => {
    await addRule(server, { condition: 'true', outcome: 'ALLOW', priority: 1 })
    await addRule(server, { condition: '"banned" in user.metadata', outcome: 'BLOCK' })
    expect((await tracked()).state).toBe('ALLOW')
  })
})

describe('a challenge', () => {
  test('is answered by the methods of the rule and by no other', async () => {
    await addRule(server, { condition: 'true', outcome: 'CHALLENGE', methods: ['passkey'] })
    const one = await withPasskey()
    const { tab, ...action } = await tracked({ userId: one.id, intent: 'Pay out 250 €' })
    expect(action).toMatchObject({
      allowedMethods: ['passkey'],
      defaultMethod: 'passkey',
      nextStep: { type: 'challenge', methods: ['passkey'] },
    })
    expect((await tab.get('current')).body).toMatchObject({ methods: ['passkey'], intent: 'Pay out 250 €' })
    for (const method of ['emailCode', 'emailLink'])
      expectRefusal(await tab.post('send', { method }), 'invalid_request', ['errors'])
    const proven = await byPasskey(tab, one)
    const valid = await validate(proven.body.result.token)
    expect(valid.body).toMatchObject({
      isValid: true,
      session: null,
      tokens: null,
      action: { state: 'CHALLENGE_SUCCEEDED', completedSteps: ['passkey'], outcome: 'CHALLENGE' },
    })
  })
  test('refuses a passkey where only mail counts', async () => {
    await addRule(server, { condition: 'true', outcome: 'CHALLENGE', methods: ['emailCode'] })
    const one = await withPasskey()
    const { tab } = await tracked({ userId: one.id })
    expectRefusal(await tab.post('passkey'), 'invalid_request', ['errors'])
    expect((await byCode(tab, one.to)).body.state).toBe('CHALLENGE_SUCCEEDED')
  })
  test('of two methods is over after both, by one person, and the session tells of both', async () => {
    const definitions = { payOut: { opensSession: true } }
    await server.call('PATCH', '/v1/settings', { action: { definitions } })
    await addRule(server, {
      condition: 'true',
      outcome: 'CHALLENGE',
      methods: ['emailCode', 'emailLink', 'passkey'],
      requires: 2,
    })
    const one = await withPasskey()
    const other = await withPasskey()
    const { tab, id } = await tracked()
    expect((await tab.post('identify', { to: one.to })).body.methods).toHaveLength(3)
    const first = await byCode(tab, one.to)
    expect(first.body).toMatchObject({
      state: 'CHALLENGE_REQUIRED',
      step: 'method',
      methods: ['passkey'],
      result: null,
      isAddressFixed: true,
    })
    expect(await read(id)).toMatchObject({
      completedSteps: ['emailCode'],
      nextStep: { type: 'challenge', methods: ['passkey'] },
    })
    // The same mailbox again proves nothing new.
    expectRefusal(await tab.post('send', { method: 'emailLink' }), 'invalid_request', ['errors'])
    expectRefusal(await tab.post('identify', { to: other.to }), 'state_conflict')
    expectRefusal(await tab.post('finish'), 'state_conflict')
    expectRefusal(await server.post('/v1/sessions', { actionId: id }), 'state_conflict')
    expect((await byPasskey(tab, other)).status).toBe(400)
    const last = await byPasskey(tab, one)
    expect(last.body.state).toBe('CHALLENGE_SUCCEEDED')
    const { body } = await validate(last.body.result.token)
    expect(body).toMatchObject({
      user: { id: one.id },
      action: { completedSteps: ['emailCode', 'passkey'] },
      session: { methods: ['emailCode', 'passkey'] },
    })
    expect(body.session.amr).toEqual(expect.arrayContaining(['otp', 'mfa']))
  })
  test('begins with the passkey as well, and goes on by the mailbox of that person', async () => {
    await addRule(server, { condition: 'true', outcome: 'CHALLENGE', requires: 2 })
    const one = await withPasskey()
    const { tab } = await tracked()
    const first = await byPasskey(tab, one)
    expect(first.body).toMatchObject({ step: 'method', methods: ['emailCode', 'emailLink'], result: null })
    const last = await byCode(tab, one.to)
    expect((await validate(last.body.result.token)).body.user.id).toBe(one.id)
  })
  test('of two methods is worth nothing once the person signed out everywhere between them', async () => {
    await addRule(server, { condition: 'true', outcome: 'CHALLENGE', requires: 2 })
    const one = await withPasskey()
    const { tab } = await tracked()
    await tab.post('identify', { to: one.to })
    await byCode(tab, one.to)
    await server.post(`/v1/users/${one.id}/sessions/revoke`)
    const last = await byPasskey(tab, one)
    if (last.status === 200) expectRefusal(await validate(last.body.result.token), 'token_invalid')
  })
})

describe('a review', () => {
  test('that is passed lets the person go on to the proof, and nothing else', async () => {
    await addRule(server, { condition: 'true', outcome: 'REVIEW', methods: ['emailCode'] })
    const { tab, id } = await tracked({ redirectUrl: APP_BACK })
    expect((await tab.get('current')).body).toMatchObject({
      step: 'review',
      methods: [],
      redirectTo: `${APP_BACK}&error=review_pending`,
    })
    expectRefusal(await tab.post('identify', { to: fresh() }), 'state_conflict')
    expect((await review(id)).body).toMatchObject({
      outcome: 'REVIEW',
      state: 'REVIEW_SUCCEEDED',
      nextStep: { type: 'challenge', methods: ['emailCode'] },
    })
    expectRefusal(await tab.post('finish'), 'state_conflict')
    expectRefusal(await review(id, 'REVIEW_FAILED'), 'state_conflict')
    const { body } = await prove(server, tab, fresh())
    expect((await validate(body.result.token)).body).toMatchObject({
      isValid: true,
      action: { outcome: 'REVIEW', state: 'CHALLENGE_SUCCEEDED' },
    })
  })
  test('that failed ends it; both are told by events', async () => {
    await addRule(server, { condition: 'true', outcome: 'REVIEW' })
    const { tab, id } = await tracked({ redirectUrl: APP_BACK })
    await review(id, 'REVIEW_FAILED')
    expect((await tab.get('current')).body.redirectTo).toBe(`${APP_BACK}&error=blocked`)
    expectRefusal(await tab.post('identify', { to: fresh() }), 'state_conflict')
    expect(await typesOf(id)).toEqual(expect.arrayContaining(['action.review_required', 'action.reviewed']))
  })
  test('can be decided after the life of the action, whose tokens are over then', async () => {
    await addRule(server, { condition: 'true', outcome: 'REVIEW' })
    const { tab, id } = await tracked()
    await later(server, 900_000)
    expect((await review(id)).body).toMatchObject({
      state: 'REVIEW_SUCCEEDED',
      nextStep: { type: 'none', methods: [] },
    })
    expect((await tab.get('current')).body.step).toBe('ended')
    expectRefusal(await tab.post('identify', { to: fresh() }), 'state_conflict')
  })
  test('takes a key with the scope for it', async () => {
    await addRule(server, { condition: 'true', outcome: 'REVIEW' })
    const { id } = await tracked()
    const ask = async (scopes: Parameters<TestServer['newKey']>[0]) =>
      await server.call(
        'PATCH',
        `/v1/actions/${id}`,
        { state: 'REVIEW_FAILED' },
        { key: (await server.newKey(scopes)).secret },
      )
    expectRefusal(await ask(['auth', 'users', 'read']), 'scope_insufficient')
    expect((await ask(['review'])).status).toBe(200)
  })
})

describe('a sign-in', () => {
  const rule = (more: Parameters<typeof addRule>[1]) => addRule(server, { actionName: 'signIn', ...more })
  const signingIn = async (to: string) => {
    const tab = await begin(server, app)
    const proven = await prove(server, tab, to)
    return { tab, proven }
  }
  test('tells nobody before the proof what rules know of the user, also where a backend names them', async () => {
    await rule({ condition: '"banned" in user.metadata', outcome: 'BLOCK' })
    const banned = await somebody({ metadata: { banned: true } })
    const good = await somebody()
    const seen = []
    for (const { to, id } of [banned, good]) {
      const tab = await begin(server, app)
      const { id: _, createdAt, expiresAt, address, ...shown } = (await tab.post('identify', { to })).body
      const named = (await server.post('/v1/actions', { name: 'signIn', userId: id })).body
      seen.push({ shown, outcome: named.outcome, state: named.state, methods: named.allowedMethods })
    }
    expect(seen[0]).toEqual(seen[1])
    expect(seen[0]).toMatchObject({ outcome: 'CHALLENGE', state: 'CHALLENGE_REQUIRED' })
  })
  test('that rules block after the proof ends there', async () => {
    await rule({ condition: '"banned" in user.metadata', outcome: 'BLOCK' })
    const banned = await somebody({ metadata: { banned: true } })
    const { tab, proven } = await signingIn(banned.to)
    expect(proven).toMatchObject({
      status: 200,
      body: {
        state: 'BLOCK',
        step: 'ended',
        result: null,
        redirectTo: `${APP_BACK}&error=blocked&state=st`,
      },
    })
    expectRefusal(await tab.post('finish'), 'state_conflict')
    expectRefusal(await server.post('/v1/sessions', { actionId: tab.id }), 'state_conflict')
    const good = await signingIn((await somebody()).to)
    expect((await validate(good.proven.body.result.token, 'signIn')).body.session).not.toBeNull()
  })
  test('that needs a review after the proof takes a new proof after it', async () => {
    await rule({ condition: 'user.isNew', outcome: 'REVIEW' })
    const to = fresh()
    const { tab, proven } = await signingIn(to)
    expect(proven.body).toMatchObject({ state: 'REVIEW_REQUIRED', step: 'review', result: null })
    expect(proven.body.redirectTo).toContain('error=review_pending')
    expect((await review(tab.id)).body).toMatchObject({ state: 'REVIEW_SUCCEEDED', completedSteps: [] })
    expectRefusal(await tab.post('finish'), 'state_conflict')
    await later(server, 61_000)
    const last = await byCode(tab, to)
    expect((await validate(last.body.result.token, 'signIn')).body.session.methods).toEqual(['emailCode'])
  })
  test('goes on to another method where the rules ask for it after the proof', async () => {
    await rule({ condition: 'user.hasPasskey', outcome: 'CHALLENGE', methods: ['passkey'] })
    const one = await withPasskey()
    const { tab, proven } = await signingIn(one.to)
    expect(proven.body).toMatchObject({ step: 'method', methods: ['passkey'], result: null })
    const last = await byPasskey(tab, one)
    expect((await validate(last.body.result.token, 'signIn')).body.session.methods).toEqual([
      'emailCode',
      'passkey',
    ])
    const alone = await begin(server, app)
    expect((await byPasskey(alone, one)).body.step).toBe('done')
    const without = await signingIn(fresh())
    expect(without.proven.body.step).toBe('done')
  })
  test('allowed by a rule is proven all the same', async () => {
    await rule({ condition: 'true', outcome: 'ALLOW' })
    const tab = await begin(server, app)
    expect(await read(tab.id)).toMatchObject({ outcome: 'ALLOW', state: 'CHALLENGE_REQUIRED' })
    expectRefusal(await tab.post('finish'), 'state_conflict')
    const { body } = await prove(server, tab, fresh())
    expect((await validate(body.result.token, 'signIn')).body.session).not.toBeNull()
  })
  test('of a rule that cannot know what it reads is as strict as the rule', async () => {
    await rule({ condition: 'user.externalId == "x"', outcome: 'BLOCK' })
    expect((await signingIn(fresh())).proven.body).toMatchObject({ state: 'BLOCK', result: null })
  })
  test('by a link from another device waits in the first tab for what the rules ask next', async () => {
    await rule({ condition: 'user.hasPasskey', outcome: 'CHALLENGE', methods: ['passkey'] })
    await server.call('PATCH', '/v1/settings', { challenge: { linkBrowser: 'anywhere' } })
    const one = await withPasskey()
    const tab = await begin(server, app)
    const { link } = await sendTo(server, tab, one.to, 'emailLink')
    const pressed = await (await openLink(server, link)).press()
    expect(pressed).toMatchObject({ status: 200, location: null })
    expect((await tab.get('current')).body).toMatchObject({ step: 'method', methods: ['passkey'] })
    expect((await byPasskey(tab, one)).body.result.token).toMatch(/^oht_/)
    await server.call('PATCH', '/v1/settings', { challenge: null })
  })
})

describe('a reference', () => {
  test('asked for again is the same action without tokens; something else by it is refused', async () => {
    const asked = { reference: fresh(), attributes: { amount: 5, to: 'x' }, intent: 'Pay' }
    const first = await track(asked)
    const again = await track({ ...asked, attributes: { to: 'x', amount: 5 }, context: { userAgent: 'B' } })
    expect(first).toMatchObject({ status: 201, body: { isRepeated: false } })
    expect(again).toMatchObject({
      status: 200,
      body: { id: first.body.id, isRepeated: true, url: null, token: null },
    })
    for (const other of [{ attributes: { amount: 6, to: 'x' } }, { name: 'signIn' }, { intent: 'Play' }])
      expectRefusal(await track({ ...asked, ...other }), 'already_exists')
    // The url of the first answer still works.
    expect((await tabOf(server, first.body.id, first.body.token).get('current')).status).toBe(200)
    const live = await server.call(
      'POST',
      '/v1/actions',
      { name: 'payOut', ...asked },
      { key: server.liveKey },
    )
    expect(live.status).toBe(201)
  })
  test('with an Idempotency-Key answers as it did, status and tokens', async () => {
    const asked = { name: 'payOut', reference: fresh() }
    const answers = []
    for (let round = 0; round < 2; round++)
      answers.push(await server.post('/v1/actions', asked, { 'Idempotency-Key': 'reference' }))
    expect(answers.map(one => one.status)).toEqual([201, 201])
    expect(answers[0]?.body).toEqual(answers[1]?.body)
  })
  test('finds it in the list, beside name, user and state', async () => {
    const reference = fresh()
    const { id } = await tracked({ name: 'listed', reference })
    await tracked({ name: 'listed' })
    const list = async (query: string) =>
      (await server.get(`/v1/actions?${query}`)).body.data.map((one: { id: string }) => one.id)
    expect(await list(`reference=${encodeURIComponent(reference)}`)).toEqual([id])
    expect(await list('name=listed')).toHaveLength(2)
    expect(await list('name=listed&state=CHALLENGE_REQUIRED')).toHaveLength(2)
    expect(await list('name=listed&state=CHALLENGE_FAILED')).toEqual([])
    await later(server, 900_000)
    expect(await list('name=listed&state=CHALLENGE_FAILED')).toHaveLength(2)
    expect(await list('name=listed&state=CHALLENGE_REQUIRED')).toEqual([])
  })
})

test('attributes are told at validation by their hash, whatever the order of their fields', async () => {
  const { tab } = await tracked({ attributes: { b: [1, { d: 1, c: 'ü' }], a: null } })
  const { body } = await prove(server, tab, fresh())
  const valid = await validate(body.result.token)
  expect(valid.body.attributesHash).toBe(hashOf({ a: null, b: [1, { c: 'ü', d: 1 }] }))
  expect(valid.body.attributesHash).toBe('BPaDzo0oh6V0p4ODNDRfF6U7kZBYP5vzVjXv1lEQ5K0')
})

test.each([
  [{ name: '1x' }],
  [{ name: 'x'.repeat(65) }],
  [{ reference: '' }],
  [{ reference: 'x'.repeat(256) }],
  [{ intent: 'x'.repeat(201) }],
  [{ intent: 'two\nlines' }],
  [{ intent: 'turned \u202eround' }],
  [{ attributes: { text: 'x'.repeat(4096) } }],
  [{ attributes: [] }],
])('%j is refused', async wrong => {
  expectRefusal(await track(wrong), 'invalid_request', ['errors'])
})

test('an action at the first rule reads what is known of it', async () => {
  await addRule(server, { condition: 'user.ageDays >= 0 && ip.address == "192.0.2.7"', outcome: 'ALLOW' })
  const { id } = await somebody()
  const { decision, ...action } = await tracked({ userId: id, context: { ipAddress: '192.0.2.7' } })
  expect(action.outcome).toBe('ALLOW')
  expect(decision.seen).toEqual({ 'ip.address': '192.0.2.7', 'user.ageDays': 0 })
  expect(await signals(server, action.id)).toMatchObject({ user: { id, hasPasskey: false, isNew: false } })
})

test('no order of calls comes to a result, or to a session, before the review and both proofs', async () => {
  await server.call('PATCH', '/v1/settings', { action: { definitions: { payOut: { opensSession: true } } } })
  await addRule(server, { condition: 'true', outcome: 'REVIEW', requires: 2 })
  const one = await withPasskey()
  const calls = ['pass', 'identify', 'code', 'passkey', 'passkey', 'finish', 'session', 'cancel'] as const
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...calls), { minLength: 4, maxLength: 12 }), async order => {
      await later(server, 61 * 60_000)
      const { tab, id } = await tracked()
      const given = new Set<string>()
      let isPassed = false
      for (const call of order) {
        let answer: Answer
        if (call === 'pass') {
          answer = await review(id)
          if (answer.status === 200) isPassed = true
        } else if (call === 'identify') answer = await tab.post('identify', { to: one.to })
        else if (call === 'session') answer = await server.post('/v1/sessions', { actionId: id })
        else if (call === 'finish' || call === 'cancel') answer = await tab.post(call)
        else if (call === 'code') {
          answer = await tab.post('send', { method: 'emailCode' })
          if (answer.status === 200)
            answer = await tab.post('verify', { code: (await server.message({ to: one.to })).code })
          if (answer.status === 200) given.add('code')
        } else {
          answer = await tab.post('passkey')
          if (answer.status === 200) {
            const credential = one.device.authenticate(answer.body.publicKey)
            answer = await tab.post('verify', { credential })
          }
          if (answer.status === 200) given.add('passkey')
        }
        expect(given.size === 0 || isPassed).toBe(true)
        const isDone = isPassed && given.size === 2
        if (answer.body?.result || answer.body?.tokens) expect(isDone).toBe(true)
        expect((await read(id)).state === 'CHALLENGE_SUCCEEDED').toBe(isDone)
      }
    }),
    { numRuns: 25 },
  )
})
