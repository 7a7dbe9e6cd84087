import { z } from 'zod'
import { messageIdIn, reportDetail } from '../../core/messages/reports.ts'
import type { DeliveryReport } from '../../core/ports.ts'
import { isSignedWebhook } from '../../core/standard-webhooks.ts'
import { headerId, MailHeaders } from './mail-headers.ts'
import { type Provider, readHookJson, refuseSignature } from './provider.ts'

const KINDS = new Map<string, DeliveryReport['kind']>(
  Object.entries({
    'email.delivered': 'delivered',
    'email.bounced': 'bounced',
    'email.suppressed': 'bounced',
    'email.failed': 'bounced',
    'email.complained': 'complained',
  }),
)

const text = z.string().nullish().catch(null)
const reason = z.object({ type: text, subType: text, message: text, reason: text }).nullish().catch(null)
const Body = z.object({
  type: z.string(),
  data: z.object({
    message_id: text,
    headers: MailHeaders,
    bounce: reason,
    failed: reason,
    suppressed: reason,
  }),
})

/** Resend: signed by Svix, which is Standard Webhooks under headers of its own name. */
export function resendProvider(keys: readonly Buffer[]): Provider {
  return {
    async read({ header, body, now }) {
      const named = (name: string) => header(`svix-${name}`) ?? header(`webhook-${name}`)
      const headers = { id: named('id'), timestamp: named('timestamp'), signature: named('signature') }
      if (!isSignedWebhook(keys, headers, body, now)) refuseSignature('resend: not signed by its secret')
      const { success, data: event } = Body.safeParse(readHookJson(body))
      const kind = success ? KINDS.get(event.type) : undefined
      if (!success || !kind) return []
      const { message_id, headers: sent, bounce, failed, suppressed } = event.data
      const messageId = messageIdIn(message_id ?? '') ?? headerId(sent)
      if (messageId === null) return []
      const why = bounce ?? failed ?? suppressed
      return [{ messageId, kind, detail: reportDetail(why?.type, why?.subType, why?.message ?? why?.reason) }]
    },
  }
}
