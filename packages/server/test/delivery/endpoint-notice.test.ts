import { describe, expect, test } from 'vitest'
import type { EndpointNotice } from '../../src/core/messages/content.ts'
import { renderEndpointNotice } from '../../src/delivery/mail-endpoint.ts'
import { LANGUAGES } from '../../src/words/catalogue.ts'
import { MAIL_FROM, message, NOON, settings, visibleText } from './samples.ts'

const ENDPOINT = 'whk_01k6z5v9hrf0qv2s8yb7m3c4dn'
const noticeOf = (own: Partial<EndpointNotice> = {}, more: Record<string, unknown> = {}) =>
  renderEndpointNotice({
    message: message({ challengeId: null, notice: 'webhookDisabled', userId: null }),
    endpoint: {
      endpointId: ENDPOINT,
      host: 'hooks.example',
      environment: 'live',
      reason: 'gone',
      at: NOON,
      url: `https://auth.example/v1/webhooks/${ENDPOINT}`,
      ...own,
    },
    settings: settings(more),
    mailFrom: MAIL_FROM,
  })

describe('the mail that a webhook endpoint was disabled', () => {
  test.each(LANGUAGES)('speaks %s, whole, in both parts', locale => {
    for (const reason of ['gone', 'failing'] as const) {
      const { subject, text, html } = noticeOf({ reason }, { locale: { default: locale, allowed: null } })
      expect(html).toContain(`<html lang="${locale}" dir="${locale === 'ar' ? 'rtl' : 'ltr'}">`)
      expect(subject.replace(/[\u2066-\u2069]/g, '')).toContain('hooks.example')
      for (const part of [text, visibleText(html ?? '')]) {
        const bare = part.replace(/[\u2066-\u2069]/g, '')
        for (const told of [
          'live',
          ENDPOINT,
          `PATCH https://auth.example/v1/webhooks/${ENDPOINT} `,
          '/replay {',
        ])
          expect(bare).toContain(told)
        expect(part).not.toMatch(/\{\w+\}|mail\.[a-z]|undefined|null/)
        if (locale !== 'en')
          expect(bare.replace(/https:\S+/g, '')).not.toMatch(/\b(the|your|this|that|you)\b/i)
      }
    }
  })
  test('asks for what was missed from the day on which it began to fail', () => {
    expect(noticeOf().text).toContain(`{"since": "${new Date(NOON).toISOString()}", "which": "undelivered"}`)
    expect(noticeOf({ reason: 'failing' }).text).toContain(new Date(NOON - 5 * 86_400_000).toISOString())
    expect(noticeOf({ reason: 'failing' }).text).toContain('five days')
  })
  test('shows markup of nobody, and is one header line', () => {
    const evil = '"><script>alert(1)</script>\r\nBcc: eve@evil.example'
    const mail = noticeOf({ host: evil, environment: evil, endpointId: evil, url: evil })
    expect(mail.html).not.toContain('<script>')
    expect(mail.subject).not.toMatch(/[\r\n]/)
  })
})
