import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { messageIdIn, reportDetail } from '../../core/messages/reports.ts'
import type { DeliveryReport } from '../../core/ports.ts'
import { type Provider, readHookJson, refuseSignature } from './provider.ts'

const KINDS = new Map<string, DeliveryReport['kind']>(
  Object.entries({
    Delivery: 'delivered',
    Bounce: 'bounced',
    SpamComplaint: 'complained',
  }),
)

const text = z.string().nullish().catch(null)
const Body = z.object({
  RecordType: z.string(),
  Metadata: z.record(z.string(), z.unknown()).catch({}),
  Type: text,
  Details: text,
})

/**
 * Postmark: it signs nothing, but sends what its webhook is set up with: the token as the password of Basic auth in the
 * URL, or as the header `X-Ostiary-Token`. Our id comes back as the metadata `ostiary-id`, which SMTP mails to Postmark
 * carry.
 */
export function postmarkProvider(token: string): Provider {
  const expected = digest(token)
  const isRight = (given: string | undefined) =>
    given !== undefined && timingSafeEqual(digest(given), expected)
  return {
    async read({ header, body }) {
      if (!isRight(passwordOf(header('authorization'))) && !isRight(header('x-ostiary-token')))
        refuseSignature('postmark: without its token')
      const { success, data: event } = Body.safeParse(readHookJson(body))
      const kind = success ? KINDS.get(event.RecordType) : undefined
      if (!success || !kind) return []
      const own = Object.entries(event.Metadata).find(([name]) => name.toLowerCase() === 'ostiary-id')?.[1]
      const messageId = messageIdIn(typeof own === 'string' ? own : '')
      if (messageId === null) return []
      const type = kind === 'bounced' ? event.Type : null
      return [{ messageId, kind, detail: reportDetail(type, event.Details) }]
    },
  }
}

/** The password of Basic auth (RFC 7617), whatever the user. */
function passwordOf(authorization: string | undefined): string | undefined {
  const base64 = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1]
  if (base64 === undefined) return undefined
  const pair = Buffer.from(base64, 'base64').toString()
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
