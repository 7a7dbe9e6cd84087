import { createHash } from 'node:crypto'
import {
  type Call,
  circumstancesOf,
  type Deps,
  limitedError,
  refuse,
  shownDevice,
  type ToldContext,
} from '../deps.ts'
import { fieldError, OstiaryError } from '../errors.ts'
import { consentUnasked } from '../hooks/before-sign-in.ts'
import { firstOnce, type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import { exposureOf, wrongLimits } from '../limits/limits.ts'
import { type PasskeyCredential, passkeyProof } from '../passkeys/finish.ts'
import type { Attempt, Attempted } from '../ports.ts'
import type { Authenticator, Challenge, Session, User } from '../rows.ts'
import { openProven } from '../sessions/open.ts'
import { prepareSession, type Tokens, tokensOf } from '../sessions/tokens.ts'
import { isToken } from '../tokens.ts'
import { normaliseCode } from './code.ts'
import { ENDED } from './resend.ts'

export interface VerifiedChallenge {
  challenge: Challenge
  user: User | null
  isNewUser: boolean
  session: Session | null
  tokens: Tokens | null
  /** The passkey that signed, or was enrolled. */
  authenticator: Authenticator | null
}

interface Common {
  purpose?: string | undefined
  context?: ToldContext | undefined
}

/**
 * Answers a challenge with the code that was sent. Of any number of right answers exactly one gets a session, and the
 * attempt is spent in the write that judges it.
 *
 * Refusals: `code_incorrect` with `attemptsLeft`; `challenge_expired`, `challenge_used`, `attempts_exhausted`;
 * `not_found` for an unknown or foreign id, or another purpose; after the proof `user_blocked`, `sign_up_closed`,
 * `external_id_taken`, `hook_denied`, `unavailable` (the hook failed; the proof stands); `rate_limited` where too many wrong
 * answers came from the person's network.
 */
export async function verifyCode(
  deps: Deps,
  call: Call,
  input: Common & { challengeId: string; code: string },
  keep?: Keep<VerifiedChallenge>,
): Promise<VerifiedChallenge> {
  const code = normaliseCode(input.code)
  if (code === null) throw fieldError('code', 'invalid_format', 'is not a code')
  const purpose = input.purpose ?? 'signIn'
  const hashes = deps.keyring.codeHashes(code, input.challengeId, purpose)
  return await attempt(
    deps,
    call,
    { ...input, purpose },
    { kind: 'code', challengeId: input.challengeId, hashes },
    keep,
  )
}

/**
 * Answers a challenge with a link: the hand-over token after a press, or with `linkVia: app` the mailed token itself.
 * A link that is bound by `codeChallenge` needs its verifier (RFC 7636 4.6): a wrong one consumes nothing, five tries.
 *
 * Refusals: `link_invalid` for anything unknown, of another kind, purpose, challenge or verifier; else as `verifyCode`.
 */
export async function verifyLink(
  deps: Deps,
  call: Call,
  input: Common & { linkToken: string; codeVerifier?: string | undefined; challengeId?: string | undefined },
  keep?: Keep<VerifiedChallenge>,
): Promise<VerifiedChallenge> {
  const { linkToken, codeVerifier } = input
  const token = isToken('oht', linkToken) ? 'oht' : isToken('olk', linkToken) ? 'olk' : refuse('link_invalid')
  const proof: Attempt['proof'] = {
    kind: 'link',
    token,
    hash: deps.keyring.tokenHash(linkToken),
    challengeId: input.challengeId ?? null,
    codeChallenge:
      codeVerifier === undefined ? null : createHash('sha256').update(codeVerifier).digest('base64url'),
  }
  return await attempt(deps, call, { ...input, purpose: input.purpose ?? 'signIn' }, proof, keep)
}

/**
 * Answers a challenge with what a passkey signed, or with a new one. Once, right or wrong: the challenge is used up.
 *
 * Refusals: `token_invalid` for whatever is wrong with the answer; `challenge_expired`, `challenge_used`,
 * `attempts_exhausted`; `not_found` for an unknown or foreign id, another purpose, or a challenge for a code; `user_blocked`;
 * `rate_limited`.
 */
export async function verifyPasskey(
  deps: Deps,
  call: Call,
  input: Common & { challengeId: string; credential: PasskeyCredential; name?: string | undefined },
  keep?: Keep<VerifiedChallenge>,
): Promise<VerifiedChallenge> {
  const purpose = input.purpose ?? 'signIn'
  const challenge = await deps.store.findChallenge(call.view.environment.id, input.challengeId)
  const isMeant =
    challenge?.method === 'passkey' && challenge.purpose === purpose && challenge.actionId === null
  if (!isMeant) return refuse('not_found')
  const circumstances = circumstancesOf(input.context)
  const proof = await passkeyProof(deps, call, challenge, input.credential, circumstances)
  if (input.name !== undefined && proof.kind === 'registration' && 'name' in proof.judged)
    proof.judged.name = input.name
  return await attempt(deps, call, { ...input, purpose }, proof, keep)
}

async function attempt(
  deps: Deps,
  call: Call,
  input: { purpose: string; context?: ToldContext | undefined },
  proof: Attempt['proof'],
  keep?: Keep<VerifiedChallenge>,
): Promise<VerifiedChallenge> {
  const { settings } = call.view
  const now = deps.clock.now()
  const circumstances = circumstancesOf(input.context)
  const shown = shownDevice(input.context)
  const asked = {
    origin: call.origin,
    now,
    epoch: deps.epoch,
    purpose: input.purpose,
    proof,
    actionId: null,
    circumstances,
    wrongLimits: wrongLimits(settings, circumstances),
    exposure: exposureOf(settings),
    isSignUpOpen: settings.signUp === 'open',
    newUserId: newId('usr', now),
  }
  const consent = consentUnasked(call)
  if (!consent) return await proveAndAsk(deps, call, { ...asked, session: null }, shown, keep)
  const prepared = prepareSession(deps, call, circumstances, now, consent, shown)
  const { session: next, refreshToken } = prepared
  return await writeOnce<Attempted, VerifiedChallenge>(
    keep,
    once => deps.store.attempt({ ...asked, session: next }, once),
    async outcome => {
      if (outcome.kind !== 'verified') throw refusalOf(outcome)
      const { kind, isDeviceNew, ...verified } = outcome
      const { session } = verified
      const until = next.refreshExpiresAt
      const deviceToken = isDeviceNew ? prepared.deviceToken : null
      const tokens = session && (await tokensOf(deps, call, session, refreshToken, until, now, deviceToken))
      return { ...verified, tokens }
    },
  )
}

/**
 * Where a hook is asked the proof is one write and the session another: nobody waits for the app with a transaction open.
 * In between the proof stands without a session, which only what asks the hook opens. The same call repeated goes on from
 * there by its Idempotency-Key.
 */
async function proveAndAsk(
  deps: Deps,
  call: Call,
  asked: Attempt,
  shown: string | null | undefined,
  keep?: Keep<VerifiedChallenge>,
): Promise<VerifiedChallenge> {
  const outcome = await firstOnce<Attempted>(
    keep,
    once => deps.store.attempt(asked, once),
    ({ kind }) => kind === 'verified',
  )
  if (outcome.kind !== 'verified') throw refusalOf(outcome)
  const { kind, isDeviceNew, ...verified } = outcome
  if (!verified.challenge.opensSession || verified.user === null)
    return await writeOnce<VerifiedChallenge, VerifiedChallenge>(
      keep,
      once => deps.store.keep({ ...verified, tokens: null }, asked.now, once),
      result => result,
    )
  const of = { challengeId: verified.challenge.id }
  const asking = { circumstances: asked.circumstances, shown }
  return await openProven(deps, call, of, asking, keep, opened => ({ ...verified, ...opened }))
}

export function refusalOf(outcome: Exclude<Attempted, { kind: 'verified' }>): OstiaryError {
  switch (outcome.kind) {
    case 'incorrect':
      return new OstiaryError('code_incorrect', { attemptsLeft: outcome.attemptsLeft })
    case 'limited':
      return limitedError(outcome)
    case 'notFound':
      return new OstiaryError('not_found')
    case 'linkInvalid':
      return new OstiaryError('link_invalid')
    case 'passkeyRefused':
      return new OstiaryError('token_invalid', { detail: 'The passkey was not accepted.' })
    case 'userBlocked':
      return new OstiaryError('user_blocked')
    case 'signUpClosed':
      return new OstiaryError('sign_up_closed')
    case 'externalIdTaken':
      return new OstiaryError('external_id_taken')
    default:
      return new OstiaryError(ENDED[outcome.kind])
  }
}
