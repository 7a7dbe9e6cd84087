import { endSessions } from '../../../core/account/sessions.ts'
import { parseRefreshToken } from '../../../core/tokens.ts'
import { noBody } from '../../api/fields.ts'
import { refreshCookie, refreshCookieName } from '../cookies.ts'
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
  // Its expiry is past: the browser lets go of it (RFC 6265 5.3). Another tab may have signed in since: that one stays.
  cookies(_ended, { app, session, jar }, { clock }) {
    const held = parseRefreshToken(jar[refreshCookieName(app.id)] ?? '')
    const isAnothers = held !== null && held.sessionId !== session.id
    return isAnothers ? [] : [refreshCookie(app.id, '', clock.now(), clock.now())]
  },
})
