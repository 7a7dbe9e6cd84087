/** The place of a variable in a text, and how its value is written there. */
export interface Slot {
  from: number
  to: number
  name: string
  /** `url`: percent-encoded, as one segment or value of a URL. */
  as: 'plain' | 'url'
}

/** What is wrong with a text, and where. */
export interface Fault {
  at: number
  code: string
  message: string
}

export type Report = (fault: Fault) => void

/** A text with the places of its variables in order; `shown` are those that a reader sees or can press. */
export interface Part {
  source: string
  slots: Slot[]
  shown: ReadonlySet<string>
}

const NO_VARIABLE =
  'holds {{ that begins no variable: {{name}} is all there is, and a name has 2 to 25 letters, digits and _'
const VARIABLE = /\{\{ {0,3}([A-Za-z]\w{1,24}) {0,3}\}\}/y

/**
 * Finds `{{name}}` between two places of a text, in one pass. There is nothing else to find: sections, partials, raw
 * values and helpers of other template languages are reported, not ignored, for they would stand in the mail.
 */
export function slotsOf(source: string, from: number, to: number, report: Report): Slot[] {
  const slots: Slot[] = []
  const text = source.slice(from, to)
  for (let at = text.indexOf('{{'); at >= 0; ) {
    VARIABLE.lastIndex = at
    const [whole = '{{', name] = VARIABLE.exec(text) ?? []
    const end = at + whole.length
    if (name !== undefined) slots.push({ from: from + at, to: from + end, name, as: 'plain' })
    else report({ at: from + at, code: 'syntax', message: NO_VARIABLE })
    at = text.indexOf('{{', end)
  }
  return slots
}

/** A text that is all shown: a subject or a plain text. */
export function plainPart(source: string, report: Report): Part {
  const slots = slotsOf(source, 0, source.length, report)
  return { source, slots, shown: new Set(slots.map(slot => slot.name)) }
}

/** The text with a value in each of its places. Values are put in once: one that looks like a variable stays as it is. */
export function fillPart({ source, slots }: Part, valueAt: (slot: Slot) => string): string {
  let filled = ''
  let at = 0
  for (const slot of slots) {
    filled += source.slice(at, slot.from) + valueAt(slot)
    at = slot.to
  }
  return filled + source.slice(at)
}
