import { z } from 'zod'
import { verify } from '../../core/actions/work.ts'
import { ClientActionBody, clientActionBody, ResultBody } from '../wire-actions.ts'
import { clientEndpoint } from './endpoint.ts'

export const ProvenActionBody = ClientActionBody.extend({ result: ResultBody }).meta({ id: 'ProvenAction' })

export const verifyEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/verify',
  summary: 'Answer with the code; the result token is in this answer alone',
  auth: 'action',
  body: z.strictObject({ code: z.string().min(1).max(1000) }).meta({ id: 'VerifyInAction' }),
  status: 200,
  answer: ProvenActionBody,
  errors: [
    'code_incorrect',
    'state_conflict',
    'not_found',
    'challenge_expired',
    'challenge_used',
    'attempts_exhausted',
    'sign_up_closed',
    'user_blocked',
    'rate_limited',
  ],
  act: (deps, call) => verify(deps, call, call.body.code),
  render: ({ action, challenge, result }, { view }, deps) => ({
    ...clientActionBody(action, challenge, view, deps),
    result,
  }),
})
