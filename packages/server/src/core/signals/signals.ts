import { parseIp } from '../addresses/network.ts'
import type { UserPast } from '../ports.ts'
import type { Signals } from '../rules/variables.ts'
import { distanceKm, type NetworkBook, type NetworkFacts } from './networks.ts'
import { userAgentSignals } from './user-agent.ts'

/**
 * What is known of where an action comes from (PROTOCOL section 4). What is not known is left out, and never false, 0 or '':
 * a condition that reads it errs, and by that is no yes. Instants are epoch milliseconds.
 */
export type SeenSignals = {
  [Group in 'device' | 'ip' | 'userAgent' | 'history']: NonNullable<Signals[Group]>
}

/** Where somebody comes from: `ipAddress` as `parseIp` writes it. */
export interface Seen {
  ipAddress: string | null
  userAgent: string | null
}

const HOUR = 60 * 60_000
const DAY = 24 * HOUR
/** Two sign-ins in one minute would be at any speed. */
const LEAST_MS = 60_000

/** `past`: null where nobody is known yet; then nothing of a past is. */
export function seenSignals(
  { ipAddress, userAgent }: Seen,
  past: UserPast | null,
  networks: NetworkBook,
  now: number,
): SeenSignals {
  const here = ipAddress === null ? {} : networks.lookup(ipAddress)
  return {
    device: past ? deviceSignals(past, now) : {},
    ip: ipSignals(ipAddress, here, past),
    userAgent: userAgentSignals(userAgent),
    history: past ? historySignals(past, here, networks, now) : {},
  }
}

function deviceSignals({ device, deviceCount }: UserPast, now: number): SeenSignals['device'] {
  if (device === undefined) return { count: deviceCount }
  return {
    known: device !== null,
    isNew: device === null,
    isRemembered: device !== null && device.rememberedUntil !== null && device.rememberedUntil > now,
    count: deviceCount,
    ...(device && { ageDays: Math.max(0, Math.floor((now - device.createdAt) / DAY)) }),
  }
}

const siteOf = (address: string) => parseIp(address)?.site

function ipSignals(
  ipAddress: string | null,
  { place, ...facts }: NetworkFacts,
  past: UserPast | null,
): SeenSignals['ip'] {
  if (ipAddress === null) return {}
  const isNew = past && isNewTo(past, ipAddress)
  return { address: ipAddress, ...facts, ...(typeof isNew === 'boolean' && { isNew }) }
}

/** Undefined where a sign-in that was told from nowhere may have come from there. */
function isNewTo({ signIns }: UserPast, ipAddress: string): boolean | undefined {
  const site = siteOf(ipAddress)
  if (signIns.some(one => one.ipAddress !== null && siteOf(one.ipAddress) === site)) return false
  return signIns.some(one => one.ipAddress === null) ? undefined : true
}

function historySignals(
  { signIns, failures }: UserPast,
  here: NetworkFacts,
  networks: NetworkBook,
  now: number,
): SeenSignals['history'] {
  const within = (ms: number) => signIns.filter(one => one.at > now - ms)
  const factsOf = (address: string | null): NetworkFacts => (address === null ? {} : networks.lookup(address))
  const [last] = signIns
  const there = factsOf(last?.ipAddress ?? null)
  const distance = here.place && there.place ? distanceKm(there.place, here.place) : undefined
  const ofDay = within(DAY).map(one => factsOf(one.ipAddress).country)
  const isAllKnown = ofDay.every(country => country !== undefined)
  return {
    signIns: { hour: within(HOUR).length, day: within(DAY).length, month: within(30 * DAY).length },
    failures,
    ...(last && { lastSignInAt: last.at }),
    ...(there.country !== undefined && { lastCountry: there.country }),
    ...(distance !== undefined &&
      last && {
        distanceKm: distance,
        speedKmh: distance / (Math.max(LEAST_MS, now - last.at) / HOUR),
      }),
    // One sign-in of which nobody knows from where would make the number a guess.
    ...(isAllKnown && { countriesDay: new Set(ofDay).size }),
  }
}
