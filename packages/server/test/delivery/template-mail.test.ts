import { expect, test } from 'vitest'
import type { TemplateTexts } from '../../src/core/rows.ts'
import { house } from './house.ts'
import { challenge, environment, LINK, mailOf, NOON, settings } from './samples.ts'

const template = (en: Partial<TemplateTexts>, more: Record<string, TemplateTexts> = {}) => ({
  id: 'tpl_1',
  environmentId: 'env_1',
  name: 'welcome',
  channel: 'email' as const,
  locales: { en: { subject: 'Own', text: '{{code}}', html: null, ...en }, ...more },
  version: 1,
  createdAt: NOON,
  updatedAt: NOON,
})
const all = '{{tag}} {{expiresAt}} {{expiresInMinutes}} {{brand}} {{to}} {{locale}} {{order}} {{code}}'

test('fills every variable, in each part', () => {
  const mail = mailOf(
    { code: '481920' },
    {
      template: template({ text: all, html: `<p>${all}</p>` }),
      challenge: { templateVariables: { order: '7' } },
    },
  )
  const filled = 'KTR 2:13 PM UTC 10 Acme m***@example.com en 7 481920'
  expect(mail).toMatchObject({ subject: 'Own', text: filled, html: `<p>${filled}</p>` })
})

test('values are text in HTML, one line anywhere, and put in once', () => {
  const evil = '"><img src=x onerror=alert(1)>\'&\r\nBcc: eve@evil.example {{code}}'
  const own = { templateVariables: { order: evil } }
  const one = template({
    subject: 'For {{order}}',
    html: '<p title="{{order}}">{{code}} {{order}}</p><a href="https://a.example/{{order}}">x</a>',
  })
  const mail = mailOf({ code: '481920' }, { template: one, challenge: own })
  expect(mail.html.match(/<[a-z]+/g)).toEqual(['<p', '<a'])
  expect(mail.html.match(/481920/g)).toHaveLength(1)
  expect(mail.html).toContain(
    '&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&#39;&amp; Bcc: eve@evil.example {{code}}',
  )
  expect(mail.html).toContain('href="https://a.example/%22%3E%3Cimg%20src%3Dx')
  expect(mail.subject).not.toMatch(/[\r\n]/)
  expect(mail.subject).toContain('Bcc: eve@evil.example {{code}}')
})

test('a value in a URL ends neither the URL nor its quotes, whichever they are', () => {
  const own = { templateVariables: { first: "'onclick", second: "alert(1)//'" } }
  for (const quote of ['"', "'"]) {
    const one = template({
      html: `{{code}} <a href=${quote}https://a.example/?{{first}}={{second}}${quote}>x</a>`,
    })
    const { html } = mailOf({ code: '481920' }, { template: one, challenge: own })
    expect(html).toBe(
      `481920 <a href=${quote}https://a.example/?&#39;onclick=alert(1)%2F%2F&#39;${quote}>x</a>`,
    )
  }
})

test('the subject shows a code only where the built-in one does', () => {
  const one = template({ subject: '{{code}} for {{brand}}' })
  const subject = (own: object) => mailOf({ code: '481920' }, { template: one, ...own }).subject
  expect(subject({})).toBe('481920 for Acme')
  expect(subject({ settings: { mail: { codeInSubject: false } } })).toBe('Sign in to Acme')
  expect(subject({ challenge: { purpose: 'withdrawFunds' } })).toBe('Confirm that it is you at Acme')
  const plain = template({ subject: 'Hello' })
  expect(
    mailOf({ code: '1' }, { template: plain, settings: { mail: { codeInSubject: false } } }).subject,
  ).toBe('Hello')
})

test('a subject is cut', () => {
  const own = { templateVariables: { order: 'x'.repeat(256) } }
  const one = template({ subject: '{{order}}{{order}}' })
  expect(mailOf({ code: '1' }, { template: one, challenge: own }).subject).toHaveLength(300)
})

test('the link is whole in a href, and a strong code stands apart in the text', () => {
  const one = template({ text: '{{code}} {{link}}', html: '{{code}} <a href="{{link}}">go</a>' })
  const link = `${LINK}?a=1&b=2`
  const mail = mailOf({ code: '4819203377', link }, { template: one })
  expect(mail.text).toBe(`48192 03377 ${link}`)
  expect(mail.html).toBe(`4819203377 <a href="${LINK}?a=1&amp;b=2">go</a>`)
})

test('the locale is looked up as for the built-in mail, and falls back to the default', () => {
  const texts = (subject: string): TemplateTexts => ({
    subject,
    text: '{{code}} {{expiresAt}} {{locale}}',
    html: null,
  })
  const one = template({}, { de: texts('Deutsch'), fr: texts('Français') })
  const mail = (own: object) => mailOf({ code: '1' }, { template: one, ...own })
  expect(mail({ challenge: { locale: 'de-AT' }, userLocale: 'fr' })).toMatchObject({
    subject: 'Deutsch',
    text: '1 14:13 UTC de-AT',
  })
  expect(mail({ userLocale: 'fr' }).subject).toBe('Français')
  expect(mail({ challenge: { locale: 'it' }, settings: { locale: { default: 'fr' } } }).subject).toBe(
    'Français',
  )
  expect(mail({ challenge: { locale: 'it' } }).subject).toBe('Own')
  expect(mail({ challenge: { locale: 'de' }, settings: { locale: { allowed: ['en'] } } }).subject).toBe('Own')
  const german = { ...one, locales: { de: texts('Deutsch') } }
  expect(mailOf({ code: '1' }, { template: german, settings: { locale: { default: 'fr' } } })).toMatchObject({
    subject: 'Deutsch',
    text: '1 14:13 UTC de',
  })
})

test('is sent by the outbox; gone or not fitting, the built-in mail is, and the log says so', async () => {
  const one = template({ text: 'Own {{code}} {{order}}' })
  const { outbox, queue, rows, sent, logged } = house(undefined, {
    directory: {
      environmentOf: async () => ({
        environment: environment('live'),
        settings: settings(),
        templates: [one],
      }),
    },
  })
  const use = { credential: 'code' as const, template: 'welcome', templateVariables: { order: '7' } }
  for (const own of [use, { ...use, template: 'gone' }, { ...use, templateVariables: {} }]) {
    queue()
    rows.at(-1)!.challenge = challenge(own)
  }
  outbox.start()
  await outbox.drain()
  expect(sent.map(mail => mail.subject).sort()).toEqual([
    '481920 is your Acme code',
    '481920 is your Acme code',
    'Own',
  ])
  expect(sent.find(mail => mail.subject === 'Own')).toMatchObject({ text: 'Own 481920 7', html: null })
  expect(logged.filter(line => line.includes('the template is gone or fits no more'))).toHaveLength(2)
})
