import { z } from 'zod'
import { messageIdIn, reportDetail } from '../../core/messages/reports.ts'
import { isSignedWebhook } from '../../core/standard-webhooks.ts'
import { validate } from '../body.ts'
import { type Provider, readHookJson, refuseSignature } from './provider.ts'

const Body = z.strictObject({
  type: z.enum(['delivered', 'bounced', 'complained']),
  messageId: z.string().max(1000),
  detail: z.string().nullish(),
})

/** Any service that signs by Standard Webhooks and says `{type, messageId, detail}`; what it misspells it is told. */
export function genericProvider(keys: readonly Buffer[]): Provider {
  return {
    async read({ header, body, now }) {
      const headers = {
        id: header('webhook-id'),
        timestamp: header('webhook-timestamp'),
        signature: header('webhook-signature'),
      }
      if (!isSignedWebhook(keys, headers, body, now)) refuseSignature('generic: not signed by its secret')
      const { type, messageId: text, detail } = validate(Body, readHookJson(body))
      const messageId = messageIdIn(text)
      return messageId === null ? [] : [{ messageId, kind: type, detail: reportDetail(detail) }]
    },
  }
}
