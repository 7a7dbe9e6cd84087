import { CLIENT_ENDPOINTS } from '../src/http/routes.ts'
import type { Chance } from '../test/crash/chance.ts'
import type { FetchInput, Target } from './hostile-inputs.ts'
import { bytesOf, damaged, mutated, type Shape, sampleOf, shapeOf } from './hostile-json.ts'

/** What a browser can be made to send: `/client/v1`, and the forms of the pages `/sign-in`, `/a/…` and `/l/…`. */

/** What browsers hold, made anew with each pool. */
export interface BrowserTarget {
  publishableKey: string
  /** Working tokens of actions at different steps. */
  workingTokens: string[]
  openingTokens: string[]
  resultTokens: string[]
  accessTokens: string[]
  /** Paths of links of actions. */
  links: string[]
}

const pick = <T>(chance: Chance, list: readonly T[]): T => list[chance.between(0, list.length)] as T

const SHAPES = new Map<object, Shape>(CLIENT_ENDPOINTS.map(endpoint => [endpoint, shapeOf(endpoint.body)]))
// A stream that is let in stays open, which is what it is for.
const CALLED = CLIENT_ENDPOINTS.filter(({ path }) => !path.endsWith('/events'))
// An action that was cancelled takes nothing more.
const GOING_ON = CALLED.filter(({ path }) => !path.endsWith('/cancel'))
const SITES = ['same-origin', 'same-origin', 'same-origin', 'cross-site', 'same-site', 'none', 'x', '']
const ACTS = [
  'identify',
  'identify',
  'send',
  'send',
  'verify',
  'verify',
  'resend',
  'finish',
  'cancel',
  'other',
  'otherMethod',
  'restart',
]
const ODD_ACTS = ['', 'x', '__proto__', 'constructor', 'toString', 'IDENTIFY', 'identify\0']
const TYPES = ['application/json', 'text/plain', 'multipart/form-data; boundary=x', ';', '']

export function browserInput(target: Target, chance: Chance): FetchInput {
  return chance.is(0.5) ? clientInput(target, chance) : formInput(target, chance)
}

const token = (list: readonly string[], chance: Chance) =>
  chance.is(0.9) && list.length > 0
    ? pick(chance, list)
    : pick(chance, ['oat_x', 'oht_x', 'x', `oat_${'a'.repeat(43)}`])
const spoiled = (text: string, chance: Chance) =>
  chance.is(0.05) ? damaged(text, chance).replaceAll(/[^\x20-\x7e]/g, '') : text

function clientInput({ pool, browser }: Target, chance: Chance): FetchInput {
  const isSound = chance.is(0.4)
  const isStream = !isSound && chance.is(0.03)
  const endpoint = pick(chance, isStream ? CLIENT_ENDPOINTS : chance.is(0.8) ? GOING_ON : CALLED)
  const headers: Record<string, string> = {
    'content-type': isSound || chance.is(0.9) ? 'application/json' : pick(chance, TYPES),
  }
  const working = spoiled(token(isStream ? [] : browser.workingTokens, chance), chance)
  if (endpoint.auth === 'key') headers.authorization = `Bearer ${spoiled(browser.publishableKey, chance)}`
  if (endpoint.auth === 'session')
    headers.authorization = `Bearer ${spoiled(token(browser.accessTokens, chance), chance)}`
  if (endpoint.auth === 'action') {
    if (chance.is(0.5)) headers.authorization = `Bearer ${working}`
    else headers.cookie = `__Host-ostiary-action=${working}`
  }
  if (endpoint.auth !== 'key' || chance.is(0.3))
    headers['sec-fetch-site'] = isSound ? 'same-origin' : pick(chance, SITES)
  if (!isSound && chance.is(0.2))
    headers.origin = pick(chance, ['null', 'http://localhost:5', 'https://evil.example', 'x', ''])
  if (!isSound && chance.is(0.1))
    headers.cookie = `${headers.cookie ?? ''}; __Host-ostiary-action=${'x'.repeat(chance.between(0, 4000))}`
  const known = {
    ...pool,
    token: endpoint.path.endsWith('/open') ? browser.openingTokens : browser.resultTokens,
    method: ['emailCode', 'emailLink'],
    codeVerifier: ['dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'],
    loginHint: pool.to ?? [],
    state: ['s', '\u202e', 'x'.repeat(900)],
  }
  const value = sampleOf(SHAPES.get(endpoint) ?? {}, '', known, chance)
  const body =
    endpoint.method !== 'POST'
      ? null
      : isSound
        ? Buffer.from(JSON.stringify(value) ?? '')
        : bytesOf(chance.is(0.5) ? mutated(value, chance) : value, chance)
  const path = !isSound && chance.is(0.08) ? `/${damaged(endpoint.path.slice(1), chance)}` : endpoint.path
  // A damaged path may be that of the stream again.
  const isWhole = path === endpoint.path
  return {
    kind: 'fetch',
    name: `${endpoint.method} ${endpoint.path}`,
    method:
      isWhole && !isSound && chance.is(0.05)
        ? pick(chance, ['HEAD', 'OPTIONS', 'PUT', 'DELETE'])
        : endpoint.method,
    path,
    headers,
    body,
  }
}

/** A form as our pages send it, with one thing or another changed. */
function formInput({ pool, browser }: Target, chance: Chance): FetchInput {
  const isSound = chance.is(0.4)
  const page = pick(chance, ['/sign-in', '/sign-in', '/sign-in', '/a/', '/l/'] as const)
  const press = 'p'.repeat(43)
  const own = chance.is(0.5)
    ? `; __Host-ostiary-action=${spoiled(token(browser.workingTokens, chance), chance)}`
    : ''
  const headers: Record<string, string> = {
    cookie: `__Host-ostiary-press=${press}${own}`,
    'content-type': isSound || chance.is(0.9) ? 'application/x-www-form-urlencoded' : pick(chance, TYPES),
  }
  if (chance.is(0.8)) headers['sec-fetch-site'] = isSound ? 'same-origin' : pick(chance, SITES)
  if (chance.is(0.3))
    headers['accept-language'] = pick(chance, [
      'de',
      'pt-BR,pt;q=0.9',
      'ar',
      'xx',
      '*',
      `${'en,'.repeat(1500)}`,
    ])
  const fields = new URLSearchParams({ press: isSound || chance.is(0.9) ? press : 'other' })
  const put = (name: string, values: readonly string[], odd: readonly string[] = []) => {
    if (chance.is(0.7))
      fields.append(name, isSound || chance.is(0.7) ? pick(chance, values) : pick(chance, [...odd, ...ODD]))
  }
  put('act', ACTS, ODD_ACTS)
  put('to', pool.to ?? ['a@example.com'])
  put('code', pool.code ?? ['000000'])
  put('method', ['emailCode', 'emailLink'])
  if (page === '/l/') put('number', ['42', '10', '99'])
  if (!isSound && chance.is(0.1)) put('act', ACTS)
  let body: Buffer = Buffer.from(fields.toString())
  if (!isSound && chance.is(0.1)) body = bytesOf(fields.toString(), chance)
  if (!isSound && chance.is(0.02)) body = Buffer.from('act=identify&'.repeat(chance.between(100, 6000)))
  const path = {
    '/sign-in': () => `/sign-in?${query(pool, browser, isSound, chance)}`,
    '/a/': () => `/a/${spoiled(token(browser.openingTokens, chance), chance)}`,
    '/l/': () => spoiled(pick(chance, [...browser.links, '/l/olk_x']), chance),
  }[page]()
  const method = isSound || chance.is(0.7) ? 'POST' : pick(chance, ['GET', 'GET', 'HEAD', 'PUT'])
  return {
    kind: 'fetch',
    name: `${method} ${page}`,
    method,
    path,
    headers,
    body: method === 'GET' || method === 'HEAD' ? null : body,
  }
}

const ODD = [
  '',
  '\0',
  '\ud800',
  '\u202e',
  '😀',
  '<script>',
  '"><img src=x>',
  "' OR 1=1 --",
  '%00',
  'x'.repeat(3000),
  '９９９９９９',
  '-1',
]

function query(
  pool: Target['pool'],
  { publishableKey }: BrowserTarget,
  isSound: boolean,
  chance: Chance,
): string {
  const pairs: [string, string][] = []
  const put = (name: string, share: number, values: readonly string[]) => {
    if (chance.is(share))
      pairs.push([name, isSound || chance.is(0.8) ? pick(chance, values) : pick(chance, ODD)])
  }
  put('key', 0.7, [publishableKey])
  put('redirectUrl', 0.8, ['http://localhost:9/cb'])
  put('state', 0.4, ['s', 'x'.repeat(900)])
  put('codeChallenge', 0.2, pool.codeChallenge ?? [])
  put('loginHint', 0.3, pool.to ?? [])
  put('locale', 0.4, ['de', 'ar', 'pt-BR', 'en'])
  put('theme', 0.2, ['light', 'dark'])
  if (!isSound && chance.is(0.1)) put('key', 1, [publishableKey])
  const text = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join('&')
  return isSound || chance.is(0.95) ? text : damaged(text, chance)
}
