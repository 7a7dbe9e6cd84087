import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readUpTo } from '../../src/cli/follow.ts'
import type { Page } from '../../src/core/ports.ts'
import { type House, openHouse } from './house.ts'
import { statementsOf } from './statements.ts'

/** However long the tables are, a list looks at a bounded number of rows: a walk would stop the event loop. */

const ROWS = 4500
const RARE = 'i % 500 = 0'
// More than may be sorted, and none of them among the newest.
const MANY = 'i <= 550'

let house: House
let database: DatabaseSync
let userId: string
beforeAll(async () => {
  house = await openHouse()
  await house.call('POST', '/v1/challenges', { to: 'first@example.com' })
  const phone = '+4930123456'
  userId = (await house.call('POST', '/v1/users', { email: 'first@example.com', phone })).body.id
  database = new DatabaseSync(house.file)
  const address = `CASE WHEN ${MANY} THEN 'many@example.com' WHEN i % 900 = 0 THEN 'few@example.com' ELSE 'x' END`
  multiply('challenges', {
    id: idOf('chl'),
    address,
    user_id: `'${userId}'`,
    purpose: `CASE WHEN ${RARE} THEN 'rare' ELSE 'usual' END`,
    attempts_left: `CASE WHEN ${RARE} THEN 0 ELSE 5 END`,
  })
  multiply('messages', { id: idOf('msg'), challenge_id: idOf('chl') })
  multiply('users', { id: idOf('usr') })
  multiply('identifiers', {
    user_id: idOf('usr'),
    value: `CASE WHEN type = 'email' THEN ${address} WHEN ${MANY} THEN value ELSE 'x' END`,
  })
  multiply('events', {
    id: idOf('evt'),
    type: `CASE WHEN ${RARE} THEN 'user.updated' ELSE 'user.created' END`,
    user_id: `'${userId}'`,
    challenge_id: "'chl_one'",
    session_id: "'ses_one'",
  })
})
afterAll(async () => {
  database.close()
  await house.close()
})

const idOf = (prefix: string) => `'${prefix}_' || format('%026d', i)`

/** Copies a row of the table so many times, with these columns changed; `i` counts the copies. */
function multiply(table: string, changed: Record<string, string>): void {
  const names = database.prepare(`SELECT name FROM pragma_table_info('${table}')`).all()
  const columns = names.map(({ name }) => String(name))
  const key = table === 'identifiers' ? 'user_id' : 'id'
  database.exec(`WITH RECURSIVE copy (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM copy WHERE i < ${ROWS})
    INSERT INTO ${table} (${columns.join(', ')})
    SELECT ${columns.map(name => changed[name] ?? name).join(', ')}
    FROM copy, (SELECT * FROM ${table} WHERE ${key} IN (SELECT min(${key}) FROM ${table}))`)
}

async function walk(path: string) {
  const ids: string[] = []
  let short = 0
  for (let cursor = ''; ; ) {
    const { body } = await house.call('GET', `${path}&limit=100${cursor && `&cursor=${cursor}`}`)
    ids.push(...body.data.map((row: { id: string }) => row.id))
    if (body.nextCursor === null) return { ids, short }
    if (body.data.length < 100) short++
    cursor = body.nextCursor
  }
}

const OF_PHONE = `id IN (SELECT user_id FROM identifiers WHERE value = '+4930123456')`
const ofAddress = (value: string) => `(SELECT id FROM challenges WHERE address = '${value}@example.com')`

/** Each filter with what fits it, and whether its pages end where the look did. */
const FILTERS: [path: string, fits: string, isShort: boolean][] = [
  ['/v1/challenges?purpose=rare', "challenges WHERE purpose = 'rare'", true],
  ['/v1/challenges?channel=email&purpose=none', 'challenges WHERE false', true],
  ['/v1/challenges?status=exhausted', 'challenges WHERE attempts_left = 0', true],
  ['/v1/challenges?status=verified', 'challenges WHERE verified_at > 0', true],
  ['/v1/challenges?userId=U&purpose=rare', "challenges WHERE purpose = 'rare'", true],
  ['/v1/challenges?to=few@example.com', "challenges WHERE address = 'few@example.com'", false],
  ['/v1/challenges?to=few@example.com&userId=U', "challenges WHERE address = 'few@example.com'", false],
  [
    '/v1/challenges?to=many@example.com&purpose=rare',
    `challenges WHERE purpose = 'rare' AND address LIKE 'many%'`,
    true,
  ],
  ['/v1/challenges?createdAfter=2026-11-21T12:00:01Z', 'challenges WHERE false', false],
  ['/v1/messages?to=few@example.com', `messages WHERE challenge_id IN ${ofAddress('few')}`, false],
  ['/v1/messages?to=many@example.com', `messages WHERE challenge_id IN ${ofAddress('many')}`, true],
  ['/v1/messages?to=none@example.com', 'messages WHERE false', false],
  ['/v1/users?phone=%2B4930123456', `users WHERE ${OF_PHONE}`, true],
  [
    '/v1/users?email=few@example.com',
    "users WHERE id IN (SELECT user_id FROM identifiers WHERE value = 'few@example.com')",
    false,
  ],
  ['/v1/events?type=user.updated', "events WHERE type = 'user.updated'", false],
  [
    '/v1/events?type=user.updated&userId=U',
    "events WHERE type = 'user.updated' AND user_id IS NOT NULL",
    true,
  ],
  ['/v1/events?type=user.updated&challengeId=chl_one', "events WHERE type = 'user.updated'", true],
  ['/v1/events?userId=U&sessionId=ses_one&type=user.updated', "events WHERE type = 'user.updated'", true],
]

describe('walked to its end', () => {
  test.each(FILTERS)(
    '%s gives all that fits, and no page looks further than it may',
    async (path, fits, isShort) => {
      const rows = database.prepare(`SELECT id FROM ${fits} ORDER BY id DESC`).all()
      const { ids, short } = await walk(path.replace('=U', `=${userId}`))
      expect(ids).toEqual(rows.map(({ id }) => id))
      expect(short).toBe(isShort ? 2 : 0)
    },
  )
})

test('a command of the operator reads on until it has what was asked for', async () => {
  const { ostiary } = house
  const view = await ostiary.deps.directory.bySlug('test')
  const filter = { type: 'user.updated', userId, challengeId: null, actionId: null, sessionId: null }
  const read = (page: Page) => ostiary.store.listEvents(view?.environment.id ?? '', filter, page)
  const bounds = { before: null, createdAfter: null, createdBefore: null }
  expect(await readUpTo(read, { ...bounds, limit: 9 })).toHaveLength(9)
  expect(await readUpTo(read, { ...bounds, limit: 7 })).toHaveLength(7)
  expect(await readUpTo(read, { ...bounds, limit: 100 })).toHaveLength(9)
})

describe('the index of', () => {
  test.each([
    ['/v1/challenges?purpose=rare', 'sqlite_autoindex_challenges_2 (environment_id=? AND id>?)'],
    ['/v1/challenges?status=pending', 'sqlite_autoindex_challenges_2 (environment_id=? AND id>?)'],
    ['/v1/challenges?to=few@example.com&userId=usr_x', 'challenges_of_address'],
    ['/v1/challenges?to=many@example.com', 'sqlite_autoindex_challenges_2 (environment_id=? AND id>?)'],
    ['/v1/challenges?userId=usr_x', 'challenges_of_user'],
    ['/v1/messages?challengeId=chl_x&to=many@example.com', 'messages_of_challenge'],
    ['/v1/messages?to=few@example.com', 'messages_of_challenge'],
    ['/v1/messages?to=many@example.com', 'messages_of_environment (environment_id=? AND id>?)'],
    ['/v1/users?email=few@example.com', 'identifiers_of_address'],
    ['/v1/users?phone=%2B4930123456', 'sqlite_autoindex_users_2 (environment_id=? AND id>?)'],
    ['/v1/users?externalId=x&email=many@example.com', 'users_external_id'],
    ['/v1/users?username=x', 'users_username'],
    ['/v1/events?userId=usr_x&type=session.created', 'events_of_user'],
    ['/v1/events?challengeId=chl_x&type=challenge.created', 'events_of_challenge'],
    ['/v1/events?sessionId=ses_x&type=session.created', 'events_of_session'],
    ['/v1/events?type=session.created', 'events_of_type'],
  ])('%s is %s', async (path, index) => {
    const statements = await statementsOf(() => house.call('GET', path))
    const page = statements.find(one => /^SELECT \* .* ORDER BY id.* LIMIT/.test(one)) ?? ''
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${page}`)
    const values = Array.from({ length: new Set(page.match(/\?\d+/g)).size }, () => 'x')
    const steps = plan.all(...values).map(({ detail }) => detail)
    expect(steps.join('; ')).toContain(index)
    expect(steps.join('; ')).not.toContain('SCAN')
  })
})
