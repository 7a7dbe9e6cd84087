import { describe, expect, it } from 'vitest'
import { isId, newId } from '../../../src/core/ids.ts'
import type { ClaimedWebhook, OperatorNotice, SettledWebhook } from '../../../src/core/ports.ts'
import type { WebhookEndpoint } from '../../../src/core/rows.ts'
import { DAY, type House, type InHouse, MINUTE, newEnvironment, page, times } from './house.ts'

const FAILING_MS = 5 * DAY
const LEASE_MS = 30_000

/** An endpoint that is enabled; with a secret that is a text, because the store reads of it no more than its key id. */
async function endpointIn(house: House, more: Partial<WebhookEndpoint> = {}): Promise<WebhookEndpoint> {
  const { store, origin, environment, now } = house
  const endpoint: WebhookEndpoint = {
    id: newId('whk', now()),
    environmentId: environment.id,
    url: 'https://receiver.invalid/',
    eventTypes: null,
    status: 'enabled',
    disabledReason: null,
    previousUntil: null,
    firstFailedAt: null,
    createdAt: now(),
    updatedAt: now(),
    ...more,
  }
  const made = await store.createWebhookEndpoint(endpoint, 'keyid-01.secret', 20, origin, now())
  if (!made) throw new Error('not made')
  return made
}

const claim = ({ store, now }: House, { id }: WebhookEndpoint, limit = 100) =>
  store.claimWebhooks({ now: now(), leaseMs: LEASE_MS, wanted: [{ endpointId: id, limit }] })

const deliveriesOf = async ({ store, environment }: House, { id }: WebhookEndpoint) =>
  (await store.listWebhookDeliveries(environment.id, id, { status: null }, page())).rows

function outcomeOf(
  { delivery }: ClaimedWebhook,
  now: number,
  kind: 'delivered' | 'retry' | 'failed',
  more: { isGone?: boolean; isReceiversFault?: boolean } = {},
): SettledWebhook {
  const { id, endpointId, environmentId, attempt } = delivery
  const tried = { triedAt: now, durationMs: 3, answerStatus: 200, answer: 'x', error: null }
  const row = { id, endpointId, environmentId, attempt, now, tried }
  if (kind === 'delivered') return { ...row, kind }
  if (kind === 'retry') return { ...row, kind, at: now + 5000 }
  return { ...row, kind, isReceiversFault: more.isReceiversFault ?? true, isGone: more.isGone ?? false }
}

const noticeTo = (house: House, spelling: string, content: string): OperatorNotice => ({
  kind: 'webhookDisabled',
  messageId: newId('msg', house.now()),
  to: { value: spelling, spelling },
  expiresAt: house.now() + DAY,
  sealed: `keyid-01.${content}`,
})

export function webhooks(inHouse: InHouse) {
  describe('the queue of webhooks', () => {
    it(
      'gets each event in the write that records it, however many come at once, and none that was undone',
      inHouse(async house => {
        const { store, origin, now } = house
        const all = await endpointIn(house)
        const some = await endpointIn(house, { eventTypes: ['user.created', 'user.deleted'] })
        const other = await newEnvironment(store, 'test', now(), 'other')
        const foreign = { ...all, id: newId('whk', now()), environmentId: other.environment.id }
        await store.createWebhookEndpoint(foreign, 'keyid-01.secret', 20, other.origin, now())
        await times(30, index => house.created(`person${index}@example.com`))
        await times(5, () => house.newUser([]))
        await store.createUser(
          {
            user: { ...(await house.newUser([], { externalId: 'x' })), id: newId('usr', now()) },
            identifiers: [],
          },
          origin,
          now(),
        )
        const events = await house.rows(
          `SELECT id FROM events WHERE environment_id = '${origin.environmentId}' AND type <> 'environment.created'
             AND type <> 'app.created' AND type NOT LIKE 'webhook_endpoint.%'`,
        )
        const queued = await house.rows(
          `SELECT * FROM webhook_deliveries WHERE endpoint_id = '${all.id}' AND event_type NOT LIKE 'webhook_endpoint.%'`,
        )
        expect(queued.map(row => row.event_id).sort()).toEqual(events.map(({ id }) => id).sort())
        expect(queued.every(({ id }) => isId('dlv', id))).toBe(true)
        expect((await deliveriesOf(house, some)).map(({ eventType }) => eventType)).toEqual(
          Array(6).fill('user.created'),
        )
        expect(
          await house.rows(`SELECT 1 FROM webhook_deliveries WHERE endpoint_id = '${foreign.id}'`),
        ).toEqual([])
      }),
    )

    it(
      'a type is a whole name: user.created is not app.user.created, and not user',
      inHouse(async house => {
        const endpoint = await endpointIn(house, { eventTypes: ['user.created'] })
        const at = { ...(await house.events('app.created'))[0], createdAt: house.now() }
        const event = (type: string) => ({ ...at, id: newId('evt', house.now()), type }) as never
        await house.store.addEvents([event('app.user.created'), event('user'), event('user.created')])
        expect(await deliveriesOf(house, endpoint)).toHaveLength(1)
      }),
    )

    it(
      'gives each delivery to one of many, for the time of its lease, and no more than asked for',
      inHouse(async house => {
        const endpoint = await endpointIn(house, { eventTypes: ['user.created'] })
        await times(20, () => house.newUser([]))
        const first = (await times(5, () => claim(house, endpoint, 3))).flat()
        expect(first.length).toBeGreaterThan(2)
        expect(first.length).toBeLessThanOrEqual(15)
        expect(new Set(first.map(({ delivery }) => delivery.id)).size).toBe(first.length)
        for (const one of first)
          expect(one).toMatchObject({ url: endpoint.url, sealedSecrets: ['keyid-01.secret'] })
        const rest = await claim(house, endpoint)
        expect(first.length + rest.length).toBe(20)
        expect(await claim(house, endpoint)).toEqual([])
        const [one] = rest
        const lease = (attempt: number) =>
          house.store.holdsWebhookLease(one?.delivery.id ?? '', attempt, house.now())
        expect([await lease(1), await lease(2)]).toEqual([true, false])
        house.advance(LEASE_MS)
        expect(await lease(1)).toBe(false)
        expect(await claim(house, endpoint)).toHaveLength(20)
        expect(await lease(2)).toBe(true)
      }),
    )

    it(
      'tells of each enabled endpoint when its next delivery is due, and claims for no other',
      inHouse(async house => {
        const { store, origin, now } = house
        const endpoint = await endpointIn(house, { eventTypes: ['user.created'] })
        expect(await store.listDueWebhooks()).toEqual([{ endpointId: endpoint.id, dueAt: null }])
        await house.newUser([])
        expect(await store.listDueWebhooks()).toEqual([{ endpointId: endpoint.id, dueAt: now() }])
        await store.updateWebhookEndpoint(endpoint.id, { status: 'disabled' }, origin, now())
        expect(await store.listDueWebhooks()).toEqual([])
        expect(await claim(house, endpoint)).toEqual([])
        await store.updateWebhookEndpoint(endpoint.id, { status: 'enabled' }, origin, now())
        const [claimed] = await claim(house, endpoint)
        expect(claimed?.event?.type).toBe('user.created')
        await store.updateWebhookEndpoint(endpoint.id, { status: 'disabled' }, origin, now())
        expect(await store.holdsWebhookLease(claimed?.delivery.id ?? '', 1, now())).toBe(false)
      }),
    )

    it(
      'a try whose lease was lost settles nothing, and nothing is settled twice',
      inHouse(async house => {
        const endpoint = await endpointIn(house, { eventTypes: ['user.created'] })
        await house.newUser([])
        const [late] = await claim(house, endpoint)
        house.advance(LEASE_MS)
        const [current] = await claim(house, endpoint)
        const settle = (outcome: SettledWebhook) =>
          house.store.settleWebhooks([outcome], FAILING_MS, () => [])
        await settle(outcomeOf(late as ClaimedWebhook, house.now(), 'failed'))
        expect((await deliveriesOf(house, endpoint))[0]).toMatchObject({ status: 'pending', failures: 0 })
        const retry = outcomeOf(current as ClaimedWebhook, house.now(), 'retry')
        await settle(retry)
        await settle(retry)
        expect((await deliveriesOf(house, endpoint))[0]).toMatchObject({
          status: 'pending',
          failures: 1,
          dueAt: house.now() + 5000,
          answerStatus: 200,
        })
        expect(await claim(house, endpoint)).toEqual([])
        house.advance(5000)
        const [again] = await claim(house, endpoint)
        await settle(outcomeOf(again as ClaimedWebhook, house.now(), 'delivered'))
        expect((await deliveriesOf(house, endpoint))[0]).toMatchObject({
          status: 'delivered',
          deliveredAt: house.now(),
        })
      }),
    )

    it(
      'a replay ends the try that is under way',
      inHouse(async house => {
        const endpoint = await endpointIn(house, { eventTypes: ['user.created'] })
        await house.newUser([])
        const [claimed] = await claim(house, endpoint)
        const replayed = await house.store.replayWebhook({
          environmentId: endpoint.environmentId,
          endpointId: endpoint.id,
          deliveryId: claimed?.delivery.id ?? '',
          now: house.now(),
        })
        expect(replayed).toMatchObject({ status: 'pending', dueAt: house.now() })
        await house.store.settleWebhooks(
          [outcomeOf(claimed as ClaimedWebhook, house.now(), 'delivered')],
          FAILING_MS,
          () => [],
        )
        expect((await deliveriesOf(house, endpoint))[0]?.status).toBe('pending')
      }),
    )

    it(
      'of many who settle failures at once, one disables the endpoint, with one event; our own faults do not',
      inHouse(async house => {
        const endpoint = await endpointIn(house, { eventTypes: ['user.created'] })
        await times(12, () => house.newUser([]))
        const claimed = await claim(house, endpoint)
        const ours = claimed
          .splice(0, 4)
          .map(one => outcomeOf(one, house.now(), 'failed', { isReceiversFault: false }))
        expect(await house.store.settleWebhooks(ours, 0, () => [])).toEqual([])
        expect(
          (await house.store.findWebhookEndpoint(endpoint.environmentId, endpoint.id))?.firstFailedAt,
        ).toBeNull()
        const answers = await Promise.all(
          claimed.map(one =>
            house.store.settleWebhooks(
              [outcomeOf(one, house.now(), 'failed', { isGone: true })],
              FAILING_MS,
              ({ url }) => ['a', 'b'].map(name => noticeTo(house, `${name}@ops.test`, url)),
            ),
          ),
        )
        expect(answers.flat()).toEqual([
          {
            endpointId: endpoint.id,
            environmentId: endpoint.environmentId,
            url: endpoint.url,
            reason: 'gone',
            at: house.now(),
          },
        ])
        expect(await house.events('webhook_endpoint.disabled')).toHaveLength(1)
        // Told once, to each, in the same write.
        const told = await house.rows('SELECT * FROM messages ORDER BY recipient')
        expect(told).toMatchObject(
          ['a', 'b'].map(name => ({
            recipient: `${name}@ops.test`,
            domain: 'ops.test',
            notice: 'webhookDisabled',
            user_id: null,
            challenge_id: null,
            sealed: `keyid-01.${endpoint.url}`,
          })),
        )
        expect((await house.events('message.queued')).map(event => event.data.messageId).sort()).toEqual(
          told.map(row => row.id).sort(),
        )
      }),
    )

    it(
      'twenty notices an hour go to one address, and a report of one counts once',
      inHouse(async house => {
        const endpoint = await endpointIn(house, { eventTypes: ['user.created'] })
        const disable = async () => {
          await house.newUser([])
          const [claimed] = await claim(house, endpoint)
          const gone = outcomeOf(claimed as ClaimedWebhook, house.now(), 'failed', { isGone: true })
          await house.store.settleWebhooks([gone], FAILING_MS, ({ url }) => [
            noticeTo(house, 'a@ops.test', url),
          ])
          await house.store.updateWebhookEndpoint(
            endpoint.id,
            { status: 'enabled' },
            house.origin,
            house.now(),
          )
          house.advance(1000)
        }
        const told = async () => (await house.rows('SELECT id FROM messages ORDER BY id')) as { id: string }[]
        for (let number = 0; number < 22; number++) await disable()
        expect(await told()).toHaveLength(20)
        expect(await house.events('webhook_endpoint.disabled')).toHaveLength(22)
        house.advance(60 * 60_000)
        await disable()
        expect(await told()).toHaveLength(21)
        const [first, second] = await told()
        for (const one of [first, first, second])
          await house.store.recordDelivery({
            messageId: one?.id ?? '',
            kind: 'bounced',
            detail: null,
            now: house.now(),
          })
        expect(await house.events('message.bounced')).toHaveLength(2)
      }),
    )

    it(
      'of twenty-one who make an endpoint at once twenty do',
      inHouse(async house => {
        const { store, origin, environment, now } = house
        const template = await endpointIn(house)
        const made = await times(21, () =>
          store.createWebhookEndpoint(
            { ...template, id: newId('whk', now()) },
            'keyid-01.secret',
            20,
            origin,
            now(),
          ),
        )
        expect(made.filter(one => one === null)).toHaveLength(2)
        expect(await store.listWebhookEndpoints(environment.id)).toHaveLength(20)
      }),
    )
  })

  describe('the secret of an endpoint', () => {
    it(
      'is sealed anew, needed to begin, and gone after a leak: the endpoint is disabled until it has another',
      inHouse(async house => {
        const { store, origin, now } = house
        const endpoint = await endpointIn(house)
        await store.rotateWebhookSecret(endpoint.id, 'keyid-02.next', now() + MINUTE, origin, now())
        const begin = () => store.begin({ now: now(), epoch: 1, keyIds: ['keyid-02'] })
        await expect(begin()).rejects.toThrow(/lacks a secret .*keyid-01/)
        const old = await store.listSealed({
          kind: 'webhookPreviousSecret',
          exceptKeyId: 'keyid-02',
          after: '',
          limit: 10,
        })
        expect(old).toMatchObject([{ id: endpoint.id, sealed: 'keyid-01.secret' }])
        expect(
          await store.reseal(
            old.map(row => ({ ...row, resealed: 'keyid-02.same' })),
            now(),
          ),
        ).toBe(1)
        await begin()
        const end = () =>
          store.endForgeable({ kind: 'webhookEndpoints', origin, now: now(), after: '', limit: 10 })
        expect((await end()).ended).toBe(1)
        expect((await end()).ended).toBe(0)
        expect(await store.findWebhookEndpoint(endpoint.environmentId, endpoint.id)).toMatchObject({
          status: 'disabled',
          disabledReason: 'secret_replaced',
        })
        expect(await house.events('webhook_endpoint.disabled')).toHaveLength(1)
        const enable = () => store.updateWebhookEndpoint(endpoint.id, { status: 'enabled' }, origin, now())
        expect(await enable()).toBe('noSecret')
        const rotated = await store.rotateWebhookSecret(
          endpoint.id,
          'keyid-02.new',
          now() + MINUTE,
          origin,
          now(),
        )
        expect(rotated).toMatchObject({ status: 'disabled', previousUntil: null })
        expect(await enable()).toMatchObject({ status: 'enabled' })
      }),
    )
  })
}
