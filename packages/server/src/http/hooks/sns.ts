import { verify } from 'node:crypto'
import { z } from 'zod'
import type { Log } from '../app.ts'
import { type Provider, readHookJson, refuseSignature } from './provider.ts'
import { sesReports } from './ses.ts'
import { type Fetch, isSnsUrl, snsCertificates } from './sns-certificates.ts'

const MAX_AGE_MS = 5 * 60_000

const Envelope = z.object({
  Type: z.enum(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  MessageId: z.string(),
  TopicArn: z.string(),
  Subject: z.string().nullish(),
  Message: z.string(),
  Timestamp: z.string(),
  Token: z.string().optional(),
  SubscribeURL: z.string().optional(),
  SignatureVersion: z.string(),
  Signature: z.string(),
  SigningCertURL: z.string(),
})
type Envelope = z.infer<typeof Envelope>

// In the order in which SNS signs them; what an envelope does not have is left out.
const SIGNED = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  confirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
} as const

/**
 * Amazon SES through one SNS topic. Only signature version 2 (SHA-256) is taken: version 1 is SHA-1, and one key of SNS
 * signs for everybody's topics. A subscription is never confirmed by itself: its URL goes to the log, for the operator.
 */
export function sesProvider({
  topicArn,
  fetch,
  log,
}: {
  topicArn: string
  fetch: Fetch
  log: Log
}): Provider {
  const region = topicArn.split(':')[3] ?? ''
  const certificates = snsCertificates(region, fetch)
  return {
    async read({ body, now }) {
      const { success, data: envelope } = Envelope.safeParse(readHookJson(body))
      if (!success) return refuseSignature('ses: not an SNS message')
      if (envelope.TopicArn !== topicArn) refuseSignature('ses: another topic than MAIL_EVENTS_SES_TOPIC_ARN')
      const age = Math.abs(now - Date.parse(envelope.Timestamp))
      if (!(age <= MAX_AGE_MS)) refuseSignature('ses: too old')
      if (envelope.SignatureVersion !== '2')
        refuseSignature('ses: signed by SHA-1; set SignatureVersion to 2 on the topic')
      const key = await certificates.keyAt(envelope.SigningCertURL, now)
      const isSigned =
        key && verify('sha256', signedText(envelope), key, Buffer.from(envelope.Signature, 'base64'))
      if (!isSigned) refuseSignature('ses: not signed by SNS')
      if (envelope.Type === 'Notification') return sesReports(envelope.Message)
      const { SubscribeURL: url } = envelope
      if (envelope.Type === 'SubscriptionConfirmation' && url && isSnsUrl(url, region))
        log.warn(
          { topicArn, url },
          'SNS asks to confirm the subscription of the mail events: open the URL once',
        )
      return []
    },
  }
}

function signedText(envelope: Envelope): Buffer {
  const names = envelope.Type === 'Notification' ? SIGNED.Notification : SIGNED.confirmation
  const pairs = names.map(name => {
    const value = envelope[name]
    return value == null ? '' : `${name}\n${value}\n`
  })
  return Buffer.from(pairs.join(''))
}
