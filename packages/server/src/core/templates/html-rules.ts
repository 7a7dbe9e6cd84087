/**
 * What the HTML of a mail may hold. Lists of what is allowed, because a list of what is dangerous is never whole: no
 * scripts, forms, frames, embedded things, remote styles or fonts.
 */

const ELEMENTS = new Set(
  `html head body meta title style
   div p span a img br hr wbr center font h1 h2 h3 h4 h5 h6 header footer main section article address figure figcaption
   b strong i em u s small big sub sup del ins abbr blockquote pre code ul ol li dl dt dd
   table caption colgroup col thead tbody tfoot tr th td`.split(/\s+/),
)

const ATTRIBUTES = new Set(
  `id class style title lang dir role width height align valign bgcolor color border cellpadding cellspacing
   colspan rowspan scope face size start type media target rel name alt xmlns xmlns:v xmlns:o`.split(/\s+/),
)

/** Attributes with one place each. */
const ONLY_ON: Record<string, string> = {
  href: 'a',
  src: 'img',
  charset: 'meta',
  content: 'meta',
  'http-equiv': 'meta',
}

/** Attributes whose value is text that is shown or read out, so that it may hold variables. */
const WITH_VARIABLES = new Set(['alt', 'title', 'aria-label', 'lang'])

export const isElement = (element: string): boolean => ELEMENTS.has(element)

export const mayHoldVariables = (attribute: string): boolean => WITH_VARIABLES.has(attribute)

export function isAttribute(element: string, attribute: string): boolean {
  if (Object.hasOwn(ONLY_ON, attribute)) return ONLY_ON[attribute] === element
  return ATTRIBUTES.has(attribute) || /^(aria|data)-[a-z][a-z-]{0,40}$/.test(attribute)
}

/** A literal https origin, and all that follows belongs to its path, query or fragment. */
const HTTPS = /^https:\/\/[a-z0-9.-]+(:\d{1,5})?(?=[/?#]|$)/i

/** The length of the literal https origin that a URL begins with; 0 when it begins otherwise. */
export const originLength = (url: string): number => HTTPS.exec(url)?.[0].length ?? 0

/** URLs without variables that are no web pages: mail to support, a telephone, a place in the mail itself. */
export const isPlainTarget = (url: string): boolean =>
  /^mailto:[\w.+-]+@[\w.-]+(\?[^{}]*)?$/i.test(url) ||
  /^tel:[\d+().\s-]+$/i.test(url) ||
  /^#[\w-]*$/.test(url)

const CSS_BEYOND =
  /(url|src|image)\s*\(|image-set|@import|@font-face|@namespace|expression\s*\(|behavior\s*:|-moz-binding|\\|\{\{/i

/** Why styles cannot be taken, or null. Whatever could load something, run something or hide that it does. */
export function styleFault(css: string, isAttribute: boolean): string | null {
  // In an attribute the browser reads character references first: `&#117;rl(` is `url(`.
  const read = isAttribute ? css.replaceAll(/&(quot|apos|#39|#x27);/g, "'") : css
  if (isAttribute && read.includes('&')) return 'holds a character reference in style'
  const found = CSS_BEYOND.exec(read)?.[0]
  return found === undefined
    ? null
    : `holds "${found}" in a style, which loads nothing and takes no variables`
}

/** Why a visible text cannot be taken, or null: mail programs make links of what looks like one. */
export function wordsFault(text: string): string | null {
  const found = /http:\/\/|javascript:/i.exec(text)?.[0]
  return found === undefined ? null : `holds "${found}": only https links are taken`
}
