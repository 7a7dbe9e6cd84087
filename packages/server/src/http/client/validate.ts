import { z } from 'zod'
import { validateAction } from '../../core/actions/validate.ts'
import type { App } from '../../core/rows.ts'
import * as fields from '../api/fields.ts'
import { Instant, iso, SessionBody, sessionBody } from '../wire.ts'
import { ClientUserBody, clientUserBody } from '../wire-actions.ts'
import { refreshCookie } from './cookies.ts'
import { deviceCookies, heldDevice } from './device-cookie.ts'
import { clientEndpoint } from './endpoint.ts'

export const ClientTokensBody = z
  .object({ accessToken: z.string(), accessTokenExpiresAt: Instant })
  .meta({ id: 'ClientTokens' })

const keepsCookies = ({ app, isOwnPage }: { app: App; isOwnPage: boolean }) => app.publicRefresh || isOwnPage

/**
 * For an app without a backend: the verifier, which never left its page, takes the place of the secret key. A refresh token
 * goes into a cookie that no script can read, and only where the app has `publicRefresh`, or to a page of Ostiary itself.
 */
export const clientValidateEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/validate',
  summary: 'Redeem a result token with the verifier of its action',
  auth: 'key',
  body: z
    .strictObject({ token: z.string().min(1).max(200), codeVerifier: fields.codeVerifier })
    .meta({ id: 'ValidateInBrowser' }),
  status: 200,
  answer: z
    .object({
      isValid: z.boolean(),
      user: ClientUserBody,
      session: SessionBody.nullable(),
      tokens: ClientTokensBody.nullable(),
    })
    .meta({ id: 'ValidatedInBrowser' }),
  errors: ['token_invalid', 'user_blocked', 'hook_denied'],
  takesCredentials: true,
  act: (deps, call) =>
    validateAction(deps, call, {
      ...call.body,
      action: 'signIn',
      appId: call.app.id,
      context: {
        ipAddress: call.circumstances.ipAddress ?? undefined,
        userAgent: call.circumstances.userAgent ?? undefined,
      },
      shown: keepsCookies(call) ? heldDevice(call.jar, call.view) : undefined,
    }),
  render: ({ user, session, tokens }) => ({
    isValid: true,
    user: clientUserBody(user),
    session: session && sessionBody(session),
    tokens: tokens && {
      accessToken: tokens.accessToken,
      accessTokenExpiresAt: iso(tokens.accessTokenExpiresAt),
    },
  }),
  cookies: ({ tokens }, call, { clock }) =>
    tokens && keepsCookies(call)
      ? [
          refreshCookie(call.app.id, tokens.refreshToken, tokens.refreshTokenExpiresAt, clock.now()),
          ...deviceCookies(tokens.deviceToken, call.view),
        ]
      : [],
})
