import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type House, openHouse } from './house.ts'
import { statementsOf } from './statements.ts'

/** A filter that leaves few rows is answered by its index: a walk through a long table would stop the event loop. */

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

test.each([
  ['/v1/challenges?to=a@example.com', 'challenges_of_address'],
  ['/v1/challenges?userId=usr_x', 'challenges_of_user'],
  ['/v1/messages?challengeId=chl_x', 'messages_of_challenge'],
  ['/v1/events?userId=usr_x&type=session.created', 'events_of_user'],
  ['/v1/events?challengeId=chl_x&type=challenge.created', 'events_of_challenge'],
  ['/v1/events?sessionId=ses_x&type=session.created', 'events_of_session'],
  ['/v1/events?type=session.created', 'events_of_type'],
])('%s uses %s', async (path, index) => {
  const statements = await statementsOf(() => house.call('GET', path))
  const [sql] = statements.filter(one => one.includes('ORDER BY id') && one.includes('LIMIT'))
  const database = new DatabaseSync(house.file, { readOnly: true })
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`)
  const values = Array.from({ length: (sql?.match(/\?\d+/g) ?? []).length }, () => 'x')
  const steps = plan.all(...values).map(({ detail }) => detail)
  database.close()
  expect(steps.join('; ')).toContain(index)
})
