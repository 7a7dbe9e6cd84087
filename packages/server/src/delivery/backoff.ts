const STEPS_MS = [1_000, 5_000, 15_000, 30_000, 60_000]
const LAST_STEP_MS = 120_000
const JITTER = 0.2

/**
 * When to try again after the failed try number `attempt` (from 1), or null when that would be at or past the end of
 * the message's life. Up to a fifth is added by chance: after an outage the tries do not all come back at once.
 */
export function retryAt(
  attempt: number,
  now: number,
  expiresAt: number,
  chance: number = Math.random(),
): number | null {
  const step = STEPS_MS[attempt - 1] ?? LAST_STEP_MS
  const at = now + Math.round(step * (1 + JITTER * chance))
  return at < expiresAt ? at : null
}
