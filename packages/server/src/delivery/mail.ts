import type { Mail } from '../core/ports.ts'
import { fill, oneLine } from '../words/fill.ts'
import { mailHtml } from './mail-html.ts'
import { mailLanguage } from './mail-language.ts'
import { mailText } from './mail-text.ts'
import { type MailInput, mailValues, mailView, senderOf } from './mail-view.ts'
import { fillTemplate } from './template-mail.ts'

/** Shorter than what any mail list shows. */
const PREHEADER_LENGTH = 89

/**
 * The mail for one message: code, link or both. The code stands in subject and preheader, which lock screens show, only
 * for signing in and only where the setting `mail.codeInSubject` lets it. No value can start a new header line. The
 * operator's template, where there is one, takes the place of subject and parts; a subject that may not show its code
 * is the built-in one.
 */
export function renderMail(input: MailInput): Mail {
  const { message, challenge, content, settings, mailFrom } = input
  const language = mailLanguage(settings, challenge, input.userLocale)
  const values = mailValues(input, language.locale)
  const isSignIn = challenge.purpose === 'signIn'
  const isCodeOpen = isSignIn && settings.mail.codeInSubject && content.code !== null
  // Without them among the values, not even the operator's own subject can show the code, or what an app says of an action.
  const hidden = [...(isCodeOpen ? [] : ['code']), ...(challenge.actionId ? ['intent'] : [])]
  const safe = Object.fromEntries(Object.entries(values).filter(([name]) => !hidden.includes(name)))
  const outside = (key: keyof typeof language.words) => oneLine(fill(language.words[key], safe))
  const neutral = isSignIn ? 'mail.subject.signIn' : 'mail.subject.other'
  const preheader = outside(isCodeOpen ? 'mail.preheader.code' : 'mail.preheader.plain')
  const own = input.template
    ? fillTemplate(input.template, settings, [challenge.locale, input.userLocale], {
        code: content.code,
        link: content.link,
        hidden,
        tag: challenge.tag,
        to: message.to,
        expiresAt: challenge.expiresAt,
        now: input.now,
        variables: challenge.templateVariables,
      })
    : null
  const view = mailView(input, language, values)
  return {
    id: message.id,
    to: message.to,
    from: senderOf(settings, mailFrom),
    replyTo: settings.mail.replyTo,
    subject: own?.subject ?? outside(isCodeOpen && !own ? 'mail.subject.code' : neutral),
    text: own ? own.text : mailText(view),
    html: own ? own.html : mailHtml(view, cut(preheader, PREHEADER_LENGTH), settings.brand),
  }
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text
}
