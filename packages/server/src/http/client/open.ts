import { z } from 'zod'
import { openAction } from '../../core/actions/work.ts'
import { refuse } from '../../core/deps.ts'
import { ClientActionBody, clientActionBody } from '../wire-actions.ts'
import { actionCookies } from './action-cookies.ts'
import { clientEndpoint } from './endpoint.ts'

/** The first browser gets the action; a second opener is refused (PROTOCOL section 4). */
export const openEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/actions/open',
  summary: 'Trade the opening token of an action’s url for the cookie, once',
  auth: 'page',
  body: z.strictObject({ token: z.string().min(1).max(200) }).meta({ id: 'OpenAction' }),
  status: 200,
  answer: ClientActionBody,
  errors: ['token_invalid'],
  async act(deps, { body }) {
    const { action, token } = await openAction(deps, body.token)
    const view = (await deps.directory.byId(action.environmentId)) ?? refuse('unavailable')
    return { action, token, view }
  },
  render: ({ action, view }, _call, deps) => clientActionBody(action, null, view, deps),
  cookies: (opened, { jar, body }, { clock }) => actionCookies(jar, opened, clock.now(), body.token),
})
