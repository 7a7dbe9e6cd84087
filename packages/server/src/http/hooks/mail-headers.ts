import { z } from 'zod'
import { messageIdIn } from '../../core/messages/reports.ts'

/** Headers of the mail as we sent it, as providers repeat them. */
export const MailHeaders = z
  .array(z.object({ name: z.string(), value: z.string() }))
  .nullish()
  .catch(null)

// Some providers put a Message-ID of their own over ours; the reference they leave alone.
const NAMES = ['message-id', 'x-entity-ref-id']

/** The id of our message in the headers that we gave it, or null. */
export function headerId(headers: z.infer<typeof MailHeaders>): string | null {
  for (const { name, value } of headers ?? []) {
    const id = NAMES.includes(name.toLowerCase()) ? messageIdIn(value) : null
    if (id !== null) return id
  }
  return null
}
