import { z } from 'zod'
import {
  createTemplate,
  deleteTemplate,
  findTemplate,
  previewTemplate,
  templateEtag,
  updateTemplate,
} from '../../core/templates/templates.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage, whole } from '../list.ts'
import { listOf, TemplateBody, templateBody } from '../wire.ts'
import * as fields from './fields.ts'

/** The endpoints of templates: the operator's own mails, by name. */

const name = z.string().regex(/^[a-z][A-Za-z0-9_-]{0,63}$/)
const channel = z.enum(['email'])
const texts = { subject: z.string(), text: z.string(), html: z.string().nullable() }

/** 60 KB of HTML and 20 KB of text in more than one language, with what JSON adds to them. */
const MAX_BODY_BYTES = 256 * 1024

export const createTemplateEndpoint = endpoint({
  method: 'POST',
  path: '/v1/templates',
  summary: 'Create a template',
  scopes: ['admin'],
  maxBodyBytes: MAX_BODY_BYTES,
  body: z
    .strictObject({
      name,
      channel: channel.optional(),
      locales: z.record(fields.locale, z.strictObject({ ...texts, html: texts.html.optional() })),
    })
    .meta({ id: 'CreateTemplate' }),
  status: 201,
  answer: TemplateBody,
  errors: ['template_invalid', 'already_exists', 'state_conflict'],
  act: (deps, call, keep) => createTemplate(deps, call, call.body, keep),
  render: templateBody,
  etag: templateEtag,
})

export const listTemplatesEndpoint = endpoint({
  method: 'GET',
  path: '/v1/templates',
  summary: 'List templates',
  scopes: ['admin', 'read'],
  query: z.strictObject(pageQuery),
  status: 200,
  answer: listOf(TemplateBody),
  errors: ['cursor_invalid'],
  act: ({ store }, { view, query }) =>
    readPage(`templates ${view.environment.id}`, query, async page =>
      whole(await store.listTemplates(view.environment.id, page)),
    ),
  render: ({ rows, nextCursor }) => ({ data: rows.map(templateBody), nextCursor }),
})

export const getTemplateEndpoint = endpoint({
  method: 'GET',
  path: '/v1/templates/{id}',
  summary: 'A template',
  scopes: ['admin', 'read'],
  status: 200,
  answer: TemplateBody,
  errors: ['not_found'],
  act: (deps, call) => findTemplate(deps, call, call.params.id ?? ''),
  render: templateBody,
  etag: templateEtag,
})

export const updateTemplateEndpoint = endpoint({
  method: 'PATCH',
  path: '/v1/templates/{id}',
  summary: 'Change a template (merge patch, If-Match)',
  scopes: ['admin'],
  maxBodyBytes: MAX_BODY_BYTES,
  body: z
    .strictObject({
      name,
      channel,
      locales: z.record(fields.locale, z.strictObject(texts).partial().nullable()),
    })
    .partial()
    .meta({ id: 'UpdateTemplate', description: 'null removes a locale or an html' }),
  status: 200,
  answer: TemplateBody,
  errors: ['not_found', 'template_invalid', 'already_exists', 'precondition_failed', 'state_conflict'],
  act: (deps, call) => updateTemplate(deps, call, call.params.id ?? '', call.body, call.ifMatch),
  render: templateBody,
  etag: templateEtag,
})

export const deleteTemplateEndpoint = endpoint({
  method: 'DELETE',
  path: '/v1/templates/{id}',
  summary: 'Delete a template; what waits goes out as the built-in mail',
  scopes: ['admin'],
  status: 204,
  answer: null,
  errors: ['not_found'],
  act: (deps, call) => deleteTemplate(deps, call, call.params.id ?? ''),
  render: () => null,
})

export const previewTemplateEndpoint = endpoint({
  method: 'POST',
  path: '/v1/templates/{id}/preview',
  summary: 'The mail of a template with sample values',
  scopes: ['admin'],
  body: z
    .strictObject({ locale: fields.locale.optional(), variables: fields.templateVariables.optional() })
    .meta({ id: 'PreviewTemplate' }),
  status: 200,
  answer: z
    .object({ locale: z.string(), subject: z.string(), text: z.string(), html: z.string().nullable() })
    .meta({ id: 'TemplatePreview' }),
  errors: ['not_found'],
  act: (deps, call, keep) => previewTemplate(deps, call, call.params.id ?? '', call.body, keep),
  render: mail => mail,
})
