import { z } from 'zod'
import type { List, Rule, RuleVersion } from '../core/rows.ts'
import type { Decision } from '../core/rules/decide.ts'
import type { PastOutcomes } from '../core/rules/past.ts'
import { type Group, isVariable, type Signals, VARIABLES, type Variable } from '../core/rules/variables.ts'
import { Instant } from './wire.ts'

/** The objects of rules on the wire (CONTRACT section 5): their shapes, and how rows become them. */

const id = (prefix: string) => z.string().meta({ examples: [`${prefix}_01k6z5v9hrf0qv2s8yb7m3c4dn`] })
const outcome = z.enum(['ALLOW', 'CHALLENGE', 'REVIEW', 'BLOCK'])
const iso = (instant: number) => new Date(instant).toISOString()

export const RuleBody = z
  .object({
    id: id('rul'),
    name: z.string(),
    actionName: z.string().nullable(),
    priority: z.int(),
    condition: z.string(),
    outcome,
    methods: z.array(z.string()),
    requires: z.union([z.literal(1), z.literal(2)]),
    mode: z.enum(['live', 'shadow']),
    isActive: z.boolean(),
    enrolmentCounts: z.boolean(),
    createdAt: Instant,
    updatedAt: Instant,
  })
  .meta({ id: 'Rule' })

export function ruleBody(rule: Rule) {
  const { id, name, actionName, priority, condition, outcome, methods, requires, mode } = rule
  return {
    ...{ id, name, actionName, priority, condition, outcome, methods, requires, mode },
    isActive: rule.isActive,
    enrolmentCounts: rule.enrolmentCounts,
    createdAt: iso(rule.createdAt),
    updatedAt: iso(rule.updatedAt),
  }
}

const versionFields = {
  version: z.int(),
  change: z.enum(['created', 'updated', 'deleted', 'rolledBack']),
  ruleId: id('rul').nullable(),
  rulesCount: z.int(),
  actor: z.object({ type: z.enum(['user', 'api_key', 'admin', 'system']), id: z.string().nullable() }),
  createdAt: Instant,
}

export const RuleVersionSummaryBody = z.object(versionFields).meta({ id: 'RuleVersionSummary' })
export const RuleVersionBody = z
  .object({ ...versionFields, rules: z.array(RuleBody) })
  .meta({ id: 'RuleVersion' })

export function versionSummaryBody({
  version,
  change,
  ruleId,
  rulesCount,
  actor,
  createdAt,
}: Omit<RuleVersion, 'rules'>) {
  return { version, change, ruleId, rulesCount, actor, createdAt: iso(createdAt) }
}

export const versionBody = (version: RuleVersion) => ({
  ...versionSummaryBody(version),
  rules: version.rules.map(ruleBody),
})

const listFields = {
  id: id('lst'),
  name: z.string(),
  entriesCount: z.int(),
  createdAt: Instant,
  updatedAt: Instant,
}

export const ListSummaryBody = z.object(listFields).meta({ id: 'ListSummary' })
export const ListBody = z.object({ ...listFields, entries: z.array(z.string()) }).meta({ id: 'List' })

export function listSummaryBody({ id, name, entriesCount, createdAt, updatedAt }: Omit<List, 'entries'>) {
  return { id, name, entriesCount, createdAt: iso(createdAt), updatedAt: iso(updatedAt) }
}

export const listBody = (list: List) => ({ ...listSummaryBody(list), entries: list.entries })

const named = { id: z.string(), name: z.string(), outcome }

export const DecisionBody = z
  .object({
    outcome,
    rule: z.object(named).nullable(),
    decidedBy: z.object(named).nullable(),
    demands: z.array(
      z.object({
        ruleId: z.string(),
        methods: z.array(z.string()),
        requires: z.union([z.literal(1), z.literal(2)]),
        enrolmentCounts: z.boolean(),
      }),
    ),
    matched: z.array(z.object(named)),
    erring: z.array(z.object({ ...named, message: z.string() })),
    shadow: z.array(
      z.object({ ...named, verdict: z.enum(['matched', 'missed', 'erred']), message: z.string().nullable() }),
    ),
    seen: z.record(z.string(), z.json()).meta({ description: 'By path; null: not known' }),
  })
  .meta({ id: 'Decision' })

export const decisionBody = (decision: Decision) => decision

const counts = z.object({ ALLOW: z.int(), CHALLENGE: z.int(), REVIEW: z.int(), BLOCK: z.int() })
const { seen } = DecisionBody.shape

export const PastOutcomesBody = z
  .object({
    lookedAt: z.int(),
    skipped: z.int().meta({ description: 'Of them, those whose signals are not kept' }),
    waiting: z.int().meta({
      description: 'Of them, those where rules would have waited for a proof: nobody was known yet',
    }),
    isComplete: z.boolean().meta({ description: 'false: the time for it was over before' }),
    was: counts,
    wouldBe: counts,
    changed: z.int(),
    examples: z
      .array(
        z.object({
          actionId: id('act'),
          name: z.string(),
          createdAt: Instant,
          userId: z.string().nullable(),
          was: outcome,
          wouldBe: outcome,
          rules: z.array(z.object(named)),
          erring: z.array(z.object({ ...named, message: z.string() })),
          seen,
        }),
      )
      .meta({ description: 'The newest 20 that would change' }),
  })
  .meta({ id: 'PastOutcomes' })

export const pastOutcomesBody = ({ examples, ...outcomes }: PastOutcomes) => ({
  ...outcomes,
  examples: examples.map(example => ({ ...example, createdAt: iso(example.createdAt) })),
})

const instant = z.iso.datetime({ offset: true }).transform(text => Date.parse(text))
const SIGNAL = {
  bool: z.boolean(),
  int: z.int(),
  double: z.number(),
  string: z.string().max(2048),
  timestamp: instant,
  strings: z.array(z.string().max(255)).max(1000),
  open: z.record(z.string(), z.json()),
} satisfies Record<Variable['type'], z.ZodType>

/** The variables of conditions as a request names them; what is left out is not known. */
function signalsOf(group: Group): z.ZodType {
  const fields = Object.entries(group).map(([name, node]) => [
    name,
    (isVariable(node) ? SIGNAL[node.type].meta({ description: node.about }) : signalsOf(node)).optional(),
  ])
  return z.strictObject(Object.fromEntries(fields))
}

export const SignalsInput = signalsOf(VARIABLES).meta({ id: 'Signals' }) as z.ZodType<
  Signals & { now?: number | undefined }
>
