import { lost, OstiaryClientError, refusalOf } from './errors.ts'

export interface Call {
  method: 'GET' | 'POST'
  path: string
  body?: object
  /** Without one, the cookie of Ostiary's own origin speaks. */
  token?: string | null
  /** Which of the cookies, where there is no token. */
  actionId?: string | null
  signal?: AbortSignal | undefined
  /** Asking twice does no more than asking once: a lost answer is asked for again, once. */
  isRepeatable?: boolean
  /** Takes and gives the refresh cookie of Ostiary's origin, from another origin of the same site. */
  hasCookies?: boolean
}

export interface Wire {
  /** Origin of the server, without a slash at the end. */
  server: string
  fetch: typeof fetch
  timeoutMs: number
  /** Pause before the one repetition. */
  repeatAfterMs: number
}

/** One call. Throws `OstiaryClientError` and nothing else. */
export async function request<Answer>(wire: Wire, call: Call): Promise<Answer> {
  try {
    return await ask<Answer>(wire, call)
  } catch (error) {
    if (!call.isRepeatable || !isLost(error)) throw error
    await pause(wire.repeatAfterMs, call.signal)
    return await ask<Answer>(wire, call)
  }
}

/** Whether the answer was lost, so that nobody knows whether the call took effect. */
export function isLost(error: unknown): boolean {
  return (
    error instanceof OstiaryClientError &&
    ['network_failed', 'timed_out', 'answer_unreadable', 'outcome_unknown'].includes(error.code)
  )
}

export function headersOf(call: Pick<Call, 'body' | 'token' | 'actionId'>): Record<string, string> {
  return {
    Accept: 'application/json',
    ...(call.body && { 'Content-Type': 'application/json' }),
    ...(call.token
      ? { Authorization: `Bearer ${call.token}` }
      : call.actionId && { 'Ostiary-Action': call.actionId }),
  }
}

/** Waits; an abort ends it at once with `aborted`. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(lost('aborted'))
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    const stop = () => {
      clearTimeout(timer)
      reject(lost('aborted'))
    }
    signal?.addEventListener('abort', stop, { once: true })
  })
}

/**
 * Ends after `ms`, or with `outer`. Not AbortSignal.any and AbortSignal.timeout: Safari has the first since 17.4 only, and
 * in Node a signal made of others can be collected before it fires.
 */
export interface Deadline {
  signal: AbortSignal
  /** The time begins anew. */
  extend(ms: number): void
  isOver(): boolean
  clear(): void
}

export function deadline(ms: number, outer?: AbortSignal): Deadline {
  const inner = new AbortController()
  let isOver = false
  const end = () => {
    isOver = true
    inner.abort()
  }
  const follow = () => inner.abort()
  let timer = setTimeout(end, ms)
  outer?.addEventListener('abort', follow, { once: true })
  if (outer?.aborted) inner.abort()
  return {
    signal: inner.signal,
    extend(more) {
      clearTimeout(timer)
      timer = setTimeout(end, more)
    },
    isOver: () => isOver,
    clear() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', follow)
    },
  }
}

async function ask<Answer>(wire: Wire, call: Call): Promise<Answer> {
  const limit = deadline(wire.timeoutMs, call.signal)
  let answer: Response
  let body: unknown
  try {
    answer = await wire.fetch(`${wire.server}${call.path}`, {
      method: call.method,
      headers: headersOf(call),
      body: call.body ? JSON.stringify(call.body) : null,
      // The cookie counts on Ostiary's own origin only; elsewhere the token does, and no cookie is to go along.
      credentials: call.hasCookies ? 'include' : 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: limit.signal,
    })
    body = await json(answer)
  } catch {
    throw lost(call.signal?.aborted ? 'aborted' : limit.isOver() ? 'timed_out' : 'network_failed')
  } finally {
    limit.clear()
  }
  if (!answer.ok) throw refusalOf(answer, body)
  if (body === undefined) throw lost('answer_unreadable', answer.status, answer.headers.get('Request-Id'))
  return body as Answer
}

async function json(answer: Response): Promise<unknown> {
  const text = await answer.text()
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
