import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { testedCases } from '../../tools/security-cases.ts'
import { GUARDS } from '../mutations/guards.ts'
import { CASES } from './cases.ts'
import { COVERED } from './covered.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

test('every test that the registry names stands in its file', () => {
  const missing = COVERED.filter(({ file, title }) => !read(file).includes(title))
  expect(missing).toEqual([])
})

test('every case of what is there today has a test, and every number in a title is a case', () => {
  const tested = new Set([...testedCases(), ...COVERED].map(one => one.case))
  expect(CASES.filter(one => !one.comesWith && !tested.has(one.id)).map(one => one.id)).toEqual([])
  const known = new Set(CASES.map(one => one.id))
  expect([...tested].filter(id => !known.has(id))).toEqual([])
})

test('a guard is named once, and a survivor says why', () => {
  const names = GUARDS.map(({ file, guard }) => `${file}: ${guard}`)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  for (const { survives } of GUARDS) expect(survives ?? 'killed').toMatch(/\S/)
})
