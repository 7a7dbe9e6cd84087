import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatApiKey } from '../../src/core/tokens.ts'
import { ENDPOINTS } from '../../src/http/routes.ts'
import { type Answer, type TestServer, testServer } from '../setup/server.ts'
import { expectHeaders, expectRefusal } from './answers.ts'
import { fresh, rowCounts, send } from './world.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const withHeaders = (headers: Record<string, string>, body: unknown = { to: fresh() }) =>
  server.call('POST', '/v1/challenges', body, { headers })

describe('paths and methods', () => {
  const unknown = ['/', '/v1', '/v1/', '/v2/challenges', '/v1/nothing', '/v1/challenges/', '/v1/Challenges']
  const odd = [
    '/v1/users/x/',
    '/v1//challenges',
    '/l',
    '/l/',
    '/l/a/b',
    '/healthz/',
    '/openapi.json/',
    '/e/test',
  ]
  test.each([...unknown, ...odd])('%s is not found', async path => {
    for (const method of ['GET', 'POST', 'DELETE'])
      expectRefusal(await server.call(method, path), 'not_found')
    expect(await server.call('HEAD', path)).toMatchObject({ status: 404, body: '' })
  })

  test('a known path with another method names the ones it takes', async () => {
    const paths = [...new Set(ENDPOINTS.map(one => one.path))]
    for (const path of paths) {
      const real = path.replace('{id}', 'x')
      const answer = await server.call('PUT', real)
      expectRefusal(answer, 'method_not_allowed')
      const allowed = answer.headers.get('allow')?.split(', ') ?? []
      const declared = ENDPOINTS.filter(one => one.path === path).map(one => one.method)
      expect(allowed).toEqual(expect.arrayContaining(declared))
      expect(allowed.includes('HEAD')).toBe(allowed.includes('GET'))
      for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])
        expect((await server.call(method, real, undefined, { key: null })).status).toBe(
          allowed.includes(method) ? 401 : 405,
        )
    }
  })

  test.each([
    ['/l/x', 'GET, HEAD, POST'],
    ['/client/v1/actions/current', 'GET, HEAD'],
    ['/client/v1/actions/verify', 'POST'],
    ['/e/test/.well-known/jwks.json', 'GET, HEAD'],
    ['/.well-known/webauthn', 'GET, HEAD'],
    ['/openapi.json', 'GET, HEAD'],
    ['/docs/errors', 'GET, HEAD'],
    ['/healthz', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
  ])('%s takes %s', async (path, allow) => {
    const answer = await server.call('DELETE', path)
    expectRefusal(answer, 'method_not_allowed')
    expect(answer.headers.get('allow')).toBe(allow)
  })

  test('no method is overridden', async () => {
    const { id } = await send(server, { to: fresh() })
    const headers = { 'X-HTTP-Method-Override': 'DELETE', 'X-Method-Override': 'DELETE' }
    expectRefusal(
      await server.call('POST', '/v1/users/x?_method=DELETE', {}, { headers }),
      'method_not_allowed',
    )
    expect((await server.call('GET', `/v1/challenges/${id}`, undefined, { headers })).status).toBe(200)
  })
})

describe('keys', () => {
  const cases: [what: string, authorization: string | undefined][] = [
    ['none', undefined],
    ['an empty one', 'Bearer '],
    ['a key without its scheme', 'KEY'],
    ['another scheme', 'Basic KEY'],
    ['two words', 'Bearer KEY KEY'],
    ['a key with a damaged checksum', 'Bearer KEYx'],
    ['a key that nobody made', 'Bearer UNKNOWN'],
    ['a publishable key', 'Bearer PUBLISHABLE'],
  ]
  test.each(cases)('%s is unauthorized', async (_, authorization) => {
    const [app] = (await server.get('/v1/apps')).body.data
    const unknown = formatApiKey('osk', 'test', server.ostiary.deps.random.bytes(32))
    const text = authorization
      ?.replace('UNKNOWN', unknown)
      .replace('PUBLISHABLE', app.publishableKey)
      .replaceAll('KEY', server.key)
    const headers = text === undefined ? {} : { Authorization: text }
    const before = await rowCounts(server)
    expectRefusal(await server.call('GET', '/v1/settings', undefined, { key: null, headers }), 'unauthorized')
    // 401s are metrics only (PROTOCOL section 6).
    expect(await rowCounts(server)).toEqual(before)
  })
  test('the scheme may be written in any case', async () => {
    const headers = { Authorization: `bearer ${server.key}` }
    expect((await server.call('GET', '/v1/settings', undefined, { key: null, headers })).status).toBe(200)
  })
  test('a key is asked for before anything else is read', async () => {
    const headers = { Accept: 'text/html', 'Content-Type': 'text/plain' }
    expectRefusal(await server.call('POST', '/v1/challenges', '{', { key: null, headers }), 'unauthorized')
  })
})

describe('media types', () => {
  test.each([
    'application/xml',
    'text/html',
    'text/*',
    'application/json;q=0',
    'application/jsonx',
    'image/png, text/html;q=0.9',
  ])('Accept: %s cannot be served', async accept =>
    expectRefusal(await withHeaders({ Accept: accept }), 'not_acceptable'),
  )
  test.each([
    '*/*',
    'application/json',
    'application/*',
    'text/html, */*;q=0.1',
    'APPLICATION/JSON; charset=utf-8',
    'application/problem+json',
  ])('Accept: %s is served', async accept => expect((await withHeaders({ Accept: accept })).status).toBe(201))
  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonp',
    'application/cbor',
  ])('a body of type %s is refused', async type =>
    expectRefusal(await withHeaders({ 'Content-Type': type }), 'unsupported_media_type'),
  )
  test.each(['application/json; charset=utf-8', 'Application/JSON', 'application/merge-patch+json'])(
    'a body of type %s is read',
    async type => expect((await withHeaders({ 'Content-Type': type })).status).toBe(201),
  )
  test('a body without a type is refused, and no body at all is an empty object', async () => {
    const request = (body?: Uint8Array<ArrayBuffer>) =>
      server.ostiary.app.request('/v1/users', {
        method: 'POST',
        headers: { Authorization: `Bearer ${server.key}` },
        ...(body && { body }),
      })
    expect((await request(new TextEncoder().encode('{}'))).status).toBe(415)
    expect((await request()).status).toBe(201)
  })
})

describe('bodies', () => {
  test.each(['{', '{"to":}', "{'to':1}", '{"to":"a"}x', 'undefined', 'NaN', '[', '{"a":"\u0001"}', ' '])(
    '%j is not JSON',
    async body => expectRefusal(await withHeaders({}, body), 'malformed_json'),
  )
  test('bytes that are not UTF-8 are not JSON', async () => {
    const response = await server.ostiary.app.request('/v1/challenges', {
      method: 'POST',
      headers: { Authorization: `Bearer ${server.key}`, 'Content-Type': 'application/json' },
      body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    })
    expect(await response.json()).toMatchObject({ status: 400, code: 'malformed_json' })
  })
  test.each(['null', 'true', '1', '"text"', '[]', '[{"to":"a@b.example"}]'])(
    '%s is not an object',
    async body => expectRefusal(await withHeaders({}, body), 'invalid_request', ['errors']),
  )
  test.each([
    ['a NUL', '{"to":"a\\u0000@example.com"}'],
    ['a NUL in a name', '{"metadata":{"a\\u0000":1},"to":"a@example.com"}'],
    ['half of a surrogate pair', '{"to":"a@example.com","state":"\\ud800"}'],
    ['the other half', '{"to":"a@example.com","state":"x\\uDC00"}'],
    ['halves in the wrong order', '{"to":"a@example.com","state":"\\udc00\\ud800"}'],
    ['half of one deep inside', '{"to":"a@example.com","metadata":{"a":[{"b":"\\ud83d"}]}}'],
  ])('%s is refused', async (_, body) =>
    expectRefusal(await withHeaders({}, body), 'invalid_request', ['errors']),
  )
  test('a whole surrogate pair is text', async () => {
    const answer = await withHeaders({}, `{"to":"${fresh()}","state":"\\ud83d\\ude00"}`)
    expect(answer).toMatchObject({ status: 201, body: { state: '😀' } })
  })
  test.each([
    ['objects', `{"metadata":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`],
    ['lists', `{"metadata":{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`],
  ])('%s nested too deep are refused', async (_, body) =>
    expectRefusal(await withHeaders({}, body), 'invalid_request'),
  )

  test('more than 64 KB are refused by the header, before they are read', async () => {
    let pulled = 0
    const body = new ReadableStream({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(1024))
      },
    })
    const answer = await stream(body, { 'Content-Length': '65537' })
    expectRefusal(answer, 'body_too_large')
    expect(pulled).toBeLessThanOrEqual(2)
  })
  test('more than 64 KB without a header are refused as soon as they are there', async () => {
    let pulled = 0
    const body = new ReadableStream({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(1024))
      },
    })
    expectRefusal(await stream(body), 'body_too_large')
    expect(pulled).toBeLessThan(80)
  })
  test('64 KB to the byte are read', async () => {
    const body = [`{"to":"${fresh()}"`.padEnd(65_535), '}'].join('')
    expect((await withHeaders({}, body)).status).toBe(201)
    expectRefusal(await withHeaders({}, `${body} `), 'body_too_large')
  })
  test('a code of a megabyte is refused', async () => {
    const { id } = await send(server, { to: fresh() })
    expectRefusal(
      await server.post(`/v1/challenges/${id}/verify`, { code: '1'.repeat(1 << 20) }),
      'body_too_large',
    )
    expectRefusal(
      await server.post(`/v1/challenges/${id}/verify`, { code: '1'.repeat(60_000) }),
      'invalid_request',
    )
    expect((await server.get(`/v1/challenges/${id}`)).body.attemptsLeft).toBe(5)
  })

  async function stream(body: ReadableStream, headers: Record<string, string> = {}): Promise<Answer> {
    const request = new Request('http://localhost:4545/v1/challenges', {
      method: 'POST',
      headers: { Authorization: `Bearer ${server.key}`, 'Content-Type': 'application/json', ...headers },
      body,
      duplex: 'half',
    })
    const response = await server.ostiary.fetch(request)
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
})

describe('unknown fields', () => {
  const PATCH_USER = '/v1/users/usr_01k6z5v9hrf0qv2s8yb7m3c4dn'
  const cases: [method: string, path: string, body: unknown, field: string, suggestion?: string][] = [
    ['POST', '/v1/challenges', { email: 'a@example.com' }, 'email', 'to'],
    ['POST', '/v1/challenges', { to: 'a@example.com', redirect_url: 'x' }, 'redirect_url', 'redirectUrl'],
    ['POST', '/v1/challenges', { to: 'a@example.com', redirectURL: 'x' }, 'redirectURL', 'redirectUrl'],
    ['POST', '/v1/challenges', { to: 'a@example.com', user_mode: 'none' }, 'user_mode', 'userMode'],
    ['POST', '/v1/challenges', { to: 'a@example.com', ipAddress: '::1' }, 'ipAddress', 'context'],
    ['POST', '/v1/challenges', { to: 'a@example.com', context: { ip: '::1' } }, 'context.ip'],
    ['POST', '/v1/challenges', { to: 'a@example.com', completelyOther: 1 }, 'completelyOther'],
    ['POST', '/v1/challenges/x/verify', { otp: '123456' }, 'otp', 'code'],
    ['POST', '/v1/challenges/verify', { token: 'oht_x' }, 'token', 'linkToken'],
    ['POST', '/v1/sessions/x/revoke', { reason: 'x' }, 'reason'],
    ['PATCH', PATCH_USER, { email: 'a@example.com' }, 'email'],
    ['GET', '/v1/challenges?user=x', undefined, 'user', 'userId'],
    ['GET', '/v1/users?emial=x', undefined, 'emial', 'email'],
    ['GET', '/v1/settings?x=1', undefined, 'x'],
    ['GET', `${PATCH_USER}?expand=sessions`, undefined, 'expand'],
    ['POST', '/v1/users?dryRun=1', {}, 'dryRun'],
    ['PATCH', '/v1/settings', { challenge: { codelength: 8 } }, 'challenge.codelength'],
    ['PATCH', '/v1/settings', { nonsense: 1 }, 'nonsense'],
  ]
  test.each(cases)('%s %s with %j', async (method, path, body, field, suggestion) => {
    const answer = await server.call(method, path, body)
    expectRefusal(answer, 'invalid_request', ['errors'])
    const found = answer.body.errors.find((one: { path: string }) => one.path === field)
    expect(found).toMatchObject({ code: 'unknown_field' })
    expect(found.suggestion).toBe(suggestion)
    if (suggestion !== undefined) expect(answer.body.detail).toContain(suggestion)
  })

  const proto = '{"__proto__":{"isAdmin":true}}'
  test.each([
    ['POST', '/v1/challenges', `{"to":"a@example.com",${proto.slice(1)}`, '__proto__'],
    ['POST', '/v1/challenges', `{"to":"a@example.com","context":${proto}}`, 'context.__proto__'],
    ['POST', '/v1/users', proto, '__proto__'],
    ['POST', '/v1/users', '{"constructor":{}}', 'constructor'],
    ['PATCH', '/v1/settings', proto, '__proto__'],
    ['PATCH', '/v1/settings', `{"challenge":${proto}}`, 'challenge.__proto__'],
    ['PATCH', '/v1/settings', '{"constructor":{"a":1}}', 'constructor'],
    ['GET', '/v1/challenges?__proto__=x', undefined, '__proto__'],
    ['GET', '/v1/settings?__proto__=x', undefined, '__proto__'],
    ['GET', '/v1/users?constructor=x', undefined, 'constructor'],
  ])('%s %s with %s is refused too', async (method, path, body, field) => {
    const answer = await server.call(method, path, body)
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(answer.body.errors[0]).toMatchObject({ path: field, code: 'unknown_field' })
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })
  test('metadata never loses a name without a word', async () => {
    const answer = await server.post('/v1/users', `{"metadata":${proto}}`)
    if (answer.status === 201) expect(Object.keys(answer.body.metadata)).toEqual(['__proto__'])
    else expectRefusal(answer, 'invalid_request', ['errors'])
  })
})

describe('queries', () => {
  test.each(['limit=1&limit=2', 'to=a@example.com&to=a@example.com', 'limit=1&limit'])(
    '%s stands there twice',
    async query => {
      const answer = await server.get(`/v1/challenges?${query}`)
      expectRefusal(answer, 'invalid_request', ['errors'])
      expect(answer.body.errors[0].code).toBe('repeated')
    },
  )
  test.each(['/v1/challenges?to=a%00b', '/v1/users/%00', '/v1/events?userId=%00'])(
    '%s has a NUL',
    async path => expectRefusal(await server.get(path), 'invalid_request'),
  )
  test.each([
    '/v1/users/%',
    '/v1/users/%ff%fe',
    '/v1/users/%ed%a0%80',
    '/v1/users/..%2f..',
    `/v1/users/${'x'.repeat(8000)}`,
  ])('%.30s names no user', async path => expectRefusal(await server.get(path), 'not_found'))
  test.each(['/v1/challenges?to=%ff', '/v1/users?username=%ed%a0%80', '/v1/events?sessionId=%'])(
    '%s finds nothing',
    async path => expect((await server.get(path)).body).toEqual({ data: [], nextCursor: null }),
  )
})

describe('health', () => {
  test('is told without a key', async () => {
    expect(await server.call('GET', '/healthz', undefined, { key: null })).toMatchObject({
      status: 200,
      body: { status: 'ok' },
    })
    expect(await server.call('GET', '/readyz', undefined, { key: null })).toMatchObject({
      status: 200,
      body: { status: 'ready' },
    })
  })
  test('a store that does not answer is unavailable, and what nobody expected is an internal error', async () => {
    const { store } = server.ostiary.deps
    const { ping, findUser } = store
    try {
      store.ping = async () => {
        throw new Error('planted-secret')
      }
      store.findUser = store.ping as never
      const broken = [await server.get('/readyz'), await server.get('/v1/users/x')]
      for (const answer of broken) {
        expectRefusal(answer, 'internal_error')
        expect(JSON.stringify(answer.body)).not.toContain('planted-secret')
      }
    } finally {
      Object.assign(store, { ping, findUser })
    }
  })
  test('a clock that is behind the store is unavailable, with a time to wait', async () => {
    const { clock } = server
    const now = clock.now()
    await send(server, { to: fresh() })
    clock.set(now - 60_000)
    const answer = await server.post('/v1/users', {})
    clock.set(now)
    expectRefusal(answer, 'unavailable')
    expectHeaders(answer)
  })
})
