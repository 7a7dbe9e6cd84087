import { deviceOf } from '../device.ts'
import type { Circumstances } from '../ports.ts'

/**
 * Browser, system and network in the words by which two sign-ins are compared; versions and hosts change too often to say
 * anything. Null where the network was not told: a backend that tells nothing would make every sign-in look alike.
 */
export function seenAs({ userAgent, site }: Circumstances): string | null {
  if (site === null) return null
  const { browser, system } = deviceOf(userAgent)
  return `${browser ?? '-'} ${system ?? '-'} ${site}`
}
