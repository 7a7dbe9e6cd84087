import type { z } from 'zod'
import type { AtAccount } from '../../core/account/account.ts'
import type { AtWork } from '../../core/actions/work.ts'
import type { Call, Deps } from '../../core/deps.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { Circumstances } from '../../core/ports.ts'
import type { App } from '../../core/rows.ts'
import type { Jar } from './action-cookies.ts'

/** What a browser's request was let in with, by the kind of proof that its endpoint asks for. */
export interface LetIn {
  /** A publishable key: names the app, opens nothing. */
  key: Call & { app: App }
  /** The working token of an action, as a bearer token or in the cookie of Ostiary's own pages. */
  action: AtWork & { app: App }
  /** Ostiary's own page, which has no key; whatever opens the door is in the body. */
  page: object
  /** An access token. */
  session: AtAccount & { app: App }
}

export type ClientCall<Auth extends keyof LetIn, Body> = LetIn[Auth] & {
  body: Body
  circumstances: Circumstances
  /** From a page of Ostiary's own origin: it works by cookie. */
  isOwnPage: boolean
  jar: Jar
  signal: AbortSignal
  /** The server is to stop: what only waits has to end. */
  leaving: AbortSignal
}

/**
 * One endpoint of `/client/v1`, whole: routes, OpenAPI and the checks of who may call from where are made from it. There is
 * no Idempotency-Key: each step can be asked for again by what it is.
 */
export interface ClientEndpoint<Auth extends keyof LetIn = keyof LetIn, Body = unknown, Result = unknown> {
  method: 'GET' | 'POST'
  /** `/client/v1/…`: never with an id, for the token names the action. */
  path: string
  summary: string
  auth: Auth
  body?: z.ZodType<Body>
  /** As of `Endpoint`: a `send` has a part of the capacity of the process; what only `waits` does not count. */
  load?: 'send' | 'wait'
  status: 200 | 201
  /** Null: a stream, which `act` answers itself. */
  answer: z.ZodType | null
  errors: readonly ErrorCode[]
  /** Refused where the session's proof is older than ten minutes (`guardFresh`). */
  needsFreshProof?: boolean
  /** An app with `publicRefresh` calls it with its cookie. */
  takesCredentials?: boolean
  act(deps: Deps, call: ClientCall<Auth, Body>): Promise<Result>
  render(result: Result, call: ClientCall<Auth, Body>, deps: Deps): unknown
  /** Values of `Set-Cookie`. */
  cookies?(result: Result, call: ClientCall<Auth, Body>, deps: Deps): string[]
}

/** Declares an endpoint of browsers; its types follow from its validators. */
export function clientEndpoint<Auth extends keyof LetIn, Body, Result>(
  definition: ClientEndpoint<Auth, Body, Result>,
): ClientEndpoint<Auth, Body, Result> {
  return definition
}
