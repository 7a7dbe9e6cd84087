/** How a worker waits for work: it sleeps, and what is committed wakes it. */
export interface Alarm {
  /** Ends the sleep; one that has not begun is not slept. Cheap; any number of calls are one. */
  ring(): void
  hasRung(): boolean
  /** Before a look for work: what rings from now on came too late to be seen by it. */
  reset(): void
  /** Resolves after so many milliseconds, or when it rings; at once when it has rung since the last `reset`. */
  sleep(ms: number): Promise<void>
}

export function createAlarm(): Alarm {
  let hasRung = false
  let endSleep: (() => void) | null = null
  return {
    ring() {
      hasRung = true
      endSleep?.()
    },
    hasRung: () => hasRung,
    reset() {
      hasRung = false
    },
    sleep(ms) {
      if (hasRung || ms <= 0) return Promise.resolve()
      return new Promise(resolve => {
        const timer = setTimeout(end, ms)
        function end() {
          clearTimeout(timer)
          endSleep = null
          resolve()
        }
        endSleep = end
      })
    },
  }
}

/** Waits for the work, but no longer than this. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([work, new Promise(resolve => (timer = setTimeout(resolve, ms)))])
  clearTimeout(timer)
}
