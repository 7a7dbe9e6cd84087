import { afterAll, beforeAll, expect, test } from 'vitest'
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
