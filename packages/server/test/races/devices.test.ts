import { afterAll, beforeAll, expect, test } from 'vitest'
import { fresh } from '../http/world.ts'
import type { TestServer } from '../setup/server.ts'
import { crowd, openToCrowds, send, settle, tally, times } from './crowd.ts'

let server: TestServer
beforeAll(async () => {
  server = await openToCrowds()
})
afterAll(async () => {
  await settle(server)
  await server.stop()
})

const CROWD = 20
const context = (deviceToken?: string) => ({ userAgent: 'A browser', ...(deviceToken && { deviceToken }) })

/** So many sign-ins of these people, each ready to be proven, at once. */
async function together(people: string[], deviceToken: string) {
  const asked = await Promise.all(people.map(to => send(server, to)))
  return await crowd(
    asked.map(
      ({ id, code }) =>
        () =>
          server.post(`/v1/challenges/${id}/verify`, { code, context: context(deviceToken) }),
    ),
  )
}
async function signedIn(to = fresh()) {
  const { id, code } = await send(server, to)
  const { body } = await server.post(`/v1/challenges/${id}/verify`, { code, context: context() })
  return { to, ...body }
}

test('sign-ins of one user that show one token at once are all on that device', async () => {
  const { to, session, tokens } = await signedIn()
  const answers = await together(Array(CROWD).fill(to), tokens.deviceToken)
  expect(tally(answers)).toEqual({ 200: CROWD })
  for (const { body } of answers)
    expect([body.session.deviceId, body.tokens.deviceToken]).toEqual([session.deviceId, null])
})

test('of others who show it at once one joins the device, and each has a token of their own', async () => {
  const { user, session, tokens } = await signedIn()
  const people = Array.from({ length: CROWD }, () => fresh())
  for (const to of people) await signedIn(to)
  const answers = await together(people, tokens.deviceToken)
  expect(tally(answers)).toEqual({ 200: CROWD })
  expect(answers.filter(({ body }) => body.session.deviceId === session.deviceId)).toHaveLength(1)
  expect(new Set(answers.map(({ body }) => body.tokens.deviceToken)).size).toBe(CROWD)
  const [device] = (await server.get(`/v1/users/${user.id}/devices`)).body.data
  expect(device.endedAt).toBeNull()
})

test('signing out everywhere ends a device, whatever signs in on it at the same moment', async () => {
  const { to, user, session, tokens } = await signedIn()
  const asked = await Promise.all(times(5, () => send(server, to) as never).map(call => call()))
  const answers = await crowd([
    ...(asked as unknown as { id: string; code: string }[]).map(
      ({ id, code }) =>
        () =>
          server.post(`/v1/challenges/${id}/verify`, { code, context: context(tokens.deviceToken) }),
    ),
    () => server.post(`/v1/users/${user.id}/sessions/revoke`, {}),
  ])
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  const { data } = (await server.get(`/v1/users/${user.id}/devices`)).body
  expect(data.find((one: { id: string }) => one.id === session.deviceId).endedAt).not.toBeNull()
  const after = await send(server, to)
  const { body } = await server.post(`/v1/challenges/${after.id}/verify`, {
    code: after.code,
    context: context(tokens.deviceToken),
  })
  expect(body.session.deviceId).not.toBe(session.deviceId)
})

test('sends from a known device at once: exactly as many pass as it has, whatever strangers take meanwhile', async () => {
  const { to, tokens } = await signedIn()
  const own = { to, context: context(tokens.deviceToken) }
  const answers = await crowd([
    ...times(CROWD, () => server.post('/v1/challenges', own)),
    ...times(CROWD, () => server.post('/v1/challenges', { to })),
  ])
  expect(tally(answers.slice(0, CROWD))).toEqual({ 201: 5, rate_limited: CROWD - 5 })
  expect(answers.find(({ status }) => status === 429)?.body.limit).toBe('sendsPerKnownDevice')
  expect(tally(answers.slice(CROWD))).toEqual({ 201: CROWD })
})

test('one that is ended while it sends counts as known or as none, and never as both', async () => {
  const { to, user, session, tokens } = await signedIn()
  const own = { to, context: context(tokens.deviceToken) }
  const answers = await crowd([
    ...times(CROWD, () => server.post('/v1/challenges', own)),
    () => server.post(`/v1/users/${user.id}/devices/${session.deviceId}/end`, {}),
  ])
  const sent = tally(answers.slice(0, CROWD))
  expect((sent[201] ?? 0) + (sent.rate_limited ?? 0)).toBe(CROWD)
  for (const { status, body } of answers.slice(0, CROWD))
    if (status === 429) expect(body.limit).toBe('sendsPerKnownDevice')
  // Ended, it is as none from now on: one send counts for the address, if none of the crowd did, and the next one is too many.
  await server.call('PATCH', '/v1/settings', { limits: { sendsPerAddressUntold: { minute: 1 } } })
  const first = await server.post('/v1/challenges', own)
  if (first.status !== 201) expect(first.body.limit).toBe('sendsPerAddressUntold')
  expect((await server.post('/v1/challenges', own)).body.limit).toBe('sendsPerAddressUntold')
})
