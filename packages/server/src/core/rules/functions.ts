import { readNetwork } from './networks.ts'
import { patternOf } from './patterns.ts'
import { readTimeZone } from './time-zones.ts'
import type { Type } from './types.ts'

/** What an argument has to be: of one of the types, and where it is a text that stands in the condition, readable. */
export interface Argument {
  types: readonly Type[]
  /** Has to stand in the condition as a text: it is checked when the rule is saved, never when somebody signs in. */
  isLiteral?: boolean
  /** Throws an `Error` that says what is wrong with a text. */
  read?(text: string): unknown
}

export interface Signature {
  /** What it is a method of; left out for a function. */
  on?: readonly Type[]
  args: readonly Argument[]
  /** How many of the arguments may be left out. */
  optional?: number
  result: Type
}

const TEXT: Argument = { types: ['string'] }
const ZONE: Argument = { types: ['string'], isLiteral: true, read: readTimeZone }

const onText = (args: readonly Argument[]): Signature[] => [{ on: ['string'], args, result: 'bool' }]
const ofInstant: Signature = { on: ['timestamp'], args: [ZONE], optional: 1, result: 'int' }
const ofDuration: Signature = { on: ['duration'], args: [], result: 'int' }
const convert = (types: readonly Type[], result: Type): Signature[] => [{ args: [{ types }], result }]

export const LIST_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

function readListName(text: string): void {
  if (!LIST_NAME.test(text)) throw new Error(`"${text.slice(0, 64)}" is not the name of a list`)
}

/** Every function and method of a condition, beside the operators, `has()` and the loops. What is not here is refused. */
export const FUNCTIONS: Readonly<Record<string, readonly Signature[]>> = {
  startsWith: onText([TEXT]),
  endsWith: onText([TEXT]),
  contains: onText([TEXT]),
  matches: onText([{ types: ['string'], isLiteral: true, read: patternOf }]),
  inNetwork: [{ args: [TEXT, { types: ['string'], isLiteral: true, read: readNetwork }], result: 'bool' }],
  list: [{ args: [{ types: ['string'], isLiteral: true, read: readListName }], result: 'namedList' }],
  int: convert(['int', 'double', 'string', 'timestamp', 'duration'], 'int'),
  double: convert(['int', 'double', 'string'], 'double'),
  string: convert(['string', 'bool', 'int', 'double', 'timestamp', 'duration'], 'string'),
  getFullYear: [ofInstant],
  getMonth: [ofInstant],
  getDate: [ofInstant],
  getDayOfMonth: [ofInstant],
  getDayOfWeek: [ofInstant],
  getDayOfYear: [ofInstant],
  getHours: [ofInstant, ofDuration],
  getMinutes: [ofInstant, ofDuration],
  getSeconds: [ofInstant, ofDuration],
  getMilliseconds: [ofInstant, ofDuration],
}
