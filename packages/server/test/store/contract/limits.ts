import { describe, expect, it } from 'vitest'
import type { Limit } from '../../../src/core/ports.ts'
import { HOUR, type InHouse, MINUTE, newEnvironment, tally, times, WRONG } from './house.ts'

const limit = (name: string, max: number, key = 'k', ms = MINUTE): Limit => ({
  name,
  key,
  windows: [{ ms, max }],
})

export function limits(inHouse: InHouse) {
  describe('limits', () => {
    it(
      'let exactly N of many at once pass',
      inHouse(async house => {
        const outcomes = await times(30, index =>
          house.store.createChallenge(
            house.newChallenge(`a${index}@x.test`, { more: { limits: [limit('sends', 7)] } }),
          ),
        )
        expect(tally(outcomes)).toEqual({ created: 7, limited: 23 })
        expect(await house.counts()).toMatchObject({ challenges: 7, messages: 7 })
      }),
    )

    it(
      'are taken all or none',
      inHouse(async house => {
        const both = { more: { limits: [limit('wide', 3), limit('narrow', 1)] } }
        await house.created('a@x.test', both)
        expect(await house.store.createChallenge(house.newChallenge('a@x.test', both))).toMatchObject({
          kind: 'limited',
          limit: 'narrow',
        })
        // The refused call took nothing from `wide`: two more of three pass.
        const wide = () =>
          house.store.createChallenge(
            house.newChallenge('a@x.test', { more: { limits: [limit('wide', 3)] } }),
          )
        expect(tally([await wide(), await wide(), await wide()])).toEqual({ created: 2, limited: 1 })
      }),
    )

    it(
      'leave nothing of a refused call but one event with its count',
      inHouse(async house => {
        const one = { more: { limits: [limit('sends', 1)] } }
        await house.created('a@x.test', one)
        const before = await house.counts()
        for (let index = 0; index < 3; index++)
          await house.store.createChallenge(house.newChallenge('a@x.test', one))
        expect(await house.counts()).toEqual({ ...before, events: (before.events ?? 0) + 1 })
        expect(await house.events('limit.fired')).toMatchObject([
          { data: { limit: 'sends', key: 'k', refusals: 3 } },
        ])
        house.advance(2 * MINUTE)
        await house.created('a@x.test', one)
        await house.store.createChallenge(house.newChallenge('a@x.test', one))
        expect(await house.events('limit.fired')).toHaveLength(2)
      }),
    )

    it(
      'slide: never more than N in any window, and the wait that is told is enough',
      inHouse(async house => {
        const asked = { more: { limits: [limit('sends', 3)] } }
        const passed: number[] = []
        for (let step = 0; step < 60; step++) {
          const outcome = await house.store.createChallenge(house.newChallenge('a@x.test', asked))
          if (outcome.kind === 'created') passed.push(house.now())
          if (outcome.kind === 'limited' && step % 2 === 0) {
            house.advance(outcome.retryAfterMs)
            expect(tally([await house.store.createChallenge(house.newChallenge('a@x.test', asked))])).toEqual(
              {
                created: 1,
              },
            )
            passed.push(house.now())
          }
          house.advance(step % 3 === 0 ? 7_000 : 500)
        }
        for (const [index, at] of passed.entries())
          if (index >= 3) expect(at - (passed[index - 3] ?? 0)).toBeGreaterThanOrEqual(MINUTE)
      }),
    )

    it(
      'hold every window of a limit, and keep keys and environments apart',
      inHouse(async house => {
        const windows = [
          { ms: MINUTE, max: 2 },
          { ms: HOUR, max: 3 },
        ]
        const send = (key: string) =>
          house.store.createChallenge(
            house.newChallenge('a@x.test', { more: { limits: [{ name: 'two', key, windows }] } }),
          )
        expect(tally(await times(3, () => send('k')))).toEqual({ created: 2, limited: 1 })
        house.advance(2 * MINUTE)
        expect(tally(await times(3, () => send('k')))).toEqual({ created: 1, limited: 2 })
        expect((await send('other')).kind).toBe('created')
        const { app, origin } = await newEnvironment(house.store, 'live', house.now(), 'live')
        const elsewhere = house.newChallenge('a@x.test', {
          row: { environmentId: origin.environmentId, appId: app.id },
          more: { origin, limits: [{ name: 'two', key: 'k', windows }] },
        })
        expect((await house.store.createChallenge(elsewhere)).kind).toBe('created')
        expect(await send('k')).toMatchObject({ kind: 'limited', limit: 'two' })
        house.advance(HOUR + MINUTE)
        expect((await send('k')).kind).toBe('created')
      }),
    )

    it(
      'on wrong answers count only those, and refuse before anything is judged',
      inHouse(async house => {
        const wrongLimits = [limit('wrongPerIp', 2)]
        const [a, b] = [await house.created('a@x.test'), await house.created('b@x.test')]
        expect((await house.verify(a, '111111', { wrongLimits })).kind).toBe('verified')
        expect((await house.verify(b, WRONG, { wrongLimits })).kind).toBe('incorrect')
        expect((await house.verify(b, WRONG, { wrongLimits })).kind).toBe('incorrect')
        expect(await house.verify(b, '111111', { wrongLimits })).toMatchObject({
          kind: 'limited',
          limit: 'wrongPerIp',
        })
        expect((await house.store.findChallenge(house.environment.id, b.id))?.attemptsLeft).toBe(3)
        house.advance(2 * MINUTE)
        expect((await house.verify(b, '111111', { wrongLimits })).kind).toBe('verified')
      }),
    )
  })
}
