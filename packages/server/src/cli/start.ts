import { type Config, readConfig } from '../config.ts'
import { VERSION } from '../core/version.ts'
import { createTransports } from '../delivery/transports.ts'
import { type Listening, listen } from '../http/server.ts'
import { createLog, createOstiary, type Ostiary, type OstiaryOptions } from '../main.ts'
import { createPrometheus } from '../observability/prometheus.ts'
import { stopOnSignals } from './signals.ts'
import { Hint } from './terminal.ts'

/** `ostiary start`: production. Every missing or unsafe setting is told at once, each with its fix (exit code 2). */
export async function start(): Promise<void> {
  const config = readConfig(process.env)
  const log = createLog(config.logLevel)
  const transport = createTransports(config, { log })
  const ostiary = await createOstiary({
    ...config,
    ...metricsOf(config),
    log,
    ...(transport && { transport }),
  })
  const server = await listen(ostiary.fetch, config.port, [undefined]).catch(
    async (error: NodeJS.ErrnoException) => {
      await ostiary.stop()
      if (error.code === 'EADDRINUSE')
        throw new Hint(`port ${config.port} is taken`, 'stop what runs there, or set PORT')
      throw error
    },
  )
  const metricsServer = await listenForMetrics(ostiary, config).catch(async error => {
    await server.close(0)
    await ostiary.stop()
    throw error
  })
  ostiary.start()
  log.info({ url: config.publicUrl, port: config.port, version: VERSION }, 'ostiary is running')
  stopOnSignals(async () => {
    log.info({}, 'stopping')
    await server.close()
    await ostiary.stop()
    // Last, so that a scraper sees the end.
    await metricsServer?.close(0)
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

async function listenForMetrics(ostiary: Ostiary, { metricsAddress }: Config): Promise<Listening | null> {
  if (!metricsAddress) return null
  const { host, port } = metricsAddress
  return await listen(request => ostiary.fetchMetrics(request), port, [host]).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        throw new Hint(`port ${port} of METRICS_ADDRESS is taken`, 'stop what runs there, or choose another')
      throw error
    },
  )
}
