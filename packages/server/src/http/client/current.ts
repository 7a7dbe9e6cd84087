import { ClientActionBody, clientActionBody } from '../wire-actions.ts'
import { clientEndpoint } from './endpoint.ts'

export const currentEndpoint = clientEndpoint({
  method: 'GET',
  path: '/client/v1/actions/current',
  summary: 'The action and its step',
  auth: 'action',
  status: 200,
  answer: ClientActionBody,
  errors: [],
  act: async (_deps, { action, challenge }) => ({ action, challenge }),
  render: ({ action, challenge }, { view }, deps) => clientActionBody(action, challenge, view, deps),
})
