import { createServer } from 'node:net'
import { PerformanceObserver } from 'node:perf_hooks'

/**
 * Loaded into the server under test by `--import`: a heart that beats on its event loop. Whoever connects to the
 * socket named by HOSTILE_HEARTBEAT is told, as JSON, how long it stood still, and how much memory is in use after a
 * collection; a connection begins a new count.
 */
export interface Heartbeat {
  /** The longest time between two beats beyond the interval, in milliseconds; on a busy machine others take part of it. */
  worstGapMs: number
  /** The most processor time that the server's own thread used between two beats. */
  worstOwnMs: number
  gapsOver100Ms: number
  beats: number
  /** When the thread was busy for long, in epoch milliseconds, and for how long: the first hundred times. */
  stalls: { at: number; ownMs: number }[]
  /** Garbage collections that held the thread for long, in the same way. */
  collections: { at: number; ms: number }[]
  /** Taken each second since the start of the process, without a collection of ours: what an operator would see. */
  rssSamplesMb: number[]
  /** After a collection. */
  rssMb: number
  heapMb: number
}

const INTERVAL_MS = 10
const LONG_MS = 25
const LONG_COLLECTION_MS = 10

let worstGapMs = 0
let worstOwnMs = 0
let gapsOver100Ms = 0
let beats = 0
let stalls: Heartbeat['stalls'] = []
let collections: Heartbeat['collections'] = []
const rssSamplesMb: number[] = []
let countedFrom = performance.now()
let lastAt = countedFrom
let lastOwn = ownMs()

function ownMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function beat(): void {
  const at = performance.now()
  const own = ownMs()
  const gap = at - lastAt - INTERVAL_MS
  worstGapMs = Math.max(worstGapMs, gap)
  worstOwnMs = Math.max(worstOwnMs, own - lastOwn)
  if (gap > 100) gapsOver100Ms++
  if (own - lastOwn > LONG_MS && stalls.length < 100) stalls.push({ at: Date.now(), ownMs: own - lastOwn })
  beats++
  lastAt = at
  lastOwn = own
}

setInterval(beat, INTERVAL_MS).unref()
setInterval(() => rssSamplesMb.push(Math.round(process.memoryUsage.rss() / 2 ** 20)), 1000).unref()
new PerformanceObserver(list => {
  for (const { startTime, duration } of list.getEntries())
    if (startTime > countedFrom && duration > LONG_COLLECTION_MS && collections.length < 100)
      collections.push({ at: performance.timeOrigin + startTime + duration, ms: duration })
}).observe({ entryTypes: ['gc'] })

const path = process.env.HOSTILE_HEARTBEAT
if (path !== undefined)
  createServer(socket => {
    socket.on('error', () => {})
    const told = { worstGapMs, worstOwnMs, gapsOver100Ms, beats, stalls, collections, rssSamplesMb }
    globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    socket.end(
      JSON.stringify({ ...told, rssMb: rss / 2 ** 20, heapMb: heapUsed / 2 ** 20 } satisfies Heartbeat),
    )
    // The collection was ours.
    worstGapMs = worstOwnMs = gapsOver100Ms = beats = 0
    stalls = []
    collections = []
    countedFrom = lastAt = performance.now()
    lastOwn = ownMs()
  })
    .listen(path)
    .unref()
