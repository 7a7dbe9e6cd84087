import pg from 'pg'
import { OstiaryError } from '../../core/errors.ts'

/** SQLSTATEs after which the same operation, run again, may well succeed: deadlock, serialization, somebody was faster. */
const RETRIED = new Set(['40P01', '40001', '23505'])

/** Whether the operation was rolled back for a reason that another try may not meet. */
export const isRetried = (error: unknown) => sqlState(error) !== null && RETRIED.has(sqlState(error) ?? '')

export const sqlState = (error: unknown): string | null =>
  error instanceof pg.DatabaseError ? (error.code ?? null) : null

/**
 * What the driver threw, as the refusal that the caller gets; nothing was written. An error of ours passes through.
 *
 * The store is in trouble, not the caller: connection lost (08), resources (53), shutting down (57P), read-only (25006),
 * lock or statement time-out (55P03, 57014), input and output (58), still in conflict after the second try (40, 23505).
 */
export function toRefusal(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error
  const state = error.code ?? ''
  if (state === 'OSCLK') return unavailable(error.message, error)
  if (/^(08|53|57|58|40|55|25|XX)|^23505$/.test(state)) return unavailable(`PostgreSQL says ${state}`, error)
  // A character that PostgreSQL cannot keep (NUL), past the checks at the edge.
  if (state === '22021' || state === '22P05')
    return new OstiaryError('invalid_request', { detail: 'The request has a NUL character.', cause: error })
  // What the row belongs to was removed in between.
  if (state === '23503') return new OstiaryError('state_conflict', { reason: error.message, cause: error })
  return error
}

export const unavailable = (reason: string, cause: unknown) =>
  new OstiaryError('unavailable', { reason, cause })

export const outcomeUnknown = (cause: unknown) =>
  new OstiaryError('outcome_unknown', { reason: 'the connection was lost at the commit', cause })
