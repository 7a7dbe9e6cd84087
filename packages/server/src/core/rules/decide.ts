import type { Outcome, Rule } from '../rows.ts'
import type { Bindings } from './cel.ts'
import { type Condition, conditions, type Verdict } from './condition.ts'
import { type Group, isVariable, type Signals, VARIABLES, type Variable } from './variables.ts'

/** Rounds of loops that all conditions of one decision can take together: some 50 ms. */
export const MAX_ROUNDS_OF_SET = 50_000

export interface CompiledRule extends Rule {
  /** Null where this version cannot read the text any more: the rule errs. */
  compiled: Condition | null
}

/** The rules of an environment, ready to judge: active ones, in the order in which they are looked at. */
export interface RuleSet {
  rules: readonly CompiledRule[]
  lists: ReadonlyMap<string, readonly string[]>
  /** How each signal that a condition names is read, in the order of their paths. */
  readers: ReadonlyMap<string, (signals: object) => unknown>
  bind(signals: Signals, now: number): Bindings
}

export interface NamedRule {
  id: string
  name: string
  outcome: Outcome
}

/** What one rule that asks for proof asks for. No methods: all that are on. */
export interface Demand {
  ruleId: string
  methods: string[]
  requires: 1 | 2
  enrolmentCounts: boolean
}

export interface Decision {
  outcome: Outcome
  /** The first live rule that matched. */
  rule: NamedRule | null
  /** The rule from which the outcome comes: that one, or one that erred and is stricter; null: it is the default. */
  decidedBy: NamedRule | null
  /** What has to be proven, from the first match and from each rule that erred: all of it, not the least of it. */
  demands: Demand[]
  matched: NamedRule[]
  erring: (NamedRule & { message: string })[]
  shadow: (NamedRule & { verdict: Verdict['kind']; message: string | null })[]
  /** The signals that conditions name, as they were; null: not known. Instants in ISO 8601. */
  seen: Record<string, unknown>
}

const STRICTNESS: Readonly<Record<Outcome, number>> = { ALLOW: 0, CHALLENGE: 1, REVIEW: 2, BLOCK: 3 }

/** Compiles rules, and drops those that are switched off. A set without rules loads nothing. */
export async function ruleSetOf(
  rules: readonly Rule[],
  lists: ReadonlyMap<string, readonly string[]>,
): Promise<RuleSet> {
  const active = rules.filter(rule => rule.isActive)
  if (active.length === 0) return { rules: [], lists, readers: new Map(), bind: () => ({}) }
  const { compile, bindingsOf } = await conditions()
  const compiled = active.map(rule => {
    const result = compile(rule.condition)
    return { ...rule, compiled: 'condition' in result ? result.condition : null }
  })
  const paths = new Set(compiled.flatMap(rule => [...(rule.compiled?.reads ?? [])]))
  const readers = new Map([...paths].sort().map(path => [path, readerOf(path)]))
  return { rules: compiled.sort(byPriority), lists, readers, bind: bindingsOf }
}

const byPriority = (a: Rule, b: Rule) => a.priority - b.priority || (a.id < b.id ? -1 : 1)

/**
 * Judges an action (PROTOCOL section 4). The first live rule that holds, in the order of priority, is the match. On the way
 * there an ALLOW rule that errs has not matched; any other that errs counts beside the match: the outcome is the strictest of
 * them (BLOCK, REVIEW, CHALLENGE, ALLOW); without a match, of the default and them. What stands behind the match decides as
 * little when it errs as when it holds. Shadow rules decide nothing. Pure: the same signals at the same instant give the
 * same decision.
 */
export function decide(
  { rules, lists, readers, bind }: RuleSet,
  signals: Signals,
  { defaultOutcome, now }: { defaultOutcome: Outcome; now: number },
): Decision {
  const name = signals.action?.name
  const judged = judge(
    rules.filter(({ actionName }) => actionName === null || actionName === name),
    bind(signals, now),
    lists,
  )
  const live = judged.filter(({ rule }) => rule.mode === 'live')
  const at = live.findIndex(({ verdict }) => verdict.kind === 'matched')
  const match = live[at]?.rule ?? null
  const erred = live
    .slice(0, match ? at : live.length)
    .filter(({ rule, verdict }) => verdict.kind === 'erred' && rule.outcome !== 'ALLOW')
  let outcome = match?.outcome ?? defaultOutcome
  let decidedBy = match
  for (const { rule } of erred)
    if (STRICTNESS[rule.outcome] > STRICTNESS[outcome]) [outcome, decidedBy] = [rule.outcome, rule]
  const asking = [...(match ? [match] : []), ...erred.map(({ rule }) => rule)]
  return {
    outcome,
    rule: match && named(match),
    decidedBy: decidedBy && named(decidedBy),
    demands: asking.filter(rule => rule.outcome === 'CHALLENGE' || rule.outcome === 'REVIEW').map(demandOf),
    matched: live.filter(({ verdict }) => verdict.kind === 'matched').map(({ rule }) => named(rule)),
    erring: live.flatMap(({ rule, verdict }) =>
      verdict.kind === 'erred' ? [{ ...named(rule), message: verdict.message }] : [],
    ),
    shadow: judged.flatMap(({ rule, verdict }) =>
      rule.mode === 'shadow' ? [{ ...named(rule), verdict: verdict.kind, message: messageOf(verdict) }] : [],
    ),
    seen: seenBy(judged, readers, signals, now),
  }
}

interface Judged {
  rule: CompiledRule
  verdict: Verdict
}

function judge(rules: readonly CompiledRule[], bindings: Bindings, lists: RuleSet['lists']): Judged[] {
  const allowed = { lists, roundsLeft: MAX_ROUNDS_OF_SET }
  return rules.map(rule => ({
    rule,
    verdict: rule.compiled?.judge(bindings, allowed) ?? {
      kind: 'erred',
      message: 'this version cannot read the condition; save the rule anew',
    },
  }))
}

const named = ({ id, name, outcome }: Rule): NamedRule => ({ id, name, outcome })

const demandOf = ({ id, methods, requires, enrolmentCounts }: Rule): Demand => ({
  ruleId: id,
  methods,
  requires,
  enrolmentCounts,
})

const messageOf = (verdict: Verdict) => (verdict.kind === 'erred' ? verdict.message : null)

function seenBy(
  judged: readonly Judged[],
  readers: RuleSet['readers'],
  signals: Signals,
  now: number,
): Record<string, unknown> {
  const named = new Set<string>()
  for (const { rule } of judged) for (const path of rule.compiled?.reads ?? []) named.add(path)
  const all = { ...signals, now }
  const seen: Record<string, unknown> = {}
  for (const [path, read] of readers) if (named.has(path)) seen[path] = read(all)
  return seen
}

/** How the signal of a path is read; null where it is not known. Behind a map of the caller's own, the rest is one key. */
function readerOf(path: string): (signals: object) => unknown {
  let node: Group | Variable = VARIABLES
  let rest = path
  const names: string[] = []
  while (rest !== '' && !isVariable(node)) {
    const end = rest.indexOf('.')
    const name: string = end === -1 ? rest : rest.slice(0, end)
    rest = end === -1 ? '' : rest.slice(end + 1)
    node = node[name] ?? {}
    names.push(name)
  }
  if (rest !== '') names.push(rest)
  const isInstant = isVariable(node) && node.type === 'timestamp'
  return signals => {
    let value: unknown = signals
    for (const name of names) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null
      value = (value as Record<string, unknown>)[name]
    }
    return isInstant && Number.isSafeInteger(value)
      ? new Date(value as number).toISOString()
      : (value ?? null)
  }
}
