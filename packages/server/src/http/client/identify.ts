import { z } from 'zod'
import { identify } from '../../core/actions/work.ts'
import { ClientActionBody, clientActionBody } from '../wire-actions.ts'
import { clientEndpoint } from './endpoint.ts'

export const identifyEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/identify',
  summary: 'Tell the address, or another one',
  auth: 'action',
  body: z.strictObject({ to: z.string().min(1).max(320) }).meta({ id: 'Identify' }),
  status: 200,
  answer: ClientActionBody,
  errors: ['state_conflict', 'destination_not_allowed'],
  act: (deps, call) => identify(deps, call, call.body.to),
  render: (action, { view }, deps) => clientActionBody(action, null, view, deps),
})
