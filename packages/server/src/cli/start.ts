import cluster from 'node:cluster'
import { type Config, ConfigError, readConfig } from '../config.ts'
import { systemClock } from '../core/system.ts'
import { VERSION } from '../core/version.ts'
import { createTransports } from '../delivery/transports.ts'
import type { Log } from '../http/app.ts'
import { type Listening, listen } from '../http/server.ts'
import { createLog, createOstiary, type OstiaryOptions, type Role } from '../main.ts'
import { NETWORK_FILE_FIX, NetworkFileError, type NetworkFiles, openNetworkFiles } from '../network-files.ts'
import { createPrometheus } from '../observability/prometheus.ts'
import { isPostgres } from '../store/open.ts'
import { obeyPrimary, supervise } from './cluster.ts'
import { listenForMetrics } from './metrics-listener.ts'
import { stopOnSignals } from './signals.ts'
import { Hint } from './terminal.ts'

const ROLES: readonly Role[] = ['all', 'api', 'worker']
const MAX_PROCESSES = 64

/** `ostiary start`: production. Every missing or unsafe setting is told at once, each with its fix (exit code 2). */
export async function start(options: { role: string; workers: string }): Promise<void> {
  const role = ROLES.find(one => one === options.role)
  if (!role) throw new Hint(`"${options.role}" is not a role`, `choose from: ${ROLES.join(', ')}`)
  const processes = Number(options.workers)
  if (!/^\d+$/.test(options.workers) || processes < 1 || processes > MAX_PROCESSES)
    throw new Hint(
      `"${options.workers}" is not a number of processes`,
      `give a number from 1 to ${MAX_PROCESSES}`,
    )
  const config = readConfig(process.env)
  refuseSharing(config, role, processes)
  if (processes === 1) await serve(config, role)
  else if (cluster.isPrimary) await supervise(config, processes)
  else await serveInCluster(config, role)
}

/** Refuses what several processes on one machine, or one SQLite file, cannot do. */
function refuseSharing({ database, metricsToken, metricsAddress }: Config, role: Role, processes: number) {
  if (!isPostgres(database) && (role !== 'all' || processes > 1))
    throw new Hint(
      `one process owns an SQLite file, so ${processes > 1 ? '--workers' : `--role ${role}`} is not for it`,
      'leave it out, or move to PostgreSQL (docs/postgresql.md)',
    )
  if (processes > 1 && role === 'worker')
    throw new Hint(
      '--workers share a port, and --role worker has none',
      'start --role worker several times, or leave --workers out',
    )
  if (processes > 1 && metricsToken !== null && !metricsAddress)
    throw new Hint(
      'METRICS_TOKEN alone serves /metrics on the shared port, where each answer would be of one process',
      'set METRICS_ADDRESS=127.0.0.1:9464, or leave METRICS_TOKEN out',
    )
}

async function serve(config: Config, role: Role): Promise<void> {
  const log = createLog(config.logLevel)
  const ostiary = await build(config, role, metricsOf(config))
  const server = role === 'worker' ? null : await listenPublic(config, ostiary)
  const metricsServer = await listenForMetrics(request => ostiary.fetchMetrics(request), config).catch(
    async error => {
      await server?.close(0)
      await ostiary.stop()
      throw error
    },
  )
  ostiary.start()
  const where = role === 'worker' ? {} : { port: config.port }
  log.info({ url: config.publicUrl, role, ...where, version: VERSION }, 'ostiary is running')
  stopOnSignals(async () => {
    log.info({}, 'stopping')
    ostiary.leave()
    await server?.close()
    await ostiary.stop()
    // Last, so that a scraper sees the end.
    await metricsServer?.close(0)
  })
}

/** One of several processes on a port. Its metrics are shown by the primary, together with those of the others. */
async function serveInCluster(config: Config, role: Role): Promise<void> {
  const metrics = config.metricsAddress ? createPrometheus() : null
  const ostiary = await build(config, role, metrics ? { metrics } : {})
  const server = await listenPublic(config, ostiary)
  ostiary.start()
  obeyPrimary({
    async stop() {
      ostiary.leave()
      await server.close()
      await ostiary.stop()
    },
    snapshot: async () =>
      metrics ? await metrics.snapshot(await ostiary.store.vitals().catch(() => null), Date.now()) : [],
  })
}

async function build(config: Config, role: Role, metrics: Pick<OstiaryOptions, 'metrics' | 'metricsAccess'>) {
  const log = createLog(config.logLevel)
  const networks = networksOf(config, log)
  const transport = createTransports(config, { log, clock: systemClock })
  return await createOstiary({
    ...config,
    ...metrics,
    role,
    log,
    networks,
    clock: systemClock,
    ...(transport && { transport }),
  })
}

function networksOf({ networkFiles }: Config, log: Log): NetworkFiles {
  try {
    return openNetworkFiles(networkFiles, log)
  } catch (error) {
    if (!(error instanceof NetworkFileError)) throw error
    throw new ConfigError([{ name: error.setting, problem: error.problem, fix: NETWORK_FILE_FIX }])
  }
}

async function listenPublic(
  { port }: Config,
  ostiary: Awaited<ReturnType<typeof build>>,
): Promise<Listening> {
  return await listen(ostiary.fetch, port, [undefined]).catch(async (error: NodeJS.ErrnoException) => {
    await ostiary.stop()
    if (error.code === 'EADDRINUSE')
      throw new Hint(`port ${port} is taken`, 'stop what runs there, or set PORT')
    throw error
  })
}

/** Counting costs little and is for somebody who looks: without a token or an address nobody can. */
function metricsOf({
  metricsToken: token,
  metricsAddress,
}: Config): Pick<OstiaryOptions, 'metrics' | 'metricsAccess'> {
  if (token === null && !metricsAddress) return {}
  return { metrics: createPrometheus(), ...(token !== null && { metricsAccess: { token } }) }
}
