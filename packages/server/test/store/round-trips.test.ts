import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPostgresStore } from '../../src/store/postgres/store.ts'
import { type CountingProxy, countRoundTrips } from '../setup/counting-proxy.ts'
import { type FreshDatabase, freshDatabase } from '../setup/postgres.ts'
import { enter, type House, WEAK } from './contract/house.ts'

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
