import type { Response } from 'mmdb-lib'

/** What is known of the network of an address. What no file tells is left out: nobody took it for false. */
export interface NetworkFacts {
  /** ISO 3166 code in capitals. */
  country?: string
  asn?: number
  organization?: string
  /** On the list of anonymising networks; left out where there is no list. */
  isAnonymous?: boolean
  place?: Place
}

export interface Place {
  latitude: number
  longitude: number
}

/** Tells of networks by files of the operator; see `network-files.ts`. */
export interface NetworkBook {
  /** Of one IP literal, as `parseIp` writes it. */
  lookup(address: string): NetworkFacts
}

export const NO_NETWORKS: NetworkBook = { lookup: () => ({}) }

/** The country of an IP literal; null where no file tells, or there is none to tell of. */
export const countryOf = (networks: NetworkBook, address: string | null): string | null =>
  address === null ? null : (networks.lookup(address).country ?? null)

type Fields = Record<string, unknown> | undefined

/**
 * Reads what the databases of MaxMind, DB-IP, IPinfo and others hold in common, each in its own words. What has another type
 * than it should is left out.
 */
export function factsOf(record: Response | null): NetworkFacts {
  const fields = (record ?? {}) as Record<string, unknown>
  const country = fields.country ?? fields.country_code
  const code = typeof country === 'string' ? country : (country as Fields)?.iso_code
  const asn = fields.autonomous_system_number ?? fields.asn
  const number = typeof asn === 'string' && /^AS\d+$/.test(asn) ? Number(asn.slice(2)) : asn
  const organization = fields.autonomous_system_organization ?? fields.as_name
  const { latitude, longitude } = (fields.location as Fields) ?? {}
  return {
    ...(typeof code === 'string' && /^[A-Z]{2}$/.test(code) && { country: code }),
    ...(Number.isSafeInteger(number) && { asn: number as number }),
    ...(typeof organization === 'string' && organization !== '' && { organization }),
    ...(Number.isFinite(latitude) &&
      Number.isFinite(longitude) && { place: { latitude, longitude } as Place }),
  }
}

const EARTH_KM = 6371

/** Along the great circle (haversine), in km. */
export function distanceKm(from: Place, to: Place): number {
  const rad = (degrees: number) => (degrees * Math.PI) / 180
  const h =
    Math.sin(rad(to.latitude - from.latitude) / 2) ** 2 +
    Math.cos(rad(from.latitude)) *
      Math.cos(rad(to.latitude)) *
      Math.sin(rad(to.longitude - from.longitude) / 2) ** 2
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)))
}
