import { z } from 'zod'
import { enroll, finishEnrollment } from '../../core/actions/passkey.ts'
import { CreationOptions } from '../../core/passkeys/options.ts'
import { RegistrationCredential } from '../../core/passkeys/shapes.ts'
import { noBody } from '../api/fields.ts'
import { ClientActionBody, clientActionBody, ResultBody } from '../wire-actions.ts'
import { AuthenticatorBody, authenticatorBody } from '../wire-authenticators.ts'
import { deviceCookies } from './device-cookie.ts'
import { clientEndpoint } from './endpoint.ts'

export const enrollEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/enroll',
  summary: 'Begin to enrol a passkey: the rules take that (step enroll), or it is offered (step offer)',
  auth: 'action',
  body: noBody,
  status: 200,
  answer: ClientActionBody.extend({ publicKey: CreationOptions }).meta({ id: 'EnrollingAction' }),
  errors: ['state_conflict', 'not_found', 'rate_limited'],
  act: enroll,
  render: ({ action, publicKey }, { view, challenge }, deps) => ({
    ...clientActionBody(action, challenge, view, deps),
    publicKey,
  }),
})

export const finishEnrollEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/enroll/finish',
  summary: 'The new passkey; the result token is in this answer alone',
  auth: 'action',
  body: z.strictObject({ credential: RegistrationCredential }).meta({ id: 'FinishEnrolling' }),
  status: 200,
  answer: ClientActionBody.extend({ authenticator: AuthenticatorBody, result: ResultBody }).meta({
    id: 'EnrolledAction',
  }),
  errors: [
    'token_invalid',
    'state_conflict',
    'challenge_expired',
    'challenge_used',
    'attempts_exhausted',
    'user_blocked',
    'rate_limited',
  ],
  act: (deps, call) => finishEnrollment(deps, call, call.body.credential),
  render: ({ action, authenticator, result }, { view, challenge }, deps) => ({
    ...clientActionBody(action, challenge, view, deps),
    authenticator: authenticatorBody(authenticator),
    result,
  }),
  cookies: ({ deviceToken }, { view }) => deviceCookies(deviceToken, view),
})
