import { describe, expect, test } from 'vitest'
import type { Notice } from '../../src/core/messages/content.ts'
import { NOTICE_KINDS } from '../../src/core/rows.ts'
import { renderNotice } from '../../src/delivery/mail-notice.ts'
import { LANGUAGES } from '../../src/words/catalogue.ts'
import { FIREFOX, MAIL_FROM, message, NOON, settings, visibleText } from './samples.ts'

const URL = 'https://login.acme.example/account?key=opk_live_x'
const noticeOf = (
  own: Partial<Notice> = {},
  more: Record<string, unknown> = {},
  userLocale: string | null = null,
) =>
  renderNotice({
    message: message({ challengeId: null, notice: 'newDevice', userId: 'usr_1' }),
    notice: {
      kind: 'newDevice',
      at: NOON,
      userAgent: FIREFOX,
      ipAddress: '203.0.113.7',
      subject: null,
      accountUrl: URL,
      ...own,
    },
    settings: settings(more),
    userLocale,
    mailFrom: MAIL_FROM,
  })

describe('a security notice', () => {
  test.each(NOTICE_KINDS)(
    '%s says what happened, when, from where, and where to look, in both parts',
    kind => {
      const mail = noticeOf({ kind, subject: 'b***@example.com' })
      for (const part of [mail.text, visibleText(mail.html ?? '')]) {
        expect(part).toContain('November 21, 2026 at 2:03 PM UTC')
        expect(part).toContain('Firefox on Windows')
        expect(part).toContain('203.0.113.7')
        expect(part).toContain(URL)
        if (kind !== 'newDevice') expect(part).toContain('b***@example.com')
        expect(part).not.toMatch(/\{\w+\}|undefined|null/)
      }
      expect(mail.html).toContain(`href="${URL}"`)
      expect(mail.subject).toContain('Acme')
      expect(`${mail.text}${mail.html}`).not.toMatch(/o[lha]t_|olk_/)
      expect(mail.text).not.toMatch(/\b\d{6}\b/)
    },
  )
  test.each(LANGUAGES)('speaks %s, whole', locale => {
    const direction = locale === 'ar' ? 'rtl' : 'ltr'
    for (const kind of NOTICE_KINDS) {
      const { subject, text, html } = noticeOf({ kind, subject: 'b***@example.com' }, {}, locale)
      expect(html).toContain(`<html lang="${locale}" dir="${direction}">`)
      expect(subject).not.toMatch(/[\r\n\u2066-\u2069]/)
      expect(subject).toContain('Acme')
      for (const part of [text, visibleText(html ?? '')]) {
        const bare = part.replace(/[\u2068\u2069]/g, '')
        expect(bare).toContain('203.0.113.7')
        expect(bare).toContain(URL)
        if (kind !== 'newDevice') expect(bare).toContain('b***@example.com')
        expect(part).not.toMatch(/\{\w+\}|mail\.[a-z]|undefined/)
        if (locale !== 'ar') expect(part).not.toMatch(/[\u2066-\u2069]/)
        else expect(part).toContain('\u2068203.0.113.7\u2069')
        if (locale !== 'en')
          expect(part.replace(/https:\S+/g, '')).not.toMatch(/\b(the|your|this|that|you)\b/i)
      }
    }
  })
  test('shows brand, support and the operator’s own texts, and markup of nobody', () => {
    const evil = '"><script>alert(1)</script>'
    const mail = noticeOf(
      { subject: evil, kind: 'passkeyAdded', userAgent: evil, ipAddress: evil },
      {
        brand: { name: evil, supportUrl: 'https://help.acme.example/' },
        texts: { en: { 'mail.notice.passkeyAdded.title': `${evil} {subject}` } },
      },
    )
    expect(mail.html).not.toContain('<script>')
    expect(mail.html).toContain('https://help.acme.example/')
    expect(mail.subject).not.toMatch(/[\r\n]/)
    expect(mail.subject).toContain('<script>')
  })
  test('cannot start a header line by the name of a passkey', () => {
    const mail = noticeOf({ kind: 'passkeyAdded', subject: 'x\r\nBcc: eve@evil.example' })
    expect(mail.text).toContain('x Bcc: eve@evil.example')
    expect(mail.subject).not.toContain('Bcc')
  })
})
