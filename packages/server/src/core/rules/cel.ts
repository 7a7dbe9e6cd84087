import {
  type CelInput,
  type CelList,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  celList,
  celMethod,
  isCelError,
  isCelList,
  isCelMap,
  listType,
  objectType,
  parse,
  plan,
} from '@bufbuild/cel'
import { TimestampSchema, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'
import { isInNetwork } from './networks.ts'
import { patternOf } from './patterns.ts'
import { wallClock } from './time-zones.ts'
import { type Group, isVariable, type Signals, VARIABLES, type Variable } from './variables.ts'

/**
 * The one file that knows the library behind conditions, CEL (cel.dev) by `@bufbuild/cel`. It is loaded with the first
 * rule of a process: loading takes 0.2 s and 28 MB, which servers without rules do not pay.
 *
 * The library's own functions are replaced where they would answer in silence (`double("")` is 0, `1.0 / 0.0` is
 * infinite), depend on the machine (hours in its time zone) or have no bound (lists and texts that double in each step).
 */

export type Parsed = ReturnType<typeof parse>
export type Expr = NonNullable<Parsed['expr']>

/** Reads a text. Throws `{message, location}` of the library where it is not CEL. */
export function parseCondition(text: string): { expr: Expr; positions: Record<string, number> } {
  const { expr, sourceInfo } = parse(text)
  if (!expr) throw new Error('there is no expression')
  return { expr, positions: sourceInfo?.positions ?? {} }
}

/** What one decision allows its conditions to use. */
export interface Running {
  lists: ReadonlyMap<string, readonly string[]>
  /** Rounds of `exists`, `all`, `filter` and `map` that are left, and what other costly steps count as such. */
  roundsLeft: number
}

export type Answer = { value: unknown } | { error: string; exprId: number | null }

// Evaluation is synchronous, and functions of the library see their arguments only.
let running: Running | null = null

function spend(rounds: number): void {
  if (!running || running.roundsLeft < rounds) throw new Error('the condition takes too many rounds')
  running.roundsLeft -= rounds
}

const { BOOL, DOUBLE, DYN, INT, STRING } = CelScalar
const LIST = listType(DYN)
const TIMESTAMP = objectType(TimestampSchema)

const MAX_LIST = 1000
const MAX_TEXT = 10_000

const listsOf = new WeakMap<readonly string[], CelList>()
const entriesOf = new WeakMap<CelList, ReadonlySet<unknown>>()

function namedList(name: string): CelList {
  const entries = running?.lists.get(name)
  if (!entries) throw new Error(`there is no list "${name}"`)
  const known = listsOf.get(entries)
  if (known) return known
  const list = celList(entries)
  listsOf.set(entries, list)
  entriesOf.set(list, new Set(entries))
  return list
}

function isIn(value: CelValue, list: CelList): boolean {
  const entries = entriesOf.get(list)
  if (entries) return entries.has(value)
  spend(Math.ceil(list.size / 16))
  for (const entry of list) if (isSame(value, entry)) return true
  return false
}

/** Equality of single values; numbers are equal by value. Lists and maps are not compared: what they cost has no bound. */
function isSame(a: CelValue, b: CelValue): boolean {
  if (isCelList(a) || isCelMap(a) || isCelList(b) || isCelMap(b))
    throw new Error('lists and maps are not compared')
  if (typeof a === 'number' && typeof b === 'bigint') return Number.isInteger(a) && BigInt(a) === b
  if (typeof a === 'bigint' && typeof b === 'number') return Number.isInteger(b) && BigInt(b) === a
  const [left, right] = [secondsOf(a), secondsOf(b)]
  return left && right ? left.seconds === right.seconds && left.nanos === right.nanos : a === b
}

type Seconds = { seconds: bigint; nanos: number }
const secondsOf = (value: CelValue): Seconds | null =>
  typeof value === 'object' && value !== null && 'message' in value ? (value.message as never) : null

const CLOCK: Record<string, (date: Date) => number> = {
  getFullYear: date => date.getUTCFullYear(),
  getMonth: date => date.getUTCMonth(),
  getDate: date => date.getUTCDate(),
  getDayOfMonth: date => date.getUTCDate() - 1,
  getDayOfWeek: date => date.getUTCDay(),
  getDayOfYear: date => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000),
  getHours: date => date.getUTCHours(),
  getMinutes: date => date.getUTCMinutes(),
  getSeconds: date => date.getUTCSeconds(),
  getMilliseconds: date => date.getUTCMilliseconds(),
}

const clockMethods = Object.entries(CLOCK).flatMap(([name, read]) => [
  celMethod(name, TIMESTAMP, [], INT, function () {
    return BigInt(read(wallClock(timestampMs(this.message))))
  }),
  celMethod(name, TIMESTAMP, [STRING], INT, function (zone) {
    return BigInt(read(wallClock(timestampMs(this.message), zone)))
  }),
])

function readNumber(text: string, form: RegExp): string {
  if (!form.test(text)) throw new Error('the text is not a number')
  return text
}

function readInt(text: string): bigint {
  const value = BigInt(readNumber(text, /^-?\d{1,19}$/))
  if (value !== BigInt.asIntN(64, value)) throw new Error('the number is too large')
  return value
}

function joined(left: string, right: string): string {
  if (left.length + right.length > MAX_TEXT) throw new Error(`a text has more than ${MAX_TEXT} characters`)
  return left + right
}

function joinedLists(left: CelList, right: CelList): CelList {
  if (left.size + right.size > MAX_LIST) throw new Error(`a list has more than ${MAX_LIST} entries`)
  return celList([...left, ...right])
}

const env = celEnv({
  funcs: [
    // Wraps the condition of every loop: see `counted`.
    celFunc('@round', [BOOL], BOOL, isOn => {
      spend(1)
      return isOn
    }),
    // And its range: what a loop goes through is copied before its first round.
    celFunc('@range', [DYN], DYN, range => {
      if (isCelList(range) || isCelMap(range)) spend(Math.ceil(range.size / 64))
      return range
    }),
    celFunc('list', [STRING], LIST, namedList),
    celFunc('inNetwork', [STRING, STRING], BOOL, isInNetwork),
    celFunc('@in', [DYN, LIST], BOOL, isIn),
    celFunc('_==_', [DYN, DYN], BOOL, isSame),
    celFunc('_!=_', [DYN, DYN], BOOL, (a, b) => !isSame(a, b)),
    celFunc('_+_', [STRING, STRING], STRING, joined),
    celFunc('_+_', [LIST, LIST], LIST, joinedLists),
    celFunc('_/_', [DOUBLE, DOUBLE], DOUBLE, (a, b) => {
      if (b === 0) throw new Error('division by zero')
      return a / b
    }),
    celFunc('int', [STRING], INT, readInt),
    celFunc('double', [STRING], DOUBLE, text =>
      Number(readNumber(text, /^-?\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,2})?$/i)),
    ),
    celMethod('matches', STRING, [STRING], BOOL, function (text) {
      const pattern = patternOf(text)
      spend(Math.ceil((this.length * pattern.size) / 4096))
      return pattern.test(String(this))
    }),
    ...clockMethods,
  ],
})

/** A checked expression as a function. What goes wrong while it runs is an answer, never thrown. */
export function planCondition(expr: Expr): (bindings: Bindings, allowed: Running) => Answer {
  const run = plan(env, counted(expr))
  return (bindings, allowed) => {
    const outer = running
    running = allowed
    try {
      const value = run(bindings)
      if (!isCelError(value)) return { value }
      return { error: value.message, exprId: value.exprId === undefined ? null : Number(value.exprId) }
    } catch (error) {
      // The library answers with errors; what it throws all the same (a stack that is too deep) is one, too.
      return { error: error instanceof Error ? error.message : String(error), exprId: null }
    } finally {
      running = outer
    }
  }
}

/** Every loop counts its rounds: an operator's condition must not hold up a process that everybody signs in by. */
function counted(expr: Expr): Expr {
  const { case: kind, value } = expr.exprKind
  if (kind === 'comprehensionExpr') {
    const { iterRange, loopCondition, loopStep, result } = value
    for (const part of [iterRange, loopStep, result]) if (part) counted(part)
    if (iterRange) value.iterRange = callOf('@range', iterRange)
    if (loopCondition) value.loopCondition = callOf('@round', loopCondition)
  } else if (kind === 'callExpr') {
    for (const part of value.args) counted(part)
    if (value.target) counted(value.target)
  } else if (kind === 'selectExpr') {
    if (value.operand) counted(value.operand)
  } else if (kind === 'listExpr') {
    for (const part of value.elements) counted(part)
  }
  return expr
}

function callOf(name: string, argument: Expr): Expr {
  const call = { $typeName: 'cel.expr.Expr.Call' as const, function: name, args: [argument] }
  return { $typeName: 'cel.expr.Expr', id: argument.id, exprKind: { case: 'callExpr', value: call } }
}

export type Bindings = Record<string, CelInput>

/** Signals as the library takes them. Every group is there, so that `has()` can ask in it; what is not known is not. */
export function bindingsOf(signals: Signals, now: number): Bindings {
  const { now: _, ...groups } = VARIABLES
  const bindings: Bindings = Object.create(null)
  for (const [name, group] of Object.entries(groups))
    bindings[name] = bindGroup(group, signals[name as keyof Signals])
  bindings.now = timestampFromMs(now)
  return bindings
}

function bindGroup(group: Group, signals: object | undefined): Map<string, CelInput> {
  const bound = new Map<string, CelInput>()
  for (const [name, node] of Object.entries(group)) {
    const signal = signals && Object.hasOwn(signals, name) ? signals[name as never] : undefined
    const value = isVariable(node) ? bindVariable(node, signal) : bindGroup(node, signal)
    if (value !== undefined) bound.set(name, value)
  }
  return bound
}

/** Undefined for what has not the type of its variable: absent, like what is not known. */
function bindVariable({ type }: Variable, signal: unknown): CelInput | undefined {
  if (type === 'int') return Number.isSafeInteger(signal) ? BigInt(signal as number) : undefined
  if (type === 'timestamp')
    return Number.isSafeInteger(signal) ? timestampFromMs(signal as number) : undefined
  if (type === 'double') return Number.isFinite(signal) ? (signal as number) : undefined
  if (type === 'bool') return typeof signal === 'boolean' ? signal : undefined
  if (type === 'string') return typeof signal === 'string' ? signal : undefined
  if (type === 'strings')
    return Array.isArray(signal) ? signal.filter(one => typeof one === 'string') : undefined
  return typeof signal === 'object' && signal !== null ? bindOpen(signal) : new Map()
}

/** JSON of the caller's own. A null is a value that is not there, as everywhere; a key is never looked up in a prototype. */
function bindOpen(json: object): CelInput {
  if (Array.isArray(json)) return json.map(bindJson).filter(one => one !== undefined)
  const bound = new Map<string, CelInput>()
  for (const [key, inner] of Object.entries(json)) {
    const value = bindJson(inner)
    if (value !== undefined) bound.set(key, value)
  }
  return bound
}

function bindJson(json: unknown): CelInput | undefined {
  if (typeof json === 'string' || typeof json === 'boolean') return json
  if (typeof json === 'number') return Number.isFinite(json) ? json : undefined
  return typeof json === 'object' && json !== null ? bindOpen(json) : undefined
}

/** For the checker: whether a text is a duration or an instant that the library takes. */
export function isReadable(kind: 'duration' | 'timestamp', text: string): boolean {
  const call = parseCondition(`${kind}(${JSON.stringify(text)})`)
  return 'value' in planCondition(call.expr)({}, { lists: new Map(), roundsLeft: 0 })
}
