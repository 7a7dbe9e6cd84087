import { z } from 'zod'
import { ACTIVITY_TYPES, activityOf } from '../../../core/account/activity.ts'
import { DeviceBody, deviceBody, Instant, iso } from '../../wire.ts'
import { clientEndpoint } from '../endpoint.ts'

const ActivityBody = z
  .object({
    id: z.string(),
    type: z.enum(ACTIVITY_TYPES),
    createdAt: Instant,
    device: DeviceBody.nullable(),
    ipAddress: z.string().nullable(),
    data: z.object({
      sessionId: z.string().nullable(),
      authenticatorId: z.string().nullable(),
      address: z.string().nullable(),
    }),
  })
  .meta({ id: 'Activity' })

export const myActivityEndpoint = clientEndpoint({
  method: 'GET',
  path: '/client/v1/me/activity',
  summary: 'What happened to the account lately: the newest fifty lines',
  auth: 'session',
  status: 200,
  answer: z.object({ data: z.array(ActivityBody) }),
  errors: ['session_invalid'],
  act: activityOf,
  render: lines => ({
    data: lines.map(({ event, type, data }) => ({
      id: event.id,
      type,
      createdAt: iso(event.createdAt),
      // Null where nobody told: an operator, or the server itself.
      device: event.context && deviceBody(event.context.userAgent),
      ipAddress: event.context?.ipAddress ?? null,
      data,
    })),
  }),
})
