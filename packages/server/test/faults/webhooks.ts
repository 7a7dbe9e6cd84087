import type { ClaimedWebhook, SettledWebhook } from '../../src/core/ports.ts'
import type { Answer } from '../setup/server.ts'
import { type House, written } from './house.ts'
import type { Operation } from './operations.ts'
import type { Task } from './tasks.ts'

/** What is written of webhooks, by requests and by the worker. */

const LEASE_MS = 30_000
const ASKED = { url: 'https://receiver.invalid/', eventTypes: ['secret.rotated'] }

async function ask(house: House, method: string, path: string, body?: unknown): Promise<Answer['body']> {
  const answer = await house.call(method, path, body)
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** An environment has few: those of before go. */
async function noEndpoint(house: House): Promise<void> {
  for (const { id } of (await ask(house, 'GET', '/v1/webhooks?limit=100')).data)
    await ask(house, 'DELETE', `/v1/webhooks/${id}`)
}

/** The only endpoint there is: its id. */
export async function endpoint(house: House, asked: object = ASKED): Promise<string> {
  await noEndpoint(house)
  return (await ask(house, 'POST', '/v1/webhooks', asked)).id
}

async function delivery(house: House): Promise<{ id: string; path: string }> {
  const path = `/v1/webhooks/${await endpoint(house)}`
  return { path, id: (await ask(house, 'POST', `${path}/test`, {})).id }
}

export const WEBHOOK_OPERATIONS: readonly Operation[] = [
  {
    name: 'create a webhook endpoint',
    method: 'createWebhookEndpoint',
    status: 201,
    async prepare(house) {
      await noEndpoint(house)
      return { method: 'POST', path: '/v1/webhooks', body: ASKED }
    },
  },
  {
    name: 'change a webhook endpoint',
    method: 'updateWebhookEndpoint',
    status: 200,
    again: [200],
    prepare: async house => ({
      method: 'PATCH',
      path: `/v1/webhooks/${await endpoint(house)}`,
      body: { eventTypes: ['user.deleted'] },
    }),
  },
  {
    name: 'delete a webhook endpoint',
    method: 'deleteWebhookEndpoint',
    status: 204,
    again: [404],
    isOnce: true,
    prepare: async house => ({ method: 'DELETE', path: `/v1/webhooks/${await endpoint(house)}` }),
  },
  {
    name: 'rotate the secret of a webhook endpoint',
    method: 'rotateWebhookSecret',
    status: 200,
    prepare: async house => ({
      method: 'POST',
      path: `/v1/webhooks/${await endpoint(house)}/rotate-secret`,
      body: {},
    }),
  },
  {
    name: 'test a webhook endpoint',
    method: 'addWebhookTest',
    status: 201,
    prepare: async house => ({
      method: 'POST',
      path: `/v1/webhooks/${await endpoint(house)}/test`,
      body: {},
    }),
  },
]

async function claim(house: House, endpointId: string): Promise<ClaimedWebhook> {
  const input = { now: house.clock.now(), leaseMs: LEASE_MS, wanted: [{ endpointId, limit: 10 }] }
  const [claimed, ...more] = await house.ostiary.store.claimWebhooks(input)
  if (!claimed || more.length > 0) throw new Error(`${more.length + (claimed ? 1 : 0)} were claimed`)
  return claimed
}

export const WEBHOOK_TASKS: readonly Task[] = [
  {
    name: 'claim webhooks',
    method: 'claimWebhooks',
    async prepare(house) {
      const { id, path } = await delivery(house)
      return {
        async run() {
          // A claim whose answer was lost holds its delivery for the time of a lease, and no longer.
          house.clock.advance(LEASE_MS + 1000)
          await claim(house, path.slice('/v1/webhooks/'.length))
        },
        effect: () => house.look(`SELECT leased_until > 0 FROM webhook_deliveries WHERE id = '${id}'`),
      }
    },
  },
  {
    name: 'settle webhooks',
    method: 'settleWebhooks',
    async prepare(house) {
      const { id, path } = await delivery(house)
      const { endpointId, environmentId, attempt } = (await claim(house, path.slice('/v1/webhooks/'.length)))
        .delivery
      const now = house.clock.now()
      const outcome: SettledWebhook = {
        id,
        endpointId,
        environmentId,
        attempt,
        now,
        tried: { triedAt: now, durationMs: 1, answerStatus: 410, answer: '', error: null },
        kind: 'failed',
        isReceiversFault: true,
        isGone: true,
      }
      const before = house.counts()
      return {
        run: () => house.ostiary.store.settleWebhooks([outcome], 1000, () => []),
        effect: () => [
          house.look(`SELECT status, failures FROM webhook_deliveries WHERE id = '${id}'`),
          house.look(`SELECT status FROM webhook_endpoints WHERE id = '${endpointId}'`),
          written(before, house.counts()),
        ],
      }
    },
  },
  {
    name: 'replay a webhook',
    method: 'replayWebhook',
    async prepare(house) {
      const { id, path } = await delivery(house)
      const endpointId = path.slice('/v1/webhooks/'.length)
      const { environmentId } = (await claim(house, endpointId)).delivery
      return {
        run: () =>
          house.ostiary.store.replayWebhook({
            environmentId,
            endpointId,
            deliveryId: id,
            now: house.clock.now(),
          }),
        effect: () => house.look(`SELECT leased_until = 0 FROM webhook_deliveries WHERE id = '${id}'`),
      }
    },
  },
  {
    name: 'replay webhooks',
    method: 'replayWebhooks',
    async prepare(house) {
      const [[after] = []] = house.look('SELECT max(id) FROM events')
      const endpointId = await endpoint(house, { ...ASKED, eventTypes: ['webhook_endpoint.created'] })
      const [[environmentId] = []] = house.look('SELECT environment_id FROM webhook_endpoints')
      const input = {
        environmentId: String(environmentId),
        endpointId,
        after: String(after),
        since: 0,
        isUndeliveredOnly: true,
        limit: 500,
      }
      return {
        run: () => house.ostiary.store.replayWebhooks({ ...input, now: house.clock.now() }),
        effect: () =>
          house.look(`SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = '${endpointId}'`),
      }
    },
  },
]
