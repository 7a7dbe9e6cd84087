import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.ts'
import { DAY, EXPOSURE, HOUR, type House, hashOf, type InHouse, MINUTE, page } from './house.ts'

const KEPT = { events: 90, challenges: 30, messages: 7, sessions: 30 }
const purge = (house: House, limit = 100, retentionDays = KEPT) =>
  house.store.purge({
    now: house.now(),
    environmentId: house.environment.id,
    retentionDays,
    exposure: EXPOSURE,
    limit,
  })

async function deliverAll(house: House) {
  const claimed = await house.store.claimMessages({
    now: house.now(),
    limit: 99,
    leaseMs: 1,
    busyDomains: [],
  })
  await house.store.settleMessages(
    claimed.map(({ attempt, message: { id, environmentId } }) => ({
      attempt,
      id,
      environmentId,
      kind: 'sent' as const,
      reply: '250',
      now: house.now(),
      keepSealedUntil: house.now() + DAY,
    })),
  )
}

export function retention(inHouse: InHouse) {
  describe('purging', () => {
    it(
      'takes bounded steps and says when there is more',
      inHouse(async house => {
        for (let index = 0; index < 5; index++) await house.created(`a${index}@x.test`)
        await deliverAll(house)
        house.advance(31 * DAY)
        const left = async () => (await house.rows('SELECT id FROM challenges')).length
        expect(await purge(house, 2)).toBe(true)
        expect(await left()).toBe(3)
        expect(await purge(house, 2)).toBe(true)
        expect(await purge(house, 2)).toBe(false)
        expect(await left()).toBe(0)
      }),
    )

    it(
      'keeps what is young, pending or still to be sent',
      inHouse(async house => {
        const { session } = await house.signIn('a@x.test')
        await deliverAll(house)
        await house.created('b@x.test', { row: { credential: 'codeAndLink' } })
        house.advance(31 * DAY)
        await house.created('c@x.test', { row: { credential: 'codeAndLink' } })
        await purge(house)
        const addresses = (await house.rows('SELECT address FROM challenges ORDER BY address')).map(
          one => one.address,
        )
        expect(addresses).toEqual(['b@x.test', 'c@x.test'])
        expect(await house.rows('SELECT * FROM challenge_links')).toHaveLength(2)
        expect((await house.store.findSession(house.environment.id, session?.id ?? ''))?.session.id).toBe(
          session?.id,
        )
      }),
    )

    it(
      'leaves the proof events of sessions, and takes them when the session is gone',
      inHouse(async house => {
        const { session } = await house.signIn('a@x.test')
        house.advance(2 * DAY)
        await purge(house, 100, { ...KEPT, events: 1 })
        expect((await house.events('challenge.verified')).map(one => one.id)).toEqual([session?.proofEventId])
        expect(await house.events('challenge.created')).toEqual([])
        house.advance(59 * DAY)
        await purge(house, 100, { ...KEPT, events: 1 })
        expect(await house.rows('SELECT * FROM sessions')).toEqual([])
        await purge(house, 100, { ...KEPT, events: 1 })
        expect(await house.events('challenge.verified')).toEqual([])
      }),
    )

    it(
      'takes no event that was not counted, and counts what was there before it counted',
      inHouse(async house => {
        const event = {
          type: 'session.created' as const,
          ...house.origin,
          ...{ userId: null, challengeId: null, actionId: null, sessionId: null, organizationId: null },
          context: null,
          data: {},
          createdAt: house.now(),
        }
        await house.store.addEvents(
          Array.from({ length: 700 }, () => ({ ...event, id: newId('evt', house.now()) })),
        )
        house.advance(3 * DAY)
        const left = async () =>
          (await house.rows("SELECT id FROM events WHERE type = 'session.created'")).length
        const counted = async () => {
          const { counts } = await house.store.readUsage({
            environmentId: house.environment.id,
            from: 0,
            to: 100_000,
            by: 'day',
          })
          return counts.reduce((sum, { happened }) => sum + happened, 0)
        }
        expect(await purge(house, 1000, { ...KEPT, events: 1 })).toBe(true)
        expect(await counted()).toBeLessThanOrEqual(500)
        expect((await left()) + (await counted())).toBe(700)
        while (await purge(house, 1000, { ...KEPT, events: 1 }));
        expect([await left(), await counted()]).toEqual([0, 700])
      }),
    )

    it(
      'wipes the content of messages when its time is over, and ends limits and kept answers',
      inHouse(async house => {
        const limits = [{ name: 'sends', key: 'a', windows: [{ ms: MINUTE, max: 9 }] }]
        await house.created('a@x.test', { more: { limits } })
        await deliverAll(house)
        await house.store.revokeSession('ses_unknown', house.origin, house.now(), {
          id: hashOf('key'),
          environmentId: house.environment.id,
          bodyHash: 'body',
          answer: async () => ({ sealed: 'sealed', keepMs: HOUR }),
        })
        expect(await house.rows('SELECT * FROM idempotency')).toHaveLength(1)
        const sealed = async () =>
          (await house.store.findMessages(house.environment.id, { to: null, challengeId: null }, page()))
            .rows[0]?.sealed
        house.advance(DAY - 1)
        await purge(house)
        expect(await sealed()).toEqual(expect.any(String))
        expect(await house.rows('SELECT * FROM limits')).toEqual([])
        expect(await house.rows('SELECT * FROM idempotency')).toEqual([])
        house.advance(1)
        await purge(house)
        expect(await sealed()).toBeNull()
      }),
    )

    it(
      'raises an alarm, once an hour, where far more is sent than usual',
      inHouse(async house => {
        for (let index = 0; index < 101; index++) await house.created(`a${index}@x.test`)
        await purge(house)
        await purge(house)
        expect(await house.events('limit.fired')).toMatchObject([
          { data: { limit: 'sendsPerEnvironment', isAlarm: true } },
        ])
      }),
    )
  })
}
