import type { FieldError } from '../errors.ts'
import type { Rule } from '../rows.ts'
import { conditions, placeOf } from './condition.ts'

/** How many rules an environment can have, and how long they can be together: each process keeps them in memory. */
export const MAX_RULES = 200
export const MAX_RULES_BYTES = 256 * 1024

/** What somebody can write of a rule. */
export type RuleFields = Pick<
  Rule,
  | 'name'
  | 'actionName'
  | 'priority'
  | 'condition'
  | 'outcome'
  | 'methods'
  | 'requires'
  | 'mode'
  | 'isActive'
  | 'enrolmentCounts'
>

/** The methods that a rule can name: those that an environment can switch on. */
export const RULE_METHODS = ['emailCode', 'emailLink', 'passkey'] as const

/** Methods that prove the same thing twice: a code and a link prove one mailbox. */
export const PROVES: Readonly<Record<string, string>> = { emailCode: 'mailbox', emailLink: 'mailbox' }

/**
 * What is wrong with a rule, field by field; empty when it can be saved.
 *
 * @param lists names of the lists that there are: a rule that looks into another would err each time.
 */
export async function ruleErrors(
  rule: RuleFields,
  lists: ReadonlySet<string>,
  prefix = '',
): Promise<FieldError[]> {
  const errors = [...(await conditionErrors(rule.condition, lists)), ...methodErrors(rule)]
  return errors.map(error => ({ ...error, path: prefix + error.path }))
}

async function conditionErrors(text: string, lists: ReadonlySet<string>): Promise<FieldError[]> {
  const { compile } = await conditions()
  const compiled = compile(text)
  if ('condition' in compiled) {
    const missing = [...compiled.condition.lists].filter(name => !lists.has(name))
    return missing.map(name => ({
      path: 'condition',
      code: 'unknown_list',
      message: `looks into the list "${name}", which there is not`,
    }))
  }
  return compiled.faults.slice(0, 10).map(fault => {
    const error = {
      path: 'condition',
      code: fault.code,
      message: `at ${placeOf(text, fault)} ${fault.message}`,
    }
    return fault.suggestion === undefined ? error : { ...error, suggestion: fault.suggestion }
  })
}

function methodErrors({ outcome, methods, requires, enrolmentCounts }: RuleFields): FieldError[] {
  const asksForProof = outcome === 'CHALLENGE' || outcome === 'REVIEW'
  const only = (path: string): FieldError => ({
    path,
    code: 'not_applicable',
    message: 'is for rules with the outcome CHALLENGE or REVIEW',
  })
  if (!asksForProof)
    return [
      ...(methods.length > 0 ? [only('methods')] : []),
      ...(requires > 1 ? [only('requires')] : []),
      ...(enrolmentCounts ? [only('enrolmentCounts')] : []),
    ]
  const proven = new Set(methods.map(method => PROVES[method] ?? method))
  if (methods.length === 0 || proven.size >= requires) return []
  return [
    {
      path: 'methods',
      code: 'too_few',
      message: 'names methods that prove one thing only; two that are required have to prove two',
    },
  ]
}
