import { z } from 'zod'
import { refuse } from '../../core/deps.ts'
import { writeOnce } from '../../core/idempotency.ts'
import type { Session } from '../../core/rows.ts'
import { openSession } from '../../core/sessions/open.ts'
import { type Refreshed, refreshSession } from '../../core/sessions/refresh.ts'
import { verifySession } from '../../core/sessions/verify.ts'
import { userBody } from '../../core/users/body.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage, whole } from '../list.ts'
import { listOf, SessionBody, sessionBody, TokensBody, tokensBody, UserBody } from '../wire.ts'
import * as fields from './fields.ts'

/** The endpoints of sessions (CONTRACT section 3). */

const OpenedBody = z
  .object({ session: SessionBody, tokens: TokensBody, user: UserBody })
  .meta({ id: 'OpenedSession' })
const openedBody = ({ session, tokens, user }: Refreshed) => ({
  session: sessionBody(session),
  tokens: tokensBody(tokens),
  user: userBody(user),
})

export const openSessionEndpoint = endpoint({
  method: 'POST',
  path: '/v1/sessions',
  summary: 'Open the session that verify did not',
  scopes: ['auth'],
  body: z
    .strictObject({
      challengeId: fields.id.optional(),
      actionId: fields.id.optional(),
      context: fields.context.optional(),
    })
    .meta({ id: 'OpenSession' }),
  status: 201,
  answer: OpenedBody,
  errors: [
    'not_found',
    'challenge_expired',
    'state_conflict',
    'already_claimed',
    'user_blocked',
    'hook_denied',
  ],
  holdsTokens: true,
  act: (deps, call, keep) => openSession(deps, call, call.body, keep),
  render: openedBody,
})

export const refreshSessionEndpoint = endpoint({
  method: 'POST',
  path: '/v1/sessions/refresh',
  summary: 'Trade a refresh token for its successor',
  scopes: ['auth'],
  body: z
    .strictObject({ refreshToken: z.string().min(1).max(200), context: fields.context.optional() })
    .meta({ id: 'RefreshSession' }),
  status: 200,
  answer: OpenedBody,
  errors: ['refresh_invalid', 'refresh_reused'],
  holdsTokens: true,
  act: (deps, call, keep) => refreshSession(deps, call, call.body, keep),
  render: openedBody,
})

export const verifySessionEndpoint = endpoint({
  method: 'POST',
  path: '/v1/sessions/verify',
  summary: 'Check an access token, revocation included',
  scopes: ['auth', 'read'],
  body: z.strictObject({ accessToken: z.string().min(1).max(16_384) }).meta({ id: 'VerifySession' }),
  status: 200,
  answer: z.object({ isActive: z.boolean(), session: SessionBody.nullable(), user: UserBody.nullable() }),
  errors: [],
  // Nothing is kept for an Idempotency-Key: a kept answer would hide a revocation, and there is no effect to repeat.
  act: (deps, call) => verifySession(deps, call, call.body.accessToken),
  render: check => ({
    isActive: check !== null,
    session: check && sessionBody(check.session),
    user: check && userBody(check.user),
  }),
})

export const getSessionEndpoint = endpoint({
  method: 'GET',
  path: '/v1/sessions/{id}',
  summary: 'A session',
  scopes: ['auth', 'users', 'read'],
  status: 200,
  answer: SessionBody,
  errors: ['not_found'],
  act: async ({ store }, { view, params }) =>
    (await store.findSession(view.environment.id, params.id ?? ''))?.session ?? refuse('not_found'),
  render: sessionBody,
})

export const listUserSessionsEndpoint = endpoint({
  method: 'GET',
  path: '/v1/users/{id}/sessions',
  summary: 'List the sessions of a user',
  scopes: ['auth', 'users', 'read'],
  query: z.strictObject(pageQuery),
  status: 200,
  answer: listOf(SessionBody),
  errors: ['not_found', 'cursor_invalid'],
  async act({ store }, { view, params, query }) {
    const userId = params.id ?? ''
    if (!(await store.findUser(view.environment.id, userId))) return refuse('not_found')
    return await readPage(`sessions ${userId}`, query, async page =>
      whole(await store.listSessions(view.environment.id, userId, page)),
    )
  },
  render: ({ rows, nextCursor }) => ({ data: rows.map(sessionBody), nextCursor }),
})

export const revokeSessionEndpoint = endpoint({
  method: 'POST',
  path: '/v1/sessions/{id}/revoke',
  summary: 'Revoke a session',
  scopes: ['auth', 'users'],
  body: fields.noBody,
  status: 200,
  answer: SessionBody,
  errors: ['not_found'],
  act: ({ store, clock }, { params, origin }, keep) =>
    writeOnce<Session | null, Session>(
      keep,
      once => store.revokeSession(params.id ?? '', origin, clock.now(), once),
      session => session ?? refuse('not_found'),
    ),
  render: sessionBody,
})

export const revokeUserSessionsEndpoint = endpoint({
  method: 'POST',
  path: '/v1/users/{id}/sessions/revoke',
  summary: 'Revoke all sessions of a user',
  scopes: ['auth', 'users'],
  body: fields.noBody,
  status: 200,
  answer: z.object({ revoked: z.int() }),
  errors: ['not_found'],
  act: ({ store, clock }, { params, origin }, keep) =>
    writeOnce<number | null, number>(
      keep,
      once => store.revokeUserSessions(params.id ?? '', origin, clock.now(), once),
      count => count ?? refuse('not_found'),
    ),
  render: revoked => ({ revoked }),
})
