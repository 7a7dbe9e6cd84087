import { z } from 'zod'
import {
  beginOwnPasskey,
  finishOwnPasskey,
  ownAuthenticators,
  removeOwn,
  renameOwn,
} from '../../../core/account/passkeys.ts'
import { CreationOptions } from '../../../core/passkeys/options.ts'
import { RegistrationCredential } from '../../../core/passkeys/shapes.ts'
import { authenticatorName } from '../../api/authenticators.ts'
import { id, noBody } from '../../api/fields.ts'
import { AuthenticatorBody, authenticatorBody } from '../../wire-authenticators.ts'
import { clientEndpoint } from '../endpoint.ts'

export const myAuthenticatorsEndpoint = clientEndpoint({
  method: 'GET',
  path: '/client/v1/me/authenticators',
  summary: 'The person’s authenticators',
  auth: 'session',
  status: 200,
  answer: z.object({ data: z.array(AuthenticatorBody) }),
  errors: ['session_invalid'],
  act: ownAuthenticators,
  render: authenticators => ({ data: authenticators.map(authenticatorBody) }),
})

export const beginMyPasskeyEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/passkeys',
  summary: 'Begin to enrol a passkey',
  auth: 'session',
  needsFreshProof: true,
  body: noBody,
  status: 201,
  answer: z.object({ challengeId: z.string(), publicKey: CreationOptions }).meta({ id: 'BegunOwnPasskey' }),
  errors: ['session_invalid', 'fresh_proof_required', 'rate_limited'],
  act: beginOwnPasskey,
  render: ({ challenge, publicKey }) => ({ challengeId: challenge.id, publicKey }),
})

export const finishMyPasskeyEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/passkeys/finish',
  summary: 'Enrol the passkey that the browser made',
  auth: 'session',
  body: z
    .strictObject({ challengeId: id, credential: RegistrationCredential, name: authenticatorName.optional() })
    .meta({ id: 'FinishOwnPasskey' }),
  status: 201,
  answer: AuthenticatorBody,
  errors: [
    'session_invalid',
    'not_found',
    'token_invalid',
    'challenge_expired',
    'challenge_used',
    'attempts_exhausted',
    'user_blocked',
    'rate_limited',
  ],
  act: (deps, call) => finishOwnPasskey(deps, call, call.body),
  render: authenticatorBody,
})

export const renameMyAuthenticatorEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/authenticators/rename',
  summary: 'Give an authenticator another name',
  auth: 'session',
  body: z.strictObject({ id, name: authenticatorName }).meta({ id: 'RenameOwnAuthenticator' }),
  status: 200,
  answer: AuthenticatorBody,
  errors: ['session_invalid', 'not_found'],
  act: (deps, call) => renameOwn(deps, call, call.body),
  render: authenticatorBody,
})

export const removeMyAuthenticatorEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/authenticators/remove',
  summary: 'Remove an authenticator; the last way in stays',
  auth: 'session',
  needsFreshProof: true,
  body: z.strictObject({ id }).meta({ id: 'RemoveOwnAuthenticator' }),
  status: 200,
  answer: z
    .object({ acceptedCredentialIds: z.array(z.string()), rpId: z.string(), userId: z.string() })
    .meta({ id: 'AcceptedCredentials' }),
  errors: ['session_invalid', 'fresh_proof_required', 'not_found', 'state_conflict'],
  act: (deps, call) => removeOwn(deps, call, call.body.id),
  render: accepted => accepted,
})
