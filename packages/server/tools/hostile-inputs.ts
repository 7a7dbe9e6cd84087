import { Settings } from '../src/core/settings/settings.ts'
import { ENDPOINTS } from '../src/http/routes.ts'
import type { Chance } from '../test/crash/chance.ts'
import { type BrowserTarget, browserInput } from './hostile-browser.ts'
import { bytesOf, damaged, mutated, type Pool, type Shape, sampleOf, shapeOf } from './hostile-json.ts'

/** Bytes for a socket, in pieces with a wait before each. */
export interface RawInput {
  kind: 'raw'
  name: string
  pieces: { bytes: Buffer; waitMs: number }[]
  /** How the client ends: by itself after the last byte, or when it is answered. */
  end: 'reset' | 'finish' | 'answered'
}

export interface FetchInput {
  kind: 'fetch'
  name: string
  method: string
  path: string
  headers: Record<string, string>
  body: Buffer | null
}

export type Input = RawInput | FetchInput

/** What is needed to make inputs: a server that runs, its key, and things that it made. */
export interface Target {
  port: number
  key: string
  pool: Pool
  right: RightCall[]
  browser: BrowserTarget
}

/** A POST that is right as it stands, as long as nobody made it before. */
export interface RightCall {
  path: string
  body: object
}

const pick = <T>(chance: Chance, list: readonly T[]): T => list[chance.between(0, list.length)] as T

const SHAPES = new Map<object, { body: Shape; query: Shape }>(
  ENDPOINTS.map(endpoint => {
    // A merge patch takes any JSON; what fits is a part of the settings.
    const isPatch = endpoint.method === 'PATCH' && endpoint.path === '/v1/settings'
    return [endpoint, { body: shapeOf(isPatch ? Settings : endpoint.body), query: shapeOf(endpoint.query) }]
  }),
)
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY']
const OTHER_PATHS = [
  '/',
  '/l/',
  '/e/test/.well-known/jwks.json',
  '/e/x/.well-known/jwks.json',
  '/openapi.json',
  '/docs/errors',
  '/healthz',
  '/readyz',
  '/metrics',
  '/hooks/x',
  '/dev/inbox',
  '/dev/inbox/messages',
  '/demo/me',
  '/demo/callback',
  '/demo/send',
  '/demo/verify',
  '/demo/sign-out',
  '/v1',
  '/v1/',
  '/v2/x',
  '/client/v1/x',
  '/sign-in',
  '/favicon.ico',
  '/*',
  '/.env',
]
const TYPES = [
  'application/json',
  'application/merge-patch+json',
  'application/json; charset=utf-16',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'application/json,application/json',
  ';',
  'application/JSON ; x',
]
const ODD_HEADERS: readonly [string, string[]][] = [
  [
    'accept',
    ['text/html', '*/*;q=0', 'application/json;q=0.0', ',,,,', '*'.repeat(4000), `${'a/b,'.repeat(1500)}`],
  ],
  ['idempotency-key', ['k', 'x'.repeat(255), 'x'.repeat(256), 'é', ' ', '\t']],
  ['if-match', ['*', '"1"', 'W/"1"', '""', '"'.repeat(3000)]],
  [
    'authorization',
    [
      'Bearer',
      'Bearer  x',
      'Basic eDp5',
      `Bearer ${'o'.repeat(7000)}`,
      'Bearer osk_test_x',
      'bearer opk_test_x',
      `${' '.repeat(5000)}x`,
    ],
  ],
  ['x-forwarded-for', ['1.2.3.4', '::1, x, ,', `${'1.1.1.1,'.repeat(800)}`, 'unknown']],
  ['cookie', ['a=b', '__Host-ostiary-press=x', `${'a=b;'.repeat(1500)}`, '=;=;', '%']],
  ['accept-language', ['de', 'xx-YY,*;q=x', `${'en,'.repeat(2000)}`]],
  ['sec-fetch-site', ['same-origin', 'cross-site', 'none', 'x']],
  ['origin', ['null', 'http://localhost', 'x']],
  ['user-agent', ['', 'x'.repeat(6000), 'é']],
  ['host', ['evil.example', 'localhost', '', 'localhost:1:2', '[::1']],
  ['range', ['bytes=0-', 'bytes=-1']],
  ['x-http-method-override', ['DELETE']],
]

/** The next input, of every kind in turn. */
export function nextInput(target: Target, chance: Chance): Input {
  const call = chance.is(0.4) ? browserInput(target, chance) : callOf(target, chance)
  return chance.is(0.3) ? rawOf(target, call, chance) : call
}

function callOf(target: Target, chance: Chance): FetchInput {
  const { key, pool } = target
  if (chance.is(0.08)) return nearlyRight(target, chance)
  // Some are left as the validators have them: they reach what stands behind.
  const isSound = chance.is(0.25)
  const isOther = !isSound && chance.is(0.2)
  const endpoint = pick(chance, ENDPOINTS)
  const shapes = SHAPES.get(endpoint) ?? { body: {}, query: {} }
  let path = isOther
    ? pick(chance, chance.is(0.4) ? (pool.link ?? OTHER_PATHS) : OTHER_PATHS)
    : endpoint.path.replace('{id}', () => idFor(endpoint.path, pool, chance))
  if (!isSound && chance.is(0.15)) path = `/${damaged(path.slice(1), chance)}`
  const query = queryOf(shapes.query, pool, chance)
  if (query !== '') path += `?${query}`
  const method =
    !isSound && chance.is(0.1)
      ? pick(chance, METHODS)
      : isOther
        ? pick(chance, ['GET', 'POST'])
        : endpoint.method
  const headers: Record<string, string> = {
    authorization: `Bearer ${!isSound && chance.is(0.03) ? damaged(key, chance).replaceAll(/[^\x20-\x7e]/g, '') : key}`,
    'content-type': isSound || chance.is(0.92) ? 'application/json' : pick(chance, TYPES),
  }
  if (chance.is(0.15)) headers['idempotency-key'] = `h${chance.between(0, 500)}`
  if (!isSound && chance.is(0.15)) {
    const [name, values] = pick(chance, ODD_HEADERS)
    // `host` is the socket's own with fetch.
    if (name !== 'host') headers[name] = pick(chance, values)
  }
  let body: Buffer | null = null
  if (method !== 'GET' && method !== 'HEAD' && chance.is(0.95)) {
    const value = sampleOf(shapes.body, '', pool, chance)
    body = isSound
      ? Buffer.from(JSON.stringify(value) ?? '')
      : bytesOf(chance.is(0.65) ? mutated(value, chance) : value, chance)
    if (!isSound && chance.is(0.004)) body = Buffer.alloc(chance.between(60_000, 300_000), 0x20)
  }
  return {
    kind: 'fetch',
    name: isOther ? 'other path' : `${endpoint.method} ${endpoint.path}`,
    method,
    path,
    headers,
    body,
  }
}

/** A right call, or one that differs from it in one place. */
function nearlyRight({ key, right }: Target, chance: Chance): FetchInput {
  const { path, body } = pick(chance, right)
  const headers: Record<string, string> = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
  }
  if (chance.is(0.3)) headers['idempotency-key'] = `r${chance.between(0, 500)}`
  return {
    kind: 'fetch',
    name: 'nearly right',
    method: 'POST',
    path,
    headers,
    body: Buffer.from(JSON.stringify(chance.is(0.4) ? mutated(body, chance) : body) ?? ''),
  }
}

/** Mostly an id of the kind that the path asks for. */
function idFor(path: string, { id = [] }: Pool, chance: Chance): string {
  const fitting = id.filter(one => one.includes('_') && path.slice(4).startsWith(one.slice(0, 2)))
  return pick(chance, chance.is(0.7) && fitting.length > 0 ? fitting : [...id, 'x'])
}

function queryOf(shape: Shape, pool: Pool, chance: Chance): string {
  if (chance.is(0.5)) return ''
  const value = shape.properties ? sampleOf(shape, '', pool, chance) : {}
  const pairs = Object.entries(value as Record<string, unknown>).map(([name, inner]) => {
    // Waiting is what it is for, and is no stall.
    if (name === 'wait') return 'wait=0'
    const text = typeof inner === 'string' ? inner : JSON.stringify(inner)
    return `${name}=${encodeURIComponent((chance.is(0.2) ? damaged(text ?? '', chance) : (text ?? '')).toWellFormed())}`
  })
  if (chance.is(0.1))
    pairs.push(
      pick(chance, [
        'x=1',
        '__proto__=1',
        'limit=1e9',
        'limit=-1',
        'cursor=x',
        'a',
        '=',
        '&&',
        'limit=1&limit=2',
        '%',
        `q=${'a'.repeat(3000)}`,
      ]),
    )
  return pairs.join('&')
}

const CRLF = '\r\n'

/** The call as bytes, then made hostile below HTTP's grammar or in time. */
function rawOf({ port }: Target, call: FetchInput, chance: Chance): RawInput {
  const headers = Object.entries({ host: `localhost:${port}`, ...call.headers }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const body = call.body ?? Buffer.alloc(0)
  if (call.body) headers.push(`content-length: ${body.length}`)
  let start = `${call.method} ${call.path.replaceAll(/[^\x21-\x7e]/g, '')} HTTP/1.1`
  let tail: Buffer = body
  let name = 'raw: as it is'
  let end: RawInput['end'] = 'answered'
  const spoil: (() => void)[] = [
    () => {},
    () => {
      name = 'raw: odd start line'
      start = pick(chance, [
        'GET',
        'GET / HTTP/0.9',
        'GET / HTTP/2.0',
        'PRI * HTTP/2.0',
        'get / HTTP/1.1',
        `${'A'.repeat(9000)} / HTTP/1.1`,
        `GET http://evil.example/v1/users HTTP/1.1`,
        'GET * HTTP/1.1',
        'OPTIONS * HTTP/1.1',
        'CONNECT a:1 HTTP/1.1',
        'TRACE / HTTP/1.1',
        `GET /${'a'.repeat(20_000)} HTTP/1.1`,
        'GET /\0 HTTP/1.1',
        'GET /\xff\xfe HTTP/1.1',
        'GET  /  HTTP/1.1',
        'GET //evil.example HTTP/1.1',
        'GET /v1/../v1/users HTTP/1.1',
        'GET ?x HTTP/1.1',
        '\x16\x03\x01\x02\x00\x01',
        'GET http://[::1 HTTP/1.1',
        'GET http:// HTTP/1.1',
        'GET /%E0%A4%A HTTP/1.1',
      ])
    },
    () => {
      name = 'raw: huge header'
      headers.push(`x-huge: ${'a'.repeat(chance.between(10_000, 40_000))}`)
    },
    () => {
      name = 'raw: very many headers'
      for (let count = chance.between(500, 2500); count > 0; count--) headers.push(`h${count}: 1`)
    },
    () => {
      name = 'raw: headers twice'
      headers.push(
        pick(chance, [
          'host: localhost',
          'content-length: 1',
          'authorization: Bearer x',
          'content-type: text/plain',
          `idempotency-key: a${CRLF}idempotency-key: b`,
          'cookie: a=b',
        ]),
      )
    },
    () => {
      name = 'raw: odd headers'
      headers.push(
        pick(chance, [
          'x: \0',
          'x: \xff\xfe',
          'x : y',
          ': y',
          'x',
          ' folded',
          'x: a\rb',
          'expect: 100-continue',
          'expect: x',
          'upgrade: websocket\r\nconnection: upgrade',
          'upgrade: h2c\r\nconnection: Upgrade, HTTP2-Settings\r\nhttp2-settings: x',
          'connection: close, content-length',
          'content-encoding: gzip',
          'trailer: x',
          'te: trailers',
          'keep-alive: timeout=x',
        ]),
      )
      if (chance.is(0.2)) headers.shift()
    },
    () => {
      name = 'raw: odd host'
      headers[0] = `host: ${pick(chance, ODD_HEADERS.find(([header]) => header === 'host')?.[1] ?? [''])}`
    },
    () => {
      name = 'raw: lengths that fight'
      headers.push(
        pick(chance, [
          'transfer-encoding: chunked',
          'transfer-encoding: chunked, chunked',
          'transfer-encoding: xchunked',
          'transfer-encoding: identity',
          'transfer-encoding:\x0bchunked',
          'content-length: -1',
          'content-length: 1e3',
          'content-length: 99999999999999999999',
          'content-length: 70000',
        ]),
      )
      end = 'finish'
    },
    () => {
      name = 'raw: chunks'
      const at = headers.findIndex(header => header.startsWith('content-length'))
      if (at >= 0) headers.splice(at, 1)
      headers.push('transfer-encoding: chunked')
      const size = body.length.toString(16)
      const chunked = pick(chance, [
        `${size}${CRLF}%${CRLF}0${CRLF}${CRLF}`,
        `${size};ext="${'x'.repeat(5000)}"${CRLF}%${CRLF}0${CRLF}x: y${CRLF}${CRLF}`,
        `zz${CRLF}%`,
        `ffffffffffffffff${CRLF}%`,
        `-1${CRLF}%`,
        `${size}${CRLF}%`,
        `0${CRLF}`,
        `${'1\r\na\r\n'.repeat(5000)}0\r\n\r\n`,
        `fffff\r\n${'a'.repeat(100_000)}`,
      ])
      tail = Buffer.from(
        chunked.replace('%', () => body.toString('latin1')),
        'latin1',
      )
      end = 'finish'
    },
    () => {
      name = 'raw: many at once'
      const one = `GET /healthz HTTP/1.1${CRLF}host: localhost:${port}${CRLF}${CRLF}`
      tail = Buffer.concat([body, Buffer.from(one.repeat(chance.between(2, 20)))])
      end = 'finish'
    },
    () => {
      name = 'raw: noise'
      start = Buffer.from(
        Array.from({ length: chance.between(1, 400) }, () => chance.between(0, 256)),
      ).toString('latin1')
      end = 'finish'
    },
  ]
  pick(chance, spoil)()
  const whole = Buffer.concat([Buffer.from([start, ...headers, '', ''].join(CRLF), 'latin1'), tail])
  if (chance.is(0.15)) {
    const half = whole.subarray(0, chance.between(0, whole.length))
    return {
      kind: 'raw',
      name: 'raw: half a request',
      pieces: [{ bytes: half, waitMs: 0 }],
      end: chance.is(0.5) ? 'reset' : 'finish',
    }
  }
  if (chance.is(0.06)) {
    const size = Math.ceil(whole.length / chance.between(2, 8))
    const pieces = []
    for (let at = 0; at < whole.length; at += size)
      pieces.push({ bytes: whole.subarray(at, at + size), waitMs: chance.between(1, 60) })
    return { kind: 'raw', name: 'raw: slow', pieces, end }
  }
  return { kind: 'raw', name, pieces: [{ bytes: whole, waitMs: 0 }], end }
}
