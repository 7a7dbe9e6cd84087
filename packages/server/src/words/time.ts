const KEPT_FORMATTERS = 200
type Formatter = Intl.DateTimeFormat | Intl.NumberFormat | Intl.RelativeTimeFormat
const formatters = new Map<string, Formatter>()

/** "10 minutes", to the nearest minute and at least one. */
export function durationWords(ms: number, locale: string): string {
  const format = formatter(`${locale}/minutes`, () => {
    return new Intl.NumberFormat(locale, { style: 'unit', unit: 'minute', unitDisplay: 'long' })
  })
  return plainSpaces(format.format(Math.max(1, Math.round(ms / 60_000))))
}

/** "2:13 PM UTC". Always UTC and said so: where the reader is, the server does not know. */
export function clockTime(at: number, locale: string): string {
  const format = formatter(`${locale}/time`, () => {
    return new Intl.DateTimeFormat(locale, {
      hour: 'numeric',
      minute: '2-digit',
      timeZone: 'UTC',
      timeZoneName: 'short',
    })
  })
  return plainSpaces(format.format(at))
}

/** "November 21, 2026 at 2:13 PM UTC". */
export function dateAndTime(at: number, locale: string): string {
  const format = formatter(`${locale}/date`, () => {
    const date = { day: 'numeric', month: 'long', year: 'numeric' } as const
    return new Intl.DateTimeFormat(locale, {
      ...date,
      hour: 'numeric',
      minute: '2-digit',
      timeZone: 'UTC',
      timeZoneName: 'short',
    })
  })
  return plainSpaces(format.format(at))
}

/** "21 Nov 2026, 14:13 UTC", for narrow columns. */
export function shortMoment(at: number, locale: string): string {
  const format = formatter(`${locale}/moment`, () => {
    // Month first in figures is read wrong by half of those who read English.
    return new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : locale, {
      dateStyle: 'medium',
      timeStyle: 'short',
      timeZone: 'UTC',
    })
  })
  return `${plainSpaces(format.format(at))} UTC`
}

/** "2 minutes ago", rounded down. */
export function ago(at: number, now: number, locale: string): string {
  const seconds = Math.min(0, Math.round((at - now) / 1000))
  const format = formatter(`${locale}/ago`, () => new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }))
  if (seconds > -60) return format.format(seconds, 'second')
  if (seconds > -3600) return format.format(Math.ceil(seconds / 60), 'minute')
  if (seconds > -86_400) return format.format(Math.ceil(seconds / 3600), 'hour')
  return format.format(Math.ceil(seconds / 86_400), 'day')
}

// Making a formatter costs a hundred times its use. Locales come from requests, so the map is bounded.
function formatter<Format extends Formatter>(key: string, make: () => Format): Format {
  const kept = formatters.get(key)
  if (kept) return kept as Format
  if (formatters.size >= KEPT_FORMATTERS) formatters.clear()
  const made = make()
  formatters.set(key, made)
  return made
}

// Intl writes U+202F before AM and PM, which many fonts of mail programs do not have.
function plainSpaces(text: string): string {
  return text.replace(/[\u202f\u2009]/g, ' ')
}
