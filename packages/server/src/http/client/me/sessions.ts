import { z } from 'zod'
import { endSessions, sessionsOf } from '../../../core/account/sessions.ts'
import { id, noBody } from '../../api/fields.ts'
import { DeviceBody, deviceBody, Instant, iso } from '../../wire.ts'
import { clientEndpoint } from '../endpoint.ts'

const OwnSessionBody = z
  .object({
    id: z.string(),
    isCurrent: z.boolean(),
    device: DeviceBody,
    ipAddress: z.string().nullable(),
    methods: z.array(z.string()),
    createdAt: Instant,
    lastUsedAt: Instant,
  })
  .meta({ id: 'OwnSession' })

export const EndedBody = z.object({ ended: z.int() }).meta({ id: 'EndedSessions' })

export const mySessionsEndpoint = clientEndpoint({
  method: 'GET',
  path: '/client/v1/me/sessions',
  summary: 'Where the person is signed in',
  auth: 'session',
  status: 200,
  answer: z.object({ data: z.array(OwnSessionBody) }),
  errors: ['session_invalid'],
  act: sessionsOf,
  render: (sessions, { session: current }) => ({
    data: sessions.map(({ id, ipAddress, userAgent, methods, createdAt, lastUsedAt }) => ({
      id,
      isCurrent: id === current.id,
      device: deviceBody(userAgent),
      ipAddress,
      methods,
      createdAt: iso(createdAt),
      lastUsedAt: iso(lastUsedAt),
    })),
  }),
})

export const endMySessionEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/sessions/end',
  summary: 'End one of the person’s sessions',
  auth: 'session',
  body: z.strictObject({ id }).meta({ id: 'EndOwnSession' }),
  status: 200,
  answer: EndedBody,
  errors: ['session_invalid'],
  act: (deps, call) => endSessions(deps, call, { id: call.body.id }),
  render: ended => ({ ended }),
})

export const endMyOtherSessionsEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/sessions/end-others',
  summary: 'End all of the person’s sessions but this one',
  auth: 'session',
  body: noBody,
  status: 200,
  answer: EndedBody,
  errors: ['session_invalid'],
  act: (deps, call) => endSessions(deps, call, { except: call.session.id }),
  render: ended => ({ ended }),
})
