import type { Group } from './variables.ts'

/**
 * The types of the checker. `json` is a value in a map of the caller's own (text, flag, double, list or map; it is known
 * when the condition runs); `unknown` is what an error left, and fits everything, so that one mistake is told once.
 */
export type Type =
  | 'bool'
  | 'int'
  | 'double'
  | 'string'
  | 'timestamp'
  | 'duration'
  | 'json'
  | 'namedList'
  | 'none'
  | 'unknown'
  | { list: Type }
  | { open: string }
  | { group: Group; path: string }

const SCALARS: readonly Type[] = ['bool', 'int', 'double', 'string', 'timestamp', 'duration']
const JSON_SCALARS: readonly Type[] = ['bool', 'double', 'string']
const ORDERED: readonly Type[] = ['string', 'timestamp', 'duration']

const isNumber = (type: Type) => type === 'int' || type === 'double'
export const isList = (type: Type): type is { list: Type } => typeof type === 'object' && 'list' in type
export const isOpen = (type: Type): type is { open: string } => typeof type === 'object' && 'open' in type
export const isGroup = (type: Type): type is { group: Group; path: string } =>
  typeof type === 'object' && 'group' in type
export const isScalar = (type: Type) => SCALARS.includes(type) || type === 'json' || type === 'unknown'

/** As people read it in a message. */
export function nameOf(type: Type): string {
  if (isList(type)) return 'a list'
  if (isOpen(type)) return 'a map'
  if (isGroup(type)) return `the group "${type.path}"`
  if (type === 'json') return 'a value of your own'
  return type === 'namedList' ? 'a named list' : `a${type === 'int' ? 'n' : ''} ${type}`
}

/** Whether a value of the type can stand where another is wanted. */
export const fits = (type: Type, wanted: Type): boolean =>
  type === wanted || type === 'unknown' || (type === 'json' && JSON_SCALARS.includes(wanted))

/** The one type of two values that can each come out, or null. */
export function joined(left: Type, right: Type): Type | null {
  if (left === 'unknown' || right === 'none') return left
  if (right === 'unknown' || left === 'none') return right
  if (isList(left) && isList(right)) {
    const entry = joined(left.list, right.list)
    return entry && { list: entry }
  }
  return left === right ? left : null
}

/** Whether `==` can ever be true of them. */
export function areComparable(left: Type, right: Type): boolean {
  if (!isScalar(left) || !isScalar(right)) return false
  if (left === 'unknown' || right === 'unknown' || left === right) return true
  if (isNumber(left) && isNumber(right)) return true
  if (left === 'json') return JSON_SCALARS.includes(right) || right === 'int'
  return right === 'json' && areComparable(right, left)
}

export const areOrdered = (left: Type, right: Type): boolean =>
  areComparable(left, right) &&
  [left, right].every(
    type => isNumber(type) || ORDERED.includes(type) || type === 'json' || type === 'unknown',
  )

const SUMS: Readonly<Record<string, Type>> = {
  'timestamp + duration': 'timestamp',
  'duration + timestamp': 'timestamp',
  'timestamp - duration': 'timestamp',
  'timestamp - timestamp': 'duration',
  'duration + duration': 'duration',
  'duration - duration': 'duration',
  'string + string': 'string',
}

/** What comes out of `left sign right`, or a sentence that says why nothing does. */
export function sumOf(sign: string, left: Type, right: Type): { type: Type } | { message: string } {
  if (left === 'unknown' || right === 'unknown') return { type: 'unknown' }
  if (sign === '+' && isList(left) && isList(right)) {
    const type = joined(left, right)
    return type ? { type } : { message: 'joins lists with entries of different types' }
  }
  const known = SUMS[`${String(left)} ${sign} ${String(right)}`]
  if (known) return { type: known }
  const numbers = [left, right].map(type => (type === 'json' ? 'double' : type))
  if (sign === '%' && left === 'int' && right === 'int') return { type: 'int' }
  if (sign !== '%' && isNumber(numbers[0] as Type) && numbers[0] === numbers[1])
    return { type: left === 'json' && right === 'json' && sign === '+' ? 'json' : (numbers[0] as Type) }
  if (
    sign === '+' &&
    (left === 'json' ? right : left) === 'string' &&
    fits(left, 'string') &&
    fits(right, 'string')
  )
    return { type: 'string' }
  if (numbers.every(type => isNumber(type as Type)))
    return {
      message:
        left === 'json' || right === 'json'
          ? `mixes a value of your own, whose numbers are doubles, with an int in "${sign}": write 2.0 for 2, or double(…)`
          : `mixes int and double in "${sign}": wrap the int in double(…), or write 2.0 for 2`,
    }
  return { message: `has ${nameOf(left)} ${sign} ${nameOf(right)}` }
}
