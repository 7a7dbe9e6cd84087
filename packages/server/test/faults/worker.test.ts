import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/core/ports.ts'
import { checkInvariants } from '../setup/invariants.ts'
import { type House, openHouse } from './house.ts'
import { OPERATIONS } from './operations.ts'
import { FAILURES, failing, statementsOf, withoutRoom } from './statements.ts'
import { READS, TASKS, type Task } from './tasks.ts'

/** What writes without a request: the worker, the upkeep, the start of a server and commands. Each can be run again. */

let house: House
beforeEach(async () => {
  house = await openHouse()
})
afterEach(() => house.close())

const REFUSALS = ['unavailable', 'outcome_unknown']
const seen = (effect: () => unknown) => JSON.stringify(effect())
const codeOf = (error: unknown) => (error as { code?: string }).code ?? String(error)

/** What the task comes to when nothing fails, and by which statements. */
async function cleanRun(task: Task) {
  const { run, effect } = await task.prepare(house)
  const nothing = seen(effect)
  house.called.clear()
  const statements = await statementsOf(run)
  expect(house.called.has(task.method), `${task.method} was not called`).toBe(true)
  expect(statements).toContain('COMMIT')
  const all = seen(effect)
  expect(all).not.toBe(nothing)
  return { statements, nothing, all }
}

/** One run that meets a failure, and its repeat: what is wrong with either, in words. */
async function meet(
  task: Task,
  { nothing, all }: { nothing: string; all: string },
  fail: (run: () => Promise<unknown>) => Promise<unknown>,
): Promise<string[]> {
  const wrong: string[] = []
  const { run, effect } = await task.prepare(house)
  const code = await fail(run).then(() => null, codeOf)
  const done = seen(effect)
  if (code === null ? done !== all : !REFUSALS.includes(code))
    wrong.push(`${code ?? 'a yes'}, and did ${done}`)
  if (done !== nothing && done !== all) wrong.push(`${code}, and half of it: ${done}`)
  if (code === 'unavailable' && done !== nothing && !task.isInSteps) wrong.push(`refused, and done: ${done}`)
  const again = await run().then(() => null, codeOf)
  if (again !== null) wrong.push(`after ${code} the repeat met ${again}`)
  if (seen(effect) !== all) wrong.push(`after ${code} and its repeat there is ${seen(effect)}, not ${all}`)
  return wrong
}

describe('when the store fails under what no request asks for', () => {
  test.each(TASKS)('at any statement of: $name', async task => {
    const { statements, ...clean } = await cleanRun(task)
    const wrong: string[] = []
    for (const [index, sql] of statements.entries()) {
      for (const failure of FAILURES) {
        const found = await meet(task, clean, run => failing(index + 1, failure, run))
        wrong.push(...found.map(what => `${failure} at ${index + 1}, ${sql.slice(0, 60)}: ${what}`))
      }
    }
    const full = await meet(task, clean, withoutRoom)
    wrong.push(...full.map(what => `without room: ${what}`))
    expect(wrong).toEqual([])
    await house.deliver()
    expect(checkInvariants(house.file)).toEqual([])
  })

  test.each(Object.entries(READS))('at any statement of the read %s', async (name, read) => {
    const { store, deps } = house.ostiary
    const ask = () => read(store, deps.clock.now())
    let answer: unknown
    const statements = await statementsOf(async () => {
      answer = await ask()
    })
    expect(house.called.has(name as keyof Store)).toBe(true)
    expect(statements.length).toBeGreaterThan(0)
    for (const index of statements.keys()) {
      for (const failure of ['refused', 'stuck'] as const)
        expect(await failing(index + 1, failure, ask).catch(codeOf)).toBe('unavailable')
      expect(await ask()).toEqual(answer)
    }
  })
})

test('every method of the store that writes meets failures here or in faults.test.ts', () => {
  // What starts and ends a process has nobody to answer; find and list are asked by requests that change nothing.
  const ELSEWHERE = /^(find|list)|^(migrate|begin|close|judgeAt|onQueued|keep)$/
  const met = new Set<string>([
    ...[...TASKS, ...OPERATIONS].map(({ method }) => method),
    ...Object.keys(READS),
  ])
  const names = Object.keys(house.ostiary.store)
  expect(names.filter(name => !ELSEWHERE.test(name) && !met.has(name))).toEqual([])
})
