import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRedirectUrlAllowed, redirectUrlFault, withQuery } from '../../src/core/addresses/redirect-url.ts'

const LIST = [
  'https://app.example/cb',
  'https://wild.example/in/*',
  'com.example.app:/cb',
  'https://all.example/*',
]

const allowed = [
  'https://app.example/cb',
  'https://app.example/cb?next=/home&x=1',
  'https://APP.example:443/cb',
  'HTTPS://app.example/cb',
  'https://wild.example/in/',
  'https://wild.example/in',
  'https://wild.example/in/a/b?x=1',
  'https://all.example/',
  'https://all.example/any/where',
]
const refused = [
  'https://app.example/cb/',
  'https://app.example/cb2',
  'https://app.example/',
  'https://app.example/CB',
  'https://app.example:8443/cb',
  'http://app.example/cb',
  'https://app.example.evil.example/cb',
  'https://evil.example/cb',
  'https://app.example./cb',
  'https://sub.app.example/cb',
  'https://app.example@evil.example/cb',
  'https://user:pw@app.example/cb',
  'https://@app.example/cb',
  'https://:@app.example/cb',
  'https://app.example/cb#',
  'https://app.example/cb#token',
  'https://app.example/x/../cb',
  'https://app.example/./cb',
  'https://app.example/x/%2e%2e/cb',
  'https://app.example/x/.%2E/cb',
  'https://wild.example/in/../out',
  'https://wild.example/in/%2e%2e/out',
  'https://wild.example/in/..%2fout',
  'https://wild.example/in/..%5cout',
  'https://wild.example/inside',
  'https://wild.example/in%2f..%2fout',
  'https://app.example\\cb',
  'https:\\\\app.example\\cb',
  '//app.example/cb',
  '/cb',
  'cb',
  '',
  ' https://app.example/cb',
  'https://app.example/cb\n',
  'https://app.exa\tmple/cb',
  'https://app.example/c\0b',
  'https://app.example/cb?token=1',
  'https://app.example/cb?state=1',
  'https://app.example/cb?x&error',
  'https://app.example/cb?to%6ben=1',
  'javascript:alert(1)',
  'javascript://app.example/cb',
  'data:text/html,x',
  'ftp://app.example/cb',
  'com.example.app:/other',
  'http://localhost.evil.example/cb',
  'http://127.0.0.1/cb',
  `https://app.example/cb?${'x'.repeat(2048)}`,
]

describe('a redirect URL', () => {
  test.each(allowed)('is allowed: %s', url => {
    expect(isRedirectUrlAllowed(url, LIST, 'live')).toBe(true)
    expect(isRedirectUrlAllowed(url, LIST, 'test')).toBe(true)
  })
  test.each(refused)('is refused: %j', url => {
    expect(isRedirectUrlAllowed(url, LIST, 'live')).toBe(false)
    expect(isRedirectUrlAllowed(url, LIST, 'test')).toBe(false)
  })
  test('may be any http://localhost in test, and in test alone', () => {
    for (const url of ['http://localhost/cb', 'http://localhost:3000/a/b?x=1']) {
      expect(isRedirectUrlAllowed(url, [], 'test')).toBe(true)
      expect(isRedirectUrlAllowed(url, [], 'live')).toBe(false)
      expect(isRedirectUrlAllowed(url, [url], 'live')).toBe(false)
    }
    expect(isRedirectUrlAllowed('http://127.0.0.1:3000/cb', [], 'test')).toBe(false)
    expect(isRedirectUrlAllowed('http://127.0.0.1:3000/cb', ['http://127.0.0.1:3000/cb'], 'test')).toBe(true)
  })
  test('may have a private-use scheme only with codeChallenge', () => {
    expect(isRedirectUrlAllowed('com.example.app:/cb', LIST, 'live', true)).toBe(true)
    expect(isRedirectUrlAllowed('com.example.app:/cb', LIST, 'live', false)).toBe(false)
    expect(isRedirectUrlAllowed('com.example.other:/cb', LIST, 'live', true)).toBe(false)
    expect(redirectUrlFault('myapp:/cb', 'live', true)).toContain('scheme')
  })
})

const piece = fc.constantFrom(
  ...[
    'https:',
    'http:',
    'com.example.app:',
    '//',
    '/',
    '\\',
    'app.example',
    'wild.example',
    'evil.example',
    '@',
    ':',
    '443',
    'in',
  ],
  ...[
    'cb',
    '..',
    '.',
    '%2e',
    '%2E%2e',
    '%2f',
    '%5c',
    '?',
    '#',
    '&',
    'token=',
    'x=1',
    '\t',
    ' ',
    '*',
    '.',
    '%00',
    '\u3002',
    '[::1]',
  ],
)
const hostile = fc.array(piece, { maxLength: 12 }).map(pieces => pieces.join(''))
const mutated = fc
  .tuple(fc.constantFrom(...allowed), fc.nat(60), piece)
  .map(([url, at, text]) => url.slice(0, at) + text + url.slice(at))

test('an allowed URL leads to an origin of the list, with no dot segment, user or fragment', () => {
  const origins = new Set(LIST.map(entry => `${new URL(entry).protocol}//${new URL(entry).host}`))
  let count = 0
  fc.assert(
    fc.property(fc.oneof(hostile, mutated, fc.webUrl()), fc.boolean(), (text, hasCodeChallenge) => {
      if (!isRedirectUrlAllowed(text, LIST, 'live', hasCodeChallenge)) return
      count++
      const url = new URL(text)
      expect(origins).toContain(`${url.protocol}//${url.host}`)
      expect(url.username + url.password + url.hash).toBe('')
      expect(text).not.toMatch(/(^|\/)(\.|%2e){1,2}(\/|\?|$)/i)
      expect(text).not.toContain('#')
      if (url.host === 'app.example') expect(url.pathname).toBe('/cb')
      if (url.host === 'wild.example') expect(url.pathname).toMatch(/^\/in(\/|$)/)
    }),
    { numRuns: 5000 },
  )
  expect(count).toBeGreaterThan(20)
})

describe('the answer in the query', () => {
  test.each([
    ['https://app.example/cb', 'https://app.example/cb?token=T&state=S'],
    ['https://app.example/cb?a=1', 'https://app.example/cb?a=1&token=T&state=S'],
    [
      'https://app.example/cb?flag&q=a%20b,c&z=%7E',
      'https://app.example/cb?flag&q=a%20b,c&z=%7E&token=T&state=S',
    ],
    ['https://app.example/cb?', 'https://app.example/cb?token=T&state=S'],
    ['com.example.app:/cb?a=1', 'com.example.app:/cb?a=1&token=T&state=S'],
  ])('is added to %s, whose own query is kept to the letter', (url, expected) => {
    expect(withQuery(url, { token: 'T', state: 'S' })).toBe(expected)
  })
  test('is escaped, and what is null is left out', () => {
    const url = withQuery('https://app.example/cb', { token: 'T', state: 'a&token=b#c d' })
    expect(new URL(url).searchParams.getAll('token')).toEqual(['T'])
    expect(new URL(url).searchParams.get('state')).toBe('a&token=b#c d')
    expect(withQuery('https://app.example/cb', { token: 'T', state: null })).toBe(
      'https://app.example/cb?token=T',
    )
  })
})
