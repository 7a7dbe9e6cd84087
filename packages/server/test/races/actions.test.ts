import { afterAll, beforeAll, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { appOf, begin, browse, openLink, prove, sendTo } from '../http/browser.ts'
import { fresh } from '../http/world.ts'
import type { Answer } from '../setup/server.ts'
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

const CROWD = 50
const atOnce = <T>(count: number, task: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => task(index)))
const statuses = (answers: { status: number }[]) =>
  Object.fromEntries(
    [...Map.groupBy(answers, one => one.status)].map(([status, list]) => [status, list.length]),
  )

test('of fifty that validate at once one opens the session, and all are told of the same user', async () => {
  const { token } = (await prove(server, await begin(server, app), fresh())).body.result
  const answers: Answer[] = await atOnce(CROWD, () =>
    server.post('/v1/actions/validate', { token, action: 'signIn' }),
  )
  expect(statuses(answers)).toEqual({ 200: CROWD })
  const sessions = answers.flatMap(one => one.body.session ?? [])
  expect(sessions).toHaveLength(1)
  expect(new Set(answers.map(one => one.body.user.id)).size).toBe(1)
  const [first] = answers
  expect((await server.get(`/v1/users/${first?.body.user.id}/sessions`)).body.data).toHaveLength(1)
})

test('of fifty right codes at once one gets the result', async () => {
  const tab = await begin(server, app)
  const { code } = await sendTo(server, tab, fresh())
  const answers = await atOnce(CROWD, () => tab.post('verify', { code }))
  expect(answers.filter(one => one.status === 200)).toHaveLength(1)
  expect(answers.filter(one => one.status === 409)).toHaveLength(CROWD - 1)
})

test('of fifty that open one url at once one gets the cookie', async () => {
  const { url } = (await server.post('/v1/actions', { name: 'signIn' })).body
  const token = url.slice(url.lastIndexOf('/') + 1)
  const headers = { 'Sec-Fetch-Site': 'same-origin' }
  const answers = await atOnce(CROWD, () =>
    browse(server, 'POST', '/client/v1/actions/open', { token }, { headers }),
  )
  expect(statuses(answers)).toEqual({ 200: 1, 400: CROWD - 1 })
})

test('of two approvals at once one number counts, and one result comes', async () => {
  const tab = await begin(server, app, {})
  const { link } = await sendTo(server, tab, fresh(), 'emailLink')
  const devices = await atOnce(2, () => openLink(server, link))
  await Promise.all(devices.map(one => one.press()))
  const { number } = (await tab.get('current')).body.challenge
  const pressed = await Promise.all(devices.map(one => one.press(number)))
  expect(pressed.filter(one => one.status === 200)).toHaveLength(1)
  const finished = await atOnce(10, () => tab.post('finish'))
  expect(statuses(finished)).toEqual({ 200: 1, 409: 9 })
})

test('of twenty right numbers at once one proves', async () => {
  const tab = await begin(server, app, {})
  const { link } = await sendTo(server, tab, fresh(), 'emailLink')
  const device = await openLink(server, link)
  await device.press()
  const { number } = (await tab.get('current')).body.challenge
  const pressed = await atOnce(20, () => device.press(number))
  // 409: the approval is over; 410: the action is.
  expect(pressed.map(one => one.status === 200 || one.status === 409 || one.status === 410)).not.toContain(
    false,
  )
  expect(pressed.filter(one => one.status === 200)).toHaveLength(1)
})

test('proof and cancel at once: one of them has happened, wholly', async () => {
  for (let round = 0; round < 10; round++) {
    const to = fresh()
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, to)
    const [proven, cancelled] = await Promise.all([tab.post('verify', { code }), tab.post('cancel')])
    expect([proven.status, cancelled.status].sort()).toEqual([200, 409])
    const { body } = await server.get(`/v1/actions/${tab.id}`)
    expect(body.state).toBe(proven.status === 200 ? 'CHALLENGE_SUCCEEDED' : 'CHALLENGE_FAILED')
    // A proof that came too late is taken back whole: the person is not there, either.
    const users = (await server.get(`/v1/users?email=${to}`)).body.data
    expect(users).toHaveLength(proven.status === 200 ? 1 : 0)
  }
})

test('validate and the session by id at once open one session', async () => {
  for (let round = 0; round < 5; round++) {
    const { id, token } = (await server.post('/v1/actions', { name: 'signIn' })).body
    const call = (path: string, body: object) =>
      browse(server, 'POST', `/client/v1/actions/${path}`, body, { bearer: token })
    const to = fresh()
    await call('identify', { to })
    await call('send', { method: 'emailCode' })
    const { code } = await server.message({ to })
    const { result } = (await call('verify', { code })).body
    const [valid, opened] = await Promise.all([
      server.post('/v1/actions/validate', { token: result.token, action: 'signIn' }),
      server.post('/v1/sessions', { actionId: id }),
    ])
    const sessions = [valid.body.session, opened.body.session].filter(one => one != null)
    expect(sessions).toHaveLength(1)
  }
})
