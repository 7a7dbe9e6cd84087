import type { FieldError } from '../errors.ts'
import { baseName, cuts } from '../locale.ts'
import { nearest } from '../nearest.ts'
import type { Settings } from './settings.ts'

/** What a text is of, as its key begins: mails, the sign-in page and its element, the pages behind links, the account page. */
export type TextKind = 'mail.' | 'signIn.' | 'link.' | 'account.'

/** The operator's own texts of one kind for a locale, by key: `de-AT` goes before `de`. */
export function ownTexts(
  { texts }: Pick<Settings, 'texts'>,
  locale: string,
  kind: TextKind,
): Record<string, string> {
  const byTag = new Map(Object.entries(texts).map(([tag, words]) => [baseName(tag) ?? tag, words]))
  const layers = cuts(baseName(locale) ?? locale).reverse()
  return Object.fromEntries(
    layers.flatMap(tag => Object.entries(byTag.get(tag) ?? {})).filter(([key]) => key.startsWith(kind)),
  )
}

/** The texts of a mail that the definition of an action can have of its own. */
export const DEFINITION_TEXTS = [
  'mail.subject.code',
  'mail.subject.signIn',
  'mail.subject.other',
  'mail.preheader.code',
  'mail.preheader.plain',
  'mail.heading.signIn',
  'mail.heading.other',
  'mail.code.lead',
  'mail.code.keep',
  'mail.link.lead',
  'mail.link.open',
  'mail.link.signIn',
  'mail.link.other',
  'mail.ignore',
] as const

/** What they can name in braces. */
const VALUES = ['brand', 'code', 'tag', 'duration', 'time', 'intent']

/** Why the texts of the definitions cannot be mailed; empty when they can. */
export function definitionTextFaults({ action }: Pick<Settings, 'action'>): FieldError[] {
  return Object.entries(action.definitions).flatMap(([name, { texts = {} }]) =>
    Object.entries(texts).flatMap(([locale, own]) => {
      const path = `action.definitions.${name}.texts.${locale}`
      if (baseName(locale) === null)
        return [{ path, code: 'invalid_format', message: 'is no language, such as "en" or "de-AT"' }]
      return Object.entries(own).flatMap(([key, text]) => textFaults(`${path}.${key}`, key, text))
    }),
  )
}

function textFaults(path: string, key: string, text: string): FieldError[] {
  if (!DEFINITION_TEXTS.some(known => known === key)) {
    const suggestion = nearest(key, DEFINITION_TEXTS)
    const message = `is no text that a definition can have: ${DEFINITION_TEXTS.join(', ')}`
    return [{ path, code: 'unknown_field', message, ...(suggestion !== undefined && { suggestion }) }]
  }
  const names = [...text.matchAll(/\{([A-Za-z]\w*)\}/g)].map(([, name = '']) => name)
  // What lock screens show: the code only where the settings let it, and no text that others had a hand in.
  const isOutside = /^mail\.(subject|preheader)\./.test(key)
  const hidden = isOutside ? ['intent', ...(key.endsWith('.code') ? [] : ['code'])] : []
  return names.flatMap(name => {
    if (!VALUES.includes(name))
      return [
        {
          path,
          code: 'invalid_value',
          message: `names {${name}}; what there is: ${VALUES.map(one => `{${one}}`).join(' ')}`,
        },
      ]
    return hidden.includes(name)
      ? [{ path, code: 'invalid_value', message: `names {${name}}, which no lock screen may show` }]
      : []
  })
}
