import { type Call, circumstancesOf, type Deps, refuse, type ToldContext } from '../deps.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import type { Rotated } from '../ports.ts'
import type { Session, User } from '../rows.ts'
import { formatRefreshToken, parseRefreshToken } from '../tokens.ts'
import { type Tokens, tokensOf } from './tokens.ts'

export interface Refreshed {
  session: Session
  user: User
  tokens: Tokens
}

/**
 * Trades a refresh token for its successor (PROTOCOL section 3). The successor is derived from the presented token, so
 * that a lost answer can be given again without being kept. Using a token that was rotated away revokes the session.
 *
 * Refusals: `refresh_invalid` for an unknown, expired or revoked one, or one of another environment; `refresh_reused`.
 */
export async function refreshSession(
  deps: Deps,
  call: Call,
  input: { refreshToken: string; context?: ToldContext | undefined },
  keep?: Keep<Refreshed>,
): Promise<Refreshed> {
  const { keyring, clock, epoch } = deps
  const presented = parseRefreshToken(input.refreshToken)
  if (!presented) return refuse('refresh_invalid')
  const now = clock.now()
  const { sessionId } = presented
  const successorOf = (salt: string, keyId: string): string => {
    const secret = keyring.refreshSuccessor(input.refreshToken, salt, keyId)
    if (!secret) return refuse('refresh_invalid')
    return formatRefreshToken({ sessionId, secret, tag: keyring.refreshTag(sessionId, secret) })
  }
  const salt = deps.random.bytes(16).toString('base64url')
  const keyId = keyring.currentKeyId
  const successor = successorOf(salt, keyId)

  return await writeOnce<Rotated, Refreshed>(
    keep,
    once =>
      deps.store.rotateRefresh(
        {
          origin: call.origin,
          now,
          epoch,
          sessionId,
          presentedHash: keyring.tokenHash(input.refreshToken),
          isGenuine: keyring.isGenuineRefreshToken(input.refreshToken),
          successor: { hash: keyring.tokenHash(successor), salt, keyId },
          circumstances: circumstancesOf(input.context),
          idleMs: 1000 * call.view.settings.session.idleSeconds,
          graceMs: 1000 * call.view.settings.session.refreshGraceSeconds,
        },
        once,
      ),
    async outcome => {
      if (outcome.kind === 'reused') return refuse('refresh_reused')
      if (outcome.kind === 'invalid') return refuse('refresh_invalid')
      const token = outcome.kind === 'rotated' ? successor : successorOf(outcome.salt, outcome.keyId)
      const tokens = await tokensOf(deps, call, outcome.session, token, outcome.refreshExpiresAt, now)
      return { session: outcome.session, user: outcome.user, tokens }
    },
  )
}
