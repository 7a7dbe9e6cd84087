import type { Settings } from '../../core/settings/settings.ts'
import type { TextKind } from '../../core/settings/texts.ts'
import { wordsFor } from '../../words/catalogue.ts'
import { isolated } from '../../words/fill.ts'

/** The texts of one page in one language. */
export interface PageTexts {
  /** BCP 47, as it was wished for: `de-AT` where the texts are German. */
  locale: string
  direction: 'ltr' | 'rtl'
  /** The text behind a key with its values; free text stands in Unicode isolates. A value that is missing stays written. */
  say(key: string, values?: Readonly<Record<string, string | number>>): string
  /** `10 minutes`, rounded to the nearest: the same words as in the mail. */
  minutes(ms: number): string
}

/**
 * Texts by the first wish that is there, then by the settings; without settings (nobody knows whose page it is) by the wishes.
 * With a variant, as `confirm`, the text `signIn.confirm.title` goes before `signIn.title` where there is one.
 */
export function pageTexts(
  wishes: readonly (string | null | undefined)[],
  settings: Settings | null,
  kind: TextKind,
  variant: 'confirm' | null = null,
): PageTexts {
  const { locale, direction, words } = wordsFor(wishes, settings, kind)
  const texts: Readonly<Record<string, string>> = words
  const textOf = (key: string) => (variant && texts[key.replace('.', `.${variant}.`)]) ?? texts[key] ?? key
  return {
    locale,
    direction,
    say: (key, values = {}) =>
      textOf(key).replace(/\{(\w+)\}/g, (written, name: string) => {
        const value = values[name]
        if (value === undefined) return written
        return typeof value === 'number' ? String(value) : isolated(value)
      }),
    minutes(ms) {
      const [amount, unit] =
        ms >= 90_000 ? [Math.round(ms / 60_000), 'minute'] : [Math.ceil(ms / 1000), 'second']
      return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(
        Math.max(0, amount as number),
      )
    },
  }
}

/** The wishes of a browser, best first. */
export function wishesOf(acceptLanguage: string | undefined): string[] {
  return (acceptLanguage ?? '')
    .split(',')
    .slice(0, 20)
    .map(entry => {
      const [tag = '', ...rest] = entry.trim().split(';')
      const quality = rest.map(one => /^\s*q=([\d.]+)$/.exec(one)?.[1]).find(Boolean)
      return { tag, quality: quality === undefined ? 1 : Number(quality) }
    })
    .filter(({ tag, quality }) => tag !== '' && quality > 0)
    .sort((one, other) => other.quality - one.quality)
    .map(({ tag }) => tag)
}
