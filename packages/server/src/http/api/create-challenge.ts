import { z } from 'zod'
import { type CreateChallenge, createChallenge } from '../../core/challenges/create.ts'
import { type Call, circumstancesOf, type Deps } from '../../core/deps.ts'
import { fieldError, OstiaryError } from '../../core/errors.ts'
import type { Keep } from '../../core/idempotency.ts'
import { type BegunPasskey, beginPasskey, PASSKEY_LIVES_SECONDS } from '../../core/passkeys/begin.ts'
import type { Challenge } from '../../core/rows.ts'
import { endpoint } from '../endpoint.ts'
import { ChallengeBody, challengeBody } from '../wire.ts'
import * as fields from './fields.ts'

export const CreateChallengeBody = z
  .strictObject({
    to: z.string().min(1).max(320).optional(),
    userId: fields.id.optional(),
    method: z.enum(['passkey']).optional(),
    ceremony: z.enum(['authentication', 'registration']).optional(),
    userVerification: z.enum(['required']).optional(),
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

type Body = z.infer<typeof CreateChallengeBody>

/** What else a challenge for a passkey can say; all other fields are about something that is sent. */
const OF_PASSKEY = new Set<string>([
  'method',
  'ceremony',
  'userId',
  'userVerification',
  'purpose',
  'session',
  'expiresInSeconds',
  'context',
  'appId',
  'metadata',
])

export const createChallengeEndpoint = endpoint({
  method: 'POST',
  path: '/v1/challenges',
  load: 'send',
  summary: 'Send a code or link to an address, or ask for a passkey',
  scopes: ['auth'],
  body: CreateChallengeBody,
  status: 201,
  answer: ChallengeBody,
  errors: [
    'redirect_url_not_allowed',
    'template_invalid',
    'not_found',
    'state_conflict',
    'destination_not_allowed',
    'rate_limited',
  ],
  act: (deps, call, keep): Promise<Challenge | BegunPasskey> =>
    call.body.method === 'passkey'
      ? askForPasskey(deps, call, call.body, keep)
      : createChallenge(deps, call, ofMessage(call.body), keep),
  render: (begun, _call, deps) =>
    'publicKey' in begun ? challengeBody(begun.challenge, deps, begun.publicKey) : challengeBody(begun, deps),
})

function askForPasskey(deps: Deps, call: Call, body: Body, keep: Keep<BegunPasskey> | undefined) {
  const foreign = Object.keys(body).filter(field => !OF_PASSKEY.has(field))
  if (foreign.length > 0)
    throw new OstiaryError('invalid_request', {
      detail: 'Nothing is sent for a passkey.',
      errors: foreign.map(path => ({ path, code: 'invalid_value', message: 'is not for a passkey' })),
    })
  const { ceremony = 'authentication', userId = null, expiresInSeconds = PASSKEY_LIVES_SECONDS } = body
  if (ceremony === 'registration' && userId === null)
    throw fieldError('userId', 'required', 'is needed: a passkey is made for somebody')
  if (expiresInSeconds > PASSKEY_LIVES_SECONDS)
    throw fieldError('expiresInSeconds', 'too_big', `can be at most ${PASSKEY_LIVES_SECONDS} for a passkey`)
  const purpose = body.purpose ?? 'signIn'
  return beginPasskey(
    deps,
    call,
    {
      ceremony,
      userId,
      purpose,
      opensSession: body.session ?? purpose === 'signIn',
      appId: body.appId,
      userVerification: body.userVerification,
      expiresInSeconds,
      metadata: body.metadata,
      actionId: null,
      circumstances: circumstancesOf(body.context),
    },
    keep,
  )
}

function ofMessage({ method, ceremony, userVerification, ...rest }: Body): CreateChallenge {
  for (const [path, told] of Object.entries({ ceremony, userVerification }))
    if (told !== undefined) throw fieldError(path, 'invalid_value', 'is for method "passkey"')
  return rest
}
