import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createApiKey } from '../../src/core/api-keys/api-keys.ts'
import type { Store } from '../../src/core/ports.ts'
import { createOstiary, type Ostiary } from '../../src/main.ts'
import { type Answer, type HandClock, handClock, SECRET } from '../setup/server.ts'

const PUBLIC_URL = 'http://localhost:4545'
/** What Postmark's webhook would be set up with. */
export const POSTMARK_TOKEN = 'a token of 24 characters or more'.replaceAll(' ', '-')

/** A server whose worker and upkeep stand still, so that every statement is one of the call that is made. */
export interface House {
  ostiary: Ostiary
  clock: HandClock
  file: string
  /** The methods of the store that were called. */
  called: Set<keyof Store>
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** How many rows each table has. */
  counts(): Record<string, number>
  /** What stands in the file, by a connection of its own; one row a line. */
  look(sql: string): unknown[][]
  /** What the worker would do: every message is sent. */
  deliver(): Promise<void>
  close(): Promise<void>
}

/** A server on a fresh file in the folder. */
export async function openHouse(folder = mkdtempSync(join(tmpdir(), 'ostiary-faults-'))): Promise<House> {
  const file = join(folder, 'ostiary.db')
  const clock = handClock()
  const ostiary = await createOstiary({
    publicUrl: PUBLIC_URL,
    secrets: [SECRET],
    database: file,
    clock,
    mailEvents: { sources: { postmark: { token: POSTMARK_TOKEN } } },
  })
  const view = await ostiary.deps.directory.bySlug('test')
  if (!view) throw new Error('no environment test')
  const { environment } = view
  const { secret } = await createApiKey(
    ostiary.deps,
    {
      view,
      origin: {
        environmentId: environment.id,
        appId: null,
        actor: { type: 'admin', id: null },
        requestId: null,
      },
    },
    { name: 'faults', scopes: ['admin'], granter: null },
  )
  const called = new Set<keyof Store>()
  const store = ostiary.store as unknown as Record<string, (...input: unknown[]) => unknown>
  for (const [name, method] of Object.entries(store))
    store[name] = (...input) => {
      called.add(name as keyof Store)
      return method(...input)
    }
  const reader = new DatabaseSync(file, { readOnly: true })
  const tables = reader
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'instance'")
    .all()
  const all = tables.map(({ name }) => `SELECT '${name}' AS name, count(*) AS rows FROM "${name}"`)
  const count = reader.prepare(all.join(' UNION ALL '))
  return {
    ostiary,
    clock,
    file,
    called,
    async call(method, path, body, headers = {}) {
      const response = await ostiary.app.request(`${PUBLIC_URL}${path}`, {
        method,
        redirect: 'manual',
        headers: {
          Authorization: `Bearer ${secret}`,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        // A text is a form, whose headers the caller tells.
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        body: text.startsWith('{') ? JSON.parse(text) : text,
      }
    },
    counts: () => Object.fromEntries(count.all().map(({ name, rows }) => [String(name), Number(rows)])),
    look: sql =>
      reader
        .prepare(sql)
        .all()
        .map(row => Object.values(row)),
    async deliver() {
      const now = clock.now()
      const due = { now, limit: 1000, leaseMs: 30_000, busyDomains: [] }
      const sent = { kind: 'sent', reply: '250 kept', keepSealedUntil: null, now } as const
      const claimed = await ostiary.store.claimMessages(due)
      await ostiary.store.settleMessages(
        claimed.map(({ message: { id, environmentId }, attempt }) => ({
          ...sent,
          id,
          environmentId,
          attempt,
        })),
      )
    },
    async close() {
      reader.close()
      await ostiary.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What was written between two counts: the tables that grew or shrank, and by how much. */
export function written(
  before: Record<string, number>,
  after: Record<string, number>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after)
      .map(([table, rows]) => [table, rows - (before[table] ?? 0)] as const)
      .filter(([, rows]) => rows !== 0),
  )
}
