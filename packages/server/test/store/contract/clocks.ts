import { describe, expect, it } from 'vitest'
import { type InHouse, MINUTE, tally, times, WEAK } from './house.ts'

export function clocks(inHouse: InHouse) {
  describe('clock and epoch', () => {
    it(
      'a caller more than two seconds behind gets unavailable, and nothing is spent',
      inHouse(async house => {
        const challenge = await house.created('a@x.test')
        await house.store.ping(house.now() + 2001)
        await expect(house.verify(challenge, '000000')).rejects.toMatchObject({
          code: 'unavailable',
          status: 503,
        })
        house.advance(1)
        expect((await house.verify(challenge, WEAK)).kind).toBe('verified')
      }),
    )

    it(
      'a caller slightly behind is judged by the later instant',
      inHouse(async house => {
        const challenge = await house.created('a@x.test', { row: { credential: 'codeAndLink' } })
        const { session } = await house.signIn('b@x.test')
        const { expiresAt } = challenge
        await house.store.ping(expiresAt)
        expect((await house.verify(challenge, WEAK, { now: expiresAt - 1500 })).kind).toBe('expired')
        expect((await house.resend(challenge, 2, { now: expiresAt - 1500 })).kind).toBe('expired')
        const end = session?.expiresAt ?? 0
        await house.store.ping(end)
        expect((await house.rotate(session?.id ?? '', 0, { now: end - 1 })).kind).toBe('invalid')
      }),
    )

    it(
      'reads are judged by the later instant too, and refused to a caller who is behind',
      inHouse(async house => {
        const now = house.now()
        expect(await house.store.judgeAt(now + 1500)).toBe(now + 1500)
        await house.store.ping(now + 2000)
        expect(await house.store.judgeAt(now)).toBe(now + 2000)
        await house.store.ping(now + 2001)
        await expect(house.store.judgeAt(now)).rejects.toMatchObject({ code: 'unavailable' })
      }),
    )

    it(
      'a lower epoch is refused',
      inHouse(async house => {
        const begin = (epoch: number) => house.store.begin({ now: house.now(), epoch, keyIds: ['keyid-01'] })
        await begin(2)
        await expect(begin(1)).rejects.toThrow('OSTIARY_EPOCH is 1, but the database has seen 2')
        await begin(2)
      }),
    )

    it(
      'a secret that rows still need may not be missing; an idle one may go',
      inHouse(async house => {
        const begin = (...keyIds: string[]) => house.store.begin({ now: house.now(), epoch: 1, keyIds })
        await begin('keyid-02', 'keyid-01')
        await house.created('a@x.test')
        await expect(begin('keyid-02')).rejects.toThrow('keyid-01')
        house.advance(11 * MINUTE)
        await begin('keyid-02')
        await begin('keyid-03', 'keyid-02')
      }),
    )
  })
}

/** Of a store without a clock of its own, which judges by the highest instant that was committed. */
export function highestInstant(inHouse: InHouse) {
  describe('the highest instant', () => {
    it(
      'moves with the latest caller, for those of the same crowd too',
      inHouse(async house => {
        const challenge = await house.created('a@x.test')
        const late = house.store.ping(challenge.expiresAt)
        const outcomes = await times(3, () => house.verify(challenge, WEAK, { now: challenge.expiresAt - 1 }))
        await late
        expect(tally(outcomes)).toEqual({ expired: 3 })
      }),
    )

    it(
      'outlives a restart',
      inHouse(async house => {
        await house.store.ping(house.now() + MINUTE)
        await house.store.begin({ now: house.now() + MINUTE, epoch: 1, keyIds: ['keyid-01'] })
        await expect(house.store.ping(house.now())).rejects.toMatchObject({ code: 'unavailable' })
      }),
    )

    it(
      'is forgotten with a higher epoch, so that a clock that was far ahead locks nobody out',
      inHouse(async house => {
        await house.store.ping(house.now() + 1000 * MINUTE)
        await expect(house.store.ping(house.now())).rejects.toMatchObject({ code: 'unavailable' })
        await house.store.begin({ now: house.now(), epoch: 2, keyIds: ['keyid-01'] })
        await house.store.ping(house.now())
      }),
    )
  })
}
