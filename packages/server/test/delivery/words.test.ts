import { describe, expect, test } from 'vitest'
import { LANGUAGES, wordsFor } from '../../src/delivery/words/catalogue.ts'
import { en } from '../../src/delivery/words/en.ts'
import { fill } from '../../src/delivery/words/fill.ts'
import { clockTime, dateAndTime, durationWords } from '../../src/delivery/words/time.ts'

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()

describe.each(Object.entries(LANGUAGES))('the catalogue in %s', (_, words) => {
  test('has every word of the English one and no other', () => {
    expect(Object.keys(words).sort()).toEqual(Object.keys(en).sort())
  })

  test('has no empty word and the same placeholders in each', () => {
    for (const [key, text] of Object.entries(en)) {
      const word = words[key as keyof typeof en]
      expect(word.trim(), key).not.toBe('')
      expect(placeholders(word), key).toEqual(placeholders(text))
    }
  })
})

test('German speaks formally', () => {
  for (const text of Object.values(LANGUAGES.de!)) expect(text).not.toMatch(/\b(du|dich|dir|dein\w*)\b/i)
})

describe('the language', () => {
  const localeOf = (...args: Parameters<typeof wordsFor>) => wordsFor(...args).locale

  test('is the first wish that has words, cut from the right', () => {
    expect(localeOf(['de-AT', 'en'], null, 'en')).toBe('de-AT')
    expect(wordsFor(['de-AT'], null, 'en').words['mail.link.signIn']).toBe('Anmelden')
    expect(localeOf(['xx', null, undefined, 'de'], null, 'en')).toBe('de')
  })

  test('is the default when no wish has words, and English when the default has none', () => {
    expect(localeOf(['fi'], null, 'de')).toBe('de')
    expect(localeOf(['fi'], null, 'sv')).toBe('en')
  })

  test('is only one that the operator allows', () => {
    expect(localeOf(['de-CH'], ['en'], 'en')).toBe('en')
    expect(localeOf(['de-CH'], ['en', 'de'], 'en')).toBe('de-CH')
  })

  test('is not confused by malformed or exotic tags', () => {
    for (const wish of ['', 'de_AT', '../etc', '__proto__', 'constructor', 'x'.repeat(300)]) {
      expect(localeOf([wish], null, 'en')).toBe('en')
    }
    expect(localeOf(['de-AT-u-nu-thai-x-abc'], null, 'en')).toBe('de-AT')
  })

  test('can be one that only the operator has texts for; missing words come from the default', () => {
    const { locale, direction, words } = wordsFor(['ar-EG'], null, 'de', {
      ar: { 'mail.link.signIn': 'دخول' },
    })
    expect({ locale, direction }).toEqual({ locale: 'ar-EG', direction: 'rtl' })
    expect(words['mail.link.signIn']).toBe('دخول')
    expect(words['mail.link.other']).toBe('Bestätigen')
  })
})

test("the operator's texts override words, the more special locale wins, unknown keys are passed over", () => {
  const overrides = {
    de: { 'mail.link.signIn': 'Los', 'mail.heading.signIn': 'Hallo', 'mail.nonsense': 'x', __proto__: 'y' },
    'de-AT': { 'mail.heading.signIn': 'Servus' },
  }
  const { words } = wordsFor(['de-AT'], null, 'en', overrides)
  expect(words['mail.heading.signIn']).toBe('Servus')
  expect(words['mail.link.signIn']).toBe('Los')
  expect(words).not.toHaveProperty('mail.nonsense')
  expect(wordsFor(['en'], null, 'en', overrides).words).toEqual(en)
})

test('values are put in once, as one line, and unknown names stay written', () => {
  expect(fill('{a} {b} {toString}', { a: '{b} $& \r\nBcc: x', b: '2' })).toBe('{b} $&  Bcc: x 2 {toString}')
  expect(fill('{a}', { a: 'abc\u202egpj.exe' })).toBe('abcgpj.exe')
})

test('times are told in the language and with their zone', () => {
  const at = Date.UTC(2026, 10, 21, 14, 13)
  expect(clockTime(at, 'en')).toBe('2:13 PM UTC')
  expect(clockTime(at, 'de-AT')).toBe('14:13 UTC')
  expect(dateAndTime(at, 'de')).toBe('21. November 2026 um 14:13 UTC')
  expect(durationWords(599_000, 'de')).toBe('10 Minuten')
  expect(durationWords(12_000, 'en')).toBe('1 minute')
})
