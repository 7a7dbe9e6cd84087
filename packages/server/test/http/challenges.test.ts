import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'
import { endpointOf, expectRefusal, isDocumented } from './answers.ts'
import { codeOf, dump, fresh, later, send, wrongCode } from './world.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const LOCAL = 'http://localhost:3000/cb'
const patch = (settings: unknown) => server.call('PATCH', '/v1/settings', settings)

describe('POST /v1/challenges refuses', () => {
  const to = 'ada@example.com'
  const S256 = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
  const cases: [what: string, body: Record<string, unknown>, path: string][] = [
    ['neither to nor userId', {}, 'to'],
    ['both of them', { to, userId: 'usr_x' }, 'to'],
    ['an address that is none', { to: 'ada' }, 'to'],
    ['an address that is too long', { to: `${'a'.repeat(330)}@example.com` }, 'to'],
    ['a phone number', { to: '+491701234567' }, 'to'],
    ['another channel', { to, channel: 'sms' }, 'channel'],
    ['a purpose that begins with a digit', { to, purpose: '1st' }, 'purpose'],
    ['a purpose with white space', { to, purpose: 'a b' }, 'purpose'],
    ['a purpose of 65 characters', { to, purpose: 'a'.repeat(65) }, 'purpose'],
    ['another credential', { to, credential: 'magic' }, 'credential'],
    ['a link without redirectUrl', { to, credential: 'link' }, 'credential'],
    ['a code and link without redirectUrl', { to, credential: 'codeAndLink' }, 'redirectUrl'],
    ['a code challenge of 42', { to, codeChallenge: S256.slice(1) }, 'codeChallenge'],
    ['a code challenge of another alphabet', { to, codeChallenge: `${S256.slice(1)}+` }, 'codeChallenge'],
    ['a state of 1001', { to, state: 's'.repeat(1001) }, 'state'],
    ['a life of 59 seconds', { to, expiresInSeconds: 59 }, 'expiresInSeconds'],
    ['a life of 3601 seconds', { to, expiresInSeconds: 3601 }, 'expiresInSeconds'],
    ['a life of half seconds', { to, expiresInSeconds: 60.5 }, 'expiresInSeconds'],
    ['a life as text', { to, expiresInSeconds: '600' }, 'expiresInSeconds'],
    ['a locale that is none', { to, locale: 'english!' }, 'locale'],
    ['31 template variables', { to, templateVariables: pairs(31) }, 'templateVariables'],
    [
      'a template variable of 257',
      { to, templateVariables: { name: 'x'.repeat(257) } },
      'templateVariables.name',
    ],
    ['a name of a template variable of 1', { to, templateVariables: { x: '1' } }, 'templateVariables.x'],
    ['a reserved template variable', { to, templateVariables: { code: '1' } }, 'templateVariables'],
    ['a template variable that is no text', { to, templateVariables: { name: 1 } }, 'templateVariables.name'],
    ['another userMode', { to, userMode: 'upsert' }, 'userMode'],
    ['an empty externalId', { to, externalId: '' }, 'externalId'],
    ['an externalId of 256', { to, externalId: 'x'.repeat(256) }, 'externalId'],
    ['session as text', { to, session: 'true' }, 'session'],
    ['an address with a port as IP', { to, context: { ipAddress: '203.0.113.7:80' } }, 'context.ipAddress'],
    ['two IP addresses', { to, context: { ipAddress: '203.0.113.7, 10.0.0.1' } }, 'context.ipAddress'],
    ['an empty IP address', { to, context: { ipAddress: '' } }, 'context.ipAddress'],
    ['a user agent of 1025', { to, context: { userAgent: 'x'.repeat(1025) } }, 'context.userAgent'],
    ['metadata over 2 KB', { to, metadata: { a: 'x'.repeat(2048) } }, 'metadata'],
    ['metadata over 2 KB in bytes, not in characters', { to, metadata: { a: 'ä'.repeat(1100) } }, 'metadata'],
    ['metadata that is a list', { to, metadata: [] }, 'metadata'],
    ['null for a field', { to, purpose: null }, 'purpose'],
  ]
  test.each(cases)('%s', async (_, body, path) => {
    const before = await dump(server)
    const answer = await server.post('/v1/challenges', body)
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(answer.body.errors.map((one: { path: string }) => one.path)).toContain(path)
    expect(await dump(server)).toEqual(before)
  })

  test('a link without redirectUrl by naming both', async () => {
    const { body } = await server.post('/v1/challenges', { to, credential: 'link' })
    expect(body.errors.map((one: { path: string }) => one.path)).toEqual(['credential', 'redirectUrl'])
  })
  test('a redirect URL that is not on the list, and says what is wrong with one that could never be', async () => {
    for (const [redirectUrl, words] of [
      ['https://evil.example/cb', 'not on the list'],
      ['http://example.com/cb', 'http'],
      [`${LOCAL}#x`, 'fragment'],
      [`${LOCAL}?token=1`, 'query name'],
      ['com.example.app:/cb', 'codeChallenge'],
    ] as const) {
      const answer = await server.post('/v1/challenges', { to, redirectUrl })
      expectRefusal(answer, 'redirect_url_not_allowed')
      expect(answer.body.detail).toContain(words)
    }
  })
  test('a template, which there is none of', async () =>
    expectRefusal(await server.post('/v1/challenges', { to, template: 'welcome' }), 'template_invalid'))
  test('an app or user that is unknown', async () => {
    expectRefusal(await server.post('/v1/challenges', { to, appId: 'app_x' }), 'not_found')
    expectRefusal(await server.post('/v1/challenges', { userId: 'usr_x' }), 'not_found')
    const user = (await server.post('/v1/users', {})).body
    expectRefusal(await server.post('/v1/challenges', { userId: user.id }), 'not_found')
  })
  test('domains as the settings say, parents included', async () => {
    await patch({ emailDomains: { block: ['spam.example'] } })
    for (const blocked of ['a@spam.example', 'a@SPAM.example', 'a@sub.spam.example'])
      expectRefusal(await server.post('/v1/challenges', { to: blocked }), 'destination_not_allowed')
    expect((await server.post('/v1/challenges', { to: 'a@notspam.example' })).status).toBe(201)
    await patch({ emailDomains: { allow: ['good.example'], block: null } })
    expect((await server.post('/v1/challenges', { to: 'a@sub.good.example' })).status).toBe(201)
    expectRefusal(await server.post('/v1/challenges', { to }), 'destination_not_allowed')
    await patch({ emailDomains: null })
  })
  test('a method that is switched off', async () => {
    await patch({ methods: { emailCode: false } })
    expectRefusal(await server.post('/v1/challenges', { to }), 'invalid_request', ['errors'])
    expect(
      (await server.post('/v1/challenges', { to: fresh(), credential: 'link', redirectUrl: LOCAL })).status,
    ).toBe(201)
    await patch({ methods: null })
  })

  function pairs(count: number) {
    return Object.fromEntries(Array.from({ length: count }, (_, index) => [`name${index}`, 'x']))
  }
})

describe('what is within bounds is taken', () => {
  test.each([
    [{ state: 's'.repeat(1000) }],
    [{ purpose: `a${'b'.repeat(63)}` }],
    [{ expiresInSeconds: 3600 }],
    [{ metadata: { a: 'x'.repeat(2040) } }],
    [{ templateVariables: { ab: '', ['x'.repeat(25)]: 'x'.repeat(256) } }],
    [{ externalId: 'x'.repeat(255) }],
    [{ locale: 'zh-Hant-TW' }],
    [{ context: { ipAddress: '::ffff:203.0.113.7', userAgent: '' } }],
  ])('%j', async extra => {
    expect((await server.post('/v1/challenges', { to: fresh(), ...extra })).status).toBe(201)
  })
  test('the settings decide what is not asked for', async () => {
    await patch({
      challenge: {
        credential: 'codeAndLink',
        linkVia: 'app',
        expiresInSeconds: 120,
        codeLength: 8,
        maxAttempts: 2,
      },
    })
    const plain = await send(server, { to: fresh() })
    expect(plain).toMatchObject({ credential: 'code', codeLength: 8, attemptsLeft: 2 })
    const linked = await send(server, { to: fresh(), redirectUrl: LOCAL })
    expect(linked).toMatchObject({ credential: 'codeAndLink', linkVia: 'app' })
    expect(Date.parse(linked.expiresAt) - Date.parse(linked.createdAt)).toBe(120_000)
    await patch({ challenge: null })
  })
})

describe('a code', () => {
  test.each([
    ['as it was sent', (code: string) => code],
    ['with spaces', (code: string) => ` ${code.slice(0, 3)} ${code.slice(3)} `],
    ['with dashes', (code: string) => code.replace(/^(...)/, '$1\u2013')],
    [
      'in full-width digits',
      (code: string) => code.replaceAll(/\d/g, digit => String.fromCharCode(0xff10 + Number(digit))),
    ],
  ])('is right %s', async (_, spell) => {
    const { id } = await send(server, { to: fresh() })
    expect(
      (await server.post(`/v1/challenges/${id}/verify`, { code: spell(await codeOf(server, id)) })).status,
    ).toBe(200)
  })

  test('spends an attempt for each wrong one, and the last one ends the challenge', async () => {
    const { id } = await send(server, { to: fresh() })
    const code = await codeOf(server, id)
    const path = `/v1/challenges/${id}/verify`
    for (const [index, wrong] of [wrongCode(code), 'abc', '1', `${code}0`, '０'].entries()) {
      const answer = await server.post(path, { code: wrong })
      expectRefusal(answer, 'code_incorrect', ['attemptsLeft'])
      expect(answer.body.attemptsLeft).toBe(4 - index)
    }
    expectRefusal(await server.post(path, { code }), 'attempts_exhausted')
    expect((await server.get(`/v1/challenges/${id}`)).body).toMatchObject({
      status: 'exhausted',
      attemptsLeft: 0,
    })
  })
  test('that is no try at one spends nothing', async () => {
    const { id } = await send(server, { to: fresh() })
    const path = `/v1/challenges/${id}/verify`
    for (const code of ['', '  ', 'x'.repeat(65), '1'.repeat(21), 123456, null, ['123456'], {}])
      expectRefusal(await server.post(path, { code }), 'invalid_request', ['errors'])
    expectRefusal(await server.post(path, {}), 'invalid_request', ['errors'])
    expectRefusal(await server.post(path, { code: '123456', context: { ipAddress: 'x' } }), 'invalid_request')
    expect((await server.get(`/v1/challenges/${id}`)).body.attemptsLeft).toBe(5)
  })
  test('of another challenge is wrong', async () => {
    const [first, second] = [await send(server, { to: fresh() }), await send(server, { to: fresh() })]
    const code = await codeOf(server, first.id)
    if (code === (await codeOf(server, second.id))) return
    expectRefusal(await server.post(`/v1/challenges/${second.id}/verify`, { code }), 'code_incorrect')
  })
  test('is too late at the instant of its end, and not a millisecond before', async () => {
    const { id } = await send(server, { to: fresh(), expiresInSeconds: 60 })
    const late = await send(server, { to: fresh(), expiresInSeconds: 60 })
    const [code, lateCode] = [await codeOf(server, id), await codeOf(server, late.id)]
    await later(server, 59_999)
    expect((await server.post(`/v1/challenges/${id}/verify`, { code })).status).toBe(200)
    await later(server, 1)
    expectRefusal(
      await server.post(`/v1/challenges/${late.id}/verify`, { code: lateCode }),
      'challenge_expired',
    )
  })
  test('for another purpose answers as an unknown id and spends nothing', async () => {
    const { id } = await send(server, { to: fresh(), purpose: 'pay' })
    const code = await codeOf(server, id)
    const unknown = await server.post('/v1/challenges/chl_x/verify', { code })
    for (const purpose of [undefined, 'signIn', 'Pay']) {
      const answer = await server.post(`/v1/challenges/${id}/verify`, { code, purpose })
      expectRefusal(answer, 'not_found')
      expect({ ...answer.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' })
    }
    expect((await server.get(`/v1/challenges/${id}`)).body.attemptsLeft).toBe(5)
    const right = await server.post(`/v1/challenges/${id}/verify`, { code, purpose: 'pay' })
    expect(right).toMatchObject({ status: 200, body: { session: null, tokens: null } })
  })
})

describe('a resend', () => {
  test('is too early before resendAt, and each send waits longer', async () => {
    const sent = await send(server, { to: fresh() })
    const path = `/v1/challenges/${sent.id}/resend`
    const early = await server.post(path)
    expectRefusal(early, 'rate_limited')
    expect(early.body).toMatchObject({ limit: 'resend', retryAfterSeconds: 30 })
    await later(server, 30_000)
    const again = await server.post(path)
    expect(again.body).toMatchObject({ earlierCodes: 'valid', sendsLeft: 1 })
    expect(Date.parse(again.body.resendAt) - server.clock.now()).toBe(60_000)
    await later(server, 61_000)
    // Three live codes with five attempts each would pass the bound of ten guesses (PROTOCOL section 1).
    const last = (await server.post(path)).body
    expect(last).toMatchObject({ sendsLeft: 0, resendAt: null, earlierCodes: 'replaced' })
    expectRefusal(await server.post(path), 'sends_exhausted')
  })
  test('under keep leaves the earlier code valid', async () => {
    const { id } = await send(server, { to: fresh() })
    const code = await codeOf(server, id)
    await later(server, 31_000)
    expect((await server.post(`/v1/challenges/${id}/resend`)).body.earlierCodes).toBe('valid')
    expect((await server.post(`/v1/challenges/${id}/verify`, { code })).status).toBe(200)
  })
  test('under replace ends the earlier code', async () => {
    await patch({ challenge: { resend: 'replace' } })
    const { id } = await send(server, { to: fresh() })
    const first = await codeOf(server, id)
    await later(server, 31_000)
    expect((await server.post(`/v1/challenges/${id}/resend`)).body.earlierCodes).toBe('replaced')
    const second = await codeOf(server, id)
    if (first !== second)
      expectRefusal(await server.post(`/v1/challenges/${id}/verify`, { code: first }), 'code_incorrect')
    expect((await server.post(`/v1/challenges/${id}/verify`, { code: second })).status).toBe(200)
    await patch({ challenge: null })
  })
  test.each([
    [600, 480_000, 200],
    [600, 480_001, 'resend_too_late'],
    [100, 50_000, 200],
    [100, 50_001, 'resend_too_late'],
    [60, 60_000, 'challenge_expired'],
  ] as const)('of a challenge of %i s after %i ms: %s', async (expiresInSeconds, ms, outcome) => {
    const { id } = await send(server, { to: fresh(), expiresInSeconds })
    await later(server, ms)
    const answer = await server.post(`/v1/challenges/${id}/resend`)
    if (outcome === 200) expect(answer.status).toBe(200)
    else expectRefusal(answer, outcome)
  })
  test('of a used or exhausted challenge is refused', async () => {
    const used = (await server.signIn(fresh())).body.challenge
    expectRefusal(await server.post(`/v1/challenges/${used.id}/resend`), 'challenge_used')
    const { id } = await send(server, { to: fresh() })
    for (let round = 0; round < 5; round++) await server.post(`/v1/challenges/${id}/verify`, { code: 'x' })
    expectRefusal(await server.post(`/v1/challenges/${id}/resend`), 'attempts_exhausted')
  })
})

describe('who comes of a proof', () => {
  test('the state is given back, and a second proof finds the same user', async () => {
    const to = fresh()
    const first = (await server.signIn(to, { state: 'a b&c=✓' })).body
    expect(first).toMatchObject({ isNewUser: true, challenge: { state: 'a b&c=✓' } })
    expect((await server.signIn(to.toUpperCase())).body).toMatchObject({
      isNewUser: false,
      user: { id: first.user.id },
    })
  })
  test('externalId is bound on proof, not before, and never to a second user', async () => {
    const [to, externalId] = [fresh(), 'crm-1']
    const { id } = await send(server, { to, externalId })
    expect((await server.get(`/v1/users?externalId=${externalId}`)).body.data).toEqual([])
    const verified = await server.post(`/v1/challenges/${id}/verify`, { code: await codeOf(server, id) })
    expect(verified.body.user.externalId).toBe(externalId)
    expect((await server.signIn(to, { externalId })).status).toBe(200)
    expectRefusal(await server.signIn(fresh(), { externalId }), 'external_id_taken')
    await later(server, 62_000)
    expectRefusal(await server.signIn(to, { externalId: 'crm-2' }), 'external_id_taken')
  })
  test('userMode none proves an address of nobody; its claim binds it once, within ten minutes', async () => {
    const user = (await server.post('/v1/users', { externalId: 'claimer' })).body
    const proven = (await server.signIn(fresh(), { userMode: 'none' })).body.challenge
    const path = `/v1/challenges/${proven.id}/claim`
    for (const body of [{}, { userId: user.id, externalId: 'claimer' }])
      expectRefusal(await server.post(path, body), 'invalid_request', ['errors'])
    expectRefusal(await server.post(path, { externalId: 'nobody' }), 'not_found')
    expectRefusal(await server.post('/v1/sessions', { challengeId: proven.id }), 'state_conflict')
    await later(server, 10 * 60_000 - 1)
    const claimed = await server.post(path, { externalId: 'claimer' })
    expect(claimed.body).toMatchObject({
      challenge: { userId: user.id },
      user: { id: user.id, email: proven.to, emailVerified: true },
    })
    expectRefusal(await server.post(path, { userId: user.id }), 'already_claimed')
  })
  test('a claim is refused when it is late, unproven, of another mode, or for an address of another user', async () => {
    const { id: userId } = (await server.post('/v1/users', {})).body
    const late = (await server.signIn(fresh(), { userMode: 'none' })).body.challenge
    await later(server, 10 * 60_000)
    expectRefusal(await server.post(`/v1/challenges/${late.id}/claim`, { userId }), 'challenge_expired')
    const open = await send(server, { to: fresh(), userMode: 'none' })
    expectRefusal(await server.post(`/v1/challenges/${open.id}/claim`, { userId }), 'state_conflict')
    const usual = (await server.signIn(fresh())).body.challenge
    expectRefusal(await server.post(`/v1/challenges/${usual.id}/claim`, { userId }), 'state_conflict')
    const taken = (await server.signIn(usual.to, { userMode: 'none' })).body.challenge
    expectRefusal(await server.post(`/v1/challenges/${taken.id}/claim`, { userId }), 'already_exists')
  })
  test('session false opens none; POST /v1/sessions does, once, within ten minutes of the proof', async () => {
    const proven = async () => (await server.signIn(fresh(), { session: false })).body.challenge
    const [first, second] = [await proven(), await proven()]
    await later(server, 10 * 60_000 - 1)
    const opened = await server.post('/v1/sessions', { challengeId: first.id, context: { ipAddress: '::1' } })
    expect(opened).toMatchObject({
      status: 201,
      body: { session: { authTime: first.verifiedAt, ipAddress: '::1' } },
    })
    expectRefusal(await server.post('/v1/sessions', { challengeId: first.id }), 'already_claimed')
    await later(server, 1)
    expectRefusal(await server.post('/v1/sessions', { challengeId: second.id }), 'challenge_expired')
  })
  test('POST /v1/sessions is refused before the proof, after a session, and for a blocked user', async () => {
    const open = await send(server, { to: fresh(), session: false })
    expectRefusal(await server.post('/v1/sessions', { challengeId: open.id }), 'state_conflict')
    const usual = (await server.signIn(fresh())).body.challenge
    expectRefusal(await server.post('/v1/sessions', { challengeId: usual.id }), 'already_claimed')
    const { challenge, user } = (await server.signIn(fresh(), { session: false })).body
    await server.post(`/v1/users/${user.id}/block`)
    expectRefusal(await server.post('/v1/sessions', { challengeId: challenge.id }), 'user_blocked')
  })
  test('sign-up that closes in between is told after the proof, and the challenge is over', async () => {
    const { id } = await send(server, { to: fresh() })
    const code = await codeOf(server, id)
    await patch({ signUp: 'closed' })
    expectRefusal(await server.post(`/v1/challenges/${id}/verify`, { code }), 'sign_up_closed')
    await patch({ signUp: null })
    expectRefusal(await server.post(`/v1/challenges/${id}/verify`, { code }), 'challenge_expired')
  })
  test('blocking, deleting, and moving an address end what is open for it', async () => {
    const ends: [string, (userId: string, to: string) => Promise<unknown>][] = [
      ['block', userId => server.post(`/v1/users/${userId}/block`)],
      ['delete', userId => server.call('DELETE', `/v1/users/${userId}`)],
      [
        'remove',
        (userId, to) => server.call('DELETE', `/v1/users/${userId}/identifiers?type=email&value=${to}`),
      ],
    ]
    for (const [what, end] of ends) {
      const to = fresh()
      const { user } = (await server.signIn(to)).body
      const { id } = await send(server, { to })
      const code = await codeOf(server, id)
      await end(user.id, to)
      const answer = await server.post(`/v1/challenges/${id}/verify`, { code })
      expect(answer.body.code, what).toBe('challenge_expired')
    }
  })
})

test('every refusal that these endpoints give is in the OpenAPI file', () => {
  const documented = (path: string, codes: string[]) => {
    const endpoint = endpointOf('POST', path)
    for (const code of codes)
      expect(isDocumented(endpoint, code as 'not_found'), `${path} ${code}`).toBe(true)
  }
  const always = ['invalid_request', 'malformed_json', 'unauthorized', 'scope_insufficient', 'not_acceptable']
  const ended = ['challenge_expired', 'challenge_used', 'attempts_exhausted', 'rate_limited']
  documented('/v1/challenges', [
    ...always,
    'redirect_url_not_allowed',
    'template_invalid',
    'destination_not_allowed',
    'rate_limited',
    'not_found',
  ])
  documented('/v1/challenges/x/verify', [
    ...always,
    ...ended,
    'code_incorrect',
    'sign_up_closed',
    'user_blocked',
    'external_id_taken',
    'not_found',
  ])
  documented('/v1/challenges/verify', [
    ...always,
    ...ended,
    'link_invalid',
    'sign_up_closed',
    'user_blocked',
    'external_id_taken',
  ])
  documented('/v1/challenges/x/resend', [
    ...always,
    ...ended,
    'sends_exhausted',
    'resend_too_late',
    'not_found',
  ])
  documented('/v1/challenges/x/claim', [
    ...always,
    'already_claimed',
    'already_exists',
    'state_conflict',
    'challenge_expired',
    'not_found',
  ])
  documented('/v1/sessions', [
    ...always,
    'already_claimed',
    'state_conflict',
    'challenge_expired',
    'user_blocked',
    'not_found',
  ])
  documented('/v1/sessions/refresh', [...always, 'refresh_invalid', 'refresh_reused'])
})
