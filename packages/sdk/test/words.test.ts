import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ACCOUNT_KEYS } from '../src/account/word-keys.ts'
import { PAGE_KEYS, WORD_KEYS } from '../src/element/word-keys.ts'
import {
  countdown,
  directionOf,
  durationWords,
  LANGUAGES,
  pickLanguage,
  piecesOf,
  plain,
} from '../src/element/words.ts'
import { WORDS } from '../tools/build.ts'

const catalogues = new Map<string, Record<string, string>>(
  readdirSync(WORDS)
    .filter(file => file.endsWith('.json'))
    .map(file => [file.replace('.json', ''), JSON.parse(readFileSync(join(WORDS, file), 'utf8'))]),
)
const english = catalogues.get('en') ?? {}
const placeholders = (text = '') => [...new Set(text.match(/\{\w+\}/g))].sort()

describe('the catalogues', () => {
  it('are one for each language that ships', () => {
    expect([...catalogues.keys()].sort()).toEqual([...LANGUAGES].sort())
  })

  it.each([
    ['signIn.', [...WORD_KEYS, ...PAGE_KEYS]],
    ['account.', ACCOUNT_KEYS],
  ])('have the texts of %s that the element knows, and no others', (kind, known) => {
    expect(Object.keys(english).filter(key => key.startsWith(kind))).toEqual([...known])
  })

  it.each([...LANGUAGES])('%s has every text of English, with the same placeholders', language => {
    const texts = catalogues.get(language) ?? {}
    expect(Object.keys(texts)).toEqual(Object.keys(english))
    for (const [key, text] of Object.entries(texts)) {
      expect(placeholders(text), `${language} ${key}`).toEqual(placeholders(english[key]))
      expect(text, `${language} ${key}`).toMatch(/^\S(.*\S)?$/)
    }
  })

  it.each(LANGUAGES.filter(language => language !== 'en'))('%s is translated', language => {
    const texts = catalogues.get(language) ?? {}
    // Borrowed words may be the same: whole sentences are not.
    const same = Object.keys(english).filter(
      key => texts[key] === english[key] && /\w+ \w+ \w+/.test(texts[key] ?? ''),
    )
    expect(same).toEqual([])
  })

  it('have no text that the element does not use', () => {
    const folder = fileURLToPath(new URL('../src/element', import.meta.url))
    const source = globSync('*.ts', { cwd: folder })
      .filter(file => file !== 'word-keys.ts')
      .map(file => readFileSync(join(folder, file), 'utf8'))
      .join('\n')
    // `signIn.ended.${why}.title` uses every text that it can mean.
    const used = [...source.matchAll(/['`](signIn\.[^'`]*)['`]/g)].map(
      ([, name = '']) => new RegExp(`^${name.replaceAll('.', '\\.').replace(/\$\{[^}]*\}/g, '[A-Za-z]+')}$`),
    )
    const hints = WORD_KEYS.filter(key => key.startsWith('signIn.method.') && key.endsWith('Hint'))
    // A text for those who confirm something is used where the text of the same name is.
    const nameOf = (key: string) => key.replace('.confirm.', '.')
    const unused = WORD_KEYS.filter(key => !hints.includes(key) && !used.some(name => name.test(nameOf(key))))
    expect(WORD_KEYS.map(nameOf).filter(name => !WORD_KEYS.some(key => key === name))).toEqual([])
    expect(unused).toEqual([])
    expect(source).toContain('}Hint`')
  })
})

describe('the texts of the account', () => {
  it('are used, each', () => {
    const folder = fileURLToPath(new URL('../src/account', import.meta.url))
    const source = globSync('*.ts', { cwd: folder })
      .filter(file => file !== 'word-keys.ts')
      .map(file => readFileSync(join(folder, file), 'utf8'))
      .join('\n')
    const used = [...source.matchAll(/['`](account\.[^'`]*)['`]/g)].map(
      ([, name = '']) =>
        new RegExp(`^${name.replaceAll('.', '\\.').replace(/\$\{[^}]*\}/g, '[A-Za-z_.]+')}$`),
    )
    // The page of the server says the last of them.
    const unused = ACCOUNT_KEYS.filter(
      key => !used.some(name => name.test(key)) && key !== 'account.noScript',
    )
    expect(unused).toEqual([])
  })
})

describe('the language', () => {
  it.each([
    [['de-AT'], 'de'],
    [['pt'], 'pt-BR'],
    [['PT-br'], 'pt-BR'],
    [[null, '', 'sv', 'ja-JP'], 'ja'],
    [['sv'], 'en'],
    [[], 'en'],
  ])('for %j is %s', (wishes, language) => expect(pickLanguage(wishes)).toBe(language))

  it('runs from right to left where it does', () => {
    expect(['ar', 'ar-EG', 'he'].map(directionOf)).toEqual(['rtl', 'rtl', 'rtl'])
    expect(['en', 'ja'].map(directionOf)).toEqual(['ltr', 'ltr'])
  })
})

describe('a text', () => {
  it('keeps a value that looks like a placeholder as it is', () => {
    expect(piecesOf('To {address}.', { address: '{brand}' })).toEqual([
      'To ',
      { name: 'address', value: '{brand}' },
      '.',
    ])
  })

  it('keeps a placeholder without a value', () => {
    expect(plain('To {who}', {})).toBe('To {who}')
    expect(plain('To {constructor}', {})).toBe('To {constructor}')
  })

  it('isolates its values, so that an address does not turn the line around', () => {
    expect(plain('To {address}.', { address: 'a@b.example' })).toBe('To \u2068a@b.example\u2069.')
  })

  it('tells times', () => {
    expect(durationWords(599_500, 'en')).toBe('10 minutes')
    expect(durationWords(65_000, 'en')).toBe('65 seconds')
    expect(durationWords(-5, 'de')).toBe('0 Sekunden')
    expect([countdown(30_000), countdown(29_001), countdown(61_000), countdown(-1)]).toEqual([
      '0:30',
      '0:30',
      '1:01',
      '0:00',
    ])
  })
})
