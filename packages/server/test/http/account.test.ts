import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { CLIENT_ENDPOINTS } from '../../src/http/routes.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type Answer, type TestServer, testServer } from '../setup/server.ts'
import {
  APP_BACK,
  APP_ORIGIN,
  appOf,
  begin,
  browse,
  cookieOf,
  prove,
  S256,
  tabOf,
  VERIFIER,
} from './browser.ts'
import {
  addAddress,
  beginAddress,
  FIREFOX,
  HOME,
  noticesTo,
  type Person,
  personOf,
  signedIn,
} from './person.ts'
import { dump, fresh, later, mailbox, rowCounts, wrongCode } from './world.ts'

let server: TestServer
let app: App
const box = mailbox()
beforeAll(async () => {
  server = await testServer({ transport: box })
  app = await appOf(server)
  // Longer than a proof is fresh, so that it is the proof that is judged.
  for (const key of [server.key, server.liveKey])
    await server.call('PATCH', '/v1/settings', { session: { accessTokenSeconds: 3600 } }, { key })
})
afterAll(async () => {
  expect(await server.violations({ secrets: [server.key, server.liveKey] })).toEqual([])
  await server.stop()
})

const MINUTE = 60_000
const NOBODY = 'ses_01k6z5v9hrf0qv2s8yb7m3c4dn'
const NO_CHALLENGE = 'chl_01k6z5v9hrf0qv2s8yb7m3c4dn'

function expectRefused(answer: Answer, status: number, code: string) {
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status, body: { code } })
}

const ME = CLIENT_ENDPOINTS.filter(one => one.auth === 'session')
const FRESH = ME.filter(one => one.needsFreshProof).map(one => one.path)
const addressesOf = async (person: Person): Promise<string[]> =>
  (await person.get()).body.identifiers.map((one: { value: string }) => one.value)

test('each answer has every documented field and no other', async () => {
  // Whatever succeeds is held against its form by `personOf`; this asks for what no other test does.
  const person = await signedIn(server, fresh())
  for (const { method, path } of ME.filter(one => one.method === 'GET'))
    expect((await browse(server, method, path, undefined, { bearer: person.accessToken })).status).toBe(200)
  expect(ME.map(one => one.path).filter(path => !path.startsWith('/client/v1/me'))).toEqual([])
})

describe('who is let in', () => {
  const bearers: Record<string, (person: Person) => Promise<string | null>> = {
    nothing: async () => null,
    'a publishable key': async () => app.publishableKey,
    'a secret key': async () => server.key,
    'an action’s token': async () => (await begin(server, app)).token,
    'a damaged token': async person => `${person.accessToken.slice(0, -3)}abc`,
    'a token whose issuer was changed to live': async person => {
      const [head, body = '', signature] = person.accessToken.split('.')
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
      const forged = { ...claims, iss: claims.iss.replace(/test$/, 'live') }
      return [head, Buffer.from(JSON.stringify(forged)).toString('base64url'), signature].join('.')
    },
    'a revoked session': async person => {
      await server.post(`/v1/sessions/${person.sessionId}/revoke`)
      return person.accessToken
    },
    'a blocked user': async person => {
      await server.post(`/v1/users/${person.userId}/block`)
      return person.accessToken
    },
    'a deleted user': async person => {
      await server.call('DELETE', `/v1/users/${person.userId}`)
      return person.accessToken
    },
  }
  test.each(Object.keys(bearers))('not %s, anywhere, and nothing is written', async name => {
    const person = await signedIn(server, fresh())
    const bearer = (await bearers[name]?.(person)) ?? null
    const before = await dump(server)
    for (const { method, path } of ME) {
      const sent = method === 'POST' ? {} : undefined
      expectRefused(await browse(server, method, path, sent, { bearer }), 401, 'session_invalid')
    }
    expect(await dump(server)).toEqual(before)
  })
  test('not a page of another origin, unreadably', async () => {
    const person = await signedIn(server, fresh())
    for (const { method, path } of ME) {
      const headers = { Origin: 'https://evil.example' }
      const sent = method === 'POST' ? {} : undefined
      const answer = await browse(server, method, path, sent, { bearer: person.accessToken, headers })
      expectRefused(answer, 403, 'origin_not_allowed')
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
  })
})

describe('what is another’s answers like nothing, and nothing is written', () => {
  test.each(['of the same environment', 'of the other environment'])('%s', async which => {
    const mine = await signedIn(server, fresh())
    const other = which.includes('same')
      ? await signedIn(server, fresh())
      : await (async () => {
          const to = fresh()
          const { body } = await server.call('POST', '/v1/challenges', { to }, { key: server.liveKey })
          await server.ostiary.drain()
          const code = box.code(to)
          const path = `/v1/challenges/${body.id}/verify`
          return personOf(server, to, await server.call('POST', path, { code }, { key: server.liveKey }))
        })()
    const begun = await other.post('identifiers', { to: fresh() })
    await server.ostiary.drain()
    const foreign = begun.body.challengeId
    const asks: [path: string, its: object, nothing: object][] = [
      ['sessions/end', { id: other.sessionId }, { id: NOBODY }],
      ['identifiers/resend', { challengeId: foreign }, { challengeId: NO_CHALLENGE }],
      [
        'identifiers/verify',
        { challengeId: foreign, code: '123456' },
        { challengeId: NO_CHALLENGE, code: '123456' },
      ],
      [
        'identifiers/primary',
        { type: 'email', value: other.to },
        { type: 'email', value: 'no@nowhere.example' },
      ],
      [
        'identifiers/remove',
        { type: 'email', value: other.to },
        { type: 'email', value: 'no@nowhere.example' },
      ],
    ]
    const masked = ({ status, body }: Answer) => ({ status, body: { ...body, requestId: null } })
    for (const [path, its, nothing] of asks) {
      const before = await dump(server)
      const answer = await mine.post(path, its)
      expect(masked(answer), path).toEqual(masked(await mine.post(path, nothing)))
      expect(await dump(server), path).toEqual(before)
    }
    expect((await other.get()).status).toBe(200)
    const own = (await mine.get('sessions')).body.data
    expect(own.map((one: { id: string }) => one.id)).toEqual([mine.sessionId])
    expect(JSON.stringify((await mine.get('activity')).body)).not.toContain(other.sessionId)
  })
  test('a right code of another’s challenge is worth nothing, and is not spent', async () => {
    const [mine, other] = [await signedIn(server, fresh()), await signedIn(server, fresh())]
    const to = fresh()
    const { challengeId, code } = await beginAddress(server, other, to)
    expectRefused(await mine.post('identifiers/verify', { challengeId, code }), 404, 'not_found')
    expect((await other.post('identifiers/verify', { challengeId, code })).status).toBe(200)
    expect(await addressesOf(other)).toContain(to)
  })
  test('nor is a challenge of another purpose, and a backend cannot claim this one for somebody else', async () => {
    const [mine, other] = [await signedIn(server, fresh()), await signedIn(server, fresh())]
    const sent = (await server.post('/v1/challenges', { to: fresh(), userMode: 'none' })).body
    const { code } = await server.message({ challengeId: sent.id })
    const asked = { challengeId: sent.id, code }
    expectRefused(await mine.post('identifiers/verify', asked), 404, 'not_found')
    const begun = await beginAddress(server, mine, fresh())
    const path = `/v1/challenges/${begun.challengeId}`
    const proven = await server.post(`${path}/verify`, { code: begun.code, purpose: 'addAddress' })
    expect(proven.body).toMatchObject({ user: null, session: null })
    expectRefused(await server.post(`${path}/claim`, { userId: other.userId }), 409, 'state_conflict')
    expect((await server.post(`${path}/claim`, { userId: mine.userId })).status).toBe(200)
  })
})

describe('a fresh proof', () => {
  test('is asked for by what changes the ways in, and by nothing else', () => {
    const own = ['', '/resend', '/verify', '/primary', '/remove'].map(end => `identifiers${end}`)
    expect(FRESH).toEqual([...own, 'authenticators/remove', 'passkeys'].map(path => `/client/v1/me/${path}`))
  })
  test('is one of less than ten minutes ago, to the millisecond; a refresh makes none', async () => {
    const to = fresh()
    const sent = (await server.post('/v1/challenges', { to })).body
    const { code } = await server.message({ challengeId: sent.id })
    const answer = await server.post(`/v1/challenges/${sent.id}/verify`, { code })
    const person = personOf(server, to, answer)
    await later(server, 10 * MINUTE - 1)
    expectRefused(
      await person.post('identifiers/remove', { type: 'email', value: fresh() }),
      404,
      'not_found',
    )
    const { refreshToken } = answer.body.tokens
    const { tokens, session } = (await server.post('/v1/sessions/refresh', { refreshToken })).body
    const before = await dump(server)
    await later(server, 1)
    for (const token of [person.accessToken, tokens.accessToken]) {
      const stale = personOf(server, to, {
        ...answer,
        body: { user: answer.body.user, session, tokens: { accessToken: token } },
      })
      for (const path of FRESH)
        expectRefused(await stale.post(path.replace('/client/v1/me/', '')), 403, 'fresh_proof_required')
    }
    expect(await dump(server)).toEqual(before)
    expect((await person.get('sessions')).status).toBe(200)
  })
  test('is given by a sign-in in which nobody else can be proven', async () => {
    const person = await signedIn(server, fresh())
    await addAddress(server, person, fresh())
    await later(server, 11 * MINUTE)
    const begun = await person.post('proof', { codeChallenge: S256 })
    expect(begun).toMatchObject({
      status: 201,
      body: { name: 'signIn', step: 'method', address: 'p***@example.com' },
    })
    const tab = tabOf(server, begun.body.id, begun.body.token)
    expectRefused(await tab.post('identify', { to: fresh() }), 409, 'state_conflict')
    expect((await tab.post('send', { method: 'emailCode' })).status).toBe(200)
    const { code } = await server.message({ to: person.to })
    const { result } = (await tab.post('verify', { code })).body
    const redeem = { token: result.token, codeVerifier: VERIFIER }
    const key = (await server.ostiary.deps.directory.bySlug('test'))?.defaultApp.publishableKey ?? ''
    const validated = await browse(server, 'POST', '/client/v1/actions/validate', redeem, { bearer: key })
    expect(validated.body).toMatchObject({ isValid: true, user: { id: person.userId } })
    expect(validated.body.session.id).not.toBe(person.sessionId)
    const again = personOf(server, person.to, validated)
    expect((await again.post('identifiers', { to: fresh() })).status).toBe(201)
    expectRefused(await person.post('identifiers', { to: fresh() }), 403, 'fresh_proof_required')
  })
  test('by a page of Ostiary comes with the cookie and no token', async () => {
    const person = await signedIn(server, fresh())
    const begun = await person.post('proof', {}, { headers: { 'Sec-Fetch-Site': 'same-origin' } })
    expect(begun).toMatchObject({ status: 201, body: { token: null } })
    expect(cookieOf(begun, '__Host-ostiary-action')).toContain('oat_')
    expectRefused(
      await person.post('proof', { redirectUrl: 'https://evil.example/' }),
      400,
      'redirect_url_not_allowed',
    )
  })
})

describe('addresses', () => {
  test('are added by their code, made primary and removed, and each is told of', async () => {
    const person = await signedIn(server, fresh())
    const second = fresh()
    const { challengeId, code, answer } = await beginAddress(server, person, second)
    expect(answer.body).toEqual({
      challengeId,
      codeLength: 6,
      tag: expect.stringMatching(/^[A-Z]{3}$/),
      expiresAt: expect.any(String),
      resendAt: expect.any(String),
    })
    const wrong = await person.post('identifiers/verify', { challengeId, code: wrongCode(code) })
    expect(wrong).toMatchObject({ status: 400, body: { code: 'code_incorrect', attemptsLeft: 4 } })
    expect(await addressesOf(person)).toEqual([person.to])
    const added = await person.post(
      'identifiers/verify',
      { challengeId, code },
      { headers: { 'User-Agent': FIREFOX } },
    )
    expect(added.status).toBe(200)
    expect(added.body).toMatchObject({
      email: person.to,
      identifiers: [
        { value: person.to, isPrimary: true },
        { value: second, isPrimary: false, verifiedAt: expect.any(String) },
      ],
    })
    expectRefused(await person.post('identifiers/verify', { challengeId, code }), 409, 'challenge_used')
    expectRefused(await person.post('identifiers', { to: second }), 409, 'already_exists')
    expect(await noticesTo(server, second)).toEqual([])
    const [told] = await noticesTo(server, person.to)
    expect(told).toMatchObject({
      notice: 'addressAdded',
      to: person.to,
      challengeId: null,
      code: null,
      link: null,
    })
    expect(told.text).toContain('p***@example.com can sign in to your account')
    expect(told.text).toContain('Firefox on Windows')
    expect(told.text).not.toContain(second)
    expect(told.text).toContain('/account?key=opk_test_')

    const primary = await person.post('identifiers/primary', { type: 'email', value: second })
    expect(primary.body).toMatchObject({ email: second })
    expect((await noticesTo(server, person.to))[0]).toMatchObject({ notice: 'primaryChanged' })
    const removed = await person.post('identifiers/remove', { type: 'email', value: person.to })
    expect(removed.body.identifiers).toMatchObject([{ value: second, isPrimary: true }])
    expect((await noticesTo(server, person.to))[0]).toMatchObject({ notice: 'addressRemoved', to: person.to })
    expect(await noticesTo(server, second)).toEqual([])
    // Nobody comes in by the old address as this user any more.
    expect((await server.signIn(person.to)).body.user.id).not.toBe(person.userId)
    expect((await server.signIn(second)).body.user.id).toBe(person.userId)
  })
  test('the last way in stays, whatever else is there that leads nowhere', async () => {
    const person = await signedIn(server, fresh())
    const unproven = fresh()
    await server.post(`/v1/users/${person.userId}/identifiers`, { type: 'email', value: unproven })
    const last = { type: 'email', value: person.to }
    expectRefused(await person.post('identifiers/remove', last), 409, 'state_conflict')
    expectRefused(
      await person.post('identifiers/primary', { type: 'email', value: unproven }),
      409,
      'state_conflict',
    )
    expect((await person.post('identifiers/remove', { type: 'email', value: unproven })).status).toBe(200)
    expect(await noticesTo(server, unproven)).toEqual([])
    expect(await addressesOf(person)).toEqual([person.to])
  })
  test('that are changed again and again are told of ten times an hour', async () => {
    const person = await signedIn(server, fresh())
    const second = fresh()
    await addAddress(server, person, second)
    const flip = async (value: string) =>
      expect((await person.post('identifiers/primary', { type: 'email', value })).status).toBe(200)
    for (let turn = 0; turn < 13; turn++) for (const value of [second, person.to]) await flip(value)
    for (const to of [person.to, second]) {
      const told = (await noticesTo(server, to)).filter(one => one.notice === 'primaryChanged')
      expect(told).toHaveLength(10)
    }
    // Nothing else is kept quiet by it.
    await addAddress(server, person, fresh())
    expect((await noticesTo(server, person.to))[0]).toMatchObject({ notice: 'addressAdded' })
  })
  test('are proven again by a code of their own: a resend keeps the earlier one', async () => {
    const person = await signedIn(server, fresh())
    const to = fresh()
    const { challengeId, code } = await beginAddress(server, person, to)
    expectRefused(await person.post('identifiers/resend', { challengeId }), 429, 'rate_limited')
    await later(server, 31_000)
    const resent = await person.post('identifiers/resend', { challengeId })
    expect(resent).toMatchObject({ status: 200, body: { challengeId, earlierCodes: 'valid' } })
    expect((await person.post('identifiers/verify', { challengeId, code })).status).toBe(200)
    expect(await addressesOf(person)).toContain(to)
  })
  test('of another user are refused after their code alone; before it all addresses look the same', async () => {
    const kinds: Record<string, (to: string) => Promise<unknown>> = {
      known: to => server.post('/v1/users', { email: to, emailVerified: true, locale: 'de' }),
      unknown: async () => {},
      unproven: to => server.post('/v1/users', { email: to }),
      blocked: async to => {
        const { body } = await server.post('/v1/users', { email: to, emailVerified: true })
        await server.post(`/v1/users/${body.id}/block`)
      },
    }
    const seen: Record<string, unknown> = {}
    for (const [kind, prepare] of Object.entries(kinds)) {
      await later(server, 2 * 60 * MINUTE)
      const person = await signedIn(server, `me${fresh().replace(/\D/g, '').padStart(9, '0')}@example.com`)
      const to = `p${fresh().replace(/\D/g, '').padStart(9, '0')}@example.com`
      await prepare(to)
      const steps: unknown[] = []
      let challengeId = NO_CHALLENGE
      for (const [path, body] of [
        ['identifiers', { to }],
        ['identifiers/verify', { code: '00000x' }],
        ['identifiers/resend', {}],
        ['identifiers/verify', { code: '00000x' }],
      ] as const) {
        const before = await rowCounts(server)
        const named = path === 'identifiers' ? body : { ...body, challengeId }
        const { status, headers, body: answer } = await person.post(path, named)
        challengeId = answer.challengeId ?? challengeId
        const after = await rowCounts(server)
        const written = Object.keys(after).map(table => [table, (after[table] ?? 0) - (before[table] ?? 0)])
        const { 'request-id': _, ...rest } = Object.fromEntries(headers)
        const text = JSON.stringify(answer)
          .replaceAll(/"(chl|req)_[0-9a-z]{26}"/g, '"$1"')
          .replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"TIME"')
          .replaceAll(/"tag":"[A-Z]{3}"/g, '"tag":"TAG"')
        steps.push({ status, headers: rest, text, written })
      }
      seen[kind] = steps
      if (kind !== 'known') continue
      const { code } = await server.message({ challengeId })
      expectRefused(await person.post('identifiers/verify', { challengeId, code }), 409, 'already_exists')
      expect(await addressesOf(person)).toEqual([person.to])
    }
    for (const kind of Object.keys(kinds)) expect(seen[kind], kind).toEqual(seen.known)
  })
  test('take no more than twenty, and none that the settings refuse', async () => {
    const person = await signedIn(server, fresh())
    await server.call('PATCH', '/v1/settings', { emailDomains: { block: ['blocked.example'] } })
    expectRefused(
      await person.post('identifiers', { to: 'a@blocked.example' }),
      422,
      'destination_not_allowed',
    )
    await server.call('PATCH', '/v1/settings', { emailDomains: null, methods: { emailCode: false } })
    expectRefused(await person.post('identifiers', { to: fresh() }), 409, 'state_conflict')
    await server.call('PATCH', '/v1/settings', { methods: null })
    for (let one = 1; one < 20; one++)
      await server.post(`/v1/users/${person.userId}/identifiers`, { type: 'email', value: fresh() })
    expectRefused(await person.post('identifiers', { to: fresh() }), 409, 'state_conflict')
  })
  test('count in the limits of sends as for anybody', async () => {
    const [mine, other] = [await signedIn(server, fresh()), await signedIn(server, fresh())]
    const to = fresh()
    for (const person of [mine, other]) await beginAddress(server, person, to)
    const third = await signedIn(server, fresh())
    const answer = await third.post('identifiers', { to })
    expect(answer).toMatchObject({ status: 429, body: { limit: 'sendsPerAddressUntold' } })
  })
})

describe('passkeys', () => {
  const enrol = async (person: Person, device = softwareAuthenticator(), more: object = {}) => {
    const begun = await person.post('passkeys')
    expect(begun.status, JSON.stringify(begun.body)).toBe(201)
    const { challengeId, publicKey } = begun.body
    const credential = device.register(publicKey)
    const added = await person.post('passkeys/finish', { challengeId, credential, ...more })
    return { challengeId, credential, device, added }
  }

  test('are enrolled, named and removed by the person, and told of', async () => {
    const person = await signedIn(server, fresh())
    const { challengeId, credential, device, added } = await enrol(person, softwareAuthenticator(), {
      name: 'My key',
    })
    expect(added).toMatchObject({ status: 201, body: { name: 'My key', rpId: 'localhost' } })
    expectRefused(await person.post('passkeys/finish', { challengeId, credential }), 409, 'challenge_used')
    const { id } = added.body
    expect((await person.get('authenticators')).body).toEqual({ data: [added.body] })
    const [told] = await noticesTo(server, person.to)
    expect(told).toMatchObject({
      notice: 'passkeyAdded',
      subject: 'A passkey was added to your My app account',
    })
    expect(told.text).toContain('My key')
    const renamed = await person.post('authenticators/rename', { id, name: 'Laptop' })
    expect(renamed.body).toMatchObject({ id, name: 'Laptop' })
    // Two ways in: the address may go, and then the passkey is the last one.
    const second = await enrol(person)
    const removed = await person.post('authenticators/remove', { id })
    expect(removed.body).toEqual({
      acceptedCredentialIds: [second.device.passkeys[0]?.id],
      rpId: 'localhost',
      userId: Buffer.from(person.userId).toString('base64url'),
    })
    expect(removed.body.acceptedCredentialIds).not.toContain(device.passkeys[0]?.id)
    expect((await noticesTo(server, person.to)).map(one => one.notice)).toEqual([
      'passkeyRemoved',
      'passkeyAdded',
      'passkeyAdded',
    ])
    expect((await person.post('identifiers/remove', { type: 'email', value: person.to })).status).toBe(200)
    const last = { id: second.added.body.id }
    expectRefused(await person.post('authenticators/remove', last), 409, 'state_conflict')
    const types = (await person.get('activity')).body.data.map((one: { type: string }) => one.type)
    expect(types.slice(0, 5)).toEqual([
      'identifier.removed',
      'authenticator.deleted',
      'authenticator.created',
      'authenticator.updated',
      'authenticator.created',
    ])
  })
  test('have no address in their name where a notice tells of them', async () => {
    const person = await signedIn(server, fresh())
    const name = 'Locked: see https://evil.example/in or me@evil.example'
    expect((await enrol(person, softwareAuthenticator(), { name })).added.body).toMatchObject({ name })
    const [told] = await noticesTo(server, person.to)
    expect(told.text).toContain('“Locked see https evil example in or me evil example”')
    for (const part of [told.text, told.html]) expect(part).not.toContain('evil.example')
  })
  test('that are off are no way in: then the address is the last one', async () => {
    const person = await signedIn(server, fresh())
    await enrol(person)
    await server.call('PATCH', '/v1/settings', { methods: { passkey: false } })
    expectRefused(
      await person.post('identifiers/remove', { type: 'email', value: person.to }),
      409,
      'state_conflict',
    )
    await server.call('PATCH', '/v1/settings', { methods: null })
  })
  test('alone are no account for whoever proves an address that stood there unproven', async () => {
    const person = await signedIn(server, fresh())
    const strangers = fresh()
    await server.post(`/v1/users/${person.userId}/identifiers`, { type: 'email', value: strangers })
    await enrol(person)
    expect((await person.post('identifiers/remove', { type: 'email', value: person.to })).status).toBe(200)
    expect(await addressesOf(person)).toEqual([])
    expect((await server.signIn(strangers)).body.user.id).not.toBe(person.userId)
    expect((await person.get('authenticators')).body.data).toHaveLength(1)
  })
  test('alone stay alone: a backend leaves and puts no unproven address beside them', async () => {
    const person = await signedIn(server, fresh())
    const path = `/v1/users/${person.userId}/identifiers`
    const strangers = fresh()
    await server.post(path, { type: 'email', value: strangers })
    await enrol(person)
    const removed = await server.call('DELETE', `${path}?type=email&value=${person.to}`)
    expect(removed).toMatchObject({ status: 200, body: { identifiers: [] } })
    expectRefused(await server.post(path, { type: 'email', value: strangers }), 409, 'state_conflict')
    expect((await server.signIn(strangers)).body.user.id).not.toBe(person.userId)
    expect((await person.get('authenticators')).body.data).toHaveLength(1)
    const vouched = await server.post(path, { type: 'email', value: fresh(), isVerified: true })
    expect(vouched.status).toBe(201)
    // With something proven there is nothing to adopt.
    expect((await server.post(path, { type: 'email', value: fresh() })).status).toBe(201)
  })
  test('and sessions stay where somebody who has passkeys alone adds an address', async () => {
    const person = await signedIn(server, fresh())
    const other = await signedIn(server, person.to)
    await enrol(person)
    const { device } = await enrol(person)
    expect((await person.post('identifiers/remove', { type: 'email', value: person.to })).status).toBe(200)
    const next = fresh()
    await addAddress(server, person, next)
    expect(await addressesOf(person)).toEqual([next])
    expect((await person.get('authenticators')).body.data).toHaveLength(2)
    expect((await other.get()).status).toBe(200)
    const begun = await server.post('/v1/challenges', { method: 'passkey' })
    const credential = device.authenticate(begun.body.publicKey)
    const back = await server.post(`/v1/challenges/${begun.body.id}/verify`, { credential })
    expect(back.body).toMatchObject({ user: { id: person.userId, email: next } })
    expect((await server.signIn(next)).body.user.id).toBe(person.userId)
  })
  test('of another are not there, nor is the challenge that another began', async () => {
    const [mine, other] = [await signedIn(server, fresh()), await signedIn(server, fresh())]
    const { added } = await enrol(other)
    const { id } = added.body
    const begun = (await other.post('passkeys')).body
    const device = softwareAuthenticator()
    const asked = { challengeId: begun.challengeId, credential: device.register(begun.publicKey) }
    const before = await dump(server)
    expectRefused(await mine.post('passkeys/finish', asked), 404, 'not_found')
    expectRefused(await mine.post('authenticators/rename', { id, name: 'x' }), 404, 'not_found')
    expectRefused(await mine.post('authenticators/remove', { id }), 404, 'not_found')
    expect((await mine.get('authenticators')).body).toEqual({ data: [] })
    expect(await dump(server)).toEqual(before)
    expect((await other.post('passkeys/finish', asked)).status).toBe(201)
  })
  test('of a backend’s registration are told of, too, and not where the setting is off', async () => {
    const person = await signedIn(server, fresh())
    const add = async () => {
      const asked = { method: 'passkey', ceremony: 'registration', userId: person.userId }
      const begun = (await server.post('/v1/challenges', asked)).body
      const credential = softwareAuthenticator().register(begun.publicKey)
      expect((await server.post(`/v1/challenges/${begun.id}/verify`, { credential })).status).toBe(200)
    }
    await add()
    expect((await noticesTo(server, person.to)).map(one => one.notice)).toEqual(['passkeyAdded'])
    await server.call('PATCH', '/v1/settings', { notices: { passkey: false } })
    await add()
    expect(await noticesTo(server, person.to)).toHaveLength(1)
    await server.call('PATCH', '/v1/settings', { notices: null })
  })
})

describe('sessions', () => {
  test('are shown with where they are, and end one by one, all others, or this one', async () => {
    const to = fresh()
    const first = await signedIn(server, to)
    const all = [first, await signedIn(server, to), await signedIn(server, to, {})]
    await later(server, 2 * MINUTE)
    all.push(await signedIn(server, to))
    const shown = (await first.get('sessions')).body.data
    expect(shown.map((one: { id: string }) => one.id)).toEqual(all.map(one => one.sessionId).reverse())
    expect(shown[3]).toEqual({
      id: first.sessionId,
      isCurrent: true,
      device: { browser: 'Firefox', system: 'Windows' },
      ipAddress: HOME.ipAddress,
      methods: ['emailCode'],
      createdAt: expect.any(String),
      lastUsedAt: expect.any(String),
    })
    expect(shown[1]).toMatchObject({
      isCurrent: false,
      device: { browser: null, system: null },
      ipAddress: null,
    })
    expect((await first.post('sessions/end', { id: all[1]?.sessionId })).body).toEqual({ ended: 1 })
    expect((await first.post('sessions/end', { id: all[1]?.sessionId })).body).toEqual({ ended: 0 })
    expect((await all[1]?.get())?.status).toBe(401)
    expect((await first.post('sessions/end-others')).body).toEqual({ ended: 2 })
    expect((await all[3]?.get())?.status).toBe(401)
    expect((await first.get('sessions')).body.data).toHaveLength(1)
    const out = await first.post('sign-out')
    expect(out).toMatchObject({ status: 200, body: { ended: 1 } })
    expect(out.headers.get('set-cookie')).toMatch(
      /^__Host-ostiary-refresh-app_\w+=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
    expectRefused(await first.get(), 401, 'session_invalid')
  })
  test('signing out leaves the cookie of a session that began in this browser since', async () => {
    const app = await appOf(server, { publicRefresh: true })
    const into = async (to: string) => {
      await later(server, 2 * MINUTE)
      const tab = await begin(server, app, { redirectUrl: APP_BACK, codeChallenge: S256 })
      const { token } = (await prove(server, tab, to)).body.result
      const asked = { token, codeVerifier: VERIFIER }
      const options = { bearer: app.publishableKey }
      const answer = await browse(server, 'POST', '/client/v1/actions/validate', asked, options)
      return { bearer: answer.body.tokens.accessToken, cookie: cookieOf(answer, '__Host-ostiary-refresh') }
    }
    const [first, next] = [await into(fresh()), await into(fresh())]
    const signOut = (cookie: string) =>
      browse(
        server,
        'POST',
        '/client/v1/me/sign-out',
        {},
        { bearer: first.bearer, headers: { Cookie: cookie } },
      )
    const out = await signOut(next.cookie)
    expect(out).toMatchObject({ status: 200, body: { ended: 1 } })
    expect(out.headers.get('set-cookie')).toBeNull()
  })
  test('ending the others ends a proof that no session was opened for', async () => {
    const to = fresh()
    const person = await signedIn(server, to)
    const sent = (await server.post('/v1/challenges', { to, session: false })).body
    const { code } = await server.message({ challengeId: sent.id })
    await server.post(`/v1/challenges/${sent.id}/verify`, { code })
    await person.post('sessions/end-others')
    expectRefused(await server.post('/v1/sessions', { challengeId: sent.id }), 409, 'challenge_expired')
  })
})

describe('activity', () => {
  test('tells what happened, in a closed form and without guards, limits and other people', async () => {
    const person = await signedIn(server, fresh())
    const second = fresh()
    await addAddress(server, person, second)
    await person.post(
      'identifiers/primary',
      { type: 'email', value: second },
      { headers: { 'User-Agent': FIREFOX } },
    )
    await server.call('PATCH', `/v1/users/${person.userId}`, { metadata: { secret: 'note' } })
    const { data } = (await person.get('activity')).body
    expect(data.map((one: { type: string }) => one.type)).toEqual([
      'identifier.updated',
      'identifier.added',
      'session.created',
      'user.created',
    ])
    expect(data[0]).toEqual({
      id: expect.stringMatching(/^evt_/),
      type: 'identifier.updated',
      createdAt: expect.any(String),
      device: { browser: 'Firefox', system: 'Windows' },
      ipAddress: null,
      data: { sessionId: null, authenticatorId: null, address: second },
    })
    expect(data[2]).toMatchObject({ ipAddress: HOME.ipAddress, data: { sessionId: person.sessionId } })
    expect(JSON.stringify(data)).not.toMatch(/chl_|msg_|key_|note|attempt|limit/)
  })
  test('shows nothing from before the account was proven, nor what another has proven', async () => {
    const to = fresh()
    const strangers = fresh()
    const { body: user } = await server.post('/v1/users', { email: to })
    await server.post(`/v1/users/${user.id}/identifiers`, { type: 'email', value: strangers })
    const person = await signedIn(server, to)
    expect(person.userId).toBe(user.id)
    const claimed = fresh()
    await server.post(`/v1/users/${user.id}/identifiers`, { type: 'email', value: claimed })
    await signedIn(server, claimed)
    const text = JSON.stringify((await person.get('activity')).body.data)
    expect(text).toContain('session.created')
    expect(text).not.toContain(strangers)
    expect(text).not.toContain('identifier.removed')
    expect(text).not.toContain('user.created')
  })
})

describe('a page of Ostiary', () => {
  test('stays signed in by a cookie, which no other page can use', async () => {
    const own = { 'Sec-Fetch-Site': 'same-origin' }
    const proven = async () => {
      const tab = await begin(server, app, { redirectUrl: APP_BACK, codeChallenge: S256 })
      return (await prove(server, tab, fresh())).body.result.token as string
    }
    const ask = async (path: string, body: unknown, headers: Record<string, string>) =>
      await browse(server, 'POST', `/client/v1/${path}`, body, { bearer: app.publishableKey, headers })
    expect(app.publicRefresh).toBe(false)
    const there = await ask(
      'actions/validate',
      { token: await proven(), codeVerifier: VERIFIER },
      { Origin: APP_ORIGIN },
    )
    expect(there.headers.get('set-cookie')).toBeNull()
    const here = await ask('actions/validate', { token: await proven(), codeVerifier: VERIFIER }, own)
    const cookie = cookieOf(here, `__Host-ostiary-refresh-${app.id}`)
    expect(cookie).toContain('ort_')
    expectRefused(
      await ask(
        'sessions/refresh',
        {},
        { Cookie: cookie, 'Sec-Fetch-Site': 'same-site', Origin: APP_ORIGIN },
      ),
      401,
      'refresh_invalid',
    )
    const refreshed = await ask('sessions/refresh', {}, { Cookie: cookie, ...own })
    expect(refreshed.status).toBe(200)
    expect(cookieOf(refreshed, `__Host-ostiary-refresh-${app.id}`)).toContain('ort_')
    const me = await browse(server, 'GET', '/client/v1/me', undefined, { bearer: refreshed.body.accessToken })
    expect(me.status).toBe(200)
  })
})
