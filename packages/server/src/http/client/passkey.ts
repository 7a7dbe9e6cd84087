import { askForPasskey } from '../../core/actions/passkey.ts'
import { RequestOptions } from '../../core/passkeys/options.ts'
import { noBody } from '../api/fields.ts'
import { ClientActionBody, clientActionBody } from '../wire-actions.ts'
import { clientEndpoint } from './endpoint.ts'

/** The same for everybody: the browser, and not the server, knows which passkeys the person has. */
export const passkeyEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/passkey',
  summary: 'Ask for a passkey, beside whatever else is under way',
  auth: 'action',
  body: noBody,
  status: 200,
  answer: ClientActionBody.extend({ publicKey: RequestOptions }).meta({ id: 'AskedForPasskey' }),
  errors: ['state_conflict', 'rate_limited'],
  act: askForPasskey,
  render: ({ action, publicKey }, { view, challenge }, deps) => ({
    ...clientActionBody(action, challenge, view, deps),
    publicKey,
  }),
})
