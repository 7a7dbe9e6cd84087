import { z } from 'zod'
import { claimChallenge } from '../../core/challenges/claim.ts'
import { userBody } from '../../core/users/body.ts'
import { endpoint } from '../endpoint.ts'
import { ChallengeBody, challengeBody, UserBody } from '../wire.ts'
import * as fields from './fields.ts'

export const claimChallengeEndpoint = endpoint({
  method: 'POST',
  path: '/v1/challenges/{id}/claim',
  summary: 'Bind a proven address to a user of the app',
  scopes: ['auth'],
  body: z
    .strictObject({ userId: fields.id.optional(), externalId: fields.externalId.optional() })
    .meta({ id: 'ClaimChallenge' }),
  status: 200,
  answer: z.object({ challenge: ChallengeBody, user: UserBody }),
  errors: [
    'not_found',
    'challenge_expired',
    'state_conflict',
    'already_claimed',
    'already_exists',
    'user_blocked',
  ],
  act: (deps, call, keep) =>
    claimChallenge(deps, call, { ...call.body, challengeId: call.params.id ?? '' }, keep),
  render: ({ challenge, user }, _call, deps) => ({
    challenge: challengeBody(challenge, deps),
    user: userBody(user),
  }),
})
