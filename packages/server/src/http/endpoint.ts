import type { z } from 'zod'
import type { Call, Deps } from '../core/deps.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Keep } from '../core/idempotency.ts'
import type { ApiKey, Scope } from '../core/rows.ts'

/** A request to `/v1` that was let in, with its input checked. */
export interface ApiCall<Body, Query> extends Call {
  key: ApiKey
  params: Record<string, string>
  body: Body
  query: Query
  /** The `If-Match` header, or null. */
  ifMatch: string | null
  signal: AbortSignal
}

/**
 * One endpoint of `/v1`, whole: routes, OpenAPI, isolation matrix and scope checks are made from it.
 *
 * `act` calls core; `render` makes the answer of its result. They are apart because an answer that is kept for an
 * Idempotency-Key is rendered inside the write.
 */
export interface Endpoint<Body = unknown, Query = unknown, Result = unknown> {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** OpenAPI form: `/v1/challenges/{id}`. */
  path: string
  summary: string
  /** Any of these lets a key in; `admin` always does. */
  scopes: readonly Scope[]
  /** Exists in `test` environments only. */
  isTestOnly?: boolean
  body?: z.ZodType<Body>
  /** How it counts against the capacity of the process: a `send` has a part of it; what only `waits` does not count. */
  load?: 'send' | 'wait'
  /** How many bytes the body can have; 64 KB where it is not said. */
  maxBodyBytes?: number
  query?: z.ZodType<Query>
  status: 200 | 201 | 204
  /** Whether an answer tells of what was there already: then its status is 200. */
  isRepeat?(answer: object): boolean
  answer: z.ZodType | null
  errors: readonly ErrorCode[]
  /** The answer holds tokens: it is kept for 10 minutes instead of 24 hours. */
  holdsTokens?: boolean
  // `Keep<Result>` would have to be known before the body of `act`, from which Result is inferred.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  act(deps: Deps, call: ApiCall<Body, Query>, keep: Keep<any> | undefined): Promise<Result>
  render(result: Result, call: ApiCall<Body, Query>, deps: Deps): unknown
  /** An `ETag` for the answer. */
  etag?(result: Result): string
}

/** Declares an endpoint; its types follow from its validators. */
export function endpoint<Body, Query, Result>(
  definition: Endpoint<Body, Query, Result>,
): Endpoint<Body, Query, Result> {
  return definition
}
