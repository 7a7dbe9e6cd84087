import type { Call, Deps } from '../deps.ts'
import { newDevice, rememberMs } from '../devices/devices.ts'
import type { Consent } from '../hooks/before-sign-in.ts'
import { newId } from '../ids.ts'
import { newNotice } from '../notices/notice.ts'
import type { Circumstances, NewSession } from '../ports.ts'
import type { Session } from '../rows.ts'
import { formatRefreshToken } from '../tokens.ts'
import { signAccessToken } from './access-token.ts'
import { seenAs } from './seen-as.ts'

/** What the app gets for a session. Both tokens are shown once and stored only as a hash, or not at all. */
export interface Tokens {
  accessToken: string
  accessTokenExpiresAt: number
  refreshToken: string
  refreshTokenExpiresAt: number
  /** Where the sign-in's device got a new one; else it has its token, or is none. */
  deviceToken: string | null
}

/**
 * A session that is ready to be written if the proof succeeds, with its refresh token. There is none without consent.
 * `shown`: see `newDevice`.
 */
export function prepareSession(
  deps: Deps,
  call: Call,
  circumstances: Circumstances,
  now: number,
  { claims }: Consent,
  shown: string | null | undefined,
): { session: NewSession; refreshToken: string; deviceToken: string | null } {
  const { idleSeconds, absoluteSeconds } = call.view.settings.session
  const id = newId('ses', now)
  const secret = deps.random.bytes(32)
  const refreshToken = formatRefreshToken({ sessionId: id, secret, tag: deps.keyring.refreshTag(id, secret) })
  const { device, deviceToken } = newDevice(deps, call, shown, now)
  const session: NewSession = {
    id,
    refreshHash: deps.keyring.tokenHash(refreshToken),
    refreshExpiresAt: now + 1000 * Math.min(idleSeconds, absoluteSeconds),
    expiresAt: now + 1000 * absoluteSeconds,
    circumstances,
    seenAs: seenAs(circumstances),
    notice: newNotice(deps, call, 'newDevice', circumstances, now),
    claims,
    device,
    rememberMs: rememberMs(call),
  }
  return { session, refreshToken, deviceToken }
}

export async function tokensOf(
  deps: Deps,
  call: Call,
  session: Session,
  refreshToken: string,
  refreshTokenExpiresAt: number,
  now: number,
  deviceToken: string | null = null,
): Promise<Tokens> {
  return {
    ...(await signAccessToken(deps.publicUrl, call.view, session, now)),
    refreshToken,
    refreshTokenExpiresAt,
    deviceToken,
  }
}
