import { refuse } from '../../core/deps.ts'
import { refreshSession } from '../../core/sessions/refresh.ts'
import { noBody } from '../api/fields.ts'
import { iso } from '../wire.ts'
import { refreshCookie, refreshCookieName } from './cookies.ts'
import { clientEndpoint } from './endpoint.ts'
import { ClientTokensBody } from './validate.ts'

/**
 * Only where the app has `publicRefresh`, and for pages of Ostiary itself, which stay signed in over a reload: else there is
 * no cookie, and one that is left over is worth nothing.
 */
export const clientRefreshEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/sessions/refresh',
  summary: 'A new access token, by the cookie of an app without a backend',
  auth: 'key',
  body: noBody,
  status: 200,
  answer: ClientTokensBody,
  errors: ['refresh_invalid', 'refresh_reused'],
  takesCredentials: true,
  act(deps, call) {
    const refreshToken = call.jar[refreshCookieName(call.app.id)]
    const mayRefresh = call.app.publicRefresh || call.isOwnPage
    if (!mayRefresh || refreshToken === undefined) return refuse('refresh_invalid')
    const { ipAddress, userAgent } = call.circumstances
    return refreshSession(deps, call, {
      refreshToken,
      context: { ipAddress: ipAddress ?? undefined, userAgent: userAgent ?? undefined },
    })
  },
  render: ({ tokens }) => ({
    accessToken: tokens.accessToken,
    accessTokenExpiresAt: iso(tokens.accessTokenExpiresAt),
  }),
  cookies: ({ tokens }, { app }, { clock }) => [
    refreshCookie(app.id, tokens.refreshToken, tokens.refreshTokenExpiresAt, clock.now()),
  ],
})
