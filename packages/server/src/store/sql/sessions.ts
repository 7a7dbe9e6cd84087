import type { NewSession, OpenedLater, Page, Rotated, Rotation, Store } from '../../core/ports.ts'
import type { Action, Challenge, Event, Origin, ProvenBy, Session, User } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { endDevices, signInOn, signInOnKept } from './devices.ts'
import { holdApp } from './directory.ts'
import { insertEvents, newEvent } from './events.ts'
import { lockProof } from './locks.ts'
import { mayBeNew, noticeAddress, queueNotice, wasSeen } from './notices.ts'
import { pageOf } from './pages.ts'
import { forUpdate, places, type Row, type Transaction } from './transaction.ts'
import { endUnopenedProofs, findUser, lockUser } from './users.ts'

/** How often a lost answer of a refresh is given again. */
export const MAX_REPEATS = 3

/**
 * How a proof is told (RFC 8176): a code and a mailed link both are one-time passwords. What a passkey showed stands with
 * its proof; this is the least that each shows.
 */
export const AMR = {
  code: { methods: ['emailCode'], amr: ['otp'] },
  link: { methods: ['emailLink'], amr: ['otp'] },
  passkey: { methods: ['passkey'], amr: ['user'] },
}

/** The proof of a session: its event, and what it showed. */
export interface SessionProof {
  eventId: string
  provenBy: ProvenBy
  /** Where several proofs were asked for. */
  methods?: string[]
  /** Null: what is the same for every proof of its kind. */
  amr: string[] | null
  at: number
}

/** As a verified challenge holds it. */
export const proofOf = (row: Row): SessionProof => ({
  eventId: row.proof_event_id,
  provenBy: row.proven_by,
  amr: row.proven_amr === null ? null : JSON.parse(row.proven_amr),
  at: row.verified_at,
})

/** The last proof of several, with what all of them showed; `mfa` tells that there were more than one (RFC 8176). */
export function together(last: SessionProof, earlier: readonly SessionProof[]): SessionProof {
  if (earlier.length === 0) return last
  const all = [...earlier, last]
  return {
    ...last,
    methods: [...new Set(all.flatMap(one => AMR[one.provenBy].methods))],
    amr: [...new Set([...all.flatMap(one => one.amr ?? AMR[one.provenBy].amr), 'mfa'])],
  }
}

/**
 * Opens the session of a proof. The proof event is a foreign key of the same environment and user, and `authTime` is
 * the instant of the proof: without a proof there is no row to point at (promise 3).
 */
export async function insertSession(
  tx: Transaction,
  challenge: Challenge,
  user: User,
  proof: SessionProof,
  next: NewSession,
  origin: Origin,
  now: number,
  /** The action whose result opens it: its device stands back behind a token that was told. */
  action: OfAction | null = null,
): Promise<{ session: Session; events: Event[]; isDeviceNew: boolean }> {
  const { ipAddress, userAgent } = next.circumstances
  // Before the event of its device, as in `ostiary.attempt`.
  const event = newEvent('session.created', origin, now, {
    appId: challenge.appId,
    userId: user.id,
    challengeId: challenge.id,
    actionId: challenge.actionId,
    sessionId: next.id,
    context: { ipAddress, userAgent },
  })
  const device = await deviceOf(tx, challenge, user, next, action, origin, now)
  const session: Session = {
    id: next.id,
    environmentId: challenge.environmentId,
    appId: challenge.appId,
    userId: user.id,
    ...AMR[proof.provenBy],
    ...(proof.amr !== null && { amr: proof.amr }),
    ...(proof.methods && { methods: proof.methods }),
    authTime: proof.at,
    proofEventId: proof.eventId,
    ipAddress,
    userAgent,
    deviceId: device.id,
    claims: next.claims,
    epoch: challenge.epoch,
    createdAt: now,
    lastUsedAt: now,
    expiresAt: next.expiresAt,
    revokedAt: null,
  }
  await holdApp(tx, session)
  const { columns: names } = columns.sessions
  const place = (column: (typeof names)[number]) => `$${names.indexOf(column) + 5}`
  const isAsked = mayBeNew(user, next)
  const written = await tx.one(
    `INSERT INTO sessions (refresh_hash, refresh_expires_at, repeats, seen_as, ${names.join(', ')}) VALUES ${places(1, names.length + 4)}
     RETURNING ${isAsked ? wasSeen(place('environment_id'), place('user_id'), '$4', place('user_agent')) : '1 AS was_seen'}`,
    next.refreshHash,
    next.refreshExpiresAt,
    0,
    next.seenAs,
    ...columns.sessions.values(session),
  )
  await tx.run('UPDATE users SET last_sign_in_at = $2 WHERE id = $1', user.id, now)
  await tx.run('UPDATE challenges SET session_opened_at = $2 WHERE id = $1', challenge.id, now)
  const events = [event, ...device.events]
  const opened = { session, events, isDeviceNew: device.isNew }
  if (written?.was_seen) return opened
  const about = { ...origin, appId: challenge.appId }
  const noticed = await queueNotice(tx, user, next.notice, noticeAddress(user), null, about, now)
  return { ...opened, events: [...events, ...noticed] }
}

type OfAction = Pick<Action, 'deviceId' | 'remembersDevice' | 'ipAddress' | 'userAgent'>

/** On which device the person signs in: one whose token the backend tells, else the one that the action was proven on. */
async function deviceOf(
  tx: Transaction,
  challenge: Challenge,
  user: User,
  { device, circumstances, ...next }: NewSession,
  action: OfAction | null,
  origin: Origin,
  now: number,
): Promise<{ id: string | null; isNew: boolean; events: Event[] }> {
  const kept = action?.deviceId ?? null
  const rememberMs = action?.remembersDevice === false ? 0 : next.rememberMs
  if (device && (device.presentedHash !== null || kept === null))
    return await signInOn(tx, user, { ...device, rememberMs }, { ...challenge, circumstances }, origin, now)
  if (kept === null) return { id: null, isNew: false, events: [] }
  // What the backend does not tell is known of where the action began.
  const seen = {
    ipAddress: circumstances.ipAddress ?? action?.ipAddress ?? null,
    userAgent: circumstances.userAgent ?? action?.userAgent ?? null,
  }
  const about = { ...challenge, circumstances: seen }
  const events = await signInOnKept(tx, user, { id: kept, rememberMs }, about, origin, now)
  return { id: kept, isNew: false, events }
}

/** See `Store.openSession`. */
export async function openSession(
  tx: Transaction,
  input: Parameters<Store['openSession']>[0],
  action: (OfAction & { id: string; earlier: readonly SessionProof[] }) | null = null,
): Promise<OpenedLater> {
  const { origin, challengeId } = input
  await lockProof(tx, origin.environmentId, challengeId)
  const now = tx.judgeAt(input.now)
  const row = await tx.one(
    `SELECT * FROM challenges WHERE id = $1 AND environment_id = $2 ${forUpdate(tx, 'challenges')}`,
    challengeId,
    origin.environmentId,
  )
  if (!row) return { kind: 'notFound' }
  // What an action proved is redeemed by its result, or by the action itself.
  if (row.action_id !== (action?.id ?? null)) return { kind: 'stateConflict' }
  // A proof for another purpose opens no session, unless its challenge was to: that would be signing in with a code for
  // something else.
  if (
    row.verified_at === null ||
    row.user_id === null ||
    row.proof_event_id === null ||
    (row.purpose !== 'signIn' && row.opens_session === 0)
  )
    return { kind: 'stateConflict' }
  if (row.session_opened_at !== null) return { kind: 'alreadyOpened' }
  const user = await findUser(tx, origin.environmentId, row.user_id)
  if (!user) return { kind: 'stateConflict' }
  if (user.status === 'blocked') return { kind: 'userBlocked' }
  // A higher epoch ends what was proven before it, too.
  const isOver = row.ended_at !== null || row.epoch !== input.epoch
  if (row.verified_at + input.withinMs <= now || isOver) return { kind: 'late' }
  const challenge = columns.challenges.read(row)
  if (!input.session) return { kind: 'ready', challenge, user }
  const proof = together(proofOf(row), action?.earlier ?? [])
  const { events, ...opened } = await insertSession(
    tx,
    challenge,
    user,
    proof,
    input.session,
    origin,
    now,
    action,
  )
  await insertEvents(tx, events)
  return { kind: 'opened', ...opened, user: { ...user, lastSignInAt: now } }
}

/**
 * See `Store.rotateRefresh`. One conditional UPDATE rotates; what it did not take is a repeat of a lost answer, a
 * reuse, or nothing of ours (PROTOCOL section 3).
 */
export async function rotateRefresh(tx: Transaction, input: Rotation): Promise<Rotated> {
  const { origin, sessionId, successor, circumstances } = input
  const now = tx.judgeAt(input.now)
  const rotated = await tx.one(
    `UPDATE sessions SET refresh_hash = $1, refresh_expires_at = CASE WHEN expires_at < $2 THEN expires_at ELSE $2 END, last_used_at = $3,
       previous_hash = refresh_hash, previous_salt = $4, previous_key_id = $5, previous_ip_address = $6,
       previous_user_agent = $7, rotated_at = $3, repeats = 0
     WHERE id = $8 AND environment_id = $9 AND refresh_hash = $10 AND revoked_at IS NULL AND epoch = $11
       AND refresh_expires_at > $3 AND expires_at > $3
       AND EXISTS (SELECT 1 FROM users WHERE users.id = sessions.user_id AND users.status = 'active')
     RETURNING *`,
    successor.hash,
    now + input.idleMs,
    now,
    successor.salt,
    successor.keyId,
    circumstances.ipAddress,
    circumstances.userAgent,
    sessionId,
    origin.environmentId,
    input.presentedHash,
    input.epoch,
  )
  if (rotated) return await answer(tx, rotated, input, now, 'rotated')

  const row = await tx.one(
    'SELECT * FROM sessions WHERE id = $1 AND environment_id = $2',
    sessionId,
    origin.environmentId,
  )
  if (!row || row.revoked_at !== null || row.epoch !== input.epoch || row.expires_at <= now)
    return { kind: 'invalid' }
  if (row.refresh_hash === input.presentedHash) return { kind: 'invalid' }
  if (
    row.previous_hash === input.presentedHash &&
    isSameClient(row, input) &&
    now < row.rotated_at + input.graceMs
  ) {
    const repeated = await tx.one(
      `UPDATE sessions SET repeats = repeats + 1 WHERE id = $1 AND previous_hash = $2 AND repeats < $3
         AND EXISTS (SELECT 1 FROM users WHERE users.id = sessions.user_id AND users.status = 'active') RETURNING *`,
      sessionId,
      input.presentedHash,
      MAX_REPEATS,
    )
    if (repeated) return await answer(tx, repeated, input, now, 'repeated')
  }
  if (!input.isGenuine) return { kind: 'invalid' }
  const revoked = await tx.run(
    'UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL',
    sessionId,
    now,
  )
  if (revoked === 0) return { kind: 'invalid' }
  await insertEvents(tx, [
    newEvent('session.refresh_reused', origin, now, { ...subject(row), context: contextOf(input) }),
    newEvent('session.revoked', origin, now, { ...subject(row), data: { reason: 'refresh_reused' } }),
  ])
  return { kind: 'reused' }
}

function isSameClient(row: Row, { circumstances }: Rotation): boolean {
  return (
    row.previous_ip_address === circumstances.ipAddress && row.previous_user_agent === circumstances.userAgent
  )
}

async function answer(
  tx: Transaction,
  row: Row,
  input: Rotation,
  now: number,
  kind: 'rotated' | 'repeated',
): Promise<Rotated> {
  const user = await findUser(tx, row.environment_id, row.user_id)
  if (!user) return { kind: 'invalid' }
  await insertEvents(tx, [
    newEvent('session.refreshed', input.origin, now, {
      ...subject(row),
      context: contextOf(input),
      data: kind === 'repeated' ? { isRepeat: true } : {},
    }),
  ])
  const session = columns.sessions.read(row)
  const common = { session, user, refreshExpiresAt: row.refresh_expires_at as number }
  if (kind === 'rotated') return { kind, ...common }
  return { kind, ...common, salt: row.previous_salt, keyId: row.previous_key_id }
}

const subject = (row: Row) => ({ appId: row.app_id, userId: row.user_id, sessionId: row.id })
const contextOf = ({ circumstances }: Rotation) => ({
  ipAddress: circumstances.ipAddress,
  userAgent: circumstances.userAgent,
})

export async function findSession(
  tx: Transaction,
  environmentId: string,
  id: string,
): Promise<{ session: Session; user: User } | null> {
  const row = await tx.one('SELECT * FROM sessions WHERE id = $1 AND environment_id = $2', id, environmentId)
  const user = row && (await findUser(tx, environmentId, row.user_id))
  return row && user ? { session: columns.sessions.read(row), user } : null
}

export async function listSessions(
  tx: Transaction,
  environmentId: string,
  userId: string,
  page: Page,
): Promise<Session[]> {
  const rows = await tx.all(
    ...pageOf('sessions', page, [
      ['environment_id = ?', environmentId],
      ['user_id = ?', userId],
    ]),
  )
  return rows.map(columns.sessions.read)
}

export async function revokeSession(
  tx: Transaction,
  id: string,
  origin: Origin,
  now: number,
): Promise<Session | null> {
  const at = tx.judgeAt(now)
  const row = await tx.one(
    `SELECT * FROM sessions WHERE id = $1 AND environment_id = $2 ${forUpdate(tx, 'sessions')}`,
    id,
    origin.environmentId,
  )
  if (!row) return null
  const session = columns.sessions.read(row)
  if (session.revokedAt !== null) return session
  await tx.run('UPDATE sessions SET revoked_at = $2 WHERE id = $1', id, at)
  await insertEvents(tx, [
    newEvent('session.revoked', origin, at, { ...subject(row), data: { reason: 'asked' } }),
  ])
  return { ...session, revokedAt: at }
}

export async function revokeUserSessions(
  tx: Transaction,
  userId: string,
  origin: Origin,
  now: number,
): Promise<number | null> {
  const user = await lockUser(tx, origin.environmentId, userId)
  if (!user) return null
  const events = await endSessions(tx, user, origin, tx.judgeAt(now), 'asked')
  await endUnopenedProofs(tx, user, tx.judgeAt(now))
  await insertEvents(tx, [...events, ...(await endDevices(tx, user, origin, tx.judgeAt(now), 'signed_out'))])
  return events.length
}

/** Revokes the user's live sessions, all or this one or all but one; the events to be written, one for each. */
export async function endSessions(
  tx: Transaction,
  user: User,
  origin: Origin,
  now: number,
  reason: string,
  which: { id: string } | { except: string } = { except: '' },
): Promise<Event[]> {
  const rows = await tx.all(
    `UPDATE sessions SET revoked_at = $1
     WHERE environment_id = $2 AND user_id = $3 AND revoked_at IS NULL AND expires_at > $1
       AND id ${'id' in which ? '=' : '<>'} $4 RETURNING id, app_id, user_id`,
    now,
    user.environmentId,
    user.id,
    'id' in which ? which.id : which.except,
  )
  return rows.map(row => newEvent('session.revoked', origin, now, { ...subject(row), data: { reason } }))
}
