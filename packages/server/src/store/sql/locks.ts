import { addressName, forUpdate, type Row, type Transaction } from './transaction.ts'

/** What an operation locks before it reads what it decides by, in the order that `Transaction` tells. */

/** The challenge, locked behind its address and these names: what is read of them from now on stays so. */
export async function lockChallenge(
  tx: Transaction,
  environmentId: string,
  id: string,
  names: readonly string[],
): Promise<Row | undefined> {
  await lockAddressOf(tx, environmentId, id, names)
  return await tx.one(
    `SELECT * FROM challenges WHERE id = $1 AND environment_id = $2 ${forUpdate(tx, 'challenges')}`,
    id,
    environmentId,
  )
}

/** Locks the address of a challenge, which never changes, so that it may be read before. Null: no such challenge. */
async function lockAddressOf(
  tx: Transaction,
  environmentId: string,
  id: string,
  names: readonly string[],
): Promise<Row | undefined> {
  if (!tx.isShared) return
  const found = await tx.one(
    'SELECT address, user_id FROM challenges WHERE id = $1 AND environment_id = $2',
    id,
    environmentId,
  )
  // A challenge that nothing is sent for has none: all of those would wait for one another.
  await tx.lock([...(found?.address ? [addressName(environmentId, found.address)] : []), ...names])
  return found
}

/**
 * Before a proof is judged, claimed or opened: locks its address and whoever the proof may lead to, `userId` included.
 * Blocking and deleting hold the user, so they come before it or after it.
 */
export async function lockProof(
  tx: Transaction,
  environmentId: string,
  id: string,
  names: readonly string[] = [],
  userId: string | null = null,
): Promise<void> {
  const found = await lockAddressOf(tx, environmentId, id, names)
  if (found)
    await tx.all(
      `SELECT id FROM users WHERE id IN ($1, $2) OR id IN (
         SELECT user_id FROM identifiers WHERE environment_id = $3 AND type = 'email' AND value = $4)
       ORDER BY id FOR UPDATE`,
      found.user_id,
      userId,
      environmentId,
      found.address,
    )
}
