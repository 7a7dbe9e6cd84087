import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { expectRefusal } from '../http/answers.ts'
import { codeOf, fresh, later, send, wrongCode } from '../http/world.ts'
import { type Answer, type TestServer, testServer } from '../setup/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(async () => {
  await server.ostiary.drain()
  // Days pass here in a second, without the house-keeping that wipes what is over.
  const found = (await server.violations()).filter(line => !line.startsWith('content is wiped'))
  expect(found).toEqual([])
  await server.stop()
})
// Windows of limits and protection are empty again.
beforeEach(() => later(server, 3 * 3_600_000))

const REDIRECT = 'http://localhost:3000/cb'
const verify = (id: string, code: unknown, extra = {}, key?: string) =>
  server.call('POST', `/v1/challenges/${id}/verify`, { code, ...extra }, key === undefined ? {} : { key })
const attemptsOf = async (id: string) => (await server.get(`/v1/challenges/${id}`)).body.attemptsLeft

test('[26] a stranger starts challenges for the victim whose code is out: it still works', async () => {
  const to = fresh('victim')
  const { id } = await send(server, { to, context: { ipAddress: '192.0.2.1' } })
  const code = await codeOf(server, id)
  for (let net = 0; net < 8; net++)
    await server.post('/v1/challenges', { to, context: { ipAddress: `10.0.${net}.1` } })
  expect((await verify(id, code)).status).toBe(200)
})

test('[29] 200 parallel verifies of one challenge with the right code at a random place: at most 5 are judged', async () => {
  for (let round = 0; round < 3; round++) {
    const { id } = await send(server, { to: fresh() })
    const code = await codeOf(server, id)
    const place = Math.floor(Math.random() * 200)
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => verify(id, index === place ? code : wrongCode(code))),
    )
    const judged = answers.filter(({ status, body }) => status === 200 || body.code === 'code_incorrect')
    expect(judged.length).toBeLessThanOrEqual(5)
    expect(answers.filter(({ status }) => status === 200).length).toBe(place < 5 ? 1 : 0)
  }
})

test('[31] 40 parallel challenges of one address, 5 guesses at each: at most 10 guesses at short codes', async () => {
  const to = fresh('many')
  const many = 100_000
  await server.call('PATCH', '/v1/settings', {
    limits: {
      sendsPerAddressUntold: { minute: many, hour: many },
      sendsPerAddress: { hour: many, day: many },
    },
  })
  const sent = await Promise.all(Array.from({ length: 40 }, () => send(server, { to })))
  const guessed = await Promise.all(
    sent.flatMap(({ id, codeLength }) =>
      Array.from({ length: 5 }, async () => ({ codeLength, answer: await verify(id, '12345x') })),
    ),
  )
  await server.call('PATCH', '/v1/settings', { limits: null })
  const judged = guessed.filter(({ answer }) => answer.body.code === 'code_incorrect')
  expect(judged.filter(({ codeLength }) => codeLength < 10).length).toBeLessThanOrEqual(10)
  expect(sent.filter(({ codeLength }) => codeLength === 10)).toHaveLength(38)
})

test('[34] signing in to an account of one’s own between guesses clears no counter', async () => {
  await server.call('PATCH', '/v1/settings', { limits: { wrongPerIp: { tenMinutes: 4 } } })
  const context = { ipAddress: '203.0.113.34' }
  const { id } = await send(server, { to: fresh('victim') })
  for (let left = 4; left >= 2; left--) {
    expect((await verify(id, 'x', { context })).body.attemptsLeft).toBe(left)
    const own = await send(server, { to: fresh('own') })
    expect((await verify(own.id, await codeOf(server, own.id), { context })).status).toBe(200)
  }
  expect((await verify(id, 'x', { context })).body.attemptsLeft).toBe(1)
  expectRefusal(await verify(id, 'x', { context }), 'rate_limited')
  await server.call('PATCH', '/v1/settings', { limits: null })
})

describe('a code where it does not belong', () => {
  test('[35] the code of one challenge at another of the same address is wrong', async () => {
    const to = fresh()
    const [a, b] = [await send(server, { to }), await send(server, { to })]
    expectRefusal(await verify(b.id, await codeOf(server, a.id)), 'code_incorrect', ['attemptsLeft'])
  })
  test('[35] the right code under the key of another environment is an unknown id', async () => {
    const { id } = await send(server, { to: fresh() })
    expectRefusal(await verify(id, await codeOf(server, id), {}, server.liveKey), 'not_found')
    expect(await attemptsOf(id)).toBe(5)
  })
  test('[35] the right code for another purpose is an unknown id and spends nothing', async () => {
    const { id } = await send(server, { to: fresh(), purpose: 'pay' })
    const code = await codeOf(server, id)
    expectRefusal(await verify(id, code), 'not_found')
    expectRefusal(await verify(id, code, { purpose: 'pay2' }), 'not_found')
    const right = await verify(id, code, { purpose: 'pay' })
    // A proof for another purpose opens no session, at once or later.
    expect(right.body).toMatchObject({ session: null, tokens: null })
    expectRefusal(await server.post('/v1/sessions', { challengeId: id }), 'state_conflict')
  })
  test('[35] a proof for another purpose becomes no session even when one was asked for later', async () => {
    const { id } = await send(server, { to: fresh(), purpose: 'pay', session: false })
    expect((await verify(id, await codeOf(server, id), { purpose: 'pay' })).status).toBe(200)
    expectRefusal(await server.post('/v1/sessions', { challengeId: id }), 'state_conflict')
  })
})

/** What has become of a challenge, and the answer that the contract gives to whatever code is typed then. */
const ENDS: [title: string, code: string, end: (id: string, right: string) => Promise<unknown>][] = [
  ['[38] a wrong code', 'code_incorrect', async () => {}],
  ['[38] any code after the end of the challenge', 'challenge_expired', () => later(server, 600_000)],
  ['[38] any code after it was used', 'challenge_used', (id, right) => verify(id, right)],
  [
    '[38] any code after the last attempt',
    'attempts_exhausted',
    async id => {
      for (let round = 0; round < 5; round++) await verify(id, 'x')
    },
  ],
]
describe('refusals of a code tell nothing of the code', () => {
  test.each(ENDS)('%s', async (_, code, end) => {
    const { id } = await send(server, { to: fresh() })
    const right = await codeOf(server, id)
    await end(id, right)
    const answers: Answer[] = [await verify(id, wrongCode(right))]
    if (code !== 'code_incorrect') answers.push(await verify(id, right))
    for (const answer of answers) {
      expectRefusal(answer, code as 'code_incorrect')
      expect({ ...answer.body, requestId: null }).toEqual({ ...answers[0]?.body, requestId: null })
    }
  })
  test('[38] an unknown challenge, whatever the code', async () => {
    for (const code of ['123456', '0'])
      expectRefusal(await verify('chl_01k6z5v9hrf0qv2s8yb7m3c4dn', code), 'not_found')
  })
})

const EMPTY: [title: string, body: unknown][] = [
  ['[41] no body', undefined],
  ['[41] an empty object', {}],
  ['[41] an empty code', { code: '' }],
  ['[41] a code of nothing but spaces', { code: ' - ' }],
  ['[41] null', { code: null }],
  ['[41] a list', { code: [] }],
  ['[41] the right code in a list', { code: ['RIGHT'] }],
  ['[41] true', { code: true }],
  ['[40] a code as a number', { code: 123456 }],
  ['[40] a code of 65 characters', { code: '1'.repeat(65) }],
]
describe('what is no code', () => {
  test.each(EMPTY)('%s', async (_, body) => {
    const { id } = await send(server, { to: fresh() })
    const code = await codeOf(server, id)
    const filled = body === undefined ? undefined : JSON.stringify(body).replace('RIGHT', code)
    expectRefusal(await server.call('POST', `/v1/challenges/${id}/verify`, filled), 'invalid_request')
    expect(await server.get(`/v1/challenges/${id}`)).toMatchObject({
      body: { status: 'pending', attemptsLeft: 5 },
    })
  })
})

test('[44] a spray over many accounts from many networks: new codes get long, short ones are judged once more', async () => {
  const early = await send(server, { to: fresh('early') })
  const context = (net: number) => ({ ipAddress: `10.${net >> 8}.${net & 255}.9` })
  let net = 0
  let weak = 0
  for (let account = 0; account < 40; account++) {
    const { id, codeLength } = await send(server, { to: fresh('sprayed'), context: context(net) })
    for (let guess = 0; guess < 4; guess++) {
      const answer = await verify(id, 'x', { context: context(net++) })
      if (answer.status === 400 && codeLength < 10) weak++
    }
  }
  // The threshold of 50, and one more for each short code that was out.
  expect(weak).toBeGreaterThanOrEqual(50)
  expect(weak).toBeLessThanOrEqual(50 + 4)
  const { id, codeLength } = await send(server, { to: fresh('late') })
  expect(codeLength).toBe(10)
  const code = await codeOf(server, id)
  expect(code).toMatch(/^\d{10}$/)
  expect((await verify(early.id, 'x')).body.attemptsLeft).toBe(0)
  // Nobody is locked out: the owner of a long code comes in.
  expect((await verify(id, code)).status).toBe(200)
  const { data } = (await server.get('/v1/events?type=protection.raised')).body
  expect(data).toHaveLength(1)
})

describe('a resend', () => {
  test('[44] while protection is up replaces the short code by a long one', async () => {
    const { id } = await send(server, { to: fresh() })
    const short = await codeOf(server, id)
    for (let net = 0; net < 52; net++) {
      const other = await send(server, { to: fresh() })
      await verify(other.id, 'x', { context: { ipAddress: `10.9.${net}.1` } })
    }
    await later(server, 31_000)
    const { body } = await server.post(`/v1/challenges/${id}/resend`)
    expect(body).toMatchObject({ earlierCodes: 'replaced', codeLength: 10 })
    expect((await verify(id, short)).status).toBe(400)
    expect((await verify(id, await codeOf(server, id))).status).toBe(200)
  })
  test('[38] after the settings made codes shorter is as long as the person was told', async () => {
    await server.call('PATCH', '/v1/settings', { challenge: { codeLength: 8 } })
    const { id } = await send(server, { to: fresh() })
    await server.call('PATCH', '/v1/settings', { challenge: { codeLength: 6 } })
    await later(server, 31_000)
    expect((await server.post(`/v1/challenges/${id}/resend`)).body.codeLength).toBe(8)
    expect(await codeOf(server, id)).toMatch(/^\d{8}$/)
    await server.call('PATCH', '/v1/settings', { challenge: null })
  })
  test('[61] goes nowhere that the app or the settings have taken off their lists since', async () => {
    const { body: app } = await server.post('/v1/apps', { name: 'a', redirectUrls: ['https://a.example/cb'] })
    const ask = { credential: 'codeAndLink', redirectUrl: 'https://a.example/cb', appId: app.id }
    const { id } = await send(server, { to: fresh(), ...ask })
    const other = await send(server, { to: fresh() })
    await server.call('PATCH', `/v1/apps/${app.id}`, { redirectUrls: [] })
    await later(server, 31_000)
    expectRefusal(await server.post(`/v1/challenges/${id}/resend`), 'redirect_url_not_allowed')
    await server.call('PATCH', '/v1/settings', { emailDomains: { block: ['example.com'] } })
    expectRefusal(await server.post(`/v1/challenges/${other.id}/resend`), 'destination_not_allowed')
    await server.call('PATCH', '/v1/settings', { emailDomains: null })
  })
  test('[70] of a decoy gets no code that could be right', async () => {
    await server.call('PATCH', '/v1/settings', { signUp: 'closed' })
    const { id } = await send(server, { to: fresh(), credential: 'codeAndLink', redirectUrl: REDIRECT })
    await later(server, 31_000)
    expect((await server.post(`/v1/challenges/${id}/resend`)).status).toBe(200)
    const text = JSON.stringify(await server.get(`/v1/messages?challengeId=${id}`))
    for (const [, code] of text.matchAll(/"code":"(\d+)"/g))
      expectRefusal(await verify(id, code), 'code_incorrect')
    await server.call('PATCH', '/v1/settings', { signUp: null })
  })
})

describe('the id of a challenge alone', () => {
  test('[214] reads nothing without a key, opens no session before the proof, and one after it', async () => {
    const { id } = await send(server, { to: fresh(), session: false })
    expectRefusal(await server.call('GET', `/v1/challenges/${id}`, undefined, { key: null }), 'unauthorized')
    expectRefusal(await server.post('/v1/sessions', { challengeId: id }), 'state_conflict')
    expectRefusal(await verify(id, id.slice(0, 20)), 'code_incorrect')
    expect((await verify(id, await codeOf(server, id))).status).toBe(200)
    expect((await server.post('/v1/sessions', { challengeId: id })).status).toBe(201)
    expectRefusal(await server.post('/v1/sessions', { challengeId: id }), 'already_claimed')
  })
  test('[214] a claim names exactly one user', async () => {
    const { id } = await send(server, { to: fresh(), userMode: 'none' })
    await verify(id, await codeOf(server, id))
    const { id: userId } = (await server.post('/v1/users', { externalId: 'claimer' })).body
    for (const body of [{}, { userId, externalId: 'claimer' }])
      expectRefusal(await server.post(`/v1/challenges/${id}/claim`, body), 'invalid_request')
    expect((await server.post(`/v1/challenges/${id}/claim`, { userId })).status).toBe(200)
  })
})

test('[215] in live no code of convenience works, and the numbers are those of the settings', async () => {
  const dev = await testServer({ testLimitsFactor: 10 })
  const { id } = await send(dev, { to: fresh() }, dev.liveKey)
  for (const code of ['000000', '123456', '111111'])
    expectRefusal(
      await dev.call('POST', `/v1/challenges/${id}/verify`, { code }, { key: dev.liveKey }),
      'code_incorrect',
    )
  const { body } = await dev.call('GET', '/v1/settings', undefined, { key: dev.liveKey })
  expect(body.limits.sendsPerIp.hour).toBe(30)
  expectRefusal(await dev.call('GET', '/v1/messages', undefined, { key: dev.liveKey }), 'not_found')
  await dev.stop()
})
