import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.ts'
import { type InHouse, identifier, newEnvironment, times, WEAK } from './house.ts'

export function users(inHouse: InHouse) {
  describe('users', () => {
    it(
      'of many with one externalId, username or proven address are made once',
      inHouse(async house => {
        const made = async (more: { externalId?: string; username?: string }, verified: string | null) => {
          const outcomes = await times(10, () => {
            const identifiers = verified ? [identifier(verified, { verifiedAt: house.now() })] : []
            const user = {
              id: newId('usr', house.now()),
              environmentId: house.environment.id,
              externalId: more.externalId ?? null,
              name: null,
              username: more.username ?? null,
              locale: null,
              status: 'active' as const,
              metadata: {},
              createdAt: house.now(),
              updatedAt: house.now(),
              lastSignInAt: null,
              identifiers,
            }
            return house.store.createUser({ user, identifiers }, house.origin, house.now())
          })
          const conflicts = outcomes.flatMap(one => ('conflict' in one ? [one.conflict] : []))
          return [10 - conflicts.length, ...new Set(conflicts)]
        }
        expect(await made({ externalId: 'e' }, null)).toEqual([1, 'externalId'])
        expect(await made({ username: 'u' }, null)).toEqual([1, 'username'])
        expect(await made({}, 'a@x.test')).toEqual([1, 'address'])
        expect(await house.counts()).toMatchObject({ users: 3, identifiers: 1 })
      }),
    )

    it(
      'with an unproven address may be any number, and a conflict leaves nothing behind',
      inHouse(async house => {
        await house.newUser([{ value: 'a@x.test' }])
        const second = await house.newUser([{ value: 'a@x.test' }])
        const before = await house.counts()
        await house.newUser([{ value: 'p@x.test', verifiedAt: house.now() }])
        const conflict = house.newUser([
          { value: 'q@x.test' },
          { value: 'p@x.test', verifiedAt: house.now() },
        ])
        await expect(conflict).rejects.toThrow('address')
        expect(await house.counts()).toMatchObject({ users: (before.users ?? 0) + 1, identifiers: 3 })
        const { rows: list } = await house.store.listUsers(
          house.environment.id,
          { email: 'a@x.test', phone: null, externalId: null, username: null },
          { limit: 9, before: null, createdAfter: null, createdBefore: null },
        )
        expect(list[0]).toEqual(second)
      }),
    )

    it(
      'are changed where nobody else has the name, and never in another environment',
      inHouse(async house => {
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        const [a, b] = [
          await house.newUser([], { username: 'a' }),
          await house.newUser([], { externalId: 'b' }),
        ]
        const change = (patch: object, by = house.origin) =>
          house.store.updateUser(a.id, patch, by, house.now())
        expect(await change({ externalId: 'b' })).toEqual({ conflict: 'externalId' })
        expect(await change({ username: 'a', metadata: { plan: 'x' } })).toMatchObject({
          metadata: { plan: 'x' },
        })
        expect(await change({ name: 'x' }, live.origin)).toBeNull()
        expect(await house.store.findUser(live.environment.id, a.id)).toBeNull()
        expect(await house.store.deleteUser(b.id, live.origin, house.now())).toBe(false)
        expect(await house.store.setUserStatus(b.id, 'blocked', live.origin, house.now())).toBeNull()
        // The same names may stand in another environment.
        await house.newUser([], { username: 'a', externalId: 'b' }, live.origin)
      }),
    )

    it(
      'blocked lose sessions and pending challenges at once, and come back without them',
      inHouse(async house => {
        const { user, session } = await house.signIn('a@x.test')
        const pending = await house.created('a@x.test')
        const id = user?.id ?? ''
        const block = () => house.store.setUserStatus(id, 'blocked', house.origin, house.now())
        await times(3, block)
        expect(await house.events('user.blocked')).toHaveLength(1)
        expect((await house.verify(pending, WEAK)).kind).toBe('expired')
        expect(
          (await house.store.findSession(house.environment.id, session?.id ?? ''))?.session.revokedAt,
        ).toBe(house.now())
        await house.store.setUserStatus(id, 'active', house.origin, house.now())
        expect((await house.verify(pending, WEAK)).kind).toBe('expired')
        expect((await house.rotate(session?.id ?? '', 0)).kind).toBe('invalid')
        expect((await house.signIn('a@x.test')).user?.id).toBe(id)
      }),
    )

    it(
      'deleted take addresses, sessions and pending challenges along, once; their events stay',
      inHouse(async house => {
        const { user, session } = await house.signIn('a@x.test')
        const pending = await house.created('a@x.test')
        const deleted = await times(5, () =>
          house.store.deleteUser(user?.id ?? '', house.origin, house.now()),
        )
        expect(deleted.filter(Boolean)).toHaveLength(1)
        expect(await house.counts()).toMatchObject({ users: 0, identifiers: 0, sessions: 0 })
        expect((await house.verify(pending, WEAK)).kind).toBe('expired')
        expect((await house.rotate(session?.id ?? '', 0)).kind).toBe('invalid')
        expect(await house.events('challenge.verified')).toHaveLength(1)
        // Nothing was proven here, so that no owner who has changed refuses the code.
        const unproven = await house.newUser([{ value: 'b@x.test' }])
        const asked = await house.created('b@x.test', { more: { userId: unproven.id } })
        await house.store.deleteUser(unproven.id, house.origin, house.now())
        expect((await house.verify(asked, WEAK)).kind).toBe('expired')
      }),
    )

    it(
      'lose with a proven address what was sent to it, also what asks for no user',
      inHouse(async house => {
        const { user } = await house.signIn('a@x.test')
        const row = { userMode: 'none' as const, opensSession: false }
        const [pending, none] = [await house.created('a@x.test'), await house.created('a@x.test', { row })]
        await house.store.removeIdentifier(user?.id ?? '', 'email', 'a@x.test', house.origin, house.now())
        for (const one of [pending, none]) expect((await house.verify(one, WEAK)).kind).toBe('expired')
      }),
    )

    it(
      'have one primary address of a type, and the next one follows',
      inHouse(async house => {
        const { id } = await house.newUser([{ value: 'a@x.test', verifiedAt: house.now() }])
        const add = (value: string, verifiedAt: number | null) =>
          house.store.addIdentifier(id, identifier(value, { verifiedAt }), house.origin, house.now())
        await add('b@x.test', null)
        await add('c@x.test', house.now())
        expect(await add('b@x.test', null)).toEqual({ conflict: 'address' })
        const other = await house.newUser([{ value: 'z@x.test', verifiedAt: house.now() }])
        expect(await add('z@x.test', house.now())).toEqual({ conflict: 'address' })
        expect(
          await house.store
            .addIdentifier('usr_unknown', identifier('y@x.test'), house.origin, 0)
            .catch(() => null),
        ).toBeNull()
        const left = await house.store.removeIdentifier(id, 'email', 'a@x.test', house.origin, house.now())
        expect(left?.identifiers.map(one => [one.value, one.isPrimary])).toEqual([
          ['c@x.test', true],
          ['b@x.test', false],
        ])
        expect(
          await house.store.removeIdentifier(other.id, 'email', 'c@x.test', house.origin, house.now()),
        ).toBeNull()
      }),
    )
  })
}
