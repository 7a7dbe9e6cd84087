import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.ts'
import type { List } from '../../../src/core/rows.ts'
import { type House, type InHouse, newEnvironment, page, tally, times } from './house.ts'

const newList = (house: House, name: string, more: Partial<List> = {}): List => ({
  id: newId('lst', house.now()),
  environmentId: house.environment.id,
  name,
  entries: ['a', 'ä', '"'],
  entriesCount: 3,
  version: 1,
  createdAt: house.now(),
  updatedAt: house.now(),
  ...more,
})

const versionOf = async (house: House) =>
  (await house.store.listEnvironments()).find(one => one.id === house.environment.id)?.listsVersion

export function ruleLists(inHouse: InHouse) {
  const create = (house: House, list: List, max = 50) =>
    house.store.createList(list, max, house.origin, house.now())

  describe('lists of rules', () => {
    it(
      'one of many with a name is created, and each environment has names of its own',
      inHouse(async house => {
        expect(tally(await times(10, () => create(house, newList(house, 'vip'))))).toEqual({
          saved: 1,
          nameTaken: 9,
        })
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        const other = newList(house, 'vip', { environmentId: live.environment.id })
        expect(await house.store.createList(other, 50, live.origin, house.now())).toEqual({
          kind: 'saved',
          list: other,
        })
        expect(await house.store.readLists(live.environment.id)).toEqual([other])
        expect(await house.store.findList(house.environment.id, other.id)).toBeNull()
        expect((await house.events('list.created'))[0]?.data).toMatchObject({ name: 'vip', entriesCount: 3 })
      }),
    )

    it(
      'no more are created than may be',
      inHouse(async house => {
        const made = await times(6, index => create(house, newList(house, `list${index}`), 4))
        expect(tally(made)).toEqual({ saved: 4, tooMany: 2 })
      }),
    )

    it(
      'a list is changed by one of many who read the same version, and takes no other’s name',
      inHouse(async house => {
        const list = newList(house, 'vip')
        await create(house, list)
        await create(house, newList(house, 'taken'))
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        const change = (more: Partial<List>, origin = house.origin) =>
          house.store.updateList({ ...list, ...more }, ['entries'], origin, house.now())
        expect(await change({ name: 'taken' })).toEqual({ kind: 'nameTaken' })
        expect(await change({ entries: [] }, live.origin)).toEqual({ kind: 'stale' })
        const changed = await times(8, index => change({ entries: [`${index}`], entriesCount: 1 }))
        expect(tally(changed)).toEqual({ saved: 1, stale: 7 })
        expect(await house.store.findList(house.environment.id, list.id)).toMatchObject({ version: 2 })
        expect((await house.events('list.updated')).map(event => event.data)).toEqual([
          { listId: list.id, name: 'vip', entriesCount: 1, changed: ['entries'] },
        ])
      }),
    )

    it(
      'of many who rename their lists alike, one does',
      inHouse(async house => {
        const made = Array.from({ length: 5 }, (_, index) => newList(house, `list${index}`))
        for (const list of made) await create(house, list)
        const renamed = await Promise.all(
          made.map(list => house.store.updateList({ ...list, name: 'one' }, [], house.origin, house.now())),
        )
        expect(tally(renamed)).toEqual({ saved: 1, nameTaken: 4 })
      }),
    )

    it(
      'every change counts up the number by which others see that there is something to read',
      inHouse(async house => {
        const list = newList(house, 'vip')
        await create(house, list)
        await house.store.updateList(list, [], house.origin, house.now())
        await house.store.updateList(list, [], house.origin, house.now())
        expect(await versionOf(house)).toBe(2)
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        expect(await house.store.deleteList(list.id, live.origin, house.now())).toBe(false)
        const deleted = await times(4, () => house.store.deleteList(list.id, house.origin, house.now()))
        expect(deleted.filter(Boolean)).toHaveLength(1)
        expect(await versionOf(house)).toBe(3)
        expect(await house.events('list.deleted')).toHaveLength(1)
      }),
    )

    it(
      'are listed page by page, newest first, without their entries',
      inHouse(async house => {
        const made: string[] = []
        for (let index = 0; index < 4; index++) {
          const list = newList(house, `list${index}`)
          made.unshift(list.id)
          await create(house, list)
        }
        const listed = await house.store.listLists(house.environment.id, page({ limit: 2 }))
        expect(listed.map(one => one.id)).toEqual(made.slice(0, 2))
        expect(listed[0]).not.toHaveProperty('entries')
        expect(listed[0]).toMatchObject({ entriesCount: 3 })
        const rest = await house.store.listLists(house.environment.id, page({ before: made[1] ?? null }))
        expect(rest.map(one => one.id)).toEqual(made.slice(2))
      }),
    )
  })
}
