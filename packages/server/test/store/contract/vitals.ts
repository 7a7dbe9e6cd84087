import { describe, expect, it } from 'vitest'
import type { Settled } from '../../../src/core/ports.ts'
import { EXPOSURE, type House, type InHouse, MINUTE, newEnvironment, times, WRONG } from './house.ts'

const outbox = async (house: House) => (await house.store.vitals()).outbox
const claimed = (house: House, limit: number) =>
  house.store.claimMessages({ now: house.now(), limit, leaseMs: 30_000, busyDomains: [] })

const NONE = { manual: 0, gone: 0, failing: 0, secret_replaced: 0 }

export function vitals(inHouse: InHouse) {
  describe('vitals', () => {
    it(
      'of a quiet house: nothing is queued, and no protection is raised',
      inHouse(async house => {
        expect(await house.store.vitals()).toEqual({
          outbox: { queued: 0, oldestQueuedAt: null },
          webhooks: { queued: 0, oldestDueAt: null },
          environments: [{ slug: 'home', isProtectionRaised: false, disabledWebhooks: NONE }],
        })
      }),
    )

    it(
      'count what is on its way in all environments, and say since when the oldest waits',
      inHouse(async house => {
        const began = house.now()
        await house.created('a@x.test')
        house.advance(MINUTE)
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        const row = { environmentId: live.environment.id, appId: live.app.id }
        await house.created('b@x.test', { row, more: { origin: live.origin } })
        expect(await outbox(house)).toEqual({ queued: 2, oldestQueuedAt: began })
      }),
    )

    it(
      'count a message under way and one that is tried again, and none that is settled',
      inHouse(async house => {
        for (const to of ['a', 'b', 'c']) {
          await house.created(`${to}@x.test`)
          house.advance(1000)
        }
        const [a, b, c] = await claimed(house, 3)
        expect((await outbox(house)).queued).toBe(3)
        const of = (one: typeof a) => ({
          id: one?.message.id ?? '',
          environmentId: house.environment.id,
          attempt: 1,
          now: house.now(),
        })
        const outcomes: Settled[] = [
          { ...of(a), kind: 'sent', reply: '250', keepSealedUntil: house.now() + MINUTE },
          { ...of(b), kind: 'failed', error: '550', keepSealedUntil: null },
          { ...of(c), kind: 'retry', error: '451', at: house.now() + MINUTE },
        ]
        await house.store.settleMessages(outcomes)
        // It waits since it was queued, not since it was tried.
        expect(await outbox(house)).toEqual({ queued: 1, oldestQueuedAt: c?.message.createdAt })
      }),
    )

    it(
      'name every environment, and the protected one alone as protected',
      inHouse(async house => {
        house.advance(1000)
        await newEnvironment(house.store, 'live', house.now(), 'live')
        const exposure = { ...EXPOSURE, perEnvironment: { tenMinutes: 3, factor: 5, cap: 3000 } }
        await times(4, async index => {
          const challenge = await house.created(`a${index}@x.test`, { more: { exposure } })
          await house.verify(challenge, WRONG, { exposure })
        })
        expect((await house.store.vitals()).environments).toEqual([
          { slug: 'home', isProtectionRaised: true, disabledWebhooks: NONE },
          { slug: 'live', isProtectionRaised: false, disabledWebhooks: NONE },
        ])
      }),
    )
  })
}
