import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { approve, askApproval, type OpenedLink, pressInAction, pressMeans } from '../core/actions/link.ts'
import { isOpen, stateOf } from '../core/actions/state.ts'
import type { EnvironmentView } from '../core/environments/directory.ts'
import { type ErrorCode, OstiaryError } from '../core/errors.ts'
import type { Challenge } from '../core/rows.ts'
import type { AppVariables, HttpDeps } from './app.ts'
import { heldWork } from './client/action-cookies.ts'
import { heldDevice, isRemembered } from './client/device-cookie.ts'
import { circumstancesOf } from './client/serve.ts'
import type { LinkEnd } from './pages/link-page.ts'

/** What a press led to: a page that ends here, the app, or the question for the number. */
export type Pressed =
  | { kind: 'end'; state: LinkEnd; status: 200 | 403 | 404 | 409 | 410; deviceToken?: string | null }
  | { kind: 'redirect'; to: string; deviceToken: string | null }
  | { kind: 'number'; pressToken: string }

export interface ActionLink {
  means: ReturnType<typeof pressMeans>
  /** This browser has the action's cookie: its page may go on without a press. */
  isSameBrowser: boolean
  /** What the app says that the press confirms. */
  intent: string | null
  /** Acts on a press that came from our own page; `pressToken` tells one browser from another. */
  press(pressToken: string | null, number: string | null): Promise<Pressed>
}

const ENDS: Partial<Record<ErrorCode, Pressed>> = {
  challenge_used: { kind: 'end', state: 'used', status: 409 },
  challenge_expired: { kind: 'end', state: 'expired', status: 410 },
  state_conflict: { kind: 'end', state: 'expired', status: 410 },
  attempts_exhausted: { kind: 'end', state: 'exhausted', status: 409 },
  link_invalid: { kind: 'end', state: 'unknown', status: 404 },
  user_blocked: { kind: 'end', state: 'denied', status: 403 },
  sign_up_closed: { kind: 'end', state: 'denied', status: 403 },
}

/** A link of an action, as this browser may use it; `over` when the action has moved on; null for a link of the API. */
export async function actionLink(
  deps: HttpDeps,
  c: Context<AppVariables>,
  { challenge, view }: { challenge: Challenge; view: EnvironmentView },
): Promise<ActionLink | 'over' | null> {
  if (challenge.actionId === null) return null
  const action = await deps.store.findAction(view.environment.id, challenge.actionId)
  const now = await deps.store.judgeAt(deps.clock.now())
  if (action?.challengeId !== challenge.id || !isOpen(stateOf(action, now, deps.epoch))) return 'over'
  const jar = getCookie(c)
  const isSameBrowser = (await heldWork(deps, jar, action.id)) !== null
  const link: OpenedLink = {
    view,
    origin: {
      environmentId: view.environment.id,
      appId: action.appId,
      actor: { type: 'user', id: null },
      requestId: c.get('requestId'),
    },
    action,
    challenge,
    linkToken: c.req.param('token') ?? '',
    circumstances: circumstancesOf(deps, c),
    shown: heldDevice(jar, view),
    isRemembered: isRemembered(jar, view),
  }
  const means = pressMeans(link, isSameBrowser)
  return {
    means,
    isSameBrowser,
    intent: action.intent,
    async press(pressToken, number) {
      try {
        return await act(deps, link, { means, isSameBrowser }, pressToken, number)
      } catch (error) {
        const end = error instanceof OstiaryError ? ENDS[error.code] : undefined
        if (end) return end
        throw error
      }
    },
  }
}

async function act(
  deps: HttpDeps,
  link: OpenedLink,
  { means, isSameBrowser }: Pick<ActionLink, 'means' | 'isSameBrowser'>,
  pressToken: string | null,
  number: string | null,
): Promise<Pressed> {
  const elsewhere: Pressed = { kind: 'end', state: 'elsewhere', status: 409 }
  const proven: Pressed = { kind: 'end', state: 'proven', status: 200 }
  if (means === 'back') return elsewhere
  if (means === 'continue') {
    const { result, deviceToken } = await pressInAction(deps, link, isSameBrowser)
    return result?.redirectTo
      ? { kind: 'redirect', to: result.redirectTo, deviceToken }
      : { ...proven, deviceToken }
  }
  // Which browser was asked for the number is told by the cookie that its page set.
  if (pressToken === null) return { kind: 'end', state: 'refused', status: 403 }
  if (number === null)
    return (await askApproval(deps, link, pressToken)) ? { kind: 'number', pressToken } : elsewhere
  switch (await approve(deps, link, pressToken, number)) {
    case 'approved':
      return proven
    case 'off':
      return elsewhere
    default:
      return { kind: 'end', state: 'numberWrong', status: 409 }
  }
}
