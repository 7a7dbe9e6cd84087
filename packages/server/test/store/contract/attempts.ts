import { describe, expect, it } from 'vitest'
import { HOUR, type InHouse, MINUTE, newEnvironment, tally, times, WEAK, WRONG } from './house.ts'

export function attempts(inHouse: InHouse) {
  describe('attempts', () => {
    it(
      'of many right answers verify exactly one, with one user and one session',
      inHouse(async house => {
        const challenge = await house.created('a@x.test')
        const outcomes = await times(50, () => house.verify(challenge, WEAK))
        expect(tally(outcomes)).toEqual({ verified: 1, used: 49 })
        expect(await house.counts()).toMatchObject({ users: 1, identifiers: 1, sessions: 1 })
        expect(await house.events('challenge.verified')).toHaveLength(1)
      }),
    )

    it(
      'tell challenge, user and session of the proof, and write the same',
      inHouse(async house => {
        const challenge = await house.created('a@x.test')
        house.advance(1234)
        const outcome = await house.verify(challenge, WEAK)
        if (outcome.kind !== 'verified') throw new Error(outcome.kind)
        const { user, session } = outcome
        expect(outcome).toMatchObject({
          isNewUser: true,
          challenge: { verifiedAt: house.now(), provenBy: 'code', userId: user?.id },
          user: { lastSignInAt: house.now(), identifiers: [{ value: 'a@x.test', verifiedAt: house.now() }] },
          session: { authTime: house.now(), methods: ['emailCode'], amr: ['otp'], userId: user?.id },
        })
        const [proof] = await house.events('challenge.verified')
        expect(session?.proofEventId).toBe(proof?.id)
        expect(proof).toMatchObject({ userId: user?.id, challengeId: challenge.id })
        expect(await house.store.findSession(house.environment.id, session?.id ?? '')).toEqual({
          session,
          user,
        })
        expect(await house.store.findUser(house.environment.id, user?.id ?? '')).toEqual(user)
        expect(await house.store.findChallenge(house.environment.id, challenge.id)).toEqual(outcome.challenge)
      }),
    )

    it(
      'of many wrong answers judge as many as there are attempts',
      inHouse(async house => {
        const challenge = await house.created('a@x.test')
        const outcomes = await times(50, () => house.verify(challenge, WRONG))
        expect(tally(outcomes)).toEqual({ incorrect: 5, exhausted: 45 })
        expect(await house.events('challenge.attempt_failed')).toHaveLength(5)
        expect(await house.events('challenge.exhausted')).toHaveLength(1)
        expect((await house.verify(challenge, WEAK)).kind).toBe('exhausted')
      }),
    )

    it(
      'count down what is left',
      inHouse(async house => {
        const challenge = await house.created('a@x.test', { row: { maxAttempts: 3 } })
        expect(await house.verify(challenge, WRONG)).toEqual({ kind: 'incorrect', attemptsLeft: 2 })
        expect(await house.verify(challenge, WRONG)).toEqual({ kind: 'incorrect', attemptsLeft: 1 })
        expect((await house.verify(challenge, WEAK)).kind).toBe('verified')
      }),
    )

    it(
      'with a code under an older secret are right too',
      inHouse(async house => {
        const challenge = await house.created('a@x.test')
        const old = await house.verify(challenge, WEAK)
        expect(old.kind).toBe('verified')
        const other = await house.created('b@x.test')
        const proof = house.attemptOf({
          kind: 'code',
          challengeId: other.id,
          hashes: [
            'another-secret-would-give-this',
            house.newChallenge('b@x.test', { row: { id: other.id } }).newCode(false).hash,
          ],
        })
        expect((await house.store.attempt(proof)).kind).toBe('verified')
      }),
    )

    it(
      'for another purpose, environment or id spend nothing and say not found',
      inHouse(async house => {
        const challenge = await house.created('a@x.test', {
          row: { purpose: 'withdraw', opensSession: false },
        })
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        expect((await house.verify(challenge, WEAK)).kind).toBe('notFound')
        const more = { purpose: 'withdraw' }
        expect((await house.verify(challenge, WEAK, { ...more, origin: live.origin })).kind).toBe('notFound')
        expect((await house.verify({ id: 'chl_unknown' }, WEAK, more)).kind).toBe('notFound')
        expect(await house.store.findChallenge(house.environment.id, challenge.id)).toMatchObject({
          attemptsLeft: 5,
        })
        expect(await house.verify(challenge, WEAK, more)).toMatchObject({ kind: 'verified', session: null })
      }),
    )

    it(
      'take no code for a challenge that has only a link',
      inHouse(async house => {
        const challenge = await house.created('a@x.test', { row: { credential: 'link' } })
        expect((await house.verify(challenge, WEAK)).kind).toBe('notFound')
        expect((await house.verify(challenge, '')).kind).toBe('notFound')
      }),
    )

    it(
      'are refused from the instant of expiry on, and in another epoch',
      inHouse(async house => {
        const [a, b] = [await house.created('a@x.test'), await house.created('b@x.test')]
        expect((await house.verify(b, WEAK, { epoch: 2 })).kind).toBe('expired')
        house.advance(10 * MINUTE - 1)
        expect((await house.verify(a, WEAK)).kind).toBe('verified')
        house.advance(1)
        expect((await house.verify(b, WEAK)).kind).toBe('expired')
        house.advance(HOUR)
        expect((await house.verify(a, WEAK)).kind).toBe('used')
      }),
    )

    it(
      'of userMode none prove the address and make nobody',
      inHouse(async house => {
        const challenge = await house.created('a@x.test', { row: { userMode: 'none', opensSession: false } })
        expect(await house.verify(challenge, WEAK)).toMatchObject({
          kind: 'verified',
          user: null,
          session: null,
        })
        expect(await house.counts()).toMatchObject({ users: 0, identifiers: 0, sessions: 0 })
      }),
    )
  })
}
