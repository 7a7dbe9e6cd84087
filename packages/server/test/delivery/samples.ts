import type { MessageContent } from '../../src/core/messages/content.ts'
import type { Mail } from '../../src/core/ports.ts'
import type { Challenge, Environment, Message, Template } from '../../src/core/rows.ts'
import { effectiveSettings, type Settings } from '../../src/core/settings/settings.ts'
import { renderMail } from '../../src/delivery/mail.ts'

/** 21 November 2026, 14:03 UTC. */
export const NOON = Date.UTC(2026, 10, 21, 14, 3)
export const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
export const LINK = 'https://login.acme.example/l/olk_q5cXl0h1yX7c0Z0dPp9w3uVxKJm2nR4tB6sA8eF1gHi'
export const MAIL_FROM = { name: null, address: 'login@mail.acme.example' }

export function message(own: Partial<Message> = {}): Message {
  return {
    id: 'msg_01kd000000000000000000001a',
    environmentId: 'env_1',
    challengeId: 'chl_1',
    channel: 'email',
    to: 'mila@example.com',
    status: 'queued',
    isVoid: false,
    notice: null,
    userId: null,
    reply: null,
    createdAt: NOON,
    expiresAt: NOON + 600_000,
    sentAt: null,
    ...own,
  }
}

/** Only the fields that delivery reads. */
export function challenge(own: Partial<Challenge> = {}): Challenge {
  return {
    id: 'chl_1',
    environmentId: 'env_1',
    purpose: 'signIn',
    tag: 'KTR',
    locale: null,
    templateVariables: {},
    ipAddress: '203.0.113.7',
    userAgent: FIREFOX,
    createdAt: NOON,
    expiresAt: NOON + 600_000,
    ...own,
  } as Challenge
}

export function settings(own: Record<string, unknown> = {}): Settings {
  return effectiveSettings({ brand: { name: 'Acme' }, ...own })
}

export function environment(mode: 'test' | 'live'): Environment {
  return {
    id: 'env_1',
    slug: mode,
    mode,
    settings: {},
    settingsVersion: 1,
    templatesVersion: 0,
    rulesVersion: 0,
    listsVersion: 0,
    createdAt: NOON,
  }
}

export function mailOf(
  content: Partial<MessageContent>,
  own: {
    challenge?: Partial<Challenge>
    message?: Partial<Message>
    settings?: Record<string, unknown>
    template?: Template
    userLocale?: string
    now?: number
  } = {},
) {
  const mail = renderMail({
    message: message(own.message),
    challenge: challenge(own.challenge),
    content: { code: null, link: null, ...content },
    settings: settings(own.settings),
    template: own.template ?? null,
    userLocale: own.userLocale ?? null,
    mailFrom: MAIL_FROM,
    now: own.now ?? NOON,
  })
  // Only a template can leave the HTML part out.
  return mail as Mail & { html: string }
}

/** What a person sees and copies of an HTML part: the body without tags, with entities read. */
export function visibleText(html: string): string {
  return html
    .replace(/^[\s\S]*<body[^>]*>/, '')
    .replace(/<div style="display:none[\s\S]*?<\/div>/, '')
    .replace(/<[^>]+>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
