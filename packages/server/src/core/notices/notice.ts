import { maskEmail } from '../addresses/email.ts'
import type { Call, Deps } from '../deps.ts'
import { newId } from '../ids.ts'
import { type Notice, sealContent } from '../messages/content.ts'
import type { Circumstances, NewNotice } from '../ports.ts'
import type { NoticeKind } from '../rows.ts'
import type { Settings } from '../settings/settings.ts'

const LIVES_MS = 24 * 3_600_000

/** Which setting switches a notice off. */
const SETTING: Record<NoticeKind, keyof Settings['notices']> = {
  newDevice: 'newDevice',
  passkeyAdded: 'passkey',
  passkeyRemoved: 'passkey',
  addressAdded: 'address',
  addressRemoved: 'address',
  primaryChanged: 'address',
}

/**
 * The name of a passkey is the word of whoever had the session, who may be the one that the notice warns of: in the mail it
 * names no place to go to, which mail programs would make a link.
 */
const unlinked = (name: string) => name.replace(/[^\p{L}\p{M}\p{N},_'’()+-]+/gu, ' ').trim() || '?'

function shown(kind: NoticeKind, subject: string): string {
  if (SETTING[kind] === 'passkey') return unlinked(subject)
  return subject.includes('@') ? maskEmail(subject) : subject
}

/**
 * A security notice that is ready to be written with what it tells of: a mail without a code, live for 24 hours. Null
 * where the settings have it off. It names where to look, and nothing in it opens anything.
 */
export function newNotice(
  { keyring, publicUrl }: Pick<Deps, 'keyring' | 'publicUrl'>,
  { view, origin }: Call,
  kind: NoticeKind,
  { ipAddress, userAgent }: Pick<Circumstances, 'ipAddress' | 'userAgent'>,
  now: number,
): NewNotice | null {
  if (!view.settings.notices[SETTING[kind]]) return null
  const messageId = newId('msg', now)
  const app = view.apps.find(one => one.id === origin.appId) ?? view.defaultApp
  return {
    kind,
    messageId,
    expiresAt: now + LIVES_MS,
    sealed(subject) {
      const notice: Notice = {
        kind,
        at: now,
        userAgent,
        ipAddress,
        subject: subject === null ? null : shown(kind, subject),
        accountUrl: `${publicUrl}/account?key=${app.publishableKey}`,
      }
      return sealContent(keyring, view.environment.id, messageId, { code: null, link: null, notice })
    },
  }
}
