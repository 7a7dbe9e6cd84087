import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openSink, type Sink } from '../delivery/smtp-sink.ts'
import { type FreshDatabase, freshDatabase } from '../setup/postgres.ts'
import { admin } from '../setup/postgres-server.ts'
import {
  apiOf,
  type Call,
  freePort,
  liveSettings,
  ostiary,
  type Running,
  startServer,
} from '../setup/process.ts'

// Several processes on one PostgreSQL: as roles, as equals, and as a cluster on one port.

let sink: Sink
const databases: FreshDatabase[] = []
const servers: Running[] = []
beforeAll(async () => {
  sink = await openSink()
})
afterAll(async () => {
  await sink.close()
  await Promise.all(servers.map(server => server.kill()))
  for (const { drop } of databases) await drop()
})

type Settings = Awaited<ReturnType<typeof liveSettings>>

/** Settings of one more process on the same database, with a port of its own. */
async function another({ env }: Settings): Promise<Settings> {
  const next = await liveSettings(sink.url)
  const { OSTIARY_URL = '', OSTIARY_SECRET = '', DATABASE_URL = '' } = env
  return { ...next, env: { ...next.env, OSTIARY_URL, OSTIARY_SECRET, DATABASE_URL } }
}

async function settingsOnPostgres(): Promise<Settings> {
  const fresh = await freshDatabase()
  databases.push(fresh)
  const next = await liveSettings(sink.url)
  return { ...next, env: { ...next.env, DATABASE_URL: `${fresh.url}?pool=5` } }
}

async function start(settings: Settings, ...args: string[]): Promise<Running> {
  const server = await startServer(['start', ...args], settings.port, { env: settings.env })
  servers.push(server)
  return server
}

async function newKey({ env }: Settings, environment = 'live'): Promise<{ id: string; secret: string }> {
  const args = ['keys', 'create', '-e', environment, '-n', 'x', '-s', 'admin', '--json']
  return JSON.parse((await ostiary(args, { env })).stdout)
}

async function codeTo(address: string): Promise<string> {
  const mine = () => sink.mails.filter(({ to }) => to.includes(address))
  await expect.poll(() => mine().length, { timeout: 10_000, interval: 20 }).toBeGreaterThan(0)
  return /^\s*(\d{6})\s*$/m.exec(mine().at(-1)?.email.text ?? '')?.[1] ?? ''
}

async function signIn(send: Call, verify: Call, address: string) {
  const sent = await send('POST', '/v1/challenges', { to: address })
  expect(sent.status).toBe(201)
  return await verify('POST', `/v1/challenges/${sent.body.id}/verify`, { code: await codeTo(address) })
}

describe('two processes', () => {
  it('a change of the settings and a revoked key hold in the other one within a second', async () => {
    const settings = await settingsOnPostgres()
    const one = await start(settings)
    const other = await start(await another(settings))
    const { secret } = await newKey(settings)
    const revoked = await newKey(settings)
    const [here, there, dying] = [
      apiOf(one.url, secret),
      apiOf(other.url, secret),
      apiOf(other.url, revoked.secret),
    ]
    // Both have just read everything, so that what they know is as fresh as it gets.
    expect((await dying('GET', '/v1/settings')).body.signUp).toBe('open')
    expect((await there('GET', '/v1/settings')).body.signUp).toBe('open')

    expect((await here('PATCH', '/v1/settings', { signUp: 'closed' })).status).toBe(200)
    expect((await here('DELETE', `/v1/api-keys/${revoked.id}`)).status).toBeLessThan(300)
    await pause(1000)
    expect((await there('GET', '/v1/settings')).body.signUp).toBe('closed')
    expect((await dying('GET', '/v1/settings')).status).toBe(401)
  })

  it('what one sent the other one verifies', async () => {
    const settings = await settingsOnPostgres()
    const one = await start(settings)
    const other = await start(await another(settings))
    const { secret } = await newKey(settings)
    const verified = await signIn(apiOf(one.url, secret), apiOf(other.url, secret), 'grace@example.com')
    expect(verified).toMatchObject({ status: 200, body: { user: { email: 'grace@example.com' } } })
  })
})

describe('roles', () => {
  it('api answers and delivers nothing; worker delivers and answers nobody; together they sign in', async () => {
    const settings = await settingsOnPostgres()
    const api = await start(settings, '--role', 'api')
    const { secret } = await newKey(settings)
    const call = apiOf(api.url, secret)
    const sent = await call('POST', '/v1/challenges', { to: 'ada@example.com' })
    expect(sent.status).toBe(201)
    await pause(1500)
    expect(sink.mails.filter(({ to }) => to.includes('ada@example.com'))).toEqual([])

    const worker = await another(settings)
    const side = await freePort()
    worker.env.METRICS_ADDRESS = `127.0.0.1:${side}`
    // `/healthz` is on the listener of the metrics, and on no other one.
    const delivers = await startServer(['start', '--role', 'worker'], side, { env: worker.env })
    servers.push(delivers)
    await expect(fetch(`http://127.0.0.1:${worker.port}/healthz`)).rejects.toThrow()
    const code = await codeTo('ada@example.com')
    expect((await call('POST', `/v1/challenges/${sent.body.id}/verify`, { code })).status).toBe(200)

    // Awake by LISTEN now: sooner than the next look, which is a second away.
    const begunAt = performance.now()
    expect((await signIn(call, call, 'bob@example.com')).status).toBe(200)
    expect(performance.now() - begunAt).toBeLessThan(900)

    const ask = async (path: string, method = 'GET') =>
      await fetch(`http://127.0.0.1:${side}${path}`, { method, headers: { Connection: 'close' } })
    expect(await (await ask('/readyz')).json()).toEqual({ status: 'ready' })
    expect(await (await ask('/metrics')).text()).toMatch(
      /ostiary_deliveries_total\{transport="smtp",outcome="sent"\} [12]\n/,
    )
    expect((await ask('/v1/settings')).status).toBe(404)
    expect((await ask('/healthz', 'POST')).headers.get('allow')).toBe('GET, HEAD')
    expect((await delivers.stop()).code).toBe(0)
    expect((await api.stop()).code).toBe(0)
  })

  it('a worker outlives its database, and says on /readyz when it is gone', async () => {
    const settings = await settingsOnPostgres()
    const name = databases.at(-1)?.name ?? ''
    const side = await freePort()
    settings.env.METRICS_ADDRESS = `127.0.0.1:${side}`
    const worker = await startServer(['start', '--role', 'worker'], side, { env: settings.env })
    servers.push(worker)
    const ready = async () => (await fetch(`http://127.0.0.1:${side}/readyz`)).status
    expect(await ready()).toBe(200)
    await admin(inject('postgresUrl'), async client => {
      await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
      await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
      expect(await ready()).toBe(503)
      await pause(1500)
      await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
    })
    await expect.poll(ready, { timeout: 5000 }).toBe(200)
    expect((await worker.stop()).code).toBe(0)
  })

  it.each([
    [['--role', 'api'], /one process owns an SQLite file, so --role api is not for it\n.*PostgreSQL/],
    [['--role', 'worker'], /--role worker is not for it/],
    [['--workers', '2'], /--workers is not for it/],
    [['--role', 'boss'], /"boss" is not a role\n.*all, api, worker/],
    [['--workers', '0'], /"0" is not a number of processes/],
    [['--workers', 'two'], /"two" is not a number of processes/],
  ])('refused on SQLite or anywhere: %j', async (args, sentence) => {
    const { env } = await liveSettings(sink.url)
    const { code, stdout, stderr } = await ostiary(['start', ...args], { env })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(sentence)
  })
})

describe('--workers', () => {
  const pidsIn = (server: Running) =>
    server
      .stdout()
      .split('\n')
      .filter(line => line.includes('"a process was started"'))
      .map(line => JSON.parse(line).pid as number)
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }

  it('serves on one port; a killed process is replaced while requests go on; all stop together', async () => {
    const settings = await settingsOnPostgres()
    const side = await freePort()
    settings.env.METRICS_ADDRESS = `127.0.0.1:${side}`
    const server = await start(settings, '--workers', '2')
    const { secret } = await newKey(settings)
    const call = apiOf(server.url, secret)
    await expect.poll(() => pidsIn(server).length, { timeout: 10_000 }).toBe(2)
    expect((await signIn(call, call, 'carol@example.com')).status).toBe(200)

    const outcomes: { at: number; status: number | string }[] = []
    let isOver = false
    const clients = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const status = await fetch(`${server.url}/v1/settings`, {
          headers: { Authorization: `Bearer ${secret}`, Connection: 'close' },
          signal: AbortSignal.timeout(5000),
        }).then(
          async answer => {
            await answer.arrayBuffer()
            return answer.status
          },
          error => (error as Error).message,
        )
        outcomes.push({ at: performance.now(), status })
      }
    })
    await pause(500)
    const [victim = 0, survivor = 0] = pidsIn(server)
    process.kill(victim, 'SIGKILL')
    const killedAt = performance.now()
    await expect.poll(() => pidsIn(server).length, { timeout: 10_000 }).toBe(3)
    await pause(1500)
    isOver = true
    await Promise.all(clients)
    const bad = outcomes.filter(({ status }) => status !== 200)
    // Only what the dead process had in its hands is lost, one request of each client at most.
    expect(bad.length, JSON.stringify(bad)).toBeLessThanOrEqual(4)
    expect(bad.filter(({ status }) => typeof status === 'number')).toEqual([])
    expect(outcomes.filter(({ at }) => at > killedAt).length).toBeGreaterThan(50)

    const [, , replaced = 0] = pidsIn(server)
    expect([isAlive(victim), isAlive(survivor), isAlive(replaced)]).toEqual([false, true, true])
    // It answers, too: connections go to both in turns.
    const log = () => server.stdout().match(/"a process ended; another one is started in its place"/g)
    expect(log()).toHaveLength(1)

    expect((await server.stop()).code).toBe(0)
    expect([isAlive(survivor), isAlive(replaced)]).toEqual([false, false])
  })

  it('shows the metrics of all on METRICS_ADDRESS: counters added up, the store once', async () => {
    const settings = await settingsOnPostgres()
    const side = await freePort()
    settings.env.METRICS_ADDRESS = `127.0.0.1:${side}`
    const server = await start(settings, '--workers', '2')
    await expect.poll(() => pidsIn(server).length, { timeout: 10_000 }).toBe(2)
    const metric = async (name: string) => {
      const text = await (await fetch(`http://127.0.0.1:${side}/metrics`)).text()
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
    }
    const answered = 'ostiary_http_requests_total\\{method="GET",route="/openapi.json",status="200"\\}'
    // Until the second one listens the first has all the connections.
    await expect
      .poll(() => metric('process_resident_memory_bytes'), { timeout: 10_000 })
      .toBeGreaterThan(1.5e8)
    for (let index = 0; index < 20; index++)
      await (await fetch(`${server.url}/openapi.json`, { headers: { Connection: 'close' } })).arrayBuffer()
    expect(await metric(answered)).toBe(20)
    expect(await metric('ostiary_store_up')).toBe(1)
    expect(await metric('ostiary_protection_raised\\{environment="live"\\}')).toBe(0)
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404)
    expect((await fetch(`http://127.0.0.1:${side}/healthz`)).status).toBe(404)
    // Ctrl+C reaches every process of the group; it is one stop all the same.
    for (const pid of [server.pid, ...pidsIn(server)]) process.kill(pid, 'SIGINT')
    expect((await server.ended).code).toBe(0)
  })

  it('tells once what keeps it from starting, and ends as a single process would', async () => {
    const settings = await settingsOnPostgres()
    const taken = await start(settings)
    const next = await another(settings)
    const busy = await ostiary(['start', '--workers', '3'], {
      env: { ...next.env, PORT: String(taken.port) },
    })
    expect(busy.code).toBe(2)
    expect(busy.stderr.match(/port \d+ is taken/g)).toHaveLength(1)
    const token = { METRICS_TOKEN: 'a-token-for-scrapers' }
    const alone = await ostiary(['start', '--workers', '3'], { env: { ...next.env, ...token } })
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining('set METRICS_ADDRESS')])
    const worker = await ostiary(['start', '--workers', '3', '--role', 'worker'], { env: next.env })
    expect([worker.code, worker.stderr]).toEqual([2, expect.stringContaining('share a port')])
  })
})
