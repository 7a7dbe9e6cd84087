import { z } from 'zod'
import { resend } from '../../core/actions/work.ts'
import { noBody } from '../api/fields.ts'
import { ClientActionBody, clientActionBody } from '../wire-actions.ts'
import { clientEndpoint } from './endpoint.ts'

export const resendEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/resend',
  summary: 'Send another message',
  auth: 'action',
  load: 'send',
  body: noBody,
  status: 200,
  answer: ClientActionBody.extend({ earlierCodes: z.enum(['valid', 'replaced']) }).meta({
    id: 'ResentAction',
  }),
  errors: [
    'state_conflict',
    'not_found',
    'challenge_expired',
    'challenge_used',
    'attempts_exhausted',
    'sends_exhausted',
    'resend_too_late',
    'redirect_url_not_allowed',
    'destination_not_allowed',
    'rate_limited',
  ],
  act: resend,
  render: ({ challenge, earlierCodes }, { view, action }, deps) => ({
    ...clientActionBody(action, challenge, view, deps),
    earlierCodes,
  }),
})
