import type { Deps } from '../deps.ts'
import type { SealedRow } from '../ports.ts'

const STEP_ROWS = 200

/** How many rows were sealed anew, and how many no secret of the list opens. */
export interface Resealing {
  signingKeys: number
  messages: number
  webhookSecrets: number
  unreadable: number
}

/**
 * Seals every row anew under the first secret, in small steps, beside running servers: afterwards no row needs another
 * secret. Safe to run again and to break off.
 */
export async function resealAll(deps: Pick<Deps, 'store' | 'keyring' | 'clock'>): Promise<Resealing> {
  const signingKeys = await resealKind(deps, 'signingKey')
  const messages = await resealKind(deps, 'message')
  const current = await resealKind(deps, 'webhookSecret')
  const previous = await resealKind(deps, 'webhookPreviousSecret')
  const hooks = await resealKind(deps, 'hookSecret')
  return {
    signingKeys: signingKeys.resealed,
    messages: messages.resealed,
    webhookSecrets: current.resealed + previous.resealed + hooks.resealed,
    unreadable: [signingKeys, messages, current, previous, hooks].reduce(
      (sum, kind) => sum + kind.unreadable,
      0,
    ),
  }
}

async function resealKind(
  { store, keyring, clock }: Pick<Deps, 'store' | 'keyring' | 'clock'>,
  kind: SealedRow['kind'],
): Promise<{ resealed: number; unreadable: number }> {
  const done = { resealed: 0, unreadable: 0 }
  let after = ''
  for (;;) {
    const rows = await store.listSealed({ kind, exceptKeyId: keyring.currentKeyId, after, limit: STEP_ROWS })
    const opened = rows.flatMap(row => {
      const aad = `${row.environmentId}/${row.id}`
      const plain = keyring.open(row.sealed, aad)
      return plain === null ? [] : [{ ...row, resealed: keyring.seal(plain, aad) }]
    })
    done.unreadable += rows.length - opened.length
    if (opened.length > 0) done.resealed += await store.reseal(opened, clock.now())
    const last = rows.at(-1)
    if (!last || rows.length < STEP_ROWS) return done
    after = last.id
  }
}
