import type { Event, Identifier, Origin, User } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { newEvent } from './events.ts'
import { places, type Transaction } from './transaction.ts'

/** The addresses of users, row by row; who may have them is decided by whoever calls. */

export async function insertIdentifier(
  tx: Transaction,
  user: Pick<User, 'id' | 'environmentId'>,
  identifier: Identifier,
  now: number,
): Promise<void> {
  const { columns: names } = columns.identifiers
  await tx.run(
    `INSERT INTO identifiers (environment_id, user_id, created_at, ${names.join(', ')}) VALUES ${places(1, names.length + 3)}`,
    user.environmentId,
    user.id,
    now,
    ...columns.identifiers.values(identifier),
  )
}

/** The address is proven by one user now: whoever else claimed it without proof loses the claim, with an event. */
export async function removeUnprovenCopies(
  tx: Transaction,
  { type, value }: Pick<Identifier, 'type' | 'value'>,
  keeper: string,
  origin: Origin,
  now: number,
): Promise<Event[]> {
  const copies = await tx.all(
    `DELETE FROM identifiers WHERE environment_id = $1 AND type = $2 AND value = $3 AND verified_at IS NULL AND user_id <> $4
     RETURNING user_id, is_primary`,
    origin.environmentId,
    type,
    value,
    keeper,
  )
  for (const copy of copies) if (copy.is_primary === 1) await promoteNext(tx, copy.user_id, type)
  return copies.map(copy =>
    newEvent('identifier.removed', origin, now, {
      userId: copy.user_id,
      data: { type, value, reason: 'proven_by_another' },
    }),
  )
}

/** Where the primary address is unproven and another is proven, the proven one becomes primary. */
export async function preferProven(tx: Transaction, userId: string, type: Identifier['type']): Promise<void> {
  const demoted = await tx.run(
    `UPDATE identifiers SET is_primary = 0 WHERE user_id = $1 AND type = $2 AND is_primary = 1 AND verified_at IS NULL
       AND EXISTS (SELECT 1 FROM identifiers AS other
         WHERE other.user_id = $1 AND other.type = $2 AND other.verified_at IS NOT NULL)`,
    userId,
    type,
  )
  if (demoted > 0) await promoteNext(tx, userId, type)
}

/** The next address of the type becomes primary: a proven one before the others, the oldest first. */
export async function promoteNext(tx: Transaction, userId: string, type: Identifier['type']): Promise<void> {
  await tx.run(
    `UPDATE identifiers SET is_primary = 1 WHERE user_id = $1 AND type = $2 AND value = (
       SELECT value FROM identifiers WHERE user_id = $1 AND type = $2 ORDER BY verified_at IS NULL, created_at, value LIMIT 1)`,
    userId,
    type,
  )
}
