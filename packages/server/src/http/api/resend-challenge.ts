import { z } from 'zod'
import { resendChallenge } from '../../core/challenges/resend.ts'
import { endpoint } from '../endpoint.ts'
import { ChallengeBody, challengeBody } from '../wire.ts'
import * as fields from './fields.ts'

export const resendChallengeEndpoint = endpoint({
  method: 'POST',
  path: '/v1/challenges/{id}/resend',
  load: 'send',
  summary: 'Send the message of a challenge again',
  scopes: ['auth'],
  body: fields.noBody,
  status: 200,
  answer: ChallengeBody.extend({ earlierCodes: z.enum(['valid', 'replaced']) }).meta({
    id: 'ResentChallenge',
  }),
  errors: [
    'not_found',
    'redirect_url_not_allowed',
    'destination_not_allowed',
    'challenge_expired',
    'challenge_used',
    'attempts_exhausted',
    'sends_exhausted',
    'resend_too_late',
    'rate_limited',
  ],
  act: (deps, call, keep) => resendChallenge(deps, call, call.params.id ?? '', keep),
  render: ({ challenge, earlierCodes }, _call, deps) => ({ ...challengeBody(challenge, deps), earlierCodes }),
})
