import { type IdPrefix, newId } from '../../packages/server/src/core/ids.ts'
import type { Tape, Value } from './tape.ts'

/** Who plays each role of the tape in one performance: ids, address and domain, by the number of the role. */
export type Cast = string[]

export const ADDRESS = 0
export const DOMAIN = 1

/** One recorded value or text, to be filled with the names of a cast. */
export type Fill<T = Value> = (cast: Cast, now: number) => T

// Environments, apps and keys are scenery: they stay as they were recorded.
const NAMES = /(?:chl|msg|evt|usr|ses|req)_[0-9a-z]{26}/g
const MONTHS = 90 * 24 * 3_600_000

/** Finds the roles in what was recorded. */
export function createRoles({ address, at }: Pick<Tape, 'address' | 'at'>) {
  const domain = address.slice(address.indexOf('@') + 1)
  const roles = new Map<string, number>([
    [address, ADDRESS],
    [domain, DOMAIN],
  ])
  const pattern = new RegExp(`${escaped(address)}|${escaped(domain)}|${NAMES.source}`, 'g')
  const patternOfJson = new RegExp(`${pattern.source}|\\b\\d{13}\\b`, 'g')

  function roleOf(name: string): number {
    const role = roles.get(name) ?? roles.size
    roles.set(name, role)
    return role
  }

  /** Of text that is JSON, instants are told anew too. */
  function fillText(text: string): Fill<string> {
    const parts: (string | number | { later: number })[] = []
    let end = 0
    for (const match of text.matchAll(/^[{[]/.test(text) ? patternOfJson : pattern)) {
      const later = Number(match[0]) - at
      if (Math.abs(later) > MONTHS) continue
      if (match.index > end) parts.push(text.slice(end, match.index))
      parts.push(Number.isNaN(later) ? roleOf(match[0]) : { later })
      end = match.index + match[0].length
    }
    if (end < text.length) parts.push(text.slice(end))
    const [first] = parts
    if (parts.length === 0) return () => ''
    if (parts.length === 1 && typeof first === 'number') return cast => cast[first] ?? ''
    if (parts.length === 1) return () => text
    return (cast, now) => {
      let filled = ''
      for (const part of parts)
        filled += typeof part === 'number' ? cast[part] : typeof part === 'string' ? part : now + part.later
      return filled
    }
  }

  function fillValue(value: Value): Fill {
    if (typeof value === 'string') return fillText(value)
    if (Array.isArray(value)) {
      const fills = value.map(fillValue)
      return (cast, now) => fills.map(fill => fill(cast, now))
    }
    if (typeof value !== 'number' || Math.abs(value - at) > MONTHS) return () => value
    const later = value - at
    return (_, now) => now + later
  }

  return {
    fillText,
    fillValue,
    roleOf,
    /** The role whose name this is; null for anything else. */
    known: (value: unknown): number | null => (typeof value === 'string' ? (roles.get(value) ?? null) : null),
    /** Runs `read`; who gives new names to the roles that it met for the first time. */
    namesOf<T>(read: () => T): { result: T; giveNames(cast: Cast, now: number): void } {
      const known = roles.size
      const result = read()
      const fresh = [...roles]
        .slice(known)
        .map(([name, role]) => [name.slice(0, 3) as IdPrefix, role] as const)
      return {
        result,
        giveNames(cast, now) {
          for (const [prefix, role] of fresh) cast[role] = newId(prefix, now)
        },
      }
    },
  }
}

export type Roles = ReturnType<typeof createRoles>

const escaped = (text: string) => text.replaceAll('.', '\\.')
