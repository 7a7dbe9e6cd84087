import { z } from 'zod'
import { attributesHash } from '../../core/actions/attributes.ts'
import { reviewAction } from '../../core/actions/review.ts'
import { type TrackedAction, trackAction } from '../../core/actions/track.ts'
import { type ValidatedAction, validateAction } from '../../core/actions/validate.ts'
import { type Deps, refuse } from '../../core/deps.ts'
import type { Store } from '../../core/ports.ts'
import type { Action } from '../../core/rows.ts'
import { wholeStory } from '../../core/stories/stories.ts'
import { userBody } from '../../core/users/body.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage } from '../list.ts'
import { listOf, SessionBody, sessionBody, TokensBody, tokensBody, UserBody } from '../wire.ts'
import { ActionBody, actionBody, ListedActionBody, listedActionBody, STATES } from '../wire-actions.ts'
import { lineBody, TimelineBody } from '../wire-stories.ts'
import * as fields from './fields.ts'

/** The endpoints of actions for backends (CONTRACT section 5). */

export const trackActionEndpoint = endpoint({
  method: 'POST',
  path: '/v1/actions',
  summary: 'Track an action; its url and its token are for one browser',
  scopes: ['auth'],
  body: z
    .strictObject({
      name: fields.purpose,
      reference: z.string().min(1).max(255).optional(),
      intent: fields.intent.optional(),
      attributes: fields.metadata(4096).optional(),
      userId: fields.id.optional(),
      user: z
        .strictObject({
          email: z.string().min(1).max(320).optional(),
          externalId: fields.externalId.optional(),
        })
        .optional(),
      redirectUrl: z.string().min(1).max(2048).optional(),
      state: z.string().max(1000).optional(),
      codeChallenge: fields.codeChallenge.optional(),
      locale: fields.locale.optional(),
      appId: fields.id.optional(),
      context: fields.context.optional(),
    })
    .meta({ id: 'TrackAction' }),
  status: 201,
  isRepeat: answer => 'isRepeated' in answer && answer.isRepeated === true,
  answer: ActionBody.extend({
    // Null where there is nothing to do for a browser, and for a reference that was tracked before.
    url: z.url().nullable(),
    token: z.string().nullable(),
    isRepeated: z.boolean(),
  }).meta({ id: 'TrackedAction' }),
  errors: ['redirect_url_not_allowed', 'not_found', 'already_exists'],
  holdsTokens: true,
  act: (deps, call, keep) => trackAction(deps, call, call.body, keep),
  render: ({ action, user, authenticators, token, openingToken, isRepeat }: TrackedAction, call, deps) => ({
    ...actionBody(action, user, authenticators, call.view, deps),
    url: openingToken === null ? null : `${deps.publicUrl}/a/${openingToken}`,
    token,
    isRepeated: isRepeat,
  }),
})

export const getActionEndpoint = endpoint({
  method: 'GET',
  path: '/v1/actions/{id}',
  summary: 'An action with its timeline, oldest first',
  scopes: ['auth', 'read', 'review'],
  status: 200,
  answer: ActionBody.extend({ timeline: TimelineBody }).meta({ id: 'ActionWithTimeline' }),
  errors: ['not_found'],
  async act(deps: Deps, { view, params }) {
    const { store } = deps
    const action = await store.findAction(view.environment.id, params.id ?? '')
    if (!action) return refuse('not_found')
    const lines = await wholeStory(deps, view, { kind: 'action', actionId: action.id })
    return { ...(await withUser(store, action)), lines }
  },
  render: ({ action, user, authenticators, lines }, { view }, deps) => ({
    ...actionBody(action, user, authenticators, view, deps),
    timeline: lines.map(lineBody),
  }),
})

export const listActionsEndpoint = endpoint({
  method: 'GET',
  path: '/v1/actions',
  summary: 'List actions',
  scopes: ['auth', 'read', 'review'],
  query: z.strictObject({
    ...pageQuery,
    userId: fields.id.optional(),
    name: fields.purpose.optional(),
    reference: z.string().min(1).max(255).optional(),
    state: z.enum(STATES).optional(),
  }),
  status: 200,
  answer: listOf(ListedActionBody),
  errors: ['cursor_invalid'],
  act: ({ store, clock, epoch }, { view, query }) =>
    readPage(`actions ${view.environment.id}`, query, page =>
      store.listActions(
        view.environment.id,
        {
          userId: query.userId ?? null,
          name: query.name ?? null,
          reference: query.reference ?? null,
          state: query.state ?? null,
          now: clock.now(),
          epoch,
        },
        page,
      ),
    ),
  render: ({ rows, nextCursor }, { view }, deps) => ({
    data: rows.map(row => listedActionBody(row, view, deps)),
    nextCursor,
  }),
})

export const reviewActionEndpoint = endpoint({
  method: 'PATCH',
  path: '/v1/actions/{id}',
  summary: 'Decide a review, once',
  scopes: ['review'],
  body: z.strictObject({ state: z.enum(['REVIEW_SUCCEEDED', 'REVIEW_FAILED']) }).meta({ id: 'ReviewAction' }),
  status: 200,
  answer: ActionBody,
  errors: ['not_found', 'state_conflict'],
  act: async (deps, call) =>
    await withUser(deps.store, await reviewAction(deps, call, call.params.id ?? '', call.body.state)),
  render: ({ action, user, authenticators }, { view }, deps) =>
    actionBody(action, user, authenticators, view, deps),
})

async function withUser(store: Store, action: Action) {
  const { environmentId, userId } = action
  const [user, authenticators] =
    userId === null
      ? [null, []]
      : await Promise.all([
          store.findUser(environmentId, userId),
          store.listAuthenticators(environmentId, userId),
        ])
  return { action, user, authenticators: authenticators.map(one => one.type) }
}

export const validateActionEndpoint = endpoint({
  method: 'POST',
  path: '/v1/actions/validate',
  summary: 'Redeem the result token of an action',
  scopes: ['auth'],
  body: z
    .strictObject({
      token: z.string().min(1).max(200),
      action: fields.purpose,
      userId: fields.id.optional(),
      codeVerifier: fields.codeVerifier.optional(),
      context: fields.context.optional(),
    })
    .meta({ id: 'ValidateAction' }),
  status: 200,
  answer: z
    .object({
      isValid: z.boolean(),
      action: ActionBody,
      user: UserBody,
      attributesHash: z.string().nullable(),
      session: SessionBody.nullable(),
      tokens: TokensBody.nullable(),
    })
    .meta({ id: 'ValidatedAction' }),
  errors: ['token_invalid', 'user_blocked', 'hook_denied'],
  holdsTokens: true,
  act: (deps, call, keep) => validateAction(deps, call, call.body, keep),
  render: ({ action, user, authenticators, session, tokens }: ValidatedAction, call, deps) => ({
    isValid: true,
    action: actionBody(action, user, authenticators, call.view, deps),
    user: userBody(user),
    attributesHash: attributesHash(action),
    session: session && sessionBody(session),
    tokens: tokens && tokensBody(tokens),
  }),
})
