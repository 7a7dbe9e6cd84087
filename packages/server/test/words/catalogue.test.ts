import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { effectiveSettings } from '../../src/core/settings/settings.ts'
import { LANGUAGES, wordsFor as pick, type WordKey } from '../../src/words/catalogue.ts'
import { fill, isolated } from '../../src/words/fill.ts'
import { ago, clockTime, dateAndTime, durationWords, shortMoment } from '../../src/words/time.ts'

const FOLDER = new URL('../../src/words/', import.meta.url)
const fileOf = (language: string): Record<string, string> =>
  JSON.parse(readFileSync(new URL(`${language}.json`, FOLDER), 'utf8'))
const en = fileOf('en')
const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()

test('there is a file for each language that ships, and no other', () => {
  const files = readdirSync(FOLDER).filter(name => name.endsWith('.json'))
  expect(files.sort()).toEqual(LANGUAGES.map(language => `${language}.json`).sort())
})

describe.each(LANGUAGES)('the catalogue in %s', language => {
  const words = fileOf(language)

  test('has every word of the English one and no other', () => {
    expect(Object.keys(words)).toEqual(Object.keys(en))
  })

  test('has no empty word and the same placeholders in each', () => {
    for (const [key, text] of Object.entries(en)) {
      const word = words[key] ?? ''
      expect(word.trim(), key).not.toBe('')
      expect(placeholders(word), key).toEqual(placeholders(text))
    }
  })
})

test('every text is one that somebody says: each key has a known beginning', () => {
  for (const key of Object.keys(en)) expect(key).toMatch(/^(mail|link|signIn|account)\.\w/)
})

test('German and French speak formally', () => {
  for (const text of Object.values(fileOf('de'))) expect(text).not.toMatch(/\b(du|dich|dir|dein\w*)\b/i)
  for (const text of Object.values(fileOf('fr')))
    expect(text).not.toMatch(/(?<!\p{L})(tu|toi|ton|tes)(?!\p{L})/iu)
})

test('French sets its marks apart without a line end before them', () => {
  for (const text of Object.values(fileOf('fr'))) expect(text).not.toMatch(/ [?!:;]/)
})

function wordsFor(
  wishes: readonly (string | null | undefined)[],
  allowed: string[] | null,
  fallback: string,
  texts: Record<string, Record<string, string>> = {},
) {
  return pick(wishes, effectiveSettings({ locale: { allowed, default: fallback }, texts }), 'mail.')
}

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
    const { locale, direction, words } = wordsFor(['he-IL'], null, 'de', {
      he: { 'mail.link.signIn': 'כניסה' },
    })
    expect({ locale, direction }).toEqual({ locale: 'he-IL', direction: 'rtl' })
    expect(words['mail.link.signIn']).toBe('כניסה')
    expect(words['mail.link.other']).toBe('Bestätigen')
  })
})

describe('each kind of text', () => {
  const settings = effectiveSettings({
    texts: {
      sv: { 'mail.support': 'Hjälp: {url}' },
      fi: { 'link.support': 'Apua' },
      pt: { 'signIn.back': 'Atrás' },
    },
  })
  const localeOf = (wish: string, kind: 'mail.' | 'link.' | 'signIn.') => pick([wish], settings, kind).locale

  test('speaks a language that the operator has texts of this kind in; the sign-in page only those that ship', () => {
    expect([localeOf('sv', 'mail.'), localeOf('sv', 'link.'), localeOf('sv', 'signIn.')]).toEqual([
      'sv',
      'en',
      'en',
    ])
    expect([localeOf('fi', 'mail.'), localeOf('fi', 'link.')]).toEqual(['en', 'fi'])
    expect(localeOf('pt-PT', 'signIn.')).toBe('pt-BR')
  })

  test.each(['mail.', 'link.', 'signIn.'] as const)(
    'has every text of %s overridden by the settings',
    kind => {
      for (const language of LANGUAGES) {
        const keys = Object.keys(en).filter(key => key.startsWith(kind)) as WordKey[]
        const texts = { [language]: Object.fromEntries(keys.map(key => [key, `own ${key}`])) }
        const { words } = pick([language], effectiveSettings({ texts }), kind)
        for (const key of keys) expect(words[key]).toBe(`own ${key}`)
      }
    },
  )

  test('has no settings where nobody knows whose page it is', () => {
    expect(pick(['ja'], null, 'link.').locale).toBe('ja')
    expect(pick(['xx'], null, 'link.').locale).toBe('en')
  })
})

test("the operator's texts override words, the more special locale wins, unknown keys are passed over", () => {
  const overrides = {
    de: { 'mail.link.signIn': 'Los', 'mail.heading.signIn': 'Hallo', 'mail.nonsense': 'x' },
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
  expect(fill('{a}!', { a: '1 \u2069x' }, isolated)).toBe('\u20681 x\u2069!')
  expect(fill('{a}', { a: 'abc\u202egpj.exe' })).toBe('abcgpj.exe')
})

test('times are told in the language and with their zone', () => {
  const at = Date.UTC(2026, 10, 21, 14, 13)
  expect(clockTime(at, 'en')).toBe('2:13 PM UTC')
  expect(clockTime(at, 'de-AT')).toBe('14:13 UTC')
  expect(dateAndTime(at, 'de')).toBe('21. November 2026 um 14:13 UTC')
  expect(durationWords(599_000, 'de')).toBe('10 Minuten')
  expect(durationWords(12_000, 'en')).toBe('1 minute')
  expect(durationWords(60_000, 'pl')).toBe('1 minuta')
  expect(durationWords(300_000, 'pl')).toBe('5 minut')
  expect(durationWords(660_000, 'ar')).toBe('11 دقيقة')
  expect(shortMoment(at, 'en')).toBe('21 Nov 2026, 14:13 UTC')
  expect(shortMoment(at, 'ja')).toBe('2026/11/21 14:13 UTC')
  expect(ago(at - 125_000, at, 'fr')).toBe('il y a 2 minutes')
  expect(ago(at + 5000, at, 'en')).toBe('now')
})
