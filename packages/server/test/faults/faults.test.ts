import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkInvariants } from '../setup/invariants.ts'
import type { Answer } from '../setup/server.ts'
import { type House, openHouse, written } from './house.ts'
import { OPERATIONS, type Operation, type Request } from './operations.ts'
import { FAILURES, failing, statementsOf, withoutRoom } from './statements.ts'

let house: House
beforeEach(async () => {
  house = await openHouse()
})
afterEach(() => house.close())

let keys = 0
// What is read leaves nothing to roll back, and nothing that was done.
const FAILURES_OF_READS = ['refused', 'stuck'] as const

function ask({ method, path, body, headers }: Request, key: string | null): Promise<Answer> {
  return house.call(method, path, body, { ...headers, ...(key !== null && { 'Idempotency-Key': key }) })
}

/** What the operation writes when nothing fails, and by which statements. */
async function cleanRun(operation: Operation) {
  const request = await operation.prepare(house)
  const key = operation.again ? null : `clean-${++keys}`
  house.ostiary.deps.directory.forget()
  const before = house.counts()
  let answer: Answer | undefined
  const statements = await statementsOf(async () => {
    answer = await ask(request, key)
  })
  expect(answer, JSON.stringify(answer?.body)).toMatchObject({ status: operation.status })
  const effect = written(before, house.counts())
  await house.deliver()
  return { statements, effect }
}

/** One call that meets a failure, and its repeat: what is wrong with either, in words. */
async function meet(
  operation: Operation,
  effect: Record<string, number>,
  fail: (task: () => Promise<Answer>) => Promise<Answer>,
): Promise<string[]> {
  const wrong: string[] = []
  const request = await operation.prepare(house)
  const key = operation.again ? null : `fails-${++keys}`
  house.ostiary.deps.directory.forget()
  const before = house.counts()
  const answer = await fail(() => ask(request, key))
  const done = written(before, house.counts())
  const isDone = JSON.stringify(done) === JSON.stringify(effect)
  const isNothing = Object.keys(done).length === 0
  const { code } = answer.body
  const told = `${answer.status} ${code ?? ''}, wrote ${JSON.stringify(done)}`
  if (!isDone && !isNothing) wrong.push(`half an effect: ${told}`)
  // An opening of a link is recorded on the side: the page is shown with or without.
  const isSide = operation.method === 'recordLinkOpened' && answer.status === operation.status
  if (answer.status === 503) {
    if (code !== 'unavailable' && code !== 'outcome_unknown') wrong.push(`another 503: ${told}`)
    if (code === 'unavailable' && !isNothing) wrong.push(`refused, and done: ${told}`)
    if (!answer.headers.has('retry-after')) wrong.push('a 503 that does not say when to come again')
  } else if (answer.status !== operation.status) wrong.push(`answered ${told}`)
  else if (!isDone && !isSide) wrong.push(`a yes without its effect: ${told}`)

  // By the very next call, without any help, and to one effect.
  const repeat = await ask(request, key)
  const allowed =
    operation.again && (isDone || answer.status !== 503)
      ? [operation.status, ...operation.again]
      : [operation.status]
  if (!allowed.includes(repeat.status))
    wrong.push(`after ${told} the repeat answered ${repeat.status} ${JSON.stringify(repeat.body)}`)
  const total = written(before, house.counts())
  const addsNothing = key !== null || operation.isOnce
  if (addsNothing && JSON.stringify(total) !== JSON.stringify(effect))
    wrong.push(`after ${told} and its repeat there is ${JSON.stringify(total)}`)
  if (key !== null && isDone && !repeat.headers.has('idempotency-replayed'))
    wrong.push('done before, and not told as a replay')
  await house.deliver()
  return wrong
}

describe('when the store fails', () => {
  test.each(OPERATIONS)('at any statement of: $name', async operation => {
    const { statements, effect } = await cleanRun(operation)
    expect(house.called.has(operation.method), `${operation.method} was not called`).toBe(true)
    expect(statements).toContain('COMMIT')
    const wrong: string[] = []
    for (const [index, sql] of statements.entries()) {
      for (const failure of sql.startsWith('SELECT') ? FAILURES_OF_READS : FAILURES) {
        const found = await meet(operation, effect, task => failing(index + 1, failure, task))
        wrong.push(...found.map(what => `${failure} at ${index + 1}, ${sql.slice(0, 60)}: ${what}`))
      }
    }
    const full = await meet(operation, effect, withoutRoom)
    wrong.push(...full.map(what => `without room: ${what}`))
    expect(wrong).toEqual([])
    expect(checkInvariants(house.file)).toEqual([])
  })
})
