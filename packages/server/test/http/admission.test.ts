import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'
import { appOf, begin } from './browser.ts'

/** A process that has no room says so at once, and keeps some for those who have their code already. */

let server: TestServer
beforeAll(async () => {
  server = await testServer({ capacity: { calls: 12, sends: 8 } })
})
afterAll(() => server.stop())

const send = (index: number) => server.post('/v1/challenges', { to: `a${index}@x.test` })

test('sends past their part are refused at once, and nothing is written of them', async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => send(index)))
  const [full] = answers.filter(({ status }) => status === 503)
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(8)
  expect(full?.body).toMatchObject({ code: 'unavailable', limit: 'capacity', retryAfterSeconds: 1 })
  expect(full?.headers.get('retry-after')).toBe('1')
  const { body } = await server.get('/v1/challenges?limit=100')
  expect(body.data).toHaveLength(8)
})

test('while sends fill their part, verify gets in; past the whole nobody does', async () => {
  const { body: challenge } = await send(100)
  const { code } = await server.message({ challengeId: challenge.id })
  const sends = Array.from({ length: 30 }, (_, index) => send(200 + index))
  const verified = server.post(`/v1/challenges/${challenge.id}/verify`, { code })
  expect((await verified).status).toBe(200)
  await Promise.all(sends)
  const users = await Promise.all(Array.from({ length: 30 }, () => server.get('/v1/users')))
  expect(users.filter(({ status }) => status === 200)).toHaveLength(12)
})

test('a call that only waits for a message takes no room, and every place is given back', async () => {
  const waiting = Array.from({ length: 20 }, () => server.get('/v1/messages?to=nobody@x.test&wait=1'))
  expect((await server.get('/v1/users')).status).toBe(200)
  expect((await Promise.all(waiting)).every(({ status }) => status === 200)).toBe(true)
  // Refusals, too, give their place back.
  for (let round = 0; round < 3; round++) {
    const wrong = await Promise.all(
      Array.from({ length: 8 }, () => server.post('/v1/challenges', { to: 'none' })),
    )
    expect(wrong.every(({ status }) => status === 400)).toBe(true)
  }
  expect((await send(300)).status).toBe(201)
})

test('sends of browsers have the same part; a waiting page takes no room', async () => {
  const app = await appOf(server)
  const tabs = await Promise.all(Array.from({ length: 12 }, () => begin(server, app)))
  for (const [index, tab] of tabs.entries()) await tab.post('identify', { to: `b${index}@x.test` })
  const open = await Promise.all(
    tabs.map(tab =>
      server.ostiary.app.request('/client/v1/actions/events', {
        headers: { Authorization: `Bearer ${tab.token}` },
      }),
    ),
  )
  const sent = await Promise.all(tabs.map(tab => tab.post('send', { method: 'emailCode' })))
  expect(sent.filter(({ status }) => status === 200)).toHaveLength(8)
  expect(sent.find(({ status }) => status === 503)?.body).toMatchObject({ limit: 'capacity' })
  await Promise.all(open.map(stream => stream.body?.cancel()))
})
