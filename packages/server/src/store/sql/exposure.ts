import type { Exposure, KnownDevice } from '../../core/ports.ts'
import type { Origin } from '../../core/rows.ts'
import { insertEvents, newEvent } from './events.ts'
import type { Transaction } from './transaction.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * Whose guesses are bounded: those of everybody at an address, or those on a device that knows the owner. Each of the two
 * is left out of the other, so that strangers force nobody on a device of their own on to long codes.
 */
export type Guessed = { address: string } | KnownDevice

/**
 * Whether another weak code would pass the bound (PROTOCOL section 1). The exposure of an address, or of a device, is
 * what was guessed at its weak codes, times the codes that were live then, plus what can still be guessed.
 *
 * A challenge counts for an hour and a day after its life, not after its start: a guess made in its last second is
 * inside every window that it belongs to. Guesses at a weak code count on when a resend has made the challenge strong
 * since; those at strong codes never do. `except` leaves one challenge out, whose share the caller knows.
 */
export async function wouldExpose(
  tx: Transaction,
  environmentId: string,
  guessed: Guessed,
  added: number,
  exposure: Exposure,
  now: number,
  except = '',
): Promise<boolean> {
  const [its, ...whose] =
    'address' in guessed
      ? ['address = $6 AND device_id IS NULL', guessed.address]
      : ['device_id = $6 AND owner_id = $7', guessed.deviceId, guessed.userId]
  const row = await tx.one(
    `SELECT coalesce(sum(share), 0) AS day, coalesce(sum(CASE WHEN expires_at > $3 THEN share ELSE 0 END), 0) AS hour
     FROM (
       SELECT expires_at, exposure_spent + CASE
         WHEN is_strong = 0 AND verified_at IS NULL AND ended_at IS NULL AND expires_at > $2 THEN attempts_left * live_codes ELSE 0
       END AS share
       FROM challenges
       WHERE environment_id = $1 AND expires_at > $4 AND id <> $5 AND ${its}
     ) AS shares`,
    environmentId,
    now,
    now - HOUR,
    now - DAY,
    except,
    ...whose,
  )
  return row?.hour + added > exposure.perAddress.hour || row?.day + added > exposure.perAddress.day
}

/** Wrong guesses at weak codes in the last ten minutes against the threshold: true while protection is up. */
export async function isProtected(
  tx: Transaction,
  environmentId: string,
  exposure: Exposure,
  now: number,
): Promise<boolean> {
  const minute = Math.floor(now / MINUTE)
  const row = await tx.one(
    'SELECT coalesce(sum(guesses), 0) AS guesses FROM weak_guesses WHERE environment_id = $1 AND minute > $2',
    environmentId,
    // The minute that is running and ten whole ones: never less than ten minutes.
    minute - 11,
  )
  const { tenMinutes, cap } = exposure.perEnvironment
  if (row?.guesses < Math.min(tenMinutes, cap)) return false
  return row?.guesses >= (await thresholdOf(tx, environmentId, exposure, minute))
}

/** min(cap, max(floor, factor × median of seven days of ten minutes)); minutes without a guess count as 0. */
async function thresholdOf(
  tx: Transaction,
  environmentId: string,
  exposure: Exposure,
  minute: number,
): Promise<number> {
  const { tenMinutes, factor, cap } = exposure.perEnvironment
  const spans = 7 * 24 * 6
  const rows = await tx.all(
    `SELECT sum(guesses) AS guesses FROM weak_guesses
     WHERE environment_id = $1 AND minute <= $2 AND minute > $3 GROUP BY minute / 10 ORDER BY 1 DESC`,
    environmentId,
    minute - 10,
    minute - 10 - spans * 10,
  )
  const median = Number(rows[Math.floor(spans / 2)]?.guesses ?? 0)
  return Math.min(cap, Math.max(tenMinutes, factor * median))
}

/**
 * Counts a wrong guess at a weak code. Of one told network at most five count in ten minutes, so that one guesser
 * cannot force the whole environment on to long codes; guesses whose network was not told all count, because a
 * backend that tells nothing would otherwise hide a spray.
 */
export async function countWeakGuess(
  tx: Transaction,
  origin: Origin,
  site: string | null,
  exposure: Exposure,
  now: number,
): Promise<void> {
  const minute = Math.floor(now / MINUTE)
  const { environmentId } = origin
  if (site !== null) {
    const id = guesserName(environmentId, site)
    const row = await tx.one('SELECT hits FROM limits WHERE id = $1', id)
    const hits = ((row ? JSON.parse(row.hits) : []) as number[]).filter(at => at > minute - 10)
    if (hits.length >= 5) return
    hits.push(minute)
    await tx.run(
      `INSERT INTO limits (id, hits, fired, expires_at) VALUES ($1, $2, 0, $3)
       ON CONFLICT (id) DO UPDATE SET hits = excluded.hits, expires_at = excluded.expires_at`,
      id,
      JSON.stringify(hits),
      now + 10 * MINUTE,
    )
  }
  await tx.run(
    `INSERT INTO weak_guesses (environment_id, minute, guesses) VALUES ($1, $2, 1)
     ON CONFLICT (environment_id, minute) DO UPDATE SET guesses = weak_guesses.guesses + 1`,
    environmentId,
    minute,
  )
  if (await isProtected(tx, environmentId, exposure, now)) {
    const raised = await tx.run(
      'UPDATE environments SET protection_raised_at = $1 WHERE id = $2 AND protection_raised_at IS NULL',
      now,
      environmentId,
    )
    if (raised === 1) await insertEvents(tx, [newEvent('protection.raised', origin, now)])
  }
}

/** Under which the weak guesses of a network are counted. */
export const guesserName = (environmentId: string, site: string) => `${environmentId}:weakGuesses:${site}`

/** Says so when a protection that was raised is over. */
export async function liftProtection(
  tx: Transaction,
  origin: Origin,
  exposure: Exposure,
  now: number,
): Promise<void> {
  if (await isProtected(tx, origin.environmentId, exposure, now)) return
  const lifted = await tx.run(
    'UPDATE environments SET protection_raised_at = NULL WHERE id = $1 AND protection_raised_at IS NOT NULL',
    origin.environmentId,
  )
  if (lifted === 1) await insertEvents(tx, [newEvent('protection.lifted', origin, now)])
}
