import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createApiKey } from '../../src/core/api-keys/api-keys.ts'
import type { Transport } from '../../src/core/ports.ts'
import type { ApiKey, Scope } from '../../src/core/rows.ts'
import { createOstiary, type Ostiary, type OstiaryOptions } from '../../src/main.ts'
import { handDatabaseClock } from './hand-clock.ts'
import { checkInvariants, type Options } from './invariants.ts'
import { freshDatabase } from './postgres.ts'
import { snapshotOf } from './snapshot.ts'

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text !== '' ? JSON.parse(text) : text,
  }
}

/** A clock that stands still until a test moves it. */
export interface HandClock {
  now(): number
  advance(ms: number): void
  set(instant: number): void
}

export const START = Date.UTC(2026, 10, 21, 12, 0, 0)

export function handClock(start = START): HandClock {
  let instant = start
  return {
    now: () => instant,
    advance(ms) {
      instant += ms
    },
    set(next) {
      instant = next
    },
  }
}

/** An answer with its body read. */
export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came back
  body: any
}

export interface TestServer {
  ostiary: Ostiary
  clock: HandClock
  /** A secret key of the test environment with scope admin, and one of live. */
  key: string
  liveKey: string
  /** The store as an SQLite file to look into; of a PostgreSQL store a copy of this moment. */
  snapshot(): Promise<string>
  /** What stands in the database against the promises, in words; see `checkInvariants`. */
  violations(options?: Options): Promise<string[]>
  /** Runs a statement on the database behind the server's back. */
  tamper(sql: string): Promise<void>
  /** Calls the API with the key (or another one, or none) as `app.request` does: no socket between. */
  call(
    method: string,
    path: string,
    body?: unknown,
    options?: { key?: string | null; headers?: Record<string, string> },
  ): Promise<Answer>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  /** The newest message to the address, or of the challenge. */
  message(filter: {
    to?: string
    challengeId?: string
  }): Promise<{ code: string; link: string; id: string; subject: string; text: string; html: string }>
  /** Sends, reads the code, verifies: the answer of verify. */
  signIn(to: string, extra?: Record<string, unknown>): Promise<Answer>
  /** On PostgreSQL: where a further node finds the database. */
  database: string
  /** A key with these scopes. */
  newKey(scopes: Scope[], environment?: 'test' | 'live'): Promise<{ secret: string; key: ApiKey }>
  /** Stops the server and opens it anew on the same file, with other options. */
  reopen(options?: Partial<Omit<OstiaryOptions, 'clock'>>): Promise<TestServer>
  stop(): Promise<void>
}

export const SECRET = 'a secret for tests that has more than 32 bytes'
export const PUBLIC_URL = 'http://localhost:4545'

/** A whole server on a database of its own, with a clock that stands still. On which one, the project of the run says. */
export async function testServer(
  options: Partial<OstiaryOptions> & { transport?: Transport; clock?: HandClock } = {},
): Promise<TestServer> {
  return await open(options, isOnPostgres ? await postgresPlace() : sqlitePlace())
}

export const isOnPostgres = process.env.OSTIARY_TEST_STORE === 'postgres'

/** A database of a test's own, and how to look into it. */
interface Place {
  options: Pick<OstiaryOptions, 'database' | 'databaseClock'>
  snapshot(): Promise<string>
  tamper(sql: string): Promise<void>
  remove(): Promise<void>
}

function sqlitePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'ostiary-'))
  const file = join(folder, 'ostiary.db')
  return {
    options: { database: file },
    snapshot: async () => file,
    async tamper(sql) {
      const database = new DatabaseSync(file)
      database.exec(sql)
      database.close()
    },
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function postgresPlace(): Promise<Place> {
  const database = await freshDatabase()
  const snapshots: string[] = []
  return {
    options: { database: database.url, databaseClock: handDatabaseClock() },
    async snapshot() {
      const file = await snapshotOf(database.url)
      snapshots.push(file)
      return file
    },
    tamper: async sql => void (await database.rows(sql)),
    async remove() {
      await database.drop()
      for (const file of snapshots)
        for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
    },
  }
}

async function open(
  options: Partial<OstiaryOptions> & { clock?: HandClock },
  place: Place,
): Promise<TestServer> {
  const clock = (options.clock as HandClock | undefined) ?? handClock()
  const ostiary = await createOstiary({
    publicUrl: PUBLIC_URL,
    secrets: [SECRET],
    // Crowds of tests are meant to get in.
    capacity: { calls: 10_000, sends: 10_000 },
    ...place.options,
    ...options,
    clock,
  })
  const key = await newKey('test', ['admin'])
  const liveKey = await newKey('live', ['admin'])
  ostiary.start()

  async function newKey(
    environment: 'test' | 'live',
    scopes: Scope[],
  ): Promise<{ secret: string; key: ApiKey }> {
    const view = await ostiary.deps.directory.bySlug(environment)
    if (!view) throw new Error(`no environment ${environment}`)
    const origin = {
      environmentId: view.environment.id,
      appId: null,
      actor: { type: 'admin' as const, id: null },
      requestId: null,
    }
    return await createApiKey(ostiary.deps, { view, origin }, { name: 'test', scopes, granter: null })
  }

  const call: TestServer['call'] = async (
    method,
    path,
    body,
    { key: other = key.secret, headers = {} } = {},
  ) => {
    const response = await ostiary.app.request(`${PUBLIC_URL}${path}`, {
      method,
      headers: {
        ...(other !== null && { Authorization: `Bearer ${other}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return await answerOf(response)
  }

  const server: TestServer = {
    ostiary,
    clock,
    database: place.options.database,
    key: key.secret,
    liveKey: liveKey.secret,
    snapshot: place.snapshot,
    violations: async checks => checkInvariants(await place.snapshot(), checks),
    tamper: place.tamper,
    call,
    post: (path, body = {}, headers = {}) => call('POST', path, body, { headers }),
    get: (path, headers = {}) => call('GET', path, undefined, { headers }),
    async message(filter) {
      const query = new URLSearchParams(filter as Record<string, string>)
      const { body } = await call('GET', `/v1/messages?${query}`)
      return body.data[0]
    },
    async signIn(to, extra = {}) {
      const sent = await call('POST', '/v1/challenges', { to, ...extra })
      if (sent.status !== 201) return sent
      const { code } = await server.message({ challengeId: sent.body.id })
      return await call('POST', `/v1/challenges/${sent.body.id}/verify`, {
        code,
        ...(extra.purpose !== undefined && { purpose: extra.purpose }),
      })
    },
    newKey: (scopes, environment = 'test') => newKey(environment, scopes),
    async reopen(more = {}) {
      await ostiary.stop()
      return await open({ ...options, ...more }, place)
    },
    async stop() {
      await ostiary.stop()
      await place.remove()
    },
  }
  return server
}
