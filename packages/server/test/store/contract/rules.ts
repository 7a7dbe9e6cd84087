import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.ts'
import type { Rule } from '../../../src/core/rows.ts'
import { type House, type InHouse, newEnvironment, page, tally, times } from './house.ts'

const BOUNDS = { rules: 200, bytes: 256 * 1024 }

const newRule = (house: House, name: string, more: Partial<Rule> = {}): Rule => ({
  id: newId('rul', house.now()),
  environmentId: house.environment.id,
  name,
  actionName: 'signIn',
  priority: 50,
  condition: 'device.known',
  outcome: 'CHALLENGE',
  methods: ['passkey'],
  requires: 1,
  mode: 'live',
  isActive: true,
  enrolmentCounts: false,
  version: 0,
  createdAt: house.now(),
  updatedAt: house.now(),
  ...more,
})

const versionOf = async (house: House) =>
  (await house.store.listEnvironments()).find(one => one.id === house.environment.id)?.rulesVersion

export function rules(inHouse: InHouse) {
  const create = async (house: House, rule: Rule, bounds = BOUNDS) =>
    await house.store.createRule(rule, bounds, house.origin, house.now())
  const created = async (house: House, name: string, more: Partial<Rule> = {}): Promise<Rule> => {
    const saved = await create(house, newRule(house, name, more))
    if (saved.kind !== 'saved') throw new Error(saved.kind)
    return saved.rule
  }
  const all = async (house: House, more = {}) => await house.store.listRules(house.environment.id, page(more))
  const versions = async (house: House) => await house.store.listRuleVersions(house.environment.id)
  const rollBack = async (house: House, version: number, from: number, origin = house.origin) =>
    await house.store.rollBackRules({ version, from, origin, now: house.now() })

  describe('rules', () => {
    it(
      'come back as they were written, in their own environment alone',
      inHouse(async house => {
        const rule = await created(house, 'first', {
          actionName: null,
          isActive: false,
          enrolmentCounts: true,
        })
        expect(rule.version).toBe(1)
        expect(await house.store.findRule(house.environment.id, rule.id)).toEqual(rule)
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        expect(await house.store.findRule(live.environment.id, rule.id)).toBeNull()
        expect(await house.store.listRules(live.environment.id, page())).toEqual([])
        expect(await house.store.deleteRule(rule.id, live.origin, house.now())).toBe(false)
        expect(await house.store.findRuleVersion(live.environment.id, 1)).toBeNull()
        expect(await all(house)).toEqual([rule])
      }),
    )

    it(
      'no more are created than may be, of many at once, and each makes a version of the set',
      inHouse(async house => {
        const made = await times(8, index =>
          create(house, newRule(house, `rule${index}`), { ...BOUNDS, rules: 5 }),
        )
        expect(tally(made)).toEqual({ saved: 5, tooMany: 3 })
        expect(await versionOf(house)).toBe(5)
        const kept = await versions(house)
        expect(kept.map(({ version, rulesCount }) => [version, rulesCount])).toEqual([
          [5, 5],
          [4, 4],
          [3, 3],
          [2, 2],
          [1, 1],
        ])
        expect((await all(house)).map(rule => rule.version).sort()).toEqual([1, 2, 3, 4, 5])
        expect(await house.events('rule.created')).toHaveLength(5)
      }),
    )

    it(
      'nor more text than may be, by a new rule or by a change of one',
      inHouse(async house => {
        const rule = await created(house, 'small')
        const long = 'x'.repeat(1500)
        const bounds = { ...BOUNDS, bytes: 1500 }
        expect(await create(house, newRule(house, 'large', { condition: long }), bounds)).toEqual({
          kind: 'tooLarge',
        })
        const change = { ...rule, condition: long }
        expect(
          await house.store.updateRule(change, ['condition'], bounds, house.origin, house.now()),
        ).toEqual({ kind: 'tooLarge' })
        expect(await all(house)).toEqual([rule])
        expect(await versionOf(house)).toBe(1)
      }),
    )

    it(
      'a rule is changed by one of many who read the same version, and by nobody else',
      inHouse(async house => {
        const rule = await created(house, 'first')
        await created(house, 'second')
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        house.advance(1000)
        const change = (name: string, origin = house.origin) =>
          house.store.updateRule({ ...rule, name }, ['name'], BOUNDS, origin, house.now())
        expect(await change('theirs', live.origin)).toEqual({ kind: 'stale' })
        const changed = await times(10, index => change(`name${index}`))
        expect(tally(changed)).toEqual({ saved: 1, stale: 9 })
        const saved = await house.store.findRule(house.environment.id, rule.id)
        expect(saved).toMatchObject({ version: 3, createdAt: rule.createdAt, updatedAt: house.now() })
        expect((await house.events('rule.updated')).map(event => event.data)).toEqual([
          { version: 3, ruleId: rule.id, name: saved?.name, changed: ['name'] },
        ])
        expect(await versionOf(house)).toBe(3)
      }),
    )

    it(
      'a rule is deleted once, and a change of it that was under way comes to nothing',
      inHouse(async house => {
        const rule = await created(house, 'first')
        const deleted = await times(5, () => house.store.deleteRule(rule.id, house.origin, house.now()))
        expect(deleted.filter(Boolean)).toHaveLength(1)
        expect(await house.store.updateRule(rule, [], BOUNDS, house.origin, house.now())).toEqual({
          kind: 'stale',
        })
        expect(await all(house)).toEqual([])
        expect((await versions(house))[0]).toMatchObject({ version: 2, change: 'deleted', ruleId: rule.id })
      }),
    )

    it(
      'each version holds the whole set as it was, and who changed it',
      inHouse(async house => {
        const first = await created(house, 'first')
        const second = await created(house, 'second')
        const saved = await house.store.updateRule(
          { ...first, priority: 1 },
          ['priority'],
          BOUNDS,
          house.origin,
          house.now(),
        )
        const set = async (version: number) =>
          (await house.store.findRuleVersion(house.environment.id, version))?.rules
        expect(await set(1)).toEqual([first])
        expect(await set(2)).toEqual([first, second])
        expect(await set(3)).toEqual([saved.kind === 'saved' && saved.rule, second])
        expect(await set(4)).toBeUndefined()
        expect((await versions(house))[1]).toEqual({
          environmentId: house.environment.id,
          version: 2,
          rulesCount: 2,
          change: 'created',
          ruleId: second.id,
          actor: house.origin.actor,
          createdAt: house.now(),
        })
      }),
    )

    it(
      'going back makes a new version, in which no rule has the version of another text',
      inHouse(async house => {
        const first = await created(house, 'first')
        const second = await created(house, 'second')
        await house.store.updateRule({ ...first, priority: 1 }, [], BOUNDS, house.origin, house.now())
        await house.store.deleteRule(second.id, house.origin, house.now())
        await created(house, 'third')
        house.advance(1000)
        expect(await rollBack(house, 2, 5)).toMatchObject({
          kind: 'rolledBack',
          version: { version: 6, rulesCount: 2, change: 'rolledBack', ruleId: null },
        })
        expect((await all(house)).reverse()).toEqual([
          { ...first, version: 6, updatedAt: house.now() },
          { ...second, version: 6, updatedAt: house.now() },
        ])
        expect((await house.events('rule.rolled_back'))[0]?.data).toEqual({ version: 6, to: 2 })
        // Back to what it is already: nothing of a rule is changed, so its ETag still holds.
        expect(await rollBack(house, 6, 6)).toMatchObject({ kind: 'rolledBack', version: { version: 7 } })
        expect((await all(house)).map(rule => rule.version)).toEqual([6, 6])
      }),
    )

    it(
      'is done by one of many, from the version that was read, in its own environment',
      inHouse(async house => {
        await created(house, 'first')
        await created(house, 'second')
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        expect(await rollBack(house, 1, 0, live.origin)).toEqual({ kind: 'notFound' })
        expect(await rollBack(house, 9, 2)).toEqual({ kind: 'notFound' })
        expect(tally(await times(6, () => rollBack(house, 1, 2)))).toEqual({ rolledBack: 1, stale: 5 })
        expect((await all(house)).map(rule => rule.name)).toEqual(['first'])
      }),
    )

    it(
      'writers of one set take turns: no version is written over, none is left out',
      inHouse(async house => {
        const rule = await created(house, 'first')
        await Promise.all([
          ...Array.from({ length: 4 }, (_, index) => created(house, `more${index}`)),
          rollBack(house, 1, 1),
          house.store.updateRule({ ...rule, priority: 2 }, [], BOUNDS, house.origin, house.now()),
          house.store.deleteRule(rule.id, house.origin, house.now()),
        ])
        const kept = await versions(house)
        expect(kept.map(({ version }) => version)).toEqual(kept.map((_, index) => kept.length - index))
        expect(await versionOf(house)).toBe(kept.length)
        const newest = await house.store.findRuleVersion(house.environment.id, kept.length)
        expect(newest?.rules).toEqual((await all(house)).reverse())
      }),
    )

    it(
      'a hundred versions are kept',
      inHouse(async house => {
        let rule = await created(house, 'first')
        for (let index = 0; index < 104; index++) {
          const saved = await house.store.updateRule(rule, [], BOUNDS, house.origin, house.now())
          if (saved.kind === 'saved') rule = saved.rule
        }
        const kept = (await versions(house)).map(({ version }) => version)
        expect([kept[0], kept.at(-1), kept.length]).toEqual([105, 6, 100])
      }),
    )
  })
}
