import { limitedError } from './deps.ts'

/** Runs work of which a process does only so much at once under one name. */
export type Turns = <T>(name: string, act: () => Promise<T>) => Promise<T>

/** Refusal: `rate_limited` with this limit, at once, while `atOnce` of a name are under way. */
export function createTurns(limit: string, atOnce: number): Turns {
  const running = new Map<string, number>()
  return async (name, act) => {
    const before = running.get(name) ?? 0
    if (before >= atOnce) throw limitedError({ limit, retryAfterMs: 1000 })
    running.set(name, before + 1)
    try {
      return await act()
    } finally {
      const left = (running.get(name) ?? 1) - 1
      if (left === 0) running.delete(name)
      else running.set(name, left)
    }
  }
}
