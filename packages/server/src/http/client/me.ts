import { ClientUserBody, clientUserBody } from '../wire-actions.ts'
import { clientEndpoint } from './endpoint.ts'

export const meEndpoint = clientEndpoint({
  method: 'GET',
  path: '/client/v1/me',
  summary: 'The user of an access token',
  auth: 'session',
  status: 200,
  answer: ClientUserBody,
  errors: ['session_invalid'],
  act: async (_deps, { user }) => user,
  render: clientUserBody,
})
