import { baseName, cuts } from '../locale.ts'
import type { Settings } from './settings.ts'

/** The operator's own texts of one kind for a locale, by key: `de-AT` goes before `de`. */
export function ownTexts(
  { texts }: Settings,
  locale: string,
  prefix: 'mail.' | 'signIn.',
): Record<string, string> {
  const byTag = new Map(Object.entries(texts).map(([tag, words]) => [baseName(tag) ?? tag, words]))
  const layers = cuts(baseName(locale) ?? locale).reverse()
  return Object.fromEntries(
    layers.flatMap(tag => Object.entries(byTag.get(tag) ?? {})).filter(([key]) => key.startsWith(prefix)),
  )
}
