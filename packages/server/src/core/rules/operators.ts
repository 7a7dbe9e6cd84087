import type { Expr } from './cel.ts'
import { areComparable, areOrdered, fits, isList, isOpen, joined, nameOf, sumOf, type Type } from './types.ts'
import { entryOf, fault, readOpen, readWhole, textOf, type Walk } from './walk.ts'

type Operator = (walk: Walk, expr: Expr, types: readonly Type[], all: readonly Expr[]) => Type

/** How the library writes the operators: their names cannot be typed. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  '_&&_': ofBools('&&'),
  '_||_': ofBools('||'),
  '!_': ofBools('!'),
  '@not_strictly_false': () => 'bool',
  '_==_': ofPair('==', areComparable),
  '_!=_': ofPair('!=', areComparable),
  '_<_': ofPair('<', areOrdered),
  '_<=_': ofPair('<=', areOrdered),
  '_>_': ofPair('>', areOrdered),
  '_>=_': ofPair('>=', areOrdered),
  '_+_': ofSum('+'),
  '_-_': ofSum('-'),
  '_*_': ofSum('*'),
  '_/_': ofSum('/'),
  '_%_': ofSum('%'),
  '-_': typeOfNegative,
  '@in': typeOfIn,
  '_[_]': typeOfIndex,
  '_?_:_': typeOfChoice,
}

function ofBools(sign: string): Operator {
  return (walk, _expr, types, all) => {
    for (const [index, type] of types.entries())
      if (!fits(type, 'bool'))
        fault(walk, all[index] as Expr, 'wrong_type', `has ${nameOf(type)} at "${sign}", not true or false`)
    return 'bool'
  }
}

function ofPair(sign: string, isRight: (left: Type, right: Type) => boolean): Operator {
  return (walk, expr, [left = 'unknown', right = 'unknown']) => {
    if (isRight(left, right)) return 'bool'
    return fault(walk, expr, 'wrong_type', `compares ${nameOf(left)} ${sign} ${nameOf(right)}`)
  }
}

function ofSum(sign: string): Operator {
  return (walk, expr, [left = 'unknown', right = 'unknown']) => {
    const sum = sumOf(sign, left, right)
    return 'type' in sum ? sum.type : fault(walk, expr, 'wrong_type', sum.message)
  }
}

function typeOfNegative(walk: Walk, expr: Expr, [type = 'unknown']: readonly Type[]): Type {
  if (type === 'int' || type === 'double' || type === 'unknown') return type
  return type === 'json' ? 'double' : fault(walk, expr, 'wrong_type', `has "-" before ${nameOf(type)}`)
}

function typeOfIn(walk: Walk, expr: Expr, [left = 'unknown', right = 'unknown']: readonly Type[]): Type {
  readWhole(walk, right)
  const entry = entryOf(right)
  if (entry && areComparable(left, entry)) return 'bool'
  return fault(walk, expr, 'wrong_type', `looks for ${nameOf(left)} in ${nameOf(right)}`)
}

function typeOfIndex(walk: Walk, expr: Expr, types: readonly Type[], all: readonly Expr[]): Type {
  const [of = 'unknown', by = 'unknown'] = types
  if (isList(of) && fits(by, 'int') && by !== 'json') return of.list
  if (isOpen(of) && fits(by, 'string')) {
    const text = all[1] && textOf(all[1])
    if (typeof text === 'string') return readOpen(walk, expr, of.open, text)
    readWhole(walk, of)
    return 'json'
  }
  if (of === 'json' && (fits(by, 'string') || by === 'int')) return 'json'
  if (of === 'unknown' || by === 'unknown') return 'unknown'
  return fault(walk, expr, 'wrong_type', `asks ${nameOf(of)} for […] by ${nameOf(by)}`)
}

function typeOfChoice(walk: Walk, expr: Expr, types: readonly Type[]): Type {
  const [when = 'unknown', left = 'unknown', right = 'unknown'] = types
  if (!fits(when, 'bool')) return fault(walk, expr, 'wrong_type', `has ${nameOf(when)} before "?"`)
  const both = isOpen(left) || isOpen(right) ? null : joined(left, right)
  return both ?? fault(walk, expr, 'wrong_type', `has ${nameOf(left)} or ${nameOf(right)} at "? :"`)
}
