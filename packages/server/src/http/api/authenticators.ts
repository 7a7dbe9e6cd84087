import { z } from 'zod'
import {
  importPasskey,
  listAuthenticators,
  removeAuthenticator,
  renameAuthenticator,
} from '../../core/authenticators/authenticators.ts'
import { endpoint } from '../endpoint.ts'
import { listOf } from '../wire.ts'
import { AuthenticatorBody, authenticatorBody } from '../wire-authenticators.ts'

/** The endpoints of a user's authenticators (CONTRACT section 4). */

const base64url = (maxChars: number) =>
  z
    .string()
    .min(1)
    .max(maxChars)
    .regex(/^[\w-]+$/, 'base64url without padding')
export const authenticatorName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^\p{Cc}]*$/u, 'plain text')

export const listAuthenticatorsEndpoint = endpoint({
  method: 'GET',
  path: '/v1/users/{id}/authenticators',
  summary: 'The authenticators of a user: at most 50, so there is one page',
  scopes: ['users', 'read'],
  status: 200,
  answer: listOf(AuthenticatorBody),
  errors: ['not_found'],
  act: (deps, call) => listAuthenticators(deps, call, call.params.id ?? ''),
  render: authenticators => ({ data: authenticators.map(authenticatorBody), nextCursor: null }),
})

export const importAuthenticatorEndpoint = endpoint({
  method: 'POST',
  path: '/v1/users/{id}/authenticators',
  summary: 'Take over a passkey that another system has proven',
  scopes: ['users'],
  body: z
    .strictObject({
      type: z.literal('passkey'),
      credentialId: base64url(1364),
      publicKey: base64url(4096),
      // Settled when a key is made, and checked at each use: a guess would make it useless.
      isBackupEligible: z.boolean(),
      isBackedUp: z.boolean().optional(),
      signCount: z.int().min(0).max(4_294_967_295).optional(),
      transports: z.array(z.string().min(1).max(32)).max(16).optional(),
      name: authenticatorName.optional(),
      aaguid: z
        .string()
        .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
        .optional(),
    })
    .meta({ id: 'ImportAuthenticator' }),
  status: 201,
  answer: AuthenticatorBody,
  errors: ['not_found', 'already_exists', 'state_conflict'],
  act: (deps, call, keep) => importPasskey(deps, call, call.params.id ?? '', call.body, keep),
  render: authenticatorBody,
})

export const renameAuthenticatorEndpoint = endpoint({
  method: 'PATCH',
  path: '/v1/users/{id}/authenticators/{authenticatorId}',
  summary: 'Give an authenticator another name',
  scopes: ['users'],
  body: z.strictObject({ name: authenticatorName }).meta({ id: 'RenameAuthenticator' }),
  status: 200,
  answer: AuthenticatorBody,
  errors: ['not_found'],
  act: (deps, call) =>
    renameAuthenticator(deps, call, {
      userId: call.params.id ?? '',
      id: call.params.authenticatorId ?? '',
      name: call.body.name,
    }),
  render: authenticatorBody,
})

export const removeAuthenticatorEndpoint = endpoint({
  method: 'DELETE',
  path: '/v1/users/{id}/authenticators/{authenticatorId}',
  summary: 'Take an authenticator away; the last way in stays',
  scopes: ['users'],
  status: 204,
  answer: null,
  errors: ['not_found', 'state_conflict'],
  act: (deps, call) =>
    removeAuthenticator(deps, call, {
      userId: call.params.id ?? '',
      id: call.params.authenticatorId ?? '',
    }),
  render: () => null,
})
