import { setImmediate as turn } from 'node:timers/promises'
import { definitionOf } from '../actions/judge.ts'
import type { Call, Deps } from '../deps.ts'
import { type FieldError, OstiaryError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import type { Rule } from '../rows.ts'
import { type Decision, decide, type RuleSet, ruleSetOf } from './decide.ts'
import { ruleErrors } from './rule.ts'
import { type NewRule, wholeRule } from './rules.ts'
import type { Signals } from './variables.ts'

/** A made-up case: rules that are not saved (none named: those that are), and what would be known of the action. */
export interface MadeUpCase {
  rule?: TriedRule | undefined
  rules?: TriedRule[] | undefined
  signals: Signals
  /** The instant of the decision; now when it is not said. */
  now?: number | undefined
}

export type TriedRule = NewRule & { id?: string | undefined }

/**
 * Judges a made-up case, and writes nothing. Refusal: `invalid_request` for a rule that could not be saved, with the path
 * of each mistake.
 */
export async function tryRules(
  deps: Deps,
  call: Call,
  { rule, rules, signals, now = deps.clock.now() }: MadeUpCase,
  keep?: Keep<Decision>,
): Promise<Decision> {
  const { view } = call
  const tried = rule ? [rule] : rules
  const prefixAt = rule ? () => 'rule.' : (at: number) => `rules.${at}.`
  const set = tried
    ? await ruleSetOf(await readRules(tried, view.rules, prefixAt), view.rules.lists)
    : view.rules
  const defaultOutcome = definitionOf(view.settings, signals.action?.name ?? 'signIn').outcome
  const decision = decide(set, signals, { defaultOutcome, now })
  // Without an Idempotency-Key there is nothing to write.
  if (!keep) return decision
  return await writeOnce<Decision, Decision>(
    keep,
    once => deps.store.keep(decision, deps.clock.now(), once),
    kept => kept,
  )
}

/**
 * Rules as they would be saved. Refusal: `invalid_request`, as when they are. Lets others have their turn: reading two
 * hundred conditions takes longer than anybody should wait.
 */
export async function readRules(
  tried: readonly TriedRule[],
  { lists }: Pick<RuleSet, 'lists'>,
  prefixAt: (index: number) => string,
): Promise<Rule[]> {
  const rules: Rule[] = []
  const errors: FieldError[] = []
  const names = new Set(lists.keys())
  for (const [index, { id = `rule${index}`, ...fields }] of tried.entries()) {
    const whole = wholeRule(fields)
    await turn()
    errors.push(...(await ruleErrors(whole, names, prefixAt(index))))
    rules.push({ ...whole, id, environmentId: '', version: 0, createdAt: 0, updatedAt: 0 })
  }
  const [first] = errors
  if (first)
    throw new OstiaryError('invalid_request', {
      detail: `"${first.path}" ${first.message}.`,
      errors: errors.slice(0, 20),
    })
  return rules
}
