import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ERRORS } from '../../src/core/errors.ts'
import { CLIENT_ENDPOINTS, ENDPOINTS } from '../../src/http/routes.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'

let server: TestServer
// biome-ignore lint/suspicious/noExplicitAny: the document is read by path
let document: any
beforeAll(async () => {
  server = await testServer()
  document = (await server.call('GET', '/openapi.json', undefined, { key: null })).body
})
afterAll(() => server.stop())

const codes = Object.keys(ERRORS)

/** Every value under a name, anywhere. */
function* valuesOf(name: string, node: unknown): Generator<unknown> {
  if (typeof node !== 'object' || node === null) return
  for (const [key, value] of Object.entries(node)) {
    if (key === name) yield value
    yield* valuesOf(name, value)
  }
}

describe('/openapi.json', () => {
  test('can be read from any origin, without a key', async () => {
    const answer = await server.call('GET', '/openapi.json', undefined, { key: null })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('content-type')).toBe('application/json')
  })
  test('has the shape of OpenAPI 3.1', () => {
    const Media = z.strictObject({
      'application/json': z.strictObject({ schema: z.record(z.string(), z.json()) }),
    })
    const Problem = z.strictObject({
      'application/problem+json': z.strictObject({ schema: z.strictObject({ $ref: z.string() }) }),
    })
    const Operation = z.strictObject({
      operationId: z.string().regex(/^[a-z][A-Za-z0-9]*$/),
      summary: z.string().min(1),
      description: z.string(),
      security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
      parameters: z.array(
        z.strictObject({
          name: z.string(),
          in: z.enum(['path', 'query', 'header']),
          required: z.boolean(),
          description: z.string().min(1).optional(),
          schema: z.record(z.string(), z.json()),
        }),
      ),
      requestBody: z.strictObject({ required: z.boolean(), content: Media }).optional(),
      responses: z.record(
        z.string().regex(/^[2-5]\d\d$/),
        z.strictObject({
          description: z.string().min(1),
          headers: z
            .record(
              z.string(),
              z.strictObject({
                description: z.string().min(1),
                schema: z.strictObject({ type: z.string() }),
              }),
            )
            .optional(),
          content: z.union([Media, Problem]).optional(),
        }),
      ),
    })
    const Document = z.strictObject({
      openapi: z.string().regex(/^3\.1\.\d$/),
      info: z.strictObject({
        title: z.string(),
        version: z.string(),
        license: z.record(z.string(), z.string()),
        description: z.string(),
      }),
      servers: z.array(z.strictObject({ url: z.url() })),
      security: z.array(z.record(z.string(), z.array(z.string()))),
      paths: z.record(
        z.string().regex(/^\/(client\/)?v1\//),
        z.record(z.enum(['get', 'post', 'patch', 'delete']).or(z.string()), Operation),
      ),
      components: z.strictObject({
        securitySchemes: z.record(z.string(), z.record(z.string(), z.string())),
        schemas: z.record(z.string().regex(/^[A-Za-z0-9]+$/), z.record(z.string(), z.json())),
      }),
    })
    expect(Document.parse(document)).toEqual(document)
    expect(document.servers[0].url).toBe('http://localhost:4545')
  })
  test('has every endpoint of the table and no other, each with a name of its own', () => {
    const told = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations as object).map(method => `${method.toUpperCase()} ${path}`),
    )
    const table = [...ENDPOINTS, ...CLIENT_ENDPOINTS]
    expect(told.sort()).toEqual(table.map(one => `${one.method} ${one.path}`).sort())
    const ids = [...valuesOf('operationId', document)]
    expect(new Set(ids).size).toBe(ids.length)
  })
  test('resolves every reference, and holds no schema that nothing refers to', () => {
    const refs = [...valuesOf('$ref', document)] as string[]
    expect(refs.length).toBeGreaterThan(50)
    const used = new Set<string>()
    for (const ref of refs) {
      const name = /^#\/components\/schemas\/([A-Za-z0-9]+)$/.exec(ref)?.[1] ?? ref
      expect(Object.keys(document.components.schemas)).toContain(name)
      used.add(name)
    }
    expect(Object.keys(document.components.schemas).filter(name => !used.has(name))).toEqual([])
    // A definition that is nothing but a reference says nothing, least of all one to itself.
    for (const schema of Object.values(document.components.schemas))
      expect(Object.keys(schema as object)).not.toEqual(['$ref'])
  })
  test('names every parameter of a path, and Idempotency-Key on every POST', () => {
    for (const { method, path } of ENDPOINTS) {
      const { parameters } = document.paths[path][method.toLowerCase()]
      const named = (place: string) =>
        parameters.filter((one: { in: string }) => one.in === place).map((one: { name: string }) => one.name)
      expect(named('path')).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]))
      expect(named('header').includes('Idempotency-Key')).toBe(method === 'POST')
    }
  })
  test('names the ETag of settings, templates, rules and lists, and If-Match with its 412 where one is changed', () => {
    const withEtag: string[] = []
    const withIfMatch: string[] = []
    for (const { method, path, status } of ENDPOINTS) {
      const { parameters, responses } = document.paths[path][method.toLowerCase()]
      if (responses[status].headers?.ETag) withEtag.push(`${method} ${path}`)
      const takes = parameters.some((one: { name: string }) => one.name === 'If-Match')
      if (takes) withIfMatch.push(`${method} ${path}`)
      expect(responses[412]?.description, `${method} ${path}`).toBe(
        takes ? '`precondition_failed`' : undefined,
      )
    }
    const nouns = ['lists', 'rules', 'templates']
    const changes = [...nouns.map(noun => `PATCH /v1/${noun}/{id}`), 'PATCH /v1/settings']
    const made = nouns.flatMap(noun => [`GET /v1/${noun}/{id}`, `POST /v1/${noun}`])
    expect(withIfMatch.sort()).toEqual(changes.sort())
    expect(withEtag.sort()).toEqual(['GET /v1/settings', ...made, ...changes].sort())
  })
  test('tells every error code, and of each endpoint which ones it gives', () => {
    expect(document.components.schemas.Problem.properties.code.enum).toEqual(codes)
    for (const { method, path, errors, status, answer } of ENDPOINTS) {
      const { responses } = document.paths[path][method.toLowerCase()]
      expect(Object.keys(responses)).toContain(String(status))
      expect(responses[status].content === undefined).toBe(answer === null)
      for (const code of [
        ...errors,
        'unauthorized',
        'scope_insufficient',
        'internal_error',
        'unavailable',
      ] as const)
        expect(responses[ERRORS[code][0]].description).toContain(`\`${code}\``)
    }
  })
  test('tells of browsers’ calls who may make them, what they take and what they refuse', () => {
    const { securitySchemes, schemas } = document.components
    for (const { method, path, auth, body, errors, status, answer } of CLIENT_ENDPOINTS) {
      const { security, parameters, responses, requestBody } = document.paths[path][method.toLowerCase()]
      const named = parameters.map(({ name, in: place }: { name: string; in: string }) => `${place} ${name}`)
      expect(named).toEqual(auth === 'action' ? ['header Ostiary-Action'] : [])
      expect(security.length === 0).toBe(auth === 'page')
      for (const scheme of security.flatMap(Object.keys)) {
        expect(Object.keys(securitySchemes)).toContain(scheme)
        expect(scheme).not.toBe('secretKey')
      }
      expect(responses[status].content === undefined).toBe(answer === null)
      for (const code of [...errors, 'origin_not_allowed', 'unavailable'] as const)
        expect(responses[ERRORS[code][0]].description, path).toContain(`\`${code}\``)
      expect(requestBody === undefined).toBe(body === undefined)
      if (!body) continue
      const { schema } = requestBody.content['application/json']
      const whole = schema.$ref ? schemas[schema.$ref.split('/').at(-1)] : schema
      expect(whole.additionalProperties, path).toBe(false)
    }
    for (const name of ['Action', 'ClientAction', 'ClientChallenge', 'ClientUser'])
      expect(schemas[name].required.sort()).toEqual(Object.keys(schemas[name].properties).sort())
  })
  test('says that every field of an answer is there, and that a request may hold no other', () => {
    const { schemas } = document.components
    for (const name of ['Challenge', 'User', 'Session', 'Tokens', 'App', 'ApiKey', 'Event', 'Message'])
      expect(schemas[name].required.sort()).toEqual(Object.keys(schemas[name].properties).sort())
    for (const { method, path, body } of ENDPOINTS) {
      if (!(body instanceof z.ZodObject)) continue
      const { schema } = document.paths[path][method.toLowerCase()].requestBody.content['application/json']
      const whole = schema.$ref ? schemas[schema.$ref.split('/').at(-1)] : schema
      expect(whole.additionalProperties, `${method} ${path}`).toBe(false)
    }
  })
})

describe('/docs/errors', () => {
  test('has an anchor for every code, to which the type of a problem leads', async () => {
    const page = await server.call('GET', '/docs/errors', undefined, { key: null })
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const anchors = [...(page.body as string).matchAll(/ id="([^"]+)"/g)].map(match => match[1])
    expect(anchors.sort()).toEqual([...codes].sort())
    const refusal = await server.get('/v1/users/x')
    expectRefusal(refusal, 'not_found')
    expect(new URL(refusal.body.type).pathname).toBe('/docs/errors')
  })
  test('is told in the closed list of the contract', () => {
    const CONTRACT: Record<number, string> = {
      400: 'invalid_request malformed_json cursor_invalid redirect_url_not_allowed template_invalid code_incorrect link_invalid token_invalid',
      401: 'unauthorized session_invalid refresh_invalid refresh_reused',
      403: 'scope_insufficient origin_not_allowed fresh_proof_required sign_up_closed user_blocked hook_denied',
      404: 'not_found',
      405: 'method_not_allowed',
      406: 'not_acceptable',
      409: 'challenge_expired challenge_used attempts_exhausted sends_exhausted resend_too_late already_exists external_id_taken state_conflict already_claimed idempotency_in_progress',
      412: 'precondition_failed',
      413: 'body_too_large',
      415: 'unsupported_media_type',
      422: 'idempotency_key_reused destination_not_allowed',
      429: 'rate_limited',
      500: 'internal_error',
      503: 'unavailable outcome_unknown',
    }
    const listed = Object.entries(CONTRACT).flatMap(([status, list]) =>
      list.split(' ').map(code => [code, Number(status)]),
    )
    expect(
      Object.entries(ERRORS)
        .map(([code, [status]]) => [code, status])
        .sort(),
    ).toEqual(listed.sort())
  })
})
