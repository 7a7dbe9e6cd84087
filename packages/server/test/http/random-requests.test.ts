import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ENDPOINTS } from '../../src/http/routes.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectAnswer, expectHeaders } from './answers.ts'
import { buildWorld, mailbox, type World } from './world.ts'

let server: TestServer
let world: World
beforeAll(async () => {
  const box = mailbox()
  server = await testServer({ transport: box })
  world = await buildWorld(server, box, 'test')
})
afterAll(() => server.stop())

const NAMES = [
  ...[
    'to',
    'userId',
    'purpose',
    'credential',
    'redirectUrl',
    'linkVia',
    'codeChallenge',
    'state',
    'expiresInSeconds',
  ],
  ...[
    'locale',
    'template',
    'templateVariables',
    'userMode',
    'externalId',
    'session',
    'context',
    'appId',
    'metadata',
  ],
  ...[
    'code',
    'linkToken',
    'codeVerifier',
    'challengeId',
    'refreshToken',
    'accessToken',
    'name',
    'username',
    'email',
  ],
  ...[
    'phone',
    'type',
    'value',
    'isVerified',
    'redirectUrls',
    'origins',
    'audience',
    'scopes',
    'ipAddress',
    'locales',
    'variables',
    '__proto__',
  ],
]
const VALUES = [
  ...[
    'a@example.com',
    'code',
    'codeAndLink',
    'http://localhost:3000/cb',
    'app',
    'signIn',
    'none',
    'existing',
    'email',
    'read',
  ],
  ...[
    '+491701234567',
    '123456',
    'oht_x',
    '::1',
    'de',
    '',
    '\u0000',
    '\ud800',
    'é',
    '😀',
    '999999999999999999999',
    '-0',
  ],
]
const leaf = fc.oneof(
  fc.constantFrom(...VALUES),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
)
const { body: anyBody } = fc.letrec(tie => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, tie('list'), tie('body')),
  list: fc.array(tie('value'), { maxLength: 3 }),
  body: fc.dictionary(
    fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...NAMES) }, fc.string()),
    tie('value'),
    {
      maxKeys: 5,
      noNullPrototype: true,
    },
  ),
}))

/** Bodies that have the fields of the endpoint, with values of any kind: they get past the first guard more often. */
const bodyFor = (schema: z.ZodType | undefined) =>
  schema instanceof z.ZodObject
    ? fc.oneof(
        anyBody,
        fc
          .subarray(Object.keys(schema.shape))
          .chain(names => fc.record(Object.fromEntries(names.map(name => [name, leaf])))),
      )
    : anyBody

describe('a request of any shape', () => {
  test.each(ENDPOINTS.filter(one => one.body))(
    '$method $path is answered or refused, never an error of ours',
    async endpoint => {
      await fc.assert(
        fc.asyncProperty(
          bodyFor(endpoint.body),
          fc.constantFrom('userId', 'challengeId', 'sessionId', 'appId', 'templateId'),
          async (body, id) => {
            const path = endpoint.path.replace('{id}', world[id as 'userId'])
            const answer = await server.call(endpoint.method, path, JSON.stringify(body))
            expect(answer.status, JSON.stringify([path, body, answer.body])).toBeLessThan(500)
            if (answer.status < 300) expectAnswer(endpoint, answer)
            else expectHeaders(answer)
          },
        ),
        { numRuns: 60 },
      )
    },
  )

  test.each(ENDPOINTS.filter(one => one.method === 'GET'))(
    '$method $path takes any query',
    async endpoint => {
      const shape = endpoint.query instanceof z.ZodObject ? Object.keys(endpoint.query.shape) : []
      // `wait` would wait.
      const names = fc.constantFrom(...shape.filter(name => name !== 'wait'), '__proto__', 'x')
      const queries = fc.array(fc.tuple(names, fc.oneof(leaf, fc.string({ unit: 'binary' }))), {
        maxLength: 3,
      })
      await fc.assert(
        fc.asyncProperty(queries, async pairs => {
          const text = pairs.map(([name, value]) => [name, String(value).toWellFormed()])
          const path = `${endpoint.path.replace('{id}', world.userId)}?${new URLSearchParams(text as [string, string][])}`
          const answer = await server.call('GET', path)
          expect(answer.status, path).toBeLessThan(500)
          expectHeaders(answer)
        }),
        { numRuns: 40 },
      )
    },
  )

  test('bytes of any kind are no error of ours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async bytes => {
        const response = await server.ostiary.app.request('/v1/challenges', {
          method: 'POST',
          headers: { Authorization: `Bearer ${server.key}`, 'Content-Type': 'application/json' },
          body: bytes as Uint8Array<ArrayBuffer>,
        })
        expect(response.status).toBe(400)
      }),
      { numRuns: 100 },
    )
  })
})
