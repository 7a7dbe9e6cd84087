import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import {
  checkConnections,
  checkDurability,
  checkListen,
  checkPostgres,
  checkRights,
  checkSkew,
  checkVersion,
  masked,
} from '../../src/cli/doctor/postgres.ts'
import { openSink, type Sink } from '../delivery/smtp-sink.ts'
import { type FreshDatabase, freshDatabase } from '../setup/postgres.ts'
import { admin, withDatabase } from '../setup/postgres-server.ts'
import { apiOf, liveSettings, ostiary, startServer } from '../setup/process.ts'

const PASSWORD = 'pg-pass-word-4711'
const statuses = (findings: Finding[]) => findings.map(({ check, status }) => `${check} ${status}`)
const by = (findings: Finding[], check: string) => findings.find(one => one.check === check)

let sink: Sink
const dropped: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  sink = await openSink()
})
afterAll(async () => {
  await sink.close()
  for (const drop of dropped.toReversed()) await drop()
})

async function database(): Promise<FreshDatabase> {
  const fresh = await freshDatabase()
  dropped.push(fresh.drop)
  return fresh
}

/** A database without tables. */
async function emptyDatabase(): Promise<string> {
  const server = inject('postgresUrl')
  const name = `ostiary_empty_${randomBytes(6).toString('hex')}`
  await admin(server, client => client.query(`CREATE DATABASE ${name}`))
  dropped.push(() => admin(server, client => client.query(`DROP DATABASE ${name} WITH (FORCE)`)))
  return withDatabase(server, name)
}

/** The same database as another role that logs in with PASSWORD. */
async function asRole(url: string, grants: (role: string) => string): Promise<string> {
  const role = `ostiary_role_${randomBytes(6).toString('hex')}`
  await admin(url, client =>
    client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'; ${grants(role)}`),
  )
  dropped.push(() => admin(url, client => client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)))
  return Object.assign(new URL(url), { username: role, password: PASSWORD }).href
}

const settingsOf = async (url: string): ReturnType<typeof liveSettings> => {
  const live = await liveSettings(sink.url)
  return { ...live, env: { ...live.env, DATABASE_URL: url } }
}

describe('the commands', () => {
  it('migrate, env, apps, keys, users, events, inbox, send-test work on it, beside a server', async () => {
    const url = await emptyDatabase()
    const { env, port } = await settingsOf(url)
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await ostiary([...args, '--json'], { env })
      expect([code, stderr], args.join(' ')).toEqual([0, ''])
      return JSON.parse(stdout)
    }
    expect((await run('migrate')).applied).toContain('0001_initial')
    expect(await run('migrate')).toEqual({ applied: [] })
    const server = await startServer(['start'], port, { env })
    expect((await run('env', 'create', 'staging', '--mode', 'test')).slug).toBe('staging')
    const app = await run('apps', 'create', 'Shop', '-e', 'staging')
    expect((await run('apps', 'list', '-e', 'staging')).map(({ id }: { id: string }) => id)).toContain(app.id)
    const { id, secret } = await run('keys', 'create', '-n', 'x', '-s', 'admin', '-e', 'test')
    expect((await run('keys', 'list', '-e', 'test')).map((key: { id: string }) => key.id)).toContain(id)

    const api = apiOf(server.url, secret)
    const sent = await api('POST', '/v1/challenges', { to: 'ada@example.com' })
    expect(sent.status).toBe(201)
    const [mail] = await run('inbox', '--to', 'ada@example.com')
    const verified = await api('POST', `/v1/challenges/${sent.body.id}/verify`, { code: mail.code })
    expect(verified.status).toBe(200)
    const [event] = await run('events', '-e', 'test', '--type', 'session.created')
    expect(event.userId).toBe(verified.body.user.id)
    expect(await run('users', 'block', '--email', 'ada@example.com', '-e', 'test')).toMatchObject({
      status: 'blocked',
    })
    expect(await run('users', 'delete', verified.body.user.id, '-e', 'test', '--yes')).toEqual({
      deleted: verified.body.user.id,
    })
    expect((await run('send-test', '--to', 'you@example.com', '-e', 'live')).reply).toContain('250')
    expect(await run('keys', 'revoke', id, '-e', 'test')).toEqual({ revoked: id })
    expect((await server.stop()).code).toBe(0)
  })

  it('secret: status, reseal and replace', async () => {
    const { env } = await settingsOf((await database()).url)
    const json = async (args: string[], secret = env.OSTIARY_SECRET ?? '') => {
      const { code, stdout, stderr } = await ostiary(['secret', ...args, '--json'], {
        env: { ...env, OSTIARY_SECRET: secret },
      })
      expect([code, stderr], args.join(' ')).toEqual([0, ''])
      return JSON.parse(stdout)
    }
    await ostiary(['env', 'list'], { env })
    const [only] = await json(['status'])
    expect(only).toMatchObject({ role: 'writes', queuedMessages: 0 })
    expect(only.signingKeys).toBeGreaterThan(0)
    const next = `${(await json(['generate'])).secret},${env.OSTIARY_SECRET}`
    const [writes, reads] = await json(['status'], next)
    expect([writes.signingKeys, reads.signingKeys]).toEqual([0, only.signingKeys])
    expect((await json(['reseal'], next)).signingKeys).toBe(only.signingKeys)
    expect((await json(['status'], next))[1].signingKeys).toBe(0)
    expect(Object.keys((await json(['replace', '--yes'], next)).ended)).toEqual(['test', 'live'])
  })

  it('secret status reads a database without tables', async () => {
    const { env } = await settingsOf(await emptyDatabase())
    const { code, stdout } = await ostiary(['secret', '--json'], { env })
    expect([code, JSON.parse(stdout).length]).toEqual([0, 1])
  })
})

describe('doctor', () => {
  it('finds a running server in order, and changes nothing', async () => {
    const fresh = await database()
    const { env, port } = await settingsOf(`${fresh.url}?pool=5`)
    const server = await startServer(['start'], port, { env })
    const tables = `SELECT (SELECT count(*) FROM events) AS events, (SELECT epoch FROM instance) AS epoch`
    const before = await fresh.rows(tables)
    const { code, stdout, stderr } = await ostiary(['doctor', '--json'], { env })
    const { findings } = JSON.parse(stdout)
    expect([code, stderr]).toEqual([0, ''])
    for (const check of 'database version durability skew listen pool rights schema write'.split(' '))
      expect(by(findings, check), check).toMatchObject({ status: 'ok' })
    expect(by(findings, 'database')?.message).toMatch(/^127\.0\.0\.1:\d+\/ostiary_\w+ answers in \d+\.\d ms$/)
    expect(by(findings, 'disk')).toBeUndefined()
    expect(await fresh.rows(tables)).toEqual(before)
    expect((await server.stop()).code).toBe(0)
  })

  it('before the first start: a warning, and no table is made', async () => {
    const url = await emptyDatabase()
    const { findings, inspection } = await checkPostgres({ address: url, listenAddress: null }, Date.now())
    expect(findings.filter(({ status }) => status !== 'ok')).toMatchObject([
      { check: 'schema', status: 'warn', message: expect.stringContaining('no tables of ours') },
    ])
    expect(inspection).toBeNull()
    const { rows } = await admin(url, client => client.query("SELECT to_regclass('migrations') AS made"))
    expect(rows[0].made).toBeNull()
  })

  it('tells a schema that is older and one that is newer', async () => {
    const fresh = await database()
    const place = { address: fresh.url, listenAddress: null }
    await fresh.rows("INSERT INTO migrations (name, checksum) VALUES ('9999_new', 'x')")
    const newer = await checkPostgres(place, Date.now())
    expect(by(newer.findings, 'schema')).toMatchObject({ status: 'fail' })
    await fresh.rows("DELETE FROM migrations WHERE name IN ('9999_new', '0002_templates')")
    const older = await checkPostgres(place, Date.now())
    expect(by(older.findings, 'schema')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('0002_templates'),
    })
    expect(older.inspection?.state).toBeNull()
  })

  it('tells a role that may not create, one that does not own the tables, and one that may not write', async () => {
    const { url } = await database()
    const reader = await asRole(
      url,
      role =>
        `GRANT USAGE ON SCHEMA public TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`,
    )
    const { findings } = await checkPostgres({ address: reader, listenAddress: null }, Date.now())
    expect(by(findings, 'rights')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('create'),
    })
    expect(by(findings, 'write')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('denied'),
    })
    // And it is true that start refuses.
    const { env } = await settingsOf(reader)
    const refused = await ostiary(['start'], { env })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('permission denied')
    expect(refused.stdout + refused.stderr).not.toContain(PASSWORD)

    const creator = await asRole(
      url,
      role =>
        `GRANT USAGE, CREATE ON SCHEMA public TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`,
    )
    const other = await checkPostgres({ address: creator, listenAddress: null }, Date.now())
    expect(by(other.findings, 'rights')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('belong to another role'),
    })
    expect(by(other.findings, 'write')).toMatchObject({ status: 'ok' })
  })

  it('hears whether LISTEN works, and is not deceived by another database', async () => {
    const [{ url }, other] = [await database(), await database()]
    expect(await checkListen({ address: url, listenAddress: null })).toMatchObject({ status: 'ok' })
    expect(await checkListen({ address: url, listenAddress: other.url })).toMatchObject({ status: 'fail' })
    expect(await checkListen({ address: `${url}?pgbouncer=true`, listenAddress: null })).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('once a second'),
    })
    expect(await checkListen({ address: `${url}?pgbouncer=true`, listenAddress: url })).toMatchObject({
      status: 'ok',
    })
  })

  const durable = { fsync: 'on', fullPageWrites: 'on', synchronousCommit: 'on', isStandby: false }
  it.each([
    ['in order', {}, 'ok'],
    ['fsync', { fsync: 'off' }, 'fail'],
    ['full_page_writes', { fullPageWrites: 'off' }, 'fail'],
    ['synchronous_commit, which we set', { synchronousCommit: 'off' }, 'ok'],
    ['a standby', { isStandby: true }, 'fail'],
  ])('durability: %s', (_name, change, status) => {
    const [finding] = checkDurability({ ...durable, ...change })
    expect(finding?.status).toBe(status)
  })

  it.each([
    [0, 'ok'],
    [-400, 'ok'],
    [900, 'warn'],
    [2000, 'warn'],
    [2001, 'fail'],
    [-2001, 'fail'],
  ])('skew: %i ms is %s', (skewMs, status) => {
    expect(checkSkew({ skewMs }).status).toBe(status)
  })

  it('version, rights and pool', () => {
    expect(checkVersion({ version: 130_022 }).status).toBe('fail')
    expect(checkVersion({ version: 140_000 }).status).toBe('ok')
    expect(checkRights({ mayCreate: true, mayAlter: true }).status).toBe('ok')
    const room = (limit: number, poolSize = 10, isPooled = false) =>
      checkConnections({ connections: { limit, used: 1 } }, { poolSize, isPooled }).status
    expect([room(97), room(22), room(21), room(11), room(10)]).toEqual(['ok', 'ok', 'warn', 'warn', 'fail'])
    expect(room(10, 100, true)).toBe('ok')
  })
})

describe('the password', () => {
  it('stands in no message, wherever the connection fails', async () => {
    const { url } = await database()
    const secret = 'wrong-pass-word-0815'
    const addresses = {
      password: Object.assign(new URL(url), { password: secret }).href,
      role: Object.assign(new URL(url), { username: 'nobody', password: secret }).href,
      database: Object.assign(new URL(url), { pathname: '/nowhere', password: 'postgres' }).href,
      port: `postgres://postgres:${secret}@localhost:1/postgres`,
      host: `postgres://postgres:${secret}@nowhere.invalid/postgres`,
      parameter: `postgres://postgres@127.0.0.1:1/postgres?password=${secret}`,
    }
    for (const [what, address] of Object.entries(addresses)) {
      const { env } = await settingsOf(address)
      const commands = [['start'], ['doctor'], ['migrate', '--json'], ['secret'], ['env', 'list']]
      const ends = await Promise.all(commands.map(args => ostiary(args, { env })))
      for (const [index, { code, stdout, stderr }] of ends.entries()) {
        const which = `${what} ${commands[index]}`
        expect(code, which).toBe(1)
        expect(stdout + stderr, which).not.toContain(secret)
        expect(stdout + stderr, which).not.toContain('postgres:postgres')
        // And it does say something.
        expect(stdout + stderr, which).toMatch(
          /authentication failed|does not exist|ECONNREFUSED|ENOTFOUND|EAI_AGAIN/,
        )
      }
    }
  }, 90_000)

  it('is masked should anybody repeat it, as it stands in the URL or not', () => {
    const address = 'postgres://me:p%40ss%25w%2F%rd@db.example/x'
    expect(masked(new Error('no p@ss%w/%rd and no p%40ss%25w%2F%rd'), address)).toBe(
      'no [password] and no [password]',
    )
    expect(masked(new AggregateError([new Error('one'), new Error('two')]), address)).toBe('one, two')
  })

  it('a running server whose database goes away logs why, and not with what', async () => {
    const fresh = await database()
    const role = await asRole(
      fresh.url,
      name => `GRANT ALL ON SCHEMA public TO ${name}; GRANT postgres TO ${name}`,
    )
    const { env, port } = await settingsOf(role)
    const server = await startServer(['start'], port, { env: { ...env, LOG_LEVEL: 'trace' } })
    const name = new URL(role).username
    await admin(fresh.url, async client => {
      await client.query(`ALTER ROLE ${name} NOLOGIN`)
      await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${name}'`)
    })
    const ready = await fetch(`${server.url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.text()).not.toContain(PASSWORD)
    await admin(fresh.url, client => client.query(`ALTER ROLE ${name} LOGIN`))
    await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status, { timeout: 5000 }).toBe(200)
    const { code, stdout, stderr } = await server.stop()
    expect(code).toBe(0)
    expect(stdout).toContain('request failed')
    expect(stdout + stderr).not.toContain(PASSWORD)
  })
})

it('the statuses of a database that nobody reaches are one failure', async () => {
  const { findings } = await checkPostgres(
    { address: 'postgres://me@127.0.0.1:1/x', listenAddress: null },
    Date.now(),
  )
  expect(statuses(findings)).toEqual(['database fail'])
})
