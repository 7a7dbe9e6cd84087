import type { EnvironmentView } from '../environments/directory.ts'
import { type FieldError, OstiaryError } from '../errors.ts'
import type { SentMethodName } from '../methods/method.ts'
import type { Action, Credential } from '../rows.ts'
import type { Settings } from '../settings/settings.ts'
import { fitErrors } from '../templates/fit.ts'

/** What the definition of an action says of its mails, and what of the action may stand in them (docs/decisions/0033). */

const CREDENTIALS: Record<SentMethodName, Credential> = { emailCode: 'code', emailLink: 'link' }

/** The one variable that an action gives its template. */
const VARIABLES = { intent: '' }

// What a mail program makes a link of by itself: addresses of pages and of people.
const LINK_LIKE = /@|:\/\/|\bwww\.|[\p{L}\p{N}-]\.\p{L}{2,}/iu

/**
 * The intent of an action as its mail may tell it; empty where it may not. It is text that others may have had a hand in, under
 * the operator's name: it goes to nobody whose address was typed by a visitor or never proven, stands in no mail of a sign-in,
 * and not where a mail program would make a link of it.
 */
export function mailedIntent(
  { name, intent, isNamed, userId }: Pick<Action, 'name' | 'intent' | 'isNamed' | 'userId'>,
  isAddressProven: boolean,
): string {
  if (intent === null || name === 'signIn') return ''
  if (!isNamed || userId === null || !isAddressProven) return ''
  return LINK_LIKE.test(intent.normalize('NFKC')) ? '' : intent
}

/** The template that the definition names for a method; null: the built-in mail. */
export function templateFor({ action }: Settings, name: string, method: SentMethodName): string | null {
  const own = Object.hasOwn(action.definitions, name) ? action.definitions[name] : undefined
  return own?.templates?.[method] ?? null
}

/** Refuses definitions with templates that their mails could not be made of. Refusal: `invalid_request`. */
export function guardTemplates({ templates }: EnvironmentView, settings: Settings): void {
  const errors: FieldError[] = []
  for (const [name, definition] of Object.entries(settings.action.definitions))
    for (const [method, wanted] of Object.entries(definition.templates ?? {})) {
      const path = `action.definitions.${name}.templates.${method}`
      const template = templates.find(one => one.name === wanted)
      if (!template) {
        errors.push({ path, code: 'unknown', message: `names "${wanted}", which is no template here` })
        continue
      }
      const use = { credential: CREDENTIALS[method as SentMethodName], templateVariables: VARIABLES }
      for (const { path: at, code, message } of fitErrors(template, use)) {
        const variable = /^templateVariables\.(.*)$/.exec(at)?.[1]
        errors.push({
          path,
          code,
          message: variable
            ? `names "${wanted}", which uses {{${variable}}}: an action gives {{intent}} only`
            : `names "${wanted}", which ${message}`,
        })
      }
    }
  if (errors.length > 0)
    throw new OstiaryError('invalid_request', {
      detail: 'The settings were not changed.',
      errors: errors.slice(0, 20),
    })
}
