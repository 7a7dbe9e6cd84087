import { z } from 'zod'
import { endedRedirect } from '../../core/actions/state.ts'
import { cancel } from '../../core/actions/work.ts'
import { noBody } from '../api/fields.ts'
import { clientEndpoint } from './endpoint.ts'

export const cancelEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/cancel',
  summary: 'Give up',
  auth: 'action',
  body: noBody,
  status: 200,
  answer: z.object({ redirectTo: z.string().nullable() }).meta({ id: 'CancelledAction' }),
  errors: ['state_conflict'],
  act: cancel,
  render: (action, _call, { clock, epoch }) => ({ redirectTo: endedRedirect(action, clock.now(), epoch) }),
})
