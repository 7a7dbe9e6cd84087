import type { Circumstances, KnownDevice, NewDevice, Page } from '../../core/ports.ts'
import type { Device, Event, Origin, User } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { insertEvents, newEvent } from './events.ts'
import { type MaybePromise, places, type Row, type Transaction } from './transaction.ts'
import { lockUser } from './users.ts'

/**
 * Devices that people sign in with (PROTOCOL section 4). A device is known by its token alone, and for each user by a row of
 * their own. Whoever changes such a row holds its user; the device itself is locked after everything else.
 */

/**
 * The device that has this token now, where it knows this user ('' for nobody); undefined for any other. It is the same look
 * whomever the device knows (promise 7).
 */
export const findKnown = (
  tx: Transaction,
  environmentId: string,
  tokenHash: string,
  epoch: number,
  userId: string,
): MaybePromise<Row | undefined> =>
  tx.one(
    `SELECT devices.id, device_users.created_at, remembered_until FROM devices JOIN device_users ON device_id = devices.id
     WHERE token_hash = $1 AND devices.environment_id = $2 AND epoch = $3 AND devices.ended_at IS NULL
       AND user_id = $4 AND device_users.ended_at IS NULL`,
    tokenHash,
    environmentId,
    epoch,
    userId,
  )

/** Whether the device still knows this user, whatever its token is by now. */
export async function isKnownTo(tx: Transaction, { deviceId, userId }: KnownDevice): Promise<boolean> {
  const row = await tx.one(
    `SELECT 1 AS found FROM device_users JOIN devices ON devices.id = device_id
     WHERE device_id = $1 AND user_id = $2 AND device_users.ended_at IS NULL AND devices.ended_at IS NULL`,
    deviceId,
    userId,
  )
  return row !== undefined
}

/** More than anybody uses; a backend that loses the tokens it is given must not make a list without an end. */
export const MAX_DEVICES = 50

interface About {
  id?: string
  appId: string
  actionId: string | null
  epoch: number
  circumstances: Pick<Circumstances, 'ipAddress' | 'userAgent'>
}

/**
 * Notes that the user, who is held and has just proven who they are, signs in on this device; `isNew` as `keepDevice` says.
 */
export async function signInOn(
  tx: Transaction,
  user: Pick<User, 'id' | 'environmentId'>,
  next: NewDevice,
  about: About,
  origin: Origin,
  now: number,
): Promise<{ id: string; isNew: boolean; events: Event[] }> {
  const { id, isNew } = await keepDevice(tx, user, next, about.epoch, now)
  const note = isNew ? join : seen
  return { id, isNew, events: await note(tx, user, { id, rememberMs: next.rememberMs }, about, origin, now) }
}

/**
 * The device of a browser in which this user, who is held, has proven who they are. It is not theirs before they sign in.
 * `isNew`: it gets the new token, because it showed none that counts, or because it is to be known to one user more. So a
 * token that somebody planted in another's browser is worth nothing from their proof on.
 */
export async function keepDevice(
  tx: Transaction,
  user: Pick<User, 'id' | 'environmentId'>,
  next: NewDevice,
  epoch: number,
  now: number,
): Promise<{ id: string; isNew: boolean }> {
  const shown = await deviceOf(tx, user.environmentId, next.presentedHash, epoch)
  const known = shown && (await linkOf(tx, shown.id, user.id))
  if (shown && known && known.ended_at === null) {
    await tx.run('UPDATE devices SET last_seen_at = $2 WHERE id = $1', shown.id, now)
    return { id: shown.id, isNew: false }
  }
  // A device that was ended for them stays so: whoever took its token then must not be known by their next sign-in.
  const id = shown && !known ? shown.id : next.id
  if (shown && !known)
    await tx.run(
      'UPDATE devices SET token_hash = $2, last_seen_at = $3 WHERE id = $1',
      id,
      next.tokenHash,
      now,
    )
  else
    await tx.run(
      `INSERT INTO devices (id, environment_id, token_hash, epoch, created_at, last_seen_at) VALUES ${places(1, 6)}`,
      id,
      user.environmentId,
      next.tokenHash,
      epoch,
      now,
      now,
    )
  return { id, isNew: true }
}

interface Used {
  id: string
  /** 0: not at all. */
  rememberMs: number
}

/** As `signInOn`, on the device of the proof (`keepDevice`), which may have been ended for them since: then it stays so. */
export async function signInOnKept(
  tx: Transaction,
  user: Pick<User, 'id' | 'environmentId'>,
  device: Used,
  about: About,
  origin: Origin,
  now: number,
): Promise<Event[]> {
  const known = await linkOf(tx, device.id, user.id)
  if (known && known.ended_at !== null) return []
  return await (known ? seen : join)(tx, user, device, about, origin, now)
}

/** Another sign-in on a device of theirs. */
async function seen(
  tx: Transaction,
  user: Pick<User, 'id'>,
  { id, rememberMs }: Used,
  { circumstances }: About,
  _origin: Origin,
  now: number,
): Promise<Event[]> {
  await tx.run(
    `UPDATE device_users SET last_sign_in_at = $3, ip_address = $4, user_agent = $5,
       remembered_until = CASE WHEN CAST($6 AS BIGINT) IS NULL OR remembered_until > $6 THEN remembered_until ELSE CAST($6 AS BIGINT) END
     WHERE device_id = $1 AND user_id = $2`,
    id,
    user.id,
    now,
    circumstances.ipAddress,
    circumstances.userAgent,
    rememberMs > 0 ? now + rememberMs : null,
  )
  return []
}

/** Their first sign-in on it. */
async function join(
  tx: Transaction,
  user: Pick<User, 'id' | 'environmentId'>,
  { id, rememberMs }: Used,
  about: About,
  origin: Origin,
  now: number,
): Promise<Event[]> {
  const events = await makeRoom(tx, user, origin, now)
  const { ipAddress, userAgent } = about.circumstances
  const { columns: names } = columns.devices
  const device: Device = {
    id,
    environmentId: user.environmentId,
    userId: user.id,
    ipAddress,
    userAgent,
    createdAt: now,
    lastSignInAt: now,
    rememberedUntil: rememberMs > 0 ? now + rememberMs : null,
    endedAt: null,
  }
  await tx.run(
    `INSERT INTO device_users (${names.join(', ')}) VALUES ${places(1, names.length)}`,
    ...columns.devices.values(device),
  )
  const created = newEvent('device.created', origin, now, {
    appId: about.appId,
    userId: user.id,
    challengeId: about.id ?? null,
    actionId: about.actionId,
    context: { ipAddress, userAgent },
    data: { deviceId: id },
  })
  return [created, ...events]
}

/** The device that has this token now, locked: of two sign-ins that show one, the second sees what the first made of it. */
async function deviceOf(
  tx: Transaction,
  environmentId: string,
  tokenHash: string | null,
  epoch: number,
): Promise<Row | undefined> {
  if (tokenHash === null) return
  return await tx.one(
    `SELECT id FROM devices WHERE token_hash = $1 AND environment_id = $2 AND epoch = $3 AND ended_at IS NULL
     ${tx.isShared ? 'FOR UPDATE' : ''}`,
    tokenHash,
    environmentId,
    epoch,
  )
}

const linkOf = (tx: Transaction, id: string, userId: string) =>
  tx.one('SELECT * FROM device_users WHERE device_id = $1 AND user_id = $2', id, userId)

/** Ends those used longest ago, so that one more is not too many. */
async function makeRoom(
  tx: Transaction,
  { id: userId, environmentId }: Pick<User, 'id' | 'environmentId'>,
  origin: Origin,
  now: number,
): Promise<Event[]> {
  const rows = await tx.all(
    `UPDATE device_users SET ended_at = $1 WHERE user_id = $2 AND environment_id = $3 AND ended_at IS NULL AND device_id IN (
       SELECT device_id FROM device_users WHERE user_id = $2 AND environment_id = $3 AND ended_at IS NULL
       ORDER BY last_sign_in_at DESC, device_id DESC LIMIT 1000 OFFSET ${MAX_DEVICES - 1}) RETURNING device_id`,
    now,
    userId,
    environmentId,
  )
  if (rows.length > 0) await forgetEnded(tx, userId, environmentId)
  return rows.map(row => deviceEnded(row.device_id, userId, 'too_many', origin, now))
}

/** Keeps those that ended last: whoever comes back on one before them has a new token, as on any that is not theirs. */
const forgetEnded = (tx: Transaction, userId: string, environmentId: string) =>
  tx.run(
    `DELETE FROM device_users WHERE user_id = $1 AND environment_id = $2 AND device_id IN (
       SELECT device_id FROM device_users WHERE user_id = $1 AND environment_id = $2 AND ended_at IS NOT NULL
       ORDER BY ended_at DESC, device_id DESC LIMIT 1000 OFFSET ${MAX_DEVICES})`,
    userId,
    environmentId,
  )

export async function listDevices(
  tx: Transaction,
  environmentId: string,
  userId: string,
  { limit, before, createdAfter, createdBefore }: Page,
): Promise<Device[]> {
  const conditions: [sql: string, value: string | number | null][] = [
    ['user_id = ?', userId],
    ['environment_id = ?', environmentId],
    ['device_id < ?', before],
    ['created_at >= ?', createdAfter],
    ['created_at < ?', createdBefore],
  ]
  const told = conditions.filter(([, value]) => value !== null)
  const where = told.map(([sql], index) => sql.replace('?', `$${index + 1}`)).join(' AND ')
  const rows = await tx.all(
    `SELECT * FROM device_users WHERE ${where} ORDER BY device_id DESC LIMIT ${Math.trunc(limit)}`,
    ...told.map(([, value]) => value),
  )
  return rows.map(columns.devices.read)
}

/** See `Store.rememberDevice`. */
export async function rememberDevice(
  tx: Transaction,
  userId: string,
  id: string,
  until: number | null,
  origin: Origin,
  now: number,
): Promise<Device | 'stateConflict' | null> {
  const before = await heldLink(tx, userId, id, origin)
  if (!before) return null
  if (before.endedAt !== null) return 'stateConflict'
  await tx.run(
    'UPDATE device_users SET remembered_until = $3 WHERE device_id = $1 AND user_id = $2',
    id,
    userId,
    until,
  )
  const rememberedUntil = until === null ? null : new Date(until).toISOString()
  await insertEvents(tx, [
    newEvent('device.remembered', origin, now, { userId, data: { deviceId: id, rememberedUntil } }),
  ])
  return { ...before, rememberedUntil: until }
}

/** See `Store.endDevice`. */
export async function endDevice(
  tx: Transaction,
  userId: string,
  id: string,
  origin: Origin,
  told: number,
): Promise<Device | null> {
  const before = await heldLink(tx, userId, id, origin)
  if (!before || before.endedAt !== null) return before
  const now = tx.judgeAt(told)
  await tx.run('UPDATE device_users SET ended_at = $3 WHERE device_id = $1 AND user_id = $2', id, userId, now)
  await forgetEnded(tx, userId, origin.environmentId)
  await insertEvents(tx, [deviceEnded(id, userId, 'asked', origin, now)])
  return { ...before, endedAt: now }
}

async function heldLink(tx: Transaction, userId: string, id: string, { environmentId }: Origin) {
  const user = await lockUser(tx, environmentId, userId)
  const row = user && (await linkOf(tx, id, user.id))
  return row ? columns.devices.read(row) : null
}

/** Ends the user's devices, all or all but one; the events to be written, one for each. The user is held by the caller. */
export async function endDevices(
  tx: Transaction,
  { id: userId, environmentId }: Pick<User, 'id' | 'environmentId'>,
  origin: Origin,
  now: number,
  reason: 'signed_out' | 'adopted' | 'user_blocked',
  except = '',
): Promise<Event[]> {
  const rows = await tx.all(
    `UPDATE device_users SET ended_at = $1
     WHERE user_id = $2 AND environment_id = $3 AND ended_at IS NULL AND device_id <> $4 RETURNING device_id`,
    now,
    userId,
    environmentId,
    except,
  )
  if (rows.length > 0) await forgetEnded(tx, userId, environmentId)
  return rows.map(row => deviceEnded(row.device_id, userId, reason, origin, now))
}

export const deviceEnded = (
  deviceId: string,
  userId: string,
  reason: 'asked' | 'too_many' | 'signed_out' | 'adopted' | 'user_blocked' | 'secret_replaced',
  origin: Origin,
  now: number,
): Event => newEvent('device.ended', origin, now, { userId, data: { deviceId, reason } })
