import type { EventFilter, Once, Store } from '../../core/ports.ts'
import * as attempts from '../sql/attempts.ts'
import * as challenges from '../sql/challenges.ts'
import * as columns from '../sql/columns.ts'
import * as directory from '../sql/directory.ts'
import { insertEvents } from '../sql/events.ts'
import { runOnce } from '../sql/idempotency.ts'
import * as messages from '../sql/messages.ts'
import { pageOf } from '../sql/pages.ts'
import * as retention from '../sql/retention.ts'
import * as secrets from '../sql/secrets.ts'
import * as sessions from '../sql/sessions.ts'
import * as templates from '../sql/templates.ts'
import type { Transaction } from '../sql/transaction.ts'
import * as users from '../sql/users.ts'
import { vitals } from '../sql/vitals.ts'
import { type Connection, openConnection } from './database.ts'
import { createWriter, toRefusal } from './group-commit.ts'
import { MIGRATIONS, migrate, readMigrations } from './migrate.ts'

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

  const read = async <T>(query: (tx: Transaction) => Promise<T>): Promise<T> => {
    try {
      reader ??= openConnection(file, { readOnly: true })
      const { one, all } = reader
      return await query({ one, all, run: refuseWrite, judgeAt: now => now, afterCommit: refuseWrite })
    } catch (error) {
      throw toRefusal(error)
    }
  }
  const write = <T>(now: number, operation: (tx: Transaction) => Promise<T>, once?: Once<T>) =>
    writer.write(now, tx => runOnce(tx, once, now, () => operation(tx)))
  const tellQueued = (tx: Transaction, environmentId: string) =>
    tx.afterCommit(() => {
      for (const listener of listeners) listener(environmentId)
    })

  return {
    migrate: () => writer.alone(db => ({ applied: migrate(db, readMigrations(MIGRATIONS)) })),
    async begin(input) {
      writer.begin()
      await writer.alone(async db => {
        db.exec('BEGIN IMMEDIATE')
        try {
          await retention.begin({ ...db, judgeAt: now => now, afterCommit: refuseWrite }, input)
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
    ping: now => write(now, async tx => void (await tx.one('SELECT epoch FROM instance'))),
    judgeAt: async now => writer.judgeAt(now),
    vitals: () => read(vitals),
    onQueued: listener => void listeners.push(listener),

    listEnvironments: () => read(directory.listEnvironments),
    createEnvironment: (environment, app, origin, now) =>
      write(now, tx => directory.createEnvironment(tx, environment, app, origin, now)),
    saveSettings: input => write(input.now, tx => directory.saveSettings(tx, input)),
    findApiKey: hash => read(tx => directory.findApiKey(tx, hash)),
    createApiKey: (key, hash, origin, now, once) =>
      write(now, tx => directory.createApiKey(tx, key, hash, origin, now), once),
    listApiKeys: (environmentId, page) => read(tx => directory.listApiKeys(tx, environmentId, page)),
    revokeApiKey: (id, origin, now) => write(now, tx => directory.revokeApiKey(tx, id, origin, now)),
    listApps: environmentId => read(tx => directory.listApps(tx, environmentId)),
    createApp: (app, origin, now, once) => write(now, tx => directory.createApp(tx, app, origin, now), once),
    updateApp: (id, patch, origin, now) => write(now, tx => directory.updateApp(tx, id, patch, origin, now)),
    deleteApp: (id, origin, now) => write(now, tx => directory.deleteApp(tx, id, origin, now)),
    listSigningKeys: environmentId => read(tx => directory.listSigningKeys(tx, environmentId)),
    tidySigningKeys: input => write(input.now, tx => directory.tidySigningKeys(tx, input)),
    addSigningKey: (key, origin, now) => write(now, tx => directory.addSigningKey(tx, key, origin, now)),

    listTemplates: (environmentId, page) => read(tx => templates.listTemplates(tx, environmentId, page)),
    findTemplate: (environmentId, id) => read(tx => templates.findTemplate(tx, environmentId, id)),
    createTemplate: (template, max, origin, now, once) =>
      write(now, tx => templates.createTemplate(tx, template, max, origin, now), once),
    updateTemplate: (template, changed, origin, now) =>
      write(now, tx => templates.updateTemplate(tx, template, changed, origin, now)),
    deleteTemplate: (id, origin, now) => write(now, tx => templates.deleteTemplate(tx, id, origin, now)),

    createChallenge: (input, once) =>
      write(
        input.now,
        async tx => {
          const created = await challenges.createChallenge(tx, input)
          if (created.kind === 'created') tellQueued(tx, input.origin.environmentId)
          return created
        },
        once,
      ),
    resendChallenge: (input, once) =>
      write(
        input.now,
        async tx => {
          const resent = await challenges.resendChallenge(tx, input)
          if (resent.kind === 'resent') tellQueued(tx, input.origin.environmentId)
          return resent
        },
        once,
      ),
    attempt: (input, once) => write(input.now, tx => attempts.attempt(tx, input), once),
    findChallenge: (environmentId, id) => read(tx => challenges.findChallenge(tx, environmentId, id)),
    listChallenges: (environmentId, filter, page) =>
      read(tx => challenges.listChallenges(tx, environmentId, filter, page)),
    claimChallenge: (input, once) => write(input.now, tx => attempts.claimChallenge(tx, input), once),
    openSession: (input, once) => write(input.now, tx => sessions.openSession(tx, input), once),
    findLink: hash => read(tx => challenges.findLink(tx, hash)),
    recordLinkOpened: input => write(input.now, tx => challenges.recordLinkOpened(tx, input)),
    pressLink: input => write(input.now, tx => challenges.pressLink(tx, input)),

    rotateRefresh: (input, once) => write(input.now, tx => sessions.rotateRefresh(tx, input), once),
    findSession: (environmentId, id) => read(tx => sessions.findSession(tx, environmentId, id)),
    listSessions: (environmentId, userId, page) =>
      read(tx => sessions.listSessions(tx, environmentId, userId, page)),
    revokeSession: (id, origin, now, once) =>
      write(now, tx => sessions.revokeSession(tx, id, origin, now), once),
    revokeUserSessions: (userId, origin, now, once) =>
      write(now, tx => sessions.revokeUserSessions(tx, userId, origin, now), once),

    createUser: (input, origin, now, once) =>
      write(now, tx => users.createUser(tx, input, origin, now), once),
    findUser: (environmentId, id) => read(tx => users.findUser(tx, environmentId, id)),
    listUsers: (environmentId, filter, page) => read(tx => users.listUsers(tx, environmentId, filter, page)),
    updateUser: (id, patch, origin, now) => write(now, tx => users.updateUser(tx, id, patch, origin, now)),
    deleteUser: (id, origin, now) => write(now, tx => users.deleteUser(tx, id, origin, now)),
    setUserStatus: (id, status, origin, now, once) =>
      write(now, tx => users.setUserStatus(tx, id, status, origin, now), once),
    addIdentifier: (userId, identifier, origin, now, once) =>
      write(now, tx => users.addIdentifier(tx, userId, identifier, origin, now), once),
    removeIdentifier: (userId, type, value, origin, now) =>
      write(now, tx => users.removeIdentifier(tx, userId, type, value, origin, now)),

    claimMessages: input => write(input.now, tx => messages.claimMessages(tx, input)),
    holdsLease: (id, attempt, now) => read(tx => messages.holdsLease(tx, id, attempt, now)),
    // Outcomes and events tell of what happened: while the store failed they grew old, and they are written all the same.
    settleMessages: outcomes => writer.write(null, tx => messages.settleMessages(tx, outcomes)),
    recordDelivery: input => writer.write(null, tx => messages.recordDelivery(tx, input)),
    nextDueAt: () => read(messages.nextDueAt),
    findMessages: (environmentId, filter, page) =>
      read(tx => messages.findMessages(tx, environmentId, filter, page)),
    listEvents: (environmentId, filter, page) =>
      read(async tx => {
        const rows = await tx.all(
          ...pageOf('events', page, [
            ['environment_id = ?', environmentId],
            // With a narrower filter its index is the one to use: a type may be half of all events.
            [isNarrow(filter) ? "type || '' = ?" : 'type = ?', filter.type],
            ['user_id = ?', filter.userId],
            ['challenge_id = ?', filter.challengeId],
            ['action_id = ?', filter.actionId],
            ['session_id = ?', filter.sessionId],
          ]),
        )
        return rows.map(columns.events.read)
      }),
    addEvents: list => writer.write(null, tx => insertEvents(tx, list)),
    listSealed: input => read(tx => secrets.listSealed(tx, input)),
    reseal: (rows, now) => write(now, tx => secrets.reseal(tx, rows)),
    replaceSigningKeys: (key, origin, now) =>
      write(now, tx => secrets.replaceSigningKeys(tx, key, origin, now)),
    endForgeable: input => write(input.now, tx => secrets.endForgeable(tx, input)),
    keep: (outcome, now, once) => write(now, async () => outcome, once),
    purge: input => write(input.now, tx => retention.purge(tx, input)),
  }
}

function refuseWrite(): never {
  throw new Error('a reading connection does not write')
}

const isNarrow = ({ userId, challengeId, actionId, sessionId }: EventFilter) =>
  [userId, challengeId, actionId, sessionId].some(id => id !== null)
