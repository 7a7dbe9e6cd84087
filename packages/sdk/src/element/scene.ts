import { html, type TemplateResult } from 'lit'
import type { Failure } from '../client/errors.ts'
import { type Flow, isCodeAlive, isUsedUp, methodsOf, type View } from './flow.ts'
import type { WordKey } from './word-keys.ts'
import { countdown, durationWords, EMERGENCY, piecesOf, plain, type Words } from './words.ts'

/** Everything that the templates need to draw one moment. */
export interface Scene {
  view: View
  flow: Flow
  words: Words
  locale: string
  /** By this machine's clock. */
  now: number
  isSlow: boolean
  isOffline: boolean
  /** Whether there is something to give up: a page to go back to. */
  isCancelable: boolean
  /** Whether a new action can be begun from here. */
  canBegin: boolean
  /** What is wrong with what was typed, found before asking the server. */
  typo: 'empty' | 'invalid' | 'short' | null
  /** Makes the ids of this element unique in its page. */
  id: string
  loginHint: string | null
  startAnew(): void
}

type Values = Readonly<Record<string, string>>

/** A text as one string. */
export function say(scene: Scene, key: WordKey, values: Values = {}): string {
  return plain(wordOf(scene, key), { ...common(scene), ...values })
}

/** A text whose values stand out, and keep their own direction. */
export function rich(scene: Scene, key: WordKey, values: Values = {}): TemplateResult {
  const pieces = piecesOf(wordOf(scene, key), { ...common(scene), ...values })
  const drawnPieces = pieces.map((piece, at) => {
    const [before, after] = [pieces[at - 1], pieces[at + 1]]
    if (typeof piece !== 'string') return drawn(piece, typeof after === 'string' ? stopOf(after) : '')
    return typeof before === 'object' ? piece.slice(stopOf(piece).length) : piece
  })
  return html`${drawnPieces}`
}

/** The full stop right after a value: it stays with it, or it would begin a line of its own. */
function stopOf(text: string): string {
  return /^[.,]/.exec(text)?.[0] ?? ''
}

function drawn({ name, value }: { name: string; value: string }, stop: string): TemplateResult {
  if (name === 'address')
    return html`<span class="address"><strong><bdi>${breakable(value)}</bdi></strong>${stop}</span>`
  if (name === 'tag') return html`<bdi class="tag ostiary-tag">${value}</bdi>${stop}`
  return html`<bdi>${value}</bdi>${stop}`
}

/** A long address goes on a new line after its @, not at any letter. */
function breakable(address: string): TemplateResult {
  const [local = '', ...domain] = address.split('@')
  return domain.length > 0 ? html`${local}@<wbr>${domain.join('@')}` : html`${local}`
}

/** Who confirms something else signs in to nothing: a text of `signIn.confirm.` goes before the one of the same name. */
function wordOf({ words, view }: Scene, key: WordKey): string {
  const own = view.action?.name !== 'signIn' && words[key.replace('.', '.confirm.') as WordKey]
  return own || (words[key] ?? EMERGENCY[key] ?? key)
}

function common({ view }: Scene): Values {
  const { action } = view
  return {
    brand: action?.brand.name ?? '',
    address: action?.address ?? '',
    tag: action?.challenge?.tag ?? '',
    length: String(action?.challenge?.codeLength ?? ''),
    count: String(view.failure?.attemptsLeft ?? action?.challenge?.attemptsLeft ?? ''),
    requestId: view.failure?.requestId ?? '',
  }
}

/** Heading and the sentence below it. */
export function headOf(scene: Scene): { title: WordKey; lead: WordKey | null } {
  const { screen, ending, failure, result, action } = scene.view
  switch (screen) {
    case 'starting':
      return { title: 'signIn.starting', lead: null }
    case 'failed':
      return { title: 'signIn.trouble.title', lead: null }
    case 'identify':
      return { title: 'signIn.title', lead: 'signIn.identify.lead' }
    case 'method':
      return { title: 'signIn.method.title', lead: methodLead(scene) }
    case 'done':
      if (result === null) return { title: 'signIn.done.title', lead: 'signIn.done.elsewhere' }
      return {
        title: 'signIn.done.title',
        lead: result.redirectTo ? 'signIn.done.going' : 'signIn.done.here',
      }
    case 'ended': {
      const why = ending ?? 'expired'
      const isClosed = failure?.code === 'sign_up_closed' && action !== null
      return {
        title: `signIn.ended.${why}.title`,
        lead: isClosed ? 'signIn.ended.closed.text' : `signIn.ended.${why}.text`,
      }
    }
    default:
      return { title: `signIn.${screen}.title`, lead: `signIn.${screen}.lead` }
  }
}

/** Where a passkey is made: it is asked for, or offered. */
export const isMaking = (screen: View['screen']): screen is 'enroll' | 'offer' =>
  screen === 'enroll' || screen === 'offer'

/** What is to be said before a choice of ways: that one proof is given, that mail is sent, or that there is no way here. */
function methodLead({ view }: Scene): WordKey | null {
  const hasMail = methodsOf(view.action).length > 0
  if (!hasMail && !view.canPasskey) return 'signIn.method.none'
  if (view.action?.completedSteps.length) return 'signIn.method.more'
  return hasMail ? 'signIn.method.lead' : null
}

/** Whether the code or link on the screen has died, so that only a new one helps. */
export function isDead({ view, now }: Scene): boolean {
  return (view.screen === 'code' || view.screen === 'link') && !isCodeAlive(view, now)
}

/** What is wrong with the field on the screen; null when nothing is. */
export function fieldError(scene: Scene): string | null {
  const { typo, view } = scene
  if (typo === 'short') return say(scene, 'signIn.code.short')
  if (typo !== null) return say(scene, `signIn.identify.${typo}`)
  const code = view.failure?.code
  if (view.screen === 'identify') {
    if (code === 'invalid_request') return say(scene, 'signIn.identify.invalid')
    return code === 'destination_not_allowed' ? say(scene, 'signIn.identify.refused') : null
  }
  if (isDead(scene)) {
    if (code === 'attempts_exhausted' || isUsedUp(view)) return say(scene, 'signIn.code.exhausted')
    if (code === 'challenge_used') return say(scene, 'signIn.code.used')
    return say(scene, view.screen === 'link' ? 'signIn.link.expired' : 'signIn.code.expired')
  }
  if (view.screen !== 'code' && view.screen !== 'link') return null
  if (code === 'invalid_request') return say(scene, 'signIn.code.short')
  return code === 'code_incorrect' ? say(scene, 'signIn.code.incorrect') : null
}

/** What went wrong besides, and whether the reference helps those who are asked about it. */
export function troubleOf(scene: Scene): { text: string; isOurs: boolean } | null {
  const { view, isOffline } = scene
  if (isOffline && view.screen !== 'done')
    return { text: say(scene, 'signIn.trouble.offline'), isOurs: false }
  const { failure } = view
  if (failure === null || view.screen === 'ended' || fieldError(scene) !== null) return null
  if (failure.code === 'rate_limited') {
    const left = (view.waitUntil ?? 0) - scene.now
    if (left <= 0) return null
    const time = left > 90_000 ? durationWords(left, scene.locale) : countdown(left)
    return { text: say(scene, 'signIn.trouble.rate', { time }), isOurs: false }
  }
  if (failure.code === 'token_invalid')
    return {
      text: say(scene, isMaking(view.screen) ? `signIn.${view.screen}.cancelled` : 'signIn.passkey.unknown'),
      isOurs: false,
    }
  const key = TROUBLES[failure.code] ?? (view.screen === 'failed' && isOurFault(failure) ? 'setup' : 'server')
  return { text: say(scene, `signIn.trouble.${key}`), isOurs: key !== 'network' }
}

const TROUBLES: Partial<Record<Failure['code'], 'network' | 'setup'>> = {
  network_failed: 'network',
  timed_out: 'network',
  origin_not_allowed: 'setup',
  redirect_url_not_allowed: 'setup',
}

function isOurFault(failure: { failure: Failure }): boolean {
  const { status } = failure.failure
  return status !== null && status >= 400 && status < 500
}

/** What is said of a notice; a passkey that another press has put an end to is nothing to speak of. */
export function noticeOf({ view }: Scene): WordKey | null {
  const { notice, screen } = view
  if (screen === 'enroll' && !view.canPasskey) return 'signIn.enroll.impossible'
  if (notice === null || notice === 'stopped') return null
  if (notice === 'sent' || notice === 'replaced') return `signIn.resend.${notice}`
  if (isMaking(screen)) return notice === 'exists' ? 'signIn.offer.exists' : `signIn.${screen}.cancelled`
  return notice === 'impossible' ? 'signIn.passkey.impossible' : 'signIn.passkey.cancelled'
}

/** Whether a press is nothing now. One that waits at the browser's window holds nobody up. */
export function isHeld({ view: { busy } }: Scene): boolean {
  return busy !== null && busy !== 'passkey' && busy !== 'enroll'
}

/** When the next message can be asked for, in ms from now; 0 when it can. */
export function resendWait({ view, now }: Scene): number {
  const resendAt = view.action?.challenge?.resendAt
  return resendAt ? Math.max(0, Date.parse(resendAt) - now - view.skewMs) : 0
}

/** How long the code or link lives, in words. */
export function lifeOf({ view, now, locale }: Scene): string {
  const expiresAt = Date.parse(view.action?.challenge?.expiresAt ?? '') || 0
  return durationWords(expiresAt - now - view.skewMs, locale)
}

/** What a screen reader is to hear without being asked. It changes when something happened, not with each second. */
export function heard(scene: Scene): string {
  const { view, isSlow, isOffline } = scene
  if (isOffline) return ''
  if (isSlow) return say(scene, 'signIn.trouble.slow')
  if (view.busy === 'verify' || view.busy === 'finish') return say(scene, 'signIn.busy.verify')
  const told = noticeOf(scene)
  if (told) return say(scene, told)
  const { title, lead } = headOf(scene)
  const number = view.screen === 'approve' ? view.action?.challenge?.number : null
  return [say(scene, title), lead && say(scene, lead), number].filter(Boolean).join(' ')
}
