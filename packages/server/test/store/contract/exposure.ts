import { describe, expect, it } from 'vitest'
import { EXPOSURE, HOUR, type InHouse, MINUTE, STRONG, somewhere, WEAK, WRONG } from './house.ts'

/** Thresholds that a test can reach. */
const NARROW = { ...EXPOSURE, perEnvironment: { tenMinutes: 6, factor: 5, cap: 500 } }

export function exposure(inHouse: InHouse) {
  describe('exposure of an address', () => {
    it(
      'lets two weak challenges of five attempts an hour pass; the third is strong',
      inHouse(async house => {
        const strengths = []
        for (let index = 0; index < 3; index++) strengths.push((await house.created('a@x.test')).isStrong)
        expect(strengths).toEqual([false, false, true])
        expect((await house.created('b@x.test')).isStrong).toBe(false)
      }),
    )

    it(
      'gives room back when attempts were not used, and keeps what was guessed for an hour after the life',
      inHouse(async house => {
        await house.signIn('a@x.test')
        await house.signIn('a@x.test')
        const guessed = await house.created('a@x.test')
        expect(guessed.isStrong).toBe(false)
        for (let index = 0; index < 5; index++) await house.verify(guessed, WRONG)
        const second = await house.created('a@x.test')
        for (let index = 0; index < 5; index++) await house.verify(second, WRONG)
        expect((await house.created('a@x.test')).isStrong).toBe(true)
        house.advance(HOUR)
        expect((await house.created('a@x.test')).isStrong).toBe(true)
        house.advance(11 * MINUTE)
        expect((await house.created('a@x.test')).isStrong).toBe(false)
      }),
    )

    it(
      'holds the bound of the day',
      inHouse(async house => {
        const guess = async () => {
          const challenge = await house.created('a@x.test')
          if (!challenge.isStrong)
            for (let index = 0; index < 5; index++) await house.verify(challenge, WRONG)
          return challenge.isStrong
        }
        const strengths = []
        for (let hour = 0; hour < 6; hour++) {
          strengths.push(await guess())
          house.advance(75 * MINUTE)
        }
        expect(strengths).toEqual([false, false, false, false, true, true])
        house.advance(24 * HOUR)
        expect(await guess()).toBe(false)
      }),
    )

    it(
      'makes a resend replace the earlier codes where one live code more would pass the bound',
      inHouse(async house => {
        await house.created('a@x.test')
        const second = await house.created('a@x.test')
        house.advance(31_000)
        expect(await house.resend(second)).toMatchObject({ earlierCodes: 'replaced' })
        const alone = await house.created('b@x.test')
        house.advance(31_000)
        expect(await house.resend(alone, 2)).toMatchObject({ earlierCodes: 'valid' })
        house.advance(61_000)
        expect(await house.resend(alone, 3)).toMatchObject({ earlierCodes: 'replaced' })
      }),
    )

    it(
      'keeps the guesses at a weak code in the sum when a resend makes the challenge strong',
      inHouse(async house => {
        const challenge = await house.created('a@x.test')
        for (let index = 0; index < 4; index++) await house.verify(challenge, WRONG)
        const other = await house.created('other@x.test', { row: { maxAttempts: 10 } })
        for (let index = 0; index < 3; index++) await house.verify(other, WRONG)
        house.advance(31_000)
        expect(await house.resend(challenge, 2, { exposure: NARROW })).toMatchObject({
          earlierCodes: 'replaced',
          challenge: { isStrong: true, codeLength: 10 },
        })
        house.advance(11 * MINUTE)
        expect((await house.created('a@x.test')).isStrong).toBe(false)
        // 4 guessed and 5 that may still be: 5 more would make 14.
        expect((await house.created('a@x.test')).isStrong).toBe(true)
      }),
    )
  })

  describe('protection of an environment', () => {
    it(
      'is raised by wrong guesses at weak codes, makes new codes strong, and is lifted',
      inHouse(async house => {
        const out = await house.created('early@x.test')
        const twice = await house.created('twice@x.test')
        for (let index = 0; index < 6; index++) {
          const challenge = await house.created(`a${index}@x.test`)
          await house.verify(challenge, WRONG, { exposure: NARROW })
        }
        expect(await house.events('protection.raised')).toHaveLength(1)
        expect(await house.created('b@x.test', { more: { exposure: NARROW } })).toMatchObject({
          isStrong: true,
          codeLength: 10,
        })
        // A weak code that is out already is judged once more: right, it works; wrong, it was the last try.
        expect((await house.verify(out, WEAK, { exposure: NARROW })).kind).toBe('verified')
        expect(await house.verify(twice, WRONG, { exposure: NARROW })).toEqual({
          kind: 'incorrect',
          attemptsLeft: 0,
        })
        expect((await house.verify(twice, WEAK, { exposure: NARROW })).kind).toBe('exhausted')
        house.advance(11 * MINUTE)
        const purge = { environmentId: house.environment.id, exposure: NARROW, limit: 10 }
        const retentionDays = { events: 90, challenges: 30, messages: 7, sessions: 30 }
        await house.store.purge({ ...purge, now: house.now(), retentionDays })
        expect(await house.events('protection.lifted')).toHaveLength(1)
        expect((await house.created('c@x.test', { more: { exposure: NARROW } })).isStrong).toBe(false)
      }),
    )

    it(
      'counts at most five guesses of one network, and none at strong codes',
      inHouse(async house => {
        for (let index = 0; index < 8; index++) {
          const challenge = await house.created(`a${index}@x.test`)
          await house.verify(challenge, WRONG, { exposure: NARROW, circumstances: somewhere(1) })
        }
        expect(await house.events('protection.raised')).toHaveLength(0)
        await house.created('s@x.test')
        await house.created('s@x.test')
        const strong = await house.created('s@x.test')
        expect(strong.isStrong).toBe(true)
        for (let index = 0; index < 4; index++)
          await house.verify(strong, WRONG, { exposure: NARROW, circumstances: somewhere(2) })
        expect(await house.events('protection.raised')).toHaveLength(0)
        expect((await house.verify(strong, STRONG, { exposure: NARROW })).kind).toBe('verified')
        const other = await house.created('z@x.test')
        await house.verify(other, WRONG, { exposure: NARROW, circumstances: somewhere(3) })
        expect(await house.events('protection.raised')).toHaveLength(1)
      }),
    )
  })
}
