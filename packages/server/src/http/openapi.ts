import { setImmediate as turn } from 'node:timers/promises'
import { z } from 'zod'
import { ERRORS, type ErrorCode } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { ACTION_COOKIES, ACTION_HEADER } from './client/action-cookies.ts'
import type { ClientEndpoint } from './client/endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { errorCodes } from './problem.ts'
import { CLIENT_ENDPOINTS, ENDPOINTS } from './routes.ts'

/** What any call of `/v1` can answer besides its own refusals. */
const ALWAYS: ErrorCode[] = [
  'invalid_request',
  'unauthorized',
  'scope_insufficient',
  'not_acceptable',
  'internal_error',
  'unavailable',
]
const WITH_BODY: ErrorCode[] = [
  'malformed_json',
  'body_too_large',
  'unsupported_media_type',
  'outcome_unknown',
]
const WITH_KEY: ErrorCode[] = ['idempotency_key_reused', 'idempotency_in_progress']

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}
const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag that was read, or *: the change is made to that version and to no other, else 412',
  schema: { type: 'string' },
}
const ETag = {
  description: 'The version of the object, for If-Match. A replayed answer has none.',
  schema: { type: 'string' },
}

const Problem = z
  .object({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(errorCodes as [ErrorCode, ...ErrorCode[]]),
    requestId: z.string(),
    attemptsLeft: z.int().optional(),
    retryAfterSeconds: z.int().optional(),
    limit: z.string().optional(),
    errors: z
      .array(
        z.object({
          path: z.string(),
          code: z.string(),
          message: z.string(),
          suggestion: z.string().optional(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' })

/**
 * OpenAPI 3.1, made from the validators: JSON Schema 2020-12 is what both speak, so zod writes it itself. That takes a tenth of a
 * second in all: others have their turn between two endpoints.
 */
export async function openApiDocument(publicUrl: string): Promise<Record<string, unknown>> {
  const schemas: Record<string, unknown> = {}
  const paths: Record<string, Record<string, unknown>> = {}
  for (const endpoint of ENDPOINTS) {
    paths[endpoint.path] = {
      ...paths[endpoint.path],
      [endpoint.method.toLowerCase()]: operation(endpoint, schemas),
    }
    await turn()
  }
  for (const endpoint of CLIENT_ENDPOINTS) {
    paths[endpoint.path] = {
      ...paths[endpoint.path],
      [endpoint.method.toLowerCase()]: clientOperation(endpoint, schemas),
    }
    await turn()
  }
  schemaOf(Problem, 'output', schemas)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ostiary',
      version: VERSION,
      license: { name: 'MIT', identifier: 'MIT' },
      description: 'Passwordless sign-in: send, verify, resend.',
    },
    servers: [{ url: publicUrl }],
    security: [{ secretKey: [] }],
    paths,
    components: {
      securitySchemes: {
        secretKey: { type: 'http', scheme: 'bearer', description: 'A secret key: osk_test_… or osk_live_…' },
        publishableKey: { type: 'http', scheme: 'bearer', description: 'A publishable key: opk_…' },
        actionToken: { type: 'http', scheme: 'bearer', description: 'The working token of an action: oat_…' },
        actionCookie: {
          type: 'apiKey',
          in: 'cookie',
          name: `${ACTION_COOKIES}{id}`,
          description: `The same, on pages of Ostiary itself; one for each action`,
        },
        accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      },
      schemas,
    },
  }
}

/** What any call of `/client/v1` can answer besides its own refusals. */
const CLIENT_ALWAYS: ErrorCode[] = ['invalid_request', 'origin_not_allowed', 'internal_error', 'unavailable']
const CLIENT_SECURITY: Record<ClientEndpoint['auth'], Record<string, string[]>[]> = {
  key: [{ publishableKey: [] }],
  action: [{ actionToken: [] }, { actionCookie: [] }],
  page: [],
  session: [{ accessToken: [] }],
}
const CLIENT_CALLER: Record<ClientEndpoint['auth'], string> = {
  key: 'By a publishable key, from the origins of its app.',
  action: 'By the token of the action, or by its cookie on pages of Ostiary itself.',
  page: 'For pages of Ostiary itself.',
  session: 'By an access token, from the origins of its app.',
}

const ACTION_NAMED = {
  name: ACTION_HEADER,
  in: 'header',
  required: false,
  description: 'With the cookie: the id of the action that is meant; without it, the latest of this browser.',
  schema: { type: 'string' },
}

function clientOperation(
  endpoint: ClientEndpoint,
  schemas: Record<string, unknown>,
): Record<string, unknown> {
  const isKeyed = endpoint.auth === 'key' || endpoint.auth === 'action'
  const codes: ErrorCode[] = [
    ...CLIENT_ALWAYS,
    ...(isKeyed ? (['unauthorized'] as const) : []),
    ...(endpoint.body ? WITH_BODY : []),
    ...endpoint.errors,
  ]
  return {
    operationId: operationId(endpoint),
    summary: endpoint.summary,
    description: CLIENT_CALLER[endpoint.auth],
    security: CLIENT_SECURITY[endpoint.auth],
    parameters: endpoint.auth === 'action' ? [ACTION_NAMED] : [],
    ...bodyOf(endpoint, schemas),
    responses: {
      [endpoint.status]: {
        description: endpoint.summary,
        ...(endpoint.answer && {
          content: { 'application/json': { schema: schemaOf(endpoint.answer, 'output', schemas) } },
        }),
      },
      ...refusals(codes),
    },
  }
}

function bodyOf({ body }: { body?: z.ZodType }, schemas: Record<string, unknown>) {
  return (
    body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemaOf(body, 'input', schemas) } },
      },
    }
  )
}

function refusals(codes: readonly ErrorCode[]): Record<string, unknown> {
  const byStatus = Map.groupBy(new Set(codes), code => ERRORS[code][0])
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      String(status),
      { description: list.map(code => `\`${code}\``).join(', '), content: problem },
    ]),
  )
}

function operation(endpoint: Endpoint, schemas: Record<string, unknown>): Record<string, unknown> {
  const isPost = endpoint.method === 'POST'
  const codes = [
    ...ALWAYS,
    ...(endpoint.body ? WITH_BODY : []),
    ...(isPost ? WITH_KEY : []),
    ...endpoint.errors,
  ]
  const answer = {
    description: endpoint.summary,
    ...(endpoint.etag && { headers: { ETag } }),
    ...(endpoint.answer && {
      content: { 'application/json': { schema: schemaOf(endpoint.answer, 'output', schemas) } },
    }),
  }
  return {
    operationId: operationId(endpoint),
    summary: endpoint.summary,
    description: `Scopes: ${endpoint.scopes.join(', ')}${endpoint.isTestOnly ? '. In test environments only.' : ''}`,
    parameters: parameters(endpoint, schemas),
    ...bodyOf(endpoint, schemas),
    responses: {
      ...(endpoint.isRepeat && { 200: { ...answer, description: 'It was there already' } }),
      [endpoint.status]: answer,
      ...refusals(codes),
    },
  }
}

function parameters(endpoint: Endpoint, schemas: Record<string, unknown>): unknown[] {
  const inPath = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery =
    endpoint.query instanceof z.ZodObject
      ? Object.entries(endpoint.query.shape as Record<string, z.ZodType>).map(([name, schema]) => ({
          name,
          in: 'query',
          required: !schema.safeParse(undefined).success,
          schema: schemaOf(schema, 'input', schemas),
        }))
      : []
  const inHeader = [
    ...(endpoint.method === 'POST' ? [IDEMPOTENCY_KEY] : []),
    ...(endpoint.errors.includes('precondition_failed') ? [IF_MATCH] : []),
  ]
  return [...inPath, ...inQuery, ...inHeader]
}

/** The JSON Schema of a validator; what has an id becomes a component, and a reference to it. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Record<string, unknown>): unknown {
  const written = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' })
  const text = JSON.stringify(written)
    .replaceAll('"#/$defs/', '"#/components/schemas/')
    // `z.json()` is the one recursive validator without an id: zod numbers it anew in each call.
    .replaceAll(/__schema\d+/g, 'Json')
  const { $schema, $defs, id, ...whole } = JSON.parse(text) as Record<string, unknown>
  for (const [name, definition] of Object.entries(($defs ?? {}) as Record<string, Record<string, unknown>>)) {
    const { $id, id, ...rest } = definition
    schemas[name] = rest
  }
  const name = schema.meta()?.id
  if (name === undefined) return whole
  const reference = { $ref: `#/components/schemas/${name}` }
  // A validator with an id comes as a reference to its own definition, which stands among the others already.
  if (whole.$ref !== reference.$ref) schemas[name] = whole
  return reference
}

/** `createChallenge`-like names from method and path, each once. */
function operationId({ method, path }: Pick<Endpoint, 'method' | 'path'>): string {
  const words = path
    .slice(1)
    .replace('v1/', '')
    .split('/')
    .map(part => (part.startsWith('{') ? 'by-id' : part))
  return [method.toLowerCase(), ...words]
    .join('-')
    .replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}
