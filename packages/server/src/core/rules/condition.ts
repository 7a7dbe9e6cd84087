import { setTimeout as pause } from 'node:timers/promises'
import type { Answer, Bindings, Running } from './cel.ts'
import type { Fault } from './walk.ts'

export const MAX_CONDITION = 2000
/** Rounds of loops that one condition can take: a list of 10,000 once, and some more. */
export const MAX_ROUNDS = 12_000

/** A condition that passed every check that can be made before it runs. */
export interface Condition {
  text: string
  reads: ReadonlySet<string>
  lists: ReadonlySet<string>
  /** Judges. Takes no more than `allowed` has left, and takes what it used from there. */
  judge(bindings: Bindings, allowed: Running): Verdict
}

/** `matched` and `missed` are the answers of the condition; `erred` is what went wrong instead. */
export type Verdict = { kind: 'matched' | 'missed' } | { kind: 'erred'; message: string }

export type Compiled = { condition: Condition } | { faults: Fault[] }

/**
 * Loads what conditions are read with: 0.2 s and 28 MB, for processes that have rules; those that have them at start load it
 * then. Module by module, with others' turns between them: all at once would hold them up for 0.1 s.
 */
export async function loadConditions() {
  await import('@bufbuild/protobuf/wkt')
  await pause(1)
  await import('@bufbuild/cel')
  await pause(1)
  await import('@bufbuild/re2')
  const cel = await import('./cel.ts')
  await pause(1)
  const { check } = await import('./check.ts')
  const kept = new Map<string, Compiled>()

  function compile(text: string): Compiled {
    const early = faultOfText(text)
    if (early) return { faults: [early] }
    let parsed: ReturnType<typeof cel.parseCondition>
    try {
      parsed = cel.parseCondition(text)
    } catch (error) {
      return { faults: [faultOfSyntax(text, error)] }
    }
    const { faults, reads, lists, paths } = check(parsed.expr, parsed.positions)
    if (faults.length > 0)
      // The parser puts an operator where the space before it begins.
      return {
        faults: faults.map(one => ({
          ...one,
          at: one.at + (text.slice(one.at).match(/^\s*/)?.[0].length ?? 0),
        })),
      }
    const run = cel.planCondition(parsed.expr)
    const judge: Condition['judge'] = (bindings, allowed) => {
      const roundsLeft = Math.min(allowed.roundsLeft, MAX_ROUNDS)
      const running = { lists: allowed.lists, roundsLeft }
      const answer = run(bindings, running)
      allowed.roundsLeft -= roundsLeft - running.roundsLeft
      return verdictOf(answer, paths)
    }
    return { condition: { text, reads, lists, judge } }
  }

  return {
    bindingsOf: cel.bindingsOf,
    /** Compiles a text, once. Every mistake that is found is told, in the order of the text. */
    compile(text: string): Compiled {
      const known = kept.get(text)
      if (known) return known
      const compiled = compile(text)
      if (kept.size >= MAX_KEPT) kept.clear()
      kept.set(text, compiled)
      return compiled
    },
  }
}

export type Conditions = Awaited<ReturnType<typeof loadConditions>>

const MAX_KEPT = 2000
const MAX_BRACKETS = 64

let loading: Promise<Conditions> | null = null

/** The one set of conditions of this process, loaded at the first call. */
export function conditions(): Promise<Conditions> {
  loading ??= loadConditions()
  return loading
}

/** What has to be refused before the parser sees it: it recurses at each bracket. */
function faultOfText(text: string): Fault | null {
  if (text.length > MAX_CONDITION)
    return { code: 'too_large', message: `has more than ${MAX_CONDITION} characters`, at: MAX_CONDITION }
  if (text.trim() === '') return { code: 'unreadable', message: 'is empty', at: 0 }
  let open = 0
  for (const [index, char] of [...text].entries()) {
    if ('([{'.includes(char)) open++
    if (')]}'.includes(char)) open--
    if (open > MAX_BRACKETS) return { code: 'too_large', message: 'has too many open brackets', at: index }
  }
  return null
}

/** The parser names one character where it could not go on; what stands there says more than its list of what could. */
function faultOfSyntax(text: string, error: unknown): Fault {
  const at = (error as { location?: { start?: { offset?: number } } }).location?.start?.offset ?? 0
  const found = text.slice(at).match(/^\s*(\S{1,20})/)?.[1]
  if (/[=<>&|!+\-*/%?:(,.[{]\s*$/.test(text))
    return {
      code: 'unreadable',
      message: 'ends where something has to follow',
      at: text.trimEnd().length - 1,
    }
  if (found === undefined) return { code: 'unreadable', message: 'ends too early', at: text.trimEnd().length }
  return { code: 'unreadable', message: `cannot be read from "${found}" on`, at }
}

function verdictOf(answer: Answer, paths: ReadonlyMap<number, string>): Verdict {
  if ('value' in answer) {
    if (answer.value === true) return { kind: 'matched' }
    if (answer.value === false) return { kind: 'missed' }
    return { kind: 'erred', message: 'it comes out as neither true nor false' }
  }
  const path = answer.exprId === null ? undefined : paths.get(answer.exprId)
  const isMissing = answer.error.startsWith('field not found') || answer.error === 'unresolved attribute'
  return {
    kind: 'erred',
    message: isMissing && path !== undefined ? `"${path}" is not known` : answer.error.slice(0, 200),
  }
}

/** Where a fault stands, for people: the line and the character in it, both from 1. */
export function placeOf(text: string, { at }: Fault): string {
  const before = text.slice(0, at).split('\n')
  const character = (before.at(-1)?.length ?? 0) + 1
  return before.length === 1 ? `character ${character}` : `line ${before.length}, character ${character}`
}
