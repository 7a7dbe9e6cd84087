import cluster, { type Worker } from 'node:cluster'
import type { Config } from '../config.ts'
import { systemClock } from '../core/system.ts'
import { VERSION } from '../core/version.ts'
import { createMetricsPage, serveAside } from '../http/metrics-page.ts'
import { createLog } from '../main.ts'
import { joinSnapshots, type Snapshot } from '../observability/prometheus.ts'
import { listenForMetrics } from './metrics-listener.ts'
import { stopOnSignals } from './signals.ts'

/**
 * Several processes of one machine on one port (`ostiary start --workers N`). The primary answers nobody but the scraper: it
 * starts processes, starts those anew that die, and ends them. They speak by `Told` and `Answered`.
 */
type Told = { tell: 'stop' } | { tell: 'snapshot'; id: number }
interface Answered {
  id: number
  snapshot: Snapshot
}

const MIN_BACK_OFF_MS = 500
const MAX_BACK_OFF_MS = 30_000
/** Who lived that long did not die of what it was started with. */
const STEADY_MS = 60_000
const SNAPSHOT_MS = 2_000

/** The primary. Starts one process, and when that one listens the others; when it cannot, ends as it ended. */
export async function supervise(config: Config, processes: number): Promise<void> {
  const log = createLog(config.logLevel)
  const page = async () => await joinSnapshots(await readSnapshots())
  const metricsServer = await listenForMetrics(
    serveAside(
      { metricsPage: createMetricsPage({ page, token: config.metricsToken }) },
      config.publicUrl,
      systemClock,
    ),
    config,
  )
  const waiting = new Set<NodeJS.Timeout>()
  let backOffMs = MIN_BACK_OFF_MS
  let isUp = false
  let isStopping = false

  function launch(): Worker {
    const worker = cluster.fork()
    const begunAt = performance.now()
    const { pid } = worker.process
    log.info({ pid }, 'a process was started')
    worker.once('exit', (code, signal) => {
      if (isStopping) return
      // It has said why, and every other one would say the same.
      if (!isUp) process.exit(code || 1)
      const isSteady = performance.now() - begunAt > STEADY_MS
      backOffMs = isSteady ? MIN_BACK_OFF_MS : Math.min(MAX_BACK_OFF_MS, backOffMs * 2)
      log.warn({ pid, code, signal, backOffMs }, 'a process ended; another one is started in its place')
      const timer = setTimeout(() => {
        waiting.delete(timer)
        launch()
      }, backOffMs)
      waiting.add(timer)
    })
    return worker
  }

  stopOnSignals(async () => {
    log.info({}, 'stopping')
    isStopping = true
    for (const timer of waiting) clearTimeout(timer)
    await Promise.all(workers().map(stopWorker))
    await metricsServer?.close(0)
  })
  const first = launch()
  await new Promise<void>(resolve => first.once('listening', () => resolve()))
  isUp = true
  if (isStopping) return
  for (let others = processes - 1; others > 0; others--) launch()
  const { publicUrl: url, port } = config
  log.info({ url, port, processes, version: VERSION }, 'ostiary is running')
}

const workers = () => Object.values(cluster.workers ?? {}).filter(worker => worker !== undefined)

async function stopWorker(worker: Worker): Promise<void> {
  const ended = new Promise<void>(resolve => worker.once('exit', () => resolve()))
  if (worker.isDead()) return
  // By message: a signal may come to all processes of the group besides, and the second one ends them at once.
  if (worker.isConnected()) worker.send({ tell: 'stop' } satisfies Told)
  await ended
}

let snapshotsAsked = 0

/** Of every process that answers in time. */
async function readSnapshots(): Promise<Snapshot[]> {
  const asked = workers()
    .filter(worker => worker.isConnected())
    .map(readSnapshot)
  return (await Promise.all(asked)).filter(snapshot => snapshot !== null)
}

function readSnapshot(worker: Worker): Promise<Snapshot | null> {
  const id = ++snapshotsAsked
  return new Promise(resolve => {
    const end = (snapshot: Snapshot | null) => {
      clearTimeout(timer)
      worker.off('message', hear)
      resolve(snapshot)
    }
    const hear = (answer: Answered) => {
      if (answer.id === id) end(answer.snapshot)
    }
    const timer = setTimeout(() => end(null), SNAPSHOT_MS)
    worker.on('message', hear)
    worker.send({ tell: 'snapshot', id } satisfies Told)
  })
}

/** The other side: stops when told to or by SIGTERM, and leaves Ctrl+C to the primary, which tells. */
export function obeyPrimary(own: { stop: () => Promise<void>; snapshot: () => Promise<Snapshot> }): void {
  process.on('SIGINT', () => {})
  const stop = stopOnSignals(own.stop, ['SIGTERM'])
  process.on('message', async (told: Told) => {
    if (told.tell === 'stop') stop()
    else process.send?.({ id: told.id, snapshot: await own.snapshot() } satisfies Answered)
  })
}
