import { z } from 'zod'
import { refuse } from '../../core/deps.ts'
import { endDevice, rememberDevice } from '../../core/devices/devices.ts'
import type { Device } from '../../core/rows.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage, whole } from '../list.ts'
import { deviceBody, Instant, iso, isoOrNull, listOf } from '../wire.ts'
import * as fields from './fields.ts'

/** The endpoints of a user's devices (CONTRACT section 4, docs/devices.md). */

export const UserDeviceBody = z
  .object({
    id: z.string().meta({ examples: ['dev_01k6z5v9hrf0qv2s8yb7m3c4dn'] }),
    userId: z.string(),
    browser: z.string().nullable(),
    system: z.string().nullable(),
    ipAddress: z.string().nullable(),
    userAgent: z.string().nullable(),
    createdAt: Instant,
    lastSignInAt: Instant,
    rememberedUntil: Instant.nullable(),
    endedAt: Instant.nullable(),
  })
  .meta({ id: 'UserDevice' })

function userDeviceBody({ id, userId, ipAddress, userAgent, ...device }: Device) {
  return {
    id,
    userId,
    ...deviceBody(userAgent),
    ipAddress,
    userAgent,
    createdAt: iso(device.createdAt),
    lastSignInAt: iso(device.lastSignInAt),
    rememberedUntil: isoOrNull(device.rememberedUntil),
    endedAt: isoOrNull(device.endedAt),
  }
}

const named = ({ params }: { params: Record<string, string> }) => ({
  userId: params.id ?? '',
  id: params.deviceId ?? '',
})

export const listDevicesEndpoint = endpoint({
  method: 'GET',
  path: '/v1/users/{id}/devices',
  summary: 'List the devices that a user has signed in with',
  scopes: ['users', 'read'],
  query: z.strictObject(pageQuery),
  status: 200,
  answer: listOf(UserDeviceBody),
  errors: ['not_found', 'cursor_invalid'],
  async act({ store }, { view, params, query }) {
    const userId = params.id ?? ''
    if (!(await store.findUser(view.environment.id, userId))) return refuse('not_found')
    return await readPage(`devices ${userId}`, query, async page =>
      whole(await store.listDevices(view.environment.id, userId, page)),
    )
  },
  render: ({ rows, nextCursor }) => ({ data: rows.map(userDeviceBody), nextCursor }),
})

export const rememberDeviceEndpoint = endpoint({
  method: 'PATCH',
  path: '/v1/users/{id}/devices/{deviceId}',
  summary: 'Say until when a device of a user counts as remembered',
  scopes: ['users'],
  body: z
    .strictObject({ rememberedUntil: z.iso.datetime({ offset: true }).nullable() })
    .meta({ id: 'RememberDevice' }),
  status: 200,
  answer: UserDeviceBody,
  errors: ['not_found', 'state_conflict'],
  act(deps, call) {
    const { rememberedUntil } = call.body
    const until = rememberedUntil === null ? null : Date.parse(rememberedUntil)
    return rememberDevice(deps, call, { ...named(call), until })
  },
  render: userDeviceBody,
})

export const endDeviceEndpoint = endpoint({
  method: 'POST',
  path: '/v1/users/{id}/devices/{deviceId}/end',
  summary: 'End a device of a user: it is not known any more',
  scopes: ['users'],
  body: fields.noBody,
  status: 200,
  answer: UserDeviceBody,
  errors: ['not_found'],
  act: (deps, call, keep) => endDevice(deps, call, named(call), keep),
  render: userDeviceBody,
})
