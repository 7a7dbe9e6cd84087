// Bidirectional overrides and isolates could turn the shown order of an address or code around.
const UNSHOWABLE = /[\u202a-\u202e\u2066-\u2069]/g

/** One line of plain text: control characters and line ends, which would end a header, become a space. */
export function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(UNSHOWABLE, '')
    .trim()
}

/** The text within Unicode isolates (UAX 9): in a line of the other direction it keeps its own, and turns nothing else. */
export function isolated(text: string): string {
  return `\u2068${text}\u2069`
}

/**
 * Puts values in the place of `{name}`, in one pass: a value that looks like a placeholder stays as it is. Values come
 * as one line, `shown` last of all. A name without a value stays written, so that whoever mistyped it sees it in the
 * first mail.
 */
export function fill(
  text: string,
  values: Readonly<Record<string, string>>,
  shown = (value: string) => value,
): string {
  return text.replace(/\{([A-Za-z]\w*)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? shown(oneLine(values[name]!)) : whole,
  )
}
