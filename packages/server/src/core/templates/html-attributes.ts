import { isAttribute, isPlainTarget, mayHoldVariables, originLength, styleFault } from './html-rules.ts'
import type { Slot } from './slots.ts'

/** An attribute as it stands in a template, with the variables of its value. */
export interface Attribute {
  element: string
  name: string
  value: string
  slots: readonly Slot[]
}

/** Why an attribute cannot be taken, or null. */
export function attributeFault(attribute: Attribute): string | null {
  const { element, name, value, slots } = attribute
  if (!isAttribute(element, name)) return `the attribute ${name} is not taken on <${element}>`
  if (name === 'href') return hrefFault(attribute)
  // With a variable in it, an image would tell its host who opens the mail and when.
  if (name === 'src' && (originLength(value) === 0 || slots.length > 0))
    return 'an image has a whole https URL without variables: one for every reader'
  if (name === 'http-equiv' && !/^(content-type|x-ua-compatible)$/i.test(value))
    return 'http-equiv can only tell the content type'
  if (name === 'style') return styleFault(value, true)
  return slots.length > 0 && !mayHoldVariables(name) ? `the attribute ${name} takes no variables` : null
}

/** Whether the whole of a `href` is the link of the challenge. */
export function isLink({ name, value, slots: [first] }: Attribute): boolean {
  return name === 'href' && first?.name === 'link' && first.to - first.from === value.length
}

/** A link leads to `{{link}}`, or to a host that stands there in letters: variables come after it. */
function hrefFault(attribute: Attribute): string | null {
  const { value, slots } = attribute
  if (isLink(attribute)) return null
  if (originLength(value) === 0 && !isPlainTarget(value))
    return 'href is {{link}}, or begins with https:// and a host, mailto:, tel: or #'
  if (slots.some(slot => slot.name === 'code' || slot.name === 'link'))
    return 'code and link are not put into other URLs: whoever serves those would learn them'
  return null
}
