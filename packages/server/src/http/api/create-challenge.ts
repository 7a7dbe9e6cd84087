import { z } from 'zod'
import { createChallenge } from '../../core/challenges/create.ts'
import { endpoint } from '../endpoint.ts'
import { ChallengeBody, challengeBody } from '../wire.ts'
import * as fields from './fields.ts'

export const CreateChallengeBody = z
  .strictObject({
    to: z.string().min(1).max(320).optional(),
    userId: fields.id.optional(),
    channel: z.enum(['email']).optional(),
    purpose: fields.purpose.optional(),
    credential: z.enum(['code', 'link', 'codeAndLink']).optional(),
    redirectUrl: z.string().min(1).max(2048).optional(),
    linkVia: z.enum(['ostiary', 'app']).optional(),
    codeChallenge: fields.codeChallenge.optional(),
    state: z.string().max(1000).optional(),
    expiresInSeconds: z.int().min(60).max(3600).optional(),
    locale: fields.locale.optional(),
    template: z.string().min(1).max(64).optional(),
    templateVariables: fields.templateVariables.optional(),
    userMode: z.enum(['create', 'existing', 'none']).optional(),
    externalId: fields.externalId.optional(),
    session: z.boolean().optional(),
    context: fields.context.optional(),
    appId: fields.id.optional(),
    metadata: fields.metadata(2048).optional(),
  })
  .meta({ id: 'CreateChallenge' })

export const createChallengeEndpoint = endpoint({
  method: 'POST',
  path: '/v1/challenges',
  load: 'send',
  summary: 'Send a code or link to an address',
  scopes: ['auth'],
  body: CreateChallengeBody,
  status: 201,
  answer: ChallengeBody,
  errors: [
    'redirect_url_not_allowed',
    'template_invalid',
    'not_found',
    'destination_not_allowed',
    'rate_limited',
  ],
  act: (deps, call, keep) => createChallenge(deps, call, call.body, keep),
  render: (challenge, _call, deps) => challengeBody(challenge, deps),
})
