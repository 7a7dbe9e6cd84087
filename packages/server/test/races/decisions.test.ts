import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { APP_ORIGIN, appOf, sendTo, tabOf } from '../http/browser.ts'
import { addRule } from '../http/rule-set.ts'
import { fresh } from '../http/world.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type TestServer, testServer } from '../setup/server.ts'

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
})
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const CROWD = 20
const atOnce = <T>(count: number, task: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => task(index)))
const statuses = (answers: { status: number }[]) =>
  Object.fromEntries(
    [...Map.groupBy(answers, one => one.status)].map(([status, list]) => [status, list.length]),
  )
const track = (body: object) => server.post('/v1/actions', { appId: app.id, ...body })

test('of twenty decisions of one review one counts', async () => {
  await addRule(server, { actionName: 'reviewed', condition: 'true', outcome: 'REVIEW' })
  const { id } = (await track({ name: 'reviewed' })).body
  const answers = await atOnce(CROWD, index =>
    server.call('PATCH', `/v1/actions/${id}`, { state: index % 2 ? 'REVIEW_SUCCEEDED' : 'REVIEW_FAILED' }),
  )
  expect(statuses(answers)).toEqual({ 200: 1, 409: CROWD - 1 })
  const decided = answers.find(one => one.status === 200)?.body.state
  expect((await server.get(`/v1/actions/${id}`)).body.state).toBe(decided)
  expect((await server.get(`/v1/events?actionId=${id}&type=action.reviewed`)).body.data).toHaveLength(1)
})

test('of twenty with one reference one makes the action, and all are told of it', async () => {
  const asked = { name: 'referred', reference: fresh() }
  const answers = await atOnce(CROWD, () => track(asked))
  expect(statuses(answers)).toEqual({ 200: CROWD - 1, 201: 1 })
  expect(new Set(answers.map(one => one.body.id)).size).toBe(1)
  expect(answers.filter(one => one.body.token !== null)).toHaveLength(1)
})

test('of two proofs at once of two that are asked for none is lost, and no result comes before both', async () => {
  await addRule(server, { actionName: 'both', condition: 'true', outcome: 'CHALLENGE', requires: 2 })
  const to = fresh()
  const { user } = (await server.signIn(to)).body
  server.clock.advance(61_000)
  const device = softwareAuthenticator({ origin: APP_ORIGIN })
  const ofUser = { id: Buffer.from(user.id).toString('base64url') }
  device.register({ challenge: '', rp: { id: 'localhost' }, user: ofUser })
  await server.post(`/v1/users/${user.id}/authenticators`, {
    type: 'passkey',
    credentialId: device.passkeys[0]?.id,
    publicKey: device.passkeys[0]?.publicKey.toString('base64url'),
    isBackupEligible: false,
  })
  const { id, token } = (await track({ name: 'both' })).body
  const tab = tabOf(server, id, token)
  const { code } = await sendTo(server, tab, to)
  const { publicKey } = (await tab.post('passkey')).body
  const credential = device.authenticate(publicKey)
  const answers = await Promise.all([
    tab.post('verify', { code }),
    tab.post('verify', { credential }),
    tab.post('verify', { code }),
    tab.post('verify', { credential }),
  ])
  // The other one was begun for whoever would come: it is worth nothing once somebody has.
  expect(answers.filter(one => one.status === 200)).toHaveLength(1)
  expect(answers.every(one => !one.body.result)).toBe(true)
  const action = (await server.get(`/v1/actions/${id}`)).body
  expect(action).toMatchObject({ state: 'CHALLENGE_REQUIRED', userId: user.id })
  expect(action.completedSteps).toHaveLength(1)
})

test('of twenty who tell one unknown externalId one makes the user, and all are told of that one', async () => {
  for (const [round, email] of [fresh(), undefined].entries()) {
    const externalId = `raced-${round}`
    const answers = await atOnce(CROWD, index =>
      // Some make the user by another way, at the same time.
      index % 5 === 4
        ? server.post('/v1/users', { externalId })
        : track({ name: 'payOut', user: { externalId, ...(email && { email }) } }),
    )
    expect(answers.filter(one => ![201, 409].includes(one.status))).toEqual([])
    const { data } = (await server.get(`/v1/users?externalId=${externalId}`)).body
    expect(data).toHaveLength(1)
    const tracked = answers.filter((_, index) => index % 5 !== 4)
    expect(new Set(tracked.map(one => one.body.userId))).toEqual(new Set([data[0].id]))
    const made = await server.get(`/v1/events?type=user.created&userId=${data[0].id}`)
    expect(made.body.data).toHaveLength(1)
  }
})

describe('an enrolment that a rule takes', () => {
  let isAsked = false
  /** Some browsers at the step `enroll`, each in an action of its own about one person. */
  const enrolling = async (count: number) => {
    if (!isAsked)
      await addRule(server, {
        actionName: 'enrolled',
        condition: 'true',
        outcome: 'CHALLENGE',
        methods: ['passkey'],
        enrolmentCounts: true,
      })
    isAsked = true
    const to = fresh()
    const { user } = (await server.signIn(to)).body
    const tabs = []
    for (let left = count; left > 0; left--) {
      server.clock.advance(61_000)
      const { id, token } = (await track({ name: 'enrolled', userId: user.id })).body
      const tab = tabOf(server, id, token)
      await tab.post('send', { method: 'emailCode' })
      const proven = await tab.post('verify', { code: (await server.message({ to })).code })
      expect(proven.body.step).toBe('enroll')
      const { publicKey } = (await tab.post('enroll')).body
      const credential = softwareAuthenticator({ origin: APP_ORIGIN }).register(publicKey)
      tabs.push({ id, tab, finish: () => tab.post('enroll/finish', { credential }) })
    }
    const keys = async () => (await server.get(`/v1/users/${user.id}/authenticators`)).body.data
    return { userId: user.id as string, tabs, keys }
  }

  test('is one, of many at once in one action and in two', async () => {
    for (let round = 0; round < 4; round++) {
      const { tabs, keys } = await enrolling(2)
      const answers = await atOnce(10, index => tabs[index % 2]?.finish() ?? Promise.reject())
      const [first, ...others] = answers.filter(one => one.status === 200)
      expect(first?.body.result.token).toMatch(/^oht_/)
      expect(others).toEqual([])
      expect(await keys()).toEqual([first?.body.authenticator])
    }
  })

  test('or a cancellation, and not both', async () => {
    for (let round = 0; round < 4; round++) {
      const { tabs, keys } = await enrolling(1)
      const [one] = tabs
      const answers = await Promise.all([one?.finish(), one?.tab.post('cancel')])
      expect(answers.filter(answer => answer?.status === 200)).toHaveLength(1)
      expect(await keys()).toHaveLength(answers[0]?.status === 200 ? 1 : 0)
      const { state } = (await server.get(`/v1/actions/${one?.id}`)).body
      expect(state).toBe(answers[0]?.status === 200 ? 'CHALLENGE_SUCCEEDED' : 'CHALLENGE_FAILED')
    }
  })

  test('beside signing out everywhere leaves nothing to redeem', async () => {
    for (let round = 0; round < 4; round++) {
      const { userId, tabs, keys } = await enrolling(1)
      const [enrolled] = await Promise.all([
        tabs[0]?.finish(),
        server.post(`/v1/users/${userId}/sessions/revoke`),
      ])
      expect(await keys()).toHaveLength(enrolled?.status === 200 ? 1 : 0)
      const token = enrolled?.body.result?.token
      if (!token) continue
      const validated = await server.post('/v1/actions/validate', { token, action: 'enrolled' })
      expect(validated.body.code).toBe('token_invalid')
    }
  })
})
