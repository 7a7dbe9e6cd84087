import { AsyncLocalStorage } from 'node:async_hooks'

const requests = new AsyncLocalStorage<string>()

/** Runs the work of one request: all that it awaits knows whose it is. */
export function inRequest<T>(requestId: string, work: () => T): T {
  return requests.run(requestId, work)
}

/** The request that the running code works for, or null: the worker and the upkeep work for none. */
export function currentRequestId(): string | null {
  return requests.getStore() ?? null
}
