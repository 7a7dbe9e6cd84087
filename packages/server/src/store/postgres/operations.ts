import { newId } from '../../core/ids.ts'
import type {
  Attempt,
  Attempted,
  Circumstances,
  Created,
  Exposure,
  KnownSend,
  Limit,
  NewChallenge,
  NewSession,
  Rotated,
  Rotation,
  Settled,
} from '../../core/ports.ts'
import type { Challenge, Origin, Session, User } from '../../core/rows.ts'
import * as columns from '../sql/columns.ts'
import { guesserName } from '../sql/exposure.ts'
import { grainOf, limitId } from '../sql/limits.ts'
import { AMR, MAX_REPEATS } from '../sql/sessions.ts'
import { addressName, type Row } from '../sql/transaction.ts'
import type { Transactions } from './transactions.ts'

/** The operations that take one round trip: their input as JSON for `migrations/postgres/functions`, and the answer back. */

type Call = Transactions['call']

/** See `Store.createChallenge`. */
export async function send(call: Call, input: NewChallenge): Promise<Created> {
  const { origin, now, row: asked, limits } = input
  const { environmentId } = origin
  // The write decides how strong the code is, so it gets both; the other one is never told to anybody.
  const answer = await call('send', {
    ...common(input),
    eventIds: [newId('evt', now), newId('evt', now)],
    names: [addressName(environmentId, asked.address), ...limits.map(limit => limitId(limit, environmentId))],
    limits: limitsOf(limits, environmentId),
    known: input.known && knownOf(input.known, environmentId),
    row: zip(columns.challenges.columns, columns.challenges.values({ ...UNDECIDED, ...asked })),
    context: { ipAddress: asked.ipAddress, userAgent: asked.userAgent },
    country: input.country,
    userId: input.userId,
    claimantId: input.claimantId,
    isSignUpOpen: input.isSignUpOpen,
    hasCode: input.hasCode,
    weak: input.newCode(false),
    strong: input.newCode(true),
    linkHash: input.linkHash,
    messageId: input.messageId,
  })
  if (answer.kind !== 'created') return answer as unknown as Created
  const { kind, ...decided } = answer
  const challenge = { ...UNDECIDED, ...asked, attemptsLeft: asked.maxAttempts, ...decided }
  return { kind: 'created', challenge: challenge as Challenge }
}

/**
 * See `Store.attempt`; null where the shared statements have to do it, and nothing was written. `queued` is called when a
 * notice was written besides.
 */
export async function attemptCode(call: Call, input: Attempt, queued: () => void): Promise<Attempted | null> {
  const { origin, now, proof, circumstances, session } = input
  if (proof.kind !== 'code') return null
  const { environmentId } = origin
  const guesser = circumstances.site === null ? null : guesserName(environmentId, circumstances.site)
  const answer = await call('attempt', {
    ...common(input),
    eventIds: Array.from({ length: 5 }, () => newId('evt', now)),
    protectionEventId: newId('evt', now),
    names: [
      ...input.wrongLimits.map(limit => limitId(limit, environmentId)),
      ...(guesser === null ? [] : [guesser]),
    ],
    limits: limitsOf(input.wrongLimits, environmentId),
    guesser,
    context: contextOf(circumstances),
    challengeId: proof.challengeId,
    purpose: input.purpose,
    hashes: proof.hashes,
    isSignUpOpen: input.isSignUpOpen,
    newUserId: input.newUserId,
    session: session && {
      id: session.id,
      environment_id: environmentId,
      methods: JSON.stringify(AMR.code.methods),
      amr: JSON.stringify(AMR.code.amr),
      ip_address: session.circumstances.ipAddress,
      user_agent: session.circumstances.userAgent,
      expires_at: session.expiresAt,
      refresh_hash: session.refreshHash,
      refresh_expires_at: session.refreshExpiresAt,
      repeats: 0,
      seen_as: session.seenAs,
      claims: JSON.stringify(session.claims),
    },
    notice: session && noticeOf(session),
    device: session?.device ?? null,
  })
  if (answer.kind === 'general') return null
  if (answer.kind !== 'verified') return answer as unknown as Attempted
  if (answer.isNoticed === true) queued()
  return {
    kind: 'verified',
    challenge: columns.challenges.read(answer.challenge as Row),
    user: answer.user === null ? null : userOf(answer.user as UserRows),
    isNewUser: answer.isNewUser as boolean,
    session: answer.session === null ? null : columns.sessions.read(answer.session as Row),
    isDeviceNew: answer.isDeviceNew === true,
    authenticator: null,
  }
}

/** See `Store.rotateRefresh`. */
export async function rotate(call: Call, input: Rotation): Promise<Rotated> {
  const { now, successor } = input
  const answer = await call('rotate', {
    ...common(input),
    eventIds: [newId('evt', now), newId('evt', now)],
    sessionId: input.sessionId,
    presentedHash: input.presentedHash,
    isGenuine: input.isGenuine,
    nextHash: successor.hash,
    salt: successor.salt,
    keyId: successor.keyId,
    context: contextOf(input.circumstances),
    idleMs: input.idleMs,
    graceMs: input.graceMs,
    maxRepeats: MAX_REPEATS,
  })
  if (answer.kind === 'invalid' || answer.kind === 'reused') return { kind: answer.kind }
  // A user who is gone in between: the session went with it.
  if (answer.user === null) return { kind: 'invalid' }
  const row = answer.session as Row
  const rotated = {
    session: columns.sessions.read(row),
    user: userOf(answer.user as UserRows),
    refreshExpiresAt: row.refresh_expires_at as number,
  }
  if (answer.kind === 'rotated') return { kind: 'rotated', ...rotated }
  return { kind: 'repeated', ...rotated, salt: row.previous_salt, keyId: row.previous_key_id }
}

/** See `Store.findSessionNow`. */
export async function findSession(
  call: Call,
  environmentId: string,
  id: string,
  now: number,
): Promise<{ session: Session; user: User; at: number } | null> {
  const { session, user, at } = await call('find_session', { now, environmentId, id })
  if (session === null || user === null) return null
  return { session: columns.sessions.read(session as Row), user: userOf(user as UserRows), at: at as number }
}

/** See `Store.settleMessages`. */
export async function settle(call: Call, outcomes: readonly Settled[]): Promise<void> {
  await call('settle', {
    // Nothing is judged here: what happened is written however old it is.
    now: null,
    outcomes: outcomes.map(outcome => ({
      ...outcome,
      eventId: newId('evt', outcome.writtenAt ?? outcome.now),
    })),
  })
}

/** What the write decides of a challenge; the function sets it. */
const UNDECIDED = {
  ownerId: null,
  deviceId: null,
  isVoid: false,
  isStrong: false,
  codeLength: null,
  sendTo: '',
  attemptsLeft: 0,
  verifiedAt: null,
  endedAt: null,
  userId: null,
}

function common({
  origin,
  now,
  epoch,
  exposure,
}: {
  origin: Origin
  now: number
  epoch: number
  exposure?: Exposure
}) {
  return {
    environmentId: origin.environmentId,
    appId: origin.appId,
    actorType: origin.actor.type,
    actorId: origin.actor.id,
    requestId: origin.requestId,
    now,
    epoch,
    exposure,
    limitEventId: newId('evt', now),
  }
}

/** Limits in the order of their ids, in which they are judged. */
const limitsOf = (limits: readonly Limit[], environmentId: string) =>
  limits
    .map(limit => {
      const spans = limit.windows.map(window => window.ms)
      return {
        id: limitId(limit, environmentId),
        name: limit.name,
        key: limit.key,
        windows: limit.windows,
        grain: grainOf(limit),
        longest: Math.max(...spans),
        shortest: Math.min(...spans),
      }
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1))

/** As `limitsOf`, and with the bucket of the device, whose key and id the write completes. It is the last by its id. */
function knownOf({ tokenHash, own, limits }: KnownSend, environmentId: string) {
  const [bucket] = limitsOf([{ ...own, key: '' }], environmentId)
  return { tokenHash, own: bucket, limits: limitsOf(limits, environmentId) }
}

/** What the write needs to tell of a new device; null where it will not. The seal is made beforehand: most are thrown away. */
const noticeOf = ({ notice, seenAs }: NewSession) =>
  notice === null || seenAs === null
    ? null
    : {
        id: notice.messageId,
        kind: notice.kind,
        expiresAt: notice.expiresAt,
        sealed: notice.sealed(null),
      }

const contextOf = ({ ipAddress, userAgent }: Circumstances) => ({ ipAddress, userAgent })

const zip = (names: readonly string[], values: readonly unknown[]) =>
  Object.fromEntries(names.map((name, index) => [name, values[index]]))

interface UserRows {
  row: Row
  identifiers: Row[]
}

const userOf = ({ row, identifiers }: UserRows): User => ({
  ...columns.users.read(row),
  identifiers: identifiers.map(columns.identifiers.read),
})
