import { expect } from 'vitest'
import type { z } from 'zod'
import { ERRORS, type ErrorCode } from '../../src/core/errors.ts'
import type { Endpoint } from '../../src/http/endpoint.ts'
import { openApiDocument } from '../../src/http/openapi.ts'
import { ENDPOINTS } from '../../src/http/routes.ts'
import type { Answer } from '../setup/server.ts'

const PUBLIC_URL = 'http://localhost:4545'
const document = (await openApiDocument(PUBLIC_URL)) as {
  paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>
}

/** The endpoint that a request reaches; literal segments go before parameters. */
export function endpointOf(method: string, path: string): Endpoint {
  const bare = path.split('?')[0] ?? ''
  const matching = ENDPOINTS.filter(
    one => one.method === method && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(bare),
  )
  const found = matching.sort((a, b) => a.path.split('{').length - b.path.split('{').length)[0]
  if (!found) throw new Error(`no endpoint for ${method} ${path}`)
  return found
}

/** Every header that CONTRACT section 1 asks of every answer under `/v1`. */
export function expectHeaders({ status, headers, body }: Answer) {
  expect(headers.get('request-id')).toMatch(/^req_[0-7][0-9a-z]{25}$/)
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('server')).toBeNull()
  expect(headers.get('x-powered-by')).toBeNull()
  expect(headers.get('access-control-allow-origin')).toBeNull()
  expect(headers.has('www-authenticate')).toBe(status === 401)
  if (status === 401) expect(headers.get('www-authenticate')).toBe('Bearer')
  expect(headers.has('retry-after')).toBe(status === 429 || status === 503)
  if (status === 204) expect(body).toBe('')
}

/**
 * A 2xx answer whole: the status of the endpoint, every documented field there, none besides. The validators strip
 * what they do not know, so that an undocumented field makes the parsed answer differ from the given one.
 */
export function expectAnswer(endpoint: Endpoint, answer: Answer) {
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: endpoint.status })
  expectHeaders(answer)
  if (endpoint.answer === null) return
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect((endpoint.answer as z.ZodType).parse(answer.body)).toEqual(answer.body)
}

const MEMBERS = ['type', 'title', 'status', 'detail', 'code', 'requestId']
const EXTRAS = ['attemptsLeft', 'retryAfterSeconds', 'limit', 'errors']

/** A refusal whole: status and titles of the table, RFC 9457 members, nothing undocumented. */
export function expectRefusal(answer: Answer, code: ErrorCode, extras: string[] = []) {
  const [status, title] = ERRORS[code]
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status, body: { code } })
  expectHeaders(answer)
  const { body, headers } = answer
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(body).toMatchObject({ type: `${PUBLIC_URL}/docs/errors#${code}`, title, status })
  expect(body.requestId).toBe(headers.get('request-id'))
  expect(body.detail).toMatch(/\S/)
  const names = Object.keys(body)
  expect(names.slice(0, MEMBERS.length)).toEqual(MEMBERS)
  const given = names.slice(MEMBERS.length)
  for (const name of given) expect(EXTRAS).toContain(name)
  for (const name of extras) expect(given).toContain(name)
  if (code === 'rate_limited') {
    expect(given).toEqual(['retryAfterSeconds', 'limit'])
    expect(headers.get('retry-after')).toBe(String(body.retryAfterSeconds))
    expect(body.retryAfterSeconds).toBeGreaterThanOrEqual(1)
  }
  for (const error of body.errors ?? []) {
    expect(Object.keys(error).slice(0, 3)).toEqual(['path', 'code', 'message'])
    expect(Object.keys(error).slice(3)).toEqual(error.suggestion === undefined ? [] : ['suggestion'])
  }
}

/** Whether the OpenAPI file says that this endpoint can refuse so. */
export function isDocumented({ method, path }: Endpoint, code: ErrorCode): boolean {
  const response = document.paths[path]?.[method.toLowerCase()]?.responses[ERRORS[code][0]]
  return response?.description.includes(`\`${code}\``) ?? false
}
