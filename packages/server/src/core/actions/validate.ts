import { createHash } from 'node:crypto'
import { type Call, circumstancesOf, type Deps, refuse, shownDevice, type ToldContext } from '../deps.ts'
import { ConsentNeeded, withConsent } from '../hooks/before-sign-in.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import type { Validated } from '../ports.ts'
import type { Action, Authenticator, Session, User } from '../rows.ts'
import { prepareSession, type Tokens, tokensOf } from '../sessions/tokens.ts'
import { isToken } from '../tokens.ts'

export interface ValidatedAction {
  action: Action
  user: User
  authenticators: Authenticator['type'][]
  session: Session | null
  tokens: Tokens | null
}

/**
 * Redeems a result token for what it stands for. The first call opens the session; later ones within the life of the action
 * answer the same without it. Refusals: `token_invalid` for anything unknown, of another kind, app, action or user, late,
 * or with a wrong or missing verifier (nothing is consumed, five times); `user_blocked`; `hook_denied`, and `unavailable`,
 * which redeems nothing.
 */
export async function validateAction(
  deps: Deps,
  call: Call,
  input: {
    token: string
    action: string
    appId?: string | undefined
    userId?: string | undefined
    codeVerifier?: string | undefined
    context?: ToldContext | undefined
    /** As `newDevice` takes it; left out, it is what the context tells. */
    shown?: string | null | undefined
  },
  keep?: Keep<ValidatedAction>,
): Promise<ValidatedAction> {
  const { token, codeVerifier } = input
  if (!isToken('oht', token)) return refuse('token_invalid')
  const circumstances = circumstancesOf(input.context)
  const shown = 'shown' in input ? input.shown : shownDevice(input.context)
  const asked = {
    origin: call.origin,
    epoch: deps.epoch,
    resultHash: deps.keyring.tokenHash(token),
    appId: input.appId ?? null,
    name: input.action,
    userId: input.userId ?? null,
    codeChallenge:
      codeVerifier === undefined ? null : createHash('sha256').update(codeVerifier).digest('base64url'),
  }
  return await withConsent(deps, call, circumstances, async consent => {
    const now = deps.clock.now()
    const prepared = consent && prepareSession(deps, call, circumstances, now, consent, shown)
    return await writeOnce<Validated, ValidatedAction>(
      keep,
      once => deps.store.validateAction({ ...asked, now, session: prepared?.session ?? null }, once),
      async outcome => {
        if (outcome.kind === 'tokenInvalid') return refuse('token_invalid')
        if (outcome.kind === 'userBlocked') return refuse('user_blocked')
        if (outcome.kind === 'ready') throw new ConsentNeeded(outcome)
        const { action, user, authenticators, session } = outcome
        const until = prepared?.session.refreshExpiresAt ?? 0
        const deviceToken = outcome.isDeviceNew && prepared ? prepared.deviceToken : null
        const tokens =
          session &&
          prepared &&
          (await tokensOf(deps, call, session, prepared.refreshToken, until, now, deviceToken))
        return { action, user, authenticators, session, tokens }
      },
    )
  })
}
