import type { Store } from '../../core/ports.ts'
import { readMigrations } from '../migrations.ts'
import { MOVE, retirementOf } from '../sql/move.ts'
import * as retention from '../sql/retention.ts'
import { createSqlStore } from '../sql/store.ts'
import { type Transaction, UNSHARED } from '../sql/transaction.ts'
import { type Connection, openConnection } from './database.ts'
import { createWriter, toRefusal } from './group-commit.ts'
import { MIGRATIONS, migrate } from './migrate.ts'

/** Told after each commit: for metrics. */
export interface SqliteOptions {
  onCommit?: (operations: number, seconds: number) => void
}

/** The store in one SQLite file. One process writes, in group commits; reads have a connection of their own. */
export function openSqliteStore(file: string, options: SqliteOptions = {}): Store {
  const writer = createWriter(file)
  if (options.onCommit) writer.onCommit(options.onCommit)
  const listeners: ((environmentId: string) => void)[] = []
  let reader: Connection | null = null

  async function read<T>(query: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      reader ??= openConnection(file, { readOnly: true })
      const { one, all } = reader
      return await query({
        ...UNSHARED,
        one,
        all,
        run: refuseWrite,
        judgeAt: now => now,
        afterCommit: refuseWrite,
        queued: refuseWrite,
      })
    } catch (error) {
      throw toRefusal(error)
    }
  }

  // Writes ask for themselves, in their transaction.
  const refuseRetired = () =>
    read(async tx => {
      const retirement = retirementOf(await tx.one(MOVE))
      if (retirement) throw retirement
    })
  const judgeAt = async (now: number) => {
    await refuseRetired()
    return writer.judgeAt(now)
  }
  const shared = createSqlStore({
    read,
    write: writer.write,
    queued(environmentId) {
      for (const listener of listeners) listener(environmentId)
    },
  })

  return {
    ...shared,
    async holdsLease(id, attempt, now) {
      await refuseRetired()
      return await shared.holdsLease(id, attempt, now)
    },
    async holdsWebhookLease(id, attempt, now) {
      await refuseRetired()
      return await shared.holdsWebhookLease(id, attempt, now)
    },
    migrate: () => writer.alone(db => ({ applied: migrate(db, readMigrations(MIGRATIONS)) })),
    async begin(input) {
      writer.begin()
      await writer.alone(async db => {
        db.exec('BEGIN IMMEDIATE')
        try {
          await retention.begin({ ...db, ...UNSHARED, judgeAt: now => now, afterCommit: refuseWrite }, input)
          db.exec('COMMIT')
        } catch (error) {
          db.exec('ROLLBACK')
          throw error
        }
      })
      writer.begin()
    },
    async close() {
      // The last to close merges the log into the file, which a read-only connection cannot: a copy of the file is whole.
      reader?.close()
      reader = null
      await writer.close()
    },
    judgeAt,
    async findSessionNow(environmentId, id, now) {
      const at = await judgeAt(now)
      const found = await shared.findSession(environmentId, id)
      return found && { ...found, at }
    },
    onQueued: listener => void listeners.push(listener),
  }
}

function refuseWrite(): never {
  throw new Error('a reading connection does not write')
}
