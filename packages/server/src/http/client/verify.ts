import { z } from 'zod'
import { offerOf, verifyPasskeyInAction } from '../../core/actions/passkey.ts'
import { verify } from '../../core/actions/work.ts'
import { fieldError } from '../../core/errors.ts'
import { AuthenticationCredential } from '../../core/passkeys/shapes.ts'
import { ClientActionBody, clientActionBody, ResultBody } from '../wire-actions.ts'
import { deviceCookies } from './device-cookie.ts'
import { clientEndpoint } from './endpoint.ts'

export const ProvenActionBody = ClientActionBody.extend({ result: ResultBody }).meta({ id: 'ProvenAction' })

export const verifyEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/verify',
  summary:
    'Answer with the code, or with a passkey; the result token is in this answer alone, and null while a passkey is offered',
  auth: 'action',
  body: z
    .strictObject({
      code: z.string().min(1).max(1000).optional(),
      credential: AuthenticationCredential.optional(),
      // The client can show the offer of a passkey: others never see the step.
      canOffer: z.boolean().optional(),
    })
    .meta({ id: 'VerifyInAction' }),
  status: 200,
  answer: ClientActionBody.extend({ result: ResultBody.nullable() }).meta({ id: 'VerifiedAction' }),
  errors: [
    'code_incorrect',
    'token_invalid',
    'state_conflict',
    'not_found',
    'challenge_expired',
    'challenge_used',
    'attempts_exhausted',
    'sign_up_closed',
    'user_blocked',
    'rate_limited',
  ],
  act(deps, call) {
    const { code, credential, canOffer } = call.body
    if (code !== undefined && credential === undefined)
      return verify(deps, call, code, canOffer ? offerOf(call) : undefined)
    if (credential === undefined || code !== undefined)
      throw fieldError('code', 'invalid_value', 'exactly one of code and credential is needed')
    return verifyPasskeyInAction(deps, call, credential)
  },
  render: ({ action, challenge, result }, { view }, deps) => ({
    // Where more is asked for, the challenge that was answered is not under way any more.
    ...clientActionBody(action, action.challengeId === null ? null : challenge, view, deps),
    result,
  }),
  cookies: ({ deviceToken }, { view }) => deviceCookies(deviceToken, view),
})
