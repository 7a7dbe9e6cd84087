import { readFileSync } from 'node:fs'
import { baseName, cuts, pickLocale } from '../core/locale.ts'
import type { Settings } from '../core/settings/settings.ts'
import { ownTexts, type TextKind } from '../core/settings/texts.ts'
import type english from './en.json'

/**
 * The languages that ship: one file each beside this one, which mails, pages and the element read. English is the list
 * of all keys. Each text is a whole sentence or label with its values in braces, so that no language has to be put
 * together from pieces.
 */
export const LANGUAGES = ['en', 'de', 'fr', 'es', 'pt-BR', 'it', 'nl', 'pl', 'ja', 'ar'] as const

export type WordKey = keyof typeof english

/** All words in one language. */
export type Words = Readonly<Record<WordKey, string>>

/** Words in the language that was picked, and the locale (BCP 47) for `lang`, `dir` and Intl. */
export interface Language {
  locale: string
  direction: 'ltr' | 'rtl'
  words: Words
}

const RIGHT_TO_LEFT = /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)(-|$)/

const loaded = new Map<string, Words>()

/**
 * Picks a language by lookup, see `pickLocale`. Mails and link pages speak a language when it ships or when the operator has
 * texts of that kind in it; words that those lack come from the environment's default, because a page with one foreign line
 * is better than losing a whole translation when an update brings a new word. The sign-in page and the account page speak what
 * their elements can load: those that ship. Without settings (nobody knows whose page it is) only the wishes count.
 */
export function wordsFor(
  wishes: readonly (string | null | undefined)[],
  settings: Pick<Settings, 'locale' | 'texts'> | null,
  kind: TextKind,
): Language {
  const isElement = kind === 'signIn.' || kind === 'account.'
  const own = new Set(isElement ? [] : localesWith(settings?.texts ?? {}, kind))
  const isThere = (tag: string) => shipped(tag) !== undefined || own.has(tag)
  const fallback = settings?.locale.default ?? 'en'
  const locale = pickLocale(
    wishes.map(wish => nearOf(wish, isThere)),
    settings?.locale.allowed ?? null,
    nearOf(fallback, isThere) ?? 'en',
    isThere,
  )
  const language = cuts(locale).find(shipped)
  const rest = language ? null : (nearOf(fallback, isThere) ?? 'en')
  const base = load(language ?? cuts(rest ?? 'en').find(shipped) ?? 'en')
  const texts = settings && {
    ...(rest !== null && ownTexts(settings, rest, kind)),
    ...ownTexts(settings, locale, kind),
  }
  const known = Object.entries(texts ?? {}).filter(([key]) => Object.hasOwn(base, key))
  return {
    locale,
    direction: RIGHT_TO_LEFT.test(locale) ? 'rtl' : 'ltr',
    words: { ...base, ...Object.fromEntries(known) },
  }
}

/** The words of one language that ships. Read when it is first asked for: most servers speak two. */
function load(language: string): Words {
  const kept = loaded.get(language)
  if (kept) return kept
  const words = JSON.parse(readFileSync(new URL(`./${language}.json`, import.meta.url), 'utf8')) as Words
  loaded.set(language, words)
  return words
}

function shipped(tag: string): string | undefined {
  return LANGUAGES.find(language => language === tag)
}

function localesWith(texts: Settings['texts'], kind: TextKind): string[] {
  return Object.entries(texts)
    .filter(([, own]) => Object.keys(own).some(key => key.startsWith(kind)))
    .map(([tag]) => baseName(tag) ?? tag)
}

/** Portuguese of Portugal gets that of Brazil: nearer than English. */
function nearOf(wish: string | null | undefined, isThere: (tag: string) => boolean): string | null {
  const tag = wish ? baseName(wish) : null
  if (tag === null || cuts(tag).some(isThere)) return tag
  const [language] = tag.split('-')
  return LANGUAGES.find(one => one.split('-')[0] === language) ?? tag
}
