import type {
  Attempt,
  Attempted,
  JudgedAssertion,
  NewPasskeyChallenge,
  PasskeyBegun,
} from '../../core/ports.ts'
import type { Authenticator, Challenge, Event } from '../../core/rows.ts'
import { authenticatorEvent, insertAuthenticator } from './authenticators.ts'
import { refusalOf } from './challenges.ts'
import * as columns from './columns.ts'
import { holdApp } from './directory.ts'
import { insertEvents, newEvent } from './events.ts'
import { checkLimits, countHits, limitNames, takeLimits } from './limits.ts'
import { noticeAddress, queueNotice } from './notices.ts'
import { insertSession } from './sessions.ts'
import { places, type Row, type Transaction } from './transaction.ts'
import { findUser } from './users.ts'

/**
 * Challenges that a passkey answers. What the authenticator signed was judged before the write, which is work for the
 * processor and not for the database; the write consumes the challenge, once, and decides by the rows as they are now.
 */

type PasskeyAttempt = Attempt & { proof: Extract<Attempt['proof'], { kind: 'assertion' | 'registration' }> }
export type PasskeyProof = PasskeyAttempt['proof']

export const isByPasskey = (input: Attempt): input is PasskeyAttempt =>
  input.proof.kind === 'assertion' || input.proof.kind === 'registration'

/** See `Store.createPasskeyChallenge`. */
export async function createPasskeyChallenge(
  tx: Transaction,
  input: NewPasskeyChallenge,
): Promise<PasskeyBegun> {
  const { origin, row } = input
  const now = tx.judgeAt(input.now)
  const limited = await takeLimits(tx, input.limits, origin, now)
  if (limited) return limited
  const challenge: Challenge = { ...row, verifiedAt: null, endedAt: null }
  await holdApp(tx, challenge)
  const { columns: names } = columns.challenges
  await tx.run(
    `INSERT INTO challenges (code_hashes, live_codes, exposure_spent, verifier_tries_left, link_opens, challenge_hash, ${names.join(', ')})
     VALUES ${places(1, names.length + 6)}`,
    '',
    0,
    0,
    0,
    0,
    input.challengeHash,
    ...columns.challenges.values(challenge),
  )
  await insertEvents(tx, [
    newEvent('challenge.created', origin, now, {
      ...subjectOf(challenge),
      userId: challenge.userId,
      context: { ipAddress: challenge.ipAddress, userAgent: challenge.userAgent },
      data: {
        purpose: challenge.purpose,
        method: 'passkey',
        ceremony: challenge.ceremony,
        country: input.country,
      },
    }),
  ])
  return { kind: 'created', challenge }
}

/** `Store.attempt` for a passkey. The order of locks: limits, the user, the challenge, the authenticator. */
export async function attemptByPasskey(tx: Transaction, input: PasskeyAttempt): Promise<Attempted> {
  const { origin, proof, wrongLimits } = input
  await tx.lock(limitNames(wrongLimits, origin.environmentId))
  const userId = await userMeant(tx, input)
  if (tx.isShared && userId !== null)
    await tx.one(
      'SELECT id FROM users WHERE id = $1 AND environment_id = $2 FOR UPDATE',
      userId,
      origin.environmentId,
    )
  const now = tx.judgeAt(input.now)
  const limited = await checkLimits(tx, wrongLimits, origin, now)
  if (limited) return limited
  const consumed = await consume(tx, input, now)
  if ('kind' in consumed) return consumed
  const { row } = consumed
  const challenge = columns.challenges.read(row)
  const reason = await faultOf(tx, row, challenge, input)
  if (reason !== null) return await refuse(tx, challenge, reason, input, now)
  return proof.kind === 'assertion'
    ? await prove(tx, challenge, input, now)
    : await enrol(tx, challenge, input, now)
}

/** Whom the answer may lead to: read before the locks, of rows that never come to another user. */
async function userMeant(tx: Transaction, { proof, origin }: PasskeyAttempt): Promise<string | null> {
  if (proof.kind === 'assertion') return 'refused' in proof.judged ? null : proof.judged.userId
  const row = await tx.one(
    'SELECT user_id FROM challenges WHERE id = $1 AND environment_id = $2',
    proof.challengeId,
    origin.environmentId,
  )
  return row?.user_id ?? null
}

/** One conditional UPDATE takes the challenge, whatever the answer is worth: nothing is ever judged against it again. */
async function consume(
  tx: Transaction,
  input: PasskeyAttempt,
  now: number,
): Promise<{ row: Row } | { kind: 'notFound' | 'used' | 'expired' | 'exhausted' }> {
  const { proof, origin, purpose, epoch } = input
  const mine = `id = $1 AND environment_id = $2 AND purpose = $3 AND coalesce(action_id, '') = $4 AND method = 'passkey'`
  const named = [proof.challengeId, origin.environmentId, purpose, input.actionId ?? '']
  const row = await tx.one(
    `UPDATE challenges SET attempts_left = 0
     WHERE ${mine} AND epoch = $5 AND verified_at IS NULL AND ended_at IS NULL AND expires_at > $6 AND attempts_left > 0
     RETURNING *`,
    ...named,
    epoch,
    now,
  )
  if (row) return { row }
  const found = await tx.one(`SELECT * FROM challenges WHERE ${mine}`, ...named)
  if (!found) return { kind: 'notFound' }
  return { kind: refusalOf(found, now, epoch) ?? 'expired' }
}

/** What is wrong with the answer, or null. The reason is for events and logs alone. */
async function faultOf(
  tx: Transaction,
  row: Row,
  challenge: Challenge,
  { proof, origin }: PasskeyAttempt,
): Promise<string | null> {
  const { judged } = proof
  if (challenge.ceremony !== (proof.kind === 'assertion' ? 'authentication' : 'registration'))
    return 'ceremony'
  if (row.challenge_hash !== proof.challengeHash) return 'challenge'
  if ('refused' in judged) return judged.refused
  if (proof.kind === 'registration' || !('authenticatorId' in judged)) return null
  if (challenge.userId !== null && challenge.userId !== judged.userId) return 'otherUser'
  if (proof.ownerOf === null) return null
  const owner = await tx.one(
    `SELECT 1 FROM identifiers WHERE environment_id = $1 AND type = 'email' AND value = $2 AND user_id = $3
       AND verified_at IS NOT NULL`,
    origin.environmentId,
    proof.ownerOf,
    judged.userId,
  )
  return owner ? null : 'otherUser'
}

/** Who signed, by an authenticator that is still there and has not counted past this signature. */
async function prove(
  tx: Transaction,
  challenge: Challenge,
  input: PasskeyAttempt,
  now: number,
): Promise<Attempted> {
  const { proof, origin } = input
  const { judged } = proof
  if (!('authenticatorId' in judged)) return { kind: 'passkeyRefused' }
  const used = await tx.one(
    `UPDATE authenticators SET sign_count = $1, is_backed_up = $2, last_used_at = $3
     WHERE id = $4 AND environment_id = $5 AND user_id = $6 AND (sign_count < $1 OR sign_count = 0 AND CAST($1 AS BIGINT) = 0)
     RETURNING *`,
    judged.signCount,
    Number(judged.isBackedUp),
    now,
    judged.authenticatorId,
    origin.environmentId,
    judged.userId,
  )
  if (!used) return await refuseUse(tx, challenge, judged, input, now)
  const user = await findUser(tx, origin.environmentId, judged.userId)
  if (!user) return await refuse(tx, challenge, 'unknownCredential', input, now)
  if (user.status === 'blocked') return await refuseBlocked(tx, challenge, input, now)

  const proven: Challenge = {
    ...challenge,
    userId: user.id,
    attemptsLeft: 0,
    verifiedAt: now,
    provenBy: 'passkey',
  }
  const event = verifiedEvent(proven, input, now)
  await insertEvents(tx, [event])
  await tx.run(
    `UPDATE challenges SET verified_at = $2, proven_by = 'passkey', proven_amr = $3, user_id = $4, proof_event_id = $5 WHERE id = $1`,
    challenge.id,
    now,
    JSON.stringify(judged.amr),
    user.id,
    event.id,
  )
  const events: Event[] = [
    newEvent('authenticator.used', origin, now, {
      ...subjectOf(challenge),
      userId: user.id,
      data: { authenticatorId: used.id },
    }),
  ]
  let session = null
  let isDeviceNew = false
  if (challenge.opensSession && input.session) {
    const by = { eventId: event.id, provenBy: 'passkey' as const, amr: judged.amr, at: now }
    const opened = await insertSession(tx, proven, user, by, input.session, origin, now)
    session = opened.session
    isDeviceNew = opened.isDeviceNew
    user.lastSignInAt = now
    events.push(...opened.events)
  }
  await insertEvents(tx, events)
  const authenticator = columns.authenticators.read(used)
  return { kind: 'verified', challenge: proven, user, isNewUser: false, session, isDeviceNew, authenticator }
}

/** Removed meanwhile, or its counter did not rise: then somebody may have copied it. */
async function refuseUse(
  tx: Transaction,
  challenge: Challenge,
  { authenticatorId, userId, signCount }: JudgedAssertion,
  input: PasskeyAttempt,
  now: number,
): Promise<Attempted> {
  const row = await tx.one(
    'SELECT * FROM authenticators WHERE id = $1 AND environment_id = $2 AND user_id = $3',
    authenticatorId,
    input.origin.environmentId,
    userId,
  )
  if (!row) return await refuse(tx, challenge, 'unknownCredential', input, now)
  await insertEvents(tx, [
    newEvent('authenticator.counter_regressed', input.origin, now, {
      ...subjectOf(challenge),
      userId,
      context: contextOf(input),
      data: { authenticatorId, stored: row.sign_count, told: signCount },
    }),
  ])
  return await refuse(tx, challenge, 'counter', input, now)
}

/** Writes the new passkey of the user that the challenge names. It opens nothing: it proves no more than what it follows. */
async function enrol(
  tx: Transaction,
  challenge: Challenge,
  input: PasskeyAttempt,
  now: number,
): Promise<Attempted> {
  const { proof, origin } = input
  const { judged } = proof
  if (!('credentialId' in judged)) return { kind: 'passkeyRefused' }
  const notice = proof.kind === 'registration' ? proof.notice : null
  const user = challenge.userId === null ? null : await findUser(tx, origin.environmentId, challenge.userId)
  if (!user) return await refuse(tx, challenge, 'unknownUser', input, now)
  if (user.status === 'blocked') return await refuseBlocked(tx, challenge, input, now)
  const authenticator: Authenticator = { ...judged, userId: user.id, createdAt: now }
  const added = await insertAuthenticator(tx, authenticator)
  if (added !== 'added') return await refuse(tx, challenge, added, input, now)
  const proven: Challenge = { ...challenge, attemptsLeft: 0, verifiedAt: now, provenBy: 'passkey' }
  // No proof event: whoever asks for a session by this challenge has none to point at (promise 3).
  await tx.run(
    `UPDATE challenges SET verified_at = $2, proven_by = 'passkey' WHERE id = $1`,
    challenge.id,
    now,
  )
  await insertEvents(tx, [
    verifiedEvent(proven, input, now),
    authenticatorEvent('authenticator.created', authenticator, origin, now, false, {
      ...subjectOf(challenge),
      context: contextOf(input),
    }),
    ...(await queueNotice(tx, user, notice, noticeAddress(user), authenticator.name, origin, now)),
  ])
  return {
    kind: 'verified',
    challenge: proven,
    user,
    isNewUser: false,
    session: null,
    isDeviceNew: false,
    authenticator,
  }
}

async function refuse(
  tx: Transaction,
  challenge: Challenge,
  reason: string,
  input: PasskeyAttempt,
  now: number,
): Promise<Attempted> {
  await countHits(tx, input.wrongLimits, input.origin, now)
  await insertEvents(tx, [
    newEvent('challenge.attempt_failed', input.origin, now, {
      ...subjectOf(challenge),
      userId: challenge.userId,
      context: contextOf(input),
      data: { attemptsLeft: 0, reason },
    }),
  ])
  return { kind: 'passkeyRefused' }
}

async function refuseBlocked(
  tx: Transaction,
  challenge: Challenge,
  { origin }: PasskeyAttempt,
  now: number,
): Promise<Attempted> {
  await tx.run('UPDATE challenges SET ended_at = $2 WHERE id = $1', challenge.id, now)
  await insertEvents(tx, [
    newEvent('challenge.refused', origin, now, {
      ...subjectOf(challenge),
      userId: challenge.userId,
      data: { reason: 'userBlocked' },
    }),
  ])
  return { kind: 'userBlocked' }
}

const verifiedEvent = (challenge: Challenge, input: PasskeyAttempt, now: number) =>
  newEvent('challenge.verified', input.origin, now, {
    ...subjectOf(challenge),
    userId: challenge.userId,
    context: contextOf(input),
    data: { by: 'passkey', ceremony: challenge.ceremony },
  })

const subjectOf = ({ appId, id, actionId }: Challenge) => ({ appId, challengeId: id, actionId })

const contextOf = ({ circumstances }: Attempt) => ({
  ipAddress: circumstances.ipAddress,
  userAgent: circumstances.userAgent,
})
