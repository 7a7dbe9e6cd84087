import type { EnvironmentView } from '../environments/directory.ts'
import type { ClaimedMessage } from '../ports.ts'
import type { Message, Template } from '../rows.ts'

/** A message as a person would see it. All but the envelope is null once its content was wiped. */
export interface ShownMessage {
  id: string
  /** Null: a security notice. */
  challengeId: string | null
  notice: Message['notice']
  channel: 'email'
  to: string
  from: string | null
  subject: string | null
  text: string | null
  html: string | null
  code: string | null
  link: string | null
  tag: string | null
  status: 'queued' | 'sent' | 'failed'
  reply: string | null
  createdAt: number
  sentAt: number | null
}

/** A mail that was rendered with sample values. */
export interface PreviewedMail {
  locale: string
  subject: string
  text: string
  html: string | null
}

/** Opens messages for the inbox of a test environment, and shows what a template would become. */
export interface MessageReader {
  show(claimed: ClaimedMessage, view: EnvironmentView): ShownMessage
  preview(
    template: Template,
    view: EnvironmentView,
    input: { locale: string | null; variables: Record<string, string>; now: number },
  ): PreviewedMail
  /** Resolves when a message of the environment is queued, after `ms` at the latest, or at once when `signal` aborts. */
  waitForNext(environmentId: string, ms: number, signal: AbortSignal): Promise<void>
}

/** The waiting half of a reader: whoever waits is woken by `tell`. */
export function createWaitingRoom(): {
  waitForNext: MessageReader['waitForNext']
  tell(environmentId: string): void
} {
  const waiting = new Map<string, Set<() => void>>()
  return {
    waitForNext: (environmentId, ms, signal) =>
      new Promise(resolve => {
        if (signal.aborted) return resolve()
        const room = waiting.get(environmentId) ?? new Set()
        waiting.set(environmentId, room)
        const leave = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', leave)
          room.delete(leave)
          resolve()
        }
        const timer = setTimeout(leave, ms)
        signal.addEventListener('abort', leave)
        room.add(leave)
      }),
    tell(environmentId) {
      for (const leave of [...(waiting.get(environmentId) ?? [])]) leave()
    },
  }
}
