import type { WebhookEndpoint } from '../../core/rows.ts'
import { type Finding, ok, warn } from './finding.ts'

/** A webhook endpoint that Ostiary disabled, and nobody by hand. */
export interface DisabledWebhook {
  slug: string
  id: string
  reason: Exclude<WebhookEndpoint['disabledReason'], 'manual' | null>
}

const WHY = {
  gone: 'it answered 410',
  failing: 'it failed for five days',
  secret_replaced: 'OSTIARY_SECRET was replaced',
}
const FIX = {
  gone: 'repair the receiver and enable the endpoint, or delete it (docs/webhooks.md)',
  failing: 'repair the receiver, enable the endpoint, and replay what it missed (docs/webhooks.md)',
  secret_replaced:
    'rotate its secret, put that into the receiver, and enable the endpoint (docs/webhooks.md)',
}

/** Which endpoints get no events any more. Never a failure: people sign in as before. */
export function checkWebhooks(disabled: readonly DisabledWebhook[]): Finding[] {
  if (disabled.length === 0) return [ok('webhooks', 'no endpoint was disabled for its failures')]
  return disabled.map(({ slug, id, reason }) =>
    warn('webhooks', `${id} in ${slug} is disabled: ${WHY[reason]}`, FIX[reason]),
  )
}
