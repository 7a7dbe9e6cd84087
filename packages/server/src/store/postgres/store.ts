import pg from 'pg'
import type { Store } from '../../core/ports.ts'
import * as retention from '../sql/retention.ts'
import { createSqlStore } from '../sql/store.ts'
import { parsePostgresAddress } from './address.ts'
import { openDatabase } from './database.ts'
import { createDoorbell } from './doorbell.ts'
import { migrate } from './migrate.ts'
import { attemptCode, findSession, rotate, send, settle } from './operations.ts'
import { createTransactions, type DatabaseClock } from './transactions.ts'

export interface PostgresOptions {
  /** A direct address for LISTEN where a pooler stands before the database. */
  listenUrl?: string
  /** Told after each commit: for metrics. */
  onCommit?: (operations: number, seconds: number) => void
  clock?: DatabaseClock
}

/**
 * The store in a PostgreSQL database, which any number of processes share. Send, verify and refresh take one round trip
 * (`operations.ts`); everything else runs the shared statements in a transaction. What has an Idempotency-Key does so,
 * too: its answer is made and sealed by the process, between the effect and the commit.
 */
export function openPostgresStore(address: string, options: PostgresOptions = {}): Store {
  const { url, isPooled, poolSize } = parsePostgresAddress(address)
  const database = openDatabase({ url, isPooled, poolSize })
  const listeners: ((environmentId: string) => void)[] = []
  const tell = (environmentId: string) => {
    for (const listener of listeners) listener(environmentId)
  }
  const transactions = createTransactions(database, {
    isPooled,
    clock: options.clock,
    onCommit: options.onCommit ?? (() => {}),
  })
  const { read, write, call } = transactions
  const doorbell = createDoorbell(database, options.listenUrl ?? (isPooled ? null : url), tell)
  const queued = (environmentId: string) => {
    tell(environmentId)
    doorbell.ring(environmentId)
  }
  const shared = createSqlStore({ read, write, queued })

  return {
    ...shared,
    async createChallenge(input, once) {
      if (once) return await shared.createChallenge(input, once)
      const created = await send(call, input)
      if (created.kind === 'created') queued(input.origin.environmentId)
      return created
    },
    async attempt(input, once) {
      const judged = once ? null : await attemptCode(call, input, () => queued(input.origin.environmentId))
      return judged ?? (await shared.attempt(input, once))
    },
    settleMessages: outcomes => settle(call, outcomes),
    findSessionNow: (environmentId, id, now) => findSession(call, environmentId, id, now),
    rotateRefresh: async (input, once) =>
      once ? await shared.rotateRefresh(input, once) : await rotate(call, input),

    async migrate() {
      const client = new pg.Client({
        connectionString: options.listenUrl ?? url,
        application_name: 'ostiary migrate',
      })
      client.on('error', () => {})
      await client.connect()
      try {
        return { applied: await migrate(client) }
      } finally {
        await client.end()
      }
    },
    async begin(input) {
      await refuseUnsafe(read)
      await write(null, tx => retention.begin(tx, input))
    },
    async close() {
      await doorbell.close()
      await database.close()
    },
    judgeAt: transactions.judgeAt,
    onQueued: listener => void listeners.push(listener),
  }
}

/** A server that does not write through loses answered sign-ins when its machine stops. */
async function refuseUnsafe(read: ReturnType<typeof createTransactions>['read']): Promise<void> {
  const settings = await read(
    async tx =>
      await tx.all("SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes')"),
  )
  for (const { name, setting } of settings)
    if (setting === 'off')
      throw new Error(
        `PostgreSQL runs with ${name} = off, which loses what was answered when its machine stops: set it on`,
      )
}
