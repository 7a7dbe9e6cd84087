import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { presentedHash } from '../../src/core/devices/devices.ts'
import type { NetworkBook } from '../../src/core/signals/networks.ts'
import { seenSignals } from '../../src/core/signals/signals.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { codeOf, fresh, later, send, wrongCode } from './world.ts'

const networks: NetworkBook = {
  lookup: address => (address.startsWith('192.0.2.') ? { country: 'DE', asn: 64500 } : {}),
}
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

let server: TestServer
beforeAll(async () => {
  server = await testServer({ networks })
})
afterAll(() => server.stop())

async function signIn(to: string, deviceToken: string | null = null, ipAddress = '192.0.2.1') {
  await later(server, 61_000)
  const { id } = await send(server, { to })
  const context = { ipAddress, userAgent: BROWSER, ...(deviceToken !== null && { deviceToken }) }
  const answer = await server.post(`/v1/challenges/${id}/verify`, { code: await codeOf(server, id), context })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body
}

async function signals(
  userId: string | null,
  shown: string | null | undefined,
  slug = 'test',
  ipAddress?: string,
) {
  const { deps } = server.ostiary
  const { store, keyring, networks, epoch, clock } = deps
  const environmentId = (await deps.directory.bySlug(slug))?.environment.id ?? ''
  const presented = presentedHash(keyring, shown)
  const now = clock.now()
  const past = userId === null ? null : await store.readPast({ environmentId, userId, presented, epoch, now })
  return seenSignals({ ipAddress: ipAddress ?? null, userAgent: BROWSER }, past, networks, now)
}
const isKnown = async (userId: string, shown: string, slug?: string) =>
  (await signals(userId, shown, slug)).device.known

describe('device.known', () => {
  test('is told by the token alone: no id, no other kind, no made up one', async () => {
    const { user, session, tokens } = await signIn(fresh())
    expect((await signals(user.id, tokens.deviceToken)).device).toEqual({
      known: true,
      isNew: false,
      isRemembered: true,
      count: 1,
      ageDays: 0,
    })
    const fakes = [session.deviceId, `odt_${'A'.repeat(43)}`, `oht_${tokens.deviceToken.slice(4)}`, '']
    for (const fake of fakes) expect(await isKnown(user.id, fake)).toBe(false)
    expect((await signals(user.id, null)).device).toMatchObject({ known: false, isNew: true, count: 1 })
    expect((await signals(user.id, undefined)).device).toEqual({ count: 1 })
    expect((await signals(null, tokens.deviceToken)).device).toEqual({})
  })

  test('is not told of another user, by the token before, or in another environment', async () => {
    const [first, other] = [await signIn(fresh()), await signIn(fresh())]
    expect(await isKnown(other.user.id, first.tokens.deviceToken)).toBe(false)
    const joined = await signIn(other.user.email, first.tokens.deviceToken)
    expect(await isKnown(other.user.id, joined.tokens.deviceToken)).toBe(true)
    expect(await isKnown(first.user.id, joined.tokens.deviceToken)).toBe(true)
    expect(await isKnown(other.user.id, first.tokens.deviceToken)).toBe(false)
    expect(await isKnown(first.user.id, joined.tokens.deviceToken, 'live')).toBe(false)
  })

  test('ends with the device, for this user alone', async () => {
    const first = await signIn(fresh())
    const other = await signIn(fresh(), first.tokens.deviceToken)
    const { deviceToken } = other.tokens
    await server.post(`/v1/users/${first.user.id}/devices/${first.session.deviceId}/end`, {})
    expect((await signals(first.user.id, deviceToken)).device).toMatchObject({ known: false, count: 0 })
    expect(await isKnown(other.user.id, deviceToken)).toBe(true)
    await server.tamper(`UPDATE devices SET ended_at = 1 WHERE id = '${first.session.deviceId}'`)
    expect(await isKnown(other.user.id, deviceToken)).toBe(false)
  })

  test('ends with the epoch', async () => {
    const { user, session, tokens } = await signIn(fresh())
    await server.tamper(`UPDATE devices SET epoch = 7 WHERE id = '${session.deviceId}'`)
    expect((await signals(user.id, tokens.deviceToken)).device).toMatchObject({ known: false, count: 0 })
  })
})

test('wrong answers at an address count for whoever has proven it, and not for who only claims it', async () => {
  const [to, claimant] = [fresh(), await signIn(fresh())]
  const owner = await signIn(to)
  const claimed = fresh()
  const path = `/v1/users/${claimant.user.id}/identifiers`
  expect((await server.post(path, { type: 'email', value: claimed })).status).toBe(201)
  for (const address of [to, claimed]) {
    const { id } = await send(server, { to: address })
    await server.post(`/v1/challenges/${id}/verify`, { code: wrongCode(await codeOf(server, id)) })
  }
  expect((await signals(owner.user.id, null)).history.failures).toEqual({ hour: 1, day: 1 })
  expect((await signals(claimant.user.id, null)).history.failures).toEqual({ hour: 0, day: 0 })
})

test('a past: sign-ins and wrong answers of this user, by their windows', async () => {
  const to = fresh()
  const { user } = await signIn(to)
  await signIn(fresh())
  await later(server, 2 * 60 * 60_000)
  await signIn(to, null, '198.51.100.7')
  const challenge = await send(server, { to })
  const code = await codeOf(server, challenge.id)
  for (let count = 0; count < 2; count++)
    await server.post(`/v1/challenges/${challenge.id}/verify`, { code: wrongCode(code) })
  const context = { ipAddress: '198.51.100.7' }
  await server.post(`/v1/challenges/${challenge.id}/verify`, { code, context })
  const { history, ip } = await signals(user.id, null, 'test', '192.0.2.250')
  expect(history.signIns).toEqual({ hour: 2, day: 3, month: 3 })
  expect(history.failures).toEqual({ hour: 2, day: 2 })
  expect(history.lastSignInAt).toBe(server.clock.now())
  expect(ip).toEqual({ address: '192.0.2.250', country: 'DE', asn: 64500, isNew: false })
  expect((await signals(user.id, null, 'test', '203.0.113.1')).ip).toEqual({
    address: '203.0.113.1',
    isNew: true,
  })
  await later(server, 61 * 60_000)
  expect((await signals(user.id, null)).history.failures).toEqual({ hour: 0, day: 2 })
  await later(server, 24 * 60 * 60_000)
  expect((await signals(user.id, null)).history).toMatchObject({
    signIns: { hour: 0, day: 0, month: 3 },
    failures: { hour: 0, day: 0 },
  })
  // Another environment knows nothing of them.
  expect((await signals(user.id, null, 'live')).history.signIns).toEqual({ hour: 0, day: 0, month: 0 })
})
