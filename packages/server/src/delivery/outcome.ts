import type { MessageContent } from '../core/messages/content.ts'
import type { Settled } from '../core/ports.ts'
import type { Message } from '../core/rows.ts'
import { retryAt } from './backoff.ts'

/** How one try ended: in words that may quote a provider. */
export type Verdict =
  | { kind: 'sent'; reply: string }
  | { kind: 'failed'; error: string }
  | { kind: 'again'; error: string }

const WORDS_LENGTH = 500

/** The verdict as it is stored. Another try that would not begin within the message's life is a failure now. */
export function settled(input: {
  message: Message
  attempt: number
  verdict: Verdict
  content: MessageContent | null
  now: number
  keepSealedUntil: number | null
}): Settled {
  const { message, attempt, verdict, content, now, keepSealedUntil } = input
  const row = { id: message.id, environmentId: message.environmentId, attempt, now }
  if (verdict.kind === 'sent')
    return { ...row, kind: 'sent', reply: told(verdict.reply, content), keepSealedUntil }
  const error = told(verdict.error, content)
  if (verdict.kind === 'failed') return { ...row, kind: 'failed', error, keepSealedUntil }
  const at = retryAt(attempt, now, message.expiresAt)
  if (at !== null) return { ...row, kind: 'retry', error, at }
  return { ...row, kind: 'failed', error: `${error} (no time was left for another try)`, keepSealedUntil }
}

/**
 * A provider's words as they may be stored and logged: one line, cut, and without the code or link, which some servers
 * quote when they refuse a mail as spam (DESIGN promise 5).
 */
export function told(text: string, content: MessageContent | null, length = WORDS_LENGTH): string {
  // A quoted-printable soft break (RFC 2045 6.7) may stand in the middle of what is looked for.
  let safe = String(text).replaceAll(/=\r?\n/g, '')
  if (content?.link) safe = safe.replaceAll(content.link, '[hidden]')
  safe = safe.replaceAll(/olk_[\w-]+/g, '[hidden]')
  // A code is quoted as it was shown: its digits may stand apart, in the HTML part by a tag.
  if (content?.code)
    safe = safe.replaceAll(new RegExp([...content.code].join('(?:[\\s\\p{Pd}]|<[^<>]*>)*'), 'gu'), '[hidden]')
  return safe
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, length)
}
