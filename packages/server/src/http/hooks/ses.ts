import { z } from 'zod'
import { messageIdIn, reportDetail } from '../../core/messages/reports.ts'
import type { DeliveryReport } from '../../core/ports.ts'
import { headerId, MailHeaders } from './mail-headers.ts'
import { readHookJson } from './provider.ts'

const text = z.string().nullish().catch(null)
const KINDS = new Map<string, DeliveryReport['kind']>(
  Object.entries({
    Delivery: 'delivered',
    Bounce: 'bounced',
    Complaint: 'complained',
  }),
)

const Recipients = z.array(z.object({ diagnosticCode: text, status: text })).catch([])
/** Feedback notifications say `notificationType`, event publishing says `eventType`; the rest is the same. */
const Notification = z.object({
  notificationType: text,
  eventType: text,
  mail: z.object({
    headers: MailHeaders,
    commonHeaders: z.object({ messageId: text }).nullish().catch(null),
  }),
  bounce: z
    .object({ bounceType: text, bounceSubType: text, bouncedRecipients: Recipients })
    .nullish()
    .catch(null),
  complaint: z.object({ complaintFeedbackType: text }).nullish().catch(null),
  delivery: z.object({ smtpResponse: text }).nullish().catch(null),
})

/**
 * What SES reports in the message of an SNS notification. SES puts a Message-ID of its own over ours, so ours is found in
 * the original headers: "include original headers" has to be on.
 */
export function sesReports(message: string): DeliveryReport[] {
  const { success, data } = Notification.safeParse(readHookJson(message))
  if (!success) return []
  const { mail, bounce, complaint, delivery } = data
  const kind = KINDS.get(data.notificationType ?? data.eventType ?? '')
  const messageId = headerId(mail.headers) ?? messageIdIn(mail.commonHeaders?.messageId ?? '')
  if (!kind || messageId === null) return []
  const [recipient] = bounce?.bouncedRecipients ?? []
  const words: Record<DeliveryReport['kind'], (string | null | undefined)[]> = {
    delivered: [delivery?.smtpResponse],
    bounced: [bounce?.bounceType, bounce?.bounceSubType, recipient?.diagnosticCode ?? recipient?.status],
    complained: [complaint?.complaintFeedbackType],
  }
  return [{ messageId, kind, detail: reportDetail(...words[kind]) }]
}
