import type { EnvironmentView } from '../environments/directory.ts'
import { type FieldError, OstiaryError } from '../errors.ts'
import type { Challenge, Credential, Template } from '../rows.ts'
import { compiled } from './compile.ts'
import { isBuiltIn } from './variables.ts'

/** What a template meets in a challenge. */
type Use = Pick<Challenge, 'credential' | 'templateVariables'>

const NEEDS: Record<Credential, readonly ('code' | 'link')[]> = {
  code: ['code'],
  link: ['link'],
  codeAndLink: ['code', 'link'],
  none: [],
}

/**
 * Why a challenge cannot be mailed with a template; empty when it can. All locales are asked, not the one that will be
 * used: that one may hang on the user whom the address leads to, and a refusal must not tell whether there is one.
 */
export function fitErrors(template: Template, { credential, templateVariables }: Use): FieldError[] {
  const { locales, names, isSound } = compiled(template)
  if (!isSound)
    return [{ path: 'template', code: 'invalid_value', message: 'is not safe by the rules of this version' }]
  const needs = NEEDS[credential]
  const errors: FieldError[] = []
  for (const [locale, texts] of locales)
    for (const field of ['text', 'html'] as const)
      for (const need of needs)
        if (texts[field] && !texts[field].shown.has(need))
          errors.push({
            path: 'template',
            code: `${need}_missing`,
            message: `shows no {{${need}}} in locales.${locale}.${field}`,
          })
  for (const name of names) {
    if (name === 'code' || name === 'link') {
      if (!needs.includes(name))
        errors.push({
          path: 'credential',
          code: `${name}_missing`,
          message: `gives no value for {{${name}}}`,
        })
    } else if (!isBuiltIn(name) && !Object.hasOwn(templateVariables, name))
      errors.push({ path: `templateVariables.${name}`, code: 'required', message: 'is used by the template' })
  }
  return errors.slice(0, 20)
}

/** The template that a new challenge names. Refusal: `template_invalid`, with what does not fit in `errors[]`. */
export function templateNamed({ templates }: EnvironmentView, name: string, use: Use): Template {
  const template = templates.find(one => one.name === name)
  const errors = template
    ? fitErrors(template, use)
    : [{ path: 'template', code: 'unknown', message: 'is no template of this environment' }]
  const [first] = errors
  if (!template || first)
    throw new OstiaryError('template_invalid', { detail: `"${first?.path}" ${first?.message}.`, errors })
  return template
}

/**
 * The template to mail a challenge with, or null for the built-in mail: that of a challenge without one, and of one
 * whose template was deleted, renamed or changed since so that it does not fit. The person is waiting for this mail.
 */
export function templateOf(
  templates: readonly Template[],
  challenge: Use & Pick<Challenge, 'template'>,
): Template | null {
  if (challenge.template === null) return null
  const template = templates.find(one => one.name === challenge.template)
  return template && fitErrors(template, challenge).length === 0 ? template : null
}
