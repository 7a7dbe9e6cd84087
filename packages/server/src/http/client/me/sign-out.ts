import { endSessions } from '../../../core/account/sessions.ts'
import { noBody } from '../../api/fields.ts'
import { refreshCookie } from '../cookies.ts'
import { clientEndpoint } from '../endpoint.ts'
import { EndedBody } from './sessions.ts'

export const signOutEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/sign-out',
  summary: 'End this session',
  auth: 'session',
  body: noBody,
  status: 200,
  answer: EndedBody,
  errors: ['session_invalid'],
  takesCredentials: true,
  act: (deps, call) => endSessions(deps, call, { id: call.session.id }),
  render: ended => ({ ended }),
  // Its expiry is past: the browser lets go of it (RFC 6265 5.3).
  cookies: (_ended, { app }, { clock }) => [refreshCookie(app.id, '', clock.now(), clock.now())],
})
