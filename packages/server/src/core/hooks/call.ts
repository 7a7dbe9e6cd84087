import type { Environment } from '../rows.ts'

/** One call of a hook, signed and ready. */
export interface HookCall {
  url: string
  environmentId: string
  mode: Environment['mode']
  headers: Record<string, string>
  body: string
  /** For all of it: the name, the connection and the whole answer. */
  timeoutMs: number
}

/** Why a call brought no answer that counts: a closed list for the event, and words for whoever looks. */
export interface HookFailure {
  failure: 'noSecret' | 'busy' | 'timeout' | 'notCalled' | 'unreachable' | 'status' | 'tooLarge' | 'malformed'
  detail: string
}

/**
 * Calls a hook once and gives the whole body of its 200. Never throws, and never takes longer than the call says. Calls
 * allowed addresses only, follows no redirect, and gives up at once where too many calls of the environment are out.
 */
export type CallHook = (call: HookCall) => Promise<{ answer: string } | HookFailure>
