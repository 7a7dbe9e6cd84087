import { z } from 'zod'
import { type VerifiedChallenge, verifyCode } from '../../core/challenges/verify.ts'
import type { Deps } from '../../core/deps.ts'
import { endpoint } from '../endpoint.ts'
import {
  ChallengeBody,
  challengeBody,
  SessionBody,
  sessionBody,
  TokensBody,
  tokensBody,
  UserBody,
  userBody,
} from '../wire.ts'
import * as fields from './fields.ts'

export const VerifiedBody = z
  .object({
    challenge: ChallengeBody,
    user: UserBody.nullable(),
    isNewUser: z.boolean(),
    session: SessionBody.nullable(),
    tokens: TokensBody.nullable(),
  })
  .meta({ id: 'Verified' })

export const verifiedBody = (
  { challenge, user, isNewUser, session, tokens }: VerifiedChallenge,
  deps: Deps,
) => ({
  challenge: challengeBody(challenge, deps),
  user: user && userBody(user),
  isNewUser,
  session: session && sessionBody(session),
  tokens: tokens && tokensBody(tokens),
})

export const verifyCodeEndpoint = endpoint({
  method: 'POST',
  path: '/v1/challenges/{id}/verify',
  summary: 'Answer a challenge with its code',
  scopes: ['auth'],
  body: z
    .strictObject({
      code: z.string().min(1).max(1000),
      purpose: fields.purpose.optional(),
      context: fields.context.optional(),
    })
    .meta({ id: 'VerifyCode' }),
  status: 200,
  answer: VerifiedBody,
  errors: [
    'code_incorrect',
    'not_found',
    'challenge_expired',
    'challenge_used',
    'attempts_exhausted',
    'sign_up_closed',
    'user_blocked',
    'external_id_taken',
    'rate_limited',
  ],
  holdsTokens: true,
  act: (deps, call, keep) =>
    verifyCode(deps, call, { ...call.body, challengeId: call.params.id ?? '' }, keep),
  render: (result, _call, deps) => verifiedBody(result, deps),
})
