import { mailedIntent, templateFor } from '../actions/mail.ts'
import { newChallenge } from '../challenges/create.ts'
import { type Call, type Deps, refuse } from '../deps.ts'
import type { NewChallenge } from '../ports.ts'
import type { Action, User } from '../rows.ts'
import type { Asking } from './method.ts'

/** What the methods of a mailbox share. The same core and limits as `POST /v1/challenges`. */
export async function beginByEmail(
  deps: Deps,
  call: Call,
  action: Action,
  { circumstances, presentedHash }: Asking,
  credential: 'code' | 'link',
): Promise<NewChallenge> {
  const { settings } = call.view
  const template = templateFor(settings, action.name, credential === 'code' ? 'emailCode' : 'emailLink')
  const leftMs = action.expiresAt - deps.clock.now()
  if (action.address === null || leftMs <= 0) return refuse('state_conflict')
  return await newChallenge(deps, call, {
    ...(action.userId === null ? { to: action.address } : { userId: action.userId }),
    actionId: action.id,
    presentedHash,
    purpose: action.name,
    ...(template !== null && { template }),
    variables: isProven => ({ intent: mailedIntent(action, isProven) }),
    credential,
    // Its link leads back to the action, whatever the setting says of links that an app handles itself.
    linkVia: 'ostiary',
    ...(action.redirectUrl !== null && { redirectUrl: action.redirectUrl }),
    ...(action.codeChallenge !== null && { codeChallenge: action.codeChallenge }),
    ...(action.locale !== null && { locale: action.locale }),
    expiresInSeconds: Math.min(settings.challenge.expiresInSeconds, Math.ceil(leftMs / 1000)),
    // The action's result opens the session, not the proof.
    session: false,
    appId: action.appId,
    context: {
      ipAddress: circumstances.ipAddress ?? undefined,
      userAgent: circumstances.userAgent ?? undefined,
    },
  })
}

export const hasProvenEmail = (user: User) =>
  user.identifiers.some(one => one.type === 'email' && one.verifiedAt !== null)
