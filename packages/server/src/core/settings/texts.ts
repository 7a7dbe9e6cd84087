import { baseName, cuts } from '../locale.ts'
import type { Settings } from './settings.ts'

/** What a text is of, as its key begins: mails, the sign-in page and its element, the pages behind links, the account page. */
export type TextKind = 'mail.' | 'signIn.' | 'link.' | 'account.'

/** The operator's own texts of one kind for a locale, by key: `de-AT` goes before `de`. */
export function ownTexts(
  { texts }: Pick<Settings, 'texts'>,
  locale: string,
  kind: TextKind,
): Record<string, string> {
  const byTag = new Map(Object.entries(texts).map(([tag, words]) => [baseName(tag) ?? tag, words]))
  const layers = cuts(baseName(locale) ?? locale).reverse()
  return Object.fromEntries(
    layers.flatMap(tag => Object.entries(byTag.get(tag) ?? {})).filter(([key]) => key.startsWith(kind)),
  )
}
