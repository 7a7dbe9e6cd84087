import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newApp } from '../../src/core/apps/apps.ts'
import { newId } from '../../src/core/ids.ts'
import { systemRandom } from '../../src/core/system.ts'
import { readMigrations } from '../../src/store/migrations.ts'
import { functionName, installFunctions } from '../../src/store/postgres/functions.ts'
import { MIGRATIONS, migrate } from '../../src/store/postgres/migrate.ts'
import { openPostgresStore, type PostgresOptions } from '../../src/store/postgres/store.ts'
import { openConnection } from '../../src/store/sqlite/database.ts'
import { migrate as migrateSqlite, MIGRATIONS as SQLITE_MIGRATIONS } from '../../src/store/sqlite/migrate.ts'
import { handDatabaseClock } from '../setup/hand-clock.ts'
import { type FreshDatabase, freshDatabase } from '../setup/postgres.ts'
import { admin } from '../setup/postgres-server.ts'
import { enter, type House, WEAK } from './contract/house.ts'
import { newAction } from './contract/tab.ts'

/** What only a database server can do to a store, and what only many nodes need. */

let database: FreshDatabase
const houses: House[] = []
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(async () => {
  for (const house of houses.splice(0)) await house.close()
  await database.drop()
})

async function open(options: PostgresOptions = {}, parameters = ''): Promise<House> {
  const store = openPostgresStore(`${database.url}${parameters}`, { clock: handDatabaseClock(), ...options })
  const house = await enter(async () => ({ store, rows: database.rows, close: () => store.close() }))
  houses.push(house)
  return house
}

it('has the tables and columns of SQLite, in the same migrations', async () => {
  const sqlite = openConnection(':memory:')
  const applied = migrateSqlite(sqlite, readMigrations(SQLITE_MIGRATIONS))
  expect(readMigrations(MIGRATIONS).map(({ name }) => name)).toEqual(applied)
  const ours = sqlite.all(
    `SELECT tables.name || '.' || columns.name AS name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
     WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%' ORDER BY 1`,
  )
  const theirs = await database.rows(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' ORDER BY (table_name || '.' || column_name) COLLATE "C"`,
  )
  expect(theirs.map(({ name }) => name)).toEqual(ours.map(({ name }) => name))
  sqlite.close()
})

it('keeps every text in the collation by which ids are in the order of their creation', async () => {
  const others = await database.rows(
    `SELECT table_name, column_name FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name <> 'migrations' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`,
  )
  expect(others).toEqual([])
})

it('is migrated by one of many at once; a newer schema and a changed migration are refused', async () => {
  const shipped = readMigrations(MIGRATIONS)
  const more = [...shipped, { name: '9998_more', sql: 'CREATE TABLE more (id text)', checksum: 'a' }]
  const applied = await Promise.all(
    Array.from({ length: 5 }, () => admin(database.url, client => migrate(client, more))),
  )
  expect(applied.flat()).toEqual(['9998_more'])
  await expect(admin(database.url, client => migrate(client, shipped))).rejects.toThrow('run a newer Ostiary')
  const changed = more.map(one => ({ ...one, checksum: 'b' }))
  await expect(admin(database.url, client => migrate(client, changed))).rejects.toThrow('was changed after')
})

it('leaves nothing of a migration that fails', async () => {
  const broken = [
    ...readMigrations(MIGRATIONS),
    { name: '9998_half', sql: 'CREATE TABLE half (id text); SELECT 1 / 0', checksum: 'a' },
  ]
  await expect(admin(database.url, client => migrate(client, broken))).rejects.toThrow('division by zero')
  expect(await database.rows("SELECT to_regclass('half') AS half")).toEqual([{ half: null }])
})

it('serves while a column is added by a later version, whose functions stand beside ours', async () => {
  const house = await open()
  const before = await house.created('ada@x.test')
  await database.rows('ALTER TABLE challenges ADD COLUMN later integer NOT NULL DEFAULT 7')
  await database.rows('ALTER TABLE sessions ADD COLUMN later integer NOT NULL DEFAULT 7')
  await admin(database.url, client => installFunctions(client))
  expect((await house.verify(before, WEAK)).kind).toBe('verified')
  await house.signIn('eve@x.test')
  const [found] = await database.rows(
    `SELECT count(*) AS n FROM pg_proc WHERE proname = '${functionName('send')}'`,
  )
  expect(found).toEqual({ n: 1 })
})

it('refuses a caller whose clock is off in either direction, and nothing is spent', async () => {
  const house = await open({ clock: () => START_OF_DATABASE })
  const challenge = await house.created('ada@x.test', { more: { now: START_OF_DATABASE } })
  const { session } = await house.signIn('eve@x.test')
  const id = session?.id ?? ''
  for (const off of [-2001, 2001]) {
    const now = START_OF_DATABASE + off
    for (const call of [
      () => house.verify(challenge, WEAK, { now }),
      () => house.created('eve@x.test', { more: { now } }),
      () => house.rotate(id, 0, { now }),
      () => house.store.findSessionNow(house.environment.id, id, now),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'unavailable' })
  }
  expect((await house.rotate(id, 0)).kind).toBe('rotated')
  expect((await house.verify(challenge, WEAK, { now: START_OF_DATABASE + 1999 })).kind).toBe('verified')
})
const START_OF_DATABASE = Date.UTC(2026, 10, 21, 12, 0, 0)

it('judges by the clock of the database itself where nothing stands in for it', async () => {
  const store = openPostgresStore(database.url)
  await expect(store.judgeAt(Date.now() - 3000)).rejects.toMatchObject({ code: 'unavailable' })
  const now = Date.now()
  expect(await store.judgeAt(now - 1000)).toBeGreaterThanOrEqual(now - 50)
  await store.close()
})

it('does not take a wait for a connection for a clock that is behind', async () => {
  const store = openPostgresStore(`${database.url}?pool=1`)
  await admin(database.url, async client => {
    await client.query('BEGIN; LOCK TABLE instance IN ACCESS EXCLUSIVE MODE')
    const first = store.ping(Date.now())
    const second = store.ping(Date.now())
    const third = store.judgeAt(Date.now())
    await pause(2_500)
    await client.query('ROLLBACK')
    await Promise.all([first, second])
    expect(await third).toBeGreaterThan(Date.now() - 1_000)
  })
  await store.close()
})

it('goes on after every connection was ended, and tells those under way that it does not know', async () => {
  const house = await open()
  const challenge = await house.created('ada@x.test')
  // Another holds the address, so that the answer waits in the middle of its call.
  await admin(database.url, async client => {
    await client.query('BEGIN')
    await client.query(`SELECT ${functionName('lock')}($1)`, [[`${house.environment.id}:address:ada@x.test`]])
    const waiting = house.verify(challenge, WEAK).catch(error => error)
    await pause(200)
    await database.rows(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ostiary' AND datname = current_database()",
    )
    expect(await waiting).toMatchObject({ code: 'outcome_unknown', status: 503 })
  })
  expect((await house.verify(challenge, WEAK)).kind).toBe('verified')
})

it.each([
  [
    'address',
    (house: House) => `SELECT ${functionName('lock')}(ARRAY['${house.environment.id}:address:ada@x.test'])`,
    'verified',
  ],
  ['user', () => "UPDATE users SET status = 'blocked'", 'userBlocked'],
  ['challenge', () => 'UPDATE challenges SET attempts_left = 0', 'exhausted'],
  ['session', () => 'UPDATE sessions SET revoked_at = created_at', 'invalid'],
])('judges after what another does to the %s, not beside it', async (what, does, answer) => {
  const house = await open()
  const { session } = await house.signIn('ada@x.test')
  const challenge = await house.created('ada@x.test')
  await admin(database.url, async client => {
    await client.query('BEGIN')
    await client.query(does(house))
    let isOver = false
    const judging = what === 'session' ? house.rotate(session?.id ?? '', 0) : house.verify(challenge, WEAK)
    const judged = judging.finally(() => {
      isOver = true
    })
    await pause(300)
    expect(isOver).toBe(false)
    await client.query('COMMIT')
    expect((await judged).kind).toBe(answer)
  })
})

describe.each([
  ['ended', 'UPDATE device_users SET ended_at = created_at'],
  ['moved on', "UPDATE devices SET token_hash = 'another'"],
  [
    'no longer that of who has the address',
    "UPDATE identifiers SET is_primary = 0, user_id = (SELECT id FROM users WHERE name = 'Eve')",
  ],
])('a device that is %s while its send waits', (_, does) => {
  it.each(['a send', 'a send with an Idempotency-Key'])('counts as none: %s', async what => {
    const house = await open()
    await house.newUser([{ value: 'eve@x.test' }], { name: 'Eve' })
    const device = {
      id: newId('dev', house.now()),
      tokenHash: 'a hash',
      presentedHash: null,
      rememberMs: 1000,
    }
    const session = { ...house.newSession(), device }
    await house.verify(await house.created('ada@x.test'), WEAK, { session })
    const limit = (name: string) => ({ name, windows: [{ ms: 3_600_000, max: 5 }] })
    const asked = house.newChallenge('ada@x.test', {
      more: {
        limits: [{ ...limit('sendsPerAddress'), key: 'ada@x.test' }],
        known: { tokenHash: 'a hash', own: limit('sendsPerKnownDevice'), limits: [] },
      },
    })
    const { origin } = house
    const once = { id: 'a key', environmentId: origin.environmentId, bodyHash: 'b', answer: async () => null }
    await admin(database.url, async client => {
      await client.query('BEGIN')
      const name = `${house.environment.id}:address:ada@x.test`
      await client.query(`SELECT ${functionName('lock')}($1)`, [[name]])
      await client.query(does)
      const sending = house.store.createChallenge(asked, what === 'a send' ? undefined : once)
      expect(await Promise.race([sending, pause(300, 'waits')])).toBe('waits')
      await client.query('COMMIT')
      expect(await sending).toMatchObject({ kind: 'created', challenge: { deviceId: null } })
    })
    const [row, ...others] = await house.rows('SELECT id FROM limits')
    expect([row?.id, others]).toEqual([`${house.environment.id}:sendsPerAddress:ada@x.test`, []])
  })
})

// There is no foreign key that would see it: the row of the default app would be locked by everybody.
it.each(['a send', 'a send with an Idempotency-Key', 'a verify', 'a session opened later', 'an action'])(
  'writes nothing for an app that is deleted meanwhile: %s',
  async what => {
    const house = await open()
    const { store, origin } = house
    const app = newApp(systemRandom, house.environment, house.now(), { name: 'Second' })
    await store.createApp(app, origin, house.now())
    const asked = (address: string, more = {}) =>
      house.newChallenge(address, { row: { appId: app.id, ...more } })
    const challenge = await house.created('ada@x.test', { row: { appId: app.id } })
    const later = await house.created('eve@x.test', { row: { appId: app.id, opensSession: false } })
    expect((await house.verify(later, WEAK)).kind).toBe('verified')
    const once = { id: 'a key', environmentId: origin.environmentId, bodyHash: 'b', answer: async () => null }
    const acts: Record<string, () => Promise<unknown>> = {
      'a send': () => store.createChallenge(asked('new@x.test')),
      'a send with an Idempotency-Key': () => store.createChallenge(asked('new@x.test'), once),
      'a verify': () => house.verify(challenge, WEAK),
      'an action': () =>
        store.createAction({
          origin,
          now: house.now(),
          row: newAction(house, { appId: app.id }).row,
          limits: [],
          openingHash: null,
          workingHash: 'a hash',
        }),
      'a session opened later': () =>
        store.openSession({
          origin,
          now: house.now(),
          epoch: 1,
          challengeId: later.id,
          withinMs: 600_000,
          session: house.newSession(),
        }),
    }
    await admin(database.url, async client => {
      await client.query('BEGIN')
      await client.query(`DELETE FROM apps WHERE id = '${app.id}'`)
      const acting = acts[what]?.().catch(error => error)
      expect(await Promise.race([acting, pause(300, 'waits')])).toBe('waits')
      await client.query('COMMIT')
      expect(await acting).toMatchObject({ code: 'state_conflict' })
    })
    expect(await house.rows("SELECT id FROM challenges WHERE address = 'new@x.test'")).toEqual([])
    expect(await house.rows(`SELECT id FROM sessions WHERE app_id = '${app.id}'`)).toEqual([])
    expect(await house.rows('SELECT id FROM actions')).toEqual([])
  },
)

it('answers unavailable while the database is gone, at once when many wait', async () => {
  const store = openPostgresStore('postgres://nobody:nothing@127.0.0.1:1/none')
  await expect(store.ping(Date.now())).rejects.toMatchObject({ code: 'unavailable', status: 503 })
  await store.close()
  const house = await open({}, '?pool=1')
  await admin(database.url, async client => {
    await client.query('BEGIN; LOCK TABLE instance IN ACCESS EXCLUSIVE MODE')
    const now = house.now()
    const answers = await Promise.allSettled(
      Array.from({ length: 600 }, async () => {
        const begunAt = performance.now()
        await house.store.ping(now).catch(error => {
          throw Object.assign(error, { after: performance.now() - begunAt })
        })
      }),
    )
    const refused = answers.flatMap(answer => (answer.status === 'rejected' ? [answer.reason] : []))
    expect(refused.length).toBeGreaterThan(500)
    expect(refused.every(({ code }) => code === 'unavailable')).toBe(true)
    // Past what the queue holds nobody waits.
    expect(refused.filter(({ after }) => after < 500).length).toBeGreaterThanOrEqual(90)
  })
}, 30_000)

it('tells a call that its Idempotency-Key is still at work after five seconds', async () => {
  const house = await open()
  await admin(database.url, async client => {
    await client.query('BEGIN')
    await client.query(`SELECT ${functionName('lock')}($1)`, [['idempotency:a key']])
    const once = { id: 'a key', environmentId: house.environment.id, bodyHash: 'b', answer: async () => null }
    const begunAt = performance.now()
    await expect(house.store.createChallenge(house.newChallenge('ada@x.test'), once)).rejects.toMatchObject({
      code: 'idempotency_in_progress',
      status: 409,
    })
    expect(performance.now() - begunAt).toBeGreaterThan(4_500)
  })
})

it('rings for the workers of other nodes, also after the line was cut', async () => {
  const sender = await open()
  const other = openPostgresStore(database.url, { clock: handDatabaseClock() })
  const heard: string[] = []
  other.onQueued(environmentId => heard.push(environmentId))
  const hears = async () => {
    heard.length = 0
    for (let tries = 0; tries < 40 && heard.length === 0; tries++) {
      await sender.created(`a${tries}@x.test`)
      await pause(100)
    }
    return heard
  }
  expect(await hears()).toContain(sender.environment.id)
  await database.rows(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ostiary listen' AND datname = current_database()",
  )
  await pause(300)
  expect(await hears()).toContain(sender.environment.id)
  await other.close()
})

it('rings for other nodes a few times a second, however many messages are queued', async () => {
  const house = await open()
  await admin(database.url, async client => {
    let rings = 0
    client.on('notification', () => rings++)
    await client.query('LISTEN ostiary_queued')
    const begunAt = performance.now()
    for (let index = 0; index < 60; index++) await house.created(`a${index}@x.test`)
    await pause(400)
    expect(rings).toBeGreaterThan(0)
    expect(rings).toBeLessThanOrEqual(1 + (performance.now() - begunAt) / 200)
  })
})

it('refuses a server that does not write through', async () => {
  const house = await open()
  const begin = () => house.store.begin({ now: house.now(), epoch: 1, keyIds: ['keyid-01'] })
  await begin()
  // What the settings say is all that can be asked; a view of that name before the real one says otherwise.
  await database.rows(
    `CREATE SCHEMA lies; CREATE VIEW lies.pg_settings AS SELECT 'fsync' AS name, 'off' AS setting`,
  )
  await database.rows(`ALTER DATABASE ${database.name} SET search_path = lies, pg_catalog, public`)
  const store = openPostgresStore(database.url, { clock: handDatabaseClock() })
  await expect(store.begin({ now: house.now(), epoch: 1, keyIds: ['keyid-01'] })).rejects.toThrow(
    'fsync = off',
  )
  await store.close()
})

it.each(['', '?pgbouncer=true'])('writes through whatever the role is set to (%s)', async parameters => {
  await database.rows(`ALTER DATABASE ${database.name} SET synchronous_commit = off`)
  await database.rows('CREATE TABLE seen (what text, setting text)')
  await database.rows(
    `CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       INSERT INTO seen VALUES (TG_TABLE_NAME || ' ' || TG_OP, current_setting('synchronous_commit')); RETURN NULL; END $$`,
  )
  for (const table of ['challenges', 'sessions', 'messages', 'users'])
    await database.rows(
      `CREATE TRIGGER see AFTER INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION see()`,
    )
  const house = await open({}, parameters)
  const { session } = await house.signIn('ada@x.test')
  await house.rotate(session?.id ?? '', 0)
  const [claimed] = await house.store.claimMessages({
    now: house.now(),
    limit: 1,
    leaseMs: 1000,
    busyDomains: [],
  })
  await house.store.settleMessages([
    {
      id: claimed?.message.id ?? '',
      environmentId: house.environment.id,
      attempt: 1,
      now: house.now(),
      kind: 'sent',
      reply: '250',
      keepSealedUntil: null,
    },
  ])
  await house.newUser([{ value: 'eve@x.test' }])
  const seen = await database.rows('SELECT DISTINCT what, setting FROM seen ORDER BY what')
  expect(seen.map(({ what }) => what)).toEqual([
    'challenges INSERT',
    'challenges UPDATE',
    'messages INSERT',
    'messages UPDATE',
    'sessions INSERT',
    'sessions UPDATE',
    'users INSERT',
  ])
  expect(new Set(seen.map(({ setting }) => setting))).toEqual(new Set(['on']))
})

it('starts for a role that may not create anything, where nothing is missing', async () => {
  const role = `reader_${database.name}`
  await database.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'reader'`)
  await database.rows(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`)
  const url = Object.assign(new URL(database.url), { username: role, password: 'reader' })
  const store = openPostgresStore(url.href)
  expect(await store.migrate()).toEqual({ applied: [] })
  await store.begin({ now: Date.now(), epoch: 1, keyIds: ['keyid-01'] })
  await store.close()
  await database.rows(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
})

it('refuses what is no address of a PostgreSQL, in words', () => {
  expect(() => openPostgresStore('postgres://h/d?pool=0')).toThrow('pool')
  expect(() => openPostgresStore('postgres://h/d?pgbouncer=yes')).toThrow('pgbouncer')
})
