import type { FieldError } from '../errors.ts'
import { baseName, cuts } from '../locale.ts'
import type { Template, TemplateTexts } from '../rows.ts'
import { compileTexts, partsOf } from './compile.ts'
import { wordsFault } from './html-rules.ts'
import type { Fault, Part } from './slots.ts'
import { builtInLike, isBuiltIn } from './variables.ts'

const MAX_SUBJECT = 200
const MAX_BYTES = { text: 20 * 1024, html: 60 * 1024 }
const MAX_WHOLE = 256 * 1024
const MAX_LOCALES = 20
/** Bounds what a mail can grow to: each place takes up to 256 characters of a challenge's variable. */
const MAX_PLACES = 100
/** A challenge carries no more. */
const MAX_OWN_NAMES = 30
const MAX_ERRORS = 20

/**
 * What is wrong with the texts of a template, at most 20 errors; empty for one that can be saved. A mail that shows
 * neither code nor link would strand its reader, so each text and HTML has to show one of them.
 */
export function templateErrors(
  locales: Readonly<Record<string, TemplateTexts>>,
  defaultLocale: string,
): FieldError[] {
  const errors: FieldError[] = []
  const add = (path: string, code: string, message: string, suggestion?: string) => {
    if (errors.length < MAX_ERRORS)
      errors.push(suggestion === undefined ? { path, code, message } : { path, code, message, suggestion })
  }
  const tags = Object.keys(locales)
  if (![...cuts(baseName(defaultLocale) ?? 'en'), 'en'].some(tag => tags.includes(tag)))
    add('locales', 'required', `has no texts for ${defaultLocale}, the default locale, nor for en`)
  if (tags.length > MAX_LOCALES) add('locales', 'too_big', `can have at most ${MAX_LOCALES} locales`)
  if (Buffer.byteLength(JSON.stringify(locales)) > MAX_WHOLE)
    add('locales', 'too_big', 'can hold at most 256 KB in all')
  const own = new Set<string>()
  for (const [tag, texts] of Object.entries(locales)) {
    const canonical = baseName(tag)
    if (canonical !== tag)
      add(`locales.${tag}`, 'invalid_format', 'is no plain BCP 47 tag', canonical ?? undefined)
    for (const name of textsErrors(texts, `locales.${tag}`, add)) own.add(name)
  }
  if (own.size > MAX_OWN_NAMES)
    add('locales', 'too_big', `use more than ${MAX_OWN_NAMES} variables, which is all a challenge carries`)
  return errors
}

type Add = (path: string, code: string, message: string, suggestion?: string) => void

/** Checks one locale; the names of the variables that are not built in. */
function textsErrors(texts: TemplateTexts, path: string, add: Add): string[] {
  for (const field of ['subject', 'text', 'html'] as const)
    checkText(field, texts[field], `${path}.${field}`, add)
  let faults = 0
  const report = (field: keyof TemplateTexts, fault: Fault) => {
    // Finding a line takes time by the size too, and only the first errors are told.
    if (++faults > MAX_ERRORS) return
    add(`${path}.${field}`, fault.code, lineOf(texts[field] ?? '', fault.at) + fault.message)
  }
  // What is over its size is not read: reading takes time by the size.
  if (isTooBig(texts)) return []
  const compiled = compileTexts(texts, report)
  if (compiled.subject.slots.some(slot => slot.name === 'link'))
    add(`${path}.subject`, 'not_allowed', 'cannot hold {{link}}: subjects stand on lock screens and in logs')
  for (const field of ['text', 'html'] as const) {
    const part = compiled[field]
    if (part && !part.shown.has('code') && !part.shown.has('link'))
      add(`${path}.${field}`, 'required', 'shows neither {{code}} nor {{link}}')
  }
  for (const field of ['subject', 'text', 'html'] as const) {
    const part = compiled[field]
    if (part) checkPlaces(part, `${path}.${field}`, add)
  }
  return partsOf(compiled).flatMap(part => part.slots.map(slot => slot.name).filter(name => !isBuiltIn(name)))
}

function isTooBig({ subject, text, html }: TemplateTexts): boolean {
  return (
    subject.length > MAX_SUBJECT ||
    Buffer.byteLength(text) > MAX_BYTES.text ||
    Buffer.byteLength(html ?? '') > MAX_BYTES.html
  )
}

function checkText(field: keyof TemplateTexts, value: string | null, path: string, add: Add): void {
  if (value === null) return
  if (value.trim() === '') add(path, 'required', 'is empty')
  if (field === 'subject') {
    if (value.length > MAX_SUBJECT) add(path, 'too_big', `can have at most ${MAX_SUBJECT} characters`)
    // A line end would start another header (RFC 5322 2.2).
    if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)) add(path, 'invalid_format', 'is one line of plain text')
    return
  }
  if (Buffer.byteLength(value) > MAX_BYTES[field])
    add(path, 'too_big', `can hold at most ${MAX_BYTES[field] / 1024} KB`)
  if (/[^\P{Cc}\t\n\r\f]/u.test(value)) add(path, 'invalid_format', 'has control characters')
  const fault = field === 'text' ? wordsFault(value) : null
  if (fault) add(path, 'not_allowed', fault)
}

function checkPlaces({ slots }: Part, path: string, add: Add): void {
  if (slots.length > MAX_PLACES) add(path, 'too_big', `can hold at most ${MAX_PLACES} variables`)
  for (const name of new Set(slots.map(slot => slot.name))) {
    const meant = builtInLike(name)
    if (meant) add(path, 'variable_unknown', `holds {{${name}}}, which is a spelling of {{${meant}}}`, meant)
  }
}

function lineOf(source: string, at: number): string {
  const line = source.slice(0, at).split('\n').length
  return line > 1 || source.includes('\n') ? `line ${line}: ` : ''
}

/** The texts of a template with nothing left out: JSON may lack `html`. */
export function wholeLocales(
  locales: Readonly<Record<string, Omit<TemplateTexts, 'html'> & { html?: string | null | undefined }>>,
): Template['locales'] {
  return Object.fromEntries(
    Object.entries(locales).map(([tag, { subject, text, html }]) => [
      tag,
      { subject, text, html: html ?? null },
    ]),
  )
}
