import { z } from 'zod'
import type { Line } from '../core/stories/lines.ts'
import { Instant, iso } from './wire.ts'

/** One line of a story on the wire. Which `data` it holds follows from its type (docs/support.md). */
export const LineBody = z
  .object({
    eventId: z.string().meta({ examples: ['evt_01k6z5v9hrf0qv2s8yb7m3c4dn'] }),
    type: z.string(),
    at: Instant,
    text: z.string().meta({ description: 'What happened, in plain English words' }),
    challengeId: z.string().nullable(),
    actionId: z.string().nullable(),
    sessionId: z.string().nullable(),
    context: z.object({ ipAddress: z.string().nullable(), userAgent: z.string().nullable() }).nullable(),
    data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  })
  .meta({ id: 'TimelineLine' })

/** Of a challenge or an action: oldest first. */
export const TimelineBody = z.array(LineBody).meta({ description: 'The newest 200 lines, oldest first' })

export function lineBody({ eventId, type, at, text, challengeId, actionId, sessionId, context, data }: Line) {
  return { eventId, type, at: iso(at), text, challengeId, actionId, sessionId, context, data }
}
