import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import { openPostgresStore } from '../../src/store/postgres/store.ts'
import { type CountingProxy, countRoundTrips } from '../setup/counting-proxy.ts'
import { type FreshDatabase, freshDatabase } from '../setup/postgres.ts'
import { enter, HOUR, type House, somewhere, WEAK } from './contract/house.ts'
import * as tab from './contract/tab.ts'

/** The budget of DESIGN section 6, counted on the wire: send 1, verify 1, refresh 1. */

let database: FreshDatabase
let proxy: CountingProxy
let house: House
let challenge: Awaited<ReturnType<House['created']>>
beforeAll(async () => {
  database = await freshDatabase()
  proxy = await countRoundTrips(database.url)
  // One connection, which is there: opening one costs more trips, and is not what is counted.
  const store = openPostgresStore(`${proxy.url}?pool=1`, { clock: now => now, listenUrl: database.url })
  house = await enter(async () => ({ store, rows: database.rows, close: () => store.close() }))
})
afterAll(async () => {
  await house.close()
  await proxy.close()
  await database.drop()
})

async function tripsOf(act: () => Promise<unknown>): Promise<number> {
  // Let the bell that tells other nodes of the message before ring first.
  await new Promise(resolve => setTimeout(resolve, 250))
  proxy.roundTrips()
  await act()
  return proxy.roundTrips()
}

test('a send is one round trip', async () => {
  // The bell that it rings afterwards for other nodes is no part of the answer.
  const trips = await tripsOf(async () => {
    challenge = await house.created('ada@x.test')
  })
  expect(trips).toBeLessThanOrEqual(2)
  expect(trips).toBeGreaterThan(0)
})

test('a wrong answer is one round trip', async () => {
  expect(await tripsOf(() => house.verify(challenge, '000000'))).toBe(1)
})

test('a right answer is one round trip, for a newcomer and for a known user', async () => {
  const { id } = challenge
  for (const isNewUser of [true, false]) {
    const trips = await tripsOf(async () => {
      expect(await house.verify(challenge, WEAK)).toMatchObject({ kind: 'verified', isNewUser })
    })
    expect(trips).toBe(1)
    challenge = await house.created('ada@x.test')
    expect(challenge.id).not.toBe(id)
  }
})

test('a sign-in from a new place, which is told of, is one round trip', async () => {
  for (const [number, told] of [
    [1, 0],
    [2, 1],
  ] as const) {
    const asked = await house.created('new@x.test')
    const session = {
      ...house.newSession(),
      circumstances: somewhere(number),
      seenAs: `Firefox ${number}`,
      notice: {
        kind: 'newDevice' as const,
        messageId: newId('msg', house.now()),
        expiresAt: house.now() + HOUR,
        sealed: () => 'keyid-01.x',
      },
    }
    // The bell that it rings for other nodes is no part of the answer.
    const trips = await tripsOf(() => house.verify(asked, WEAK, { session }))
    expect(trips).toBeLessThanOrEqual(1 + told)
    expect(await house.rows("SELECT 1 FROM messages WHERE notice = 'newDevice'")).toHaveLength(told)
  }
})

test('a refresh is one round trip', async () => {
  const { session } = await house.signIn('eve@x.test')
  const id = session?.id ?? ''
  expect(await tripsOf(() => house.rotate(id, 0))).toBe(1)
  expect(await tripsOf(() => house.rotate(id, 1))).toBe(1)
})

test('an answer that leads to an adoption takes a transaction, and no limit of round trips is promised for it', async () => {
  await house.newUser([{ value: 'import@x.test' }])
  const asked = await house.created('import@x.test')
  expect(await tripsOf(() => house.verify(asked, WEAK))).toBeGreaterThan(1)
})

/**
 * What the steps of an action cost besides the look with which each begins. They are transactions of several statements: no
 * budget is promised for them, and none of these figures may grow unseen.
 */
test('the steps of an action', async () => {
  const { store } = house
  const action = await tab.tracked(house)
  const trips: Record<string, number> = {}
  const step = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    let answer: { is: T } | undefined
    trips[name] = await tripsOf(async () => {
      answer = { is: await act() }
    })
    if (!answer) throw new Error(name)
    return answer.is
  }
  await step('begin', () => tab.tracked(house))
  await step('look', () => store.findActionByToken(tab.workingOf(action)))
  await step('identify', () => tab.address(house, action, 'act@x.test'))
  const sent = await step('send', () => tab.send(house, action, 'act@x.test'))
  if (sent.kind !== 'created') throw new Error(sent.kind)
  await step('wrong code', () => tab.answer(house, action, sent.challenge, '000000'))
  const proven = await step('right code', () => tab.answer(house, action, sent.challenge))
  expect(proven.kind).toBe('verified')
  expect((await step('validate', () => tab.validate(house, action))).kind).toBe('validated')
  const most = { begin: 5, look: 1, identify: 3, send: 13, 'wrong code': 11, 'right code': 18, validate: 16 }
  for (const [name, count] of Object.entries(most)) {
    // The bell of a send for other nodes is no part of its answer.
    const bell = name === 'send' ? 1 : 0
    expect([name, (trips[name] ?? 0) <= count + bell]).toEqual([name, true])
  }
})
