import { describe, expect, it } from 'vitest'
import type { DeliveryReport, Settled } from '../../../src/core/ports.ts'
import { DAY, type House, type InHouse, page, times } from './house.ts'

const claimed = (house: House, more: { limit?: number; busyDomains?: string[] } = {}) =>
  house.store.claimMessages({ now: house.now(), limit: 10, leaseMs: 30_000, busyDomains: [], ...more })
const found = async (house: House) =>
  (await house.store.findMessages(house.environment.id, { to: null, challengeId: null }, page())).rows

export function messages(inHouse: InHouse) {
  describe('messages', () => {
    it(
      'due are each given to one of many workers',
      inHouse(async house => {
        for (let index = 0; index < 10; index++) await house.created(`a${index}@x.test`)
        const batches = await times(10, () => claimed(house, { limit: 3 }))
        const ids = batches.flat().map(({ message }) => message.id)
        expect(ids).toHaveLength(10)
        expect(new Set(ids).size).toBe(10)
        expect(await claimed(house)).toEqual([])
        expect(batches.flat()[0]).toMatchObject({ attempt: 1, challenge: { sendTo: expect.any(String) } })
      }),
    )

    it(
      'come back when the lease is over, and the old one no longer holds',
      inHouse(async house => {
        await house.created('a@x.test')
        const [first] = await claimed(house)
        const id = first?.message.id ?? ''
        expect(await house.store.holdsLease(id, 1, house.now())).toBe(true)
        expect(await house.store.nextDueAt()).toBe(house.now() + 30_000)
        house.advance(30_000)
        expect(await house.store.holdsLease(id, 1, house.now())).toBe(false)
        expect(await claimed(house)).toMatchObject([{ attempt: 2 }])
        expect(await house.store.holdsLease(id, 1, house.now())).toBe(false)
        expect(await house.store.holdsLease(id, 2, house.now())).toBe(true)
      }),
    )

    it(
      'of busy domains wait',
      inHouse(async house => {
        await house.created('a@Busy.test'.toLowerCase())
        await house.created('a@free.test')
        expect(await claimed(house, { busyDomains: ['busy.test'] })).toMatchObject([
          { message: { to: 'a@free.test' } },
        ])
        expect(await claimed(house)).toHaveLength(1)
      }),
    )

    it(
      'past their life are still claimed, so that they end with an event',
      inHouse(async house => {
        await house.created('a@x.test')
        house.advance(DAY)
        expect(await claimed(house)).toHaveLength(1)
      }),
    )

    it(
      'settled keep the reply and lose their content, at once or after a time; the first outcome stands',
      inHouse(async house => {
        for (const to of ['a', 'b', 'c']) await house.created(`${to}@x.test`)
        const [a, b, c] = (await claimed(house)).map(({ message }) => message.id)
        const row = { environmentId: house.environment.id, attempt: 1, now: house.now() }
        const outcomes: Settled[] = [
          { ...row, id: a ?? '', kind: 'sent', reply: '250 OK', keepSealedUntil: null },
          { ...row, id: b ?? '', kind: 'failed', error: '550 no', keepSealedUntil: house.now() + DAY },
          { ...row, id: c ?? '', kind: 'retry', error: '451 later', at: house.now() + 5000 },
        ]
        await house.store.settleMessages(outcomes)
        const shown = async () => Object.fromEntries((await found(house)).map(one => [one.message.id, one]))
        const after = await shown()
        expect(after[a ?? '']).toMatchObject({ sealed: null, message: { status: 'sent', reply: '250 OK' } })
        expect(after[b ?? '']).toMatchObject({ message: { status: 'failed', reply: '550 no', sentAt: null } })
        expect(after[b ?? '']?.sealed).not.toBeNull()
        expect(after[c ?? '']).toMatchObject({ message: { status: 'queued' } })
        expect(await house.store.nextDueAt()).toBe(house.now() + 5000)
        for (const [type, count] of [
          ['message.sent', 1],
          ['message.failed', 1],
          ['message.retried', 1],
        ] as const)
          expect(await house.events(type)).toHaveLength(count)

        await house.store.settleMessages([
          { ...row, id: a ?? '', kind: 'failed', error: 'too late', keepSealedUntil: null },
          { ...row, id: a ?? '', kind: 'sent', reply: 'again', keepSealedUntil: null },
          { ...row, id: b ?? '', kind: 'sent', reply: '250 after all', keepSealedUntil: null },
        ])
        const final = await shown()
        expect(final[a ?? '']).toMatchObject({ message: { status: 'sent', reply: '250 OK' } })
        expect(final[b ?? '']).toMatchObject({ sealed: null, message: { status: 'sent' } })
        expect(await house.events('message.sent')).toHaveLength(2)
      }),
    )

    it(
      'are left alone by a try whose lease was lost, but for what it sent',
      inHouse(async house => {
        await house.created('a@x.test')
        const [first] = await claimed(house)
        house.advance(60_000)
        const [second] = await claimed(house)
        expect([first?.attempt, second?.attempt]).toEqual([1, 2])
        const late = {
          id: first?.message.id ?? '',
          environmentId: house.environment.id,
          attempt: 1,
          now: house.now(),
        }
        const [id, attempt] = [second?.message.id ?? '', second?.attempt ?? 0]
        await house.store.settleMessages([{ ...late, kind: 'retry', error: '451', at: house.now() }])
        await house.store.settleMessages([{ ...late, kind: 'failed', error: '550', keepSealedUntil: null }])
        expect(await house.store.holdsLease(id, attempt, house.now())).toBe(true)
        await house.store.settleMessages([{ ...late, kind: 'sent', reply: '250', keepSealedUntil: null }])
        expect(await found(house)).toMatchObject([{ message: { status: 'sent', reply: '250' } }])
      }),
    )

    it(
      'are settled however late the outcome comes: it judges nothing',
      inHouse(async house => {
        await house.created('a@x.test')
        const [one] = await claimed(house)
        const now = house.now()
        house.advance(60_000)
        await house.store.ping(house.now())
        const { id, environmentId } = one?.message ?? { id: '', environmentId: '' }
        await house.store.settleMessages([
          { id, environmentId, attempt: 1, now, kind: 'sent', reply: '250', keepSealedUntil: null },
        ])
        expect(await found(house)).toMatchObject([{ message: { status: 'sent', sentAt: now } }])
        await house.store.settleMessages([])
        await house.store.addEvents([])
      }),
    )

    it(
      'reported on have one event a kind, whatever comes at once; unknown ones and decoys have none',
      inHouse(async house => {
        const a = await house.created('a@x.test')
        const b = await house.created('b@x.test')
        const [one, other] = [a, b].map(({ id }) => id)
        const ids = Object.fromEntries(
          (await claimed(house)).map(({ message }) => [message.challengeId, message.id]),
        )
        const messageId = ids[one ?? ''] ?? ''
        const rows = async () => [
          await house.rows('SELECT * FROM messages ORDER BY id'),
          await house.rows('SELECT * FROM challenges ORDER BY id'),
        ]
        const before = await rows()
        const told = (kind: DeliveryReport['kind'], id = messageId) =>
          house.store.recordDelivery({ messageId: id, kind, detail: `it ${kind}`, now: house.now() })
        await times(20, () => told('bounced'))
        await told('delivered')
        await told('complained')
        await told('delivered', ids[other ?? ''])
        await told('bounced', 'msg_unknown')
        for (const [type, count] of [
          ['message.bounced', 1],
          ['message.delivered', 2],
          ['message.complained', 1],
        ] as const)
          expect(await house.events(type)).toHaveLength(count)
        expect(await house.events('message.bounced')).toMatchObject([
          { challengeId: one, actor: { type: 'system' }, data: { messageId, detail: 'it bounced' } },
        ])
        expect(await rows()).toEqual(before)
      }),
    )

    it(
      'are found by address, challenge and environment only',
      inHouse(async house => {
        const a = await house.created('a@x.test')
        await house.created('b@x.test')
        const find = async (
          filter: { to?: string; challengeId?: string },
          environmentId = house.environment.id,
        ) =>
          (await house.store.findMessages(environmentId, { to: null, challengeId: null, ...filter }, page()))
            .rows
        expect(await find({})).toHaveLength(2)
        expect(await find({ to: 'a@x.test' })).toMatchObject([{ challenge: { id: a.id } }])
        expect(await find({ challengeId: a.id })).toHaveLength(1)
        expect(await find({}, 'env_other')).toEqual([])
      }),
    )
  })
}
