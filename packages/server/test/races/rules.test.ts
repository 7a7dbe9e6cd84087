import { afterAll, beforeAll, expect, it } from 'vitest'
import type { TestServer } from '../setup/server.ts'
import { crowd, openToCrowds, successes, tally, times } from './crowd.ts'

let server: TestServer
beforeAll(async () => {
  server = await openToCrowds()
})
afterAll(() => server.stop())

const RULE = { name: 'a rule', condition: 'device.known', outcome: 'ALLOW' }

it('two hundred saves with the same ETag: one wins, the rest are told', async () => {
  const made = await server.post('/v1/rules', RULE)
  const headers = { 'If-Match': made.headers.get('etag') ?? '' }
  const answers = await crowd(
    times(200, () =>
      server.call('PATCH', `/v1/rules/${made.body.id}`, { condition: 'device.isRemembered' }, { headers }),
    ),
  )
  expect(tally(answers)).toEqual({ 200: 1, precondition_failed: 199 })
})

it('the same of a list', async () => {
  const made = await server.post('/v1/lists', { name: 'one', entries: ['a'] })
  const headers = { 'If-Match': made.headers.get('etag') ?? '' }
  const answers = await crowd(
    times(100, () => server.call('PATCH', `/v1/lists/${made.body.id}`, { entries: ['b'] }, { headers })),
  )
  expect(tally(answers)).toEqual({ 200: 1, precondition_failed: 99 })
})

it('saves, deletions and ways back at once: every version holds what its change left, and none is missing', async () => {
  const start = (await server.get('/v1/rules/versions')).body.data[0].version
  const doomed = (await server.post('/v1/rules', RULE)).body.id
  const answers = await crowd([
    ...times(20, () => server.post('/v1/rules', RULE)),
    ...times(5, () => server.post('/v1/rules/rollback', { version: start })),
    ...times(10, () => server.call('DELETE', `/v1/rules/${doomed}`)),
  ])
  expect(answers.every(({ status }) => status < 500)).toBe(true)
  const { data } = (await server.get('/v1/rules/versions')).body
  const done = successes(answers).length
  expect(data[0].version).toBe(start + 1 + done)
  expect(data.slice(0, done).map((one: { version: number }) => one.version)).toEqual(
    Array.from({ length: done }, (_, index) => start + 1 + done - index),
  )
  const { rules } = (await server.get(`/v1/rules/versions/${data[0].version}`)).body
  const now = (await server.get('/v1/rules?limit=100')).body.data
  expect(rules).toEqual(now.reverse())
})
