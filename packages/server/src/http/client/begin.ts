import { z } from 'zod'
import { beginSignIn } from '../../core/actions/track.ts'
import * as fields from '../api/fields.ts'
import { ClientActionBody, clientActionBody } from '../wire-actions.ts'
import { actionCookies } from './action-cookies.ts'
import { browserOf } from './device-cookie.ts'
import { clientEndpoint } from './endpoint.ts'

export const BegunActionBody = ClientActionBody.extend({ token: z.string().nullable() }).meta({
  id: 'BegunAction',
})

/** A page of Ostiary gets the cookie and no token: nothing there could leak it. */
export const beginEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions',
  summary: 'Begin a sign-in',
  auth: 'key',
  body: z
    .strictObject({
      redirectUrl: z.string().min(1).max(2048).optional(),
      state: z.string().max(1000).optional(),
      codeChallenge: fields.codeChallenge.optional(),
      loginHint: z.string().max(320).optional(),
      locale: fields.locale.optional(),
    })
    .meta({ id: 'BeginSignIn' }),
  status: 201,
  answer: BegunActionBody,
  errors: ['redirect_url_not_allowed', 'rate_limited'],
  act: (deps, call) => beginSignIn(deps, call, call.app.id, call.body, browserOf(call)),
  render: ({ action, token }, { view, isOwnPage }, deps) => ({
    ...clientActionBody(action, null, view, deps),
    token: isOwnPage ? null : token,
  }),
  cookies: (begun, { isOwnPage, jar }, { clock }) =>
    isOwnPage ? actionCookies(jar, begun, clock.now()) : [],
})
