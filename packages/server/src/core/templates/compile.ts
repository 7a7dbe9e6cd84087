import type { Template, TemplateTexts } from '../rows.ts'
import { compileHtml } from './html.ts'
import { type Fault, type Part, plainPart } from './slots.ts'

/** The texts of one locale, read once. */
export interface CompiledTexts {
  subject: Part
  text: Part
  html: Part | null
}

export interface Compiled {
  locales: ReadonlyMap<string, CompiledTexts>
  /** Every variable that stands anywhere in it. */
  names: ReadonlySet<string>
  /** False for a row that an older version took and this one would not: nothing is rendered with it. */
  isSound: boolean
}

/** Reads the three texts of a locale; `report` is told what is wrong with which. */
export function compileTexts(
  { subject, text, html }: TemplateTexts,
  report: (field: keyof TemplateTexts, fault: Fault) => void,
): CompiledTexts {
  return {
    subject: plainPart(subject, fault => report('subject', fault)),
    text: plainPart(text, fault => report('text', fault)),
    html: html === null ? null : compileHtml(html, fault => report('html', fault)),
  }
}

/** The parts of a locale's texts that are there. */
export const partsOf = ({ subject, text, html }: CompiledTexts): Part[] =>
  html === null ? [subject, text] : [subject, text, html]

const kept = new WeakMap<Template, Compiled>()

/** A template as it is rendered from. Read once for each object, and the directory keeps those until they change. */
export function compiled(template: Template): Compiled {
  const known = kept.get(template)
  if (known) return known
  let isSound = true
  const locales = new Map<string, CompiledTexts>()
  for (const [locale, texts] of Object.entries(template.locales))
    locales.set(
      locale,
      compileTexts(texts, () => {
        isSound = false
      }),
    )
  const parts = [...locales.values()].flatMap(partsOf)
  const names = new Set(parts.flatMap(part => part.slots.map(slot => slot.name)))
  const result = { locales, names, isSound }
  kept.set(template, result)
  return result
}
