const KEPT_FORMATTERS = 200
const formatters = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>()

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

// Making a formatter costs a hundred times its use. Locales come from requests, so the map is bounded.
function formatter<Format extends Intl.DateTimeFormat | Intl.NumberFormat>(
  key: string,
  make: () => Format,
): Format {
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
