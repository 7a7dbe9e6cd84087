import { describe, expect, it } from 'vitest'
import { hashOf, type InHouse, identifier, MINUTE, resentCode, STRONG, tally, times, WEAK } from './house.ts'

export function challenges(inHouse: InHouse) {
  describe('challenges', () => {
    it(
      'are written with message, link and events in one',
      inHouse(async house => {
        const challenge = await house.created('a@x.test', { row: { credential: 'codeAndLink' } })
        expect(await house.counts()).toMatchObject({ challenges: 1, messages: 1, challenge_links: 1 })
        expect((await house.events('challenge.created'))[0]).toMatchObject({ challengeId: challenge.id })
        expect(await house.events('message.queued')).toHaveLength(1)
        expect(await house.store.findChallenge(house.environment.id, challenge.id)).toEqual(challenge)
      }),
    )

    it(
      'are undone whole when one of their rows cannot be written',
      inHouse(async house => {
        const first = house.newChallenge('a@x.test', { row: { credential: 'codeAndLink' } })
        await house.store.createChallenge(first)
        const before = await house.counts()
        // The link's hash is taken, and the link is the last row but the events.
        const second = house.newChallenge('b@x.test', { row: { credential: 'link' } })
        const taken = { ...second, linkHash: first.linkHash, limits: [{ name: 'l', key: 'k', windows: [] }] }
        await expect(house.store.createChallenge({ ...taken, limits: [] })).rejects.toThrow()
        expect(await house.counts()).toEqual(before)
      }),
    )

    it(
      'wake the worker after the commit, and only when a message was queued',
      inHouse(async house => {
        const woken: string[] = []
        house.store.onQueued(id => woken.push(id))
        const one = house.newChallenge('a@x.test')
        const limits = [{ name: 'l', key: 'k', windows: [{ ms: MINUTE, max: 1 }] }]
        await house.store.createChallenge({ ...one, limits })
        expect(woken).toEqual([house.environment.id])
        await house.store.createChallenge({ ...house.newChallenge('a@x.test'), limits })
        expect(woken).toHaveLength(1)
      }),
    )

    it(
      'of a known user go to the spelling that was proven',
      inHouse(async house => {
        await house.newUser([{ value: 'ada@x.test', spelling: 'Ada@x.test', verifiedAt: house.now() }])
        expect(await house.created('ada@x.test')).toMatchObject({ sendTo: 'Ada@x.test', isVoid: false })
        expect(await house.created('eve@x.test')).toMatchObject({ sendTo: 'eve@x.test', ownerId: null })
      }),
    )

    it(
      'by userId need a user of this environment who has the address',
      inHouse(async house => {
        const user = await house.newUser([{ value: 'ada@x.test' }])
        const ask = (to: string, userId: string) =>
          house.store.createChallenge(house.newChallenge(to, { more: { userId } }))
        expect(await ask('ada@x.test', user.id)).toMatchObject({ challenge: { userId: user.id } })
        expect((await ask('eve@x.test', user.id)).kind).toBe('userUnknown')
        expect((await ask('ada@x.test', 'usr_nobody')).kind).toBe('userUnknown')
      }),
    )

    const DECOYS = {
      'nobody, where only existing users may come': { row: { userMode: 'existing' as const } },
      'nobody, where sign-up is closed': { more: { isSignUpOpen: false } },
      'somebody who is blocked': { to: 'blocked@x.test' },
      'another user than the one asked for': { to: 'ada@x.test', by: true },
    }
    for (const [whom, asked] of Object.entries(DECOYS))
      it(
        `to ${whom} are decoys: the same rows, and no answer is right`,
        inHouse(async house => {
          await house.newUser([{ value: 'ada@x.test', verifiedAt: house.now() }])
          const blocked = await house.newUser([{ value: 'blocked@x.test', verifiedAt: house.now() }])
          await house.store.setUserStatus(blocked.id, 'blocked', house.origin, house.now())
          const copy = await house.newUser([{ value: 'ada@x.test' }])
          const written = async (to: string, decoy: typeof asked | Record<string, never>) => {
            const row = { credential: 'codeAndLink' as const, ...('row' in decoy ? decoy.row : {}) }
            const more = { ...('more' in decoy ? decoy.more : {}), ...('by' in decoy && { userId: copy.id }) }
            const limits = [{ name: 'sends', key: to, windows: [{ ms: MINUTE, max: 9 }] }]
            const before = await house.counts()
            const challenge = await house.created(to, { row, more: { ...more, limits } })
            const after = await house.counts()
            const grown = Object.fromEntries(
              Object.entries(after).map(([table, count]) => [table, count - (before[table] ?? 0)]),
            )
            return { challenge, grown }
          }
          const real = await written('ada@x.test', {})
          const decoy = await written('to' in asked ? asked.to : 'nobody@x.test', asked)
          expect(real.challenge.isVoid).toBe(false)
          expect(decoy.challenge).toMatchObject({ isVoid: true, codeLength: 6, attemptsLeft: 5 })
          // The limit row of ada stands already in one case; all else is counted alike.
          expect({ ...decoy.grown, limits: 0 }).toEqual({ ...real.grown, limits: 0 })
          expect(await house.verify(decoy.challenge, WEAK)).toEqual({ kind: 'incorrect', attemptsLeft: 4 })
          expect(await house.verify(decoy.challenge, STRONG)).toEqual({ kind: 'incorrect', attemptsLeft: 3 })
          expect(await house.press(hashOf(decoy.challenge.id, 'link'), 'h')).toBeNull()
          house.advance(31_000)
          expect((await house.resend(decoy.challenge)).kind).toBe('resent')
          expect((await house.verify(decoy.challenge, resentCode(2))).kind).toBe('incorrect')
          const { rows: messages } = await house.store.findMessages(
            house.environment.id,
            { to: null, challengeId: decoy.challenge.id },
            { limit: 9, before: null, createdAfter: null, createdBefore: null },
          )
          expect(messages.map(({ message }) => message.isVoid)).toEqual([true, true])
          expect(messages.every(({ sealed }) => sealed !== null)).toBe(true)
        }),
      )

    it(
      'of a decoy whose link is in the app refuse the link',
      inHouse(async house => {
        const decoy = await house.created('nobody@x.test', {
          row: { credential: 'link', linkVia: 'app', userMode: 'existing' },
        })
        expect((await house.verifyLink('olk', hashOf(decoy.id, 'link'))).kind).toBe('linkInvalid')
      }),
    )

    it(
      'of userMode none are never decoys',
      inHouse(async house => {
        const asked = { row: { userMode: 'none' as const }, more: { isSignUpOpen: false } }
        expect((await house.created('a@x.test', asked)).isVoid).toBe(false)
      }),
    )

    describe('sent again', () => {
      it(
        'keep the earlier codes, or replace them',
        inHouse(async house => {
          const [keeps, replaces] = [await house.created('a@x.test'), await house.created('b@x.test')]
          house.advance(31_000)
          expect(await house.resend(keeps)).toMatchObject({ kind: 'resent', earlierCodes: 'valid' })
          expect(await house.resend(replaces, 2, { resend: 'replace' })).toMatchObject({
            earlierCodes: 'replaced',
          })
          expect((await house.verify(replaces, WEAK)).kind).toBe('incorrect')
          expect((await house.verify(replaces, resentCode(2))).kind).toBe('verified')
          expect((await house.verify(keeps, WEAK)).kind).toBe('verified')
        }),
      )

      it(
        'replace links together with codes',
        inHouse(async house => {
          const challenge = await house.created('a@x.test', { row: { credential: 'codeAndLink' } })
          house.advance(31_000)
          await house.resend(challenge, 2, { resend: 'replace' })
          expect(await house.store.findLink(hashOf(challenge.id, 'link'))).toBeNull()
          expect(await house.store.findLink(hashOf(challenge.id, 'link', 2))).toMatchObject({
            id: challenge.id,
          })
        }),
      )

      it(
        'wait longer each time, until no send is left; of many at once one passes',
        inHouse(async house => {
          const challenge = await house.created('a@x.test')
          expect(await house.resend(challenge)).toEqual({ kind: 'early', retryAfterMs: 30_000 })
          house.advance(30_000)
          expect(tally(await times(10, () => house.resend(challenge)))).toEqual({ resent: 1, early: 9 })
          house.advance(59_000)
          expect(await house.resend(challenge, 3)).toEqual({ kind: 'early', retryAfterMs: 1000 })
          house.advance(1000)
          expect((await house.resend(challenge, 3)).kind).toBe('resent')
          house.advance(2 * MINUTE)
          expect((await house.resend(challenge, 4)).kind).toBe('sendsExhausted')
          expect(await house.counts()).toMatchObject({ messages: 3 })
        }),
      )

      it(
        'never live longer, and are refused when over',
        inHouse(async house => {
          const used = (await house.signIn('used@x.test')).challenge
          const challenge = await house.created('a@x.test')
          const exhausted = await house.created('b@x.test')
          for (let index = 0; index < 5; index++) await house.verify(exhausted, '999999')
          house.advance(31_000)
          expect(await house.resend(challenge)).toMatchObject({
            challenge: { expiresAt: challenge.expiresAt },
          })
          expect((await house.resend(used)).kind).toBe('used')
          expect((await house.resend(exhausted)).kind).toBe('exhausted')
          expect((await house.resend({ ...used, id: 'chl_unknown' })).kind).toBe('notFound')
          expect((await house.resend(challenge, 3, { epoch: 2 })).kind).toBe('expired')
          house.advance(8 * MINUTE)
          expect((await house.resend(challenge, 3)).kind).toBe('late')
          house.advance(10 * MINUTE)
          expect((await house.resend(challenge, 3)).kind).toBe('expired')
        }),
      )
    })

    it(
      'are ended when the address changes its owner, whoever asked for them',
      inHouse(async house => {
        const open = await house.created('a@x.test')
        const user = await house.newUser([])
        await house.store.addIdentifier(
          user.id,
          identifier('a@x.test', { verifiedAt: house.now() }),
          house.origin,
          house.now(),
        )
        expect((await house.verify(open, WEAK)).kind).toBe('expired')
        const owned = await house.created('a@x.test')
        await house.store.removeIdentifier(user.id, 'email', 'a@x.test', house.origin, house.now())
        expect((await house.verify(owned, WEAK)).kind).toBe('expired')
      }),
    )
  })
}
