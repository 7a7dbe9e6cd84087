import { parseIp } from './addresses/network.ts'
import type { Directory, EnvironmentView } from './environments/directory.ts'
import type { ErrorCode } from './errors.ts'
import { fieldError, OstiaryError } from './errors.ts'
import type { CallHook } from './hooks/call.ts'
import type { Keyring } from './keys.ts'
import type { MessageReader } from './messages/reader.ts'
import type { Circumstances, Clock, LimitFired, Random, Store } from './ports.ts'
import type { Origin } from './rows.ts'
import type { NetworkBook } from './signals/networks.ts'
import type { Turns } from './turns.ts'
import type { TargetPolicy } from './webhooks/target.ts'

/** What every operation needs from the world. */
export interface Deps {
  store: Store
  clock: Clock
  random: Random
  keyring: Keyring
  directory: Directory
  messages: MessageReader
  /** What the operator's files tell of networks. */
  networks: NetworkBook
  /** Public origin of this server, from `OSTIARY_URL`: never from a request. */
  publicUrl: string
  epoch: number
  /** Where webhooks and hooks may go. */
  webhookTargets: TargetPolicy
  callHook: CallHook
  /** Who judges past actions anew: two at once in an environment. */
  pastRuns: Turns
}

/** On whose behalf an operation runs. */
export interface Call {
  view: EnvironmentView
  origin: Origin
}

/** What a backend tells of the person (`context` on the wire). */
export interface ToldContext {
  ipAddress?: string | undefined
  userAgent?: string | undefined
  deviceToken?: string | undefined
}

/** Reads `context`: a bad IP literal is refused, not skipped, for a limit would be skipped with it. */
export function circumstancesOf(context: ToldContext | undefined): Circumstances {
  const ip = context?.ipAddress === undefined ? null : parseIp(context.ipAddress)
  if (context?.ipAddress !== undefined && !ip)
    throw fieldError('context.ipAddress', 'invalid_format', 'is not one IP address')
  return {
    ipAddress: ip?.address ?? null,
    userAgent: context?.userAgent ?? null,
    host: ip?.host ?? null,
    site: ip?.site ?? null,
  }
}

/**
 * The device token that a backend tells: null for a browser that has none yet and could keep one, undefined where nothing
 * says that there is a browser.
 */
export const shownDevice = (context: ToldContext | undefined): string | null | undefined =>
  context?.deviceToken ?? (context?.userAgent === undefined ? undefined : null)

/** The refusal of a limit, with its name and the time to wait. */
export function limitedError({ limit, retryAfterMs }: Omit<LimitFired, 'kind'>): OstiaryError {
  return new OstiaryError('rate_limited', {
    limit,
    retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)),
  })
}

/** A refusal by its code, for outcomes that say no more. */
export function refuse(code: ErrorCode, detail?: string): never {
  throw new OstiaryError(code, detail === undefined ? {} : { detail })
}
