import { looksLikeScanner } from '../../core/challenges/scanner.ts'
import { limitsOfKnown } from '../../core/limits/limits.ts'
import type {
  ChallengeFilter,
  Circumstances,
  CodeForm,
  Created,
  KnownDevice,
  Limit,
  Listed,
  NewChallenge,
  Page,
  Resend,
  Resent,
} from '../../core/ports.ts'
import type { Challenge, Origin, User } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { findKnown, isKnownTo } from './devices.ts'
import { holdApp } from './directory.ts'
import { insertEvents, newEvent } from './events.ts'
import { isProtected, wouldExpose } from './exposure.ts'
import { limitNames, takeLimits } from './limits.ts'
import { lockChallenge } from './locks.ts'
import { areFew, type Condition, lookThrough, pageOf, unindexed } from './pages.ts'
import { addressName, places, type Row, type Transaction } from './transaction.ts'
import { findUser, holderOf } from './users.ts'

const MINUTE = 60_000
// In the place of a code that cannot be right: as long as the hash of one, to cost the same (promise 7), of what none has.
const NO_HASH = '*'.repeat(43)

/** See `Store.createChallenge`: limits, challenge, sealed message and events are one write. */
export async function createChallenge(tx: Transaction, input: NewChallenge): Promise<Created> {
  const { origin, row: asked, exposure } = input
  const shown = await knownDevice(tx, input)
  await tx.lock([
    addressName(origin.environmentId, asked.address),
    ...limitNames([...input.limits, ...(shown?.limits ?? [])], origin.environmentId),
  ])
  const now = tx.judgeAt(input.now)
  // Looked at again behind the lock: a device that is another by now, or whose token is, counts as none.
  const known = shown && isSame(await knownDevice(tx, input), shown) ? shown : null
  const limited = await takeLimits(tx, known?.limits ?? input.limits, origin, now)
  if (limited) return limited

  const requested = input.userId === null ? null : await findUser(tx, origin.environmentId, input.userId)
  if (input.userId !== null && !requested?.identifiers.some(one => one.value === asked.address))
    return { kind: 'userUnknown' }
  const owner = await holderOf(tx, origin.environmentId, asked.address)
  const isStrong =
    input.hasCode &&
    ((await wouldExpose(tx, origin.environmentId, known ?? asked, asked.maxAttempts, exposure, now)) ||
      (await isProtected(tx, origin.environmentId, exposure, now)))
  const code = input.newCode(isStrong)
  const challenge: Challenge = {
    ...asked,
    ownerId: owner?.id ?? null,
    deviceId: known?.deviceId ?? null,
    userId: requested?.id ?? input.claimantId,
    isVoid: isDecoy(input, requested, owner),
    isStrong,
    codeLength: input.hasCode ? code.length : null,
    sendTo: owner?.spelling ?? asked.address,
    attemptsLeft: asked.maxAttempts,
    verifiedAt: null,
    endedAt: null,
  }
  await holdApp(tx, challenge)
  // A decoy has no code that could be right, and its link is refused; all else is written as for anybody.
  const hashes = !input.hasCode ? '' : challenge.isVoid ? NO_HASH : code.hash
  const { columns: names } = columns.challenges
  await tx.run(
    `INSERT INTO challenges (code_hashes, live_codes, exposure_spent, verifier_tries_left, link_opens, ${names.join(', ')})
     VALUES ${places(1, names.length + 5)}`,
    hashes,
    input.hasCode ? 1 : 0,
    0,
    5,
    0,
    ...columns.challenges.values(challenge),
  )
  await insertMessage(tx, challenge, input.messageId, code, input.linkHash, now)
  const context = { ipAddress: challenge.ipAddress, userAgent: challenge.userAgent }
  const subject = {
    appId: challenge.appId,
    challengeId: challenge.id,
    actionId: challenge.actionId,
    userId: challenge.userId,
    context,
  }
  await insertEvents(tx, [
    newEvent('challenge.created', origin, now, {
      ...subject,
      data: {
        purpose: challenge.purpose,
        channel: challenge.channel,
        credential: challenge.credential,
        isStrong,
        isDecoy: challenge.isVoid,
        country: input.country,
      },
    }),
    newEvent('message.queued', origin, now, {
      ...subject,
      context: null,
      data: { messageId: input.messageId },
    }),
  ])
  return { kind: 'created', challenge }
}

/**
 * The device whose token is shown, where it knows whom the address belongs to, and what a send from it takes from. Without a
 * token it costs nothing; with one it looks for both, whatever the first one finds.
 */
async function knownDevice(
  tx: Transaction,
  { origin: { environmentId }, row, epoch, known }: NewChallenge,
): Promise<(KnownDevice & { limits: Limit[] }) | null> {
  if (!known) return null
  const userId = (await holderOf(tx, environmentId, row.address))?.id ?? ''
  const found = await findKnown(tx, environmentId, known.tokenHash, epoch, userId)
  if (!found) return null
  const device = { deviceId: found.id, userId }
  return { ...device, limits: limitsOfKnown(known, device) }
}

const isSame = (one: KnownDevice | null, other: KnownDevice) =>
  one?.deviceId === other.deviceId && one.userId === other.userId

/**
 * Whether the challenge can never succeed (PROTOCOL section 1): the address leads to nobody where nobody new may come,
 * to somebody who is blocked, or to another user than the one who was asked for. Nor does an unproven address lead into
 * an account that has something proven, even when it is asked for by its userId: it may be a stranger's, or mistyped.
 */
function isDecoy(
  { row, isSignUpOpen }: NewChallenge,
  requested: User | null,
  owner: { id: string; status: User['status'] } | null,
): boolean {
  if (row.userMode === 'none') return false
  const user = requested ?? owner
  if (user?.status === 'blocked') return true
  if (requested) {
    if (owner) return owner.id !== requested.id
    const signsIn = row.opensSession || row.purpose === 'signIn'
    return signsIn && requested.identifiers.some(one => one.verifiedAt !== null)
  }
  return !owner && (row.userMode === 'existing' || !isSignUpOpen)
}

async function insertMessage(
  tx: Transaction,
  challenge: Challenge,
  messageId: string,
  code: CodeForm,
  linkHash: string | null,
  now: number,
): Promise<void> {
  await tx.run(
    `INSERT INTO messages (id, environment_id, challenge_id, channel, recipient, domain, sealed, is_void, status, attempt,
       due_at, leased_until, created_at, expires_at) VALUES ${places(1, 14)}`,
    messageId,
    challenge.environmentId,
    challenge.id,
    challenge.channel,
    challenge.sendTo,
    challenge.sendTo.slice(challenge.sendTo.lastIndexOf('@') + 1).toLowerCase(),
    code.sealed,
    Number(challenge.isVoid),
    'queued',
    0,
    now,
    0,
    now,
    challenge.expiresAt,
  )
  if (linkHash !== null)
    await tx.run('INSERT INTO challenge_links (hash, challenge_id) VALUES ($1, $2)', linkHash, challenge.id)
}

/** See `Store.resendChallenge`. */
export async function resendChallenge(tx: Transaction, input: Resend): Promise<Resent> {
  const { origin, exposure } = input
  const { environmentId } = origin
  const row = await lockChallenge(
    tx,
    environmentId,
    input.challengeId,
    limitNames([...input.limits, ...(input.knownLimits ?? [])], environmentId),
  )
  const now = tx.judgeAt(input.now)
  if (!row) return { kind: 'notFound' }
  const refusal = refusalOf(row, now, input.epoch)
  if (refusal) return { kind: refusal }
  if (row.sends >= row.max_sends) return { kind: 'sendsExhausted' }
  if (row.expires_at - now < Math.min(2 * MINUTE, (row.expires_at - row.created_at) / 2))
    return { kind: 'late' }
  if (row.resend_at > now) return { kind: 'early', retryAfterMs: row.resend_at - now }
  const device = deviceOf(row)
  const limits =
    input.knownLimits && device && (await isKnownTo(tx, device)) ? input.knownLimits : input.limits
  const limited = await takeLimits(tx, limits, origin, now)
  if (limited) return limited

  const hasCode = row.code_length !== null
  const replaces = hasCode && (await replacesEarlier(tx, row, input, now))
  const isStrong =
    row.is_strong === 1 || (replaces && (await isProtected(tx, origin.environmentId, exposure, now)))
  const code = input.newCode(isStrong)
  const hash = !hasCode ? '' : row.is_void === 1 ? NO_HASH : code.hash
  const updated = await tx.one(
    `UPDATE challenges SET code_hashes = $2, live_codes = $3, is_strong = $4, code_length = $5, sends = sends + 1, resend_at = $6
     WHERE id = $1 RETURNING *`,
    row.id,
    replaces || row.code_hashes === '' ? hash : `${row.code_hashes} ${hash}`,
    hasCode ? (replaces ? 1 : row.live_codes + 1) : 0,
    Number(isStrong),
    hasCode ? (replaces ? code.length : Math.max(row.code_length, code.length)) : null,
    now + 1000 * (input.resendWaitSeconds[Math.min(row.sends, input.resendWaitSeconds.length - 1)] ?? 60),
  )
  if (replaces) await tx.run('DELETE FROM challenge_links WHERE challenge_id = $1', row.id)
  const challenge = columns.challenges.read(updated ?? row)
  await insertMessage(tx, challenge, input.messageId, code, input.linkHash, now)
  const subject = {
    appId: challenge.appId,
    challengeId: challenge.id,
    actionId: challenge.actionId,
    userId: challenge.userId,
  }
  const earlierCodes = replaces ? 'replaced' : 'valid'
  await insertEvents(tx, [
    newEvent('challenge.resent', origin, now, { ...subject, data: { earlierCodes, isStrong } }),
    newEvent('message.queued', origin, now, { ...subject, data: { messageId: input.messageId } }),
  ])
  return { kind: 'resent', challenge, earlierCodes }
}

/** Whether this send ends the earlier codes: by setting, or because one live code more would pass the bound. */
async function replacesEarlier(tx: Transaction, row: Row, input: Resend, now: number): Promise<boolean> {
  if (input.resend === 'replace' || (await isProtected(tx, row.environment_id, input.exposure, now)))
    return true
  if (row.is_strong === 1) return false
  const share = row.exposure_spent + row.attempts_left * (row.live_codes + 1)
  return await wouldExpose(
    tx,
    row.environment_id,
    deviceOf(row) ?? { address: row.address },
    share,
    input.exposure,
    now,
    row.id,
  )
}

/** The device that a challenge was begun on, known or not by now: its share stays where it was counted. */
const deviceOf = (row: Row): KnownDevice | null =>
  row.device_id === null ? null : { deviceId: row.device_id, userId: row.owner_id }

/** Why a challenge takes no answer any more, or null while it is pending. */
export function refusalOf(row: Row, now: number, epoch: number): 'used' | 'expired' | 'exhausted' | null {
  if (row.verified_at !== null) return 'used'
  if (row.ended_at !== null || row.expires_at <= now || row.epoch !== epoch) return 'expired'
  return row.attempts_left > 0 ? null : 'exhausted'
}

export async function findChallenge(
  tx: Transaction,
  environmentId: string,
  id: string,
): Promise<Challenge | null> {
  const row = await tx.one(
    'SELECT * FROM challenges WHERE id = $1 AND environment_id = $2',
    id,
    environmentId,
  )
  return row ? columns.challenges.read(row) : null
}

export async function listChallenges(
  tx: Transaction,
  environmentId: string,
  filter: ChallengeFilter,
  page: Page,
): Promise<Listed<Challenge>> {
  const { to, userId } = filter
  const inEnvironment: Condition = ['environment_id = ?', environmentId]
  const filters: Condition[] = [
    ['purpose = ?', filter.purpose],
    ['channel = ?', filter.channel],
    ...statusIs(filter),
  ]
  if (
    to !== null &&
    (await areFew(tx, 'challenges WHERE environment_id = $1 AND address = $2', environmentId, to))
  ) {
    const conditions = [
      inEnvironment,
      ['address = ?', to] as Condition,
      unindexed('user_id', userId),
      ...filters,
    ]
    const rows = await tx.all(...pageOf('challenges', page, conditions, { isFew: true }))
    return { rows: rows.map(columns.challenges.read), lookedTo: null }
  }
  const { rows, lookedTo } = await lookThrough(
    tx,
    'challenges',
    page,
    [inEnvironment, ['user_id = ?', userId]],
    [unindexed('address', to), ...filters],
  )
  return { rows: rows.map(columns.challenges.read), lookedTo }
}

function statusIs({ status, now, epoch }: ChallengeFilter): Condition[] {
  if (status === null) return []
  if (status === 'verified') return [['verified_at <= ?', Number.MAX_SAFE_INTEGER]]
  const isOver = `(ended_at IS NOT NULL OR expires_at <= ? OR epoch <> ${Math.trunc(epoch)})`
  if (status === 'expired') return [[`verified_at IS NULL AND ${isOver}`, now]]
  return [
    [`verified_at IS NULL AND NOT ${isOver}`, now],
    [status === 'pending' ? 'attempts_left > ?' : 'attempts_left = ?', 0],
  ]
}

/** See `Store.findLink`. */
export async function findLink(tx: Transaction, hash: string): Promise<Challenge | null> {
  const row = await tx.one(
    'SELECT challenges.* FROM challenge_links JOIN challenges ON challenges.id = challenge_links.challenge_id WHERE hash = $1',
    hash,
  )
  return row ? columns.challenges.read(row) : null
}

/** See `Store.recordLinkOpened`. */
export async function recordLinkOpened(
  tx: Transaction,
  input: {
    challenge: Challenge
    now: number
    method: string
    context: Circumstances
    max: number
    requestId: string
  },
): Promise<void> {
  const { challenge, now, context } = input
  const counted = await tx.run(
    'UPDATE challenges SET link_opens = link_opens + 1 WHERE id = $1 AND link_opens < $2',
    challenge.id,
    input.max,
  )
  if (counted === 0) return
  const origin: Origin = {
    environmentId: challenge.environmentId,
    appId: challenge.appId,
    actor: { type: 'user', id: null },
    requestId: input.requestId,
  }
  const seen = { ipAddress: context.ipAddress, userAgent: context.userAgent }
  const sent = await tx.one(
    'SELECT max(sent_at) AS at FROM messages WHERE environment_id = $1 AND challenge_id = $2',
    challenge.environmentId,
    challenge.id,
  )
  const isLikelyScanner = looksLikeScanner({
    userAgent: context.userAgent,
    method: input.method,
    sentMsAgo: now - (sent?.at ?? now),
  })
  await insertEvents(tx, [
    newEvent('challenge.link_opened', origin, now, {
      challengeId: challenge.id,
      actionId: challenge.actionId,
      userId: challenge.userId,
      context: seen,
      data: { network: context.site, isLikelyScanner },
    }),
  ])
}

/** See `Store.pressLink`. The hand-over lives no longer than its challenge: no expiry moves later (promise 6). */
export async function pressLink(
  tx: Transaction,
  input: { linkHash: string; handoverHash: string; now: number; epoch: number; livesMs: number },
): Promise<Challenge | null> {
  const now = tx.judgeAt(input.now)
  const row = await tx.one(
    `UPDATE challenges SET handover_hash = $1, handover_expires_at = CASE WHEN expires_at < $2 THEN expires_at ELSE $2 END
     WHERE id = (SELECT challenge_id FROM challenge_links WHERE hash = $3) AND link_via = 'ostiary'
       AND verified_at IS NULL AND ended_at IS NULL AND expires_at > $4 AND attempts_left > 0 AND epoch = $5 AND is_void = 0 AND action_id IS NULL
     RETURNING *`,
    input.handoverHash,
    now + input.livesMs,
    input.linkHash,
    now,
    input.epoch,
  )
  return row ? columns.challenges.read(row) : null
}
