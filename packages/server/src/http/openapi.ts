import { z } from 'zod'
import { ERRORS, type ErrorCode } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import type { Endpoint } from './endpoint.ts'
import { errorCodes } from './problem.ts'
import { ENDPOINTS } from './routes.ts'

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

/** OpenAPI 3.1, made from the validators: JSON Schema 2020-12 is what both speak, so zod writes it itself. */
export function openApiDocument(publicUrl: string): Record<string, unknown> {
  const schemas: Record<string, unknown> = {}
  const paths: Record<string, Record<string, unknown>> = {}
  for (const endpoint of ENDPOINTS) {
    paths[endpoint.path] = {
      ...paths[endpoint.path],
      [endpoint.method.toLowerCase()]: operation(endpoint, schemas),
    }
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
      },
      schemas,
    },
  }
}

function operation(endpoint: Endpoint, schemas: Record<string, unknown>): Record<string, unknown> {
  const isPost = endpoint.method === 'POST'
  const codes = [
    ...ALWAYS,
    ...(endpoint.body ? WITH_BODY : []),
    ...(isPost ? WITH_KEY : []),
    ...endpoint.errors,
  ]
  const byStatus = Map.groupBy(new Set(codes), code => ERRORS[code][0])
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  const refusals = [...byStatus].map(([status, list]) => [
    String(status),
    { description: list.map(code => `\`${code}\``).join(', '), content: problem },
  ])
  return {
    operationId: operationId(endpoint),
    summary: endpoint.summary,
    description: `Scopes: ${endpoint.scopes.join(', ')}${endpoint.isTestOnly ? '. In test environments only.' : ''}`,
    parameters: parameters(endpoint, schemas),
    ...(endpoint.body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemaOf(endpoint.body, 'input', schemas) } },
      },
    }),
    responses: {
      [endpoint.status]: {
        description: endpoint.summary,
        ...(endpoint.etag && { headers: { ETag } }),
        ...(endpoint.answer && {
          content: { 'application/json': { schema: schemaOf(endpoint.answer, 'output', schemas) } },
        }),
      },
      ...Object.fromEntries(refusals),
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
function operationId({ method, path }: Endpoint): string {
  const words = path
    .replace('/v1/', '')
    .split('/')
    .map(part => (part.startsWith('{') ? 'by-id' : part))
  return [method.toLowerCase(), ...words]
    .join('-')
    .replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}
