import type { Circumstances, Exposure, KnownDevice, KnownSend, Limit } from '../ports.ts'
import type { Settings } from '../settings/settings.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
// A /24 or /48 holds many people: it gets ten times what one of its hosts gets.
const SITE_FACTOR = 10
const BEGUN_PER_HOST = 120
// A page asks again when a challenge ran out, and beside an action that it began.
const PASSKEYS_PER_HOST = 2 * BEGUN_PER_HOST

/** The limits on a send to this address by somebody in these circumstances (PROTOCOL section 2). */
export function sendLimits(settings: Settings, address: string, circumstances: Circumstances): Limit[] {
  const { host, site } = circumstances
  const { sendsPerAddress, sendsPerAddressAndNetwork, sendsPerAddressUntold } = settings.limits
  const limits: Limit[] = [
    {
      name: 'sendsPerAddress',
      key: address,
      windows: [
        { ms: HOUR, max: sendsPerAddress.hour },
        { ms: DAY, max: sendsPerAddress.day },
      ],
    },
  ]
  if (host === null || site === null) {
    // All that is not told counts as one network.
    const { minute, hour } = sendsPerAddressUntold
    limits.push({
      name: 'sendsPerAddressUntold',
      key: address,
      windows: [
        { ms: MINUTE, max: minute },
        { ms: HOUR, max: hour },
      ],
    })
    return limits
  }
  const { minute, hour, day } = sendsPerAddressAndNetwork
  limits.push(
    {
      name: 'sendsPerAddressAndNetwork',
      key: `${address} ${site}`,
      windows: [
        { ms: MINUTE, max: minute },
        { ms: HOUR, max: hour },
        { ms: DAY, max: day },
      ],
    },
    ...ipLimits(settings, circumstances),
  )
  return limits
}

function ipLimits(settings: Settings, { host, site }: Circumstances): Limit[] {
  if (host === null || site === null) return []
  const max = settings.limits.sendsPerIp.hour
  return [
    { name: 'sendsPerIp', key: host, windows: [{ ms: HOUR, max }] },
    { name: 'sendsPerIp', key: site, windows: [{ ms: HOUR, max: max * SITE_FACTOR }] },
  ]
}

/** What a send from a device that knows the owner takes from. */
export function knownSend(settings: Settings, circumstances: Circumstances): Omit<KnownSend, 'tokenHash'> {
  const windows = [{ ms: HOUR, max: settings.limits.sendsPerKnownDevice.hour }]
  return { own: { name: 'sendsPerKnownDevice', windows }, limits: ipLimits(settings, circumstances) }
}

/** All limits of a send from this device. Its bucket is for one user: of several people at a device none uses up another's. */
export const limitsOfKnown = (
  { own, limits }: Omit<KnownSend, 'tokenHash'>,
  { userId, deviceId }: KnownDevice,
): Limit[] => [...limits, { ...own, key: `${userId} ${deviceId}` }]

/** How many sign-ins one host may begin in a browser: each is a row, and costs nothing else. Not a setting: it guards us. */
export function beginLimits({ host, site }: Circumstances): Limit[] {
  if (host === null || site === null) return []
  const windows = (max: number) => [{ ms: 10 * MINUTE, max }]
  return [
    { name: 'actionsPerIp', key: host, windows: windows(BEGUN_PER_HOST) },
    { name: 'actionsPerIp', key: site, windows: windows(BEGUN_PER_HOST * SITE_FACTOR) },
  ]
}

/** How many passkey challenges one host may have. They go to no address, so nobody else's sign-in is any slower for it. */
export function passkeyLimits({ host, site }: Circumstances): Limit[] {
  if (host === null || site === null) return []
  const windows = (max: number) => [{ ms: 10 * MINUTE, max }]
  return [
    { name: 'passkeysPerIp', key: host, windows: windows(PASSKEYS_PER_HOST) },
    { name: 'passkeysPerIp', key: site, windows: windows(PASSKEYS_PER_HOST * SITE_FACTOR) },
  ]
}

/** The limits on wrong answers. A backend is never limited by its own address: what is not told is not counted. */
export function wrongLimits(settings: Settings, { host, site }: Circumstances): Limit[] {
  if (host === null || site === null) return []
  const max = settings.limits.wrongPerIp.tenMinutes
  return [
    { name: 'wrongPerIp', key: host, windows: [{ ms: 10 * MINUTE, max }] },
    { name: 'wrongPerIp', key: site, windows: [{ ms: 10 * MINUTE, max: max * SITE_FACTOR }] },
  ]
}

/** The bounds on guesses at weak codes (PROTOCOL section 1). */
export function exposureOf(settings: Settings): Exposure {
  return {
    perAddress: settings.limits.weakGuessesPerAddress,
    perEnvironment: settings.limits.weakGuessesPerEnvironment,
  }
}
