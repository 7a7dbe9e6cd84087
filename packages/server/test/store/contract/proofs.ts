import { describe, expect, it } from 'vitest'
import {
  type House,
  hashOf,
  type InHouse,
  identifier,
  MINUTE,
  newEnvironment,
  tally,
  times,
  WEAK,
} from './house.ts'

const NONE = { row: { userMode: 'none' as const, opensSession: false } }
const LATER = { row: { opensSession: false } }
const WITHIN = 10 * MINUTE

const claim = (house: House, challengeId: string, to: { userId?: string; externalId?: string }) =>
  house.store.claimChallenge({
    origin: house.origin,
    now: house.now(),
    epoch: 1,
    challengeId,
    userId: null,
    externalId: null,
    withinMs: WITHIN,
    notice: null,
    ...to,
  })

const openLater = (house: House, challengeId: string, epoch = 1) =>
  house.store.openSession({
    origin: house.origin,
    now: house.now(),
    epoch,
    challengeId,
    withinMs: WITHIN,
    session: house.newSession(),
  })

export function proofs(inHouse: InHouse) {
  describe('the first proof of an address', () => {
    it(
      'by two challenges at once makes one user; the other challenge is over',
      inHouse(async house => {
        const open = await times(8, () => house.created('a@x.test', { row: { maxAttempts: 1 } }))
        const outcomes = await Promise.all(open.map(one => house.verify(one, WEAK)))
        expect(tally(outcomes)).toEqual({ verified: 1, expired: 7 })
        expect(await house.counts()).toMatchObject({ users: 1, identifiers: 1, sessions: 1 })
      }),
    )

    it(
      'pins its owner: an address that came to somebody else since the send is worth nothing',
      inHouse(async house => {
        const [before, link] = [
          await house.created('a@x.test'),
          await house.created('a@x.test', { row: { credential: 'link', linkVia: 'app' } }),
        ]
        const { user } = await house.signIn('a@x.test')
        expect((await house.verify(before, WEAK)).kind).toBe('expired')
        expect((await house.verifyLink('olk', hashOf(link.id, 'link'))).kind).toBe('expired')
        const pinned = await house.created('a@x.test')
        expect(pinned.ownerId).toBe(user?.id)
        await house.store.deleteUser(user?.id ?? '', house.origin, house.now())
        expect((await house.verify(pinned, WEAK)).kind).toBe('expired')
        expect((await house.signIn('a@x.test')).isNewUser).toBe(true)
      }),
    )

    it(
      'adopts a user with nothing proven, and ends all that hung on it',
      inHouse(async house => {
        const user = await house.newUser([
          { value: 'stranger@x.test' },
          { value: 'a@x.test', spelling: 'A@X.test' },
          { value: '+4930123456', type: 'phone' },
        ])
        // What a stranger left: a pending challenge with a hand-over, and a session and an unopened proof of an address
        // that the user has lost since.
        const asked = { row: { credential: 'codeAndLink' as const }, more: { userId: user.id } }
        const pending = await house.created('stranger@x.test', asked)
        await house.press(hashOf(pending.id, 'link'), 'strangers')
        await house.store.addIdentifier(
          user.id,
          identifier('lost@x.test', { verifiedAt: house.now() }),
          house.origin,
          house.now(),
        )
        const { session } = await house.signIn('lost@x.test')
        const unopened = await house.signIn('lost@x.test', LATER)
        const { challenge: claimed } = await house.signIn('claimed@x.test', NONE)
        expect((await claim(house, claimed.id, { userId: user.id })).kind).toBe('claimed')
        for (const value of ['lost@x.test', 'claimed@x.test'])
          await house.store.removeIdentifier(user.id, 'email', value, house.origin, house.now())
        const row = { purpose: 'addAddress', opensSession: false }
        const adding = await house.created('stranger@x.test', { row, more: { userId: user.id } })
        const earlier = await house.created('a@x.test')
        house.advance(1000)

        const proven = await house.signIn('a@x.test')
        expect(proven).toMatchObject({ isNewUser: false, user: { id: user.id } })
        expect(await house.store.findSession(house.environment.id, session?.id ?? '')).toMatchObject({
          session: { revokedAt: house.now() },
        })
        expect((await house.verify(pending, WEAK)).kind).toBe('expired')
        expect((await house.verifyLink('oht', hashOf('strangers'))).kind).toBe('linkInvalid')
        expect((await house.verify(adding, WEAK, { purpose: 'addAddress' })).kind).toBe('expired')
        for (const { id } of [unopened.challenge, claimed])
          expect((await openLater(house, id)).kind).not.toBe('opened')
        // An earlier challenge of the address, which would find another owner, sends nothing more.
        expect((await house.resend(earlier)).kind).toBe('expired')
        // Nothing unproven is left (promise 10), and what was proven is the spelling that the code went to.
        const proof = { verifiedAt: house.now(), isPrimary: true, spelling: 'a@x.test' }
        expect(proven.user?.identifiers).toEqual([identifier('a@x.test', proof)])
        expect((await house.store.findUser(house.environment.id, user.id))?.identifiers).toHaveLength(1)
        expect(await house.events('user.adopted')).toMatchObject([{ userId: user.id }])
        expect((await house.events('session.revoked'))[0]).toMatchObject({ data: { reason: 'adopted' } })
        expect((await house.events('identifier.removed')).map(event => event.data.value)).toEqual(
          expect.arrayContaining(['stranger@x.test', '+4930123456']),
        )
      }),
    )

    it(
      'leaves an address that was asked for by userId no way in after the adoption by another',
      inHouse(async house => {
        const user = await house.newUser([{ value: 'stranger@x.test' }, { value: 'a@x.test' }])
        await house.signIn('a@x.test')
        const more = { userId: user.id }
        expect(await house.store.createChallenge(house.newChallenge('stranger@x.test', { more }))).toEqual({
          kind: 'userUnknown',
        })
      }),
    )

    it(
      'makes a new user where the address stands unproven beside a proven one, and removes the copies',
      inHouse(async house => {
        const holder = await house.newUser([
          { value: 'h@x.test', verifiedAt: house.now() },
          { value: 'a@x.test' },
        ])
        const other = await house.newUser([{ value: 'o@x.test', verifiedAt: house.now() }])
        await house.store.addIdentifier(other.id, identifier('a@x.test'), house.origin, house.now())
        const proven = await house.signIn('a@x.test')
        expect(proven.isNewUser).toBe(true)
        for (const { id } of [holder, other])
          expect((await house.store.findUser(house.environment.id, id))?.identifiers).toHaveLength(1)
        expect(await house.events('identifier.removed')).toHaveLength(2)
        expect(await house.events('user.adopted')).toHaveLength(0)
      }),
    )

    it(
      'by the word of the operator removes the copies too, at import and later',
      inHouse(async house => {
        const copies = [
          await house.newUser([{ value: 'a@x.test' }]),
          await house.newUser([{ value: 'b@x.test' }]),
        ]
        const owner = await house.newUser([{ value: 'a@x.test', verifiedAt: house.now() }])
        const word = identifier('b@x.test', { verifiedAt: house.now() })
        await house.store.addIdentifier(owner.id, word, house.origin, house.now())
        for (const { id } of copies)
          expect((await house.store.findUser(house.environment.id, id))?.identifiers).toEqual([])
        expect(await house.events('identifier.removed')).toHaveLength(2)
      }),
    )

    it(
      'of an unproven address does not lead into an account with something proven, but adds to it for another purpose',
      inHouse(async house => {
        const { user, session } = await house.signIn('a@x.test')
        const id = user?.id ?? ''
        await house.store.addIdentifier(id, identifier('b@x.test'), house.origin, house.now())
        const decoy = await house.created('b@x.test', { more: { userId: id } })
        expect(decoy.isVoid).toBe(true)
        expect((await house.verify(decoy, WEAK)).kind).toBe('incorrect')
        const row = { purpose: 'addAddress', opensSession: false }
        const proven = await house.signIn('b@x.test', { row, more: { userId: id } })
        expect(proven).toMatchObject({ isNewUser: false, user: { id }, session: null })
        expect(await house.store.findSession(house.environment.id, session?.id ?? '')).toMatchObject({
          session: { revokedAt: null },
        })
        expect(proven.user?.identifiers.map(one => one.verifiedAt !== null)).toEqual([true, true])
      }),
    )

    it(
      'of an address that was asked for while its user had nothing proven leads nowhere once there is something',
      inHouse(async house => {
        const { id } = await house.newUser([{ value: 'a@x.test' }])
        const pending = await house.created('a@x.test', { more: { userId: id } })
        const word = identifier('b@x.test', { verifiedAt: house.now() })
        await house.store.addIdentifier(id, word, house.origin, house.now())
        expect((await house.verify(pending, WEAK)).kind).toBe('expired')
      }),
    )

    it(
      'binds the externalId; where it is taken nothing changes',
      inHouse(async house => {
        const asked = { row: { externalId: 'ext-1' } }
        expect((await house.signIn('a@x.test', asked)).user?.externalId).toBe('ext-1')
        const unproven = await house.newUser([{ value: 'b@x.test' }])
        const before = await house.rows('SELECT * FROM identifiers ORDER BY value')
        const challenge = await house.created('b@x.test', asked)
        expect((await house.verify(challenge, WEAK)).kind).toBe('externalIdTaken')
        expect(await house.rows('SELECT * FROM identifiers ORDER BY value')).toEqual(before)
        expect(await house.events('user.adopted')).toHaveLength(0)
        expect((await house.verify(challenge, WEAK)).kind).toBe('expired')
        expect(await house.events('challenge.refused')).toMatchObject([
          { data: { reason: 'externalIdTaken' } },
        ])
        expect(await house.store.findUser(house.environment.id, unproven.id)).toMatchObject({
          externalId: null,
        })
        expect((await house.signIn('a@x.test', asked)).isNewUser).toBe(false)
      }),
    )

    it(
      'is refused where sign-up was closed in between, and where the user is blocked',
      inHouse(async house => {
        const challenge = await house.created('a@x.test')
        expect((await house.verify(challenge, WEAK, { isSignUpOpen: false })).kind).toBe('signUpClosed')
        expect(await house.counts()).toMatchObject({ users: 0, sessions: 0 })
        const blocked = await house.newUser([{ value: 'b@x.test' }])
        const other = await house.created('b@x.test', { more: { userId: blocked.id } })
        const owners = await house.created('b@x.test')
        await house.store.setUserStatus(blocked.id, 'blocked', house.origin, house.now())
        expect(['userBlocked', 'expired']).toContain((await house.verify(other, WEAK)).kind)
        // A stranger who was blocked under somebody's address does not lock its owner out.
        expect(await house.verify(owners, WEAK)).toMatchObject({ kind: 'verified', isNewUser: true })
        expect((await house.store.findUser(house.environment.id, blocked.id))?.identifiers).toEqual([])
      }),
    )
  })

  describe('claims', () => {
    it(
      'bind a proven address once, of many at once',
      inHouse(async house => {
        const { challenge } = await house.signIn('a@x.test', NONE)
        const users = await times(5, () => house.newUser([]))
        const outcomes = await times(30, index =>
          claim(house, challenge.id, { userId: users[index % 5]?.id ?? '' }),
        )
        expect(tally(outcomes)).toEqual({ claimed: 1, alreadyClaimed: 29 })
        expect(await house.counts()).toMatchObject({ identifiers: 1 })
        expect(await openLater(house, challenge.id)).toMatchObject({
          kind: 'opened',
          session: { authTime: challenge.verifiedAt },
        })
      }),
    )

    it(
      'adopt the user and remove copies; an address that another has proven stays theirs',
      inHouse(async house => {
        const { user: owner } = await house.signIn('a@x.test')
        const { challenge } = await house.signIn('a@x.test', NONE)
        const user = await house.newUser([{ value: 'stranger@x.test' }], { externalId: 'ext-1' })
        expect((await claim(house, challenge.id, { externalId: 'ext-1' })).kind).toBe('addressTaken')
        expect((await claim(house, challenge.id, { userId: owner?.id ?? '' })).kind).toBe('claimed')
        await house.newUser([{ value: 'b@x.test' }])
        const second = await house.signIn('b@x.test', NONE)
        expect(await claim(house, second.challenge.id, { externalId: 'ext-1' })).toMatchObject({
          user: { id: user.id, identifiers: [{ value: 'b@x.test', verifiedAt: house.now() }] },
        })
        expect(await house.rows("SELECT * FROM identifiers WHERE value = 'b@x.test'")).toHaveLength(1)
      }),
    )

    it(
      'are refused for another kind, user, epoch or environment, and late',
      inHouse(async house => {
        const { challenge: signIn } = await house.signIn('a@x.test')
        const pending = await house.created('b@x.test', NONE)
        const { challenge } = await house.signIn('c@x.test', NONE)
        const { id: userId } = await house.newUser([])
        expect((await claim(house, signIn.id, { userId })).kind).toBe('stateConflict')
        expect((await claim(house, pending.id, { userId })).kind).toBe('stateConflict')
        expect((await claim(house, 'chl_unknown', { userId })).kind).toBe('notFound')
        expect((await claim(house, challenge.id, { userId: 'usr_unknown' })).kind).toBe('userUnknown')
        expect((await claim(house, challenge.id, { externalId: 'unknown' })).kind).toBe('userUnknown')
        const blocked = await house.newUser([])
        await house.store.setUserStatus(blocked.id, 'blocked', house.origin, house.now())
        expect((await claim(house, challenge.id, { userId: blocked.id })).kind).toBe('userBlocked')
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        const stranger = await house.newUser([], {}, live.origin)
        const elsewhere = { ...house, origin: live.origin }
        expect((await claim(elsewhere, challenge.id, { userId: stranger.id })).kind).toBe('notFound')
        const later = { withinMs: WITHIN, notice: null, externalId: null, userId, challengeId: challenge.id }
        const input = { ...later, origin: house.origin, now: house.now() }
        expect((await house.store.claimChallenge({ ...input, epoch: 2 })).kind).toBe('late')
        house.advance(WITHIN)
        expect((await claim(house, challenge.id, { userId })).kind).toBe('late')
      }),
    )
  })

  describe('sessions opened later', () => {
    it(
      'are opened once of many at once, and tell the instant of the proof',
      inHouse(async house => {
        const { challenge, session, user } = await house.signIn('a@x.test', LATER)
        expect(session).toBeNull()
        house.advance(5 * MINUTE)
        const outcomes = await times(30, () => openLater(house, challenge.id))
        expect(tally(outcomes)).toEqual({ opened: 1, alreadyOpened: 29 })
        expect(outcomes.find(one => one.kind === 'opened')).toMatchObject({
          session: { authTime: challenge.verifiedAt, createdAt: house.now(), userId: user?.id },
        })
      }),
    )

    it(
      'are refused without a proof of a user, after the time, in another epoch, and for a blocked user',
      inHouse(async house => {
        const pending = await house.created('a@x.test', LATER)
        const none = await house.signIn('b@x.test', NONE)
        const blocked = await house.signIn('c@x.test', LATER)
        const late = await house.signIn('d@x.test', LATER)
        await house.store.setUserStatus(blocked.user?.id ?? '', 'blocked', house.origin, house.now())
        expect((await openLater(house, 'chl_unknown')).kind).toBe('notFound')
        expect((await openLater(house, pending.id)).kind).toBe('stateConflict')
        expect((await openLater(house, none.challenge.id)).kind).toBe('stateConflict')
        expect((await openLater(house, blocked.challenge.id)).kind).toBe('userBlocked')
        expect((await openLater(house, late.challenge.id, 2)).kind).toBe('late')
        house.advance(WITHIN)
        expect((await openLater(house, late.challenge.id)).kind).toBe('late')
        expect(await house.counts()).toMatchObject({ sessions: 0 })
      }),
    )

    it(
      'are not opened when verify did it, nor for a user who is gone',
      inHouse(async house => {
        const { challenge } = await house.signIn('a@x.test')
        expect((await openLater(house, challenge.id)).kind).toBe('alreadyOpened')
        const gone = await house.signIn('b@x.test', LATER)
        await house.store.deleteUser(gone.user?.id ?? '', house.origin, house.now())
        expect((await openLater(house, gone.challenge.id)).kind).toBe('stateConflict')
      }),
    )
  })
}
