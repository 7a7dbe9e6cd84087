import { z } from 'zod'
import { createApiKey, revokeApiKey } from '../../core/api-keys/api-keys.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage, whole } from '../list.ts'
import { ApiKeyBody, apiKeyBody, listOf } from '../wire.ts'

/** The endpoints of API keys (CONTRACT section 4). */

export const createApiKeyEndpoint = endpoint({
  method: 'POST',
  path: '/v1/api-keys',
  summary: 'Create a secret key; it is shown once',
  scopes: ['admin'],
  body: z
    .strictObject({
      name: z.string().min(1).max(64),
      scopes: z
        .array(z.enum(['auth', 'users', 'read', 'review', 'admin']))
        .min(1)
        .max(5),
    })
    .meta({ id: 'CreateApiKey' }),
  status: 201,
  answer: ApiKeyBody.extend({ secret: z.string() }).meta({ id: 'CreatedApiKey' }),
  errors: [],
  holdsTokens: true,
  act: (deps, call, keep) => createApiKey(deps, call, { ...call.body, granter: call.key }, keep),
  render: ({ key, secret }) => ({ ...apiKeyBody(key), secret }),
})

export const listApiKeysEndpoint = endpoint({
  method: 'GET',
  path: '/v1/api-keys',
  summary: 'List secret keys, without their secrets',
  scopes: ['admin'],
  query: z.strictObject(pageQuery),
  status: 200,
  answer: listOf(ApiKeyBody),
  errors: ['cursor_invalid'],
  act: ({ store }, { view, query }) =>
    readPage(`api-keys ${view.environment.id}`, query, async page =>
      whole(await store.listApiKeys(view.environment.id, page)),
    ),
  render: ({ rows, nextCursor }) => ({ data: rows.map(apiKeyBody), nextCursor }),
})

export const revokeApiKeyEndpoint = endpoint({
  method: 'DELETE',
  path: '/v1/api-keys/{id}',
  summary: 'Revoke a secret key',
  scopes: ['admin'],
  status: 204,
  answer: null,
  errors: ['not_found'],
  act: (deps, call) => revokeApiKey(deps, call, call.params.id ?? ''),
  render: () => null,
})
