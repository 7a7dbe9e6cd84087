import { describe, expect, test } from 'vitest'
import { LINK, mailOf, NOON, visibleText } from './samples.ts'

const preheaderOf = (html: string) => /mso-hide:all">(.*?)&#8199;/s.exec(html)?.[1] ?? ''

describe('a mail with a code', () => {
  const mail = mailOf({ code: '481920' })

  test('names the code in the subject and once, in one piece, in each part', () => {
    expect(mail.subject).toBe('481920 is your Acme code')
    expect(mail.text.match(/481920/g)).toHaveLength(1)
    expect(visibleText(mail.html).match(/481920/g)).toHaveLength(1)
  })

  test('tells tag, expiry, device, address and what to do when it was not you, in both parts', () => {
    for (const part of [mail.text, visibleText(mail.html)]) {
      expect(part).toContain('letters KTR')
      expect(part).toContain('Valid for 10 minutes, until 2:13 PM UTC.')
      expect(part).toContain('Firefox on Windows')
      expect(part).toContain('203.0.113.7')
      expect(part).toContain('ignore this mail')
    }
  })

  test('has no link and no image', () => {
    expect(mail.html).not.toMatch(/<img|<a |http/i)
    expect(mail.text).not.toContain('http')
  })

  test('shows code and expiry in a preheader under 90 characters', () => {
    expect(preheaderOf(mail.html)).toBe('Your code 481920 is valid for 10 minutes.')
    const long = { 'mail.preheader.code': `{code} ${'x'.repeat(300)}` }
    expect(preheaderOf(mailOf({ code: '481920' }, { settings: { texts: { en: long } } }).html)).toHaveLength(
      89,
    )
  })

  test('counts the time that is left from when it is sent', () => {
    expect(mailOf({ code: '481920' }, { now: NOON + 240_000 }).text).toContain(
      'Valid for 6 minutes, until 2:13 PM UTC.',
    )
  })
})

test('a strong code is shown 5+5, and what is copied from the HTML part is the bare code', () => {
  const mail = mailOf({ code: '4819203377' })
  expect(mail.text).toContain('48192 03377')
  expect(mail.html).toContain('48192<span')
  expect(visibleText(mail.html)).toContain('4819203377')
})

test('a mail with a link has one button and the plain address, and no word of a code', () => {
  const mail = mailOf({ link: LINK })
  expect(mail.subject).toBe('Sign in to Acme')
  expect(mail.text).toContain(`\n${LINK}\n`)
  expect(mail.html.split(`href="${LINK}"`)).toHaveLength(3)
  expect(visibleText(mail.html)).toContain(LINK)
  expect(`${mail.text}${mail.html}`).not.toMatch(/this code|your code/i)
})

test('a mail with code and link has both, the code first', () => {
  const { text } = mailOf({ code: '481920', link: LINK })
  expect(text.indexOf('481920')).toBeLessThan(text.indexOf(LINK))
})

describe('the code stays off the lock screen', () => {
  const outside = (mail: ReturnType<typeof mailOf>) => `${mail.subject} ${preheaderOf(mail.html)}`

  test('where the setting says so', () => {
    const mail = mailOf({ code: '481920' }, { settings: { mail: { codeInSubject: false } } })
    expect(mail.subject).toBe('Sign in to Acme')
    expect(outside(mail)).not.toContain('481920')
  })

  test('for every purpose but signing in, even against the texts and variables of the operator', () => {
    const texts = { en: { 'mail.subject.other': 'Use {code} at {brand}', 'mail.preheader.plain': '{code}' } }
    const own = { purpose: 'withdrawFunds', templateVariables: { code: '000000' } }
    const mail = mailOf({ code: '481920' }, { settings: { texts }, challenge: own })
    expect(outside(mail)).not.toMatch(/481920|000000/)
    expect(mail.subject).toBe('Use {code} at Acme')
    expect(mail.text).toContain('481920')
  })
})

describe('the language of a mail', () => {
  test('is that of the challenge before that of the user', () => {
    const mail = mailOf({ code: '481920', link: LINK }, { challenge: { locale: 'de-AT' }, userLocale: 'en' })
    expect(mail.subject).toBe('481920 ist Ihr Code für Acme')
    expect(mail.html).toContain('<html lang="de-AT" dir="ltr">')
    expect(mail.text).toContain('Gültig für 10 Minuten, bis 14:13 UTC.')
    expect(mail.text).toContain('Firefox auf Windows')
    expect(mail.text).not.toMatch(/\b(the|your|code on)\b/)
  })

  test('is that of the user where the challenge has none', () => {
    expect(mailOf({ code: '481920' }, { userLocale: 'de' }).text).toContain('Anmelden bei Acme')
  })
})

describe('hostile values', () => {
  const evil = `"><img src=x onerror=alert(1)>'&`

  test('are text in the HTML part, wherever they come from', () => {
    const mail = mailOf(
      { code: '481920', link: `https://a.example/?q=${evil}` },
      {
        settings: {
          brand: {
            name: evil,
            supportUrl: `https://a.example/${evil}`,
            logoUrl: `https://a.example/${evil}`,
          },
          texts: {
            en: { 'mail.heading.signIn': `<script>{order}</script>${evil}`, 'mail.support': `${evil} {url}` },
          },
        },
        challenge: { templateVariables: { order: evil }, userAgent: evil, ipAddress: evil, tag: '<b>' },
      },
    )
    expect(mail.html).not.toMatch(/<script|<b>|<img src=x/i)
    expect(mail.html.match(/<img /g)).toHaveLength(1)
    expect(visibleText(mail.html)).toContain(`<script>${evil}</script>${evil}`)
  })

  test('never end an attribute', () => {
    const quote = 'https://a.example/" onload="x'
    const brand = { name: '" onload="x', logoUrl: quote, supportUrl: quote }
    const { html } = mailOf({ link: quote }, { settings: { brand } })
    expect(html).not.toContain('" onload')
    expect(html.match(/&quot; onload=&quot;x/g)?.length).toBeGreaterThan(4)
  })

  test('never start a header line', () => {
    const mail = mailOf(
      { code: '481920' },
      {
        settings: {
          brand: { name: 'Acme\r\nBcc: eve@evil.example' },
          mail: { fromName: 'A\nB\u2028C', codeInSubject: true },
        },
      },
    )
    expect(mail.subject).toBe('481920 is your Acme Bcc: eve@evil.example code')
    expect(mail.from.name).toBe('A B C')
  })

  test('of a user agent are never shown; only known names are', () => {
    const own = { userAgent: 'Call +1 900 123 now! Chrome/140 (iPhone)' }
    const mail = mailOf({ code: '481920' }, { challenge: own })
    expect(`${mail.text}${mail.html}`).not.toContain('900')
    expect(mail.text).toContain('Chrome on iPhone')
    expect(
      mailOf({ code: '481920' }, { challenge: { userAgent: 'curl/8', ipAddress: null } }).text,
    ).toContain('Device: unknown\nIP address: unknown')
  })
})

test('the sender comes from the settings, else from the process, and is named after the brand', () => {
  expect(mailOf({ code: '1' }).from).toEqual({ name: 'Acme', address: 'login@mail.acme.example' })
  const mail = {
    fromName: 'Acme Login',
    fromAddress: 'no@acme.example',
    replyTo: 'help@acme.example',
    codeInSubject: true,
  }
  const own = mailOf({ code: '1' }, { settings: { mail } })
  expect(own.from).toEqual({ name: 'Acme Login', address: 'no@acme.example' })
  expect(own.replyTo).toBe('help@acme.example')
})

test('the HTML part is under 100 KB, loads nothing, and has colours for the dark', () => {
  const colors = { light: { primary: '#ffdd00' }, dark: { background: '#000022' } }
  const { html } = mailOf(
    { code: '4819203377', link: LINK },
    { settings: { brand: { name: 'Acme', colors } } },
  )
  expect(Buffer.byteLength(html)).toBeLessThan(100_000)
  expect(html).not.toMatch(/<img|<link|<script|@import|url\(/i)
  expect(html).toContain('<meta name="color-scheme" content="light dark">')
  expect(html).toMatch(/prefers-color-scheme:dark\)\{[^@]*#000022/)
  // Yellow takes dark letters, although none were set.
  expect(html).toMatch(/color:#000000;background-color:#ffdd00/)
})
