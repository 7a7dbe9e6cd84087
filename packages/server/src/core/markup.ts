/** Markup as template strings in which every value is escaped. */
const MARKUP = Symbol('markup')

/** A piece of markup that is safe to put into a page. Only `html` and `raw` make it: JSON cannot pose as it. */
export interface Html {
  readonly [MARKUP]: string
}

type Value = Html | string | number | null | undefined | false | readonly Value[]

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Template tag: values are escaped for text and for quoted attributes; nothing else is a safe place for them. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  let markup = strings[0] ?? ''
  for (const [at, value] of values.entries()) markup += write(value) + (strings[at + 1] ?? '')
  return raw(markup)
}

/** Takes markup as it is: only for text that this code base wrote. */
export function raw(markup: string): Html {
  return { [MARKUP]: markup }
}

/** The finished text. */
export function render(page: Html): string {
  return page[MARKUP]
}

/** A text as it stands in HTML, within an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, char => ESCAPES[char] ?? '')
}

function write(value: Value): string {
  if (value === null || value === undefined || value === false) return ''
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.map(write).join('')
  return render(value as Html)
}
