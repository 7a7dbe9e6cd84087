import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import {
  APP_BACK,
  APP_ORIGIN,
  appOf,
  begin,
  browse,
  prove,
  S256,
  sendTo,
  tabOf,
  VERIFIER,
} from './browser.ts'
import { fresh, later, purge } from './world.ts'

/** Passkeys inside an action: the proof by one, and the offer of one between a proof and its result. */

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
})
afterAll(async () => {
  // A month goes by in these tests.
  await purge(server)
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const DAY = 24 * 60 * 60_000
const validate = (token: string) => server.post('/v1/actions/validate', { token, action: 'signIn' })
const newDevice = () => softwareAuthenticator({ origin: APP_ORIGIN })

/** Signs in by a code as a client that can show the offer. */
async function offered(to = fresh()) {
  const tab = await begin(server, app)
  const { code } = await sendTo(server, tab, to)
  const proven = await tab.post('verify', { code, canOffer: true })
  expect(proven.status, JSON.stringify(proven.body)).toBe(200)
  return { to, tab, proven }
}

/** Somebody who took the offer. */
async function somebody() {
  const { to, tab, proven } = await offered()
  expect(proven.body).toMatchObject({ step: 'offer', result: null })
  const device = newDevice()
  const enrolling = await tab.post('enroll')
  expect(enrolling.status, JSON.stringify(enrolling.body)).toBe(200)
  const enrolled = await tab.post('enroll/finish', { credential: device.register(enrolling.body.publicKey) })
  expect(enrolled.status, JSON.stringify(enrolled.body)).toBe(200)
  const { user } = (await validate(enrolled.body.result.token)).body
  return { to, user, device, tab, enrolled }
}

describe('a sign-in by passkey', () => {
  test('takes no address and goes to the session', async () => {
    const { user, device } = await somebody()
    await later(server, 1000)
    const tab = await begin(server, app)
    const asked = await tab.post('passkey')
    expect(asked).toMatchObject({
      status: 200,
      body: {
        step: 'identify',
        methods: ['emailCode', 'emailLink', 'passkey'],
        challenge: null,
        publicKey: { rpId: 'localhost', allowCredentials: [], userVerification: 'preferred' },
      },
    })
    const proven = await tab.post('verify', { credential: device.authenticate(asked.body.publicKey) })
    expect(proven).toMatchObject({
      status: 200,
      body: { state: 'CHALLENGE_SUCCEEDED', step: 'done', challenge: null },
    })
    const { token, redirectTo } = proven.body.result
    expect(redirectTo).toBe(`${APP_BACK}&token=${token}&state=st`)
    expect((await validate(token)).body).toMatchObject({
      action: {
        id: tab.id,
        method: 'passkey',
        completedSteps: ['passkey'],
        enrolledMethods: ['emailCode', 'emailLink', 'passkey'],
      },
      user: { id: user.id },
      session: {
        methods: ['passkey'],
        amr: ['hwk', 'user', 'mfa'],
        authTime: new Date(server.clock.now()).toISOString(),
      },
    })
  })

  test('stands beside a code that is under way, at every step', async () => {
    const { to, device } = await somebody()
    const tab = await begin(server, app)
    await tab.post('identify', { to })
    expect((await tab.post('passkey')).body.step).toBe('method')
    const sent = await tab.post('send', { method: 'emailCode' })
    const asked = await tab.post('passkey')
    expect(asked.body).toMatchObject({ step: 'code', challenge: sent.body.challenge })
    const wrong = device.authenticate(asked.body.publicKey, { breakSignature: true })
    expectRefusal(await tab.post('verify', { credential: wrong }), 'token_invalid')
    // The refused passkey took nothing from the code.
    expect((await tab.get('current')).body).toMatchObject({ step: 'code', challenge: { attemptsLeft: 5 } })
    const { code } = await server.message({ to })
    const again = await tab.post('passkey')
    const right = device.authenticate(again.body.publicKey)
    expect((await tab.post('verify', { credential: right })).status).toBe(200)
    expectRefusal(await tab.post('verify', { code }), 'state_conflict')
    expectRefusal(await tab.post('passkey'), 'state_conflict')
  })

  test('counts the latest challenge alone, of its own action, once', async () => {
    const { device } = await somebody()
    const tab = await begin(server, app)
    expectRefusal(
      await tab.post('verify', {
        credential: device.authenticate({ challenge: 'x'.repeat(43), rpId: 'localhost' }),
      }),
      'state_conflict',
    )
    const first = await tab.post('passkey')
    const second = await tab.post('passkey')
    const early = device.authenticate(first.body.publicKey)
    expectRefusal(await tab.post('verify', { credential: early }), 'token_invalid')
    // The answer to another one used this one up.
    const late = device.authenticate(second.body.publicKey)
    expectRefusal(await tab.post('verify', { credential: late }), 'attempts_exhausted')
    const other = await begin(server, app)
    await other.post('passkey')
    const third = await tab.post('passkey')
    const foreign = device.authenticate(third.body.publicKey)
    expectRefusal(await other.post('verify', { credential: foreign }), 'token_invalid')
    expect((await tab.post('verify', { credential: foreign })).status).toBe(200)
    expectRefusal(await tab.post('verify', { credential: foreign }), 'state_conflict')
  })

  test('is the same for everybody before the proof', async () => {
    const { to } = await somebody()
    const shapeOf = async (address: string) => {
      const tab = await begin(server, app)
      await tab.post('identify', { to: address })
      const { body } = await tab.post('passkey')
      const { id, address: typed, publicKey, ...rest } = body
      return { ...rest, publicKey: { ...publicKey, challenge: publicKey.challenge.length } }
    }
    expect(await shapeOf(to)).toEqual(await shapeOf(fresh()))
  })

  test('of somebody who is blocked ends the action', async () => {
    const { user, device } = await somebody()
    const tab = await begin(server, app)
    const asked = await tab.post('passkey')
    await server.post(`/v1/users/${user.id}/block`)
    expectRefusal(
      await tab.post('verify', { credential: device.authenticate(asked.body.publicKey) }),
      'user_blocked',
    )
    expect((await tab.get('current')).body).toMatchObject({ step: 'ended', state: 'CHALLENGE_FAILED' })
  })

  test('wants exactly one of code and credential, and passkeys to be on', async () => {
    const { device } = await somebody()
    const tab = await begin(server, app)
    const asked = await tab.post('passkey')
    const credential = device.authenticate(asked.body.publicKey)
    for (const body of [{}, { code: '123456', credential }, { credential: { id: 'x' } }])
      expectRefusal(await tab.post('verify', body), 'invalid_request', ['errors'])
    await server.call('PATCH', '/v1/settings', { methods: { passkey: false } })
    await later(server, 1000)
    expectRefusal(await tab.post('passkey'), 'invalid_request', ['errors'])
    expect((await tab.get('current')).body.methods).toEqual(['emailCode', 'emailLink'])
    await server.call('PATCH', '/v1/settings', { methods: { passkey: null } })
    await later(server, 1000)
  })
})

describe('an action that a backend named', () => {
  const track = async (body: object) => {
    const { id, token } = (await server.post('/v1/actions', { name: 'signIn', appId: app.id, ...body })).body
    return tabOf(server, id, token)
  }

  test('is proven by a passkey of that user, and by no other', async () => {
    const one = await somebody()
    const other = await somebody()
    for (const named of [{ userId: one.user.id }, { user: { email: one.to } }]) {
      const tab = await track(named)
      const asked = await tab.post('passkey')
      expect(asked.body.publicKey.allowCredentials).toEqual([])
      const foreign = other.device.authenticate(asked.body.publicKey)
      expectRefusal(await tab.post('verify', { credential: foreign }), 'token_invalid')
      const again = await tab.post('passkey')
      // Nobody was named to the browser, so the answer has to say whose it is.
      const mute = one.device.authenticate(again.body.publicKey, { userHandle: null })
      expectRefusal(await tab.post('verify', { credential: mute }), 'token_invalid')
      const last = await tab.post('passkey')
      const proven = await tab.post('verify', { credential: one.device.authenticate(last.body.publicKey) })
      expect(proven.body.step).toBe('done')
      expect((await validate(proven.body.result.token)).body.user.id).toBe(one.user.id)
    }
  })

  test('by an address that nobody has yet is proven by no passkey', async () => {
    const { device } = await somebody()
    const tab = await track({ user: { email: fresh() } })
    const asked = await tab.post('passkey')
    const credential = device.authenticate(asked.body.publicKey)
    expectRefusal(await tab.post('verify', { credential }), 'token_invalid')
  })

  test('by an address that somebody claims without proof is not theirs to prove', async () => {
    const { user, device } = await somebody()
    const claimed = fresh()
    await server.post(`/v1/users/${user.id}/identifiers`, { type: 'email', value: claimed })
    const tab = await track({ user: { email: claimed } })
    const asked = await tab.post('passkey')
    const credential = device.authenticate(asked.body.publicKey)
    expectRefusal(await tab.post('verify', { credential }), 'token_invalid')
  })
})

describe('the offer of a passkey', () => {
  test('stands between the proof and its result, and enrols', async () => {
    const { user, enrolled, tab } = await somebody()
    expect(enrolled.body).toMatchObject({
      step: 'done',
      authenticator: { type: 'passkey', rpId: 'localhost' },
      result: { token: expect.stringMatching(/^oht_/) },
    })
    expect((await server.get(`/v1/users/${user.id}/authenticators`)).body.data).toEqual([
      enrolled.body.authenticator,
    ])
    expectRefusal(await tab.post('finish'), 'state_conflict')
    expectRefusal(await tab.post('enroll'), 'state_conflict')
  })

  test('is skipped by finish, once', async () => {
    const { tab, proven } = await offered()
    expect(proven.body).toMatchObject({ state: 'CHALLENGE_SUCCEEDED', step: 'offer', result: null })
    expect((await tab.get('current')).body).toMatchObject({ step: 'offer' })
    expectRefusal(await tab.post('passkey'), 'state_conflict')
    expectRefusal(await tab.post('verify', { code: '123456' }), 'state_conflict')
    const skipped = await tab.post('finish')
    expect(skipped.body.step).toBe('done')
    expect((await validate(skipped.body.result.token)).body.session.methods).toEqual(['emailCode'])
    expectRefusal(await tab.post('finish'), 'state_conflict')
    expectRefusal(await tab.post('enroll'), 'state_conflict')
  })

  test('is made to a client that can show it, to who has none, and not again before its time', async () => {
    const plain = await prove(server, await begin(server, app), fresh())
    expect(plain.body).toMatchObject({ step: 'done', result: { token: expect.any(String) } })
    const { to, tab } = await offered()
    await tab.post('finish')
    expect((await offered(to)).proven.body.step).toBe('done')
    await later(server, 30 * DAY)
    expect((await offered(to)).proven.body.step).toBe('offer')
    const { to: withOne } = await somebody()
    await later(server, 31 * DAY)
    expect((await offered(withOne)).proven.body.step).toBe('done')
    await server.call('PATCH', '/v1/settings', { methods: { passkey: false } })
    await later(server, 1000)
    expect((await offered()).proven.body.step).toBe('done')
    await server.call('PATCH', '/v1/settings', { methods: { passkey: null } })
    await later(server, 1000)
  })

  test('stays when enrolling fails: another try, or skip', async () => {
    const { tab } = await offered()
    const device = newDevice()
    expectRefusal(
      await tab.post('enroll/finish', {
        credential: device.register({ challenge: 'x'.repeat(43), rp: {}, user: { id: 'eA' } }),
      }),
      'state_conflict',
    )
    const first = await tab.post('enroll')
    const lied = device.register(first.body.publicKey, { origin: 'https://evil.example' })
    expectRefusal(await tab.post('enroll/finish', { credential: lied }), 'token_invalid')
    expectRefusal(
      await tab.post('enroll/finish', { credential: device.register(first.body.publicKey) }),
      'attempts_exhausted',
    )
    expect((await tab.get('current')).body.step).toBe('offer')
    const second = await tab.post('enroll')
    const made = await tab.post('enroll/finish', { credential: device.register(second.body.publicKey) })
    expect(made.body).toMatchObject({ step: 'done', result: { token: expect.any(String) } })
  })

  test('is over when the action is, or when the proof was ended meanwhile', async () => {
    const late = await offered()
    await later(server, 15 * 60_000)
    expect((await late.tab.get('current')).body).toMatchObject({
      step: 'ended',
      redirectTo: `${APP_BACK}&error=expired&state=st`,
    })
    expectRefusal(await late.tab.post('enroll'), 'state_conflict')
    expectRefusal(await late.tab.post('finish'), 'state_conflict')

    const { to, tab } = await offered()
    await later(server, 12 * 60_000)
    const { publicKey } = (await tab.post('enroll')).body
    const [user] = (await server.get(`/v1/users?email=${to}`)).body.data
    await server.post(`/v1/users/${user.id}/sessions/revoke`)
    const credential = newDevice().register(publicKey)
    expectRefusal(await tab.post('enroll/finish', { credential }), 'state_conflict')
    expect((await server.get(`/v1/users/${user.id}/authenticators`)).body.data).toEqual([])
    const { result } = (await tab.post('finish')).body
    expectRefusal(await validate(result.token), 'token_invalid')
  })

  test('is made to whoever adopts an account, whatever a stranger was offered there', async () => {
    const to = fresh()
    const user = (await server.post('/v1/users', { email: to })).body
    await server.tamper(`UPDATE users SET passkey_offered_at = ${server.clock.now()} WHERE id = '${user.id}'`)
    const { proven } = await offered(to)
    expect(proven.body).toMatchObject({ step: 'offer', result: null })
  })

  test('keeps the verifier of the action: nobody else redeems what follows', async () => {
    const tab = await begin(server, app, { redirectUrl: APP_BACK, codeChallenge: S256 })
    const { code } = await sendTo(server, tab, fresh())
    await tab.post('verify', { code, canOffer: true })
    const { result } = (await tab.post('finish')).body
    expectRefusal(await validate(result.token), 'token_invalid')
    const redeemed = await browse(
      server,
      'POST',
      '/client/v1/actions/validate',
      { token: result.token, codeVerifier: VERIFIER },
      { bearer: app.publishableKey, headers: { Origin: APP_ORIGIN } },
    )
    expect(redeemed.body).toMatchObject({ isValid: true, session: { methods: ['emailCode'] } })
  })
})
