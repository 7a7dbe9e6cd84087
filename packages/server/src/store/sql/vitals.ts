import type { Vitals } from '../../core/metrics.ts'
import type { Transaction } from './transaction.ts'

/** See `Store.vitals`. */
export async function vitals(tx: Transaction): Promise<Vitals> {
  const outbox = await tx.one(
    "SELECT count(*) AS queued, min(created_at) AS oldest FROM messages WHERE status = 'queued'",
  )
  const environments = await tx.all('SELECT slug, protection_raised_at FROM environments ORDER BY id')
  return {
    outbox: { queued: Number(outbox?.queued ?? 0), oldestQueuedAt: outbox?.oldest ?? null },
    environments: environments.map(row => ({
      slug: row.slug,
      isProtectionRaised: row.protection_raised_at !== null,
    })),
  }
}
