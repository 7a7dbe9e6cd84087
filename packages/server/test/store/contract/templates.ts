import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.ts'
import type { Template } from '../../../src/core/rows.ts'
import { type House, type InHouse, newEnvironment, page, tally, times } from './house.ts'

const newTemplate = (house: House, name: string, more: Partial<Template> = {}): Template => ({
  id: newId('tpl', house.now()),
  environmentId: house.environment.id,
  name,
  channel: 'email',
  locales: { en: { subject: 'Code', text: '{{code}}', html: null } },
  version: 1,
  createdAt: house.now(),
  updatedAt: house.now(),
  ...more,
})

const versionOf = async (house: House) =>
  (await house.store.listEnvironments()).find(one => one.id === house.environment.id)?.templatesVersion

export function templates(inHouse: InHouse) {
  const create = (house: House, template: Template, max = 100) =>
    house.store.createTemplate(template, max, house.origin, house.now())

  describe('templates', () => {
    it(
      'one of many with a name is created, and each environment has names of its own',
      inHouse(async house => {
        const made = await times(10, () => create(house, newTemplate(house, 'welcome')))
        expect(tally(made)).toEqual({ saved: 1, nameTaken: 9 })
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        const other = newTemplate(house, 'welcome', { environmentId: live.environment.id })
        const saved = await house.store.createTemplate(other, 100, live.origin, house.now())
        expect(saved).toEqual({ kind: 'saved', template: other })
        expect(await house.store.listTemplates(live.environment.id, page())).toEqual([other])
        expect(await house.store.findTemplate(house.environment.id, other.id)).toBeNull()
        expect(await house.store.findTemplate(live.environment.id, other.id)).toEqual(other)
        expect(await house.events('template.updated')).toHaveLength(1)
      }),
    )

    it(
      'no more are created than may be',
      inHouse(async house => {
        const made = await times(6, index => create(house, newTemplate(house, `mail${index}`), 4))
        expect(tally(made)).toEqual({ saved: 4, tooMany: 2 })
      }),
    )

    it(
      'a template is changed by one of many who read the same version, and by nobody else',
      inHouse(async house => {
        const template = newTemplate(house, 'welcome')
        await create(house, template)
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        house.advance(1000)
        const change = (name: string, origin = house.origin) =>
          house.store.updateTemplate({ ...template, name }, ['name'], origin, house.now())
        expect(await change('theirs', live.origin)).toEqual({ kind: 'stale' })
        const changed = await times(10, index => change(`name${index}`))
        expect(tally(changed)).toEqual({ saved: 1, stale: 9 })
        const saved = await house.store.findTemplate(house.environment.id, template.id)
        expect(saved).toMatchObject({ version: 2, createdAt: template.createdAt, updatedAt: house.now() })
        expect(saved?.name).toMatch(/^name\d$/)
        expect((await house.events('template.updated'))[0]?.data).toEqual({
          templateId: template.id,
          name: saved?.name,
          change: 'updated',
          changed: ['name'],
        })
      }),
    )

    it(
      'a name is not taken over from another template',
      inHouse(async house => {
        const [first, second] = [newTemplate(house, 'first'), newTemplate(house, 'second')]
        await create(house, first)
        await create(house, second)
        const change = { ...second, name: 'first' }
        expect(await house.store.updateTemplate(change, ['name'], house.origin, house.now())).toEqual({
          kind: 'nameTaken',
        })
        expect(await house.store.findTemplate(house.environment.id, second.id)).toEqual(second)
      }),
    )

    it(
      'a template is deleted once, by its own environment',
      inHouse(async house => {
        const template = newTemplate(house, 'welcome')
        await create(house, template)
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        expect(await house.store.deleteTemplate(template.id, live.origin, house.now())).toBe(false)
        const deleted = await times(5, () =>
          house.store.deleteTemplate(template.id, house.origin, house.now()),
        )
        expect(deleted.filter(Boolean)).toHaveLength(1)
        expect(await house.store.findTemplate(house.environment.id, template.id)).toBeNull()
        const changes = (await house.events('template.updated')).map(event => event.data.change)
        expect(changes.sort()).toEqual(['created', 'deleted'])
      }),
    )

    it(
      'every change counts up the number by which others see that there is something to read',
      inHouse(async house => {
        const template = newTemplate(house, 'welcome')
        expect(await versionOf(house)).toBe(0)
        await create(house, template)
        await create(house, newTemplate(house, 'welcome'))
        expect(await versionOf(house)).toBe(1)
        await house.store.updateTemplate(template, [], house.origin, house.now())
        await house.store.updateTemplate(template, [], house.origin, house.now())
        expect(await versionOf(house)).toBe(2)
        await house.store.deleteTemplate(template.id, house.origin, house.now())
        await house.store.deleteTemplate(template.id, house.origin, house.now())
        expect(await versionOf(house)).toBe(3)
      }),
    )

    it(
      'are listed page by page, newest first',
      inHouse(async house => {
        const made: string[] = []
        for (let index = 0; index < 5; index++) {
          const template = newTemplate(house, `mail${index}`)
          made.unshift(template.id)
          await create(house, template)
        }
        const ids = async (more: object) =>
          (await house.store.listTemplates(house.environment.id, page(more))).map(one => one.id)
        expect(await ids({ limit: 2 })).toEqual(made.slice(0, 2))
        expect(await ids({ limit: 9, before: made[1] })).toEqual(made.slice(2))
      }),
    )
  })
}
