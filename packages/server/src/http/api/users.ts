import { z } from 'zod'
import { refuse } from '../../core/deps.ts'
import { writeOnce } from '../../core/idempotency.ts'
import type { UserPatch } from '../../core/ports.ts'
import type { User } from '../../core/rows.ts'
import { userBody } from '../../core/users/body.ts'
import {
  addIdentifier,
  createUser,
  identifierOf,
  removeIdentifier,
  updateUser,
} from '../../core/users/users.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage } from '../list.ts'
import { listOf, UserBody } from '../wire.ts'
import * as fields from './fields.ts'

/** The endpoints of users and their addresses (CONTRACT section 4). */

const name = z.string().min(1).max(255)
const username = z.string().regex(/^[\w.@+-]{1,64}$/, 'may hold letters, digits and . _ @ + -')

export const createUserEndpoint = endpoint({
  method: 'POST',
  path: '/v1/users',
  summary: 'Create a user',
  scopes: ['users'],
  body: z
    .strictObject({
      externalId: fields.externalId.nullish(),
      name: name.nullish(),
      username: username.nullish(),
      email: z.string().max(320).optional(),
      emailVerified: z.boolean().optional(),
      phone: z.string().max(40).optional(),
      phoneVerified: z.boolean().optional(),
      locale: fields.locale.nullish(),
      metadata: fields.metadata(4096).optional(),
    })
    .meta({ id: 'CreateUser' }),
  status: 201,
  answer: UserBody,
  errors: ['external_id_taken', 'already_exists'],
  act: (deps, call, keep) => createUser(deps, call, call.body, keep),
  render: userBody,
})

export const getUserEndpoint = endpoint({
  method: 'GET',
  path: '/v1/users/{id}',
  summary: 'A user',
  scopes: ['users', 'read'],
  status: 200,
  answer: UserBody,
  errors: ['not_found'],
  act: async ({ store }, { view, params }) =>
    (await store.findUser(view.environment.id, params.id ?? '')) ?? refuse('not_found'),
  render: userBody,
})

export const listUsersEndpoint = endpoint({
  method: 'GET',
  path: '/v1/users',
  summary: 'List users',
  scopes: ['users', 'read'],
  query: z.strictObject({
    ...pageQuery,
    email: z.string().max(320).optional(),
    phone: z.string().max(40).optional(),
    externalId: fields.externalId.optional(),
    username: z.string().max(64).optional(),
  }),
  status: 200,
  answer: listOf(UserBody),
  errors: ['cursor_invalid'],
  async act({ store }, { view, query }) {
    if (query.email !== undefined && query.phone !== undefined)
      return refuse('invalid_request', 'email and phone cannot be asked for together.')
    const filter = {
      email: query.email === undefined ? null : (await identifierOf('email', query.email, false, 0)).value,
      phone: query.phone === undefined ? null : (await identifierOf('phone', query.phone, false, 0)).value,
      externalId: query.externalId ?? null,
      username: query.username ?? null,
    }
    return await readPage(`users ${view.environment.id}`, query, page =>
      store.listUsers(view.environment.id, filter, page),
    )
  },
  render: ({ rows, nextCursor }) => ({ data: rows.map(userBody), nextCursor }),
})

export const updateUserEndpoint = endpoint({
  method: 'PATCH',
  path: '/v1/users/{id}',
  summary: 'Change a user (merge patch)',
  scopes: ['users'],
  body: z
    .strictObject({
      externalId: fields.externalId.nullable(),
      name: name.nullable(),
      username: username.nullable(),
      locale: fields.locale.nullable(),
      metadata: fields.metadata(4096).nullable(),
    })
    .partial()
    .meta({ id: 'UpdateUser' }),
  status: 200,
  answer: UserBody,
  errors: ['not_found', 'external_id_taken', 'already_exists'],
  act(deps, call) {
    const { metadata, ...rest } = call.body
    const patch: UserPatch = {
      ...(rest as UserPatch),
      ...(metadata !== undefined && { metadata: metadata ?? {} }),
    }
    return updateUser(deps, call, call.params.id ?? '', patch)
  },
  render: userBody,
})

export const deleteUserEndpoint = endpoint({
  method: 'DELETE',
  path: '/v1/users/{id}',
  summary: 'Delete a user with all that is theirs',
  scopes: ['users'],
  status: 204,
  answer: null,
  errors: ['not_found'],
  act: async ({ store, clock }, { params, origin }) =>
    (await store.deleteUser(params.id ?? '', origin, clock.now())) || refuse('not_found'),
  render: () => null,
})

const setStatus = (verb: 'block' | 'unblock') =>
  endpoint({
    method: 'POST',
    path: `/v1/users/{id}/${verb}`,
    summary: verb === 'block' ? 'Block a user and end their sessions' : 'Let a blocked user in again',
    scopes: ['users'],
    body: fields.noBody,
    status: 200,
    answer: UserBody,
    errors: ['not_found'],
    act: ({ store, clock }, { params, origin }, keep) =>
      writeOnce<User | null, User>(
        keep,
        once =>
          store.setUserStatus(
            params.id ?? '',
            verb === 'block' ? 'blocked' : 'active',
            origin,
            clock.now(),
            once,
          ),
        user => user ?? refuse('not_found'),
      ),
    render: userBody,
  })

export const blockUserEndpoint = setStatus('block')
export const unblockUserEndpoint = setStatus('unblock')

export const addIdentifierEndpoint = endpoint({
  method: 'POST',
  path: '/v1/users/{id}/identifiers',
  summary: 'Add an address to a user',
  scopes: ['users'],
  body: z
    .strictObject({
      type: z.enum(['email', 'phone']),
      value: z.string().min(1).max(320),
      isVerified: z.boolean().optional(),
    })
    .meta({ id: 'AddIdentifier' }),
  status: 201,
  answer: UserBody,
  errors: ['not_found', 'already_exists', 'state_conflict'],
  act: (deps, call, keep) =>
    addIdentifier(
      deps,
      call,
      { ...call.body, isVerified: call.body.isVerified === true, userId: call.params.id ?? '' },
      keep,
    ),
  render: userBody,
})

export const removeIdentifierEndpoint = endpoint({
  method: 'DELETE',
  path: '/v1/users/{id}/identifiers',
  summary: 'Take an address away from a user',
  scopes: ['users'],
  query: z.strictObject({ type: z.enum(['email', 'phone']), value: z.string().min(1).max(320) }),
  status: 200,
  answer: UserBody,
  errors: ['not_found'],
  act: (deps, call) => removeIdentifier(deps, call, { ...call.query, userId: call.params.id ?? '' }),
  render: userBody,
})
