import { z } from 'zod'
import { type VerifiedChallenge, verifyCode, verifyPasskey } from '../../core/challenges/verify.ts'
import type { Deps } from '../../core/deps.ts'
import { fieldError } from '../../core/errors.ts'
import { userBody } from '../../core/users/body.ts'
import { endpoint } from '../endpoint.ts'
import {
  ChallengeBody,
  challengeBody,
  SessionBody,
  sessionBody,
  TokensBody,
  tokensBody,
  UserBody,
} from '../wire.ts'
import { AuthenticatorBody, authenticatorBody, PasskeyCredentialBody } from '../wire-authenticators.ts'
import * as fields from './fields.ts'

export const VerifiedBody = z
  .object({
    challenge: ChallengeBody,
    user: UserBody.nullable(),
    isNewUser: z.boolean(),
    session: SessionBody.nullable(),
    tokens: TokensBody.nullable(),
    authenticator: AuthenticatorBody.nullable(),
  })
  .meta({ id: 'Verified' })

export const verifiedBody = (
  { challenge, user, isNewUser, session, tokens, authenticator }: VerifiedChallenge,
  deps: Deps,
) => ({
  challenge: challengeBody(challenge, deps),
  user: user && userBody(user),
  isNewUser,
  session: session && sessionBody(session),
  tokens: tokens && tokensBody(tokens),
  authenticator: authenticator && authenticatorBody(authenticator),
})

export const verifyCodeEndpoint = endpoint({
  method: 'POST',
  path: '/v1/challenges/{id}/verify',
  summary: 'Answer a challenge with its code, or with a passkey',
  scopes: ['auth'],
  body: z
    .strictObject({
      code: z.string().min(1).max(1000).optional(),
      credential: PasskeyCredentialBody.optional(),
      purpose: fields.purpose.optional(),
      context: fields.context.optional(),
    })
    .meta({ id: 'VerifyCode' }),
  status: 200,
  answer: VerifiedBody,
  errors: [
    'code_incorrect',
    'token_invalid',
    'not_found',
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
  act(deps, call, keep) {
    const { code, credential, ...common } = call.body
    const input = { ...common, challengeId: call.params.id ?? '' }
    if (code !== undefined && credential === undefined)
      return verifyCode(deps, call, { ...input, code }, keep)
    if (credential === undefined || code !== undefined)
      throw fieldError('code', 'invalid_value', 'exactly one of code and credential is needed')
    return verifyPasskey(deps, call, { ...input, credential }, keep)
  },
  render: (result, _call, deps) => verifiedBody(result, deps),
})
