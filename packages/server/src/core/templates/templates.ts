import { type Call, type Deps, refuse } from '../deps.ts'
import { type FieldError, OstiaryError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import type { PreviewedMail } from '../messages/reader.ts'
import type { TemplateSaved } from '../ports.ts'
import type { Template } from '../rows.ts'
import { mergePatch } from '../settings/settings.ts'
import { templateErrors, wholeLocales } from './lint.ts'

/** How many an environment can have: they are kept in the memory of each process. */
export const MAX_TEMPLATES = 100

type Texts = Parameters<typeof wholeLocales>[0]

export interface TemplateFields {
  name: string
  locales: Texts
}

/** A merge patch (RFC 7396) over the fields, with the types that its validator has checked. */
export interface TemplatePatch {
  name?: string | undefined
  channel?: 'email' | undefined
  locales?: Record<string, unknown> | undefined
}

/** The `ETag` of a template. */
export const templateEtag = (template: Template) => `"${template.version}"`

/** Makes a template. Refusals: `template_invalid`, `already_exists`, `state_conflict` past the hundredth. */
export async function createTemplate(
  deps: Deps,
  call: Call,
  { name, locales }: TemplateFields,
  keep?: Keep<Template>,
): Promise<Template> {
  const now = deps.clock.now()
  const template: Template = {
    id: newId('tpl', now),
    environmentId: call.view.environment.id,
    name,
    channel: 'email',
    locales: wholeLocales(locales),
    version: 1,
    createdAt: now,
    updatedAt: now,
  }
  guardTexts(call, template)
  const created = await writeOnce<TemplateSaved, Template>(
    keep,
    once => deps.store.createTemplate(template, MAX_TEMPLATES, call.origin, now, once),
    saved => savedTemplate(saved, name),
  )
  deps.directory.forget()
  return created
}

/**
 * Changes a template by a merge patch; null removes a locale or an `html`. With `If-Match`, only the version that it
 * names is changed. Refusals: `not_found`, `template_invalid`, `already_exists`, `precondition_failed`,
 * `state_conflict` after losing three races.
 */
export async function updateTemplate(
  deps: Deps,
  call: Call,
  id: string,
  patch: TemplatePatch,
  ifMatch: string | null,
): Promise<Template> {
  for (let tries = 0; tries < 3; tries++) {
    const template = await findTemplate(deps, call, id)
    if (ifMatch !== null && ifMatch !== '*' && ifMatch !== templateEtag(template))
      return refuse('precondition_failed')
    const next = {
      ...template,
      name: patch.name ?? template.name,
      locales: wholeLocales(mergePatch(template.locales, patch.locales ?? {}) as Texts),
    }
    guardTexts(call, next)
    const saved = await deps.store.updateTemplate(next, Object.keys(patch), call.origin, deps.clock.now())
    deps.directory.forget()
    if (saved.kind !== 'stale') return savedTemplate(saved, next.name)
  }
  return refuse('state_conflict', 'The template is being changed by somebody else right now.')
}

/** Removes a template; what waits to be mailed with it goes out as the built-in mail. Refusal: `not_found`. */
export async function deleteTemplate(deps: Deps, call: Call, id: string): Promise<void> {
  const isDeleted = await deps.store.deleteTemplate(id, call.origin, deps.clock.now())
  deps.directory.forget()
  return isDeleted ? undefined : refuse('not_found')
}

/** Refusal: `not_found`. */
export async function findTemplate(deps: Deps, call: Call, id: string): Promise<Template> {
  return (await deps.store.findTemplate(call.view.environment.id, id)) ?? refuse('not_found')
}

/** The mail of a template with sample values: no challenge is behind it, and no code of one. Refusal: `not_found`. */
export async function previewTemplate(
  deps: Deps,
  call: Call,
  id: string,
  input: { locale?: string | undefined; variables?: Record<string, string> | undefined },
  keep?: Keep<PreviewedMail>,
): Promise<PreviewedMail> {
  const template = await findTemplate(deps, call, id)
  const now = deps.clock.now()
  const mail = deps.messages.preview(template, call.view, {
    locale: input.locale ?? null,
    variables: input.variables ?? {},
    now,
  })
  // Without an Idempotency-Key there is nothing to write.
  if (!keep) return mail
  return await writeOnce<PreviewedMail, PreviewedMail>(
    keep,
    once => deps.store.keep(mail, now, once),
    kept => kept,
  )
}

function guardTexts({ view }: Call, { locales }: Template): void {
  const errors = missingTexts(locales)
  if (errors.length === 0) errors.push(...templateErrors(locales, view.settings.locale.default))
  const [first] = errors
  if (first)
    throw new OstiaryError('template_invalid', { detail: `"${first.path}" ${first.message}.`, errors })
}

/** A patch may begin a locale and leave a text of it out. */
function missingTexts(locales: Template['locales']): FieldError[] {
  return Object.entries(locales).flatMap(([tag, texts]) =>
    (['subject', 'text'] as const)
      .filter(field => typeof texts[field] !== 'string')
      .map(field => ({ path: `locales.${tag}.${field}`, code: 'required', message: 'is missing' })),
  )
}

function savedTemplate(saved: TemplateSaved, name: string): Template {
  if (saved.kind === 'nameTaken') return refuse('already_exists', `There is a template "${name}" already.`)
  if (saved.kind === 'tooMany')
    return refuse('state_conflict', `An environment has at most ${MAX_TEMPLATES} templates.`)
  return saved.template
}
