import { type KeyObject, verify } from 'node:crypto'
import { z } from 'zod'
import { messageIdIn, reportDetail } from '../../core/messages/reports.ts'
import type { DeliveryReport } from '../../core/ports.ts'
import { isRecent } from '../../core/standard-webhooks.ts'
import { type Provider, readHookJson, refuseSignature } from './provider.ts'

const KINDS = new Map<string, DeliveryReport['kind']>(
  Object.entries({
    delivered: 'delivered',
    bounce: 'bounced',
    dropped: 'bounced',
    spamreport: 'complained',
  }),
)

const text = z.string().nullish().catch(null)
const Event = z.object({
  event: z.string(),
  'smtp-id': text,
  ostiary_id: text,
  status: text,
  type: text,
  reason: text,
  response: text,
})

/**
 * SendGrid: ECDSA over P-256 and SHA-256, of timestamp and raw body. Events come in batches. Our id stands in `smtp-id`, and
 * in `ostiary_id`, the unique argument that SMTP mails to SendGrid carry: complaints have only that.
 */
export function sendgridProvider(publicKey: KeyObject): Provider {
  return {
    maxBytes: 256 * 1024,
    async read({ header, body, now }) {
      const signature = header('x-twilio-email-event-webhook-signature') ?? ''
      const timestamp = header('x-twilio-email-event-webhook-timestamp') ?? ''
      const signed = Buffer.concat([Buffer.from(timestamp), body])
      if (!isRecent(timestamp, now) || !verify('sha256', signed, publicKey, Buffer.from(signature, 'base64')))
        refuseSignature('sendgrid: not signed by its key')
      const events = readHookJson(body)
      return Array.isArray(events) ? events.flatMap(reportOf) : []
    },
  }
}

function reportOf(entry: unknown): DeliveryReport[] {
  const { success, data: event } = Event.safeParse(entry)
  const kind = success ? KINDS.get(event.event) : undefined
  if (!success || !kind) return []
  const messageId = messageIdIn(event['smtp-id'] ?? '') ?? messageIdIn(event.ostiary_id ?? '')
  if (messageId === null) return []
  const name = kind === 'bounced' ? (event.type ?? event.event) : null
  return [{ messageId, kind, detail: reportDetail(name, event.status, event.reason ?? event.response) }]
}
