import { deviceOf } from '../core/device.ts'
import type { MessageContent } from '../core/messages/content.ts'
import type { Mail } from '../core/ports.ts'
import type { Challenge, Message, Template } from '../core/rows.ts'
import type { Settings } from '../core/settings/settings.ts'
import type { Language, WordKey } from '../words/catalogue.ts'
import { fill, isolated, oneLine } from '../words/fill.ts'
import { clockTime, dateAndTime, durationWords } from '../words/time.ts'

export interface MailInput {
  message: Message
  challenge: Challenge
  content: MessageContent
  settings: Settings
  /** That fits the challenge; null or left out: the built-in mail. */
  template?: Template | null
  /** The locale kept with the user; asked after the challenge's own. */
  userLocale?: string | null
  /** Of the process (`MAIL_FROM`); the settings' own name and address go before it. */
  mailFrom: Mail['from']
  /** The instant from which the time that is left is told, in epoch milliseconds. */
  now: number
}

/** All that a mail says, in the reader's language and as plain text: what both parts are made from. */
export interface MailView {
  language: Language
  brand: string
  heading: string
  /** The code in groups that are shown apart; nothing stands between them. */
  code: { lead: string; groups: string[]; keep: string } | null
  link: { lead: string; openLead: string; button: string; copy: string; url: string } | null
  tag: { text: string; letters: string }
  expires: string
  asked: { title: string; rows: (readonly [label: string, value: string])[] }
  ignore: string
  support: { text: string; url: string } | null
}

/** What texts may name in braces. Ours go over the template's variables, which must not pose as the code. */
export type MailValues = Record<string, string> & { code: string }

/** The values of one mail. `code` is empty in a mail without one. */
export function mailValues({ challenge, content, settings, now }: MailInput, locale: string): MailValues {
  return {
    ...challenge.templateVariables,
    brand: settings.brand.name,
    code: content.code ?? '',
    tag: challenge.tag,
    duration: durationWords(challenge.expiresAt - now, locale),
    time: clockTime(challenge.expiresAt, locale),
  }
}

/** Says everything once, for both parts. */
export function mailView(input: MailInput, language: Language, values: MailValues): MailView {
  const { challenge, content, settings } = input
  const apart = (value: string) => asShown(value, language)
  const say = (key: WordKey, more: Record<string, string> = {}) =>
    fill(language.words[key], { ...values, ...more }, apart)
  const kind = challenge.purpose === 'signIn' ? 'signIn' : 'other'
  const isSecond = content.code !== null
  const { supportUrl } = settings.brand
  const intent = challenge.actionId ? (challenge.templateVariables.intent ?? '') : ''
  return {
    language,
    brand: apart(oneLine(settings.brand.name)),
    heading: say(`mail.heading.${kind}`),
    code:
      content.code === null
        ? null
        : { lead: say('mail.code.lead'), groups: codeGroups(content.code), keep: say('mail.code.keep') },
    link:
      content.link === null
        ? null
        : {
            lead: say(isSecond ? 'mail.link.instead' : 'mail.link.lead'),
            openLead: say(isSecond ? 'mail.link.openInstead' : 'mail.link.open'),
            button: say(`mail.link.${kind}`),
            copy: say('mail.link.copy'),
            url: oneLine(content.link),
          },
    tag: { text: say('mail.tag'), letters: challenge.tag },
    expires: say('mail.expires'),
    asked: {
      title: say('mail.asked.title'),
      rows: [
        ...(intent === '' ? [] : [[say('mail.asked.intent'), apart(oneLine(intent))] as const]),
        [say('mail.asked.time'), dateAndTime(input.message.createdAt, language.locale)],
        [say('mail.asked.device'), deviceWords(challenge.userAgent, say)],
        [
          say('mail.asked.ipAddress'),
          challenge.ipAddress === null ? say('mail.asked.unknown') : apart(oneLine(challenge.ipAddress)),
        ],
      ],
    },
    ignore: say('mail.ignore'),
    support: supportUrl === null ? null : { text: say('mail.support', { url: supportUrl }), url: supportUrl },
  }
}

/** Who the mail is from: the settings' own sender before the process's. */
export const senderOf = (settings: Settings, mailFrom: Mail['from']): Mail['from'] => ({
  name: oneLine(settings.mail.fromName ?? mailFrom.name ?? settings.brand.name),
  address: settings.mail.fromAddress ?? mailFrom.address,
})

export function deviceWords(
  userAgent: string | null,
  say: (key: WordKey, more?: Record<string, string>) => string,
): string {
  const { browser, system } = deviceOf(userAgent)
  if (browser && system) return say('mail.device.both', { browser, system })
  return browser ?? system ?? say('mail.asked.unknown')
}

/**
 * A value as it stands in a sentence: kept apart where text runs from right to left. Elsewhere it goes with the text, and
 * the mail has no character that an old program could show as a box.
 */
export function asShown(value: string, { direction }: Language): string {
  return direction === 'rtl' ? isolated(value) : value
}

// Ten digits are read off in two goes; six are one word, for eyes, double clicks and code finders alike.
function codeGroups(code: string): string[] {
  return code.length === 10 ? [code.slice(0, 5), code.slice(5)] : [code]
}
