import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.ts'
import type { Attempt, JudgedAssertion } from '../../../src/core/ports.ts'
import type { Authenticator, Challenge } from '../../../src/core/rows.ts'
import { DAY, type House, hashOf, type InHouse, identifier, MINUTE, tally, times, WEAK } from './house.ts'

type Row = Partial<Challenge>

/** A challenge for a passkey; its bytes are its id, as far as the store can tell. */
async function asked(house: House, row: Row = {}): Promise<Challenge> {
  const id = newId('chl', house.now())
  const { row: base } = house.newChallenge('', { row: { id } })
  const begun = await house.store.createPasskeyChallenge({
    origin: house.origin,
    now: house.now(),
    row: {
      ...base,
      channel: 'none',
      credential: 'none',
      method: 'passkey',
      ceremony: 'authentication',
      userVerification: 'preferred',
      sendTo: '',
      ownerId: null,
      deviceId: null,
      userId: null,
      userMode: 'existing',
      isVoid: false,
      isStrong: false,
      codeLength: null,
      tag: '',
      maxAttempts: 1,
      attemptsLeft: 1,
      maxSends: 0,
      sends: 0,
      expiresAt: house.now() + 5 * MINUTE,
      ...row,
    },
    country: null,
    challengeHash: hashOf(id, 'bytes'),
    limits: [],
  })
  if (begun.kind !== 'created') throw new Error(`not created: ${begun.kind}`)
  return begun.challenge
}

function passkeyOf(house: House, userId: string, more: Partial<Authenticator> = {}): Authenticator {
  return {
    id: newId('aut', house.now()),
    environmentId: house.environment.id,
    userId,
    type: 'passkey',
    name: 'Passkey',
    credentialId: hashOf(newId('evt', house.now())),
    publicKey: 'key',
    signCount: 0,
    transports: ['internal'],
    aaguid: null,
    rpId: 'localhost',
    isBackupEligible: true,
    isBackedUp: true,
    hasUserVerification: true,
    createdAt: house.now(),
    lastUsedAt: null,
    ...more,
  }
}

async function enrolled(
  house: House,
  userId: string,
  more: Partial<Authenticator> = {},
): Promise<Authenticator> {
  const added = await house.store.addAuthenticator(passkeyOf(house, userId, more), house.origin, house.now())
  if (added.kind !== 'added') throw new Error(`not added: ${added.kind}`)
  return added.authenticator
}

const signedBy = (one: Authenticator, more: Partial<JudgedAssertion> = {}): JudgedAssertion => ({
  authenticatorId: one.id,
  userId: one.userId,
  signCount: one.signCount,
  isBackedUp: one.isBackedUp,
  amr: ['swk', 'user', 'mfa'],
  ...more,
})

const assertion = (
  house: House,
  challenge: Challenge,
  judged: JudgedAssertion | { refused: string },
  more: Partial<Attempt> = {},
  proof: object = {},
) =>
  house.store.attempt(
    house.attemptOf(
      {
        kind: 'assertion',
        challengeId: challenge.id,
        challengeHash: hashOf(challenge.id, 'bytes'),
        judged,
        ownerOf: null,
        ...proof,
      },
      more,
    ),
  )

const registration = (house: House, challenge: Challenge, made: Authenticator, more: Partial<Attempt> = {}) =>
  house.store.attempt(
    house.attemptOf(
      {
        kind: 'registration',
        notice: null,
        challengeId: challenge.id,
        challengeHash: hashOf(challenge.id, 'bytes'),
        judged: made,
      },
      more,
    ),
  )

const reasons = async (house: House) =>
  (await house.events('challenge.attempt_failed')).map(one => one.data.reason)

export function passkeys(inHouse: InHouse) {
  describe('a passkey', () => {
    it(
      'that signed opens a session that tells so; nothing is asked twice',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const made = await enrolled(house, user?.id ?? '', { signCount: 4 })
        const challenge = await asked(house)
        house.advance(1000)
        const outcome = await assertion(house, challenge, signedBy(made, { signCount: 5, isBackedUp: false }))
        expect(outcome).toMatchObject({
          kind: 'verified',
          isNewUser: false,
          user: { id: user?.id },
          challenge: { id: challenge.id, provenBy: 'passkey', attemptsLeft: 0, verifiedAt: house.now() },
          session: { methods: ['passkey'], amr: ['swk', 'user', 'mfa'], authTime: house.now() },
          authenticator: { id: made.id, signCount: 5, isBackedUp: false, lastUsedAt: house.now() },
        })
        expect(await house.store.findAuthenticator(house.environment.id, made.credentialId)).toMatchObject({
          signCount: 5,
          lastUsedAt: house.now(),
        })
        expect((await assertion(house, challenge, signedBy(made, { signCount: 6 }))).kind).toBe('used')
        expect((await house.events('authenticator.used')).map(one => one.userId)).toEqual([user?.id])
      }),
    )

    it(
      'of 50 at once with one answer gives one session; of 8 with two counters the lower one never follows',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const made = await enrolled(house, user?.id ?? '')
        const challenge = await asked(house)
        const outcomes = await times(50, () => assertion(house, challenge, signedBy(made)))
        expect(tally(outcomes)).toEqual({ verified: 1, used: 49 })
        expect((await house.counts()).sessions).toBe(2)

        const counting = await enrolled(house, user?.id ?? '', { signCount: 1 })
        const open = await times(8, () => asked(house))
        const both = await Promise.all(
          open.map(one => assertion(house, one, signedBy(counting, { signCount: 2 }))),
        )
        expect(tally(both)).toEqual({ verified: 1, passkeyRefused: 7 })
        expect(await house.events('authenticator.counter_regressed')).toHaveLength(7)
      }),
    )

    it(
      'is refused, and its challenge gone, for whatever is wrong with the answer; the reason is in the event',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const other = await house.signIn('b@x.test')
        const made = await enrolled(house, user?.id ?? '', { signCount: 7 })
        const right = signedBy(made, { signCount: 8 })
        const tries: [string, Row, JudgedAssertion | { refused: string }, object?][] = [
          ['signature', {}, { refused: 'signature' }],
          ['challenge', {}, right, { challengeHash: hashOf('other') }],
          ['ceremony', { ceremony: 'registration', userId: user?.id ?? null }, right],
          ['otherUser', { userId: other.user?.id ?? null }, right],
          ['otherUser', {}, right, { ownerOf: 'b@x.test' }],
          ['counter', {}, signedBy(made, { signCount: 7 })],
          ['counter', {}, signedBy(made, { signCount: 0 })],
          ['unknownCredential', {}, signedBy(made, { authenticatorId: newId('aut', house.now()) })],
          ['unknownCredential', {}, signedBy(made, { userId: other.user?.id ?? '', signCount: 9 })],
        ]
        for (const [reason, row, judged, proof] of tries) {
          const challenge = await asked(house, row)
          expect((await assertion(house, challenge, judged, {}, proof)).kind, reason).toBe('passkeyRefused')
          expect((await assertion(house, challenge, right)).kind, reason).toBe('exhausted')
        }
        const said = await reasons(house)
        expect(said.toSorted()).toEqual(tries.map(([reason]) => reason).toSorted())
        expect((await house.counts()).sessions).toBe(2)
        // The right one is still right.
        expect((await assertion(house, await asked(house), right, {}, { ownerOf: 'a@x.test' })).kind).toBe(
          'verified',
        )
      }),
    )

    it(
      'answers no challenge of another purpose, epoch, environment or action, nor one that is over',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const made = await enrolled(house, user?.id ?? '')
        const challenge = await asked(house)
        const foreign = { ...house.origin, environmentId: newId('env', house.now()) }
        for (const [more, kind] of [
          [{ purpose: 'pay' }, 'notFound'],
          [{ origin: foreign }, 'notFound'],
          [{ actionId: newId('act', house.now()) }, 'notFound'],
          [{ epoch: 2 }, 'expired'],
        ] as const)
          expect((await assertion(house, challenge, signedBy(made), more)).kind).toBe(kind)
        // A code cannot answer it, and it cannot answer a code.
        expect((await house.verify(challenge, WEAK)).kind).toBe('notFound')
        const code = await house.created('a@x.test')
        expect((await assertion(house, code, signedBy(made))).kind).toBe('notFound')
        expect((await assertion(house, challenge, signedBy(made))).kind).toBe('verified')
        const late = await asked(house)
        house.advance(5 * MINUTE)
        expect((await assertion(house, late, signedBy(made))).kind).toBe('expired')
      }),
    )

    it(
      'of somebody who is blocked lets nobody in, and is kept',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const made = await enrolled(house, user?.id ?? '')
        const challenge = await asked(house)
        await house.store.setUserStatus(user?.id ?? '', 'blocked', house.origin, house.now())
        expect((await assertion(house, challenge, signedBy(made))).kind).toBe('userBlocked')
        const another = await asked(house, { ceremony: 'registration', userId: user?.id ?? null })
        expect((await registration(house, another, passkeyOf(house, user?.id ?? ''))).kind).toBe(
          'userBlocked',
        )
        expect(await house.store.listAuthenticators(house.environment.id, user?.id ?? '')).toMatchObject([
          { id: made.id },
        ])
        await house.store.setUserStatus(user?.id ?? '', 'active', house.origin, house.now())
        expect((await assertion(house, await asked(house), signedBy(made))).kind).toBe('verified')
      }),
    )

    it(
      'goes with its user',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const made = await enrolled(house, user?.id ?? '')
        const challenge = await asked(house)
        await house.store.deleteUser(user?.id ?? '', house.origin, house.now())
        expect((await assertion(house, challenge, signedBy(made))).kind).toBe('passkeyRefused')
        expect(await house.store.findAuthenticator(house.environment.id, made.credentialId)).toBe(null)
      }),
    )

    it(
      'of a stranger ends when the address is proven for the first time',
      inHouse(async house => {
        const user = await house.newUser([{ value: 'a@x.test' }])
        const made = await enrolled(house, user.id)
        const { user: owner, isNewUser } = await house.signIn('a@x.test')
        expect([owner?.id, isNewUser]).toEqual([user.id, false])
        expect(await house.store.listAuthenticators(house.environment.id, user.id)).toEqual([])
        expect((await assertion(house, await asked(house), signedBy(made))).kind).toBe('passkeyRefused')
        expect((await house.events('authenticator.deleted')).map(one => one.data)).toEqual([
          { authenticatorId: made.id, type: 'passkey', reason: 'adopted' },
        ])
      }),
    )

    it(
      'proves later what verify opened no session for, and says how',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const made = await enrolled(house, user?.id ?? '')
        const challenge = await asked(house, { opensSession: false })
        await assertion(house, challenge, signedBy(made, { amr: ['hwk', 'user'] }))
        const open = () =>
          house.store.openSession({
            origin: house.origin,
            now: house.now(),
            epoch: 1,
            challengeId: challenge.id,
            withinMs: 10 * MINUTE,
            session: house.newSession(),
          })
        expect(await open()).toMatchObject({
          kind: 'opened',
          session: { methods: ['passkey'], amr: ['hwk', 'user'] },
        })
        expect((await open()).kind).toBe('alreadyOpened')
      }),
    )
  })

  describe('enrolling a passkey', () => {
    it(
      'writes it for the user whom the challenge names, and opens nothing',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const challenge = await asked(house, {
          ceremony: 'registration',
          userId: user?.id ?? null,
          opensSession: true,
        })
        const made = passkeyOf(house, 'whoever')
        const outcome = await registration(house, challenge, made)
        expect(outcome).toMatchObject({
          kind: 'verified',
          session: null,
          user: { id: user?.id },
          authenticator: { id: made.id, userId: user?.id },
        })
        expect((await registration(house, challenge, passkeyOf(house, ''))).kind).toBe('used')
        const later = await house.store.openSession({
          origin: house.origin,
          now: house.now(),
          epoch: 1,
          challengeId: challenge.id,
          withinMs: 10 * MINUTE,
          session: house.newSession(),
        })
        expect(later.kind).toBe('stateConflict')
        expect((await house.events('authenticator.created'))[0]).toMatchObject({
          userId: user?.id,
          challengeId: challenge.id,
          data: { authenticatorId: made.id, isImported: false },
        })
      }),
    )

    it(
      'of one credential for two users at once succeeds once',
      inHouse(async house => {
        const users = await times(8, index =>
          house.newUser([{ value: `${index}@x.test`, verifiedAt: house.now() }]),
        )
        const open = await Promise.all(
          users.map(({ id }) => asked(house, { ceremony: 'registration', userId: id })),
        )
        const credentialId = hashOf('credential')
        const outcomes = await Promise.all(
          open.map(one => registration(house, one, passkeyOf(house, '', { credentialId }))),
        )
        expect(tally(outcomes)).toEqual({ verified: 1, passkeyRefused: 7 })
        expect(await reasons(house)).toEqual(Array(7).fill('taken'))
      }),
    )

    it(
      'by a challenge for signing in is refused',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const challenge = await asked(house, { userId: user?.id ?? null })
        expect((await registration(house, challenge, passkeyOf(house, ''))).kind).toBe('passkeyRefused')
        expect(await reasons(house)).toEqual(['ceremony'])
      }),
    )

    it(
      'ends somewhere: nobody has more than 50',
      inHouse(async house => {
        const user = await house.newUser([{ value: 'a@x.test', verifiedAt: house.now() }])
        const added = await times(52, () =>
          house.store.addAuthenticator(passkeyOf(house, user.id), house.origin, house.now()),
        )
        expect(tally(added)).toEqual({ added: 50, tooMany: 2 })
      }),
    )
  })

  describe('the authenticators of a user', () => {
    it(
      'are added, renamed and removed, each with its event; those of others are not there',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const { user: other } = await house.signIn('b@x.test')
        const [id, otherId] = [user?.id ?? '', other?.id ?? '']
        const made = await enrolled(house, id)
        const { store, origin } = house
        const again = passkeyOf(house, otherId, { credentialId: made.credentialId })
        expect(await store.addAuthenticator(again, origin, house.now())).toEqual({ kind: 'taken' })
        expect(await store.addAuthenticator(passkeyOf(house, 'usr_none'), origin, house.now())).toEqual({
          kind: 'userUnknown',
        })
        expect(await store.renameAuthenticator(otherId, made.id, 'Mine', origin, house.now())).toBe(null)
        expect(await store.renameAuthenticator(id, made.id, 'Laptop', origin, house.now())).toEqual({
          ...made,
          name: 'Laptop',
        })
        expect((await store.removeAuthenticator(otherId, made.id, ['email'], origin, house.now())).kind).toBe(
          'notFound',
        )
        expect((await store.removeAuthenticator(id, made.id, ['email'], origin, house.now())).kind).toBe(
          'removed',
        )
        expect(await store.listAuthenticators(house.environment.id, id)).toEqual([])
        for (const type of ['created', 'updated', 'deleted'])
          expect(await house.events(`authenticator.${type}`)).toHaveLength(1)
      }),
    )

    it(
      'keep the last way in, also of two removals at once',
      inHouse(async house => {
        const user = await house.newUser([{ value: 'a@x.test' }])
        const two = await times(2, () => enrolled(house, user.id))
        const remove = (id: string, types: ('email' | 'phone')[] = ['email']) =>
          house.store.removeAuthenticator(user.id, id, types, house.origin, house.now())
        expect(tally(await Promise.all(two.map(one => remove(one.id))))).toEqual({ removed: 1, lastWayIn: 1 })
        const [left] = await house.store.listAuthenticators(house.environment.id, user.id)
        await house.store.addIdentifier(
          user.id,
          identifier('p@x.test', { verifiedAt: house.now() }),
          house.origin,
          house.now(),
        )
        expect((await remove(left?.id ?? '', [])).kind).toBe('lastWayIn')
        expect((await remove(left?.id ?? '')).kind).toBe('removed')
      }),
    )
  })

  it(
    'of a proof that is an hour old ends when everything of the user is signed out',
    inHouse(async house => {
      const { challenge, user } = await house.signIn('a@x.test', { row: { opensSession: false } })
      house.advance(59 * MINUTE)
      await house.store.revokeUserSessions(user?.id ?? '', house.origin, house.now())
      expect((await house.store.findChallenge(house.environment.id, challenge.id))?.endedAt).toBe(house.now())
      house.advance(DAY)
    }),
  )
}
