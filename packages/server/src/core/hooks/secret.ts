import type { Call, Deps } from '../deps.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import type { HookSecret } from '../ports.ts'
import { webhookKeys } from '../standard-webhooks.ts'

/** A secret as its maker sees it: shown once. */
export interface NewHookSecret {
  secret: string
  createdAt: number
  /** Until when the one before signs as well. */
  previousUntil: number
}

/**
 * Gives the environment's hooks a secret, the first one too. For `overlapSeconds` the one before signs beside it, so that
 * the receiver can be changed without a gap; one that was still overlapping ends.
 */
export async function rotateHookSecret(
  deps: Deps,
  call: Call,
  overlapSeconds: number,
  keep?: Keep<NewHookSecret>,
): Promise<NewHookSecret> {
  const now = deps.clock.now()
  const id = newId('hks', now)
  const environmentId = call.view.environment.id
  const secret = `whsec_${deps.random.bytes(32).toString('base64')}`
  const row = {
    id,
    environmentId,
    sealed: deps.keyring.seal(secret, aadOf({ id, environmentId })),
    createdAt: now,
  }
  const previousUntil = now + overlapSeconds * 1000
  return await writeOnce<HookSecret, NewHookSecret>(
    keep,
    once => deps.store.rotateHookSecret(row, previousUntil, call.origin, now, once),
    ({ createdAt }) => ({ secret, createdAt, previousUntil }),
  )
}

/** The keys that sign now, the current one first; null where there is none, or it does not open. */
export async function hookKeys(
  { store, keyring, clock }: Deps,
  environmentId: string,
): Promise<Buffer[] | null> {
  const rows = await store.listHookSecrets(environmentId, clock.now())
  const [current, ...earlier] = rows.map(row => keyring.open(row.sealed, aadOf(row)))
  if (current == null) return null
  return [current, ...earlier.filter(one => one !== null)].flatMap(webhookKeys)
}

const aadOf = ({ id, environmentId }: Pick<HookSecret, 'id' | 'environmentId'>) => `${environmentId}/${id}`
