import { type Call, type Deps, refuse } from '../deps.ts'
import { OstiaryError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import type { RolledBack, RuleSaved } from '../ports.ts'
import type { Rule, RuleVersion } from '../rows.ts'
import { MAX_LISTS } from './lists.ts'
import { MAX_RULES, MAX_RULES_BYTES, type RuleFields, ruleErrors } from './rule.ts'

const BOUNDS = { rules: MAX_RULES, bytes: MAX_RULES_BYTES }

/** What a rule has where its writer says nothing. */
export const RULE_DEFAULTS = {
  actionName: null,
  priority: 50,
  methods: [],
  requires: 1,
  mode: 'live',
  isActive: true,
  enrolmentCounts: false,
} as const satisfies Partial<RuleFields>

type Required = 'name' | 'condition' | 'outcome'

export type NewRule = Pick<RuleFields, Required> & {
  [Field in Exclude<keyof RuleFields, Required>]?: RuleFields[Field] | undefined
}

/** A merge patch (RFC 7396): null returns to the default. */
export type RulePatch = {
  [Field in keyof RuleFields]?: RuleFields[Field] | (Field extends Required ? never : null) | undefined
}

/** The `ETag` of a rule. */
export const ruleEtag = (rule: Rule) => `"${rule.version}"`

/** Makes a rule. Refusals: `invalid_request` with what is wrong where, `state_conflict` past the bounds. */
export async function createRule(deps: Deps, call: Call, fields: NewRule, keep?: Keep<Rule>): Promise<Rule> {
  const now = deps.clock.now()
  const rule: Rule = {
    id: newId('rul', now),
    environmentId: call.view.environment.id,
    ...wholeRule(fields),
    version: 0,
    createdAt: now,
    updatedAt: now,
  }
  await guardRule(deps, call, rule)
  const created = await writeOnce<RuleSaved, Rule>(
    keep,
    once => deps.store.createRule(rule, BOUNDS, call.origin, now, once),
    savedRule,
  )
  deps.directory.forget()
  return created
}

/**
 * Changes a rule by a merge patch. With `If-Match`, only the version that it names is changed. Refusals: `not_found`,
 * `invalid_request`, `precondition_failed`, `state_conflict` past the bounds and after losing three races.
 */
export async function updateRule(
  deps: Deps,
  call: Call,
  id: string,
  patch: RulePatch,
  ifMatch: string | null,
): Promise<Rule> {
  for (let tries = 0; tries < 3; tries++) {
    const rule = await findRule(deps, call, id)
    if (ifMatch !== null && ifMatch !== '*' && ifMatch !== ruleEtag(rule))
      return refuse('precondition_failed')
    const next = { ...rule, ...patched(rule, patch) }
    await guardRule(deps, call, next)
    const saved = await deps.store.updateRule(next, Object.keys(patch), BOUNDS, call.origin, deps.clock.now())
    deps.directory.forget()
    if (saved.kind !== 'stale') return savedRule(saved)
  }
  return refuse('state_conflict', 'The rule is being changed by somebody else right now.')
}

/** Refusal: `not_found`. */
export async function deleteRule(deps: Deps, call: Call, id: string): Promise<void> {
  const isDeleted = await deps.store.deleteRule(id, call.origin, deps.clock.now())
  deps.directory.forget()
  return isDeleted ? undefined : refuse('not_found')
}

/** Refusal: `not_found`. */
export async function findRule(deps: Deps, call: Call, id: string): Promise<Rule> {
  return (await deps.store.findRule(call.view.environment.id, id)) ?? refuse('not_found')
}

/** One version of the set with its rules. Refusal: `not_found`, also of one that is not kept any more. */
export async function findRuleVersion(deps: Deps, call: Call, version: number): Promise<RuleVersion> {
  return (await deps.store.findRuleVersion(call.view.environment.id, version)) ?? refuse('not_found')
}

/**
 * Makes the set of rules what it was in a version, as a new version. Refusals: `not_found`; `state_conflict` where one of
 * its rules would not be saved today, and after losing three races.
 */
export async function rollBackRules(
  deps: Deps,
  call: Call,
  version: number,
  keep?: Keep<Omit<RuleVersion, 'rules'>>,
): Promise<Omit<RuleVersion, 'rules'>> {
  const { directory, store, clock } = deps
  const { id } = call.view.environment
  const { rules } = await findRuleVersion(deps, call, version)
  const lists = await listNames(deps, id)
  const errors = (await Promise.all(rules.map(rule => ruleErrors(rule, lists, `${rule.name}: `)))).flat()
  if (errors.length > 0)
    throw new OstiaryError('state_conflict', {
      detail: 'The version holds a rule that could not be saved today.',
      errors: errors.slice(0, 20),
    })
  for (let tries = 0; ; tries++) {
    directory.forget()
    const from = (await directory.byId(id))?.environment.rulesVersion ?? refuse('unavailable')
    try {
      return await writeOnce<RolledBack, Omit<RuleVersion, 'rules'>>(
        keep,
        once => store.rollBackRules({ version, from, origin: call.origin, now: clock.now() }, once),
        rolledBack => {
          if (rolledBack.kind === 'rolledBack') return rolledBack.version
          if (rolledBack.kind === 'notFound') return refuse('not_found')
          throw new Stale()
        },
      )
    } catch (error) {
      if (!(error instanceof Stale)) throw error
      if (tries === 2)
        return refuse('state_conflict', 'The rules are being changed by somebody else right now.')
    } finally {
      directory.forget()
    }
  }
}

/** Somebody changed the set between the look at it and the write. */
class Stale extends Error {}

/** All fields of a rule, by what its writer said. */
export function wholeRule(fields: NewRule): RuleFields {
  const told = Object.entries(fields).filter(([, value]) => value !== undefined)
  return { ...RULE_DEFAULTS, methods: [], ...(Object.fromEntries(told) as NewRule) } as RuleFields
}

function patched(rule: Rule, patch: RulePatch): RuleFields {
  const told = Object.entries(patch).filter(([, value]) => value !== undefined)
  const defaults: Record<string, unknown> = RULE_DEFAULTS
  const values = told.map(([field, value]) => [field, value === null ? defaults[field] : value])
  return { ...rule, ...Object.fromEntries(values) }
}

async function guardRule(deps: Deps, call: Call, rule: RuleFields): Promise<void> {
  const errors = await ruleErrors(rule, await listNames(deps, call.view.environment.id))
  const [first] = errors
  if (first)
    throw new OstiaryError('invalid_request', { detail: `"${first.path}" ${first.message}.`, errors })
}

async function listNames({ store }: Deps, environmentId: string): Promise<ReadonlySet<string>> {
  const all = { limit: MAX_LISTS, before: null, createdAfter: null, createdBefore: null }
  return new Set((await store.listLists(environmentId, all)).map(({ name }) => name))
}

function savedRule(saved: RuleSaved): Rule {
  if (saved.kind === 'tooMany')
    return refuse('state_conflict', `An environment has at most ${MAX_RULES} rules.`)
  if (saved.kind === 'tooLarge')
    return refuse('state_conflict', 'The rules of an environment take at most 256 KB together.')
  return saved.rule
}
