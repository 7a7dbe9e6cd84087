import { html, type TemplateResult } from 'lit'
import type { Brand, Device } from '../client/wire.ts'
import { durationWords, piecesOf, plain } from '../element/words.ts'
import type { AccountFlow } from './flow.ts'
import type { AccountView, Section } from './view.ts'
import type { AccountKey } from './word-keys.ts'

/** What is open in the page: a question, or a field. One at a time. */
export interface Open {
  kind: 'rename' | 'removePasskey' | 'addAddress' | 'removeAddress' | 'endSession' | 'endOthers'
  /** Which row. */
  id: string
}

/** Everything that the templates need to draw one moment. */
export interface AccountScene {
  view: AccountView
  flow: AccountFlow
  words: Readonly<Record<string, string>>
  locale: string
  brand: Brand | null
  now: number
  open: Open | null
  /** What was typed is wrong, found before asking the server. */
  typo: AccountKey | null
  isActivityLong: boolean
  returnUrl: string | null
  /** Whether this page can sign in by itself. */
  canSignIn: boolean
  acts: AccountActs
}

export interface AccountActs {
  open(kind: Open['kind'], id?: string): void
  close(): void
  submitName(id: string, name: string): void
  submitAddress(address: string): void
  submitCode(code: string): void
  /** Does it, closes what was open, and looks after the focus. */
  press(section: Section, work: () => Promise<boolean>): void
  showAll(): void
}

type Values = Readonly<Record<string, string>>

export function say({ words, brand }: AccountScene, key: AccountKey, values: Values = {}): string {
  return plain(words[key] ?? key, { brand: brand?.name ?? '', ...values })
}

/** A text whose addresses and names stand out, and keep their own direction. */
export function rich({ words, brand }: AccountScene, key: AccountKey, values: Values = {}): TemplateResult {
  const pieces = piecesOf(words[key] ?? key, { brand: brand?.name ?? '', ...values })
  return html`${pieces.map(piece => {
    if (typeof piece === 'string') return piece
    return piece.name === 'tag'
      ? html`<bdi class="tag">${piece.value}</bdi>`
      : html`<bdi class="value">${piece.value}</bdi>`
  })}`
}

const MINUTE = 60_000
const UNITS = [
  ['day', 24 * 60 * MINUTE],
  ['hour', 60 * MINUTE],
  ['minute', MINUTE],
] as const

/** "3 hours ago", in the last week; before that, the date. */
export function when({ locale, now }: AccountScene, instant: string): string {
  const at = Date.parse(instant)
  const ago = Math.max(0, now - at)
  if (ago > 7 * 24 * 60 * MINUTE) return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(at)
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  const [unit, ms] = UNITS.find(([, length]) => ago >= length) ?? ['second', MINUTE]
  return words.format(-Math.floor(ago / ms), unit)
}

/** The instant itself, for those who want it. */
export function exactly({ locale }: AccountScene, instant: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' }).format(
    Date.parse(instant),
  )
}

export function deviceWords(scene: AccountScene, device: Device | null): string {
  const { browser, system } = device ?? { browser: null, system: null }
  if (browser && system) return say(scene, 'account.sessions.device', { browser, system })
  return browser ?? system ?? say(scene, 'account.sessions.unknown')
}

/** What is said in a section of the last press there. */
export function toldIn(scene: AccountScene, section: Section): string | null {
  const { told } = scene.view
  if (told?.section !== section) return null
  const time = durationWords(Number(told.values.seconds ?? 60) * 1000, scene.locale)
  return say(scene, told.key, { ...told.values, time })
}
