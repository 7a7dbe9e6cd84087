import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from '../child.ts'
import { contestOf } from '../contest.ts'
import { type Connection, openConnection, Unexpected } from '../load/connection.ts'
import { startPostgres } from '../postgres/server.ts'
import { quantile } from '../quantile.ts'
import { formatted, markdownTable } from '../table.ts'
import type { Usage } from '../usage.ts'

/**
 * What rules cost in real calls: an action of a named user over loopback, on both databases, by so many rules of which the last
 * matches, and by none. Either way it is allowed, so that all else of the call is the same.
 */

export interface TrackPlan {
  rules: number
  /** Of each contender, in rounds that take turns. */
  calls: number
  concurrency: number
}

const ROUNDS = 5
const WARM_UP_CALLS = 500
/** No round begins after it: on a busy machine there are fewer calls. */
const LONGEST_MS = 80_000

// Of the kinds of docs/rules.md; none errs for what is known in these calls, and none of them matches.
const MISSED: ((index: number) => string)[] = [
  index => `device.known && user.hasPasskey && user.ageDays > ${index}`,
  index => `has(history.speedKmh) && history.speedKmh > ${900 + index}.0`,
  index => `history.failures.hour >= ${10 + index} || history.failures.day >= ${30 + index}`,
  index => `action.attributes.amount > ${1000 + index} && !(user.email in list("partners"))`,
  index => `now.getHours("Europe/Berlin") > ${24 + index} && ip.address == "192.0.2.${index}"`,
  index => `user.email.matches("^[a-z]+${index}@example\\\\.(com|org)$")`,
  index => `inNetwork(ip.address, "10.${index}.0.0/16") || has(ip.isAnonymous) && ip.isAnonymous`,
  index => `user.enrolledMethods.exists(method, method == "totp${index}")`,
  index => `now - user.createdAt < duration("-${index + 1}h")`,
  index => `userAgent.browser == "Chrome ${index}" || userAgent.isHeadless`,
]

interface Contender {
  name: string
  child: Child
  ask(connection: Connection): Promise<unknown>
  port: number
  perSecond: number[]
  latencies: number[]
  cpuMs: number
  databaseCpuMs: number
  celMicros: number
  calls: number
}

export async function measureTracking({ rules, calls, concurrency }: TrackPlan): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ostiary-track-'))
  const postgres = await startPostgres(folder)
  const load = loadavg()[0] ?? Number.NaN
  const contenders: Contender[] = []
  try {
    for (const store of ['SQLite', 'PostgreSQL'])
      for (const count of [0, rules]) {
        const file = `track${count}`
        const database =
          store === 'SQLite' ? `sqlite:${join(folder, `${file}.db`)}` : (await postgres.create(file))()
        contenders.push(await start(`${store}, ${count} rules`, database, count))
      }
    for (const one of contenders) await track(one, { concurrency, calls: WARM_UP_CALLS })
    const begin = performance.now()
    for (let round = 0; round < ROUNDS && performance.now() - begin < LONGEST_MS; round++)
      for (const one of contenders)
        await measureRound(one, { concurrency, calls: Math.ceil(calls / ROUNDS) }, postgres.cpuMs)
    print(contenders, load)
  } finally {
    for (const { child } of contenders) await child.stop()
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A server with its rules and one user. */
async function start(name: string, database: string, rules: number): Promise<Contender> {
  const child = startChild('ostiary/serve.ts')
  const contest = await contestOf(database)
  const secretKey = await child.ask<string>('start', contest)
  const headers = { Authorization: `Bearer ${secretKey}` }
  const spare = await openConnection(contest.port)
  const call = async (
    method: 'POST' | 'PATCH',
    path: string,
    body: object,
    connection: Connection = spare,
  ) => {
    const answer = await connection.ask({ method, path, headers, body: JSON.stringify(body) })
    if (answer.status !== 200 && answer.status !== 201) throw new Unexpected(answer)
    return JSON.parse(answer.body)
  }
  await call('POST', '/v1/lists', { name: 'partners', entries: ['grace@example.net'] })
  for (let index = 0; index < rules; index++) {
    const isLast = index === rules - 1
    const condition = isLast
      ? 'action.attributes.amount == 250'
      : (MISSED[index % MISSED.length]?.(index) ?? '')
    const priority = Math.min(index, 99)
    await call('POST', '/v1/rules', {
      name: `Rule ${index}`,
      condition,
      priority,
      outcome: isLast ? 'ALLOW' : 'BLOCK',
    })
  }
  if (rules === 0) await call('PATCH', '/v1/settings', { action: { defaultOutcome: { other: 'ALLOW' } } })
  const user = await call('POST', '/v1/users', { email: 'ada@example.net', emailVerified: true })
  const body = {
    name: 'payOut',
    userId: user.id,
    attributes: { amount: 250, currency: 'EUR' },
    context: {
      ipAddress: '192.0.2.7',
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    },
  }
  const { outcome, decision, rules: matched } = await call('POST', '/v1/actions', body)
  if (outcome !== 'ALLOW' || decision.erring.length > 0 || matched.length !== Math.min(rules, 1))
    throw new Error(`the last rule alone should match: ${JSON.stringify({ outcome, decision, matched })}`)
  spare.close()
  await child.ask('watchConditions')
  return {
    ...{ name, child, port: contest.port, perSecond: [], latencies: [] },
    ask: connection => call('POST', '/v1/actions', body, connection),
    ...{ cpuMs: 0, databaseCpuMs: 0, celMicros: 0, calls: 0 },
  }
}

/** So many calls over so many new connections: a server closes those that are idle. */
async function track(
  { ask, port }: Contender,
  { calls, concurrency }: Omit<TrackPlan, 'rules'>,
): Promise<Tracked> {
  const connections = await Promise.all(Array.from({ length: concurrency }, () => openConnection(port)))
  const latencies: number[] = []
  let left = calls
  const begin = performance.now()
  await Promise.all(
    connections.map(async connection => {
      while (left-- > 0) {
        const from = performance.now()
        await ask(connection)
        latencies.push(performance.now() - from)
      }
    }),
  )
  const ms = performance.now() - begin
  for (const connection of connections) connection.close()
  return { latencies, ms }
}

interface Tracked {
  latencies: number[]
  ms: number
}

async function measureRound(
  one: Contender,
  plan: Omit<TrackPlan, 'rules'>,
  databaseCpuMs: () => number | null,
): Promise<void> {
  const read = async () => ({
    usage: await one.child.ask<Usage>('usage'),
    cel: await one.child.ask<number>('conditionMicros'),
    database: databaseCpuMs() ?? Number.NaN,
  })
  const before = await read()
  const { latencies, ms } = await track(one, plan)
  one.latencies.push(...latencies)
  one.perSecond.push((1000 * plan.calls) / ms)
  const after = await read()
  one.cpuMs += after.usage.cpuMs - before.usage.cpuMs
  one.databaseCpuMs += one.name.startsWith('SQLite') ? Number.NaN : after.database - before.database
  one.celMicros += after.cel - before.cel
  one.calls += plan.calls
}

function print(contenders: readonly Contender[], load: number): void {
  const rate = ({ perSecond }: Contender) => quantile(perSecond, 0.5)
  const row = (name: string, digits: number, figure: (one: Contender, index: number) => number) => [
    name,
    ...contenders.map((one, index) => formatted(figure(one, index), digits)),
  ]
  // Each with rules stands behind the one without, and each round of it was run behind one of that.
  const ratio = (one: Contender, index: number) => {
    const without = index % 2 === 1 ? contenders[index - 1] : undefined
    if (!without) return Number.NaN
    return quantile(
      one.perSecond.map((rate, round) => rate / (without.perSecond[round] ?? Number.NaN)),
      0.5,
    )
  }
  console.log(
    `\n${markdownTable([
      ['POST /v1/actions', ...contenders.map(({ name }) => name)],
      row('calls', 0, one => one.calls),
      row('per second', 0, rate),
      row('of that without rules', 2, ratio),
      row('p50, ms', 1, one => quantile(one.latencies, 0.5)),
      row('p99, ms', 1, one => quantile(one.latencies, 0.99)),
      row('CPU of the server for a call, µs', 0, one => (1000 * one.cpuMs) / one.calls),
      row('CPU of the database for a call, µs', 0, one => (1000 * one.databaseCpuMs) / one.calls),
      row('of the server, conditions (CEL), µs', 0, one => one.celMicros / one.calls || Number.NaN),
      row('share of CEL, %', 1, one => one.celMicros / (10 * one.cpuMs) || Number.NaN),
    ])}`,
  )
  console.log(
    `\nMedian of ${contenders[0]?.perSecond.length} rounds that took turns; load before ${formatted(load, 1)}.`,
  )
}
