/** HTML that is safe to put into a page as it is: only `html` makes it. */
export interface Markup {
  readonly markup: string
}

type Value = string | number | Markup | null | readonly Markup[]

/** A template tag: strings are escaped for text and quoted attributes, markup goes in as it is, null is nothing. */
export function html(parts: TemplateStringsArray, ...values: Value[]): Markup {
  let markup = parts[0] ?? ''
  values.forEach((value, index) => {
    markup += write(value) + (parts[index + 1] ?? '')
  })
  return { markup }
}

function write(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  return 'markup' in value ? value.markup : value.map(write).join('')
}

/** A text as it stands in HTML, within an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
