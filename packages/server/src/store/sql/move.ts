import { OstiaryError } from '../../core/errors.ts'
import type { BareTransaction, Row } from './transaction.ts'

/** What `ostiary copy` left in table `move`, and who asks for it: every write in a file, and whoever begins. */
export const MOVE = 'SELECT id, state, peer, since FROM move'

/** The refusal of a database that was left: what is judged here would not be known where its data went. Else null. */
export function retirementOf(move: Row | undefined): OstiaryError | null {
  if (move?.state !== 'retired') return null
  return new OstiaryError('unavailable', {
    reason: `the database is retired: moved to PostgreSQL at ${move.peer}`,
  })
}

/**
 * Refuses to begin on a database that was left, and on one that is not filled yet. Beginning on a filled one makes it
 * the one in use: from then on its copy cannot be undone. The caller holds the row of `instance`, as `ostiary copy` does.
 */
export async function beginAfterMove(tx: BareTransaction): Promise<void> {
  const move = await tx.one(MOVE)
  if (move?.state === 'retired')
    throw new Error(
      `the database is retired: its data moved to PostgreSQL at ${move.peer}. Set DATABASE_URL to that, or, as long as nothing was started there, take it back: ostiary copy --undo`,
    )
  if (move?.state === 'copying')
    throw new Error(
      `the copy of ${move.peer} into this database is not complete: run the same ostiary copy again, it goes on`,
    )
  if (move?.state === 'complete') await tx.run("UPDATE move SET state = 'started'")
}
