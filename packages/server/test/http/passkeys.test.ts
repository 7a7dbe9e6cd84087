import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type Answer, type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { APP_ORIGIN, appOf } from './browser.ts'
import { fresh, later } from './world.ts'

/** Passkeys for backends: `POST /v1/challenges {method: "passkey"}` and the authenticators of a user. */

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const begin = (more: object = {}) => server.post('/v1/challenges', { method: 'passkey', ...more })
const verify = (begun: Answer, credential: object, more: object = {}) =>
  server.post(`/v1/challenges/${begun.body.id}/verify`, { credential, ...more })
const eventsOf = async (filter: string) => (await server.get(`/v1/events?${filter}&limit=100`)).body.data
const reasonOf = async (begun: Answer) =>
  (await eventsOf(`challengeId=${begun.body.id}&type=challenge.attempt_failed`))[0]?.data.reason

type Device = ReturnType<typeof softwareAuthenticator>

/** Somebody with a proven address and a passkey on a device of their own. */
async function somebody(device: Device = softwareAuthenticator()) {
  const to = fresh()
  const { user } = (await server.signIn(to)).body
  const begun = await begin({ ceremony: 'registration', userId: user.id })
  expect(begun.status, JSON.stringify(begun.body)).toBe(201)
  const enrolled = await verify(begun, device.register(begun.body.publicKey))
  expect(enrolled.status, JSON.stringify(enrolled.body)).toBe(200)
  return { to, user, device, begun, enrolled, authenticator: enrolled.body.authenticator }
}

describe('a passkey of a user', () => {
  test('is enrolled by a registration that the backend begins', async () => {
    const to = fresh()
    const { user } = (await server.signIn(to)).body
    const begun = await begin({ ceremony: 'registration', userId: user.id })
    expect(begun.body).toMatchObject({
      status: 'pending',
      method: 'passkey',
      methods: ['passkey'],
      ceremony: 'registration',
      channel: null,
      to: null,
      userId: user.id,
      credential: null,
      codeLength: null,
      tag: null,
      attemptsLeft: 1,
      sendsLeft: 0,
      resendAt: null,
      expiresAt: new Date(server.clock.now() + 300_000).toISOString(),
      publicKey: {
        rp: { id: 'localhost', name: 'My app' },
        user: { id: Buffer.from(user.id).toString('base64url'), name: to, displayName: to },
        pubKeyCredParams: [-8, -7, -257].map(alg => ({ type: 'public-key', alg })),
        excludeCredentials: [],
        authenticatorSelection: { residentKey: 'required', userVerification: 'preferred' },
        attestation: 'none',
      },
    })
    expect(Buffer.from(begun.body.publicKey.challenge, 'base64url')).toHaveLength(32)
    const device = softwareAuthenticator({
      isBackupEligible: true,
      isBackedUp: true,
      aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd',
    })
    const enrolled = await verify(begun, device.register(begun.body.publicKey))
    expect(enrolled).toMatchObject({
      status: 200,
      body: {
        challenge: { status: 'verified', method: 'passkey', publicKey: null },
        user: { id: user.id },
        isNewUser: false,
        session: null,
        tokens: null,
        authenticator: {
          id: expect.stringMatching(/^aut_/),
          type: 'passkey',
          transports: ['internal'],
          isBackupEligible: true,
          isBackedUp: true,
          rpId: 'localhost',
          createdAt: new Date(server.clock.now()).toISOString(),
          lastUsedAt: null,
        },
      },
    })
    const { authenticator } = enrolled.body
    expect(authenticator.name).toBe(authenticator.provider)
    const list = await server.get(`/v1/users/${user.id}/authenticators`)
    expect(list.body).toEqual({ data: [authenticator], nextCursor: null })
    // The next one is not made on the same device.
    const second = await begin({ ceremony: 'registration', userId: user.id })
    expect(second.body.publicKey.excludeCredentials).toMatchObject([{ id: device.passkeys[0]?.id }])
    // Whoever enrolled a passkey is not signed in by it.
    expectRefusal(await server.post('/v1/sessions', { challengeId: begun.body.id }), 'state_conflict')
  })

  for (const algorithm of ['ES256', 'Ed25519', 'RS256'] as const)
    test(`signs in with ${algorithm}`, async () => {
      const { user, device, authenticator } = await somebody(softwareAuthenticator({ algorithm }))
      await later(server, 1000)
      const begun = await begin({ metadata: { order: 1 } })
      expect(begun.body).toMatchObject({
        ceremony: 'authentication',
        userId: null,
        metadata: { order: 1 },
        publicKey: {
          rpId: 'localhost',
          allowCredentials: [],
          userVerification: 'preferred',
          timeout: 300_000,
        },
      })
      const signed = await verify(begun, device.authenticate(begun.body.publicKey))
      expect(signed).toMatchObject({
        status: 200,
        body: {
          challenge: { status: 'verified', userId: user.id },
          user: { id: user.id, lastSignInAt: new Date(server.clock.now()).toISOString() },
          isNewUser: false,
          session: {
            userId: user.id,
            methods: ['passkey'],
            amr: ['hwk', 'user', 'mfa'],
            authTime: new Date(server.clock.now()).toISOString(),
          },
          tokens: { accessToken: expect.any(String) },
          authenticator: { id: authenticator.id, lastUsedAt: new Date(server.clock.now()).toISOString() },
        },
      })
      const { accessToken } = signed.body.tokens
      const claims = JSON.parse(Buffer.from(accessToken.split('.')[1], 'base64url').toString())
      expect(claims).toMatchObject({ sub: user.id, amr: ['hwk', 'user', 'mfa'] })
    })

  test('tells what it showed and no more', async () => {
    for (const [flags, amr] of [
      [{ isBackupEligible: true, isBackedUp: true }, ['swk', 'user', 'mfa']],
      [{ isBackupEligible: true, isUserVerified: false }, ['swk', 'user']],
      [{ isUserVerified: false }, ['hwk', 'user']],
    ] as const) {
      const { device } = await somebody(softwareAuthenticator(flags))
      const begun = await begin()
      const { body } = await verify(begun, device.authenticate(begun.body.publicKey))
      expect(body.session.amr).toEqual(amr)
    }
  })

  test('opens its session later where verify was told not to', async () => {
    const { device } = await somebody()
    const begun = await begin({ session: false })
    const proven = await verify(begun, device.authenticate(begun.body.publicKey))
    expect(proven.body).toMatchObject({ session: null, tokens: null })
    const opened = await server.post('/v1/sessions', { challengeId: begun.body.id })
    expect(opened.body.session).toMatchObject({ methods: ['passkey'], amr: ['hwk', 'user', 'mfa'] })
  })

  test('is asked for by its user’s name: only theirs answers', async () => {
    const one = await somebody()
    const other = await somebody()
    const begun = await begin({ userId: one.user.id, purpose: 'pay', userVerification: 'required' })
    expect(begun.body.publicKey).toMatchObject({
      allowCredentials: [{ type: 'public-key', id: one.device.passkeys[0]?.id, transports: ['internal'] }],
      userVerification: 'required',
    })
    // A named one may leave the handle out (section 7.2, step 6); a nameless one may not.
    const signed = one.device.authenticate(begun.body.publicKey, { userHandle: null })
    const paid = await verify(begun, signed, { purpose: 'pay' })
    expect(paid).toMatchObject({ status: 200, body: { user: { id: one.user.id }, session: null } })

    const again = await begin({ userId: one.user.id })
    const passkey = other.device.passkeys[0]
    const foreign = other.device.authenticate(again.body.publicKey, passkey ? { passkey } : {})
    expectRefusal(await verify(again, foreign), 'token_invalid')
    expect(await reasonOf(again)).toBe('otherUser')
  })

  test('tells of each step in events', async () => {
    const { user, device, begun, authenticator } = await somebody()
    const signing = await begin()
    await verify(signing, device.authenticate(signing.body.publicKey))
    const types = async (filter: string) =>
      (await eventsOf(filter)).map((one: { type: string }) => one.type).toSorted()
    expect(await types(`challengeId=${begun.body.id}`)).toEqual([
      'authenticator.created',
      'challenge.created',
      'challenge.verified',
    ])
    expect(await types(`challengeId=${signing.body.id}`)).toEqual([
      'authenticator.used',
      'challenge.created',
      'challenge.verified',
      'session.created',
    ])
    const [created] = await eventsOf(`userId=${user.id}&type=authenticator.created`)
    expect(created.data).toMatchObject({ authenticatorId: authenticator.id, isImported: false })
  })
})

describe('an answer is worth nothing, and costs its challenge,', () => {
  const cases: [string, string, (device: Device) => Parameters<Device['authenticate']>[1]][] = [
    ['from a page that is not ours', 'origin', () => ({ origin: 'https://evil.example' })],
    [
      'from a frame of a foreign page',
      'crossOrigin',
      () => ({ crossOrigin: true, topOrigin: 'https://evil.example' }),
    ],
    ['for another relying party', 'rpId', () => ({ rpId: 'evil.example' })],
    ['without the person being there', 'userPresence', () => ({ isUserPresent: false })],
    ['of a key that is suddenly copied', 'backupState', () => ({ isBackupEligible: true })],
    ['of a key that is copied and cannot be', 'backupState', () => ({ isBackedUp: true })],
    ['with another signature', 'signature', () => ({ breakSignature: true })],
    ['with another’s user handle', 'userHandle', () => ({ userHandle: 'dXNyXzE' })],
    ['that does not say whose it is', 'userHandle', () => ({ userHandle: null })],
    ['that says it is a registration', 'type', () => ({ type: 'webauthn.create' })],
    ['to another challenge', 'challenge', () => ({ challenge: randomBytes(32).toString('base64url') })],
  ]
  for (const [words, reason, lies] of cases)
    test(words, async () => {
      const { device } = await somebody()
      const begun = await begin()
      const refused = await verify(begun, device.authenticate(begun.body.publicKey, lies(device)))
      expectRefusal(refused, 'token_invalid')
      expect(refused.body.detail).toBe('The passkey was not accepted.')
      expect(await reasonOf(begun)).toBe(reason)
      const right = device.authenticate(begun.body.publicKey)
      expectRefusal(await verify(begun, right), 'attempts_exhausted')
    })

  test('of a passkey that nobody enrolled, or that was taken away', async () => {
    const { user, device, authenticator } = await somebody()
    const stranger = softwareAuthenticator()
    const registered = await begin({ ceremony: 'registration', userId: user.id })
    stranger.register(registered.body.publicKey)
    const begun = await begin()
    expectRefusal(await verify(begun, stranger.authenticate(begun.body.publicKey)), 'token_invalid')
    expect(await reasonOf(begun)).toBe('unknownCredential')

    const path = `/v1/users/${user.id}/authenticators/${authenticator.id}`
    expect((await server.call('DELETE', path)).status).toBe(204)
    const second = await begin()
    expectRefusal(await verify(second, device.authenticate(second.body.publicKey)), 'token_invalid')
  })

  test('without the person being verified, where that is asked for', async () => {
    const { user, device } = await somebody()
    const begun = await begin({ userId: user.id, userVerification: 'required' })
    const weak = device.authenticate(begun.body.publicKey, { isUserVerified: false })
    expectRefusal(await verify(begun, weak), 'token_invalid')
    expect(await reasonOf(begun)).toBe('userVerification')
  })

  test('when its counter does not rise, with an event; passkeys that do not count pass', async () => {
    const { user, device } = await somebody(softwareAuthenticator({ counter: 5 }))
    for (const counter of [6, 8]) {
      const begun = await begin()
      const signed = device.authenticate(begun.body.publicKey, { counter })
      expect((await verify(begun, signed)).status).toBe(200)
    }
    for (const counter of [8, 7, 0]) {
      const begun = await begin()
      const signed = device.authenticate(begun.body.publicKey, { counter })
      expectRefusal(await verify(begun, signed), 'token_invalid')
      expect(await reasonOf(begun)).toBe('counter')
    }
    const regressed = await eventsOf(`userId=${user.id}&type=authenticator.counter_regressed`)
    expect(regressed.map((one: { data: object }) => one.data)).toMatchObject([
      { stored: 8, told: 0 },
      { stored: 8, told: 7 },
      { stored: 8, told: 8 },
    ])
  })

  test('in the other ceremony', async () => {
    const { user, device } = await somebody()
    const registering = await begin({ ceremony: 'registration', userId: user.id })
    const challenge = registering.body.publicKey.challenge
    const signed = device.authenticate({ challenge, rpId: 'localhost' })
    expectRefusal(await verify(registering, signed), 'token_invalid')
    expect(await reasonOf(registering)).toBe('ceremony')

    const signing = await begin()
    const options = {
      challenge: signing.body.publicKey.challenge,
      rp: { id: 'localhost' },
      user: { id: 'dXNy' },
    }
    expectRefusal(await verify(signing, softwareAuthenticator().register(options)), 'token_invalid')
    expect(await reasonOf(signing)).toBe('ceremony')
  })

  test('when it is late, replayed, for another purpose, or for a challenge that a code answers', async () => {
    const { to, device } = await somebody()
    const begun = await begin()
    const signed = device.authenticate(begun.body.publicKey)
    expectRefusal(await verify(begun, signed, { purpose: 'pay' }), 'not_found')
    expect((await verify(begun, signed)).status).toBe(200)
    expectRefusal(await verify(begun, signed), 'challenge_used')
    const another = await begin()
    expectRefusal(await verify(another, signed), 'token_invalid')
    expect(await reasonOf(another)).toBe('challenge')

    const late = await begin({ expiresInSeconds: 60 })
    const answer = device.authenticate(late.body.publicKey)
    await later(server, 60_000)
    expectRefusal(await verify(late, answer), 'challenge_expired')

    const code = await server.post('/v1/challenges', { to })
    expectRefusal(await verify(code, signed), 'not_found')
    const passkey = await begin()
    expectRefusal(
      await server.post(`/v1/challenges/${passkey.body.id}/verify`, { code: '123456' }),
      'not_found',
    )
    expectRefusal(await server.post(`/v1/challenges/${passkey.body.id}/resend`, {}), 'sends_exhausted')
    expectRefusal(
      await server.post(`/v1/challenges/${passkey.body.id}/claim`, { userId: 'usr_none' }),
      'state_conflict',
    )
  })

  test('in another environment, whose passkeys are its own', async () => {
    const { device } = await somebody()
    const call = (path: string, body: object) => server.call('POST', path, body, { key: server.liveKey })
    const begun = await call('/v1/challenges', { method: 'passkey' })
    const signed = device.authenticate(begun.body.publicKey)
    expectRefusal(await verify(begun, signed), 'not_found')
    expectRefusal(
      await call(`/v1/challenges/${begun.body.id}/verify`, { credential: signed }),
      'token_invalid',
    )
  })

  test('of somebody who is blocked (after the proof), or deleted', async () => {
    const { user, device } = await somebody()
    const begun = await begin()
    await server.post(`/v1/users/${user.id}/block`)
    expectRefusal(await verify(begun, device.authenticate(begun.body.publicKey)), 'user_blocked')
    await server.post(`/v1/users/${user.id}/unblock`)
    const back = await begin()
    expect((await verify(back, device.authenticate(back.body.publicKey))).status).toBe(200)
    const last = await begin()
    await server.call('DELETE', `/v1/users/${user.id}`)
    expectRefusal(await verify(last, device.authenticate(last.body.publicKey)), 'token_invalid')
  })
})

describe('a new passkey is refused', () => {
  const registering = async () => {
    const { user } = (await server.signIn(fresh())).body
    return await begin({ ceremony: 'registration', userId: user.id })
  }
  test('when another user has its credential id', async () => {
    const { device } = await somebody()
    const credentialId = Buffer.from(device.passkeys[0]?.id ?? '', 'base64url')
    const begun = await registering()
    const made = softwareAuthenticator().register(begun.body.publicKey, { credentialId })
    expectRefusal(await verify(begun, made), 'token_invalid')
    expect(await reasonOf(begun)).toBe('taken')
  })

  for (const [words, reason, lies] of [
    ['when its credential id has more than 1023 bytes', 'credentialId', { credentialId: randomBytes(1024) }],
    ['when its credential id can be guessed', 'credentialId', { credentialId: randomBytes(8) }],
    ['from a page that is not ours', 'origin', { origin: 'https://evil.example' }],
    ['when it is for another relying party', 'rpId', { rpId: 'evil.example' }],
    ['when it is copied and cannot be', 'backupState', { isBackedUp: true }],
    ['when it says it is a sign-in', 'type', { type: 'webauthn.get' }],
  ] as const)
    test(words, async () => {
      const begun = await registering()
      const made = softwareAuthenticator().register(begun.body.publicKey, lies)
      expectRefusal(await verify(begun, made), 'token_invalid')
      expect(await reasonOf(begun)).toBe(reason)
    })

  test('for somebody who was blocked or deleted meanwhile', async () => {
    const begun = await registering()
    await server.post(`/v1/users/${begun.body.userId}/block`)
    // Blocking ends what is pending; what begins afterwards is refused when it is answered.
    const made = softwareAuthenticator().register(begun.body.publicKey)
    expectRefusal(await verify(begun, made), 'challenge_expired')
    const later = await begin({ ceremony: 'registration', userId: begun.body.userId })
    expectRefusal(await verify(later, softwareAuthenticator().register(later.body.publicKey)), 'user_blocked')
    const last = await registering()
    await server.call('DELETE', `/v1/users/${last.body.userId}`)
    expectRefusal(
      await verify(last, softwareAuthenticator().register(last.body.publicKey)),
      'challenge_expired',
    )
  })
})

describe('asking for a passkey', () => {
  test('takes nothing that is about a message, and the other way round', async () => {
    const { user } = (await server.signIn(fresh())).body
    for (const more of [
      { to: 'a@x.test' },
      { channel: 'email' },
      { credential: 'code' },
      { redirectUrl: 'https://app.example/back' },
      { template: 'hello' },
      { userMode: 'existing' },
      { externalId: 'one' },
      { locale: 'de' },
      { state: 'st' },
    ])
      expectRefusal(await begin(more), 'invalid_request', ['errors'])
    expectRefusal(await begin({ ceremony: 'registration' }), 'invalid_request', ['errors'])
    expectRefusal(await begin({ expiresInSeconds: 301 }), 'invalid_request', ['errors'])
    expectRefusal(await begin({ userId: 'usr_none' }), 'not_found')
    expectRefusal(await begin({ userId: user.id }), 'state_conflict')
    expectRefusal(await begin({ appId: 'app_none' }), 'not_found')
    expectRefusal(
      await server.post('/v1/challenges', { to: fresh(), userVerification: 'required' }),
      'invalid_request',
      ['errors'],
    )
  })

  test('wants exactly one of code and credential, in its form', async () => {
    const { device } = await somebody()
    const begun = await begin()
    const credential = device.authenticate(begun.body.publicKey)
    const path = `/v1/challenges/${begun.body.id}/verify`
    for (const body of [
      {},
      { code: '123456', credential },
      { credential: { ...credential, more: 1 } },
      { credential: { ...credential, id: 'not base64url!' } },
      { credential: 'text' },
    ])
      expectRefusal(await server.post(path, body), 'invalid_request', ['errors'])
    // Nothing of that was an answer.
    expect((await server.post(path, { credential })).status).toBe(200)
  })

  test('has a limit for each host, and is repeated by its key', async () => {
    const ask = (ipAddress: string) => begin({ context: { ipAddress } })
    for (let count = 0; count < 240; count++) expect((await ask('203.0.113.5')).status).toBe(201)
    const limited = await ask('203.0.113.5')
    expectRefusal(limited, 'rate_limited', ['limit', 'retryAfterSeconds'])
    expect(limited.body.limit).toBe('passkeysPerIp')
    expect((await ask('203.0.113.6')).status).toBe(201)

    const headers = { 'Idempotency-Key': 'passkey-1' }
    const first = await server.post('/v1/challenges', { method: 'passkey' }, headers)
    const again = await server.post('/v1/challenges', { method: 'passkey' }, headers)
    expect(again.body).toEqual(first.body)
    const read = await server.get(`/v1/challenges/${first.body.id}`)
    expect(read.body).toMatchObject({ method: 'passkey', publicKey: null })
  })

  test('counts wrong answers of a host as any others', async () => {
    const { device } = await somebody()
    const context = { ipAddress: '203.0.113.77' }
    for (let count = 0; count < 60; count++) {
      const begun = await begin()
      const wrong = device.authenticate(begun.body.publicKey, { breakSignature: true })
      expectRefusal(await verify(begun, wrong, { context }), 'token_invalid')
    }
    const begun = await begin()
    const right = device.authenticate(begun.body.publicKey)
    expectRefusal(await verify(begun, right, { context }), 'rate_limited', ['limit', 'retryAfterSeconds'])
    expect((await verify(begun, right)).status).toBe(200)
  })

  test('is refused where the settings have it off', async () => {
    const { device } = await somebody()
    await server.call('PATCH', '/v1/settings', { methods: { passkey: false } })
    expectRefusal(await begin(), 'invalid_request', ['errors'])
    await server.call('PATCH', '/v1/settings', { methods: { passkey: true } })
    const begun = await begin()
    expect((await verify(begun, device.authenticate(begun.body.publicKey))).status).toBe(200)
  })

  test('works on pages of the app, of related origins, and of no other app', async () => {
    const key = server.liveKey
    const { signer: app } = { signer: await appOf(server, {}, key) }
    await appOf(server, { origins: ['https://other.example'] }, key)
    const call = (path: string, body: object) => server.call('POST', path, body, { key })
    const relatedOrigins = ['https://related.example']
    await server.call('PATCH', '/v1/settings', { passkey: { relatedOrigins } }, { key })
    const user = (await call('/v1/users', { email: fresh(), emailVerified: true })).body
    const device = softwareAuthenticator()
    const asked = { method: 'passkey', appId: app.id }
    const registering = await call('/v1/challenges', { ...asked, ceremony: 'registration', userId: user.id })
    const made = device.register(registering.body.publicKey, { origin: APP_ORIGIN })
    expect((await call(`/v1/challenges/${registering.body.id}/verify`, { credential: made })).status).toBe(
      200,
    )
    for (const [origin, status] of [
      [APP_ORIGIN, 200],
      ['https://related.example', 200],
      ['http://localhost:4545', 200],
      ['https://other.example', 400],
      // Only in `test` is every page of the developer's machine let in.
      ['http://localhost:3000', 400],
    ] as const) {
      const begun = await call('/v1/challenges', asked)
      const credential = device.authenticate(begun.body.publicKey, { origin })
      expect((await call(`/v1/challenges/${begun.body.id}/verify`, { credential })).status, origin).toBe(
        status,
      )
    }
    const local = await somebody(softwareAuthenticator({ origin: 'http://localhost:3000' }))
    expect(local.enrolled.status).toBe(200)
  })
})

describe('the authenticators of a user', () => {
  test('are taken over from elsewhere, and work', async () => {
    const { user } = (await server.signIn(fresh())).body
    const device = softwareAuthenticator({ isBackupEligible: true, counter: 3 })
    const userHandle = Buffer.from(user.id).toString('base64url')
    device.register({ challenge: 'x', rp: { id: 'localhost' }, user: { id: userHandle } })
    const [passkey] = device.passkeys
    const imported = {
      type: 'passkey',
      credentialId: passkey?.id,
      publicKey: passkey?.publicKey.toString('base64url'),
      isBackupEligible: true,
      signCount: 3,
      transports: ['hybrid'],
      name: 'From before',
    }
    const path = `/v1/users/${user.id}/authenticators`
    const added = await server.post(path, imported)
    expect(added).toMatchObject({
      status: 201,
      body: { name: 'From before', transports: ['hybrid'], isBackupEligible: true, isBackedUp: false },
    })
    expectRefusal(await server.post(path, imported), 'already_exists')
    expectRefusal(await server.post('/v1/users/usr_none/authenticators', imported), 'not_found')
    for (const wrong of [
      { credentialId: randomBytes(1024).toString('base64url') },
      { publicKey: randomBytes(77).toString('base64url') },
      { type: 'totp' },
      { isBackupEligible: undefined },
    ])
      expectRefusal(await server.post(path, { ...imported, ...wrong }), 'invalid_request', ['errors'])
    const begun = await begin()
    expect((await verify(begun, device.authenticate(begun.body.publicKey))).body).toMatchObject({
      user: { id: user.id },
      session: { amr: ['swk', 'user', 'mfa'] },
    })
  })

  test('are renamed', async () => {
    const { user, authenticator } = await somebody()
    const path = `/v1/users/${user.id}/authenticators/${authenticator.id}`
    const renamed = await server.call('PATCH', path, { name: 'Laptop' })
    expect(renamed.body).toEqual({ ...authenticator, name: 'Laptop' })
    for (const name of ['', 'x'.repeat(65), 'a\nb'])
      expectRefusal(await server.call('PATCH', path, { name }), 'invalid_request', ['errors'])
    const other = await somebody()
    const foreign = `/v1/users/${other.user.id}/authenticators/${authenticator.id}`
    expectRefusal(await server.call('PATCH', foreign, { name: 'Mine' }), 'not_found')
    expectRefusal(await server.call('DELETE', foreign), 'not_found')
    expectRefusal(await server.get('/v1/users/usr_none/authenticators'), 'not_found')
  })

  test('keep the last way in', async () => {
    const user = (await server.post('/v1/users', { email: fresh() })).body
    const enrol = async (device: Device) => {
      const begun = await begin({ ceremony: 'registration', userId: user.id })
      return (await verify(begun, device.register(begun.body.publicKey))).body.authenticator
    }
    const one = await enrol(softwareAuthenticator())
    const path = (id: string) => `/v1/users/${user.id}/authenticators/${id}`
    // Its address was never proven: it leads to no account.
    expectRefusal(await server.call('DELETE', path(one.id)), 'state_conflict')
    const two = await enrol(softwareAuthenticator())
    expect((await server.call('DELETE', path(one.id))).status).toBe(204)
    const identifier = { type: 'email', value: fresh(), isVerified: true }
    await server.post(`/v1/users/${user.id}/identifiers`, identifier)
    await server.call('PATCH', '/v1/settings', { methods: { emailCode: false, emailLink: false } })
    expectRefusal(await server.call('DELETE', path(two.id)), 'state_conflict')
    await server.call('PATCH', '/v1/settings', { methods: { emailCode: null, emailLink: null } })
    expect((await server.call('DELETE', path(two.id))).status).toBe(204)
  })

  test('of a stranger end when the owner of the address proves it', async () => {
    const to = fresh()
    const user = (await server.post('/v1/users', { email: to })).body
    const device = softwareAuthenticator()
    const registering = await begin({ ceremony: 'registration', userId: user.id })
    await verify(registering, device.register(registering.body.publicKey))
    const owner = (await server.signIn(to)).body
    expect(owner).toMatchObject({ user: { id: user.id }, isNewUser: false })
    const begun = await begin()
    expectRefusal(await verify(begun, device.authenticate(begun.body.publicKey)), 'token_invalid')
    expect((await server.get(`/v1/users/${user.id}/authenticators`)).body.data).toEqual([])
    const [ended] = await eventsOf(`userId=${user.id}&type=authenticator.deleted`)
    expect(ended.data.reason).toBe('adopted')
  })
})
