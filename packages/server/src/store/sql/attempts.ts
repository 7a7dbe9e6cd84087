import type { Attempt, Attempted, Claimed, Store } from '../../core/ports.ts'
import type { Challenge, Event, Origin, User } from '../../core/rows.ts'
import { refusalOf } from './challenges.ts'
import * as columns from './columns.ts'
import { insertEvents, newEvent } from './events.ts'
import { countWeakGuess, guesserName, isProtected } from './exposure.ts'
import { checkLimits, countHits, limitNames } from './limits.ts'
import { lockProof } from './locks.ts'
import { noticeAddress, queueNotice } from './notices.ts'
import { attemptByPasskey, isByPasskey } from './passkeys.ts'
import { addressProven, type Proven } from './proofs.ts'
import { insertSession } from './sessions.ts'
import { forUpdate, type Row, type Transaction } from './transaction.ts'
import { findUser } from './users.ts'

type Refused = Exclude<Attempted, { kind: 'verified' }>

/** See `Store.attempt`: spend, judge, prove, find or make the user, open the session, record - in one write. */
export async function attempt(tx: Transaction, input: Attempt): Promise<Attempted> {
  if (isByPasskey(input)) return await attemptByPasskey(tx, input)
  const id = input.proof.kind === 'code' ? input.proof.challengeId : await challengeOfLink(tx, input)
  await lockProof(tx, input.origin.environmentId, id, namesOf(input))
  const now = tx.judgeAt(input.now)
  const limited = await checkLimits(tx, input.wrongLimits, input.origin, now)
  if (limited) return limited
  const judged =
    input.proof.kind === 'code' ? await judgeCode(tx, input, now) : await judgeLink(tx, input, now)
  return 'row' in judged ? await prove(tx, judged.row, input, now) : judged
}

/** What a wrong answer is counted on. */
export const namesOf = ({ wrongLimits, origin, circumstances }: Attempt) => [
  ...limitNames(wrongLimits, origin.environmentId),
  ...(circumstances.site === null ? [] : [guesserName(origin.environmentId, circumstances.site)]),
]

/** One conditional UPDATE spends the attempt and judges: the code is right when its hash is among the live ones. */
async function judgeCode(tx: Transaction, input: Attempt, now: number): Promise<{ row: Row } | Refused> {
  if (input.proof.kind !== 'code') return { kind: 'notFound' }
  const { challengeId, hashes } = input.proof
  const { environmentId } = input.origin
  // While protection is up, a weak code that is already out is judged at most once more.
  const isUp = await isProtected(tx, environmentId, input.exposure, now)
  const isRight = `(${hashes.map((_, index) => `replace(code_hashes, $${index + 8}, '') <> code_hashes`).join(' OR ')})`
  const row = await tx.one(
    `UPDATE challenges SET
       verified_at = CASE WHEN ${isRight} THEN CAST($1 AS BIGINT) END, proven_by = CASE WHEN ${isRight} THEN 'code' END,
       attempts_left = CASE WHEN NOT ${isRight} AND is_strong = 0 AND CAST($2 AS BIGINT) = 1 THEN 0 ELSE attempts_left - 1 END,
       exposure_spent = exposure_spent + CASE WHEN ${isRight} OR is_strong = 1 THEN 0 ELSE live_codes END
     WHERE id = $3 AND environment_id = $4 AND purpose = $5 AND epoch = $6 AND verified_at IS NULL AND ended_at IS NULL
       AND expires_at > $7 AND attempts_left > 0 AND code_length IS NOT NULL
       AND coalesce(action_id, '') = $${hashes.length + 8}
     RETURNING *`,
    now,
    Number(isUp),
    challengeId,
    environmentId,
    input.purpose,
    input.epoch,
    now,
    ...hashes,
    input.actionId ?? '',
  )
  if (row && row.verified_at !== null) return { row }
  if (row) {
    await recordWrong(tx, row, input, now)
    return { kind: 'incorrect', attemptsLeft: row.attempts_left }
  }
  const found = await tx.one(
    `SELECT * FROM challenges WHERE id = $1 AND environment_id = $2 AND purpose = $3 AND coalesce(action_id, '') = $4`,
    challengeId,
    environmentId,
    input.purpose,
    input.actionId ?? '',
  )
  if (!found || found.code_length === null) return { kind: 'notFound' }
  return { kind: refusalOf(found, now, input.epoch) ?? 'expired' }
}

async function recordWrong(tx: Transaction, row: Row, input: Attempt, now: number): Promise<void> {
  const subject = { appId: row.app_id, challengeId: row.id, actionId: row.action_id, userId: row.user_id }
  const context = { ipAddress: input.circumstances.ipAddress, userAgent: input.circumstances.userAgent }
  const events = [
    newEvent('challenge.attempt_failed', input.origin, now, {
      ...subject,
      context,
      data: { attemptsLeft: row.attempts_left },
    }),
  ]
  if (row.attempts_left === 0) events.push(newEvent('challenge.exhausted', input.origin, now, subject))
  await insertEvents(tx, events)
  await countHits(tx, input.wrongLimits, input.origin, now)
  if (row.is_strong === 0)
    await countWeakGuess(tx, input.origin, input.circumstances.site, input.exposure, now)
}

/** A link or hand-over token: unguessable, so nothing is spent; the UPDATE takes it, exactly once. */
async function judgeLink(tx: Transaction, input: Attempt, now: number): Promise<{ row: Row } | Refused> {
  const { proof } = input
  if (proof.kind !== 'link') return { kind: 'linkInvalid' }
  const found = await findByLink(tx, input, forUpdate(tx, 'challenges'))
  if (!found || (proof.challengeId !== null && proof.challengeId !== found.id)) return { kind: 'linkInvalid' }
  const refusal = refusalOf(found, now, input.epoch)
  if (refusal) return { kind: refusal }
  if (proof.token === 'oht' && found.handover_expires_at <= now) return { kind: 'linkInvalid' }
  if (found.verifier_tries_left === 0) return { kind: 'exhausted' }
  // A verifier where none was bound is a sign of a stripped challenge (RFC 9700 2.1.1): refused, too.
  if (found.code_challenge !== proof.codeChallenge) {
    await tx.run(
      'UPDATE challenges SET verifier_tries_left = verifier_tries_left - 1 WHERE id = $1',
      found.id,
    )
    return { kind: 'linkInvalid' }
  }
  const row = await tx.one(
    `UPDATE challenges SET verified_at = $1, proven_by = 'link'
     WHERE id = $2 AND verified_at IS NULL AND ended_at IS NULL AND expires_at > $1 AND is_void = 0 RETURNING *`,
    now,
    found.id,
  )
  return row ? { row } : { kind: 'linkInvalid' }
}

/** The challenge of a link or hand-over token of this environment, purpose and kind. */
async function findByLink(
  tx: Transaction,
  { proof, origin, purpose, actionId }: Attempt,
  suffix = '',
): Promise<Row | undefined> {
  if (proof.kind !== 'link') return
  return await tx.one(
    proof.token === 'oht'
      ? `SELECT * FROM challenges WHERE handover_hash = $1 AND environment_id = $2 AND purpose = $3
           AND coalesce(action_id, '') = $4 ${suffix}`
      : `SELECT challenges.* FROM challenge_links JOIN challenges ON challenges.id = challenge_links.challenge_id
         WHERE hash = $1 AND environment_id = $2 AND purpose = $3 AND coalesce(action_id, '') = $4
           AND link_via = '${proof.token === 'press' ? 'ostiary' : 'app'}' ${suffix}`,
    proof.hash,
    origin.environmentId,
    purpose,
    actionId ?? '',
  )
}

const challengeOfLink = async (tx: Transaction, input: Attempt): Promise<string> =>
  tx.isShared ? ((await findByLink(tx, input))?.id ?? '') : ''

/** The answer was right: who is it, and may they come in? A refusal here ends the challenge. */
async function prove(tx: Transaction, row: Row, input: Attempt, now: number): Promise<Attempted> {
  const { origin } = input
  const challenge = columns.challenges.read(row)
  const context = { ipAddress: input.circumstances.ipAddress, userAgent: input.circumstances.userAgent }
  const proof = newEvent('challenge.verified', origin, now, {
    appId: challenge.appId,
    challengeId: challenge.id,
    actionId: challenge.actionId,
    context,
    data: { by: challenge.provenBy },
  })
  if (challenge.userMode === 'none') {
    await tx.run('UPDATE challenges SET handover_hash = NULL WHERE id = $1', challenge.id)
    await insertEvents(tx, [proof])
    return {
      kind: 'verified',
      challenge,
      user: null,
      isNewUser: false,
      session: null,
      isDeviceNew: false,
      authenticator: null,
    }
  }
  const proven = await addressProven(tx, challenge, input, now)
  if (typeof proven === 'string') return await refuse(tx, challenge, proven, origin, now)

  const { user, isNewUser } = proven
  proof.userId = user.id
  await insertEvents(tx, [proof])
  await tx.run(
    'UPDATE challenges SET user_id = $2, proof_event_id = $3, handover_hash = NULL WHERE id = $1',
    challenge.id,
    user.id,
    proof.id,
  )
  const events: Event[] = proven.events
  let session = null
  let isDeviceNew = false
  if (challenge.opensSession && input.session) {
    const by = { eventId: proof.id, provenBy: challenge.provenBy ?? 'code', amr: null, at: now }
    const opened = await insertSession(tx, challenge, user, by, input.session, origin, now)
    session = opened.session
    isDeviceNew = opened.isDeviceNew
    user.lastSignInAt = now
    events.push(...opened.events)
  }
  await insertEvents(tx, events)
  return {
    kind: 'verified',
    challenge: { ...challenge, userId: user.id },
    user,
    isNewUser,
    session,
    isDeviceNew,
    authenticator: null,
  }
}

async function refuse(
  tx: Transaction,
  challenge: Challenge,
  reason: Exclude<Proven, object>,
  origin: Origin,
  now: number,
): Promise<Refused> {
  await tx.run(
    'UPDATE challenges SET verified_at = NULL, proven_by = NULL, ended_at = $2, handover_hash = NULL WHERE id = $1',
    challenge.id,
    now,
  )
  await insertEvents(tx, [
    newEvent('challenge.refused', origin, now, {
      appId: challenge.appId,
      challengeId: challenge.id,
      actionId: challenge.actionId,
      userId: challenge.userId,
      data: { reason },
    }),
  ])
  return { kind: reason === 'ownerChanged' ? 'expired' : reason }
}

/** See `Store.claimChallenge`. */
export async function claimChallenge(
  tx: Transaction,
  input: Parameters<Store['claimChallenge']>[0],
): Promise<Claimed> {
  const { origin } = input
  const id =
    input.userId ??
    (
      await tx.one(
        'SELECT id FROM users WHERE environment_id = $1 AND external_id = $2',
        origin.environmentId,
        input.externalId,
      )
    )?.id
  await lockProof(tx, origin.environmentId, input.challengeId, [], id)
  const now = tx.judgeAt(input.now)
  const row = await tx.one(
    `SELECT * FROM challenges WHERE id = $1 AND environment_id = $2 ${forUpdate(tx, 'challenges')}`,
    input.challengeId,
    origin.environmentId,
  )
  if (!row) return { kind: 'notFound' }
  if (row.user_mode !== 'none' || row.verified_at === null) return { kind: 'stateConflict' }
  if (row.claimed_at !== null) return { kind: 'alreadyClaimed' }
  // One that was begun for somebody is theirs alone.
  if (row.user_id !== null && row.user_id !== id) return { kind: 'stateConflict' }
  if (row.verified_at + input.withinMs <= now || row.epoch !== input.epoch || row.ended_at !== null)
    return { kind: 'late' }
  const user: User | null = id ? await findUser(tx, origin.environmentId, id) : null
  if (!user) return { kind: 'userUnknown' }
  if (user.status === 'blocked') return { kind: 'userBlocked' }

  const challenge = columns.challenges.read(row)
  const bound = await addressProven(
    tx,
    { ...challenge, userMode: 'existing', userId: user.id, ownerId: null, externalId: null },
    { origin, isSignUpOpen: true, newUserId: '' },
    now,
    input.isOwn ? 'ownClaim' : 'claim',
  )
  if (typeof bound === 'string') return { kind: 'addressTaken' }
  const claimed = newEvent('challenge.claimed', origin, now, {
    appId: challenge.appId,
    challengeId: challenge.id,
    userId: user.id,
    context: input.context ?? null,
  })
  await tx.run(
    'UPDATE challenges SET claimed_at = $2, user_id = $3, proof_event_id = $4 WHERE id = $1',
    challenge.id,
    now,
    user.id,
    claimed.id,
  )
  const notices = await queueNotice(
    tx,
    user,
    input.notice,
    noticeAddress(user),
    challenge.address,
    origin,
    now,
  )
  const changes = bound.events.map(event => ({ ...event, context: claimed.context }))
  await insertEvents(tx, [claimed, ...changes, ...notices])
  return { kind: 'claimed', challenge: { ...challenge, userId: user.id }, user: bound.user }
}
