import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { tabOf } from './browser.ts'
import { addRule, dropRules } from './rule-set.ts'
import { fresh, later } from './world.ts'

/** Users whom a backend names by an `externalId` that nobody has (CONTRACT section 5). */

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterEach(() => dropRules(server))
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
})

let count = 0
const unknown = () => `person-${++count}`
const track = (body: object, headers = {}) =>
  server.call('POST', '/v1/actions', { name: 'payOut', ...body }, { headers })
const usersOf = async (externalId: string) =>
  (await server.get(`/v1/users?externalId=${externalId}`)).body.data
const eventsOf = async (id: string) =>
  (await server.get(`/v1/events?userId=${id}&type=user.created`)).body.data

describe('somebody whom nobody knows', () => {
  test('is made with the action, the address unproven', async () => {
    const [externalId, email] = [unknown(), fresh()]
    const { status, body } = await track({ user: { externalId, email } })
    expect(status, JSON.stringify(body)).toBe(201)
    expect(body).toMatchObject({ state: 'CHALLENGE_REQUIRED', isEnrolled: false })
    const [user] = await usersOf(externalId)
    expect(user).toMatchObject({ id: body.userId, email, emailVerified: false, lastSignInAt: null })
    expect(await eventsOf(user.id)).toMatchObject([{ actionId: body.id, data: { isImported: false } }])
    // Known from now on: what is told of an address later is not put there.
    const again = await track({ user: { externalId, email: fresh() } })
    expect(again.body.userId).toBe(user.id)
    expect((await usersOf(externalId))[0].identifiers).toEqual(user.identifiers)
    expect(await eventsOf(user.id)).toHaveLength(1)
    const tab = tabOf(server, body.id, body.token)
    await tab.post('send', { method: 'emailCode' })
    const { code } = await server.message({ to: email })
    const { result } = (await tab.post('verify', { code })).body
    const validated = await server.post('/v1/actions/validate', { token: result.token, action: 'payOut' })
    expect(validated.body.user).toMatchObject({ id: user.id, externalId, emailVerified: true })
  })

  test('with an address that is somebody else’s gets nothing of theirs', async () => {
    const email = fresh()
    const { user: owner } = (await server.signIn(email)).body
    await later(server, 61_000)
    const { body } = await track({ user: { externalId: unknown(), email } })
    expect(body.userId).not.toBe(owner.id)
    const tab = tabOf(server, body.id, body.token)
    await tab.post('send', { method: 'emailCode' })
    const messages = (await server.get(`/v1/messages?to=${email}`)).body.data
    const verified = await tab.post('verify', { code: messages[0]?.code ?? '123456' })
    expect(verified.status).toBeGreaterThan(399)
    expect((await server.get(`/v1/users/${owner.id}`)).body).toMatchObject({ email, emailVerified: true })
  })

  test('is new to the rules', async () => {
    await addRule(server, { condition: 'user.isNew', outcome: 'BLOCK' })
    const externalId = unknown()
    expect((await track({ user: { externalId, email: fresh() } })).body.state).toBe('BLOCK')
    expect((await track({ user: { externalId } })).body.state).toBe('CHALLENGE_REQUIRED')
    expect(await usersOf(externalId)).toHaveLength(1)
  })

  test.each(['payOut', 'signIn'])(
    'and of whom no address is told is for a person to look at: %s',
    async name => {
      const externalId = unknown()
      const { body } = await track({ name, user: { externalId } })
      expect(body).toMatchObject({
        outcome: 'REVIEW',
        state: 'REVIEW_REQUIRED',
        nextStep: { type: 'review' },
      })
      expect(await usersOf(externalId)).toMatchObject([{ id: body.userId, email: null, identifiers: [] }])
      await server.call('PATCH', `/v1/actions/${body.id}`, { state: 'REVIEW_SUCCEEDED' })
      // Nobody types an address into it, and a passkey is all that would be left.
      const tab = tabOf(server, body.id, body.token)
      expect((await tab.get('current')).body).toMatchObject({ step: 'method', methods: ['passkey'] })
      expectRefusal(await tab.post('identify', { to: fresh() }), 'state_conflict')
      expectRefusal(await tab.post('send', { method: 'emailCode' }), 'invalid_request', ['errors'])
      expectRefusal(await tab.post('finish'), 'state_conflict')
    },
  )

  test.each(['ALLOW', 'BLOCK'])('and of whom no address is told is what the rules say: %s', async outcome => {
    await addRule(server, { condition: 'true', outcome })
    expect((await track({ user: { externalId: unknown() } })).body).toMatchObject({ outcome, state: outcome })
  })
})

describe('once', () => {
  test('for a reference, and for a key', async () => {
    const [externalId, reference] = [unknown(), fresh()]
    const user = { externalId, email: fresh() }
    const first = await track({ reference, user })
    const second = await track({ reference, user })
    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.body).toMatchObject({ id: first.body.id, userId: first.body.userId })
    const key = { 'Idempotency-Key': fresh() }
    const other = { user: { externalId: unknown() } }
    const kept = await track(other, key)
    expect((await track(other, key)).body).toEqual(kept.body)
    for (const id of [externalId, other.user.externalId]) expect(await usersOf(id)).toHaveLength(1)
  })

  test('and not again for a reference, whatever became of the user', async () => {
    const asked = { reference: fresh(), user: { externalId: unknown(), email: fresh() } }
    const first = await track(asked)
    expect((await server.call('DELETE', `/v1/users/${first.body.userId}`)).status).toBe(204)
    const again = await track(asked)
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id, isRepeated: true } })
    expect(await usersOf(asked.user.externalId)).toEqual([])
  })

  test('and not at all where something else was asked for by the reference', async () => {
    const reference = fresh()
    await track({ reference })
    const externalId = unknown()
    expectRefusal(await track({ reference, user: { externalId } }), 'already_exists')
    expect(await usersOf(externalId)).toEqual([])
  })

  test('and not where the request is wrong', async () => {
    const externalId = unknown()
    for (const body of [
      { user: { externalId, email: 'nobody' } },
      { user: { externalId }, userId: 'usr_01k6z5v9hrf0qv2s8yb7m3c4dn' },
      { user: {} },
    ])
      expectRefusal(await track(body), 'invalid_request', ['errors'])
    expectRefusal(await track({ user: { externalId }, appId: 'app_01k6z5v9hrf0qv2s8yb7m3c4dn' }), 'not_found')
    expect(await usersOf(externalId)).toEqual([])
  })
})
