import type { Once, Store } from '../../core/ports.ts'
import * as accounts from './accounts.ts'
import * as actions from './actions.ts'
import * as approvals from './approvals.ts'
import * as attempts from './attempts.ts'
import * as authenticators from './authenticators.ts'
import * as challenges from './challenges.ts'
import * as devices from './devices.ts'
import * as directory from './directory.ts'
import { insertEvents, listEvents } from './events.ts'
import * as hooks from './hooks.ts'
import { runOnce } from './idempotency.ts'
import * as lists from './lists.ts'
import * as messages from './messages.ts'
import * as offers from './offers.ts'
import { createPasskeyChallenge } from './passkeys.ts'
import { readPast } from './past.ts'
import * as retention from './retention.ts'
import * as rules from './rules.ts'
import * as secrets from './secrets.ts'
import * as sessions from './sessions.ts'
import { listStory } from './stories.ts'
import * as templates from './templates.ts'
import type { BareTransaction, Transaction } from './transaction.ts'
import { readUsage } from './usage.ts'
import * as users from './users.ts'
import { vitals } from './vitals.ts'
import * as queue from './webhook-queue.ts'
import * as webhooks from './webhooks.ts'

/** How a database runs what stands in this folder. */
export interface Engine {
  read<T>(query: (tx: Transaction) => Promise<T>): Promise<T>
  /**
   * Runs an operation whole or not at all, and answers when it is on the disk. `now` is null for what only records and
   * judges nothing: it is written however old it is.
   */
  write<T>(now: number | null, operation: (tx: BareTransaction) => Promise<T>): Promise<T>
  /** Told after the commit that a message was queued. */
  queued(environmentId: string): void
}

/** What is the database's own: its schema, its clock and its life. */
export type SqlStore = Omit<Store, 'migrate' | 'begin' | 'close' | 'judgeAt' | 'findSessionNow' | 'onQueued'>

/** Every method of the store, by the statements that both databases share. */
export function createSqlStore({ read, queued, ...engine }: Engine): SqlStore {
  const write = <T>(now: number | null, operation: (tx: Transaction) => Promise<T>, once?: Once<T>) =>
    engine.write(now, bare => {
      const tx = { ...bare, queued: (id: string) => bare.afterCommit(() => queued(id)) }
      return runOnce(tx, once, now ?? 0, () => operation(tx))
    })

  return {
    ping: now => write(now, async tx => void (await tx.one('SELECT epoch FROM instance'))),
    vitals: () => read(vitals),

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

    listRules: (environmentId, page) => read(tx => rules.listRules(tx, environmentId, page)),
    findRule: (environmentId, id) => read(tx => rules.findRule(tx, environmentId, id)),
    createRule: (rule, bounds, origin, now, once) =>
      write(now, tx => rules.createRule(tx, rule, bounds, origin, now), once),
    updateRule: (rule, changed, bounds, origin, now) =>
      write(now, tx => rules.updateRule(tx, rule, changed, bounds, origin, now)),
    deleteRule: (id, origin, now) => write(now, tx => rules.deleteRule(tx, id, origin, now)),
    listRuleVersions: environmentId => read(tx => rules.listVersions(tx, environmentId)),
    findRuleVersion: (environmentId, version) => read(tx => rules.findVersion(tx, environmentId, version)),
    rollBackRules: (input, once) => write(input.now, tx => rules.rollBack(tx, input), once),

    listLists: (environmentId, page) => read(tx => lists.listLists(tx, environmentId, page)),
    findList: (environmentId, id) => read(tx => lists.findList(tx, environmentId, id)),
    readLists: environmentId => read(tx => lists.readLists(tx, environmentId)),
    createList: (list, max, origin, now, once) =>
      write(now, tx => lists.createList(tx, list, max, origin, now), once),
    updateList: (list, changed, origin, now) =>
      write(now, tx => lists.updateList(tx, list, changed, origin, now)),
    deleteList: (id, origin, now) => write(now, tx => lists.deleteList(tx, id, origin, now)),

    createChallenge: (input, once) =>
      write(
        input.now,
        async tx => {
          const created = await challenges.createChallenge(tx, input)
          if (created.kind === 'created') tx.queued(input.origin.environmentId)
          return created
        },
        once,
      ),
    resendChallenge: (input, once) =>
      write(
        input.now,
        async tx => {
          const resent = await challenges.resendChallenge(tx, input)
          if (resent.kind === 'resent') tx.queued(input.origin.environmentId)
          return resent
        },
        once,
      ),
    attempt: (input, once) => write(input.now, tx => attempts.attempt(tx, input), once),
    createPasskeyChallenge: (input, once) => write(input.now, tx => createPasskeyChallenge(tx, input), once),
    findChallenge: (environmentId, id) => read(tx => challenges.findChallenge(tx, environmentId, id)),
    listChallenges: (environmentId, filter, page) =>
      read(tx => challenges.listChallenges(tx, environmentId, filter, page)),
    claimChallenge: (input, once) => write(input.now, tx => attempts.claimChallenge(tx, input), once),
    openSession: (input, once) => write(input.now, tx => sessions.openSession(tx, input), once),
    findLink: hash => read(tx => challenges.findLink(tx, hash)),
    recordLinkOpened: input => write(input.now, tx => challenges.recordLinkOpened(tx, input)),
    pressLink: input => write(input.now, tx => challenges.pressLink(tx, input)),

    createAction: (input, once) => write(input.now, tx => actions.createAction(tx, input), once),
    findAction: (environmentId, id) => read(tx => actions.findAction(tx, environmentId, id)),
    listActions: (environmentId, filter, page) =>
      read(tx => actions.listActions(tx, environmentId, filter, page)),
    reviewAction: input => write(input.now, tx => actions.reviewAction(tx, input)),
    findActionByToken: hash => read(tx => actions.findActionByToken(tx, hash)),
    findActionByOpening: hash => read(tx => actions.findActionByOpening(tx, hash)),
    openAction: input => write(input.now, tx => actions.openAction(tx, input)),
    addressAction: input => write(input.now, tx => actions.addressAction(tx, input)),
    sendInAction: input =>
      write(input.now, async tx => {
        const created = await actions.sendInAction(tx, input)
        if (created.kind === 'created') tx.queued(input.origin.environmentId)
        return created
      }),
    attemptInAction: input => write(input.now, tx => approvals.attemptByNumber(tx, input)),
    beginPasskeyInAction: input => write(input.now, tx => offers.beginPasskeyInAction(tx, input)),
    enrolInAction: input => write(input.now, tx => offers.enrolInAction(tx, input)),
    askApproval: input => write(input.now, tx => approvals.askApproval(tx, input)),
    finishAction: input => write(input.now, tx => actions.finishAction(tx, input)),
    cancelAction: input => write(input.now, tx => actions.cancelAction(tx, input)),
    validateAction: (input, once) => write(input.now, tx => actions.validateAction(tx, input), once),
    openActionSession: (input, once) => write(input.now, tx => actions.openActionSession(tx, input), once),

    rotateRefresh: (input, once) => write(input.now, tx => sessions.rotateRefresh(tx, input), once),
    listHookSecrets: (environmentId, now) => read(tx => hooks.listSecrets(tx, environmentId, now)),
    rotateHookSecret: (secret, previousUntil, origin, now, once) =>
      write(now, tx => hooks.rotateSecret(tx, secret, previousUntil, origin, now), once),
    denySignIn: input => write(input.now, tx => hooks.denySignIn(tx, input)),

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

    findAuthenticator: (environmentId, credentialId) =>
      read(tx => authenticators.findAuthenticator(tx, environmentId, credentialId)),
    listAuthenticators: (environmentId, userId) =>
      read(tx => authenticators.listAuthenticators(tx, environmentId, userId)),
    addAuthenticator: (authenticator, origin, now, once) =>
      write(now, tx => authenticators.addAuthenticator(tx, authenticator, origin, now), once),
    renameAuthenticator: (userId, id, name, origin, now) =>
      write(now, tx => authenticators.renameAuthenticator(tx, userId, id, name, origin, now)),
    removeAuthenticator: (userId, id, types, origin, now, own) =>
      write(now, tx => authenticators.removeAuthenticator(tx, userId, id, types, origin, now, own)),
    listDevices: (environmentId, userId, page) =>
      read(tx => devices.listDevices(tx, environmentId, userId, page)),
    rememberDevice: (userId, id, until, origin, now) =>
      write(now, tx => devices.rememberDevice(tx, userId, id, until, origin, now)),
    endDevice: (userId, id, origin, now, once) =>
      write(now, tx => devices.endDevice(tx, userId, id, origin, now), once),
    readPast: input => read(tx => readPast(tx, input)),
    addOwnAddress: input => write(input.attempt.now, tx => accounts.addOwnAddress(tx, input)),
    makeOwnPrimary: input => write(input.now, tx => accounts.makeOwnPrimary(tx, input)),
    removeOwnAddress: input => write(input.now, tx => accounts.removeOwnAddress(tx, input)),
    listLiveSessions: input => read(tx => accounts.listLiveSessions(tx, input)),
    endOwnSessions: input => write(input.now, tx => accounts.endOwnSessions(tx, input)),
    listActivity: input => read(tx => accounts.listActivity(tx, input)),

    claimMessages: input => write(input.now, tx => messages.claimMessages(tx, input)),
    holdsLease: (id, attempt, now) => read(tx => messages.holdsLease(tx, id, attempt, now)),
    // Outcomes and events tell of what happened: while the store failed they grew old, and they are written all the same.
    settleMessages: outcomes => write(null, tx => messages.settleMessages(tx, outcomes)),
    recordDelivery: input => write(null, tx => messages.recordDelivery(tx, input)),
    nextDueAt: () => read(messages.nextDueAt),
    findMessages: (environmentId, filter, page) =>
      read(tx => messages.findMessages(tx, environmentId, filter, page)),
    listEvents: (environmentId, filter, page) => read(tx => listEvents(tx, environmentId, filter, page)),
    listStory: (environmentId, story, page) => read(tx => listStory(tx, environmentId, story, page)),
    addEvents: list => write(null, tx => insertEvents(tx, list)),

    listWebhookEndpoints: environmentId => read(tx => webhooks.listEndpoints(tx, environmentId)),
    findWebhookEndpoint: (environmentId, id) => read(tx => webhooks.findEndpoint(tx, environmentId, id)),
    createWebhookEndpoint: (endpoint, sealedSecret, max, origin, now, once) =>
      write(now, tx => webhooks.createEndpoint(tx, endpoint, sealedSecret, max, origin, now), once),
    updateWebhookEndpoint: (id, patch, origin, now) =>
      write(now, tx => webhooks.updateEndpoint(tx, id, patch, origin, now)),
    deleteWebhookEndpoint: (id, origin, now) =>
      write(now, tx => webhooks.deleteEndpoint(tx, id, origin, now)),
    rotateWebhookSecret: (id, sealedSecret, previousUntil, origin, now, once) =>
      write(now, tx => webhooks.rotateSecret(tx, id, sealedSecret, previousUntil, origin, now), once),
    addWebhookTest: (delivery, now, once) => write(now, tx => webhooks.addTest(tx, delivery), once),
    findWebhookDelivery: (environmentId, endpointId, id) =>
      read(tx => webhooks.findDelivery(tx, environmentId, endpointId, id)),
    listWebhookDeliveries: (environmentId, endpointId, filter, page) =>
      read(tx => webhooks.listDeliveries(tx, environmentId, endpointId, filter, page)),
    replayWebhook: (input, once) => write(input.now, tx => queue.replayOne(tx, input), once),
    replayWebhooks: input => write(input.now, tx => queue.replayStep(tx, input)),
    listDueWebhooks: () => read(queue.listDue),
    claimWebhooks: input => write(input.now, tx => queue.claim(tx, input)),
    holdsWebhookLease: (id, attempt, now) => read(tx => queue.holdsLease(tx, id, attempt, now)),
    settleWebhooks: (outcomes, failingMs, noticesOf) =>
      write(null, tx => queue.settle(tx, outcomes, failingMs, noticesOf)),

    listSealed: input => read(tx => secrets.listSealed(tx, input)),
    reseal: (rows, now) => write(now, tx => secrets.reseal(tx, rows)),
    replaceSigningKeys: (key, origin, now) =>
      write(now, tx => secrets.replaceSigningKeys(tx, key, origin, now)),
    endForgeable: input => write(input.now, tx => secrets.endForgeable(tx, input)),
    keep: (outcome, now, once) => write(now, async () => outcome, once),
    readUsage: input => read(tx => readUsage(tx, input)),
    purge: input => write(input.now, tx => retention.purge(tx, input)),
  }
}
