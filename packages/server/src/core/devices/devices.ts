import { type Call, type Deps, refuse } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import type { NewDevice, Presented } from '../ports.ts'
import type { Device } from '../rows.ts'
import { isToken, newToken } from '../tokens.ts'

const DAY = 24 * 60 * 60_000

/**
 * The device of a sign-in, with the token that it gets where it needs a new one. `shown` is the token that the browser has:
 * null for none yet, undefined where nobody could keep one; then there is no device. A text that is no device token is as none. `isRemembered`: false
 * where the person was asked and did not say yes.
 */
export function newDevice(
  { random, keyring }: Deps,
  call: Call,
  shown: string | null | undefined,
  now: number,
  isRemembered = true,
): { device: NewDevice; deviceToken: string } | { device: null; deviceToken: null } {
  if (shown === undefined) return { device: null, deviceToken: null }
  const deviceToken = newToken('odt', random.bytes(32))
  const device: NewDevice = {
    id: newId('dev', now),
    tokenHash: keyring.tokenHash(deviceToken),
    presentedHash: presentedHash(keyring, shown) ?? null,
    rememberMs: isRemembered ? rememberMs(call) : 0,
  }
  return { device, deviceToken }
}

/**
 * Says until when a device counts as remembered, at most 400 days ahead; null forgets it, and its next sign-in remembers it
 * anew. Refusals: `invalid_request`, `not_found`, `state_conflict` for a device that is ended.
 */
export async function rememberDevice(
  { store, clock }: Deps,
  { origin }: Call,
  { userId, id, until }: { userId: string; id: string; until: number | null },
): Promise<Device> {
  const now = clock.now()
  if (until !== null && (until <= now || until > now + 400 * DAY))
    throw fieldError('rememberedUntil', 'invalid_value', 'is not within the next 400 days')
  const device = await store.rememberDevice(userId, id, until, origin, now)
  if (device === 'stateConflict') return refuse('state_conflict', 'This device is ended.')
  return device ?? refuse('not_found')
}

/** Ends a device for this user: its token never tells of them again. Sessions stay. Refusal: `not_found`. */
export async function endDevice(
  { store, clock }: Deps,
  { origin }: Call,
  { userId, id }: { userId: string; id: string },
  keep?: Keep<Device>,
): Promise<Device> {
  return await writeOnce<Device | null, Device>(
    keep,
    once => store.endDevice(userId, id, origin, clock.now(), once),
    async device => device ?? refuse('not_found'),
  )
}

/** For how long a sign-in remembers its device. */
export const rememberMs = ({ view }: Call) => view.settings.device.rememberDays * DAY

/** What is stored of a device token that somebody shows. */
export const presentedHash = (keyring: Deps['keyring'], shown: string | null | undefined): Presented =>
  shown && isToken('odt', shown) ? keyring.tokenHash(shown) : shown === undefined ? undefined : null
