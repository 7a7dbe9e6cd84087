import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEFAULTS } from '../../src/core/settings/settings.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const patch = (body: unknown, headers: Record<string, string> = {}) =>
  server.call('PATCH', '/v1/settings', body, { headers })

test('GET gives the values that hold, which are the documented defaults', async () => {
  const { body } = await server.get('/v1/settings')
  expect(body).toEqual(DEFAULTS)
  expect(body).toMatchObject({
    signUp: 'open',
    challenge: {
      credential: 'code',
      expiresInSeconds: 600,
      maxAttempts: 5,
      maxSends: 3,
      resendWaitSeconds: [30, 60],
    },
    limits: {
      sendsPerAddress: { hour: 15, day: 40 },
      sendsPerAddressAndNetwork: { minute: 2, hour: 4 },
      sendsPerAddressUntold: { minute: 2, hour: 10 },
      sendsPerKnownDevice: { hour: 5 },
      sendsPerIp: { hour: 30 },
      wrongPerIp: { tenMinutes: 60 },
      weakGuessesPerAddress: { hour: 10, day: 20 },
      weakGuessesPerEnvironment: { tenMinutes: 50, factor: 5, cap: 500 },
    },
    session: {
      accessTokenSeconds: 600,
      idleSeconds: 1_209_600,
      absoluteSeconds: 2_592_000,
      refreshGraceSeconds: 10,
    },
    device: { rememberDays: 90, askToRemember: false },
    retentionDays: { events: 90, challenges: 30, messages: 7, sessions: 30 },
  })
})

describe('PATCH', () => {
  test('merges objects, replaces arrays whole, and null returns to the default', async () => {
    const first = await patch({
      challenge: { codeLength: 8, resendWaitSeconds: [5, 10, 20] },
      brand: { name: 'Acme' },
    })
    expect(first.body.challenge).toEqual({
      ...DEFAULTS.challenge,
      codeLength: 8,
      resendWaitSeconds: [5, 10, 20],
    })
    const second = await patch(
      { challenge: { resendWaitSeconds: [7], codeLength: null } },
      { 'Content-Type': 'application/merge-patch+json' },
    )
    expect(second.body.challenge).toEqual({ ...DEFAULTS.challenge, resendWaitSeconds: [7] })
    expect(second.body.brand.name).toBe('Acme')
    expect((await patch({ challenge: null, brand: { name: null } })).body).toEqual(DEFAULTS)
    expect((await server.get('/v1/settings')).body).toEqual(DEFAULTS)
  })
  test('is one environment’s own', async () => {
    await patch({ brand: { name: 'Test only' } })
    const live = await server.call('GET', '/v1/settings', undefined, { key: server.liveKey })
    expect(live.body).toEqual(DEFAULTS)
    await patch({ brand: null })
  })
  test('with If-Match changes the version that was read, and no other', async () => {
    const etag = (await server.get('/v1/settings')).headers.get('etag') as string
    expect(etag).toMatch(/^"\d+"$/)
    const changed = await patch({ brand: { name: 'One' } }, { 'If-Match': etag })
    expect(changed.status).toBe(200)
    const next = changed.headers.get('etag') as string
    expect(next).not.toBe(etag)
    expect((await server.get('/v1/settings')).headers.get('etag')).toBe(next)
    for (const old of [etag, '"0"', 'nonsense', `W/${next}`])
      expectRefusal(await patch({ brand: { name: 'Two' } }, { 'If-Match': old }), 'precondition_failed')
    expect((await server.get('/v1/settings')).body.brand.name).toBe('One')
    expect((await patch({ brand: null }, { 'If-Match': next })).status).toBe(200)
    expect((await patch({ brand: { name: 'Three' } }, { 'If-Match': '*' })).status).toBe(200)
    await patch({ brand: null })
  })
  test('ten at once are all kept', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `key${index}`)
    const answers = await Promise.all(names.map(name => patch({ texts: { en: { [name]: 'x' } } })))
    const kept = names.filter((_, index) => answers[index]?.status === 200)
    for (const answer of answers) if (answer.status !== 200) expectRefusal(answer, 'state_conflict')
    expect(Object.keys((await server.get('/v1/settings')).body.texts.en).sort()).toEqual(kept.sort())
    await patch({ texts: null })
  })

  const refused: [body: unknown, path: string][] = [
    [{ signUp: 'maybe' }, 'signUp'],
    [{ nonsense: true }, 'nonsense'],
    [{ challenge: { nonsense: 1 } }, 'challenge.nonsense'],
    [{ challenge: 5 }, 'challenge'],
    [{ challenge: [] }, 'challenge'],
    [{ challenge: { expiresInSeconds: 59 } }, 'challenge.expiresInSeconds'],
    [{ challenge: { expiresInSeconds: 3601 } }, 'challenge.expiresInSeconds'],
    [{ challenge: { maxAttempts: 0 } }, 'challenge.maxAttempts'],
    [{ challenge: { maxAttempts: 11 } }, 'challenge.maxAttempts'],
    [{ challenge: { maxSends: 11 } }, 'challenge.maxSends'],
    [{ challenge: { codeLength: 5 } }, 'challenge.codeLength'],
    [{ challenge: { codeLength: 11 } }, 'challenge.codeLength'],
    [{ challenge: { resendWaitSeconds: [] } }, 'challenge.resendWaitSeconds'],
    [{ limits: { sendsPerAddress: { hour: 0 } } }, 'limits.sendsPerAddress.hour'],
    [{ limits: { sendsPerAddress: { hour: -1 } } }, 'limits.sendsPerAddress.hour'],
    [{ limits: { sendsPerAddressAndNetwork: { minute: 0 } } }, 'limits.sendsPerAddressAndNetwork.minute'],
    [{ limits: { sendsPerAddressUntold: { hour: 0 } } }, 'limits.sendsPerAddressUntold.hour'],
    [{ limits: { sendsPerKnownDevice: { hour: 0 } } }, 'limits.sendsPerKnownDevice.hour'],
    [{ limits: { sendsPerIp: { hour: 0 } } }, 'limits.sendsPerIp.hour'],
    [{ limits: { wrongPerIp: { tenMinutes: 0 } } }, 'limits.wrongPerIp.tenMinutes'],
    [{ limits: { weakGuessesPerAddress: { hour: 0 } } }, 'limits.weakGuessesPerAddress.hour'],
    [{ limits: { weakGuessesPerAddress: { day: 21 } } }, 'limits.weakGuessesPerAddress.day'],
    [
      { limits: { weakGuessesPerEnvironment: { tenMinutes: 0 } } },
      'limits.weakGuessesPerEnvironment.tenMinutes',
    ],
    [{ limits: { weakGuessesPerEnvironment: { cap: 501 } } }, 'limits.weakGuessesPerEnvironment.cap'],
    [{ session: { accessTokenSeconds: 3601 } }, 'session.accessTokenSeconds'],
    [{ session: { refreshGraceSeconds: 31 } }, 'session.refreshGraceSeconds'],
    [{ session: { idleSeconds: 2_592_001 } }, 'session.idleSeconds'],
    [{ session: { claims: { big: 'x'.repeat(2048) } } }, 'session.claims'],
    [{ methods: { totp: true } }, 'methods.totp'],
    [{ hooks: { beforeSignIn: { url: 'https://x.example' } } }, 'hooks.beforeSignIn.url'],
    [{ brand: { name: '<b>x</b>' } }, 'brand.name'],
    [{ brand: { logoUrl: 'http://x.example/logo.png' } }, 'brand.logoUrl'],
    [{ brand: { logoUrl: 'javascript:alert(1)' } }, 'brand.logoUrl'],
    [{ brand: { colors: { light: { primary: 'red' } } } }, 'brand.colors.light.primary'],
    [{ mail: { fromName: 'x\r\nBcc: y' } }, 'mail.fromName'],
    [{ emailDomains: { block: ['UPPER.example'] } }, 'emailDomains.block.0'],
    [{ action: { defaultOutcome: { signIn: 'ALLOW' } } }, 'action.defaultOutcome.signIn'],
    ...[
      'iss',
      'sub',
      'aud',
      'exp',
      'nbf',
      'iat',
      'jti',
      'sid',
      'amr',
      'acr',
      'auth_time',
      'client_id',
      'scope',
      'cnf',
    ].map((claim): [unknown, string] => [
      { session: { claims: { [claim]: 'x' } } },
      `session.claims.${claim}`,
    ]),
  ]
  test.each(refused)('refuses %j and changes nothing', async (body, path) => {
    const before = await server.get('/v1/settings')
    const answer = await patch(body)
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(answer.body.errors.map((one: { path: string }) => one.path)).toContain(path)
    const after = await server.get('/v1/settings')
    expect(after.body).toEqual(before.body)
    expect(after.headers.get('etag')).toBe(before.headers.get('etag'))
  })
  test.each(['null', '[]', '"x"', '1'])('refuses %s, which is no patch', async body =>
    expectRefusal(await patch(body), 'invalid_request', ['errors']),
  )
  test('is told by an event that names what changed, not the values', async () => {
    await patch({ mail: { fromName: 'planted-value' } })
    const [event] = (await server.get('/v1/events?type=settings.updated&limit=1')).body.data
    expect(event).toMatchObject({ actor: { type: 'api_key' }, data: { changed: ['mail'] } })
    expect(JSON.stringify(event)).not.toContain('planted-value')
    await patch({ mail: null })
  })
})
