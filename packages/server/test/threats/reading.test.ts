import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLIENT_ENDPOINTS, ENDPOINTS } from '../../src/http/routes.ts'
import { buildWorld, dump, fresh, mailbox, press, send, type World } from '../http/world.ts'
import { type TestServer, testServer } from '../setup/server.ts'

/** Promise 8: whoever looks, however often and by which method, changes nothing but events and what was last seen. */
let server: TestServer
let world: World
let link: string
beforeAll(async () => {
  const box = mailbox()
  server = await testServer({ transport: box })
  world = await buildWorld(server, box, 'test')
  const asked = { to: fresh(), credential: 'codeAndLink', redirectUrl: 'http://localhost:3000/cb' }
  const { id } = await send(server, asked)
  link = (await server.message({ challengeId: id })).link
})
afterAll(() => server.stop())

const OTHERS = [
  '/l/TOKEN',
  '/l/olk_x',
  '/e/test/.well-known/jwks.json',
  '/.well-known/webauthn',
  '/openapi.json',
  '/docs/errors',
  '/healthz',
  '/readyz',
  '/nothing',
]
const PATHS = [...new Set([...ENDPOINTS, ...CLIENT_ENDPOINTS].map(({ path }) => path)), ...OTHERS]

/** Every id of the world that could stand for `{id}`, and tokens where they do not belong. */
function pathsOf(pattern: string): string[] {
  if (pattern === '/l/TOKEN') return [new URL(link).pathname, `/l/${world.linkToken}`]
  if (!pattern.includes('{id}')) return [pattern, `${pattern}?limit=100`]
  const { challengeId, verifiedId, userId, sessionId, appId, keyId, actionId } = world
  return [challengeId, verifiedId, userId, sessionId, appId, keyId, actionId].map(id =>
    pattern.replace('{id}', id),
  )
}

async function rows(): Promise<Record<string, string[]>> {
  const { events: _, challenges = [], ...rest } = await dump(server)
  return {
    ...rest,
    challenges: challenges.map(row => JSON.stringify({ ...JSON.parse(row), link_opens: null })).sort(),
  }
}

describe.each(['GET', 'HEAD', 'OPTIONS'])('%s', method => {
  test.each(PATHS)(`[55] changes nothing: ${'%s'}`, async pattern => {
    const before = await rows()
    for (const path of pathsOf(pattern)) {
      const { status } = await server.call(method, path, undefined)
      expect(status, path).toBeLessThan(500)
    }
    expect(await rows()).toEqual(before)
  })
})

test('[55] after all that every token, link and code still works, once', async () => {
  const post = (path: string, body: unknown) => server.post(path, body)
  expect((await press(server, link)).status).toBe(303)
  expect((await post('/v1/sessions/verify', { accessToken: world.accessToken })).body.isActive).toBe(true)
  for (const [path, body] of [
    ['/v1/challenges/verify', { linkToken: world.linkToken }],
    ['/v1/challenges/verify', { linkToken: world.handover }],
    ['/v1/sessions', { challengeId: world.provenId }],
    ['/v1/sessions/refresh', { refreshToken: world.refreshToken }],
    [`/v1/challenges/${world.verifiedId}/claim`, { userId: world.userId }],
  ] as const)
    expect((await post(path, body)).status, path).toBeLessThan(300)
  for (const linkToken of [world.linkToken, world.handover])
    expect((await post('/v1/challenges/verify', { linkToken })).status).toBeGreaterThanOrEqual(400)
})
