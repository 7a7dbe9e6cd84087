import { baseName, cuts, pickLocale } from '../../core/locale.ts'
import { de } from './de.ts'
import { en } from './en.ts'

export type WordKey = keyof typeof en

/** All words in one language. A language that lacks one does not compile. */
export type Words = Readonly<Record<WordKey, string>>

/** The languages that ship. One more is one file and one line here. */
export const LANGUAGES: Readonly<Record<string, Words>> = { en, de }

/** Words in the language that was picked, and the locale (BCP 47) for `lang`, `dir` and Intl. */
export interface Language {
  locale: string
  direction: 'ltr' | 'rtl'
  words: Words
}

/** The operator's own texts: by locale, then by word key. Unknown keys are passed over. */
export type Overrides = Readonly<Record<string, Readonly<Record<string, string>>>>

const RIGHT_TO_LEFT = /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)(-|$)/

/**
 * Picks a language by lookup, see `pickLocale`. A language exists when it
 * ships or when the operator has texts for it; words that those lack come from the fallback language, because a page
 * with one English line is better than losing a whole translation when an update brings a new word.
 */
export function wordsFor(
  wishes: readonly (string | null | undefined)[],
  allowed: readonly string[] | null,
  fallback: string,
  overrides: Overrides = {},
): Language {
  const texts = new Map(Object.entries(overrides).map(([tag, words]) => [baseName(tag) ?? tag, words]))
  const isThere = (tag: string) => Object.hasOwn(LANGUAGES, tag) || texts.has(tag)
  const locale = pickLocale(wishes, allowed, fallback, isThere)

  const own = cuts(locale).find(tag => Object.hasOwn(LANGUAGES, tag))
  const rest = cuts(baseName(fallback) ?? 'en').find(tag => Object.hasOwn(LANGUAGES, tag))
  const words: Record<string, string> = { ...LANGUAGES[own ?? rest ?? 'en'] }
  const layers = own ? cuts(locale) : [...cuts(locale), ...cuts(baseName(fallback) ?? 'en')]
  for (const tag of layers.reverse()) {
    for (const [key, text] of Object.entries(texts.get(tag) ?? {}))
      if (Object.hasOwn(en, key)) words[key] = text
  }
  return { locale, direction: RIGHT_TO_LEFT.test(locale) ? 'rtl' : 'ltr', words: words as Words }
}
