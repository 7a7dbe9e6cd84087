import type { Hono } from 'hono'
import pino from 'pino'
import { type AddressList, parseAddressList } from './core/addresses/address-list.ts'
import type { Deps } from './core/deps.ts'
import { createDirectory, type EnvironmentView } from './core/environments/directory.ts'
import { createKeyring } from './core/keys.ts'
import { createWaitingRoom } from './core/messages/reader.ts'
import { type MetricsBook, SILENT_METRICS } from './core/metrics.ts'
import type { Clock, Random, Store, Transport } from './core/ports.ts'
import { type NetworkBook, NO_NETWORKS } from './core/signals/networks.ts'
import { systemClock, systemRandom } from './core/system.ts'
import { createTurns } from './core/turns.ts'
import { createMessageReader } from './delivery/message-reader.ts'
import { createOutbox } from './delivery/outbox.ts'
import { createHookCaller } from './hooks/caller.ts'
import { type Capacity, createAdmission, DEFAULT_CAPACITY } from './http/admission.ts'
import { type AppVariables, createApp, type HttpDeps, type Log } from './http/app.ts'
import { parseTrustedProxies, type TrustedProxies } from './http/client-ip.ts'
import type { MailEvents } from './http/hooks/hooks.ts'
import { createMetricsPage, serveAside } from './http/metrics-page.ts'
import { watchLog } from './observability/watch-log.ts'
import { watchStore } from './observability/watch-store.ts'
import { watchTransport } from './observability/watch-transport.ts'
import { openStore } from './store/open.ts'
import type { DatabaseClock } from './store/postgres/transactions.ts'
import { createUpkeep } from './upkeep.ts'
import { createWebhooks, type Webhooks } from './webhooks/worker.ts'

/** What a process does: answer, deliver and keep the house, or both. */
export type Role = 'all' | 'api' | 'worker'

/** What a server is built from; `ostiary start`, `ostiary dev`, the library and the tests differ only in this. */
export interface OstiaryOptions {
  publicUrl: string
  /** The first one writes, all read. Each has 32 bytes or more. */
  secrets: string[]
  /** Path of the SQLite file, whose folder is made; or `postgres://…`. */
  database: string
  /** A direct address for LISTEN where a pooler stands before PostgreSQL. */
  databaseListenUrl?: string
  /** Stands in for the clock of PostgreSQL, where `clock` is moved by hand. */
  databaseClock?: DatabaseClock
  epoch?: number
  /**
   * What `start` begins: `api` leaves delivery and upkeep to processes that are `worker` or `all`. A `worker` is not
   * meant to be asked, and tells of its health by `fetchMetrics`.
   */
  role?: Role
  mailFrom?: { name: string | null; address: string }
  /** Carries mail out of the house; without one, messages stay in the inbox of their test environment. */
  transport?: Transport
  /** Providers that may report what became of mails, at `POST /hooks/mail/{provider}`. */
  mailEvents?: MailEvents
  trustedProxies?: TrustedProxies
  /** Addresses that webhooks may go to although they are not public: none, where it is left out. */
  webhookPrivateTargets?: AddressList
  /** What is known of networks, for rules (`openNetworkFiles`); without it nothing is. */
  networks?: NetworkBook
  log?: Log
  /** Counts what happens (`createPrometheus`); without it nothing is counted. */
  metrics?: MetricsBook
  /**
   * `GET /metrics` on the public listener asks for this token as `Authorization: Bearer`; `open` serves it to whoever
   * reaches it. Left out, the path does not exist there. With a token, `fetchMetrics` asks for it too.
   */
  metricsAccess?: 'open' | { token: string }
  /** How many times the default limits of test environments are; 10 under `ostiary dev`. */
  testLimitsFactor?: number
  acceptsDevelopmentKeys?: boolean
  /** How many calls of `/v1` are worked on at once; others get 503 at once. */
  capacity?: Capacity
  clock?: Clock
  random?: Random
  /** Routes mounted after Ostiary's own, made when all else is there. */
  development?: (deps: Deps, secretKey: string) => Hono
  developmentKey?: string
}

/** A server with its worker, ready to be served by anything that speaks Request and Response. */
export interface Ostiary {
  fetch(request: Request, env?: unknown): Response | Promise<Response>
  /** For a listener of its own: `GET /metrics` where metrics are kept, health where the role is `worker`, nothing else. */
  fetchMetrics(request: Request): Promise<Response>
  app: Hono<AppVariables>
  deps: Deps
  store: Store
  /** Begins to deliver messages and to keep the house, unless the role is `api`. */
  start(): void
  /** Ends the answers that only wait for news: before a listener is closed, which else waits for them. */
  leave(): void
  /** Stops the worker, waits for what is under way, closes the store. */
  stop(): Promise<void>
  /** Resolves when no message and no webhook is due or under way. */
  drain(): Promise<void>
}

const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} }

/**
 * Builds the server: opens and migrates the store, checks epoch and secrets, makes sure that the environments `test`
 * and `live` are there. Throws with the remedy when one of them refuses.
 */
export async function createOstiary(options: OstiaryOptions): Promise<Ostiary> {
  const {
    publicUrl,
    epoch = 1,
    clock = systemClock,
    random = systemRandom,
    metrics = SILENT_METRICS,
  } = options
  const log = watchLog(options.log ?? SILENT)
  let webhooks: Webhooks | null = null
  const transport = options.transport && watchTransport(options.transport, metrics)
  const store = watchStore(
    openStore(options.database, {
      onCommit(operations, seconds) {
        metrics.committed(operations, seconds)
        webhooks?.wake()
      },
      ...(options.databaseListenUrl !== undefined && { listenUrl: options.databaseListenUrl }),
      ...(options.databaseClock && { clock: options.databaseClock }),
    }),
    metrics,
  )
  try {
    const keyring = createKeyring(options.secrets, epoch)
    await store.migrate()
    await store.begin({ now: clock.now(), epoch, keyIds: keyring.keyIds })
    const factor = options.testLimitsFactor ?? 1
    const directory = createDirectory({ store, clock, keyring }, environment =>
      environment.mode === 'test' ? factor : 1,
    )
    const mailFrom = options.mailFrom ?? { name: null, address: 'ostiary@localhost.localdomain' }
    const room = createWaitingRoom()
    const webhookTargets = { privateTargets: options.webhookPrivateTargets ?? parseAddressList('') }
    const hooks = createHookCaller(webhookTargets)
    const deps: Deps = {
      store,
      clock,
      random,
      keyring,
      directory,
      publicUrl,
      epoch,
      networks: options.networks ?? NO_NETWORKS,
      webhookTargets,
      callHook: hooks.call,
      pastRuns: createTurns('pastRuns', 2),
      messages: { ...createMessageReader({ keyring, mailFrom }), waitForNext: room.waitForNext },
    }
    const home = { environmentOf: (id: string) => directory.byId(id) }
    const outbox = createOutbox({
      store,
      clock,
      keyring,
      log,
      mailFrom,
      transportFor: (home, to) => transportFor(home, to, transport),
      directory: home,
    })
    store.onQueued(environmentId => {
      outbox.wake()
      room.tell(environmentId)
    })
    const posts = createWebhooks({
      store,
      clock,
      keyring,
      log,
      publicUrl,
      directory: home,
      targets: deps.webhookTargets,
    })
    webhooks = posts
    const upkeep = createUpkeep({ ...deps, log })
    await upkeep.prepare(options.developmentKey)
    const token = typeof options.metricsAccess === 'object' ? options.metricsAccess.token : null
    const { metrics: book, role = 'all' } = options
    const metricsPage = book
      ? createMetricsPage({
          // A store in trouble is when the rest of the page is needed most.
          page: async () => await book.page(await store.vitals().catch(() => null), clock.now()),
          token,
        })
      : null
    const leaving = new AbortController()
    const httpDeps: HttpDeps = {
      ...deps,
      leaving: leaving.signal,
      log,
      metrics,
      ...(metricsPage && options.metricsAccess && { metricsPage }),
      acceptsDevelopmentKeys: options.acceptsDevelopmentKeys ?? false,
      admit: createAdmission(options.capacity ?? DEFAULT_CAPACITY),
      trustedProxies: options.trustedProxies ?? parseTrustedProxies(''),
      ...(options.mailEvents && { mailEvents: options.mailEvents }),
      ...(options.development && { development: options.development(deps, options.developmentKey ?? '') }),
    }
    const app = createApp(httpDeps)
    return {
      fetch: app.fetch,
      fetchMetrics: serveAside(
        { metricsPage, ...(role === 'worker' && { ready: () => store.ping(clock.now()) }) },
        publicUrl,
        clock,
      ),
      app,
      deps,
      store,
      start() {
        if (role === 'api') return
        outbox.start()
        posts.start()
        upkeep.start()
      },
      leave: () => leaving.abort(),
      async stop() {
        leaving.abort()
        await upkeep.stop()
        await outbox.stop()
        await posts.stop()
        hooks.close()
        await transport?.close()
        await store.close()
        options.metrics?.close()
      },
      async drain() {
        // The outcomes of messages are events, which are posted; an endpoint that was disabled is told of by a message.
        for (let round = 0; round < 2; round++) {
          await outbox.drain()
          await posts.drain()
        }
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Test environments keep their mail in the inbox, but for `testRecipients`; live ones need a transport. */
function transportFor(
  { environment, settings }: Pick<EnvironmentView, 'environment' | 'settings'>,
  to: string,
  transport: Transport | undefined,
): Transport | 'inbox' {
  const isListed = settings.testRecipients.some(one => one.toLowerCase() === to.toLowerCase())
  if (environment.mode === 'test' && !(isListed && transport)) return 'inbox'
  if (!transport) throw new Error('a live environment has no transport: set SMTP_URL or MAIL_WEBHOOK_URL')
  return transport
}

/** Secrets, and what names a person: for that there are ids. */
const NEVER_LOGGED = [
  'authorization',
  'cookie',
  'token',
  'linkToken',
  'refreshToken',
  'accessToken',
  'deviceToken',
  'codeVerifier',
  'secret',
  'password',
  'to',
  'email',
  'phone',
  'address',
]

/**
 * The logger of a process: JSON lines, secrets redacted wherever they could stand. To stderr where stdout is for
 * results that a person or a program reads.
 */
export function createLog(level: string, to: 'stdout' | 'stderr' = 'stdout'): Log {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    // Words, not pino's numbers: whoever greps should not need a table.
    formatters: { level: label => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      // Nothing of this is logged on purpose; `code` is the error code and stays.
      paths: NEVER_LOGGED.flatMap(name => [name, `*.${name}`]),
      censor: '[redacted]',
    },
  }
  return to === 'stdout' ? pino(options) : pino(options, pino.destination({ dest: 2, sync: true }))
}
