import { z } from 'zod'
import { usageOf } from '../../core/usage/usage.ts'
import { endpoint } from '../endpoint.ts'
import { Instant, isoOrNull } from '../wire.ts'

const count = z.int()
const UsageBody = z
  .object({
    key: z.string().nullable().meta({
      description:
        'The day, channel, method or country (ISO 3166) of the group; null where there is none or nobody knows',
    }),
    asked: count,
    resent: count,
    sent: count,
    delivered: count,
    verified: count,
    sessions: count,
    medianSecondsToVerify: count.nullable().meta({ description: 'Null in each country' }),
    passkeyShare: z.number().nullable(),
    blockedByRule: count.meta({ description: 'Actions that a rule blocked' }),
    failures: z.array(z.object({ reason: z.string(), count })),
  })
  .meta({ id: 'Usage' })

export const statsEndpoint = endpoint({
  method: 'GET',
  path: '/v1/stats',
  summary: 'Usage figures by day, channel, method or country, counted up to a few minutes ago',
  scopes: ['read'],
  query: z.strictObject({
    from: z.iso.date().optional(),
    to: z.iso.date().optional(),
    by: z.enum(['day', 'channel', 'method', 'country']).default('day'),
  }),
  status: 200,
  answer: z
    .object({
      from: z.iso.date(),
      to: z.iso.date(),
      by: z.enum(['day', 'channel', 'method', 'country']),
      countedTo: Instant.nullable(),
      total: UsageBody,
      data: z.array(UsageBody),
    })
    .meta({ id: 'Stats' }),
  errors: ['invalid_request'],
  act: (deps, { view, query }) => usageOf(deps, view, query),
  render: ({ countedTo, total, data, ...asked }) => ({
    ...asked,
    countedTo: isoOrNull(countedTo),
    total,
    data,
  }),
})
