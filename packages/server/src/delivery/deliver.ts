import { setTimeout as pause } from 'node:timers/promises'
import type { Keyring } from '../core/keys.ts'
import { type MessageContent, openContent } from '../core/messages/content.ts'
import {
  type ClaimedMessage,
  type Clock,
  DeliveryError,
  type Mail,
  type Settled,
  type Store,
  type Transport,
} from '../core/ports.ts'
import type { Environment, Template } from '../core/rows.ts'
import type { Settings } from '../core/settings/settings.ts'
import { templateOf } from '../core/templates/fit.ts'
import type { Log } from './log.ts'
import { renderMail } from './mail.ts'
import { renderEndpointNotice } from './mail-endpoint.ts'
import { renderNotice } from './mail-notice.ts'
import { settled, told, type Verdict } from './outcome.ts'

/** How long a message stays claimed, in milliseconds: longer than any transport takes, with time to begin in. */
export const LEASE_MS = 30_000
const KEPT_FOR_INBOX_MS = 24 * 3_600_000

/** Whoever reads this text holds a secret key and may know; to visitors a decoy is a challenge like any other. */
const DROPPED: Verdict = { kind: 'failed', error: 'not sent: this address leads to no one here' }

/** How long the last mail was under way. */
const lastSendMs = new WeakMap<Transport, number>()

/** An environment with the settings that hold in it and its templates. */
export interface Home {
  environment: Environment
  settings: Settings
  templates: readonly Template[]
}

export interface DeliverDeps {
  store: Pick<Store, 'holdsLease'>
  clock: Clock
  keyring: Pick<Keyring, 'open'>
  log: Log
  /** How a mail from this environment to this address leaves the house. `inbox`: it stays, and a page shows it. */
  transportFor(home: Home, to: string): Transport | 'inbox'
  directory: { environmentOf(id: string): Promise<Home | null> }
  /** The sender where the environment's settings name none (`MAIL_FROM`). */
  mailFrom: Mail['from']
}

/**
 * One try to deliver one claimed message. Never throws. Null: there is no outcome to store, because the lease ran out
 * before the provider was called, and whoever claims the message next will send it.
 */
export async function deliver(
  deps: DeliverDeps,
  claimed: ClaimedMessage,
  claimedAt: number,
): Promise<Settled | null> {
  const { message, attempt, sealed } = claimed
  let content: MessageContent | null = null
  let keepMs: number | null = null
  let verdict: Verdict | null
  try {
    const home = await deps.directory.environmentOf(message.environmentId)
    if (home?.environment.mode === 'test' && !message.isVoid) keepMs = KEPT_FOR_INBOX_MS
    content =
      sealed === null || !home ? null : openContent(deps.keyring, message.environmentId, message.id, sealed)
    verdict = await tryOnce(deps, claimed, claimedAt, home, content)
  } catch (error) {
    deps.log.error({ err: error, ...named(claimed) }, 'a message could not be prepared')
    verdict = { kind: 'again', error: 'the server could not prepare it' }
  }
  if (verdict === null) return null
  if (message.isVoid) verdict = DROPPED
  const now = deps.clock.now()
  return settled({
    message,
    attempt,
    verdict,
    content,
    now,
    keepSealedUntil: keepMs === null ? null : now + keepMs,
  })
}

/** All reasons not to send, in order, then the send. Throws only before the provider was called. */
async function tryOnce(
  deps: DeliverDeps,
  claimed: ClaimedMessage,
  claimedAt: number,
  home: Home | null,
  content: MessageContent | null,
): Promise<Verdict | null> {
  const { clock, store, log } = deps
  const { message, attempt } = claimed
  if (!home) return { kind: 'failed', error: 'not sent: its environment is gone' }
  if (clock.now() >= message.expiresAt) return { kind: 'failed', error: 'expired before it could be sent' }
  const transport = deps.transportFor(home, message.to)
  if (transport === 'inbox') return { kind: 'sent', reply: 'kept in the dev inbox' }
  if (!content)
    return { kind: 'failed', error: 'not sent: its content does not open with the secrets of this server' }
  const mail = rendered(deps, claimed, home, content)
  if (!mail) return { kind: 'failed', error: 'not sent: it could not be rendered' }
  // Without time for the whole of the transport's time-out, the next to claim it could be sending at the same time.
  const hasTime = clock.now() + transport.timeoutMs < claimedAt + LEASE_MS
  if (!hasTime || !(await store.holdsLease(message.id, attempt, clock.now()))) {
    log.warn(named(claimed), 'a message was let go: its lease ran out before it was sent')
    return null
  }
  return send(deps, claimed, transport, mail, content)
}

function rendered(
  deps: DeliverDeps,
  claimed: ClaimedMessage,
  home: Home,
  content: MessageContent,
): Mail | null {
  const { message, challenge, userLocale } = claimed
  try {
    const { clock, mailFrom } = deps
    const { settings } = home
    const { notice, endpoint } = content
    if (notice) return renderNotice({ message, notice, settings, userLocale, mailFrom })
    if (endpoint) return renderEndpointNotice({ message, endpoint, settings, mailFrom })
    if (!challenge) throw new Error('neither a challenge nor a notice')
    const template = templateOf(home.templates, challenge)
    // Sent all the same, because somebody waits for it; told, because it is not what was asked for.
    if (challenge.template && !template)
      deps.log.warn(
        { ...named(claimed), template: challenge.template },
        'the template is gone or fits no more: the built-in mail is sent',
      )
    return renderMail({
      message,
      challenge,
      content,
      settings,
      template,
      userLocale,
      mailFrom,
      now: clock.now(),
    })
  } catch (error) {
    const stack = told(String((error as Error).stack), content, 4000)
    deps.log.error({ ...named(claimed), stack }, 'a mail could not be rendered')
    return null
  }
}

async function send(
  { log }: DeliverDeps,
  claimed: ClaimedMessage,
  transport: Transport,
  mail: Mail,
  content: MessageContent,
): Promise<Verdict> {
  const { message } = claimed
  try {
    const { reply } = await (message.isVoid ? rehearse(transport, mail) : handOver(transport, mail))
    return { kind: 'sent', reply }
  } catch (error) {
    const isPermanent = error instanceof DeliveryError && error.isPermanent
    const reason = told(error instanceof Error ? error.message : String(error), content)
    log.warn(
      { ...named(claimed), transport: transport.name, isPermanent, reason },
      'a message was not delivered',
    )
    return { kind: isPermanent ? 'failed' : 'again', error: reason }
  }
}

async function handOver(transport: Transport, mail: Mail): Promise<{ reply: string }> {
  const begunAt = performance.now()
  try {
    return await transport.send(mail)
  } finally {
    lastSendMs.set(transport, performance.now() - begunAt)
  }
}

/**
 * What a decoy has in place of the hand-over. All before it is done for a decoy as for a mail: what the worker does right
 * after an answer is felt by the next request, so an address that leads to nobody has to cost as much (promise 7;
 * `npm run timing` tells the two apart at once when it does not). It is composed, and under way as long as the last mail
 * was: its outcome is not written at a moment at which no mail could have arrived.
 */
async function rehearse(transport: Transport, mail: Mail): Promise<{ reply: string }> {
  const begunAt = performance.now()
  await transport.rehearse?.(mail)
  const leftMs = (lastSendMs.get(transport) ?? 0) - (performance.now() - begunAt)
  // A timer takes a millisecond at least, and a mail that was quicker is settled with the next request.
  if (leftMs >= 1) await pause(leftMs)
  return { reply: '' }
}

function named({ message, attempt }: ClaimedMessage) {
  return { messageId: message.id, environmentId: message.environmentId, attempt }
}
