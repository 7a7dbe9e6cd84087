import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import { createKeyring } from '../../src/core/keys.ts'
import { createOstiary } from '../../src/main.ts'
import { copyToPostgres, tablesOf, undoCopy } from '../../src/store/copy.ts'
import { openPostgresStore } from '../../src/store/postgres/store.ts'
import type { Row } from '../../src/store/sql/transaction.ts'
import { openConnection } from '../../src/store/sqlite/database.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { buildWorld, codeOf, fresh, handoverOf, mailbox, raw, send, wrongCode } from '../http/world.ts'
import { handDatabaseClock } from '../setup/hand-clock.ts'
import { type FreshDatabase, freshDatabase } from '../setup/postgres.ts'
import { admin, withDatabase } from '../setup/postgres-server.ts'
import { BIN, ostiary, temporaryFolder } from '../setup/process.ts'
import { handClock, SECRET, type TestServer, testServer } from '../setup/server.ts'

const closing: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closing.reverse()) await close()
})

async function target(): Promise<FreshDatabase> {
  const database = await freshDatabase()
  closing.push(database.drop)
  return database
}

/** A server on a file of its own. The past, because PostgreSQL has the machine's clock and refuses a future. */
async function source(options: Parameters<typeof testServer>[0] = {}): Promise<TestServer> {
  const server = await testServer({ clock: handClock(Date.now() - 600_000), ...options })
  closing.push(server.stop)
  return server
}

/** A file with the two environments and so many events, each with a text of so many letters. */
async function fileWith(events: number, bytes = 100): Promise<string> {
  const file = join(temporaryFolder(), 'ostiary.db')
  const ostiary = await createOstiary({ publicUrl: 'http://localhost', secrets: [SECRET], database: file })
  const environmentId = (await ostiary.deps.directory.bySlug('live'))?.environment.id as string
  await ostiary.stop()
  const db = new DatabaseSync(file)
  const insert = db.prepare(
    "INSERT INTO events (id, type, environment_id, actor_type, data, created_at) VALUES (?, 'session.refreshed', ?, 'system', ?, ?)",
  )
  const start = Date.now() - 3_600_000
  db.exec('BEGIN; DELETE FROM events')
  for (let index = 0; index < events; index++)
    insert.run(
      newId('evt', start + index),
      environmentId,
      JSON.stringify({ text: 'é€𝄞"\\'.padEnd(bytes, String(index)) }),
      start + index,
    )
  db.exec('COMMIT')
  db.close()
  return file
}

/** Every row of every table that is moved, in the order of the keys; read by other means than the copy's. */
async function rowsOf(file: string, { rows }: FreshDatabase): Promise<Record<string, [Row[], Row[]]>> {
  const db = openConnection(file, { readOnly: true })
  const found: Record<string, [Row[], Row[]]> = {}
  for (const { name, columns, key } of tablesOf(db)) {
    const sql = `SELECT ${columns.join(', ')} FROM ${name} ORDER BY ${key.join(', ')}`
    found[name] = [db.all(sql).map(row => ({ ...row })), await rows(sql)]
  }
  db.close()
  return found
}

const { keyIds } = createKeyring([SECRET], 1)

const begin = async (url: string) => {
  const store = openPostgresStore(url)
  try {
    await store.begin({ now: Date.now(), epoch: 1, keyIds })
  } finally {
    await store.close()
  }
}
const moveOf = async (database: FreshDatabase) => (await database.rows('SELECT * FROM move'))[0]
const eventsIn = async (database: FreshDatabase) =>
  (await database.rows('SELECT count(*) AS rows FROM events'))[0]?.rows as number

describe('a move', () => {
  it('takes the queue of webhooks along, and queues nothing anew', async () => {
    const server = await source()
    await server.post('/v1/webhooks', { url: 'https://receiver.invalid/' })
    for (let count = 0; count < 3; count++) await server.signIn(fresh())
    await server.ostiary.drain()
    await server.ostiary.stop()
    const database = await target()
    const { tables } = await copyToPostgres({
      from: await server.snapshot(),
      to: database.url,
      now: Date.now(),
    })
    expect(tables.webhook_endpoints).toBe(1)
    expect(tables.webhook_deliveries).toBeGreaterThan(12)
    for (const name of ['webhook_endpoints', 'webhook_deliveries']) {
      const [here, there] = (await rowsOf(await server.snapshot(), database))[name] ?? [[], []]
      expect(there).toEqual(here)
    }
  })

  it('takes everything along, and what is under way goes on in the target', async () => {
    let isDown = false
    const inbox = mailbox()
    const box = {
      ...inbox,
      send: async (...args: Parameters<typeof inbox.send>) => {
        if (isDown) throw new Error('451 later')
        return await inbox.send(...args)
      },
    }
    const server = await source({ transport: box })
    const world = await buildWorld(server, inbox, 'test')
    await server.post('/v1/hooks/before-sign-in/rotate-secret')
    const blocked = fresh('blocked')
    const { body } = await server.signIn(blocked)
    await server.post(`/v1/users/${body.user.id}/block`)
    const challenge = await send(server, { to: fresh() })
    const code = await codeOf(server, challenge.id)
    for (let guess = 0; guess < 2; guess++)
      await server.post(`/v1/challenges/${challenge.id}/verify`, { code: wrongCode(code) })
    const once = { headers: { 'Idempotency-Key': randomBytes(9).toString('hex') } }
    const asked = { to: fresh() }
    const answered = await raw(server, 'POST', '/v1/challenges', asked, once)
    expect(answered.status).toBe(201)
    const linked = await send(server, {
      to: fresh(),
      credential: 'link',
      redirectUrl: 'http://localhost:3000/cb',
    })
    const { link } = await server.message({ challengeId: linked.id })
    isDown = true
    const waiting = fresh('waiting')
    await send(server, { to: waiting }, server.liveKey)
    await server.ostiary.store.purge({
      now: server.clock.now(),
      environmentId: (await server.ostiary.deps.directory.bySlug('test'))?.environment.id as string,
      retentionDays: { events: 30, challenges: 30, messages: 30, sessions: 30 },
      exposure: {
        perAddress: { hour: 10, day: 20 },
        perEnvironment: { tenMinutes: 50, factor: 3, cap: 500 },
      },
      limit: 100,
    })
    // Events are counted when they are two minutes old, and the clock stands still.
    const id = (await server.ostiary.deps.directory.bySlug('test'))?.environment.id
    await server.tamper(
      `INSERT INTO usage_counts (environment_id, day, metric, channel, method, detail, happened)
       VALUES ('${id}', 20000, 'asked', 'email', 'emailCode', '', 3)`,
    )

    const database = await target()
    const file = server.database
    const copied = await copyToPostgres({ from: file, to: database.url, now: Date.now() })
    for (const [name, count] of Object.entries(copied.tables))
      expect(count, `rows of ${name}`).toBeGreaterThan(0)
    for (const [name, [here, there]] of Object.entries(await rowsOf(file, database)))
      expect(there, name).toEqual(here)
    expect((await database.rows('SELECT epoch FROM instance'))[0]).toEqual({ epoch: 1 })

    // The server that is still running on the file.
    const path = `/v1/challenges/${challenge.id}/verify`
    for (const [method, url, sent] of [
      ['POST', path, { code }],
      ['POST', '/v1/challenges', { to: fresh() }],
      ['POST', '/v1/sessions/refresh', { refreshToken: world.refreshToken }],
      ['POST', '/v1/sessions/verify', { accessToken: world.accessToken }],
      ['GET', '/readyz', undefined],
    ] as const)
      expect(await server.call(method, url, sent), url).toMatchObject({
        status: 503,
        body: { code: 'unavailable' },
      })
    const page = await raw(server, 'GET', new URL(link).pathname, undefined, { key: null })
    expect(page.status).toBe(503)
    await expect(server.ostiary.store.holdsLease('msg_1', 1, 0)).rejects.toMatchObject({
      code: 'unavailable',
    })
    isDown = false
    server.clock.advance(59_000)
    await pause(300)
    expect(inbox.code(waiting)).toBe('')

    const moved = await testServerOn(database, server, box)
    const call = (url: string, sent: unknown, headers = {}) =>
      raw(moved, 'POST', url, sent, { key: server.key, headers })
    expect(await call('/v1/challenges', asked, once.headers)).toMatchObject({
      status: 201,
      text: answered.text,
    })
    expect(await call(path, { code })).toMatchObject({ status: 200 })
    expect(await call('/v1/sessions/refresh', { refreshToken: world.refreshToken })).toMatchObject({
      status: 200,
    })
    const linkToken = await handoverOf(moved, link)
    expect(await call('/v1/challenges/verify', { linkToken })).toMatchObject({ status: 200 })
    expect(await call('/v1/challenges/verify', { linkToken: world.handover })).toMatchObject({ status: 200 })
    const user = await raw(moved, 'GET', `/v1/users/${body.user.id}`, undefined, { key: server.key })
    expect(JSON.parse(user.text).status).toBe('blocked')
    await moved.ostiary.drain()
    await expect.poll(() => inbox.code(waiting), { timeout: 5000 }).toMatch(/^\d+$/)
    expect(inbox.mails.filter(mail => mail.to === waiting)).toHaveLength(1)
  })

  it('loses no write that was answered, and takes none that was refused, while a server writes', async () => {
    const file = await fileWith(1000)
    const store = openSqliteStore(file)
    closing.push(() => store.close())
    await store.begin({ now: Date.now(), epoch: 1, keyIds })
    const environmentId = (await store.listEnvironments())[0]?.id as string
    const database = await target()
    const answered: string[] = []
    const refused: unknown[] = []
    const refusedIds: string[] = []
    let isOver = false
    const writing = Array.from({ length: 20 }, async () => {
      while (!isOver) {
        const id = newId('evt', Date.now())
        const event = { id, type: 'session.refreshed' as const, environmentId, createdAt: Date.now() }
        await store.addEvents([{ ...EVENT, ...event }]).then(
          () => answered.push(id),
          error => {
            refused.push(error.code)
            refusedIds.push(id)
          },
        )
        await pause(1)
      }
    })
    await pause(100)
    const ended = await ostiary(['copy', '--from', `sqlite:${file}`, '--to', database.url, '--json'])
    isOver = true
    await Promise.all(writing)
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(answered.length).toBeGreaterThan(20)
    expect(refused.length).toBeGreaterThan(20)
    expect(new Set(refused)).toEqual(new Set(['unavailable']))
    const there = new Set((await database.rows('SELECT id FROM events')).map(row => row.id))
    expect(answered.filter(id => !there.has(id))).toEqual([])
    expect(refusedIds.filter(id => there.has(id))).toEqual([])
    expect(JSON.parse(ended.stdout).tables.events).toBe(there.size)
  })
})

const EVENT = {
  appId: null,
  actor: { type: 'system' as const, id: null },
  userId: null,
  challengeId: null,
  actionId: null,
  sessionId: null,
  organizationId: null,
  requestId: null,
  context: null,
  data: {},
}

/** A node on the target, by the clock and with the keys of the server that was left. */
async function testServerOn(
  database: FreshDatabase,
  left: TestServer,
  transport: ReturnType<typeof mailbox>,
): Promise<TestServer> {
  const ostiary = await createOstiary({
    publicUrl: 'http://localhost:4545',
    secrets: [SECRET],
    database: database.url,
    databaseClock: handDatabaseClock(),
    clock: left.clock,
    transport,
  })
  closing.push(() => ostiary.stop())
  ostiary.start()
  return { ...left, ostiary }
}

describe('kill -9', () => {
  it('at any point leaves a target that does not start, and the next run goes on', async () => {
    const events = 20_000
    const file = await fileWith(events)
    const database = await target()
    const args = ['copy', '--from', `sqlite:${file}`, '--to', database.url]
    const isRetired = async () => {
      const db = openConnection(file, { readOnly: true })
      const move = db.one('SELECT state FROM move')
      db.close()
      return move?.state === 'retired'
    }
    const reached = [0]
    for (const isThere of [
      isRetired,
      ...[0.1, 0.4, 0.8].map(part => async () => (await eventsIn(database)) >= part * events),
      async () => (await eventsIn(database)) === events,
    ]) {
      const child = spawn(process.execPath, [BIN, ...args], {
        stdio: 'ignore',
        env: { PATH: process.env.PATH },
      })
      const ended = new Promise(resolve => child.once('close', resolve))
      while (!(await isThere()) && child.exitCode === null) await pause(2)
      child.kill('SIGKILL')
      await ended
      expect(child.signalCode).toBe('SIGKILL')
      reached.push(await eventsIn(database))
      const move = await moveOf(database)
      if (move) expect(move.state).toBe('copying')
      if (move)
        await expect(begin(database.url)).rejects.toThrow('is not complete: run the same ostiary copy again')
    }
    // It went on, and did not begin anew.
    expect(reached).toEqual(reached.toSorted((a, b) => a - b))
    expect(new Set(reached).size).toBeGreaterThan(3)

    const last = await ostiary(args)
    expect(last).toMatchObject({ code: 0, stderr: '' })
    expect(last.stdout).toContain('set DATABASE_URL')
    for (const [name, [here, there]] of Object.entries(await rowsOf(file, database)))
      expect(there, name).toEqual(here)
    const again = await ostiary([...args, '--json'])
    expect(JSON.parse(again.stdout)).toMatchObject({ wasComplete: true, tables: { events } })
  })
})

describe('what is compared', () => {
  it.each([
    [
      'a value',
      "UPDATE events SET data = data || ' ' WHERE id = (SELECT id FROM events ORDER BY id OFFSET 700 LIMIT 1)",
      'data',
    ],
    [
      'a null',
      'UPDATE apps SET audience = NULL, is_default = 0 WHERE id = (SELECT min(id) FROM apps)',
      'is_default',
    ],
    [
      'a row that is gone',
      'DELETE FROM events WHERE id = (SELECT id FROM events ORDER BY id OFFSET 300 LIMIT 1)',
      'events',
    ],
    [
      'a row too many',
      'INSERT INTO events SELECT (jsonb_populate_record(e, \'{"id": "evt_ffff"}\')).* FROM events AS e LIMIT 1',
      'evt_ffff',
    ],
  ])(
    'finds %s that differs; the target does not start, and the move can be taken back',
    async (_, damage, named) => {
      const file = await fileWith(1000)
      const database = await target()
      const input = { from: file, to: database.url, now: Date.now() }
      await expect(
        copyToPostgres(input, step => {
          if (step === 'compared') throw new Error('stopped')
        }),
      ).rejects.toThrow('stopped')
      await database.rows(damage)
      const ended = await ostiary(['copy', '--from', `sqlite:${file}`, '--to', database.url])
      expect(ended.code).toBe(1)
      expect(ended.stderr).toContain('the copy is not the same as its source')
      expect(ended.stderr).toContain(named)
      expect(ended.stderr).not.toContain('é€')
      await expect(begin(database.url)).rejects.toThrow('is not complete')

      expect(
        await ostiary(['copy', '--undo', '--from', `sqlite:${file}`, '--to', database.url]),
      ).toMatchObject({ code: 0 })
      await copyToPostgres(input)
      expect(await eventsIn(database)).toBe(1000)
    },
  )
})

describe('taking it back', () => {
  it('lets the running server go on, and empties the target', async () => {
    const server = await source()
    const database = await target()
    const input = { from: server.database, to: database.url, now: Date.now() }
    await copyToPostgres(input)
    expect((await server.post('/v1/challenges', { to: fresh() })).status).toBe(503)
    await expect(server.ostiary.store.begin({ now: 0, epoch: 1, keyIds: [] })).rejects.toThrow(
      'ostiary copy --undo',
    )
    await undoCopy(input)
    expect((await server.post('/v1/challenges', { to: fresh() })).status).toBe(201)
    expect(await moveOf(database)).toBe(undefined)
    for (const [, [, there]] of Object.entries(await rowsOf(server.database, database)))
      expect(there).toEqual([])
    await copyToPostgres(input)
    expect((await moveOf(database))?.state).toBe('complete')
  })

  it('is refused once the target was started', async () => {
    const file = await fileWith(10)
    const database = await target()
    await copyToPostgres({ from: file, to: database.url, now: Date.now() })
    await begin(database.url)
    const undo = await ostiary(['copy', '--undo', '--from', `sqlite:${file}`, '--to', database.url])
    expect(undo).toMatchObject({ code: 2, stdout: '' })
    expect(undo.stderr).toContain('was started')
    expect((await moveOf(database))?.state).toBe('started')
    expect(await eventsIn(database)).toBe(10)
  })
})

describe('refuses', () => {
  const copy = (from: string, to: string, ...more: string[]) =>
    ostiary(['copy', '--from', from, '--to', to, ...more])
  const isFree = (file: string) => {
    const db = openConnection(file, { readOnly: true })
    const move = db.one('SELECT * FROM move')
    db.close()
    return move === undefined
  }

  it('a start on the file that was left, with the remedy', async () => {
    const file = await fileWith(1)
    const database = await target()
    await copyToPostgres({ from: file, to: database.url, now: Date.now() })
    const env = {
      OSTIARY_URL: 'http://localhost:4545',
      OSTIARY_SECRET: 'w3lH0qPZ4uJm1x8Tn6rB5yKc2vGd7fSaEoLiUjXtMhQ',
      DATABASE_URL: `sqlite:${file}`,
      SMTP_URL: 'smtp://127.0.0.1:9',
      MAIL_FROM: 'login@acme.example',
    }
    const started = await ostiary(['start'], { env })
    expect(started.code).toBe(1)
    expect(started.stderr).toContain(`moved to PostgreSQL at 127.0.0.1:`)
    expect(started.stderr).toContain('Set DATABASE_URL to that')
    expect(started.stderr).not.toContain('postgres:postgres')
  })

  it('a target that is in use, of something else, of another copy, or behind a pooler', async () => {
    const file = await fileWith(1)
    const used = await target()
    await begin(used.url)
    const foreign = `foreign_${randomBytes(6).toString('hex')}`
    const server = inject('postgresUrl')
    await admin(server, client => client.query(`CREATE DATABASE ${foreign}`))
    closing.push(() => admin(server, client => client.query(`DROP DATABASE ${foreign} WITH (FORCE)`)))
    const foreignUrl = withDatabase(server, foreign)
    await admin(foreignUrl, client => client.query('CREATE TABLE orders (id integer)'))
    const taken = await target()
    await copyToPostgres({ from: await fileWith(1), to: taken.url, now: Date.now() })
    for (const [url, sentence] of [
      [used.url, 'the target is not empty'],
      [foreignUrl, 'the target has tables of something else'],
      [taken.url, 'the target holds the copy of another database'],
      [`${used.url}?pgbouncer=true`, 'a pooler stands before the target'],
      ['sqlite:/somewhere.db', '--to is not a PostgreSQL'],
      [`${used.url}?pool=many`, '--to has a pool that is not a number'],
    ] as const) {
      const { code, stderr, stdout } = await copy(`sqlite:${file}`, url)
      expect([code, stdout], url).toEqual([2, ''])
      expect(stderr).toContain(sentence)
    }
    const tables = await admin(foreignUrl, client =>
      client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"),
    )
    expect(tables.rows).toEqual([{ tablename: 'orders' }])
    expect(isFree(file)).toBe(true)
  })

  it('a server that does not answer, with exit code 1, and leaves the file in use', async () => {
    const file = await fileWith(1)
    const { code, stderr } = await copy(`sqlite:${file}`, 'postgres://nobody:hidden-word@127.0.0.1:9/nothing')
    expect(code).toBe(1)
    expect(stderr).toContain('the target does not answer')
    expect(stderr).not.toContain('hidden-word')
    expect(isFree(file)).toBe(true)
  })

  it('a file that is not there, one of another schema, and one that moves elsewhere', async () => {
    const database = await target()
    const missing = join(temporaryFolder(), 'missing.db')
    expect((await copy(`sqlite:${missing}`, database.url)).stderr).toContain('is not there')
    const old = await fileWith(1)
    const db = new DatabaseSync(old)
    db.exec("DELETE FROM migrations WHERE name LIKE '0003%'")
    db.close()
    const refused = await copy(`sqlite:${old}`, database.url, '--json')
    expect(refused.code).toBe(2)
    expect(JSON.parse(refused.stderr)).toMatchObject({ hint: expect.stringContaining('ostiary migrate') })

    const left = await fileWith(1)
    await copyToPostgres({ from: left, to: database.url, now: Date.now() })
    const other = await target()
    for (const more of [[], ['--undo']]) {
      const ended = await copy(`sqlite:${left}`, other.url, ...more)
      expect(ended.code).toBe(2)
      expect(ended.stderr).toContain(`the file is being moved to 127.0.0.1:`)
    }
    expect(await moveOf(other)).toBe(undefined)
  })

  it('a target whose clock is behind what the file has seen', async () => {
    const file = await fileWith(1)
    const db = new DatabaseSync(file)
    db.prepare('UPDATE instance SET last_instant = ?').run(Date.now() + 60_000)
    db.close()
    const database = await target()
    const { code, stderr } = await copy(`sqlite:${file}`, database.url)
    expect(code).toBe(2)
    expect(stderr).toMatch(/the clock of the target is \d{5} ms behind/)
    expect(isFree(file)).toBe(true)
  })
})

it('copies 100,000 events of 1 KB in less memory than they have', async () => {
  const file = await fileWith(100_000, 1000)
  const database = await target()
  const args = ['--max-old-space-size=96', BIN, 'copy', '--from', `sqlite:${file}`, '--to', database.url]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  })
  let told = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    told += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    told += text
  })
  const code = await new Promise(resolve => child.once('close', resolve))
  expect([code, told]).toEqual([0, expect.stringMatching(/copied {4}events +[\d,]+\n/)])
  expect(await eventsIn(database)).toBe(100_000)
}, 120_000)
