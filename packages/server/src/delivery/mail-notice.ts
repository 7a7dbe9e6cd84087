import { html } from '../core/markup.ts'
import type { Notice } from '../core/messages/content.ts'
import type { Mail } from '../core/ports.ts'
import type { Message } from '../core/rows.ts'
import type { Settings } from '../core/settings/settings.ts'
import { type Language, type WordKey, wordsFor } from '../words/catalogue.ts'
import { fill, oneLine } from '../words/fill.ts'
import { dateAndTime } from '../words/time.ts'
import { askedBlock, buttonBlock, mailFrame, supportLine } from './mail-html.ts'
import { mailStyle } from './mail-style.ts'
import { rowText } from './mail-text.ts'
import { asShown, deviceWords, senderOf } from './mail-view.ts'

export interface NoticeInput {
  message: Message
  notice: Notice
  settings: Settings
  /** The locale kept with the user; a notice has no other wish to go by. */
  userLocale: string | null
  mailFrom: Mail['from']
}

/** A security notice says everything once, for both parts. */
interface NoticeView {
  heading: string
  text: string
  rows: (readonly [label: string, value: string])[]
  support: { text: string; url: string } | null
}

/**
 * The mail of a security notice: what happened, when and from where, and where to look. It holds no code and no token, so
 * whoever reads it, a scanner too, can do nothing with it.
 */
export function renderNotice(input: NoticeInput): Mail {
  const { message, notice, settings, mailFrom } = input
  const language = wordsFor([input.userLocale], settings, 'mail.')
  const say = sayIn(language, { brand: settings.brand.name, subject: notice.subject ?? '' })
  const view = noticeView(input, language, say)
  return {
    id: message.id,
    to: message.to,
    from: senderOf(settings, mailFrom),
    replyTo: settings.mail.replyTo,
    // A header is one line without marks of direction.
    subject: oneLine(view.heading),
    text: noticeText(input, language, view, say),
    html: noticeHtml(input, language, view, say),
  }
}

type Say = (key: WordKey, more?: Record<string, string>) => string

const sayIn =
  (language: Language, values: Record<string, string>): Say =>
  (key, more = {}) =>
    fill(language.words[key], { ...values, ...more }, value => asShown(value, language))

function noticeView({ notice, settings }: NoticeInput, language: Language, say: Say): NoticeView {
  const { supportUrl } = settings.brand
  return {
    heading: say(`mail.notice.${notice.kind}.title`),
    text: say(`mail.notice.${notice.kind}.text`),
    rows: [
      [say('mail.asked.time'), dateAndTime(notice.at, language.locale)],
      [say('mail.asked.device'), deviceWords(notice.userAgent, say)],
      [
        say('mail.asked.ipAddress'),
        notice.ipAddress === null ? say('mail.asked.unknown') : asShown(oneLine(notice.ipAddress), language),
      ],
    ],
    support: supportUrl === null ? null : { text: say('mail.support', { url: supportUrl }), url: supportUrl },
  }
}

function noticeText(
  { notice, settings }: NoticeInput,
  language: Language,
  view: NoticeView,
  say: Say,
): string {
  const blocks = [
    view.heading,
    view.text,
    `${say('mail.notice.details')}\n${view.rows.map(row => rowText(row, language)).join('\n')}`,
    say('mail.notice.you'),
    `${say('mail.notice.notYou')}\n\n${notice.accountUrl}`,
    view.support?.text,
    `-- \n${asShown(oneLine(settings.brand.name), language)}`,
  ]
  return `${blocks.filter(Boolean).join('\n\n')}\n`
}

function noticeHtml(
  { notice, settings }: NoticeInput,
  language: Language,
  view: NoticeView,
  say: Say,
): string {
  const style = mailStyle(settings.brand)
  return mailFrame(
    { language, brand: asShown(oneLine(settings.brand.name), language), heading: view.heading },
    view.text,
    settings.brand,
    html`<p class="text" style="${style.paragraph}">${view.text}</p>
${askedBlock({ title: say('mail.notice.details'), rows: view.rows }, style)}
<p class="muted" style="${style.note}">${say('mail.notice.you')}</p>
<p class="text" style="${style.paragraph}">${say('mail.notice.notYou')}</p>
${buttonBlock({ url: notice.accountUrl, button: say('mail.notice.look'), copy: say('mail.link.copy') }, style)}
${view.support && html`<p class="muted" style="${style.end}">${supportLine(view.support, style)}</p>`}`,
  )
}
