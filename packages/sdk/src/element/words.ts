import { VERSION } from '../chunks.ts'
import type { WordKey } from './word-keys.ts'

/** Texts in one language. One that lacks is shown as its key: a test keeps that from happening. */
export type Words = Readonly<Partial<Record<WordKey, string>>>

/** The languages that ship, as their files are named. */
export const LANGUAGES = ['en', 'de', 'fr', 'es', 'pt-BR', 'it', 'nl', 'pl', 'ja', 'ar'] as const

export type Language = (typeof LANGUAGES)[number]

const RIGHT_TO_LEFT: readonly string[] = ['ar', 'ckb', 'dv', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi']

/** The first wish that ships: exactly, or in another region of the same language; English when there is none. */
export function pickLanguage(wishes: readonly (string | null | undefined)[]): Language {
  for (const wish of wishes) {
    const tag = (wish ?? '').toLowerCase()
    if (tag === '') continue
    const exact = LANGUAGES.find(language => language.toLowerCase() === tag)
    const near = LANGUAGES.find(language => base(language) === base(tag))
    if (exact ?? near) return (exact ?? near) as Language
  }
  return 'en'
}

export function directionOf(locale: string): 'ltr' | 'rtl' {
  return RIGHT_TO_LEFT.includes(base(locale)) ? 'rtl' : 'ltr'
}

function base(tag: string): string {
  return tag.toLowerCase().split('-')[0] ?? ''
}

const LOAD_TIMEOUT_MS = 8000

/**
 * Loads the texts of one language, and of one kind, from the server that served the element. Where that fails twice there are none:
 * the caller then has the `EMERGENCY` texts only.
 */
export async function loadWords(server: string, language: Language, kind = ''): Promise<Words | null> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const signal = AbortSignal.timeout(LOAD_TIMEOUT_MS)
      const answer = await fetch(`${server}/element/words/${kind}${language}.json${VERSION}`, {
        signal,
        credentials: 'omit',
      })
      if (answer.ok) return (await answer.json()) as Words
    } catch {
      // The second attempt, or the emergency texts, are the answer.
    }
  }
  return null
}

/** What can be said when no catalogue could be loaded; then nothing else works either. */
export const EMERGENCY: Words = {
  'signIn.starting': 'One moment…',
  'signIn.trouble.title': 'That did not work',
  'signIn.trouble.network': 'We cannot reach the server. Please check your connection and try again.',
  'signIn.trouble.server': 'Something went wrong on our side. Please try again in a moment.',
  'signIn.retry': 'Try again',
}

/** A text in pieces: what is said, and the values in between, which are shown apart (`bdi`). */
export type Piece = string | { name: string; value: string }

/** Splits a text at its placeholders. One without a value stays written, so that whoever mistyped it sees it. */
export function piecesOf(text: string, values: Readonly<Record<string, string>>): Piece[] {
  return text
    .split(/(\{\w+\})/)
    .filter(piece => piece !== '')
    .map(piece => {
      const name = /^\{(\w+)\}$/.exec(piece)?.[1]
      return name !== undefined && Object.hasOwn(values, name) ? { name, value: values[name] ?? '' } : piece
    })
}

const FREE_TEXT = ['address', 'brand', 'tag', 'requestId']

/** The text as one string; free text stands in Unicode isolates, so that none turns the rest of the line around. */
export function plain(text: string, values: Readonly<Record<string, string>>): string {
  return piecesOf(text, values)
    .map(piece => (typeof piece === 'string' ? piece : isolated(piece)))
    .join('')
}

function isolated({ name, value }: { name: string; value: string }): string {
  return FREE_TEXT.includes(name) ? `\u2068${value}\u2069` : value
}

/** "10 minutes" to the nearest minute, as the mail says it; in the last 90 seconds "40 seconds". */
export function durationWords(ms: number, locale: string): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const [amount, unit] = seconds >= 90 ? [Math.round(seconds / 60), 'minute'] : [seconds, 'second']
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(amount)
}

/** "0:24": what a countdown shows. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
