import { html } from '../core/markup.ts'
import type { EndpointNotice } from '../core/messages/content.ts'
import type { Mail } from '../core/ports.ts'
import type { Message } from '../core/rows.ts'
import type { Settings } from '../core/settings/settings.ts'
import { type WordKey, wordsFor } from '../words/catalogue.ts'
import { fill, oneLine } from '../words/fill.ts'
import { dateAndTime } from '../words/time.ts'
import { askedBlock, mailFrame } from './mail-html.ts'
import { mailStyle } from './mail-style.ts'
import { rowText } from './mail-text.ts'
import { asShown, senderOf } from './mail-view.ts'

export interface EndpointNoticeInput {
  message: Message
  endpoint: EndpointNotice
  settings: Settings
  mailFrom: Mail['from']
}

/**
 * The mail to those who run an app that one of its webhook endpoints was disabled: which, why, and what to do. In the
 * default language of the environment; nothing in it opens anything.
 */
export function renderEndpointNotice({ message, endpoint, settings, mailFrom }: EndpointNoticeInput): Mail {
  const language = wordsFor([], settings, 'mail.')
  const shown = (value: string) => asShown(oneLine(value), language)
  const values = { host: endpoint.host, brand: settings.brand.name }
  const say = (key: WordKey) => fill(language.words[key], values, value => asShown(value, language))
  const heading = say('mail.endpoint.title')
  const text = say(`mail.endpoint.${endpoint.reason}`)
  const title = say('mail.notice.details')
  const rows = [
    [say('mail.asked.time'), dateAndTime(endpoint.at, language.locale)],
    [say('mail.endpoint.environment'), shown(endpoint.environment)],
    [say('mail.endpoint.endpoint'), shown(endpoint.endpointId)],
  ] as const
  const [enable, replay] = [say('mail.endpoint.enable'), say('mail.endpoint.replay')]
  const commands = commandsOf(endpoint)
  const brand = shown(settings.brand.name)
  const style = mailStyle(settings.brand)
  const parts = [
    heading,
    text,
    `${title}\n${rows.map(row => rowText(row, language)).join('\n')}`,
    `${enable}\n\n    ${commands.enable}`,
    `${replay}\n\n    ${commands.replay}`,
    `-- \n${brand}`,
  ]
  const command = (words: string) =>
    html`<p class="text" dir="ltr" style="${style.paragraph}"><code>${words}</code></p>`
  return {
    id: message.id,
    to: message.to,
    from: senderOf(settings, mailFrom),
    replyTo: settings.mail.replyTo,
    subject: oneLine(heading),
    text: `${parts.join('\n\n')}\n`,
    html: mailFrame(
      { language, brand, heading },
      text,
      settings.brand,
      html`<p class="text" style="${style.paragraph}">${text}</p>
${askedBlock({ title, rows: [...rows] }, style)}
<p class="text" style="${style.paragraph}">${enable}</p>
${command(commands.enable)}
<p class="text" style="${style.paragraph}">${replay}</p>
${command(commands.replay)}`,
    ),
  }
}

/** An endpoint that failed for days has missed what came after it was disabled, and gave up some of what came before. */
function commandsOf({ url, at, reason }: EndpointNotice) {
  const days = reason === 'failing' ? 5 : 0
  const since = new Date(at - days * 24 * 3_600_000).toISOString()
  return {
    enable: `PATCH ${url} {"status": "enabled"}`,
    replay: `POST ${url}/replay {"since": "${since}", "which": "undelivered"}`,
  }
}
