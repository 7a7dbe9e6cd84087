import { OstiaryError } from '../../core/errors.ts'
import type { DeliveryReport } from '../../core/ports.ts'

/** A request of a mail provider, as its reader takes it. */
export interface HookCall {
  header(name: string): string | undefined
  body: Buffer
  /** Epoch milliseconds. */
  now: number
}

/**
 * One mail provider. `read` checks that the call comes from it and reads what it reports of our messages, leaving out what
 * it says of others. Throws `unauthorized` when the signature is missing, wrong or more than five minutes off.
 */
export interface Provider {
  /** 64 KB unless told. */
  maxBytes?: number
  read(call: HookCall): Promise<DeliveryReport[]>
}

/** The refusal of a call that does not prove where it comes from; the reason is for the log. */
export function refuseSignature(reason: string): never {
  throw new OstiaryError('unauthorized', {
    detail: 'The signature or token of the webhook is missing, wrong or too old.',
    reason,
  })
}

/** The body as JSON, read after its signature was found right (or, where the signature is inside, to find it). */
export function readHookJson(body: Buffer | string): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (cause) {
    throw new OstiaryError('malformed_json', { cause })
  }
}
