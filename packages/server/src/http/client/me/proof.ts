import { z } from 'zod'
import { beginProof } from '../../../core/actions/track.ts'
import * as fields from '../../api/fields.ts'
import { clientActionBody } from '../../wire-actions.ts'
import { actionCookies } from '../action-cookies.ts'
import { BegunActionBody } from '../begin.ts'
import { browserOf } from '../device-cookie.ts'
import { clientEndpoint } from '../endpoint.ts'

/** What `fresh_proof_required` asks for: a sign-in of this person, whose result opens a session that is fresh. */
export const proofEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/proof',
  summary: 'Begin a sign-in in which nobody but this person can be proven',
  auth: 'session',
  body: z
    .strictObject({
      redirectUrl: z.string().min(1).max(2048).optional(),
      state: z.string().max(1000).optional(),
      codeChallenge: fields.codeChallenge.optional(),
      locale: fields.locale.optional(),
    })
    .meta({ id: 'BeginProof' }),
  status: 201,
  answer: BegunActionBody,
  errors: ['session_invalid', 'redirect_url_not_allowed', 'rate_limited'],
  act: (deps, call) => beginProof(deps, call, call, call.body, browserOf(call)),
  render: ({ action, token }, { view, isOwnPage }, deps) => ({
    ...clientActionBody(action, null, view, deps),
    token: isOwnPage ? null : token,
  }),
  cookies: (begun, { isOwnPage, jar }, { clock }) =>
    isOwnPage ? actionCookies(jar, begun, clock.now()) : [],
})
