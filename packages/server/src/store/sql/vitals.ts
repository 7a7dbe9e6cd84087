import type { Vitals } from '../../core/metrics.ts'
import type { Transaction } from './transaction.ts'

/** See `Store.vitals`. */
export async function vitals(tx: Transaction): Promise<Vitals> {
  const outbox = await tx.one(
    "SELECT count(*) AS queued, min(created_at) AS oldest FROM messages WHERE status = 'queued'",
  )
  const environments = await tx.all('SELECT id, slug, protection_raised_at FROM environments ORDER BY id')
  // Looks into the index of each endpoint alone: of one that was dead for a day much waits.
  const endpoints = await tx.all(
    `SELECT environment_id, disabled_reason,
       CASE WHEN status = 'enabled' THEN (SELECT count(*) FROM webhook_deliveries
         WHERE endpoint_id = webhook_endpoints.id AND webhook_deliveries.status = 'pending') ELSE 0 END AS queued,
       CASE WHEN status = 'enabled' THEN (SELECT min(due_at) FROM webhook_deliveries
         WHERE endpoint_id = webhook_endpoints.id AND webhook_deliveries.status = 'pending') END AS due_at
     FROM webhook_endpoints`,
  )
  const due = endpoints.map(row => row.due_at).filter(at => at !== null)
  return {
    outbox: { queued: Number(outbox?.queued ?? 0), oldestQueuedAt: outbox?.oldest ?? null },
    webhooks: {
      queued: endpoints.reduce((sum, row) => sum + Number(row.queued), 0),
      oldestDueAt: due.length === 0 ? null : Math.min(...due.map(Number)),
    },
    environments: environments.map(({ id, slug, protection_raised_at }) => {
      const disabledFor = (reason: string) =>
        endpoints.filter(row => row.environment_id === id && row.disabled_reason === reason).length
      return {
        slug,
        isProtectionRaised: protection_raised_at !== null,
        disabledWebhooks: {
          manual: disabledFor('manual'),
          gone: disabledFor('gone'),
          failing: disabledFor('failing'),
          secret_replaced: disabledFor('secret_replaced'),
        },
      }
    }),
  }
}
