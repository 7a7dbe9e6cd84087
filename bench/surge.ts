import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from './child.ts'
import { ENTRIES, type Entry, startContender } from './contenders.ts'
import { contestOf } from './contest.ts'
import { readOptions } from './options.ts'
import { problemOf } from './ostiary/server.ts'
import { startPostgres } from './postgres/server.ts'
import { judge, printSurges, type SurgeResult } from './surge/judgement.ts'
import type { Surged } from './surge/load.ts'

/**
 * `npm run bench:surge`: a burst of sends while people sign in, each mail handed to an SMTP server that counts. Ends with
 * 1 when an accepted send was lost or doubled, when a refused one was sent, or when a 503 took long.
 */

const options = readOptions('bench:surge', process.argv.slice(2), {
  sends: 20_000,
  connections: 1_000,
  concurrency: 16,
  calm: 5,
})
const POLL_MS = 100
// The life of a message, and the minute in which its outcome has to be known (promise 4).
const DRAIN_MS = 11 * 60_000

const folder = mkdtempSync(join(tmpdir(), 'ostiary-surge-'))
const postgres = await startPostgres(folder)
const results: SurgeResult[] = []
try {
  for (const entry of [ENTRIES.ostiarySqlite, ENTRIES.ostiaryPostgres]) {
    const database =
      entry.store === 'SQLite' ? `sqlite:${join(folder, 'surge.db')}` : (await postgres.create('surge'))()
    const problem = problemOf(database)
    if (problem) console.error(`${entry.name} is left out: ${problem}`)
    else results.push(await surge(entry, database))
  }
} finally {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
console.log(printSurges(results))
process.exit(results.every(({ faults }) => faults.length === 0) ? 0 : 1)

async function surge(entry: Entry, database: string): Promise<SurgeResult> {
  console.error(`surge on ${entry.name}`)
  const sink = startChild('surge/sink.ts')
  // A line for each refusal would make the terminal what is measured.
  const log = openSync(join(folder, 'server.log'), 'a')
  const smtpUrl = await sink.ask<string>('start')
  const contender = await startContender(entry, await contestOf(database, { smtpUrl }), [], log)
  const load = startChild('surge/load.ts')
  const { port, protocol, secretKey } = contender
  const { sends, connections, concurrency, calm } = options
  const surged = await load.ask<Surged>('surge', {
    ...{ port, protocol, secretKey, sends, connections, concurrency, calmSeconds: calm },
  })
  const begin = performance.now()
  while ((await contender.usage()).waiting > 0 && performance.now() - begin < DRAIN_MS)
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  const drainMs = performance.now() - begin
  const { rssBytes } = await contender.usage()
  // Stopping waits for what is under way, so nothing can come after it.
  await contender.stop()
  const mails = new Map(await sink.ask<[string, number][]>('mails'))
  for (const child of [sink, load]) await child.stop()
  return judge(entry.name, surged, { drainMs, rssMb: rssBytes / 2 ** 20, mails })
}
