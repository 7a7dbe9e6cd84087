import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkPasskeys } from '../../src/cli/doctor/passkeys.ts'
import { inspectDatabase } from '../../src/store/inspect.ts'
import { isOnPostgres, type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const patch = (passkey: unknown, key?: string) =>
  server.call('PATCH', '/v1/settings', { passkey }, key === undefined ? {} : { key })

/** The patch is refused for this one field. */
async function expectFault(passkey: unknown, path: string) {
  const answer = await patch(passkey)
  expectRefusal(answer, 'invalid_request', ['errors'])
  expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual([path])
}

describe('passkey.rpId', () => {
  test('is a host of ours or a parent of one', async () => {
    for (const rpId of ['evil.example', 'host', '127.0.0.1', 'example.com'])
      await expectFault({ rpId }, 'passkey.rpId')
    const answer = await patch({ rpId: 'example.com', relatedOrigins: ['https://shop.example.com'] })
    expect(answer.body.passkey).toMatchObject({ rpId: 'example.com' })
  })
  test('stands in the way of no other setting once its origin is gone', async () => {
    const { body: app } = await server.post('/v1/apps', {
      name: 'gone',
      origins: ['https://app.gone.example'],
    })
    expect((await patch({ rpId: 'gone.example', relatedOrigins: null })).status).toBe(200)
    expect((await server.call('PATCH', `/v1/apps/${app.id}`, { origins: [] })).status).toBe(200)
    expect((await server.call('PATCH', '/v1/settings', { brand: { name: 'Acme' } })).status).toBe(200)
    await expectFault({ offerEveryDays: 7 }, 'passkey.rpId')
    expect((await patch({ rpId: null })).status).toBe(200)
  })
  test('related origins are origins', async () => {
    for (const origin of ['https://example.net/', 'https://example.net/login', 'http://example.net'])
      await expectFault({ relatedOrigins: [origin] }, 'passkey.relatedOrigins.0')
  })
})

test('/.well-known/webauthn names the related origins of all environments, live ones first', async () => {
  const read = () => server.call('GET', '/.well-known/webauthn', undefined, { key: null })
  expect((await read()).body).toEqual({ origins: [] })
  await patch({ relatedOrigins: ['https://a.example', 'https://b.example'] })
  await patch({ relatedOrigins: ['https://b.example', 'https://c.example'] }, server.liveKey)
  const answer = await read()
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=600'])
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(answer.body).toEqual({ origins: ['https://b.example', 'https://c.example', 'https://a.example'] })
})

test('doctor tells the passkeys that answer no more', async () => {
  const { userId } = (await server.signIn('ada@example.com')).body.challenge
  await patch({ rpId: 'example.com', relatedOrigins: ['https://shop.example.com'] })
  const row = (id: string, type: string, rpId: string) =>
    `('${id}', (SELECT id FROM environments WHERE mode = 'test'), '${userId}', '${type}', 'x', '${id}', 'k', 0, '[]', null, '${rpId}', 1, 1, 1, 0, null)`
  const rows = [
    row('aut_1', 'passkey', 'example.com'),
    row('aut_2', 'passkey', 'old.example'),
    row('aut_3', 'passkey', 'old.example'),
    row('aut_4', 'totp', 'old.example'),
  ]
  await server.tamper(`INSERT INTO authenticators VALUES ${rows.join(', ')}`)
  const place = isOnPostgres ? server.database : await server.snapshot()
  const found = (await inspectDatabase(place, server.clock.now()))?.state?.passkeys ?? []
  expect(found).toEqual([
    { slug: 'live', rpId: null, made: [] },
    {
      slug: 'test',
      rpId: 'example.com',
      made: [
        { rpId: 'example.com', count: 1 },
        { rpId: 'old.example', count: 2 },
      ],
    },
  ])
  expect(checkPasskeys('https://login.example.com', found)).toMatchObject([
    {
      check: 'passkeys',
      status: 'warn',
      message: expect.stringMatching(/^2 in test were made for old\.example/),
    },
  ])
})

describe('doctor', () => {
  test.each([
    ['https://login.example.com', 'ok', 'relying party of today'],
    ['http://localhost:4545', 'ok', 'relying party of today'],
    ['https://192.0.2.1', 'warn', 'IP address'],
    ['http://login.example.com', 'warn', 'not https'],
  ])('%s: %s', (publicUrl, status, words) => {
    expect(checkPasskeys(publicUrl, [])).toMatchObject([{ status, message: expect.stringContaining(words) }])
  })
  test('without rpId the host of the public URL counts', () => {
    const made = [{ rpId: 'login.example.com', count: 3 }]
    expect(checkPasskeys('https://login.example.com', [{ slug: 'live', rpId: null, made }])).toMatchObject([
      { status: 'ok' },
    ])
    expect(checkPasskeys('https://auth.example.com', [{ slug: 'live', rpId: null, made }])).toMatchObject([
      { status: 'warn' },
    ])
  })
})
