import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'
import { begin, browse, S256, sendTo, VERIFIER } from './browser.ts'
import { addAddress, FIREFOX, HOME, noticesTo, signedIn } from './person.ts'
import { fresh, later, mailbox } from './world.ts'

let server: TestServer
const box = mailbox()
beforeAll(async () => {
  server = await testServer({ transport: box })
})
afterAll(async () => {
  expect(await server.violations({ secrets: [server.key, server.liveKey] })).toEqual([])
  await server.stop()
})

const CHROME =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
const kinds = async (to: string) => (await noticesTo(server, to)).map(one => one.notice)
/** Signs in a while later, so that no limit on sends is met. */
async function again(to: string, context: object) {
  await later(server, 3_600_000)
  return await signedIn(server, to, context)
}

describe('a new device or network', () => {
  test('is told of from the second sign-in on, once', async () => {
    const to = fresh()
    await signedIn(server, to)
    expect(await kinds(to)).toEqual([])
    // A newer version, and another host of the same network.
    await again(to, { ipAddress: '198.51.100.200', userAgent: FIREFOX.replaceAll('140', '141') })
    expect(await kinds(to)).toEqual([])
    await again(to, { ...HOME, userAgent: CHROME })
    expect(await kinds(to)).toEqual(['newDevice'])
    await again(to, { ...HOME, ipAddress: '203.0.113.9' })
    expect(await kinds(to)).toEqual(['newDevice', 'newDevice'])
    for (const context of [HOME, { ...HOME, userAgent: CHROME }, { ...HOME, ipAddress: '203.0.113.9' }])
      await again(to, context)
    expect(await kinds(to)).toHaveLength(2)
    const [told] = await noticesTo(server, to)
    expect(told).toMatchObject({ subject: 'New sign-in to My app', code: null, link: null, status: 'sent' })
    expect(told.text).toContain('203.0.113.9')
    expect(told.html).toContain('Firefox on Windows')
  })
  test('is not told of where nobody tells where the person is, nor of an account that was imported', async () => {
    const to = fresh()
    await signedIn(server, to)
    await again(to, {})
    await again(to, { userAgent: CHROME })
    expect(await kinds(to)).toEqual([])
    const imported = fresh()
    await server.post('/v1/users', { email: imported, emailVerified: true })
    await signedIn(server, imported)
    expect(await kinds(imported)).toEqual([])
  })
  test('is told of to the primary address, not to the one that was signed in by', async () => {
    const person = await signedIn(server, fresh())
    const second = fresh()
    await addAddress(server, person, second)
    await again(second, { ...HOME, userAgent: CHROME })
    expect(await kinds(second)).toEqual([])
    expect(await kinds(person.to)).toEqual(['newDevice', 'addressAdded'])
  })
  test('is remembered when its session is over, for as long as the row is kept', async () => {
    const to = fresh()
    const person = await signedIn(server, to)
    await person.post('sign-out')
    await again(to, HOME)
    expect(await kinds(to)).toEqual([])
  })
  test('is known by its user agent where its session is from an older version', async () => {
    const to = fresh()
    const person = await signedIn(server, to)
    await server.tamper(`UPDATE sessions SET seen_as = NULL WHERE user_id = '${person.userId}'`)
    await again(to, { ...HOME, ipAddress: '203.0.113.9' })
    expect(await kinds(to)).toEqual([])
    await again(to, { ...HOME, userAgent: CHROME })
    expect(await kinds(to)).toEqual(['newDevice'])
  })
  test('is told of by every way to a session', async () => {
    const to = fresh()
    await signedIn(server, to)
    const elsewhere = { ...HOME, ipAddress: '203.0.113.9' }
    await later(server, 3_600_000)
    const sent = (await server.post('/v1/challenges', { to, session: false })).body
    const { code } = await server.message({ challengeId: sent.id })
    await server.post(`/v1/challenges/${sent.id}/verify`, { code })
    const opened = await server.post('/v1/sessions', { challengeId: sent.id, context: elsewhere })
    expect(opened.status).toBe(201)
    expect(await kinds(to)).toEqual(['newDevice'])

    const view = await server.ostiary.deps.directory.bySlug('test')
    const app = view?.defaultApp
    if (!app) throw new Error('no app')
    await later(server, 3_600_000)
    const tab = await begin(
      server,
      app,
      { codeChallenge: S256 },
      { headers: { Origin: 'http://localhost:1' } },
    )
    const mail = await sendTo(server, tab, to)
    const { result } = (await tab.post('verify', { code: mail.code })).body
    const redeem = { token: result.token, codeVerifier: VERIFIER }
    const ask = { bearer: app.publishableKey, headers: { 'User-Agent': CHROME }, ip: '192.0.2.44' }
    expect((await browse(server, 'POST', '/client/v1/actions/validate', redeem, ask)).status).toBe(200)
    expect(await kinds(to)).toEqual(['newDevice', 'newDevice'])
  })
  test('with an Idempotency-Key is told of once', async () => {
    const to = fresh()
    await signedIn(server, to)
    await later(server, 3_600_000)
    const sent = (await server.post('/v1/challenges', { to })).body
    const { code } = await server.message({ challengeId: sent.id })
    const body = { code, context: { ...HOME, userAgent: CHROME } }
    for (let round = 0; round < 3; round++)
      await server.post(`/v1/challenges/${sent.id}/verify`, body, { 'Idempotency-Key': `key-${to}` })
    expect(await kinds(to)).toEqual(['newDevice'])
  })
})

describe('notices', () => {
  test('are in the user’s events with what became of them, and spend no limit', async () => {
    const to = fresh()
    const { userId } = await signedIn(server, to)
    await again(to, { ...HOME, userAgent: CHROME })
    await server.ostiary.drain()
    const { data } = (await server.get(`/v1/events?userId=${userId}&limit=100`)).body
    const told = data.filter(
      (one: { type: string; challengeId: string | null }) =>
        one.type.startsWith('message.') && one.challengeId === null,
    )
    expect(told.map((one: { type: string }) => one.type)).toEqual(['message.sent', 'message.queued'])
    expect(told[1].data).toEqual({ messageId: expect.stringMatching(/^msg_/), notice: 'newDevice' })
    const reported = {
      messageId: told[1].data.messageId,
      kind: 'bounced' as const,
      detail: 'full',
      now: server.clock.now(),
    }
    for (let round = 0; round < 2; round++) await server.ostiary.store.recordDelivery(reported)
    const after = (await server.get(`/v1/events?userId=${userId}&type=message.bounced`)).body.data
    expect(after).toMatchObject([{ userId, data: { messageId: reported.messageId, detail: 'full' } }])
  })
  test.each([
    ['newDevice', { newDevice: false }, ['addressAdded']],
    ['address', { address: false }, ['newDevice']],
  ])('of the kind %s are off by their setting', async (_, off, left) => {
    const patched = await server.call('PATCH', '/v1/settings', { notices: off })
    expect(patched.body.notices).toEqual({ newDevice: true, passkey: true, address: true, ...off })
    const person = await signedIn(server, fresh())
    await addAddress(server, person, fresh())
    await again(person.to, { ...HOME, userAgent: CHROME })
    expect(await kinds(person.to)).toEqual(left)
    await server.call('PATCH', '/v1/settings', { notices: null })
  })
  test('of a claim by a backend go to the address that was there before', async () => {
    const person = await signedIn(server, fresh())
    const second = fresh()
    const sent = (await server.post('/v1/challenges', { to: second, userMode: 'none' })).body
    const { code } = await server.message({ challengeId: sent.id })
    await server.post(`/v1/challenges/${sent.id}/verify`, { code })
    await server.post(`/v1/challenges/${sent.id}/claim`, { userId: person.userId })
    expect(await kinds(person.to)).toEqual(['addressAdded'])
    expect(await kinds(second)).toEqual([])
    const bare = (await server.post('/v1/users', {})).body
    const first = (await server.post('/v1/challenges', { to: fresh(), userMode: 'none' })).body
    const right = await server.message({ challengeId: first.id })
    await server.post(`/v1/challenges/${first.id}/verify`, { code: right.code })
    expect((await server.post(`/v1/challenges/${first.id}/claim`, { userId: bare.id })).status).toBe(200)
    expect(await kinds(first.to)).toEqual([])
  })
  test('speak the user’s language, and say nothing of the kind to whoever has another', async () => {
    const to = fresh()
    const { userId } = await signedIn(server, to)
    await server.call('PATCH', `/v1/users/${userId}`, { locale: 'de' })
    await again(to, { ...HOME, userAgent: CHROME })
    const [told] = await noticesTo(server, to)
    expect(told.subject).toBe('Neue Anmeldung bei My app')
    expect(told.text).toContain('Waren Sie das nicht?')
  })
})
