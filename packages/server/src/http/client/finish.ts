import { finish } from '../../core/actions/work.ts'
import { noBody } from '../api/fields.ts'
import { clientActionBody } from '../wire-actions.ts'
import { deviceCookies } from './device-cookie.ts'
import { clientEndpoint } from './endpoint.ts'
import { ProvenActionBody } from './verify.ts'

export const finishEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/finish',
  summary:
    'The result of an action that was proven on another device, or whose offer of a passkey is skipped; once',
  auth: 'action',
  body: noBody,
  status: 200,
  answer: ProvenActionBody,
  errors: ['state_conflict'],
  act: finish,
  render: ({ action, result }, { view, challenge }, deps) => ({
    ...clientActionBody(action, challenge, view, deps),
    result,
  }),
  cookies: ({ deviceToken }, { view }) => deviceCookies(deviceToken, view),
})
