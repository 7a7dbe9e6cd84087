import { z } from 'zod'
import { verifyLink } from '../../core/challenges/verify.ts'
import { endpoint } from '../endpoint.ts'
import * as fields from './fields.ts'
import { VerifiedBody, verifiedBody } from './verify-code.ts'

export const verifyLinkEndpoint = endpoint({
  method: 'POST',
  path: '/v1/challenges/verify',
  summary: 'Answer a challenge with its link',
  scopes: ['auth'],
  body: z
    .strictObject({
      linkToken: z.string().min(1).max(200),
      codeVerifier: fields.codeVerifier.optional(),
      challengeId: fields.id.optional(),
      purpose: fields.purpose.optional(),
      context: fields.context.optional(),
    })
    .meta({ id: 'VerifyLink' }),
  status: 200,
  answer: VerifiedBody,
  errors: [
    'link_invalid',
    'challenge_expired',
    'challenge_used',
    'attempts_exhausted',
    'sign_up_closed',
    'user_blocked',
    'hook_denied',
    'external_id_taken',
    'rate_limited',
  ],
  holdsTokens: true,
  act: (deps, call, keep) => verifyLink(deps, call, call.body, keep),
  render: (result, _call, deps) => verifiedBody(result, deps),
})
