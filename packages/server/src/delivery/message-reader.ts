import type { EnvironmentView } from '../core/environments/directory.ts'
import type { Keyring } from '../core/keys.ts'
import { openContent } from '../core/messages/content.ts'
import type { MessageReader, ShownMessage } from '../core/messages/reader.ts'
import type { ClaimedMessage, Mail } from '../core/ports.ts'
import { templateOf } from '../core/templates/fit.ts'
import { renderMail } from './mail.ts'
import { renderEndpointNotice } from './mail-endpoint.ts'
import { renderNotice } from './mail-notice.ts'
import { previewMail } from './template-mail.ts'

/** Shows messages as they were mailed: the same content through the same words, so nothing has to be kept twice. */
export function createMessageReader({
  keyring,
  mailFrom,
}: {
  keyring: Keyring
  mailFrom: Mail['from']
}): Pick<MessageReader, 'show' | 'preview'> {
  return {
    preview: previewMail,
    show(
      { message, challenge, sealed, userLocale }: ClaimedMessage,
      { settings, templates }: EnvironmentView,
    ): ShownMessage {
      const envelope = {
        id: message.id,
        challengeId: message.challengeId,
        channel: message.channel,
        to: message.to,
        notice: message.notice,
        tag: challenge?.tag ?? null,
        status: message.status,
        reply: message.reply,
        createdAt: message.createdAt,
        sentAt: message.sentAt,
      }
      // A decoy was never written for a reader: what it holds is shown to nobody.
      const content =
        sealed === null || message.isVoid
          ? null
          : openContent(keyring, message.environmentId, message.id, sealed)
      if (!content)
        return { ...envelope, from: null, subject: null, text: null, html: null, code: null, link: null }
      const { notice, endpoint, ...secrets } = content
      const mail = notice
        ? renderNotice({ message, notice, settings, userLocale, mailFrom })
        : endpoint
          ? renderEndpointNotice({ message, endpoint, settings, mailFrom })
          : challenge &&
            renderMail({
              message,
              challenge,
              content,
              settings,
              template: templateOf(templates, challenge),
              userLocale,
              mailFrom,
              now: message.createdAt,
            })
      if (!mail) throw new Error(`${message.id} is neither of a challenge nor a notice`)
      const from = mail.from.name === null ? mail.from.address : `${mail.from.name} <${mail.from.address}>`
      return { ...envelope, from, subject: mail.subject, text: mail.text, html: mail.html, ...secrets }
    },
  }
}
