import { attributeFault, isLink } from './html-attributes.ts'
import { isElement, styleFault, wordsFault } from './html-rules.ts'
import { type Part, type Report, type Slot, slotsOf } from './slots.ts'

// HTML's own white space: `\s` has more, which browsers read as part of a name.
const DOCTYPE = /<!doctype[ \t\n\r\f]+html[^<>{}]*>/iy
const IF = /<!--\[if [\w !|&()]{1,60}\]>(<!-->|<!-- -->)?/iy
const ENDIF = /<!(--<!)?\[endif\]-->/iy
const COMMENT = /<!--[^<>{}]*?-->/y
const CLOSE = /<\/([a-z][a-z0-9:]*)[ \t\n\r\f]*>/iy
const OPEN = /<([a-z][a-z0-9:]*)/iy
const ATTRIBUTE =
  /[ \t\n\r\f]+([a-z][\w:.-]*)(?:[ \t\n\r\f]*=[ \t\n\r\f]*(?:"([^"<>]*)"|'([^'<>]*)'|([\w.%#-]+)))?/iy
const END = /[ \t\n\r\f]*\/?>/y
const CONTENT_END = { style: /<\/style[ \t\n\r\f]*>/gi, title: /<\/title[ \t\n\r\f]*>/gi }

interface Reading {
  source: string
  slots: Slot[]
  shown: Set<string>
  /** Inside `<!--[if mso]>`, which only Outlook shows. */
  isConditional: boolean
  report: Report
}

/**
 * Reads the HTML of a template in one pass and reports what is not on the lists of `html-rules.ts`. It is read as
 * strictly as no browser does: what two parsers could understand differently is refused, so that nothing that was
 * checked as a text can come alive as markup. Conditional comments for Outlook are read like all else.
 */
export function compileHtml(source: string, report: Report): Part {
  const reading: Reading = { source, slots: [], shown: new Set(), isConditional: false, report }
  let at = 0
  while (at >= 0 && at < source.length)
    at = source[at] === '<' ? readMarkup(reading, at) : readText(reading, at)
  if (at >= 0 && reading.isConditional) malformed(reading, source.length, 'a conditional comment has no end')
  return { source, slots: reading.slots, shown: reading.shown }
}

/** The place after the next piece of markup, or -1: nothing after it would be sure to be what it seems. */
function readMarkup(reading: Reading, at: number): number {
  const { source } = reading
  const starts = match(IF, source, at)
  if (starts && starts[1] === undefined) reading.isConditional = true
  const ends = match(ENDIF, source, at)
  if (ends) reading.isConditional = false
  const plain = starts ?? ends ?? match(COMMENT, source, at) ?? match(DOCTYPE, source, at)
  if (plain) return at + plain[0].length
  const close = match(CLOSE, source, at)
  if (close) {
    checkElement(reading, at, close[1] ?? '')
    return at + close[0].length
  }
  const open = match(OPEN, source, at)
  if (open) return readTag(reading, at, (open[1] ?? '').toLowerCase(), at + open[0].length)
  return malformed(reading, at, 'this "<" begins no tag that can be read; write &lt; for the character')
}

function readTag(reading: Reading, start: number, element: string, from: number): number {
  const { source } = reading
  checkElement(reading, start, element)
  let at = from
  for (let found = match(ATTRIBUTE, source, at); found; found = match(ATTRIBUTE, source, at)) {
    const [whole, name = '', double, single, bare] = found
    const value = double ?? single ?? bare ?? ''
    const quote = double === undefined && single === undefined ? 0 : 1
    at += whole.length
    readAttribute(reading, element, name.toLowerCase(), value, at - value.length - quote)
  }
  const end = match(END, source, at)
  if (!end)
    return malformed(
      reading,
      start,
      `the tag <${element}> cannot be read: quote its values, and write &lt; and &gt; in them`,
    )
  at += end[0].length
  return element === 'style' || element === 'title' ? readContent(reading, element, at) : at
}

function readAttribute(reading: Reading, element: string, name: string, value: string, at: number): void {
  const { source, report, isConditional } = reading
  const slots = slotsOf(source, at, at + value.length, report)
  const attribute = { element, name, value, slots }
  const fault = attributeFault(attribute)
  if (fault) report({ at, code: 'not_allowed', message: fault })
  else if (isLink(attribute)) addSlots(reading, slots, !isConditional)
  else addSlots(reading, name === 'href' ? slots.map(slot => ({ ...slot, as: 'url' })) : slots, false)
}

/** The content of `<style>` and `<title>`, in which browsers read no tags. */
function readContent(reading: Reading, element: 'style' | 'title', from: number): number {
  const { source, report } = reading
  CONTENT_END[element].lastIndex = from
  const end = CONTENT_END[element].exec(source)
  const content = source.slice(from, end?.index ?? source.length)
  // Browsers take `</title x>` for its end too.
  if (!end || content.includes('<')) return malformed(reading, from, `<${element}> has no end, or holds "<"`)
  const fault = element === 'style' ? styleFault(content, false) : null
  if (fault) report({ at: from, code: 'not_allowed', message: fault })
  if (element === 'title') addSlots(reading, slotsOf(source, from, end.index, report), false)
  return end.index + end[0].length
}

function readText(reading: Reading, at: number): number {
  const { source, report } = reading
  const next = source.indexOf('<', at)
  const to = next < 0 ? source.length : next
  const text = source.slice(at, to)
  const fault = wordsFault(text)
  if (fault) report({ at, code: 'not_allowed', message: fault })
  addSlots(reading, slotsOf(source, at, to, report), !reading.isConditional)
  return to
}

function addSlots(reading: Reading, slots: Slot[], isShown: boolean): void {
  for (const slot of slots) {
    reading.slots.push(slot)
    if (isShown) reading.shown.add(slot.name)
  }
}

function checkElement({ report }: Reading, at: number, element: string): void {
  if (!isElement(element.toLowerCase()))
    report({ at, code: 'not_allowed', message: `the element <${element}> is not taken` })
}

function malformed({ report }: Reading, at: number, message: string): -1 {
  report({ at, code: 'malformed', message })
  return -1
}

function match(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(source)
}
