import type { Expr } from './cel.ts'
import { isList, isOpen, type Type } from './types.ts'

/** What the checker notes on its way through a condition. */

/** One mistake in a condition. `at` counts UTF-16 units from its beginning. */
export interface Fault {
  code: 'unknown_name' | 'wrong_type' | 'too_large' | 'unreadable'
  message: string
  at: number
  suggestion?: string
}

export interface Checked {
  faults: Fault[]
  /** Paths of the signals that it reads: `user.email`, `action.attributes.amount`. */
  reads: Set<string>
  /** Names of the lists that it looks into. */
  lists: Set<string>
  /** The expression that reads a path, for messages. */
  paths: Map<number, string>
}

export interface Walk extends Checked {
  positions: Record<string, number>
}

/** Notes a mistake. The type of what is wrong fits everything, so that it is told once. */
export function fault(
  walk: Walk,
  expr: Expr,
  code: Fault['code'],
  message: string,
  suggestion?: string,
): Type {
  const at = walk.positions[String(expr.id)] ?? 0
  walk.faults.push(suggestion === undefined ? { code, message, at } : { code, message, at, suggestion })
  return 'unknown'
}

/** A map that is used as a whole is read as a whole. */
export function readWhole(walk: Walk, type: Type): Type {
  if (isOpen(type)) walk.reads.add(type.open)
  return type
}

/** One field of a map. */
export function readOpen(walk: Walk, expr: Expr, path: string, field: string): Type {
  walk.reads.add(`${path}.${field}`)
  walk.paths.set(Number(expr.id), `${path}.${field}`)
  return 'json'
}

/** What a loop or `in` finds in it; null where there is nothing to go through. */
export function entryOf(range: Type): Type | null {
  if (isList(range)) return range.list === 'none' ? 'unknown' : range.list
  if (range === 'namedList' || isOpen(range)) return 'string'
  return range === 'json' || range === 'unknown' ? range : null
}

/** The text that stands in the condition, or null where it is made while it runs. */
export function textOf({ exprKind }: Expr): string | null {
  if (exprKind.case !== 'constExpr') return null
  const { case: kind, value } = exprKind.value.constantKind
  return kind === 'stringValue' ? value : null
}
