import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkListen, checkPostgres } from '../../src/cli/doctor/postgres.ts'
import { openSink, type Sink } from '../delivery/smtp-sink.ts'
import { handDatabaseClock } from '../setup/hand-clock.ts'
import { hasPgbouncer, startPgbouncer } from '../setup/pgbouncer.ts'
import { type FreshDatabase, freshDatabase } from '../setup/postgres.ts'
import { apiOf, freePort, liveSettings, ostiary, startServer } from '../setup/process.ts'
import { handClock, type TestServer, testServer } from '../setup/server.ts'

// A real pgbouncer in transaction mode: statements have no names, sessions no settings, and LISTEN is deaf.

let database: FreshDatabase
let pooled: string
beforeAll(async () => {
  if (!hasPgbouncer) return
  database = await freshDatabase()
  pooled = (await startPgbouncer(database.url)).url
})
afterAll(async () => await database?.drop())

describe.skipIf(!hasPgbouncer)('behind pgbouncer', () => {
  let server: TestServer
  beforeAll(async () => {
    const databaseClock = handDatabaseClock()
    server = await testServer({
      database: pooled,
      databaseListenUrl: database.url,
      databaseClock,
      clock: handClock(Date.now()),
    })
  })
  afterAll(async () => await server.ostiary.stop())

  it('signs in, resends, refreshes, and finds a token that was used twice', async () => {
    const sent = await server.post('/v1/challenges', { to: 'ada@example.com' })
    expect(sent.status).toBe(201)
    server.clock.advance(31_000)
    expect((await server.post(`/v1/challenges/${sent.body.id}/resend`)).status).toBe(200)
    const { code } = await server.message({ challengeId: sent.body.id })
    const verified = await server.post(`/v1/challenges/${sent.body.id}/verify`, { code })
    expect(verified.status).toBe(200)
    const { refreshToken } = verified.body.tokens
    const next = await server.post('/v1/sessions/refresh', { refreshToken })
    expect(next.status).toBe(200)
    const later = await server.post('/v1/sessions/refresh', { refreshToken: next.body.tokens.refreshToken })
    expect(later.status).toBe(200)
    expect((await server.post('/v1/sessions/refresh', { refreshToken })).body.code).toBe('refresh_reused')
  })

  it('answers a repeated request as before, also when both come at once', async () => {
    const key = { 'Idempotency-Key': 'behind-a-pooler' }
    const [one, other] = await Promise.all(
      [1, 2].map(() => server.post('/v1/challenges', { to: 'grace@example.com' }, key)),
    )
    const again = await server.post('/v1/challenges', { to: 'grace@example.com' }, key)
    const ids = [one, other, again].flatMap(answer => (answer?.status === 201 ? [answer.body.id] : []))
    expect(ids.length).toBeGreaterThanOrEqual(2)
    expect(new Set(ids).size).toBe(1)
    const refused = [one, other].filter(answer => answer?.status !== 201)
    for (const answer of refused) expect(answer?.body.code).toBe('idempotency_in_progress')
    const rows = await database.rows(
      "SELECT count(*) AS found FROM challenges WHERE address = 'grace@example.com'",
    )
    expect(rows).toEqual([{ found: 1 }])
  })

  it('takes many at once over four connections', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => server.signIn(`many${index}@example.com`)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const limit =
      "SELECT count(*) AS found FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ostiary'"
    expect((await database.rows(limit))[0]?.found).toBeLessThanOrEqual(4)
  })

  it('one code is spent once, however many try', async () => {
    const sent = await server.post('/v1/challenges', { to: 'race@example.com' })
    const { code } = await server.message({ challengeId: sent.body.id })
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.post(`/v1/challenges/${sent.body.id}/verify`, { code })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it('doctor hears that LISTEN works directly, and that it is deaf through the pooler', async () => {
    const { findings } = await checkPostgres({ address: pooled, listenAddress: database.url }, Date.now())
    expect(findings.filter(({ status }) => status === 'fail')).toEqual([])
    expect(findings).toContainEqual(expect.objectContaining({ check: 'listen', status: 'ok' }))
    const unmarked = Object.assign(new URL(pooled), { search: '' }).href
    expect(await checkListen({ address: unmarked, listenAddress: null })).toMatchObject({
      status: 'fail',
      fix: expect.stringContaining('?pgbouncer=true'),
    })
    expect(await checkListen({ address: pooled, listenAddress: unmarked })).toMatchObject({ status: 'fail' })
  })
})

describe.skipIf(!hasPgbouncer)('two processes behind pgbouncer, api and worker', () => {
  let sink: Sink
  beforeAll(async () => {
    sink = await openSink()
  })
  afterAll(() => sink.close())

  /** Signs somebody in, and tells how long the mails of a few were on their way, in milliseconds. */
  async function deliveries(listen: boolean): Promise<number[]> {
    const fresh = await freshDatabase()
    const { url, stop } = await startPgbouncer(fresh.url)
    const { env, port } = await liveSettings(sink.url)
    const own = { ...env, DATABASE_URL: url, ...(listen && { DATABASE_LISTEN_URL: fresh.url }) }
    const side = await freePort()
    const api = await startServer(['start', '--role', 'api'], port, { env: own })
    const worker = await startServer(['start', '--role', 'worker'], side, {
      env: { ...own, METRICS_ADDRESS: `127.0.0.1:${side}` },
    })
    const { secret } = JSON.parse(
      (await ostiary(['keys', 'create', '-n', 'x', '-s', 'admin', '--json'], { env: own })).stdout,
    )
    const call = apiOf(api.url, secret)
    const took: number[] = []
    for (let index = 0; index < 4; index++) {
      const to = `${listen ? 'rung' : 'polled'}${index}@example.com`
      const begunAt = performance.now()
      const sent = await call('POST', '/v1/challenges', { to })
      const mine = () => sink.mails.find(mail => mail.to.includes(to))
      await expect.poll(mine, { timeout: 10_000, interval: 10 }).toBeDefined()
      took.push(performance.now() - begunAt)
      const code = /^\s*(\d{6})\s*$/m.exec(mine()?.email.text ?? '')?.[1]
      expect((await call('POST', `/v1/challenges/${sent.body.id}/verify`, { code })).status).toBe(200)
    }
    for (const running of [api, worker]) expect((await running.stop()).code).toBe(0)
    await stop()
    await fresh.drop()
    return took
  }

  it('with DATABASE_LISTEN_URL the worker is woken', async () => {
    const took = await deliveries(true)
    expect(Math.max(...took), took.join(' ')).toBeLessThan(900)
  })

  it('without it the worker looks once a second', async () => {
    const took = await deliveries(false)
    expect(Math.max(...took), took.join(' ')).toBeLessThan(3000)
    expect(Math.max(...took), took.join(' ')).toBeGreaterThan(100)
  })
})
