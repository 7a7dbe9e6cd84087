import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { type Contender, ENTRIES, prepare } from './contenders.ts'
import type { Loaded } from './load/generator.ts'
import { readOptions } from './options.ts'
import { startPostgres } from './postgres/server.ts'
import { median } from './quantile.ts'
import { loadWith, settle } from './rounds.ts'
import { formatted, markdownTable } from './table.ts'

/**
 * `npm run bench:webhooks`: what a webhook endpoint for all events costs those who sign in, by how well its receiver is.
 * The stretches of one round lie side by side, so what the machine does beside falls on all of them.
 */

const options = readOptions('bench:webhooks', process.argv.slice(2), {
  seconds: 2,
  rounds: 6,
  concurrency: 16,
})

const MOODS = ['none', 'healthy', 'silent', 'refused'] as const
type Mood = (typeof MOODS)[number]
const WORDS: Record<Mood, string> = {
  none: 'no endpoint',
  healthy: 'a receiver that answers 204',
  silent: 'one that accepts and never answers',
  refused: 'one that refuses connections',
}

const folder = mkdtempSync(join(tmpdir(), 'ostiary-webhooks-'))
const postgres = await startPostgres(folder)
const load = loadavg()[0] ?? Number.NaN
try {
  for (const entry of [ENTRIES.ostiarySqlite, ENTRIES.ostiaryPostgres]) {
    const prepared = await prepare(entry, { folder, postgres, profile: null }, console.error)
    if (!prepared) continue
    console.error(`webhooks on ${entry.name}`)
    const contender = await prepared.start()
    const [receivers, generator] = [startChild('webhooks/receivers.ts'), startChild('load/generator.ts')]
    console.log(`${print(entry.name, await measure(contender, receivers, generator))}\n`)
    for (const child of [contender, receivers, generator]) await child.stop()
  }
} finally {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
console.log(
  `Medians of ${options.rounds} rounds of ${options.seconds} s each, ${options.concurrency} people at a time; load before ${formatted(load, 1)}.`,
)

type Stretch = Loaded & { taken: number }

async function measure(contender: Contender, receivers: Child, generator: Child) {
  const urls = await receivers.ask<Record<Exclude<Mood, 'none'>, string>>('start')
  const rounds: Record<Mood, Stretch>[] = []
  await loadWith(generator, contender, 'signIns', { ...options, seconds: 2 })
  for (let round = 0; round < options.rounds; round++) {
    const found: Partial<Record<Mood, Stretch>> = {}
    // Another one begins each time: the tables grow within a round, too.
    for (const index of MOODS.keys()) {
      const mood = MOODS[(index + round) % MOODS.length] as Mood
      const endpoint = mood === 'none' ? null : await createEndpoint(contender, urls[mood])
      const before = await receivers.ask<number>('taken')
      const loaded = await loadWith(generator, contender, 'signIns', options)
      found[mood] = { ...loaded, taken: (await receivers.ask<number>('taken')) - before }
      if (endpoint !== null) await call(contender, 'DELETE', `/v1/webhooks/${endpoint}`)
      await settle(contender)
    }
    rounds.push(found as Record<Mood, Stretch>)
  }
  return rounds
}

function print(name: string, rounds: Record<Mood, Stretch>[]): string {
  const of = (mood: Mood, value: (stretch: Stretch) => number) =>
    median(rounds.map(round => value(round[mood])))
  const rate = ({ done, ms }: Stretch) => (1000 * done) / ms
  return markdownTable([
    [name, 'sign-ins/s', 'of none', 'p50, ms', 'p99, ms', 'webhooks taken/s'],
    ...MOODS.map(mood => [
      WORDS[mood],
      formatted(of(mood, rate), 0),
      // Round by round, as everywhere here.
      formatted(median(rounds.map(round => rate(round[mood]) / rate(round.none))), 2),
      formatted(
        of(mood, one => one.p50),
        1,
      ),
      formatted(
        of(mood, one => one.p99),
        1,
      ),
      formatted(
        of(mood, one => (1000 * one.taken) / one.ms),
        0,
      ),
    ]),
  ])
}

async function createEndpoint(contender: Contender, url: string): Promise<string> {
  return (await call(contender, 'POST', '/v1/webhooks', { url })).id
}

async function call({ port, secretKey }: Contender, method: string, path: string, body?: object) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { Authorization: `Bearer ${secretKey}`, 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`)
  return answer.status === 204 ? {} : JSON.parse(await answer.text())
}
