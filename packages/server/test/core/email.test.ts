import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maskEmail, parseEmail } from '../../src/core/addresses/email.ts'

const accepted: [what: string, text: string, identity: string, spelling: string][] = [
  ['a plain address', 'ada@example.com', 'ada@example.com', 'ada@example.com'],
  [
    'capitals: kept in the spelling, not in the identity',
    'Ada.L@Example.COM',
    'ada.l@example.com',
    'Ada.L@example.com',
  ],
  ['dots and plus tags: left alone', 'a.d.a+x@gmail.com', 'a.d.a+x@gmail.com', 'a.d.a+x@gmail.com'],
  [
    'an IDNA domain as its A-label',
    'ada@bücher.example',
    'ada@xn--bcher-kva.example',
    'ada@xn--bcher-kva.example',
  ],
  [
    'a decomposed IDNA domain as the composed one',
    'ada@bu\u0308cher.example',
    'ada@xn--bcher-kva.example',
    'ada@xn--bcher-kva.example',
  ],
  [
    'all signs of a dot-atom',
    "!#$%&'*+/=?^_`{|}~-@a.example",
    "!#$%&'*+/=?^_`{|}~-@a.example",
    "!#$%&'*+/=?^_`{|}~-@a.example",
  ],
  [
    '64 octets before the @',
    `${'a'.repeat(64)}@a.example`,
    `${'a'.repeat(64)}@a.example`,
    `${'a'.repeat(64)}@a.example`,
  ],
  ['a domain of digits below a named one', 'a@1.2.example', 'a@1.2.example', 'a@1.2.example'],
]

const refused: [what: string, text: string][] = [
  ['nothing', ''],
  ['no @', 'ada'],
  ['nothing before the @', '@example.com'],
  ['nothing after the @', 'ada@'],
  ['two @', 'ada@b@example.com'],
  ['a quoted local part', '"ada"@example.com'],
  ['a quoted @', '"a@b"@example.com'],
  ['a comment', 'ada(x)@example.com'],
  ['a comment in the domain', 'ada@(x)example.com'],
  ['a display name', 'Ada <ada@example.com>'],
  ['angle brackets', '<ada@example.com>'],
  ['a group', 'all: ada@example.com;'],
  ['a list', 'ada@example.com,eve@example.com'],
  ['a list by semicolon', 'ada@example.com;eve@example.com'],
  ['an IP literal', 'ada@[127.0.0.1]'],
  ['an IPv4 address', 'ada@127.0.0.1'],
  ['an IPv4 address in full-width digits', 'ada@１２７.0.0.1'],
  ['an IPv4 address in hexadecimal', 'ada@0x7f.1'],
  ['a single label', 'ada@localhost'],
  ['a trailing dot', 'ada@example.com.'],
  ['a leading dot in the domain', 'ada@.example.com'],
  ['two dots in the domain', 'ada@example..com'],
  ['a dot first', '.ada@example.com'],
  ['a dot last', 'ada.@example.com'],
  ['two dots', 'a..da@example.com'],
  ['a label with a hyphen first', 'ada@-a.example'],
  ['a label with a hyphen last', 'ada@a-.example'],
  ['a label of 64', `ada@${'a'.repeat(64)}.example`],
  ['65 octets before the @', `${'a'.repeat(65)}@a.example`],
  ['more than 254 octets', `a@${'a23456789.'.repeat(25)}example`],
  ['a non-ASCII local part', 'àda@example.com'],
  ['a full-width local part', 'ａda@example.com'],
  ['a line break', 'ada@example.com\r\nBcc: eve@example.com'],
  ['a line break in the local part', 'a\nda@example.com'],
  ['a NUL', 'ada\0@example.com'],
  ['white space before', ' ada@example.com'],
  ['white space after', 'ada@example.com '],
  ['a tab in the domain', 'ada@exa\tmple.com'],
  ['a soft hyphen', 'ada@exam\u00adple.com'],
  ['a zero width joiner', 'ada@exam\u200dple.com'],
  ['a right-to-left override', 'ada@exam\u202eple.com'],
  ['a port', 'ada@example.com:25'],
  ['a path', 'ada@example.com/x'],
  ['a percent sign in the domain', 'ada@ex%61mple.com'],
  ['half a surrogate pair', 'ada@\ud800.example'],
  ['an underscore in the domain', 'ada@_dmarc.example.com'],
]

describe('an e-mail address', () => {
  test.each(accepted)('may be %s', (_, text, identity, spelling) => {
    expect(parseEmail(text)).toEqual({
      identity,
      spelling,
      domain: spelling.slice(spelling.indexOf('@') + 1),
    })
  })
  test.each(refused)('is refused: %s', (_, text) => {
    expect(parseEmail(text)).toBeNull()
  })
  test('is shown masked by its first letter and its domain', () => {
    expect(maskEmail('ada@example.com')).toBe('a***@example.com')
  })
})

// Texts that are nearly addresses, and texts that are nothing of the kind.
const nearly = fc
  .tuple(
    fc.stringMatching(/^[A-Za-z0-9.+_"(), \u00e4\u212a-]{0,12}$/),
    fc.constantFrom('@', '', '@@', '\uff20'),
    fc.stringMatching(/^[A-Za-z0-9.\u00fc\uff0e\u3002\u00ad[\]-]{0,16}$/),
  )
  .map(parts => parts.join(''))
const anyText = fc.oneof(nearly, fc.string({ unit: 'binary' }), fc.emailAddress())

test('whatever is accepted is one ASCII address without white space, and its own identity form', () => {
  fc.assert(
    fc.property(anyText, text => {
      const email = parseEmail(text)
      if (!email) return
      expect(email.spelling).toMatch(/^[!-~]{1,64}@[a-z0-9.-]+$/)
      expect(email.spelling.length).toBeLessThanOrEqual(254)
      expect(email.spelling.split('@')).toHaveLength(2)
      expect(email.spelling).not.toMatch(/[\s"(),:;<>[\\\]]/)
      expect(email.identity).toBe(email.spelling.toLowerCase())
      expect(parseEmail(email.identity)?.identity).toBe(email.identity)
      expect(parseEmail(email.spelling)).toEqual(email)
    }),
    { numRuns: 2000 },
  )
})

test('case never makes two identities of one address', () => {
  fc.assert(
    fc.property(fc.emailAddress(), address => {
      expect(parseEmail(address.toUpperCase())?.identity).toBe(parseEmail(address.toLowerCase())?.identity)
    }),
    { numRuns: 500 },
  )
})
