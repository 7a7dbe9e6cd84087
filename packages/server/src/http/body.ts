import { z } from 'zod'
import { type FieldError, OstiaryError } from '../core/errors.ts'
import { distance } from '../core/nearest.ts'

const MAX_BYTES = 64 * 1024

/**
 * Reads a body of at most 64 KB, or `maxBytes`. A longer one is refused as soon as it is known to be: by its header, else
 * while it comes in (`body_too_large`).
 */
export async function readBytes(request: Request, maxBytes: number = MAX_BYTES): Promise<Buffer> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > maxBytes) throw new OstiaryError('body_too_large')
  // With a length that was declared and is small, the whole body at once: a stream costs more than reading it.
  if (declared > 0) return Buffer.from(await request.arrayBuffer().catch(hungUp))
  if (!request.body) return Buffer.alloc(0)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of request.body) {
      size += chunk.byteLength
      if (size > maxBytes) throw new OstiaryError('body_too_large')
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof OstiaryError) throw error
    hungUp()
  }
  return Buffer.concat(chunks)
}

function hungUp(): never {
  throw new OstiaryError('malformed_json', { reason: 'the client went away in the middle of the body' })
}

/** The body as JSON. An empty body is an empty object, so that `POST …/revoke` needs none. */
export function parseJson(bytes: Buffer, contentType: string | undefined): unknown {
  if (bytes.length === 0) return {}
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json' && type !== 'application/merge-patch+json')
    throw new OstiaryError('unsupported_media_type')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new OstiaryError('malformed_json', { cause })
  }
  // What JSON can say and nothing behind it can hold: looked for only where the text can have it.
  if (/\\u|__proto__/i.test(bytes.toString('latin1'))) refuseUnusable(value, '', 0)
  if (isTooDeep(value, 0))
    throw new OstiaryError('invalid_request', { detail: 'The body is nested too deep.' })
  return value
}

/**
 * PostgreSQL's text has no NUL and no half of a surrogate pair. A field `__proto__` would be dropped on its way
 * through records and merge patches without a word; a request is never less than what was sent.
 */
function refuseUnusable(value: unknown, path: string, depth: number): void {
  if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed()))
    throw new OstiaryError('invalid_request', {
      errors: [{ path, code: 'invalid_format', message: 'has a NUL character or half of a surrogate pair' }],
    })
  if (typeof value !== 'object' || value === null || depth > 32) return
  for (const [key, inner] of Object.entries(value)) {
    refuseUnusable(key, path, depth + 1)
    const innerPath = path === '' ? key : `${path}.${key}`
    if (key === '__proto__')
      throw new OstiaryError('invalid_request', {
        errors: [{ path: innerPath, code: 'unknown_field', message: 'is not a field here' }],
      })
    refuseUnusable(inner, innerPath, depth + 1)
  }
}

function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth >= 16 || Object.values(value).some(inner => isTooDeep(inner, depth + 1))
}

/** Checks input against its validator; unknown fields are refused, with the known name that was meant if there is one. */
export function validate<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input, { reportInput: false })
  if (result.success) return result.data
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  const errors = result.error.issues.flatMap(issue => fieldErrors(issue, known)).slice(0, 20)
  throw new OstiaryError('invalid_request', { detail: detailOf(errors), errors })
}

function fieldErrors(issue: z.core.$ZodIssue, known: readonly string[]): FieldError[] {
  const path = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return [{ path, code: issue.code, message: issue.message }]
  return issue.keys.slice(0, 20).map(key => {
    const name = String(key).slice(0, 100)
    const suggestion = issue.path.length === 0 ? suggest(name, known) : undefined
    const error: FieldError = {
      path: path === '' ? name : `${path}.${name}`,
      code: 'unknown_field',
      message: 'is not a field here',
    }
    return suggestion === undefined ? error : { ...error, suggestion }
  })
}

function detailOf(errors: readonly FieldError[]): string {
  const [first] = errors
  if (!first) return 'The request is not valid.'
  const named = first.path === '' ? 'The request' : `"${first.path}"`
  return `${named}: ${first.message}.${first.suggestion ? ` Did you mean "${first.suggestion}"?` : ''}`
}

// What other products call our fields; the rest is found by distance.
const SYNONYMS: Record<string, string> = {
  email: 'to',
  phone: 'to',
  phoneNumber: 'to',
  address: 'to',
  recipient: 'to',
  otp: 'code',
  token: 'linkToken',
  link_token: 'linkToken',
  redirect_url: 'redirectUrl',
  callbackUrl: 'redirectUrl',
  expiresIn: 'expiresInSeconds',
  ip: 'context',
  ipAddress: 'context',
  userAgent: 'context',
  user: 'userId',
  type: 'credential',
}

function suggest(name: string, known: readonly string[]): string | undefined {
  const synonym = SYNONYMS[name]
  if (synonym && known.includes(synonym)) return synonym
  if (name.length < 4) return undefined
  return known.find(field => distance(field.toLowerCase(), name.toLowerCase().replaceAll(/[_-]/g, '')) <= 2)
}
