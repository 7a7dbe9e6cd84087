const MAX_KEPT = 500
let kept = new Map<string, Intl.DateTimeFormat>()

/** Throws where the text names no time zone: of the IANA list, `UTC`, or an offset like `+02:00`. */
export function readTimeZone(zone: string): Intl.DateTimeFormat {
  const known = kept.get(zone)
  if (known) return known
  const format = formatOf(zone)
  if (kept.size >= MAX_KEPT) kept = new Map()
  kept.set(zone, format)
  return format
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const part = 'numeric'
  const shape = { year: part, month: part, day: part, hour: part, minute: part, second: part } as const
  try {
    return new Intl.DateTimeFormat('en-US', { ...shape, timeZone, hourCycle: 'h23' })
  } catch (cause) {
    throw new Error(`"${timeZone.slice(0, 60)}" is not a time zone like Europe/Berlin or +02:00`, { cause })
  }
}

const lastOf = new Map<string, { instant: number; time: number }>()

/** A date whose UTC fields are what a clock on the wall of the zone shows; without one, of UTC. */
export function wallClock(instant: number, zone?: string): Date {
  if (zone === undefined) return new Date(instant)
  const last = lastOf.get(zone)
  // All conditions of a decision ask for the same instant.
  if (last?.instant === instant) return new Date(last.time)
  const time = wallTime(instant, readTimeZone(zone))
  if (lastOf.size >= MAX_KEPT) lastOf.clear()
  lastOf.set(zone, { instant, time })
  return new Date(time)
}

function wallTime(instant: number, format: Intl.DateTimeFormat): number {
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]))
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? Number.NaN
  const ms = ((instant % 1000) + 1000) % 1000
  return Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
    ms,
  )
}
