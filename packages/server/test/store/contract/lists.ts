import { describe, expect, it } from 'vitest'
import type { ChallengeFilter } from '../../../src/core/ports.ts'
import { type House, type InHouse, MINUTE, page, WRONG } from './house.ts'

const listed = async (house: House, filter: Partial<ChallengeFilter> = {}, more = {}) =>
  (
    await house.store.listChallenges(
      house.environment.id,
      {
        to: null,
        userId: null,
        purpose: null,
        channel: null,
        status: null,
        now: house.now(),
        epoch: 1,
        ...filter,
      },
      page(more),
    )
  ).rows.map(one => one.id)

export function lists(inHouse: InHouse) {
  describe('lists', () => {
    it(
      'run newest first, page by page, without a gap or a repeat, while rows are added',
      inHouse(async house => {
        const made: string[] = []
        for (let index = 0; index < 7; index++) made.unshift((await house.created(`a${index}@x.test`)).id)
        const seen: string[] = []
        for (let before: string | null = null, pages = 0; pages < 5; pages++) {
          const ids = await listed(house, {}, { limit: 3, before })
          seen.push(...ids)
          before = ids.at(-1) ?? before
          await house.created(`new${pages}@x.test`)
        }
        expect(seen).toEqual(made)
      }),
    )

    it(
      'keep to the instants asked for: from, and up to but not with',
      inHouse(async house => {
        const ids: string[] = []
        for (let index = 0; index < 3; index++) {
          ids.push((await house.created(`a${index}@x.test`)).id)
          house.advance(1000)
        }
        const start = house.now() - 3000
        expect(await listed(house, {}, { createdAfter: start + 1000 })).toEqual([ids[2], ids[1]])
        expect(await listed(house, {}, { createdBefore: start + 1000 })).toEqual([ids[0]])
      }),
    )

    it(
      'of challenges filter by address, user, purpose, channel and status, in one environment',
      inHouse(async house => {
        const { challenge: verified, user } = await house.signIn('v@x.test')
        const expired = await house.created('e@x.test', { row: { expiresAt: house.now() + MINUTE } })
        const exhausted = await house.created('x@x.test', { row: { maxAttempts: 1 } })
        await house.verify(exhausted, WRONG)
        const pending = await house.created('p@x.test', { row: { purpose: 'withdraw' } })
        house.advance(MINUTE)
        expect(await listed(house, { status: 'verified' })).toEqual([verified.id])
        expect(await listed(house, { status: 'expired' })).toEqual([expired.id])
        expect(await listed(house, { status: 'exhausted' })).toEqual([exhausted.id])
        expect(await listed(house, { status: 'pending' })).toEqual([pending.id])
        expect(await listed(house, { status: 'pending', epoch: 2 })).toEqual([])
        expect(await listed(house, { to: 'p@x.test' })).toEqual([pending.id])
        expect(await listed(house, { userId: user?.id ?? '' })).toEqual([verified.id])
        expect(await listed(house, { purpose: 'withdraw', channel: 'email' })).toEqual([pending.id])
        expect(await house.store.findChallenge('env_other', pending.id)).toBeNull()
      }),
    )

    it(
      'of events filter by type, user, challenge and session',
      inHouse(async house => {
        const { challenge, user, session } = await house.signIn('a@x.test')
        await house.signIn('b@x.test')
        const none = { type: null, userId: null, challengeId: null, actionId: null, sessionId: null }
        const types = async (filter: object, environmentId = house.environment.id) =>
          (await house.store.listEvents(environmentId, { ...none, ...filter }, page())).rows.map(
            one => one.type,
          )
        expect(await types({ type: 'session.created' })).toHaveLength(2)
        expect(await types({ sessionId: session?.id })).toEqual(['session.created'])
        expect((await types({ challengeId: challenge.id })).sort()).toEqual([
          'challenge.created',
          'challenge.verified',
          'message.queued',
          'session.created',
          'user.created',
        ])
        expect(await types({ userId: user?.id, type: 'user.created' })).toHaveLength(1)
        expect(await types({ actionId: 'act_1' })).toEqual([])
        expect(await types({}, 'env_other')).toEqual([])
      }),
    )

    it(
      'of users filter by each name',
      inHouse(async house => {
        const user = await house.newUser([{ value: 'a@x.test' }, { value: '+4930123456', type: 'phone' }], {
          externalId: 'e',
          username: 'u',
        })
        await house.newUser([{ value: 'b@x.test' }])
        const none = { email: null, phone: null, externalId: null, username: null }
        for (const filter of [
          { email: 'a@x.test' },
          { phone: '+4930123456' },
          { externalId: 'e' },
          { username: 'u' },
        ]) {
          const { rows } = await house.store.listUsers(house.environment.id, { ...none, ...filter }, page())
          expect(rows.map(one => one.id)).toEqual([user.id])
        }
        expect((await house.store.listUsers(house.environment.id, none, page())).rows).toHaveLength(2)
      }),
    )
  })
}
