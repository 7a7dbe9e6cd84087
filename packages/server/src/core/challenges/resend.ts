import { parseIp } from '../addresses/network.ts'
import { type Call, type Deps, limitedError, refuse } from '../deps.ts'
import { OstiaryError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import { exposureOf, knownSend, limitsOfKnown, sendLimits } from '../limits/limits.ts'
import type { Circumstances, Limit, Resent } from '../ports.ts'
import type { Challenge } from '../rows.ts'
import type { Settings } from '../settings/settings.ts'
import { appOf, guardDestination, guardRedirect, newSecrets } from './create.ts'

export interface ResentChallenge {
  challenge: Challenge
  /** Whether the codes that were sent before still work. */
  earlierCodes: 'valid' | 'replaced'
}

/**
 * Sends another message for a pending challenge, with a code of its own. Under `keep` the earlier codes stay valid,
 * because slow mail makes people type them, unless one live code more would pass the bound on guesses.
 *
 * Refusals: `not_found`, `challenge_expired`, `challenge_used`, `attempts_exhausted`, `sends_exhausted`,
 * `resend_too_late`, `redirect_url_not_allowed`, `destination_not_allowed`, `rate_limited` (limit `resend` when it is too early).
 */
export async function resendChallenge(
  deps: Deps,
  call: Call,
  challengeId: string,
  keep?: Keep<ResentChallenge>,
  actionId: string | null = null,
): Promise<ResentChallenge> {
  const { settings, environment } = call.view
  const now = deps.clock.now()
  const challenge = await deps.store.findChallenge(environment.id, challengeId)
  // One of an action is sent again there, by the browser that works on it.
  if (!challenge || challenge.actionId !== actionId) return refuse('not_found')
  if (challenge.credential === 'none') return refuse('sends_exhausted', 'Nothing is sent for it.')
  guardDestination(settings, challenge.address)
  const { redirectUrl, codeChallenge } = challenge
  guardRedirect(call, appOf(call, challenge.appId), {
    redirectUrl: redirectUrl ?? undefined,
    codeChallenge: codeChallenge ?? undefined,
  })
  const messageId = newId('msg', now)
  const ip = challenge.ipAddress === null ? null : parseIp(challenge.ipAddress)
  const circumstances = {
    ipAddress: challenge.ipAddress,
    userAgent: challenge.userAgent,
    host: ip?.host ?? null,
    site: ip?.site ?? null,
  }
  const secrets = newSecrets(deps, call, {
    challengeId: challenge.id,
    messageId,
    purpose: challenge.purpose,
    credential: challenge.credential,
    linkVia: challenge.linkVia,
    redirectUrl: challenge.redirectUrl,
    state: challenge.state,
    // Never shorter than what the person was told to expect.
    codeLength: Math.max(settings.challenge.codeLength, challenge.codeLength ?? 0),
  })
  return await writeOnce<Resent, ResentChallenge>(
    keep,
    once =>
      deps.store.resendChallenge(
        {
          origin: call.origin,
          now,
          epoch: deps.epoch,
          challengeId: challenge.id,
          ...secrets,
          messageId,
          limits: sendLimits(settings, challenge.address, circumstances),
          knownLimits: knownLimits(settings, challenge, circumstances),
          exposure: exposureOf(settings),
          resend: settings.challenge.resend,
          resendWaitSeconds: settings.challenge.resendWaitSeconds,
          maxSends: settings.challenge.maxSends,
        },
        once,
      ),
    outcome => {
      switch (outcome.kind) {
        case 'resent':
          return { challenge: outcome.challenge, earlierCodes: outcome.earlierCodes }
        case 'early':
          throw limitedError({ limit: 'resend', retryAfterMs: outcome.retryAfterMs })
        case 'limited':
          throw limitedError(outcome)
        case 'notFound':
          return refuse('not_found')
        case 'sendsExhausted':
          return refuse('sends_exhausted')
        case 'late':
          return refuse('resend_too_late')
        default:
          throw new OstiaryError(ENDED[outcome.kind])
      }
    },
  )
}

/** The device of the first send counts for those after it, as its address does: nothing is told anew. */
function knownLimits(
  settings: Settings,
  { deviceId, ownerId }: Challenge,
  circumstances: Circumstances,
): Limit[] | null {
  if (deviceId === null || ownerId === null) return null
  return limitsOfKnown(knownSend(settings, circumstances), { deviceId, userId: ownerId })
}

/** Why a challenge takes no answer any more, as clients see it. */
export const ENDED = {
  expired: 'challenge_expired',
  used: 'challenge_used',
  exhausted: 'attempts_exhausted',
} as const
