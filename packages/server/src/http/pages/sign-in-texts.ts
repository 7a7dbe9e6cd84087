import { readdirSync, readFileSync } from 'node:fs'
import { cuts, pickLocale } from '../../core/locale.ts'
import type { Settings } from '../../core/settings/settings.ts'
import { ownTexts } from '../../core/settings/texts.ts'

/** The texts of one sign-in page in one language. */
export interface SignInTexts {
  /** BCP 47, as it was wished for: `de-AT` where the texts are German. */
  locale: string
  direction: 'ltr' | 'rtl'
  /** The text behind a key with its values; free text stands in Unicode isolates. */
  say(key: string, values?: Readonly<Record<string, string | number>>): string
  /** `10 minutes`, rounded to the nearest: the same words as in the mail. */
  minutes(ms: number): string
}

const FOLDER = new URL('../../words/', import.meta.url)
const RIGHT_TO_LEFT = /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)(-|$)/

type Catalogue = Readonly<Record<string, string>>

/** The one set of catalogues: the element and the mails read them, too. */
const CATALOGUES: ReadonlyMap<string, Catalogue> = new Map(
  readdirSync(FOLDER)
    .filter(name => name.endsWith('.json'))
    .map(name => [
      name.slice(0, -'.json'.length),
      JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Catalogue,
    ]),
)
const ENGLISH = CATALOGUES.get('en') ?? {}

/** Texts by the first wish that ships, then by the settings; without settings (nobody knows whose page it is) by the wishes. */
export function signInTexts(
  wishes: readonly (string | null | undefined)[],
  settings: Settings | null,
): SignInTexts {
  const locale = pickLocale(
    wishes.map(wish => (wish && CATALOGUES.has(wish) ? wish : nearOf(wish))),
    settings?.locale.allowed ?? null,
    settings?.locale.default ?? 'en',
    tag => catalogueOf(tag) !== undefined,
  )
  const words = { ...ENGLISH, ...catalogueOf(locale), ...(settings && ownTexts(settings, locale, 'signIn.')) }
  return {
    locale,
    direction: RIGHT_TO_LEFT.test(locale) ? 'rtl' : 'ltr',
    say: (key, values = {}) =>
      (words[key] ?? key).replace(/\{(\w+)\}/g, (written, name: string) => {
        const value = values[name]
        if (value === undefined) return written
        return typeof value === 'number' ? String(value) : `\u2068${value}\u2069`
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

const catalogueOf = (tag: string): Catalogue | undefined =>
  cuts(tag)
    .map(cut => CATALOGUES.get(cut))
    .find(Boolean)

/** Portuguese of Portugal gets that of Brazil: nearer than English. */
function nearOf(wish: string | null | undefined): string | null {
  if (!wish || catalogueOf(wish)) return wish ?? null
  const language = wish.split('-')[0]?.toLowerCase()
  return [...CATALOGUES.keys()].find(tag => tag.split('-')[0] === language) ?? wish
}
