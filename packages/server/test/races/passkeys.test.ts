import { afterAll, beforeAll, expect, test } from 'vitest'
import { begin, sendTo } from '../http/browser.ts'
import { fresh } from '../http/world.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import type { TestServer } from '../setup/server.ts'
import { crowd, openToCrowds, settle, successes, tally, times } from './crowd.ts'

let server: TestServer
beforeAll(async () => {
  server = await openToCrowds()
})
afterAll(async () => {
  await settle(server)
  await server.stop()
})

const CROWD = 50
const begun = async (more: object = {}) =>
  (await server.post('/v1/challenges', { method: 'passkey', ...more })).body
const verify = (id: string, credential: object) => server.post(`/v1/challenges/${id}/verify`, { credential })

async function somebody() {
  const { user } = (await server.signIn(fresh())).body
  const device = softwareAuthenticator({ counter: 1 })
  const registering = await begun({ ceremony: 'registration', userId: user.id })
  expect((await verify(registering.id, device.register(registering.publicKey))).status).toBe(200)
  return { user, device }
}

test('of fifty that present one answer at once one gets the session', async () => {
  const { user, device } = await somebody()
  const before = (await server.get(`/v1/users/${user.id}/sessions`)).body.data.length
  const { id, publicKey } = await begun()
  const credential = device.authenticate(publicKey)
  const answers = await crowd(times(CROWD, () => verify(id, credential)))
  expect(tally(answers)).toEqual({ 200: 1, challenge_used: CROWD - 1 })
  expect((await server.get(`/v1/users/${user.id}/sessions`)).body.data).toHaveLength(before + 1)
})

test('of fifty wrong answers and a right one, the first of them is all that is judged', async () => {
  const { device } = await somebody()
  const { id, publicKey } = await begun()
  const right = device.authenticate(publicKey)
  const wrong = device.authenticate(publicKey, { breakSignature: true })
  const answers = await crowd([...times(CROWD, () => verify(id, wrong)), () => verify(id, right)])
  const counts = tally(answers)
  expect((counts[200] ?? 0) + (counts.token_invalid ?? 0)).toBe(1)
})

test('of two copies of a passkey that answer at once with one count, one is let in', async () => {
  const { device } = await somebody()
  const [passkey] = device.passkeys
  if (!passkey) throw new Error('no passkey')
  const asked = await Promise.all(Array.from({ length: 10 }, () => begun()))
  const answers = await crowd(
    asked.map(
      ({ id, publicKey }) =>
        () =>
          verify(id, device.authenticate(publicKey, { counter: 9 })),
    ),
  )
  expect(tally(answers)).toEqual({ 200: 1, token_invalid: 9 })
})

test('of two users who register one credential at once one has it', async () => {
  const credentialId = Buffer.alloc(32, 7)
  const users = await Promise.all(
    Array.from({ length: 8 }, async () => (await server.signIn(fresh())).body.user),
  )
  const asked = await Promise.all(users.map(({ id }) => begun({ ceremony: 'registration', userId: id })))
  const answers = await crowd(
    asked.map(
      ({ id, publicKey }) =>
        () =>
          verify(id, softwareAuthenticator().register(publicKey, { credentialId })),
    ),
  )
  expect(tally(answers)).toEqual({ 200: 1, token_invalid: 7 })
  const held = await Promise.all(
    users.map(async ({ id }) => (await server.get(`/v1/users/${id}/authenticators`)).body.data.length),
  )
  expect(held.reduce((sum, one) => sum + one, 0)).toBe(1)
})

test('of taking the offer and skipping it at once, one gives the result', async () => {
  // The default app, which both nodes know.
  const app = (await server.get('/v1/apps')).body.data.find((one: { isDefault: boolean }) => one.isDefault)
  const headers = { Origin: 'http://localhost:3000' }
  for (let round = 0; round < 5; round++) {
    const tab = await begin(server, app, {}, { headers })
    const { code } = await sendTo(server, tab, fresh())
    expect((await tab.post('verify', { code, canOffer: true })).body.step).toBe('offer')
    const { publicKey } = (await tab.post('enroll')).body
    const credential = softwareAuthenticator().register(publicKey)
    const answers = await crowd([
      ...times(5, () => tab.post('finish')),
      ...times(5, () => tab.post('enroll/finish', { credential })),
    ])
    expect(successes(answers)).toHaveLength(1)
  }
})

test('of blocking and signing in at once nobody is left inside', async () => {
  for (let round = 0; round < 5; round++) {
    const { user, device } = await somebody()
    const { id, publicKey } = await begun()
    const credential = device.authenticate(publicKey)
    const [signed] = await crowd([
      () => verify(id, credential),
      () => server.post(`/v1/users/${user.id}/block`),
    ])
    expect(['200', 'user_blocked', 'challenge_expired']).toContain(
      signed?.status === 200 ? '200' : signed?.body.code,
    )
    const sessions = (await server.get(`/v1/users/${user.id}/sessions`)).body.data
    expect(sessions.filter((one: { revokedAt: string | null }) => one.revokedAt === null)).toEqual([])
  }
})
