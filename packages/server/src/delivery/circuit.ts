const FAILURES = 3
const REST_MS = 30_000

/** Remembers whether one way out is worth a try. */
export interface Circuit {
  /** Whether the way has failed so often that it is left alone for a while. */
  isOpen(): boolean
  /** The way works, whatever it said of this one mail. */
  worked(): void
  /** True when this failure opened the circuit. */
  failed(): boolean
}

/**
 * After three failures in a row a way rests for half a minute; then it is tried again, and one more failure sends it back
 * to rest. Held in memory by each process: what one of them cannot reach, another may.
 */
export function createCircuit(clock: { now(): number }): Circuit {
  let failures = 0
  let restsUntil = Number.NEGATIVE_INFINITY
  return {
    isOpen() {
      const leftMs = restsUntil - clock.now()
      // More than a whole rest is left where the clock was set back: nobody waits for that hour.
      return leftMs > 0 && leftMs <= REST_MS
    },
    worked() {
      failures = 0
      restsUntil = Number.NEGATIVE_INFINITY
    },
    failed() {
      failures++
      if (failures < FAILURES) return false
      restsUntil = clock.now() + REST_MS
      return true
    },
  }
}
