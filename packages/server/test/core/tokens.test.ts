import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { base32, fromBase32, isId, newId } from '../../src/core/ids.ts'
import { createKeyring } from '../../src/core/keys.ts'
import {
  apiKeyMode,
  formatApiKey,
  formatRefreshToken,
  isToken,
  newToken,
  parseRefreshToken,
} from '../../src/core/tokens.ts'

const SECRET = 'a secret for tests that has more than 32 bytes'
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The text with one character changed, inserted or left out. */
const mutationOf = (text: fc.Arbitrary<string>) =>
  fc
    .tuple(
      text,
      fc.nat(),
      fc.constantFrom(...ALPHABET, '=', '.', '+', '/', ' ', '\n'),
      fc.constantFrom(0, 1, 2),
    )
    .map(([whole, place, char, kind]) => {
      const at = place % whole.length
      const mutated = whole.slice(0, at) + (kind === 2 ? '' : char) + whole.slice(kind === 1 ? at : at + 1)
      return { whole, mutated }
    })
    .filter(({ whole, mutated }) => whole !== mutated)

describe('an API key', () => {
  const kinds = fc.tuple(fc.constantFrom('osk', 'opk'), fc.constantFrom('test', 'live'), bytes32)
  const keys = kinds.map(([kind, mode, random]) => formatApiKey(kind as 'osk', mode as 'test', random))

  test('has its kind, its mode and 49 characters, the last 6 a checksum', () => {
    fc.assert(
      fc.property(kinds, ([kind, mode, random]) => {
        const key = formatApiKey(kind as 'osk', mode as 'test', random)
        expect(key).toMatch(new RegExp(`^${kind}_${mode}_[\\w-]{49}$`))
        expect(apiKeyMode(kind as 'osk', key)).toBe(mode)
        expect(apiKeyMode(kind === 'osk' ? 'opk' : 'osk', key)).toBeNull()
      }),
    )
  })
  test('with one character changed is none', () => {
    fc.assert(
      fc.property(mutationOf(keys), ({ mutated }) => {
        expect(apiKeyMode('osk', mutated)).toBeNull()
        expect(apiKeyMode('opk', mutated)).toBeNull()
      }),
      { numRuns: 1000 },
    )
  })
})

describe('a link or hand-over token', () => {
  test('is of its kind alone', () => {
    fc.assert(
      fc.property(fc.constantFrom('olk', 'oht'), bytes32, (kind, random) => {
        const token = newToken(kind as 'olk', random)
        expect(isToken(kind as 'olk', token)).toBe(true)
        expect(isToken(kind === 'olk' ? 'oht' : 'olk', token)).toBe(false)
      }),
    )
  })
  test('has one spelling: of the last characters that stand for the same bytes one is taken', () => {
    fc.assert(
      fc.property(bytes32, random => {
        const token = newToken('olk', random)
        const others = [...ALPHABET].filter(char => isToken('olk', token.slice(0, -1) + char))
        // 32 bytes leave four bits in the last character, so 16 of 64 are whole bytes.
        expect(others).toHaveLength(16)
        for (const end of ['=', '\n', ' ', 'A', '']) {
          const text = end === '' ? token.slice(0, -1) : token + end
          expect(isToken('olk', text)).toBe(false)
        }
      }),
    )
  })
})

describe('a refresh token', () => {
  const keyring = createKeyring([SECRET], 1)
  const made = bytes32.map(secret => {
    const sessionId = newId('ses', Date.UTC(2026, 10, 21))
    const bytes = Buffer.from(secret)
    return {
      sessionId,
      secret: bytes,
      text: formatRefreshToken({ sessionId, secret: bytes, tag: keyring.refreshTag(sessionId, bytes) }),
    }
  })
  test('gives back the session and the secret that it was made of', () => {
    fc.assert(
      fc.property(made, ({ sessionId, secret, text }) => {
        expect(parseRefreshToken(text)).toMatchObject({ sessionId, secret })
        expect(keyring.isGenuineRefreshToken(text)).toBe(true)
      }),
    )
  })
  test('with one character changed is not genuine', () => {
    fc.assert(
      fc.property(mutationOf(made.map(one => one.text)), ({ mutated }) => {
        expect(keyring.isGenuineRefreshToken(mutated)).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })
  test('is genuine under an older secret of the list, and under no other secret', () => {
    fc.assert(
      fc.property(made, ({ text }) => {
        const other = 'another secret for tests, it has 32 bytes too'
        expect(createKeyring([other, SECRET], 1).isGenuineRefreshToken(text)).toBe(true)
        expect(createKeyring([other], 1).isGenuineRefreshToken(text)).toBe(false)
      }),
      { numRuns: 20 },
    )
  })
})

describe('an id', () => {
  test('holds 16 bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
        const text = base32(bytes)
        expect(text).toMatch(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/)
        expect([...fromBase32(text)]).toEqual([...bytes])
      }),
    )
  })
  test('rises in the order of making, within one millisecond too', () => {
    const ids = Array.from({ length: 5000 }, (_, index) =>
      newId('evt', 1_800_000_000_000 + Math.floor(index / 1000)),
    )
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.every(id => isId('evt', id))).toBe(true)
    expect(isId('usr', ids[0] ?? '')).toBe(false)
  })
})

describe('what is sealed', () => {
  const keyring = createKeyring([SECRET], 1)
  test('opens for its own row and under its own header, and nowhere else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), fc.string(), (plain, aad, other) => {
        const sealed = keyring.seal(plain, aad)
        expect(keyring.open(sealed, aad)).toBe(plain)
        if (other !== aad) expect(keyring.open(sealed, other)).toBeNull()
        const kept = keyring.sealWith(aad, plain, 'row')
        expect(keyring.openWith(aad, kept, 'row')).toBe(plain)
        if (other !== aad) expect(keyring.openWith(other, kept, 'row')).toBeNull()
        expect(keyring.open(kept, 'row')).toBeNull()
      }),
    )
  })
  test('does not open after a change of one character', () => {
    const sealed = fc.string().map(plain => keyring.seal(plain, 'row'))
    fc.assert(
      fc.property(mutationOf(sealed), ({ whole, mutated }) => {
        // Characters that a decoder skips change nothing that is sealed.
        const bytes = (text: string) =>
          text.slice(0, 9) + Buffer.from(text.slice(9), 'base64url').toString('hex')
        if (bytes(whole) !== bytes(mutated)) expect(keyring.open(mutated, 'row')).toBeNull()
      }),
      { numRuns: 500 },
    )
  })
})
