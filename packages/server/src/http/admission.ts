import { OstiaryError } from '../core/errors.ts'

/** How many calls of `/v1` a process works on at once. */
export interface Capacity {
  /** All of them, but for those that only wait. */
  calls: number
  /** Sends among them: less than all, so that in a surge of sends people who have their code still get in. */
  sends: number
}

export const DEFAULT_CAPACITY: Capacity = { calls: 256, sends: 128 }

/**
 * Refuses what comes while as many calls as the process has room for are under way: at once, before anything is read,
 * with 503 `unavailable`, `limit: "capacity"` and `Retry-After`. What is let in is answered soon; a longer queue would
 * only make everybody wait, and do work whose caller has given up.
 */
export function createAdmission({ calls, sends }: Capacity) {
  let running = 0
  let sending = 0
  return async function admit<T>(isSend: boolean, act: () => Promise<T>): Promise<T> {
    if (running >= calls || (isSend && sending >= sends))
      throw new OstiaryError('unavailable', { limit: 'capacity', retryAfterSeconds: 1 })
    running++
    if (isSend) sending++
    try {
      return await act()
    } finally {
      running--
      if (isSend) sending--
    }
  }
}

export type Admit = ReturnType<typeof createAdmission>
