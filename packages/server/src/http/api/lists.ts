import { z } from 'zod'
import { LIST_NAME } from '../../core/rules/functions.ts'
import {
  createList,
  deleteList,
  findList,
  listEtag,
  MAX_ENTRIES,
  MAX_ENTRY,
  updateList,
} from '../../core/rules/lists.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage, whole } from '../list.ts'
import { listOf } from '../wire.ts'
import { ListBody, ListSummaryBody, listBody, listSummaryBody } from '../wire-rules.ts'

/** The endpoints of lists: texts that conditions of rules look into by name. */

const name = z.string().regex(LIST_NAME)
const entries = z.array(z.string().min(1).max(MAX_ENTRY)).max(MAX_ENTRIES)

/** 10,000 entries of 255 characters, and what JSON adds to them. */
const MAX_BODY_BYTES = 3 * 1024 * 1024

export const createListEndpoint = endpoint({
  method: 'POST',
  path: '/v1/lists',
  summary: 'Create a list',
  scopes: ['admin'],
  maxBodyBytes: MAX_BODY_BYTES,
  body: z.strictObject({ name, entries }).meta({ id: 'CreateList' }),
  status: 201,
  answer: ListBody,
  errors: ['already_exists', 'state_conflict'],
  act: (deps, call, keep) => createList(deps, call, call.body, keep),
  render: listBody,
  etag: listEtag,
})

export const listListsEndpoint = endpoint({
  method: 'GET',
  path: '/v1/lists',
  summary: 'List lists, without their entries',
  scopes: ['admin', 'read'],
  query: z.strictObject(pageQuery),
  status: 200,
  answer: listOf(ListSummaryBody),
  errors: ['cursor_invalid'],
  act: ({ store }, { view, query }) =>
    readPage(`lists ${view.environment.id}`, query, async page =>
      whole(await store.listLists(view.environment.id, page)),
    ),
  render: ({ rows, nextCursor }) => ({ data: rows.map(listSummaryBody), nextCursor }),
})

export const getListEndpoint = endpoint({
  method: 'GET',
  path: '/v1/lists/{id}',
  summary: 'A list',
  scopes: ['admin', 'read'],
  status: 200,
  answer: ListBody,
  errors: ['not_found'],
  act: (deps, call) => findList(deps, call, call.params.id ?? ''),
  render: listBody,
  etag: listEtag,
})

export const updateListEndpoint = endpoint({
  method: 'PATCH',
  path: '/v1/lists/{id}',
  summary: 'Change a list; entries are replaced whole (If-Match)',
  scopes: ['admin'],
  maxBodyBytes: MAX_BODY_BYTES,
  body: z.strictObject({ name, entries }).partial().meta({ id: 'UpdateList' }),
  status: 200,
  answer: ListBody,
  errors: ['not_found', 'already_exists', 'precondition_failed', 'state_conflict'],
  act: (deps, call) => updateList(deps, call, call.params.id ?? '', call.body, call.ifMatch),
  render: listBody,
  etag: listEtag,
})

export const deleteListEndpoint = endpoint({
  method: 'DELETE',
  path: '/v1/lists/{id}',
  summary: 'Delete a list that no rule looks into',
  scopes: ['admin'],
  status: 204,
  answer: null,
  errors: ['not_found', 'state_conflict'],
  act: (deps, call) => deleteList(deps, call, call.params.id ?? ''),
  render: () => null,
})
