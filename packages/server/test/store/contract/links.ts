import { describe, expect, it } from 'vitest'
import { hashOf, type InHouse, MINUTE, NOBODY, newEnvironment, tally, times, WEAK, WRONG } from './house.ts'

const VIA_OSTIARY = { row: { credential: 'codeAndLink' as const } }
const VIA_APP = { row: { credential: 'codeAndLink' as const, linkVia: 'app' as const } }

export function links(inHouse: InHouse) {
  describe('links', () => {
    it(
      'through Ostiary: the last press counts, and one of many exchanges is verified',
      inHouse(async house => {
        const { id } = await house.created('a@x.test', VIA_OSTIARY)
        await house.press(hashOf(id, 'link'), 'first')
        await house.press(hashOf(id, 'link'), 'second')
        expect((await house.verifyLink('oht', hashOf('first'))).kind).toBe('linkInvalid')
        const outcomes = await times(30, () => house.verifyLink('oht', hashOf('second')))
        expect(tally(outcomes)).toEqual({ verified: 1, linkInvalid: 29 })
        expect(outcomes.find(one => one.kind === 'verified')).toMatchObject({
          challenge: { provenBy: 'link' },
          session: { methods: ['emailLink'] },
        })
        expect(await house.press(hashOf(id, 'link'), 'third')).toBeNull()
        expect((await house.verify({ id }, WEAK)).kind).toBe('used')
      }),
    )

    it(
      'pressed leave the code alone, and a code ends the hand-over',
      inHouse(async house => {
        const { id } = await house.created('a@x.test', VIA_OSTIARY)
        expect(await house.press(hashOf(id, 'link'), 'h')).toMatchObject({ id, verifiedAt: null })
        expect((await house.verify({ id }, WEAK)).kind).toBe('verified')
        expect((await house.verifyLink('oht', hashOf('h'))).kind).toBe('linkInvalid')
      }),
    )

    it(
      'give a hand-over of a minute, and never past the challenge',
      inHouse(async house => {
        const [a, b] = [
          await house.created('a@x.test', VIA_OSTIARY),
          await house.created('b@x.test', VIA_OSTIARY),
        ]
        await house.press(hashOf(a.id, 'link'), 'a')
        house.advance(MINUTE)
        expect((await house.verifyLink('oht', hashOf('a'))).kind).toBe('linkInvalid')
        house.advance(9 * MINUTE - 1)
        expect(await house.press(hashOf(b.id, 'link'), 'b')).not.toBeNull()
        house.advance(1)
        expect((await house.verifyLink('oht', hashOf('b'))).kind).toBe('expired')
        const [row] = await house.rows(`SELECT * FROM challenges WHERE id = '${b.id}'`)
        expect(row?.handover_expires_at).toBe(row?.expires_at)
        expect(await house.press(hashOf(b.id, 'link'), 'c')).toBeNull()
      }),
    )

    it(
      'are not pressed when unknown, of the app, of another epoch or exhausted',
      inHouse(async house => {
        const app = await house.created('a@x.test', VIA_APP)
        const { id } = await house.created('b@x.test', VIA_OSTIARY)
        expect(await house.press(hashOf('unknown'), 'h')).toBeNull()
        expect(await house.press(hashOf(app.id, 'link'), 'h')).toBeNull()
        expect(await house.press(hashOf(id, 'link'), 'h', { epoch: 2 })).toBeNull()
        for (let index = 0; index < 5; index++) await house.verify({ id }, WRONG)
        expect(await house.press(hashOf(id, 'link'), 'h')).toBeNull()
      }),
    )

    it(
      'in the app are exchanged themselves, once',
      inHouse(async house => {
        const { id } = await house.created('a@x.test', VIA_APP)
        const outcomes = await times(30, () => house.verifyLink('olk', hashOf(id, 'link')))
        expect(tally(outcomes)).toEqual({ verified: 1, used: 29 })
      }),
    )

    it(
      'of each kind are refused where the other belongs',
      inHouse(async house => {
        const { id } = await house.created('a@x.test', VIA_OSTIARY)
        await house.press(hashOf(id, 'link'), 'h')
        expect((await house.verifyLink('olk', hashOf(id, 'link'))).kind).toBe('linkInvalid')
        expect((await house.verifyLink('olk', hashOf('h'))).kind).toBe('linkInvalid')
        expect((await house.verifyLink('oht', hashOf(id, 'link'))).kind).toBe('linkInvalid')
      }),
    )

    it(
      'for another challenge, purpose, environment or epoch consume nothing',
      inHouse(async house => {
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        const { id } = await house.created('a@x.test', VIA_APP)
        const hash = hashOf(id, 'link')
        expect((await house.verifyLink('olk', hash, {}, null, 'chl_other')).kind).toBe('linkInvalid')
        expect((await house.verifyLink('olk', hash, { purpose: 'withdraw' })).kind).toBe('linkInvalid')
        expect((await house.verifyLink('olk', hash, { origin: live.origin })).kind).toBe('linkInvalid')
        expect((await house.verifyLink('olk', hash, { epoch: 2 })).kind).toBe('expired')
        expect((await house.verifyLink('olk', hash, {}, null, id)).kind).toBe('verified')
        const pressed = await house.created('b@x.test', VIA_OSTIARY)
        await house.press(hashOf(pressed.id, 'link'), 'h')
        expect((await house.verifyLink('oht', hashOf('h'), { origin: live.origin })).kind).toBe('linkInvalid')
        expect((await house.verifyLink('oht', hashOf('h'))).kind).toBe('verified')
      }),
    )

    it(
      'bound to a verifier give five tries, consume nothing by a wrong one, and leave the code alone',
      inHouse(async house => {
        const bound = { row: { ...VIA_APP.row, codeChallenge: 'right' } }
        const [a, b] = [await house.created('a@x.test', bound), await house.created('b@x.test', bound)]
        for (const wrong of [null, 'wrong', 'wrong', 'wrong'])
          expect((await house.verifyLink('olk', hashOf(a.id, 'link'), {}, wrong)).kind).toBe('linkInvalid')
        expect((await house.verifyLink('olk', hashOf(a.id, 'link'), {}, 'right')).kind).toBe('verified')
        const outcomes = await times(20, () => house.verifyLink('olk', hashOf(b.id, 'link'), {}, 'wrong'))
        expect(tally(outcomes)).toEqual({ linkInvalid: 5, exhausted: 15 })
        expect((await house.verifyLink('olk', hashOf(b.id, 'link'), {}, 'right')).kind).toBe('exhausted')
        expect((await house.verify(b, WEAK)).kind).toBe('verified')
      }),
    )

    it(
      'are looked at without any effect, and their openings are counted up to a number',
      inHouse(async house => {
        const challenge = await house.created('a@x.test', VIA_OSTIARY)
        const before = await house.rows('SELECT * FROM challenges')
        for (let index = 0; index < 3; index++)
          expect(await house.store.findLink(hashOf(challenge.id, 'link'))).toEqual(challenge)
        expect(await house.rows('SELECT * FROM challenges')).toEqual(before)
        const opened = {
          challenge,
          now: house.now(),
          method: 'GET',
          context: NOBODY,
          max: 4,
          requestId: 'req_1',
        }
        await times(9, () => house.store.recordLinkOpened(opened))
        expect(await house.events('challenge.link_opened')).toHaveLength(4)
        expect(await house.store.findLink(hashOf('unknown'))).toBeNull()
      }),
    )
  })
}
