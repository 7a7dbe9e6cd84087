import { z } from 'zod'
import { createApp, deleteApp, updateApp } from '../../core/apps/apps.ts'
import { refuse } from '../../core/deps.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage, whole } from '../list.ts'
import { AppBody, appBody, listOf } from '../wire.ts'

/** The endpoints of apps (CONTRACT section 4). */

const fields = {
  name: z.string().min(1).max(64),
  redirectUrls: z.array(z.string().min(1).max(2048)).max(100),
  origins: z.array(z.string().min(1).max(255)).max(100),
  audience: z.string().min(1).max(255).nullable(),
  publicRefresh: z.boolean(),
}

export const createAppEndpoint = endpoint({
  method: 'POST',
  path: '/v1/apps',
  summary: 'Create an app',
  scopes: ['admin'],
  body: z
    .strictObject({
      ...fields,
      redirectUrls: fields.redirectUrls.optional(),
      origins: fields.origins.optional(),
      audience: fields.audience.optional(),
      publicRefresh: fields.publicRefresh.optional(),
    })
    .meta({ id: 'CreateApp' }),
  status: 201,
  answer: AppBody,
  errors: [],
  act: (deps, call, keep) => createApp(deps, call, call.body, keep),
  render: appBody,
})

export const listAppsEndpoint = endpoint({
  method: 'GET',
  path: '/v1/apps',
  summary: 'List apps',
  scopes: ['admin', 'read'],
  query: z.strictObject(pageQuery),
  status: 200,
  answer: listOf(AppBody),
  errors: ['cursor_invalid'],
  act: ({ store }, { view, query }) =>
    readPage(`apps ${view.environment.id}`, query, async ({ limit, before, createdAfter, createdBefore }) =>
      // They are few, so the store gives them whole, newest first.
      whole(
        (await store.listApps(view.environment.id))
          .filter(app => before === null || app.id < before)
          .filter(app => createdAfter === null || app.createdAt >= createdAfter)
          .filter(app => createdBefore === null || app.createdAt < createdBefore)
          .slice(0, limit),
      ),
    ),
  render: ({ rows, nextCursor }) => ({ data: rows.map(appBody), nextCursor }),
})

export const getAppEndpoint = endpoint({
  method: 'GET',
  path: '/v1/apps/{id}',
  summary: 'An app',
  scopes: ['admin', 'read'],
  status: 200,
  answer: AppBody,
  errors: ['not_found'],
  act: async ({ store }, { view, params }) =>
    (await store.listApps(view.environment.id)).find(app => app.id === params.id) ?? refuse('not_found'),
  render: appBody,
})

export const updateAppEndpoint = endpoint({
  method: 'PATCH',
  path: '/v1/apps/{id}',
  summary: 'Change an app (merge patch)',
  scopes: ['admin'],
  body: z
    .strictObject({
      ...fields,
      redirectUrls: fields.redirectUrls.nullable(),
      origins: fields.origins.nullable(),
      publicRefresh: fields.publicRefresh.nullable(),
    })
    .partial()
    .meta({ id: 'UpdateApp' }),
  status: 200,
  answer: AppBody,
  errors: ['not_found'],
  act(deps, call) {
    const { redirectUrls, origins, publicRefresh, ...rest } = call.body
    // Null returns a field to its default: an empty list, or off.
    return updateApp(deps, call, call.params.id ?? '', {
      ...rest,
      redirectUrls: redirectUrls === null ? [] : redirectUrls,
      origins: origins === null ? [] : origins,
      publicRefresh: publicRefresh === null ? false : publicRefresh,
    })
  },
  render: appBody,
})

export const deleteAppEndpoint = endpoint({
  method: 'DELETE',
  path: '/v1/apps/{id}',
  summary: 'Delete an app with its challenges and sessions',
  scopes: ['admin'],
  status: 204,
  answer: null,
  errors: ['not_found', 'state_conflict'],
  act: (deps, call) => deleteApp(deps, call, call.params.id ?? ''),
  render: () => null,
})
