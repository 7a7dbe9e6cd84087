import { nearest } from '../nearest.ts'
import { type Expr, isReadable } from './cel.ts'
import { type Argument, FUNCTIONS, type Signature } from './functions.ts'
import { OPERATORS } from './operators.ts'
import { fits, isGroup, isList, isOpen, isScalar, joined, nameOf, type Type } from './types.ts'
import { isVariable, VARIABLES, type Variable, variablePaths } from './variables.ts'
import { type Checked, entryOf, fault, readOpen, readWhole, textOf, type Walk } from './walk.ts'

/** Bounds on the shape of a condition, so that none can be dear to check or to run. */
export const MAX_DEPTH = 32
export const MAX_NESTED_LOOPS = 2

interface Scope {
  /** Names of the loops round an expression. */
  names: ReadonlyMap<string, Type>
  depth: number
  loops: number
}

type Kind = Expr['exprKind']
type ValueOf<K extends Kind['case']> = Extract<Kind, { case: K }>['value']

/**
 * Walks a condition against the variables and functions that there are. Everything that can be told before it runs is
 * told: unknown names with the one that was meant, types that can never fit, texts that are no pattern, network, zone.
 */
export function check(expr: Expr, positions: Record<string, number>): Checked {
  const walk: Walk = { faults: [], reads: new Set(), lists: new Set(), paths: new Map(), positions }
  const type = typeOf(walk, expr, { names: new Map(), depth: 1, loops: 0 })
  if (!fits(type, 'bool'))
    fault(walk, expr, 'wrong_type', `comes out as ${nameOf(type)}, not as true or false`)
  return walk
}

function typeOf(walk: Walk, expr: Expr | undefined, outer: Scope): Type {
  if (!expr) return 'unknown'
  const scope = { ...outer, depth: outer.depth + 1 }
  if (outer.depth > MAX_DEPTH) {
    // Told once, and not looked at any deeper.
    if (walk.faults.some(({ code }) => code === 'too_large')) return 'unknown'
    return fault(walk, expr, 'too_large', `is nested deeper than ${MAX_DEPTH} levels`)
  }
  const { case: kind, value } = expr.exprKind
  if (kind === 'constExpr') return typeOfConstant(walk, expr, value)
  if (kind === 'identExpr') return typeOfName(walk, expr, value.name, scope)
  if (kind === 'selectExpr') return typeOfField(walk, expr, value, scope)
  if (kind === 'listExpr') return typeOfList(walk, value, scope)
  if (kind === 'callExpr') return typeOfCall(walk, expr, value, scope)
  if (kind === 'comprehensionExpr') return typeOfLoop(walk, expr, value, scope)
  return fault(walk, expr, 'wrong_type', 'writes out a map or an object, which conditions do not have')
}

const MAX_INT = 2n ** 63n - 1n

function typeOfConstant(walk: Walk, expr: Expr, { constantKind }: ValueOf<'constExpr'>): Type {
  const { case: kind, value } = constantKind
  if (kind === 'stringValue') return 'string'
  if (kind === 'boolValue') return 'bool'
  if (kind === 'int64Value' && value <= MAX_INT && value >= -MAX_INT - 1n) return 'int'
  if (kind === 'doubleValue' && Number.isFinite(value)) return 'double'
  if (kind === 'nullValue')
    return fault(walk, expr, 'wrong_type', 'has null: what is not known is absent; ask has(user.externalId)')
  const isNumber = kind === 'int64Value' || kind === 'doubleValue'
  return fault(walk, expr, 'wrong_type', isNumber ? 'has a number that is too large' : 'has bytes or a uint')
}

function typeOfName(walk: Walk, expr: Expr, name: string, scope: Scope): Type {
  const own = scope.names.get(name)
  if (own !== undefined) return own
  if (!Object.hasOwn(VARIABLES, name)) return unknownName(walk, expr, name)
  const node = VARIABLES[name as keyof typeof VARIABLES]
  if (isVariable(node)) return readVariable(walk, expr, name, node)
  return { group: node, path: name }
}

const PATHS = variablePaths().map(([path]) => path)

function unknownName(walk: Walk, expr: Expr, name: string): Type {
  const lastOf = (path: string) => path.slice(path.lastIndexOf('.') + 1)
  const meant = nearest(name, [...Object.keys(VARIABLES), ...PATHS.map(lastOf)])
  const suggestion = PATHS.find(path => lastOf(path) === meant) ?? meant
  return fault(walk, expr, 'unknown_name', `reads "${name}", which there is not`, suggestion)
}

function readVariable(walk: Walk, expr: Expr, path: string, { type }: Variable): Type {
  walk.paths.set(Number(expr.id), path)
  if (type === 'open') return { open: path }
  walk.reads.add(path)
  return type === 'strings' ? { list: 'string' } : type
}

function typeOfField(
  walk: Walk,
  expr: Expr,
  { operand, field, testOnly }: ValueOf<'selectExpr'>,
  scope: Scope,
): Type {
  const type = typeOf(walk, operand, scope)
  const found = fieldOf(walk, expr, type, field)
  if (!testOnly || found === 'unknown') return testOnly ? 'bool' : found
  if (isGroup(found))
    return fault(walk, expr, 'wrong_type', `asks has() for ${nameOf(found)}: name a value in it`)
  readWhole(walk, found)
  return 'bool'
}

function fieldOf(walk: Walk, expr: Expr, type: Type, field: string): Type {
  if (type === 'unknown') return 'unknown'
  if (type === 'json') return 'json'
  if (isOpen(type)) return readOpen(walk, expr, type.open, field)
  if (!isGroup(type)) return fault(walk, expr, 'wrong_type', `asks ${nameOf(type)} for "${field}"`)
  const path = `${type.path}.${field}`
  const node = Object.hasOwn(type.group, field) ? type.group[field] : undefined
  if (!node)
    return fault(walk, expr, 'unknown_name', `reads "${path}", which there is not`, nearest(path, PATHS))
  return isVariable(node) ? readVariable(walk, expr, path, node) : { group: node, path }
}

function typeOfList(walk: Walk, { elements }: ValueOf<'listExpr'>, scope: Scope): Type {
  let entry: Type = 'none'
  for (const element of elements) {
    const type = typeOf(walk, element, scope)
    if (!isScalar(type)) return fault(walk, element, 'wrong_type', `puts ${nameOf(type)} into a list`)
    const both = joined(entry, type)
    if (!both) return fault(walk, element, 'wrong_type', 'has a list with entries of different types')
    entry = both
  }
  return { list: entry }
}

function typeOfLoop(walk: Walk, expr: Expr, loop: ValueOf<'comprehensionExpr'>, scope: Scope): Type {
  if (scope.loops >= MAX_NESTED_LOOPS)
    return fault(walk, expr, 'too_large', `has more than ${MAX_NESTED_LOOPS} loops in each other`)
  const { iterVar, accuVar } = loop
  if (Object.hasOwn(VARIABLES, iterVar) || scope.names.has(iterVar))
    return fault(walk, expr, 'wrong_type', `calls the entry of a loop "${iterVar}", which is taken`)
  const range = readWhole(walk, typeOf(walk, loop.iterRange, scope))
  const entry = entryOf(range)
  if (!entry) return fault(walk, expr, 'wrong_type', `goes through ${nameOf(range)}, which is not a list`)
  const first = typeOf(walk, loop.accuInit, scope)
  const inside = (result: Type): Scope => ({
    names: new Map([...scope.names, [iterVar, entry], [accuVar, result]]),
    depth: scope.depth,
    loops: scope.loops + 1,
  })
  const next = typeOf(walk, loop.loopStep, inside(first))
  const result = joined(first, next) ?? 'unknown'
  return typeOf(walk, loop.result, inside(result))
}

function typeOfCall(walk: Walk, expr: Expr, call: ValueOf<'callExpr'>, scope: Scope): Type {
  const { function: name, target } = call
  const all = target ? [target, ...call.args] : call.args
  const types = all.map(one => typeOf(walk, one, scope))
  const operator = own(OPERATORS, name)
  if (operator && !target) return operator(walk, expr, types, all)
  if (name === 'size' && types.length === 1) return typeOfSize(walk, expr, types[0] as Type)
  const signatures = own(FUNCTIONS, name) ?? own(READERS, name)
  if (name === 'has')
    return fault(
      walk,
      expr,
      'wrong_type',
      'calls has() with something else than one value, like has(user.email)',
    )
  if (!signatures) {
    const meant = nearest(name, [...Object.keys(FUNCTIONS), ...Object.keys(READERS), 'size', 'exists', 'all'])
    return fault(walk, expr, 'unknown_name', `calls ${name}(), which there is not`, meant)
  }
  return typeOfSignature(walk, expr, name, signatures, { types, all, isMethod: target !== undefined })
}

/** Names come from outside: what every object answers to is none of them. */
const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

function typeOfSize(walk: Walk, expr: Expr, type: Type): Type {
  readWhole(walk, type)
  const isSized =
    isList(type) || isOpen(type) || ['string', 'json', 'namedList', 'unknown'].includes(type as string)
  return isSized ? 'int' : fault(walk, expr, 'wrong_type', `asks the size of ${nameOf(type)}`)
}

/** Texts of these are read by the library alone, so they stand apart from the functions that need nothing of it. */
const READERS: Readonly<Record<string, readonly Signature[]>> = {
  timestamp: [
    {
      args: [{ types: ['string', 'timestamp'], read: readable('timestamp', '2026-01-31T12:00:00Z') }],
      result: 'timestamp',
    },
  ],
  duration: [
    {
      args: [{ types: ['string', 'duration'], read: readable('duration', '90m or 24h') }],
      result: 'duration',
    },
  ],
}

function readable(kind: 'timestamp' | 'duration', example: string) {
  return (text: string) => {
    if (!isReadable(kind, text)) throw new Error(`"${text.slice(0, 60)}" is not a ${kind} like ${example}`)
  }
}

interface Called {
  types: readonly Type[]
  all: readonly Expr[]
  isMethod: boolean
}

function typeOfSignature(
  walk: Walk,
  expr: Expr,
  name: string,
  signatures: readonly Signature[],
  { types, all, isMethod }: Called,
): Type {
  const given = isMethod ? types.slice(1) : types
  const on = types[0] ?? 'none'
  const right = signatures.find(
    ({ on: wanted, args, optional = 0 }) =>
      (wanted !== undefined) === isMethod &&
      (!wanted || wanted.some(type => fits(on, type))) &&
      given.length <= args.length &&
      given.length >= args.length - optional &&
      given.every((type, index) => args[index]?.types.some(wanted => fits(type, wanted))),
  )
  if (!right) {
    const told = given.map(nameOf).join(', ') || 'nothing'
    const where = isMethod ? `${name}() of ${nameOf(on)}` : `${name}()`
    return fault(walk, expr, 'wrong_type', `calls ${where} with ${told}, which does not fit`)
  }
  const exprs = isMethod ? all.slice(1) : all
  for (const [index, one] of exprs.entries()) readArgument(walk, one, name, right.args[index])
  return right.result
}

function readArgument(walk: Walk, expr: Expr, name: string, argument: Argument | undefined): void {
  if (!argument?.read) return
  const text = textOf(expr)
  if (text === null) {
    if (argument.isLiteral)
      fault(walk, expr, 'wrong_type', `calls ${name}() with what is only known later: write the text itself`)
    return
  }
  try {
    argument.read(text)
    if (name === 'list') walk.lists.add(text)
  } catch (error) {
    fault(walk, expr, 'unreadable', `calls ${name}(), but ${error instanceof Error ? error.message : error}`)
  }
}
