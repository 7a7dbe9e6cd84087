import { z } from 'zod'
import { type TrackedAction, trackAction } from '../../core/actions/track.ts'
import { type ValidatedAction, validateAction } from '../../core/actions/validate.ts'
import { type Deps, refuse } from '../../core/deps.ts'
import { wholeStory } from '../../core/stories/stories.ts'
import { userBody } from '../../core/users/body.ts'
import { endpoint } from '../endpoint.ts'
import { SessionBody, sessionBody, TokensBody, tokensBody, UserBody } from '../wire.ts'
import { ActionBody, actionBody } from '../wire-actions.ts'
import { lineBody, TimelineBody } from '../wire-stories.ts'
import * as fields from './fields.ts'

/** The endpoints of actions for backends (CONTRACT section 5): so far those that sign-in needs. */

export const trackActionEndpoint = endpoint({
  method: 'POST',
  path: '/v1/actions',
  summary: 'Track an action; its url and its token are for one browser',
  scopes: ['auth'],
  body: z
    .strictObject({
      name: z.literal('signIn', { error: 'only signIn is tracked in this version' }),
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
  answer: ActionBody.extend({ url: z.url(), token: z.string() }).meta({ id: 'TrackedAction' }),
  errors: ['redirect_url_not_allowed', 'not_found'],
  holdsTokens: true,
  act: (deps, call, keep) => trackAction(deps, call, call.body, keep),
  render: ({ action, user, authenticators, token, openingToken }: TrackedAction, call, deps) => ({
    ...actionBody(action, user, authenticators, call.view, deps),
    url: `${deps.publicUrl}/a/${openingToken}`,
    token,
  }),
})

export const getActionEndpoint = endpoint({
  method: 'GET',
  path: '/v1/actions/{id}',
  summary: 'An action with its timeline, oldest first',
  scopes: ['auth', 'read'],
  status: 200,
  answer: ActionBody.extend({ timeline: TimelineBody }).meta({ id: 'ActionWithTimeline' }),
  errors: ['not_found'],
  async act(deps: Deps, { view, params }) {
    const { store } = deps
    const action = await store.findAction(view.environment.id, params.id ?? '')
    if (!action) return refuse('not_found')
    const lines = await wholeStory(deps, view, { kind: 'action', actionId: action.id })
    const { userId } = action
    const [user, authenticators] =
      userId === null
        ? [null, []]
        : await Promise.all([
            store.findUser(view.environment.id, userId),
            store.listAuthenticators(view.environment.id, userId),
          ])
    return { action, user, authenticators: authenticators.map(one => one.type), lines }
  },
  render: ({ action, user, authenticators, lines }, { view }, deps) => ({
    ...actionBody(action, user, authenticators, view, deps),
    timeline: lines.map(lineBody),
  }),
})

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
    attributesHash: null,
    session: session && sessionBody(session),
    tokens: tokens && tokensBody(tokens),
  }),
})
