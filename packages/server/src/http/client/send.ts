import { z } from 'zod'
import { send } from '../../core/actions/work.ts'
import { SENT_METHOD_NAMES } from '../../core/methods/methods.ts'
import { ClientActionBody, clientActionBody } from '../wire-actions.ts'
import { clientEndpoint } from './endpoint.ts'

export const sendEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/send',
  summary: 'Start a method',
  auth: 'action',
  load: 'send',
  body: z.strictObject({ method: z.enum(SENT_METHOD_NAMES) }).meta({ id: 'StartMethod' }),
  status: 200,
  answer: ClientActionBody,
  errors: [
    'state_conflict',
    'not_found',
    'redirect_url_not_allowed',
    'destination_not_allowed',
    'rate_limited',
  ],
  act: (deps, call) => send(deps, call, call.body.method),
  render: ({ action, challenge }, { view }, deps) => clientActionBody(action, challenge, view, deps),
})
