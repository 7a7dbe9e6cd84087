import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENDPOINTS } from '../../src/http/routes.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type Answer, type TestServer, testServer } from '../setup/server.ts'
import { endpointOf, expectAnswer } from './answers.ts'
import { prove, tabOf } from './browser.ts'
import { buildWorld, codeOf, fresh, handoverOf, later, mailbox, send, type World } from './world.ts'

let server: TestServer
let world: World
beforeAll(async () => {
  const box = mailbox()
  server = await testServer({ transport: box })
  world = await buildWorld(server, box, 'test')
})
afterAll(() => server.stop())

const exercised = new Set<string>()

/** Calls and checks the whole answer against its endpoint. */
async function ask(method: string, path: string, body?: unknown): Promise<Answer['body']> {
  const answer = await server.call(method, path, body)
  const endpoint = endpointOf(method, path)
  expectAnswer(endpoint, answer)
  exercised.add(`${endpoint.method} ${endpoint.path}`)
  return answer.body
}

describe('the whole answer of', () => {
  test('POST /v1/challenges with nothing but an address: defaults, and null where there is none', async () => {
    const body = await ask('POST', '/v1/challenges', { to: 'Ada@Example.com' })
    expect(body).toEqual({
      id: expect.stringMatching(/^chl_/),
      status: 'pending',
      channel: 'email',
      method: 'emailCode',
      methods: ['emailCode'],
      ceremony: null,
      to: 'Ada@Example.com',
      userId: null,
      appId: expect.stringMatching(/^app_/),
      purpose: 'signIn',
      credential: 'code',
      codeLength: 6,
      tag: expect.stringMatching(/^[A-Z]{3}$/),
      redirectUrl: null,
      linkVia: null,
      isBrowserBound: false,
      state: null,
      locale: null,
      template: null,
      userMode: 'create',
      metadata: {},
      createdAt: '2026-11-21T12:00:00.000Z',
      expiresAt: '2026-11-21T12:10:00.000Z',
      verifiedAt: null,
      attemptsLeft: 5,
      sendsLeft: 2,
      resendAt: '2026-11-21T12:00:30.000Z',
      publicKey: null,
    })
  })

  test('POST /v1/challenges with every field: each is given back as it was sent', async () => {
    const asked = {
      to: fresh(),
      purpose: 'withdraw.funds:EUR',
      credential: 'codeAndLink',
      redirectUrl: 'https://app.example/cb?x=1',
      linkVia: 'app',
      state: 'opaque ✓',
      locale: 'de-AT',
      userMode: 'existing',
      metadata: { order: { id: 7, tags: ['a'] } },
      appId: world.appId,
    }
    const body = await ask('POST', '/v1/challenges', {
      ...asked,
      channel: 'email',
      codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      expiresInSeconds: 60,
      templateVariables: { orderNumber: '7' },
      externalId: 'ext-full',
      session: true,
      context: { ipAddress: '203.0.113.9', userAgent: 'agent', deviceToken: 'odt_x' },
    })
    expect(body).toMatchObject({ ...asked, isBrowserBound: true, expiresAt: '2026-11-21T12:01:00.000Z' })
    expect(body.methods).toEqual(['emailCode', 'emailLink'])
    expect(body.method).toBeNull()
  })

  test('POST /v1/challenges for a userId: `to` is masked', async () => {
    const body = await ask('POST', '/v1/challenges', { userId: world.userId })
    expect(body).toMatchObject({ userId: world.userId, to: `${world.email[0]}***@example.com` })
    expect(JSON.stringify(body)).not.toContain(world.email)
  })

  test('POST /v1/challenges for a link alone: no code, so no length', async () => {
    const body = await ask('POST', '/v1/challenges', {
      to: fresh(),
      credential: 'link',
      redirectUrl: 'http://localhost:3000/cb',
    })
    expect(body).toMatchObject({
      codeLength: null,
      method: 'emailLink',
      methods: ['emailLink'],
      linkVia: 'ostiary',
    })
  })

  test('verify, resend, get and list of a challenge', async () => {
    const challenge = await send(server, { to: fresh(), metadata: { a: 1 } })
    await later(server, 31_000)
    const resent = await ask('POST', `/v1/challenges/${challenge.id}/resend`, {})
    expect(resent).toMatchObject({ earlierCodes: 'valid', sendsLeft: 1, id: challenge.id })
    const code = await codeOf(server, challenge.id)
    const verified = await ask('POST', `/v1/challenges/${challenge.id}/verify`, { code })
    expect(verified).toMatchObject({
      isNewUser: true,
      challenge: {
        status: 'verified',
        method: 'emailCode',
        attemptsLeft: 4,
        verifiedAt: '2026-11-21T12:00:31.000Z',
      },
      user: { email: challenge.to, emailVerified: true, phone: null, phoneVerified: false, status: 'active' },
      session: { methods: ['emailCode'], amr: ['otp'], authTime: '2026-11-21T12:00:31.000Z', deviceId: null },
    })
    expect(verified.challenge.userId).toBe(verified.user.id)
    const read = await ask('GET', `/v1/challenges/${challenge.id}`)
    expect(read.timeline.map((entry: { type: string }) => entry.type)).toEqual(
      expect.arrayContaining([
        'challenge.created',
        'challenge.resent',
        'challenge.verified',
        'session.created',
      ]),
    )
    const { timeline, ...rest } = read
    expect(rest).toEqual(verified.challenge)
    const list = await ask('GET', `/v1/challenges?to=${challenge.to.toUpperCase()}`)
    expect(list).toEqual({ data: [verified.challenge], nextCursor: null })
  })

  test('POST /v1/challenges/verify', async () => {
    const redirectUrl = 'http://localhost:3000/cb'
    const challenge = await send(server, { to: fresh(), credential: 'link', redirectUrl, state: 's' })
    const { link } = await server.message({ challengeId: challenge.id })
    const body = await ask('POST', '/v1/challenges/verify', { linkToken: await handoverOf(server, link) })
    expect(body).toMatchObject({
      challenge: { method: 'emailLink', state: 's' },
      session: { methods: ['emailLink'] },
    })
  })

  test('timelines and usage', async () => {
    const to = fresh()
    const { user } = (await server.signIn(to)).body
    for (const path of [`/v1/users/${user.id}/timeline`, `/v1/timeline?to=${to}`]) {
      const { data } = await ask('GET', path)
      expect(data).toContainEqual({
        eventId: expect.stringMatching(/^evt_/),
        type: 'challenge.created',
        at: new Date(server.clock.now()).toISOString(),
        text: 'A code was asked for.',
        challengeId: expect.stringMatching(/^chl_/),
        actionId: null,
        sessionId: null,
        context: expect.anything(),
        data: { purpose: 'signIn', channel: 'email', credential: 'code', isStrong: false, isDecoy: false },
      })
    }
    expect(await ask('GET', '/v1/stats?from=2026-11-21&to=2026-11-21&by=method')).toMatchObject({
      from: '2026-11-21',
      to: '2026-11-21',
      by: 'method',
      total: { key: null, passkeyShare: null, blockedByRule: 0 },
    })
  })

  test('actions: track, read, validate', async () => {
    const tracked = await ask('POST', '/v1/actions', { name: 'signIn', context: { userAgent: 'Firefox' } })
    expect(tracked).toEqual({
      id: expect.stringMatching(/^act_/),
      name: 'signIn',
      reference: null,
      intent: null,
      attributes: {},
      outcome: 'CHALLENGE',
      state: 'CHALLENGE_REQUIRED',
      stateChangedAt: new Date(server.clock.now()).toISOString(),
      userId: null,
      appId: expect.stringMatching(/^app_/),
      isEnrolled: false,
      enrolledMethods: [],
      allowedMethods: ['emailCode', 'emailLink', 'passkey'],
      defaultMethod: 'emailCode',
      method: null,
      completedSteps: [],
      nextStep: { type: 'challenge', methods: ['emailCode', 'emailLink', 'passkey'] },
      rules: [],
      decision: {
        rulesVersion: expect.any(Number),
        erring: [],
        shadow: [],
        seen: {},
        decidedAt: new Date(server.clock.now()).toISOString(),
      },
      createdAt: new Date(server.clock.now()).toISOString(),
      expiresAt: new Date(server.clock.now() + 900_000).toISOString(),
      validatedAt: null,
      url: expect.stringMatching(/\/a\/oat_[\w-]{43}$/),
      token: expect.stringMatching(/^oat_[\w-]{43}$/),
      isRepeated: false,
    })
    const { url, token, isRepeated, ...rest } = tracked
    const read = await ask('GET', `/v1/actions/${tracked.id}`)
    expect(read).toEqual({ ...rest, timeline: [expect.objectContaining({ type: 'action.tracked' })] })
    const { result } = (await prove(server, tabOf(server, tracked.id, token), fresh())).body
    const valid = await ask('POST', '/v1/actions/validate', { token: result.token, action: 'signIn' })
    expect(valid).toMatchObject({ isValid: true, attributesHash: null, action: { userId: valid.user.id } })
    expect(await ask('GET', `/v1/actions/${tracked.id}`)).toEqual({
      ...valid.action,
      timeline: expect.any(Array),
    })
    const { isEnrolled, enrolledMethods, ...listed } = valid.action
    expect((await ask('GET', `/v1/actions?userId=${valid.user.id}`)).data).toEqual([listed])
    await ask('PATCH', '/v1/settings', { action: { definitions: { payOut: { outcome: 'REVIEW' } } } })
    const reviewed = await ask('POST', '/v1/actions', { name: 'payOut' })
    expect(await ask('PATCH', `/v1/actions/${reviewed.id}`, { state: 'REVIEW_FAILED' })).toMatchObject({
      outcome: 'REVIEW',
      state: 'REVIEW_FAILED',
      nextStep: { type: 'none', methods: [] },
    })
  })

  test('passkeys: register, sign in, list, rename, import, remove', async () => {
    const { user } = (await server.signIn(fresh())).body
    const device = softwareAuthenticator()
    const registering = await ask('POST', '/v1/challenges', {
      method: 'passkey',
      ceremony: 'registration',
      userId: user.id,
    })
    const made = { credential: device.register(registering.publicKey) }
    const enrolled = await ask('POST', `/v1/challenges/${registering.id}/verify`, made)
    expect(enrolled).toMatchObject({ session: null, tokens: null, challenge: { ceremony: 'registration' } })
    const signing = await ask('POST', '/v1/challenges', { method: 'passkey' })
    const signed = { credential: device.authenticate(signing.publicKey) }
    const verified = await ask('POST', `/v1/challenges/${signing.id}/verify`, signed)
    expect(verified.session.methods).toEqual(['passkey'])
    expect(await ask('GET', `/v1/challenges/${signing.id}`)).toMatchObject({ publicKey: null })
    const path = `/v1/users/${user.id}/authenticators`
    expect(await ask('GET', path)).toEqual({ data: [verified.authenticator], nextCursor: null })
    const elsewhere = softwareAuthenticator()
    elsewhere.register(registering.publicKey)
    const imported = await ask('POST', path, {
      type: 'passkey',
      credentialId: elsewhere.passkeys[0]?.id,
      publicKey: elsewhere.passkeys[0]?.publicKey.toString('base64url'),
      isBackupEligible: false,
    })
    expect(await ask('PATCH', `${path}/${imported.id}`, { name: 'Key' })).toEqual({
      ...imported,
      name: 'Key',
    })
    await ask('DELETE', `${path}/${imported.id}`)
  })

  test('verify of a challenge that opens no session, of userMode none, and its claim', async () => {
    const silent = await server.signIn(fresh(), { session: false })
    expect(silent.body).toMatchObject({
      session: null,
      tokens: null,
      isNewUser: true,
      user: { lastSignInAt: null },
    })
    expect(await ask('POST', '/v1/sessions', { challengeId: silent.body.challenge.id })).toMatchObject({
      session: { authTime: silent.body.challenge.verifiedAt },
      user: { id: silent.body.user.id },
    })
    const none = await server.signIn(fresh(), { userMode: 'none' })
    expectAnswer(endpointOf('POST', '/v1/challenges/x/verify'), none)
    expect(none.body).toMatchObject({ user: null, session: null, tokens: null, isNewUser: false })
    const claimed = await ask('POST', `/v1/challenges/${none.body.challenge.id}/claim`, {
      userId: world.userId,
    })
    expect(claimed.user.identifiers).toContainEqual({
      type: 'email',
      value: none.body.challenge.to,
      verifiedAt: expect.any(String),
      isPrimary: false,
    })
  })

  test('sessions: refresh, verify, get, list, revoke', async () => {
    const { session, tokens, user } = (await server.signIn(fresh())).body
    const refreshed = await ask('POST', '/v1/sessions/refresh', { refreshToken: tokens.refreshToken })
    expect(refreshed.session).toMatchObject({ id: session.id, authTime: session.authTime })
    const { accessToken } = refreshed.tokens
    expect(await ask('POST', '/v1/sessions/verify', { accessToken })).toMatchObject({
      isActive: true,
      session: { id: session.id },
      user: { id: user.id },
    })
    expect(await ask('POST', '/v1/sessions/verify', { accessToken: 'x' })).toEqual({
      isActive: false,
      session: null,
      user: null,
    })
    expect(await ask('GET', `/v1/sessions/${session.id}`)).toEqual(refreshed.session)
    expect((await ask('GET', `/v1/users/${user.id}/sessions`)).data).toEqual([refreshed.session])
    const revoked = await ask('POST', `/v1/sessions/${session.id}/revoke`, {})
    expect(revoked.revokedAt).toBe(new Date(server.clock.now()).toISOString())
    expect(await ask('POST', `/v1/users/${user.id}/sessions/revoke`)).toEqual({ revoked: 0 })
  })

  test('users', async () => {
    const bare = await ask('POST', '/v1/users', {})
    expect(bare).toEqual({
      id: expect.stringMatching(/^usr_/),
      externalId: null,
      name: null,
      username: null,
      email: null,
      emailVerified: false,
      phone: null,
      phoneVerified: false,
      identifiers: [],
      locale: null,
      status: 'active',
      metadata: {},
      createdAt: expect.any(String),
      updatedAt: bare.createdAt,
      lastSignInAt: null,
    })
    const given = {
      externalId: 'e-1',
      name: 'Ada',
      username: 'ada',
      locale: 'en',
      metadata: { plan: 'free' },
    }
    const email = fresh('Ada')
    const phone = '+491701234567'
    const user = await ask('POST', '/v1/users', {
      ...given,
      email,
      emailVerified: true,
      phone,
      phoneVerified: true,
    })
    expect(user).toMatchObject({
      ...given,
      email: email.toLowerCase(),
      emailVerified: true,
      phone,
      phoneVerified: true,
    })
    expect(await ask('GET', `/v1/users/${user.id}`)).toEqual(user)
    for (const filter of [`email=${email}`, 'phone=%2B491701234567', 'externalId=e-1', 'username=ada'])
      expect((await ask('GET', `/v1/users?${filter}`)).data).toEqual([user])
    await later(server, 1000)
    const patched = await ask('PATCH', `/v1/users/${user.id}`, { name: null, metadata: { plan: 'paid' } })
    expect(patched).toEqual({
      ...user,
      name: null,
      metadata: { plan: 'paid' },
      updatedAt: new Date(server.clock.now()).toISOString(),
    })
    const added = await ask('POST', `/v1/users/${user.id}/identifiers`, {
      type: 'email',
      value: 'two@example.com',
    })
    expect(added.identifiers).toContainEqual({
      type: 'email',
      value: 'two@example.com',
      verifiedAt: null,
      isPrimary: false,
    })
    const removed = await ask('DELETE', `/v1/users/${user.id}/identifiers?type=email&value=two@example.com`)
    expect(removed.identifiers).toEqual(user.identifiers)
    expect(await ask('POST', `/v1/users/${user.id}/block`, {})).toMatchObject({ status: 'blocked' })
    expect(await ask('POST', `/v1/users/${user.id}/unblock`)).toMatchObject({ status: 'active' })
    expect(await ask('DELETE', `/v1/users/${user.id}`)).toBe('')
  })

  test('apps', async () => {
    const app = await ask('POST', '/v1/apps', { name: 'Shop' })
    expect(app).toMatchObject({
      name: 'Shop',
      publishableKey: expect.stringMatching(/^opk_test_[\w-]{49}$/),
      redirectUrls: [],
      origins: [],
      audience: null,
      isDefault: false,
      publicRefresh: false,
    })
    expect(await ask('GET', `/v1/apps/${app.id}`)).toEqual(app)
    expect((await ask('GET', '/v1/apps')).data).toContainEqual(app)
    const patch = {
      redirectUrls: ['https://shop.example/*'],
      origins: ['https://shop.example'],
      audience: 'shop',
    }
    expect(await ask('PATCH', `/v1/apps/${app.id}`, patch)).toMatchObject(patch)
    expect(await ask('PATCH', `/v1/apps/${app.id}`, { redirectUrls: null, audience: null })).toMatchObject({
      redirectUrls: [],
      origins: ['https://shop.example'],
      audience: null,
    })
    expect(await ask('DELETE', `/v1/apps/${app.id}`)).toBe('')
  })

  test('API keys: the secret is in the first answer alone', async () => {
    const key = await ask('POST', '/v1/api-keys', { name: 'Backend', scopes: ['auth', 'auth'] })
    expect(key).toMatchObject({
      secret: expect.stringMatching(/^osk_test_[\w-]{49}$/),
      scopes: ['auth'],
      revokedAt: null,
    })
    const { secret, ...rest } = key
    const list = await ask('GET', '/v1/api-keys')
    expect(list.data[0]).toEqual(rest)
    expect(JSON.stringify(list)).not.toContain(secret)
    expect(await ask('DELETE', `/v1/api-keys/${key.id}`)).toBe('')
    expect((await ask('GET', '/v1/api-keys')).data[0].revokedAt).toBe(
      new Date(server.clock.now()).toISOString(),
    )
  })

  test('devices', async () => {
    const { id: challengeId } = await send(server, { to: fresh() })
    const code = await codeOf(server, challengeId)
    const context = { ipAddress: '192.0.2.1', userAgent: 'A browser' }
    const { user, session } = await ask('POST', `/v1/challenges/${challengeId}/verify`, { code, context })
    const path = `/v1/users/${user.id}/devices`
    const { data, nextCursor } = await ask('GET', path)
    expect(nextCursor).toBeNull()
    expect(data).toEqual([
      {
        id: session.deviceId,
        userId: user.id,
        browser: null,
        system: null,
        ipAddress: '192.0.2.1',
        userAgent: 'A browser',
        createdAt: session.createdAt,
        lastSignInAt: session.createdAt,
        rememberedUntil: expect.stringMatching(/Z$/),
        endedAt: null,
      },
    ])
    const one = `${path}/${session.deviceId}`
    expect(await ask('PATCH', one, { rememberedUntil: null })).toEqual({ ...data[0], rememberedUntil: null })
    expect(await ask('POST', `${one}/end`, {})).toMatchObject({ endedAt: expect.stringMatching(/Z$/) })
  })

  test('templates', async () => {
    const locales = { en: { subject: 'Hello', text: '{{code}}', html: null } }
    const template = await ask('POST', '/v1/templates', { name: 'hello', locales })
    expect(template).toEqual({
      id: expect.stringMatching(/^tpl_/),
      name: 'hello',
      channel: 'email',
      locales,
      createdAt: new Date(server.clock.now()).toISOString(),
      updatedAt: template.createdAt,
    })
    expect(await ask('GET', `/v1/templates/${template.id}`)).toEqual(template)
    expect((await ask('GET', '/v1/templates')).data[0]).toEqual(template)
    expect(await ask('POST', `/v1/templates/${template.id}/preview`, {})).toEqual({
      locale: 'en',
      subject: 'Hello',
      text: '123456',
      html: null,
    })
    await later(server, 1000)
    const patched = await ask('PATCH', `/v1/templates/${template.id}`, { name: 'hi' })
    expect(patched).toEqual({
      ...template,
      name: 'hi',
      updatedAt: new Date(server.clock.now()).toISOString(),
    })
    expect(await ask('DELETE', `/v1/templates/${template.id}`)).toBe('')
  })

  test('webhooks', async () => {
    const made = await ask('POST', '/v1/webhooks', {
      url: 'https://receiver.invalid/hook?from=ostiary',
      eventTypes: ['secret.rotated'],
    })
    const { secret, ...endpoint } = made
    const path = `/v1/webhooks/${endpoint.id}`
    expect(endpoint).toMatchObject({
      id: expect.stringMatching(/^whk_/),
      url: expect.stringContaining('?from='),
    })
    expect(await ask('GET', path)).toEqual(endpoint)
    const list = await ask('GET', '/v1/webhooks')
    expect(list.data[0]).toEqual(endpoint)
    expect(JSON.stringify(list)).not.toContain('whsec_')
    const delivery = await ask('POST', `${path}/test`, {})
    await server.ostiary.drain()
    const tried = (await ask('GET', `${path}/deliveries`)).data[0]
    expect(tried).toEqual({
      ...delivery,
      failures: 1,
      nextTryAt: expect.any(String),
      lastTry: {
        triedAt: new Date(server.clock.now()).toISOString(),
        durationMs: expect.any(Number),
        status: null,
        answer: null,
        error: expect.stringMatching(/receiver\.invalid/),
      },
    })
    expect(await ask('POST', `${path}/replay`, { deliveryId: delivery.id })).toEqual({
      queued: 1,
      nextSince: null,
    })
    expect((await ask('POST', `${path}/rotate-secret`, {})).secret).not.toBe(secret)
    expect(await ask('PATCH', path, { status: 'disabled' })).toMatchObject({ disabledReason: 'manual' })
    expect(await ask('DELETE', path)).toBe('')
  })

  test('rules', async () => {
    const now = new Date(server.clock.now()).toISOString()
    const rule = await ask('POST', '/v1/rules', {
      name: 'New devices',
      condition: '!device.known',
      outcome: 'CHALLENGE',
    })
    expect(rule).toEqual({
      id: expect.stringMatching(/^rul_/),
      name: 'New devices',
      actionName: null,
      priority: 50,
      condition: '!device.known',
      outcome: 'CHALLENGE',
      methods: [],
      requires: 1,
      mode: 'live',
      isActive: true,
      enrolmentCounts: false,
      createdAt: now,
      updatedAt: now,
    })
    expect(await ask('GET', `/v1/rules/${rule.id}`)).toEqual(rule)
    expect((await ask('GET', '/v1/rules')).data[0]).toEqual(rule)
    const changed = await ask('PATCH', `/v1/rules/${rule.id}`, { priority: 3, methods: ['passkey'] })
    expect(changed).toEqual({ ...rule, priority: 3, methods: ['passkey'] })
    const [newest] = (await ask('GET', '/v1/rules/versions')).data
    expect(newest).toEqual({
      version: 3,
      change: 'updated',
      ruleId: rule.id,
      rulesCount: 2,
      actor: { type: 'api_key', id: expect.stringMatching(/^key_/) },
      createdAt: now,
    })
    const { rules, ...summary } = await ask('GET', '/v1/rules/versions/2')
    expect(summary).toEqual({ ...newest, version: 2, change: 'created' })
    expect(rules[1]).toEqual(rule)
    expect(await ask('POST', '/v1/rules/rollback', { version: 2 })).toEqual({
      ...newest,
      version: 4,
      change: 'rolledBack',
      ruleId: null,
    })
    expect(await ask('GET', `/v1/rules/${rule.id}`)).toEqual(rule)
    const named = { id: rule.id, name: 'New devices', outcome: 'CHALLENGE' }
    expect(await ask('POST', '/v1/rules/test', { signals: { user: { email: 'a@x.test' } } })).toEqual({
      outcome: 'CHALLENGE',
      rule: null,
      decidedBy: null,
      demands: [{ ruleId: rule.id, methods: [], requires: 1, enrolmentCounts: false }],
      matched: [],
      erring: [{ ...named, message: '"device.known" is not known' }],
      shadow: [{ id: world.ruleId, name: 'of test', outcome: 'CHALLENGE', verdict: 'missed', message: null }],
      seen: { 'device.known': null, 'user.email': 'a@x.test' },
    })
    const paid = await ask('POST', '/v1/actions', { name: 'payOut', attributes: { amount: 5 } })
    const counts = { ALLOW: 0, CHALLENGE: 0, REVIEW: 0, BLOCK: 0 }
    const small = { name: 'Small', condition: 'action.attributes.amount < 9', outcome: 'BLOCK', priority: 0 }
    expect(await ask('POST', '/v1/rules/test', { rule: small, actionName: 'payOut', since: now })).toEqual({
      ...{ lookedAt: 1, skipped: 0, waiting: 0, isComplete: true, changed: 1 },
      was: { ...counts, CHALLENGE: 1 },
      wouldBe: { ...counts, BLOCK: 1 },
      examples: [
        {
          ...{ actionId: paid.id, name: 'payOut', createdAt: now, userId: null },
          ...{ was: 'CHALLENGE', wouldBe: 'BLOCK' },
          rules: [{ id: 'rule0', name: 'Small', outcome: 'BLOCK' }],
          erring: [],
          seen: { 'action.attributes.amount': 5 },
        },
      ],
    })
    expect(await ask('DELETE', `/v1/rules/${rule.id}`)).toBe('')
  })

  test('lists', async () => {
    const now = new Date(server.clock.now()).toISOString()
    const list = await ask('POST', '/v1/lists', { name: 'vip', entries: ['a', 'b', 'a'] })
    const summary = {
      id: expect.stringMatching(/^lst_/),
      name: 'vip',
      entriesCount: 2,
      createdAt: now,
      updatedAt: now,
    }
    expect(list).toEqual({ ...summary, entries: ['a', 'b'] })
    expect(await ask('GET', `/v1/lists/${list.id}`)).toEqual(list)
    expect((await ask('GET', '/v1/lists')).data[0]).toEqual({ ...summary, id: list.id })
    expect(await ask('PATCH', `/v1/lists/${list.id}`, { entries: ['c'] })).toEqual({
      ...list,
      entriesCount: 1,
      entries: ['c'],
    })
    expect(await ask('DELETE', `/v1/lists/${list.id}`)).toBe('')
  })

  test('hooks', async () => {
    expect(await ask('POST', '/v1/hooks/before-sign-in/rotate-secret', { overlapSeconds: 60 })).toEqual({
      secret: expect.stringMatching(/^whsec_/),
      createdAt: expect.any(String),
      previousSecretUntil: expect.any(String),
    })
  })

  test('settings', async () => {
    const settings = await ask('GET', '/v1/settings')
    expect(await ask('PATCH', '/v1/settings', { brand: { name: 'Acme' } })).toEqual({
      ...settings,
      brand: { ...settings.brand, name: 'Acme' },
    })
    expect(await ask('PATCH', '/v1/settings', { brand: null })).toEqual(settings)
  })

  test('events and messages', async () => {
    const challenge = await send(server, {
      to: fresh(),
      context: { ipAddress: '2001:db8::1', userAgent: 'Firefox' },
    })
    const events = await ask('GET', `/v1/events?challengeId=${challenge.id}&type=challenge.created`)
    expect(events.data).toMatchObject([
      {
        type: 'challenge.created',
        actor: { type: 'api_key' },
        challengeId: challenge.id,
        appId: challenge.appId,
        requestId: expect.stringMatching(/^req_/),
        context: { ipAddress: '2001:db8::1', userAgent: 'Firefox' },
      },
    ])
    await server.ostiary.drain()
    const messages = await ask('GET', `/v1/messages?to=${challenge.to}&wait=1`)
    expect(messages.data).toMatchObject([
      {
        challengeId: challenge.id,
        to: challenge.to,
        link: null,
        code: expect.stringMatching(/^\d{6}$/),
        status: 'sent',
      },
    ])
    expect(messages.data[0].text).toContain(challenge.tag)
  })
})

test('every endpoint of the table was asked', () => {
  const missing = ENDPOINTS.map(one => `${one.method} ${one.path}`).filter(name => !exercised.has(name))
  expect(missing).toEqual([])
})

test('HEAD of every GET has its status and headers, and no body', async () => {
  for (const endpoint of ENDPOINTS.filter(one => one.method === 'GET')) {
    const ids = {
      sessions: world.sessionId,
      challenges: world.challengeId,
      users: world.userId,
      apps: world.appId,
      templates: world.templateId,
      rules: world.ruleId,
      lists: world.listId,
      actions: world.actionId,
      webhooks: world.webhookId,
    }
    const noun = endpoint.path.split('/')[2] as keyof typeof ids
    const path = endpoint.path.replace('versions/{id}', 'versions/1').replace('{id}', ids[noun])
    const query = endpoint.path === '/v1/timeline' ? `?to=${world.email}` : ''
    const got = await server.call('GET', path + query)
    const head = await server.call('HEAD', path + query)
    expect(head).toMatchObject({ status: got.status, body: '' })
    expect(got.status).toBe(200)
    for (const name of ['content-type', 'cache-control', 'etag'])
      expect(head.headers.get(name)).toBe(got.headers.get(name))
    expect(head.headers.get('request-id')).toMatch(/^req_/)
  }
})
