import { baseName } from '../core/locale.ts'
import type { Challenge } from '../core/rows.ts'
import type { Settings } from '../core/settings/settings.ts'
import { ownTexts } from '../core/settings/texts.ts'
import { type Language, wordsFor } from '../words/catalogue.ts'

/**
 * The words of a challenge's mail, in the first wished language that there is. In an action the texts of its definition go before
 * all others, and can add a language.
 */
export function mailLanguage(
  settings: Settings,
  { purpose, actionId, locale }: Pick<Challenge, 'purpose' | 'actionId' | 'locale'>,
  userLocale: string | null | undefined,
): Language {
  const { definitions } = settings.action
  const own = (actionId && Object.hasOwn(definitions, purpose) && definitions[purpose]?.texts) || {}
  const texts = Object.entries(own).reduce<Settings['texts']>((all, [tag, words]) => {
    const name = baseName(tag) ?? tag
    return Object.assign(all, { [name]: { ...all[name], ...words } })
  }, byBaseName(settings.texts))
  const language = wordsFor([locale, userLocale], { ...settings, texts }, 'mail.')
  // Once more, for a definition that speaks German goes before texts of the environment for Austria.
  const last = ownTexts({ texts: own }, language.locale, 'mail.')
  return { ...language, words: { ...language.words, ...last } }
}

const byBaseName = (texts: Settings['texts']): Settings['texts'] =>
  Object.fromEntries(Object.entries(texts).map(([tag, words]) => [baseName(tag) ?? tag, words]))
