const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** How long after each failed try the next one comes: the last comes 28 h after the first. */
const STEPS_MS = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR]
const JITTER = 0.02

/**
 * When to try again after so many failed tries (from 1), or null when that was the last. A little is added by chance: after
 * an outage the tries do not all come back at once.
 */
export function retryAt(failures: number, now: number, chance: number = Math.random()): number | null {
  const step = STEPS_MS[failures - 1]
  return step === undefined ? null : now + Math.round(step * (1 + JITTER * chance))
}
