import { describe, expect, test } from 'vitest'
import type { MessageContent } from '../../src/core/messages/content.ts'
import { LANGUAGES } from '../../src/words/catalogue.ts'
import { LINK, mailOf, NOON, visibleText } from './samples.ts'

const CODE = '481920'
const KINDS: Record<string, Partial<MessageContent>> = {
  code: { code: CODE },
  link: { link: LINK },
  'code and link': { code: CODE, link: LINK },
  'strong code': { code: '4819203377' },
}
const brand = { name: 'Acme & Söhne', supportUrl: 'https://acme.example/help' }

/** Without the isolates round values (UAX 9). */
const bare = (text: string) => text.replace(/[\u2068\u2069]/g, '')

describe.each(LANGUAGES)('in %s', locale => {
  const direction = locale === 'ar' ? 'rtl' : 'ltr'
  const cases = Object.entries(KINDS).flatMap(([kind, content]) =>
    ['signIn', 'withdrawFunds'].map(purpose => [kind, purpose, content] as const),
  )

  test.each(cases)('a mail with a %s for %s says everything in one language', (_, purpose, content) => {
    const mail = mailOf(content, { challenge: { locale, purpose }, settings: { brand } })
    const html = bare(visibleText(mail.html))
    const text = bare(mail.text)
    for (const part of [text, html]) {
      if (content.code) expect(part.replace('48192 03377', '4819203377')).toContain(content.code)
      if (content.link) expect(part).toContain(LINK)
      for (const said of [
        'Acme & Söhne',
        'KTR',
        'Firefox',
        'Windows',
        '203.0.113.7',
        'UTC',
        brand.supportUrl,
      ])
        expect(part).toContain(said)
    }
    expect(mail.html).toContain(`<html lang="${locale}" dir="${direction}">`)
    // Programs that drop the outermost elements keep the cell.
    expect(mail.html).toContain(`<td class="inside" lang="${locale}" dir="${direction}"`)
    const isOpen = purpose === 'signIn' && content.code
    expect(mail.subject).toContain(isOpen ? content.code : 'Acme & Söhne')
    expect(mail.subject).not.toMatch(/[\r\n\u2066-\u2069]/)
    for (const part of [mail.subject, text, html]) expect(part).not.toMatch(/\{\w+\}|mail\.[a-z]|undefined/)
  })

  test('nothing but names is English', () => {
    if (locale === 'en') return
    const { text } = mailOf({ code: CODE, link: LINK }, { challenge: { locale }, settings: { brand } })
    expect(text.replace(/https:\S+/g, '')).not.toMatch(/\b(the|your|this|that|who|sign in|valid)\b/i)
  })
})

describe('a mail that runs from right to left', () => {
  const mail = mailOf(
    { code: '4819203377', link: LINK },
    { challenge: { locale: 'ar', ipAddress: '2001:db8::1' }, settings: { brand } },
  )

  test('keeps code and link from left to right', () => {
    expect(mail.html).toMatch(/<td class="code text" align="center" dir="ltr"[^>]*><span[^>]*>48192<span/)
    expect(mail.html).toMatch(/<p class="muted" dir="ltr"[^>]*><a [^>]*>https:/)
    expect(mail.text).toContain('\u206848192 03377\u2069')
    expect(mail.text).toContain(`\n${LINK}\n`)
  })

  test('keeps names and addresses apart from the text round them', () => {
    for (const part of [mail.text, mail.html]) {
      expect(part).toContain('\u20682001:db8::1\u2069')
      expect(part.replaceAll('&amp;', '&')).toMatch(/(^|>)\u2068Acme & Söhne\u2069(<|$)/m)
      expect(part).toMatch(/\u2068Firefox\u2069 على \u2068Windows\u2069/)
    }
  })

  test('tells the time in its own words, and a code of six digits is nothing but digits', () => {
    const plain = mailOf({ code: CODE }, { challenge: { locale: 'ar' }, now: NOON + 240_000 })
    expect(bare(plain.text)).toContain('صالح لمدة 6 دقائق، حتى 2:13 م UTC.')
    expect(plain.text).toMatch(/^ {4}481920$/m)
  })

  test('is of no concern to the others: they have no mark of direction', () => {
    for (const locale of LANGUAGES.filter(one => one !== 'ar')) {
      const other = mailOf({ code: '4819203377', link: LINK }, { challenge: { locale } })
      expect(`${other.subject}${other.text}${other.html}`).not.toMatch(/[\u2066-\u2069]/)
    }
  })
})

test('of two wishes, the first that ships or that the operator has mails in', () => {
  const texts = { sv: { 'mail.heading.signIn': 'Logga in på {brand}' } }
  const own = { settings: { brand, texts, locale: { default: 'de' } } }
  const swedish = mailOf({ code: CODE }, { challenge: { locale: 'sv-SE' }, ...own })
  expect(swedish.html).toContain('<html lang="sv-SE" dir="ltr">')
  expect(swedish.text).toContain('Logga in på Acme')
  expect(swedish.text).toContain('Wer das angefordert hat')
  expect(mailOf({ code: CODE }, { challenge: { locale: 'fi' }, userLocale: 'ja', ...own }).subject).toBe(
    '481920 は Acme & Söhne の確認コードです',
  )
  expect(mailOf({ code: CODE }, { challenge: { locale: 'fi' }, ...own }).subject).toContain('ist Ihr Code')
})
