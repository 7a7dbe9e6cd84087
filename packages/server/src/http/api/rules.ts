import { z } from 'zod'
import { judgePast, MAX_PAST } from '../../core/rules/past.ts'
import { RULE_METHODS } from '../../core/rules/rule.ts'
import {
  createRule,
  deleteRule,
  findRule,
  findRuleVersion,
  rollBackRules,
  ruleEtag,
  updateRule,
} from '../../core/rules/rules.ts'
import { tryRules } from '../../core/rules/try.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage, whole } from '../list.ts'
import { listOf } from '../wire.ts'
import {
  DecisionBody,
  decisionBody,
  PastOutcomesBody,
  pastOutcomesBody,
  RuleBody,
  RuleVersionBody,
  RuleVersionSummaryBody,
  ruleBody,
  SignalsInput,
  versionBody,
  versionSummaryBody,
} from '../wire-rules.ts'

/** The endpoints of rules: conditions with an outcome, the versions of their set, and trying them. */

const actionName = z.string().regex(/^[A-Za-z][A-Za-z0-9_.:-]{0,63}$/)

const required = {
  name: z.string().min(1).max(100),
  // Its length is told by the checker, with what else is wrong with it.
  condition: z.string().meta({ description: 'CEL, at most 2,000 characters', maxLength: 2000 }),
  outcome: z.enum(['ALLOW', 'CHALLENGE', 'REVIEW', 'BLOCK']),
}
const optional = {
  actionName: actionName.nullable().meta({ description: 'null: actions of every name' }),
  priority: z.int().min(0).max(99).meta({ description: 'The lower is looked at first; default 50' }),
  methods: z
    .array(z.enum(RULE_METHODS))
    .max(RULE_METHODS.length)
    .refine(methods => new Set(methods).size === methods.length, 'names a method twice')
    .meta({ description: 'The methods that count; none: all that are on' }),
  requires: z.union([z.literal(1), z.literal(2)]),
  mode: z.enum(['live', 'shadow']),
  isActive: z.boolean(),
  enrolmentCounts: z.boolean(),
}
const newRule = z.strictObject({ ...required, ...z.strictObject(optional).partial().shape })

export const createRuleEndpoint = endpoint({
  method: 'POST',
  path: '/v1/rules',
  summary: 'Create a rule',
  scopes: ['admin'],
  body: newRule.meta({ id: 'CreateRule' }),
  status: 201,
  answer: RuleBody,
  errors: ['state_conflict'],
  act: (deps, call, keep) => createRule(deps, call, call.body, keep),
  render: ruleBody,
  etag: ruleEtag,
})

export const listRulesEndpoint = endpoint({
  method: 'GET',
  path: '/v1/rules',
  summary: 'List rules',
  scopes: ['admin', 'read'],
  query: z.strictObject(pageQuery),
  status: 200,
  answer: listOf(RuleBody),
  errors: ['cursor_invalid'],
  act: ({ store }, { view, query }) =>
    readPage(`rules ${view.environment.id}`, query, async page =>
      whole(await store.listRules(view.environment.id, page)),
    ),
  render: ({ rows, nextCursor }) => ({ data: rows.map(ruleBody), nextCursor }),
})

export const getRuleEndpoint = endpoint({
  method: 'GET',
  path: '/v1/rules/{id}',
  summary: 'A rule',
  scopes: ['admin', 'read'],
  status: 200,
  answer: RuleBody,
  errors: ['not_found'],
  act: (deps, call) => findRule(deps, call, call.params.id ?? ''),
  render: ruleBody,
  etag: ruleEtag,
})

export const updateRuleEndpoint = endpoint({
  method: 'PATCH',
  path: '/v1/rules/{id}',
  summary: 'Change a rule (merge patch, If-Match)',
  scopes: ['admin'],
  body: z
    .strictObject({
      ...required,
      ...Object.fromEntries(Object.entries(optional).map(([name, field]) => [name, field.nullable()])),
    } as { [K in keyof typeof required]: (typeof required)[K] } & {
      [K in keyof typeof optional]: z.ZodNullable<(typeof optional)[K]>
    })
    .partial()
    .meta({ id: 'UpdateRule', description: 'null returns to the default' }),
  status: 200,
  answer: RuleBody,
  errors: ['not_found', 'precondition_failed', 'state_conflict'],
  act: (deps, call) => updateRule(deps, call, call.params.id ?? '', call.body, call.ifMatch),
  render: ruleBody,
  etag: ruleEtag,
})

export const deleteRuleEndpoint = endpoint({
  method: 'DELETE',
  path: '/v1/rules/{id}',
  summary: 'Delete a rule',
  scopes: ['admin'],
  status: 204,
  answer: null,
  errors: ['not_found'],
  act: (deps, call) => deleteRule(deps, call, call.params.id ?? ''),
  render: () => null,
})

const MAX_TRIED = 200

const triedRule = newRule.extend({ id: z.string().max(64).optional() })
const ofPast = {
  since: z.iso
    .datetime({ offset: true })
    .transform(text => Date.parse(text))
    .optional(),
  actionName: actionName.optional(),
  limit: z
    .int()
    .min(1)
    .max(MAX_PAST)
    .optional()
    .meta({ description: `Default ${MAX_PAST}` }),
}

export const tryRulesEndpoint = endpoint({
  method: 'POST',
  path: '/v1/rules/test',
  summary: 'What a made-up case, or past actions, would come to; no rule and no action is changed',
  scopes: ['admin', 'read'],
  maxBodyBytes: 512 * 1024,
  body: z
    .strictObject({
      rule: triedRule.optional(),
      rules: z.array(triedRule).max(MAX_TRIED).optional(),
      signals: SignalsInput.optional().meta({ description: 'A made-up case; without it: past actions' }),
      ...ofPast,
    })
    .refine(({ rule, rules }) => !rule || !rules, {
      path: ['rules'],
      error: 'stands beside "rule": send one of them',
    })
    .superRefine(({ signals, ...told }, context) => {
      for (const field of ['since', 'actionName', 'limit'] as const)
        if (signals && told[field] !== undefined)
          context.addIssue({
            code: 'custom',
            path: [field],
            message: 'is for past actions: leave it or "signals" out',
          })
    })
    .meta({ id: 'TestRules', description: 'Without rule and rules: the rules that are saved' }),
  status: 200,
  answer: z.union([DecisionBody, PastOutcomesBody]),
  errors: ['rate_limited'],
  async act(deps, call, keep) {
    const { signals: told, ...run } = call.body
    if (!told) return await judgePast(deps, call, run, keep)
    const { now, ...signals } = told
    return await tryRules(deps, call, { ...run, signals, now }, keep)
  },
  render: result => ('examples' in result ? pastOutcomesBody(result) : decisionBody(result)),
})

export const listRuleVersionsEndpoint = endpoint({
  method: 'GET',
  path: '/v1/rules/versions',
  summary: 'The last hundred versions of the set of rules',
  scopes: ['admin', 'read'],
  status: 200,
  answer: listOf(RuleVersionSummaryBody),
  errors: [],
  act: ({ store }, { view }) => store.listRuleVersions(view.environment.id),
  render: versions => ({ data: versions.map(versionSummaryBody), nextCursor: null }),
})

export const getRuleVersionEndpoint = endpoint({
  method: 'GET',
  path: '/v1/rules/versions/{id}',
  summary: 'A version of the set of rules, by its number',
  scopes: ['admin', 'read'],
  status: 200,
  answer: RuleVersionBody,
  errors: ['not_found'],
  act: (deps, call) => findRuleVersion(deps, call, versionOf(call.params.id)),
  render: versionBody,
})

export const rollBackRulesEndpoint = endpoint({
  method: 'POST',
  path: '/v1/rules/rollback',
  summary: 'Make the set of rules what it was in a version, as a new version',
  scopes: ['admin'],
  body: z
    .strictObject({
      version: z
        .int()
        .min(1)
        .max(2 ** 31 - 1),
    })
    .meta({ id: 'RollBackRules' }),
  status: 200,
  answer: RuleVersionSummaryBody,
  errors: ['not_found', 'state_conflict'],
  act: (deps, call, keep) => rollBackRules(deps, call, call.body.version, keep),
  render: versionSummaryBody,
})

/** 0, which no version has, for what is not a number of one. */
const versionOf = (text = '') => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0)
