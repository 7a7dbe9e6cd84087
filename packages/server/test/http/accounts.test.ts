import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { codeOf, fresh, later, send } from './world.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const newUser = async (body: unknown = {}) => (await server.post('/v1/users', body)).body
const patchUser = (id: string, body: unknown) => server.call('PATCH', `/v1/users/${id}`, body)
const typesOf = async (query: string) =>
  (await server.get(`/v1/events?${query}&limit=100`)).body.data.map(
    (event: { type: string }) => event.type,
  ) as string[]

describe('a user', () => {
  test.each([
    [{ email: 'nonsense' }, 'email'],
    [{ email: null }, 'email'],
    [{ phone: '0170 1234567' }, 'phone'],
    [{ phone: '+49 1' }, 'phone'],
    [{ username: 'with space' }, 'username'],
    [{ username: 'x'.repeat(65) }, 'username'],
    [{ name: '' }, 'name'],
    [{ externalId: '' }, 'externalId'],
    [{ locale: 'xx-' }, 'locale'],
    [{ metadata: { a: 'x'.repeat(4096) } }, 'metadata'],
    [{ metadata: [] }, 'metadata'],
    [{ emailVerified: 'yes' }, 'emailVerified'],
  ])('cannot be made of %j', async (body, path) => {
    const answer = await server.post('/v1/users', body)
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(answer.body.errors[0].path).toBe(path)
  })
  test('may hold 4 KB of metadata, which a patch replaces whole', async () => {
    const { id } = await newUser({ metadata: { a: 'x'.repeat(4080) } })
    expect((await patchUser(id, { metadata: { b: { c: 1 } } })).body.metadata).toEqual({ b: { c: 1 } })
    expect((await patchUser(id, { metadata: { b: { d: 2 } } })).body.metadata).toEqual({ b: { d: 2 } })
    expect((await patchUser(id, { metadata: null })).body.metadata).toEqual({})
  })
  test('has its externalId and username alone, but not its unproven addresses', async () => {
    const given = { externalId: 'e1', username: 'u1', email: 'shared@example.com' }
    const first = await newUser(given)
    expectRefusal(await server.post('/v1/users', { externalId: 'e1' }), 'external_id_taken')
    expectRefusal(await server.post('/v1/users', { username: 'u1' }), 'already_exists')
    const second = await newUser({ email: 'shared@example.com' })
    expectRefusal(await patchUser(second.id, { externalId: 'e1' }), 'external_id_taken')
    expectRefusal(await patchUser(second.id, { username: 'u1' }), 'already_exists')
    expect((await patchUser(first.id, { externalId: null, username: null })).body).toMatchObject({
      externalId: null,
      username: null,
    })
    expect((await patchUser(second.id, { externalId: 'e1', username: 'u1' })).status).toBe(200)
  })
  test('has its proven addresses alone', async () => {
    await newUser({ email: 'proven@example.com', emailVerified: true })
    expectRefusal(
      await server.post('/v1/users', { email: 'PROVEN@example.com', emailVerified: true }),
      'already_exists',
    )
    const other = await newUser()
    const path = `/v1/users/${other.id}/identifiers`
    const body = { type: 'email', value: 'proven@example.com' }
    expectRefusal(await server.post(path, { ...body, isVerified: true }), 'already_exists')
    expect((await server.post(path, body)).status).toBe(201)
    expectRefusal(await server.post(path, body), 'already_exists')
  })
  test('that is unknown is not found, whatever is asked', async () => {
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', {}],
      ['DELETE', '', undefined],
      ['POST', '/block', {}],
      ['POST', '/unblock', {}],
      ['GET', '/sessions', undefined],
      ['POST', '/sessions/revoke', {}],
      ['POST', '/identifiers', { type: 'email', value: 'a@example.com' }],
      ['DELETE', '/identifiers?type=email&value=a@example.com', undefined],
    ] as const)
      expectRefusal(await server.call(method, `/v1/users/usr_x${path}`, body), 'not_found')
  })
  test('that is deleted is gone, and its address and externalId are free', async () => {
    const to = fresh()
    const { user, session } = (await server.signIn(to, { externalId: 'gone' })).body
    expect((await server.call('DELETE', `/v1/users/${user.id}`)).status).toBe(204)
    expectRefusal(await server.get(`/v1/users/${user.id}`), 'not_found')
    expectRefusal(await server.get(`/v1/sessions/${session.id}`), 'not_found')
    expectRefusal(await server.call('DELETE', `/v1/users/${user.id}`), 'not_found')
    const next = (await server.signIn(to, { externalId: 'gone' })).body
    expect(next).toMatchObject({ isNewUser: true, user: { externalId: 'gone' } })
    expect(next.user.id).not.toBe(user.id)
    expect(await typesOf(`userId=${user.id}`)).toContain('user.deleted')
  })
  test('that is blocked can prove nothing, and may again when it is let in', async () => {
    const to = fresh()
    const { user } = (await server.signIn(to)).body
    await server.post(`/v1/users/${user.id}/block`)
    await server.post(`/v1/users/${user.id}/block`)
    const sent = await send(server, { to })
    const code = (await codeOf(server, sent.id)) ?? '123456'
    expectRefusal(await server.post(`/v1/challenges/${sent.id}/verify`, { code }), 'code_incorrect')
    await server.post(`/v1/users/${user.id}/unblock`)
    await later(server, 62_000)
    expect((await server.signIn(to)).body.user.id).toBe(user.id)
    expect((await typesOf(`userId=${user.id}`)).filter(type => type === 'user.blocked')).toHaveLength(1)
  })
})

describe('an address', () => {
  test.each([
    { type: 'email', value: 'nonsense' },
    { type: 'phone', value: '0170' },
    { type: 'fax', value: '+491701234567' },
    { type: 'email' },
    { type: 'email', value: 'a@example.com', isVerified: 1 },
  ])('cannot be added as %j', async body => {
    const { id } = await newUser()
    expectRefusal(await server.post(`/v1/users/${id}/identifiers`, body), 'invalid_request', ['errors'])
  })
  test('that is taken away hands its place to the next one, proven ones first', async () => {
    const { id } = await newUser({ email: 'one@example.com' })
    await server.post(`/v1/users/${id}/identifiers`, { type: 'email', value: 'two@example.com' })
    await later(server, 1000)
    await server.post(`/v1/users/${id}/identifiers`, {
      type: 'email',
      value: 'three@example.com',
      isVerified: true,
    })
    const { body } = await server.call(
      'DELETE',
      `/v1/users/${id}/identifiers?type=email&value=ONE@example.com`,
    )
    expect(body).toMatchObject({ email: 'three@example.com', emailVerified: true })
    expect(body.identifiers.map((one: { isPrimary: boolean }) => one.isPrimary)).toEqual([true, false])
    expectRefusal(
      await server.call('DELETE', `/v1/users/${id}/identifiers?type=email&value=one@example.com`),
      'not_found',
    )
    expectRefusal(await server.call('DELETE', `/v1/users/${id}/identifiers?type=email`), 'invalid_request')
  })
  test('that was unproven is adopted by its first proof, which ends what hung on the account', async () => {
    const email = fresh()
    const planted = await newUser({ email, name: 'Planted' })
    const { user, isNewUser } = (await server.signIn(email)).body
    expect({ id: user.id, isNewUser }).toEqual({ id: planted.id, isNewUser: false })
    expect(await typesOf(`userId=${user.id}`)).toContain('user.adopted')
  })
  test('that stands unproven beside something proven makes a user of its own, and loses the copy', async () => {
    const email = fresh()
    const thief = await newUser({ email: fresh(), emailVerified: true })
    await server.post(`/v1/users/${thief.id}/identifiers`, { type: 'email', value: email })
    const { user, isNewUser } = (await server.signIn(email)).body
    expect(isNewUser).toBe(true)
    expect(user.id).not.toBe(thief.id)
    expect((await server.get(`/v1/users/${thief.id}`)).body.identifiers).toHaveLength(1)
    expect(await typesOf(`userId=${thief.id}`)).toContain('identifier.removed')
  })
})

describe('an app', () => {
  const app = async (body: Record<string, unknown> = {}) =>
    (await server.post('/v1/apps', { name: 'App', ...body })).body
  test.each([
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(65) }, 'name'],
    [{ name: 'A', redirectUrls: ['http://app.example/cb'] }, 'redirectUrls.0'],
    [{ name: 'A', redirectUrls: ['https://ok.example', 'https://app.example/cb#x'] }, 'redirectUrls.1'],
    [{ name: 'A', redirectUrls: ['https://app.example/a/../b'] }, 'redirectUrls.0'],
    [{ name: 'A', redirectUrls: ['https://u:p@app.example/'] }, 'redirectUrls.0'],
    [{ name: 'A', redirectUrls: ['https://*.app.example/'] }, 'redirectUrls.0'],
    [{ name: 'A', redirectUrls: ['https://app.example/*/x'] }, 'redirectUrls.0'],
    [{ name: 'A', redirectUrls: ['https://app.example/x*'] }, 'redirectUrls.0'],
    [{ name: 'A', redirectUrls: ['https://app.example/cb?token=1'] }, 'redirectUrls.0'],
    [{ name: 'A', redirectUrls: ['https://app.example/?x=/*'] }, 'redirectUrls.0'],
    [{ name: 'A', redirectUrls: ['javascript:alert(1)'] }, 'redirectUrls.0'],
    [{ name: 'A', redirectUrls: Array(101).fill('https://app.example/') }, 'redirectUrls'],
    [{ name: 'A', origins: ['https://app.example/'] }, 'origins.0'],
    [{ name: 'A', origins: ['http://app.example'] }, 'origins.0'],
    [{ name: 'A', origins: ['null'] }, 'origins.0'],
    [{ name: 'A', origins: ['https://APP.example'] }, 'origins.0'],
    [{ name: 'A', audience: '' }, 'audience'],
  ])('cannot be made of %j', async (body, path) => {
    const answer = await server.post('/v1/apps', body)
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(answer.body.errors[0].path).toBe(path)
  })
  test('may use localhost in test alone', async () => {
    const body = {
      name: 'Local',
      redirectUrls: ['http://localhost:3000/*'],
      origins: ['http://localhost:3000'],
    }
    expect((await server.post('/v1/apps', body)).status).toBe(201)
    expectRefusal(await server.call('POST', '/v1/apps', body, { key: server.liveKey }), 'invalid_request')
  })
  test('sends people where its own list says', async () => {
    const [first, second] = [await app({ redirectUrls: ['https://a.example/in/*'] }), await app()]
    const ask = (appId: string | undefined, redirectUrl: string) =>
      server.post('/v1/challenges', { to: fresh(), redirectUrl, ...(appId && { appId }) })
    expect((await ask(first.id, 'https://a.example/in/x')).status).toBe(201)
    expectRefusal(await ask(second.id, 'https://a.example/in/x'), 'redirect_url_not_allowed')
    expectRefusal(await ask(undefined, 'https://a.example/in/x'), 'redirect_url_not_allowed')
  })
  test('is deleted with its sessions and challenges; the default one stays', async () => {
    const { id } = await app()
    const { session, challenge } = (await server.signIn(fresh(), { appId: id })).body
    expect((await server.call('DELETE', `/v1/apps/${id}`)).status).toBe(204)
    for (const path of [`/v1/apps/${id}`, `/v1/sessions/${session.id}`, `/v1/challenges/${challenge.id}`])
      expectRefusal(await server.get(path), 'not_found')
    const all = (await server.get('/v1/apps?limit=100')).body.data
    const defaults = all.filter((one: { isDefault: boolean }) => one.isDefault)
    expect(defaults).toHaveLength(1)
    expectRefusal(await server.call('DELETE', `/v1/apps/${defaults[0].id}`), 'state_conflict')
  })
})

describe('an API key', () => {
  test.each([
    [{ scopes: ['read'] }, 'name'],
    [{ name: 'A', scopes: [] }, 'scopes'],
    [{ name: 'A', scopes: ['root'] }, 'scopes.0'],
    [{ name: '', scopes: ['read'] }, 'name'],
  ])('cannot be made of %j', async (body, path) => {
    const answer = await server.post('/v1/api-keys', body)
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(answer.body.errors[0].path).toBe(path)
  })
  test('never makes another one unless it may do everything', async () => {
    const { secret } = await server.newKey(['auth', 'users', 'read', 'review'])
    for (const scopes of [['admin'], ['read']])
      expectRefusal(
        await server.call('POST', '/v1/api-keys', { name: 'B', scopes }, { key: secret }),
        'scope_insufficient',
      )
  })
  test('is dead at the instant of its revocation, and is revoked once', async () => {
    const { body } = await server.post('/v1/api-keys', { name: 'A', scopes: ['read'] })
    const read = () => server.call('GET', '/v1/users', undefined, { key: body.secret })
    expect((await read()).status).toBe(200)
    expect((await server.call('DELETE', `/v1/api-keys/${body.id}`)).status).toBe(204)
    expectRefusal(await read(), 'unauthorized')
    expectRefusal(await server.call('DELETE', `/v1/api-keys/${body.id}`), 'not_found')
    expect(await typesOf('type=api_key.revoked')).toHaveLength(1)
  })
  test('acts under its own name in events', async () => {
    const { secret, key } = await server.newKey(['users'])
    const made = await server.call('POST', '/v1/users', {}, { key: secret })
    const [event] = (await server.get(`/v1/events?userId=${made.body.id}`)).body.data
    expect(event.actor).toEqual({ type: 'api_key', id: key.id })
    expect(event.requestId).toBe(made.headers.get('request-id'))
  })
})
