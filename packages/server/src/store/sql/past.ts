import type { Store, UserPast } from '../../core/ports.ts'
import { findKnown } from './devices.ts'
import type { Transaction } from './transaction.ts'

const HOUR = 60 * 60_000
const DAY = 24 * HOUR
const NEWEST_SIGN_INS = 200
const NEWEST_CHALLENGES = 200

/**
 * See `Store.readPast`. Sessions of the user by their ids; challenges by the addresses that the user has proven, of which the limits on
 * sends leave some dozens a day; devices, of which a user has fifty.
 */
export async function readPast(
  tx: Transaction,
  { environmentId, userId, presented, epoch, now }: Parameters<Store['readPast']>[0],
): Promise<UserPast> {
  const signIns = await tx.all(
    `SELECT created_at, ip_address FROM (
       SELECT created_at, ip_address, id FROM sessions WHERE environment_id = $1 AND user_id = $2
       ORDER BY id DESC LIMIT ${NEWEST_SIGN_INS}) AS newest
     WHERE created_at > $3 ORDER BY id DESC`,
    environmentId,
    userId,
    now - 30 * DAY,
  )
  // A challenge lives an hour at most, so what began within a day has not expired for longer. The user finds the addresses, and they
  // the challenges: a planner without statistics must begin with no other rows of the environment.
  const challenges = await tx.all(
    `SELECT challenges.created_at, max_attempts - attempts_left - CASE WHEN proven_by = 'code' THEN 1 ELSE 0 END AS wrong
     FROM identifiers CROSS JOIN challenges
     WHERE identifiers.environment_id || '' = $1 AND identifiers.user_id = $2 AND coalesce(identifiers.verified_at, 0) > 0
       AND challenges.environment_id = $1 AND address = identifiers.value AND expires_at > $3
       AND challenges.created_at > $3 AND code_length IS NOT NULL
     ORDER BY challenges.created_at DESC LIMIT ${NEWEST_CHALLENGES}`,
    environmentId,
    userId,
    now - DAY,
  )
  const wrong = (ms: number) =>
    challenges.reduce((sum, row) => (row.created_at > now - ms ? sum + Number(row.wrong) : sum), 0)
  const device =
    typeof presented === 'string' ? await findKnown(tx, environmentId, presented, epoch, userId) : undefined
  const counted = await tx.one(
    `SELECT count(*) AS n FROM device_users JOIN devices ON devices.id = device_id
     WHERE user_id = $1 AND device_users.environment_id = $2 AND device_users.ended_at IS NULL AND devices.ended_at IS NULL
       AND epoch = $3`,
    userId,
    environmentId,
    epoch,
  )
  return {
    signIns: signIns.map(row => ({ at: row.created_at, ipAddress: row.ip_address })),
    failures: { hour: wrong(HOUR), day: wrong(DAY) },
    device:
      presented === undefined
        ? undefined
        : device
          ? { createdAt: device.created_at, rememberedUntil: device.remembered_until }
          : null,
    deviceCount: Number(counted?.n),
  }
}
