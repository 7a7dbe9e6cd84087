import { type Finding, fail, ok } from './finding.ts'

const MAX_SKEW_MS = 2000
/** This version is not older: a clock before it was never set. */
const BUILT_AT = Date.UTC(2026, 0, 1)
const YEARS_10 = 10 * 365 * 24 * 60 * 60_000

/** The clock against sense, and against the highest instant that the database has seen. */
export function checkClock(now: number, lastInstant: number | null): Finding {
  const shown = new Date(now).toISOString()
  if (now < BUILT_AT || now > BUILT_AT + YEARS_10)
    return fail(
      'clock',
      `it is not ${shown}`,
      'set the clock, and let NTP keep it (timedatectl set-ntp true)',
    )
  if (lastInstant !== null && lastInstant - now > MAX_SKEW_MS)
    return fail(
      'clock',
      `${shown} is ${Math.ceil((lastInstant - now) / 1000)} s behind the latest instant in the database: every judgement would answer 503`,
      'set the clock right; if the database once saw a clock far in the future, raise OSTIARY_EPOCH by one',
    )
  return ok('clock', shown)
}
