import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../../src/core/rows.ts'
import { decide, ruleSetOf } from '../../../src/core/rules/decide.ts'
import { type RuleFields, ruleErrors } from '../../../src/core/rules/rule.ts'
import { type NewRule, wholeRule } from '../../../src/core/rules/rules.ts'
import { SignalsInput } from '../../../src/http/wire-rules.ts'

const GUIDE = readFileSync(new URL('../../../../../docs/rules.md', import.meta.url), 'utf8')
const LISTS = new Map([['treasury', ['cfo@example.com']]])

interface Case {
  rule: string | null
  outcome: Outcome
  signals: object
}

const examples = [
  ...GUIDE.matchAll(/^### (.+?)$[\s\S]*?```json rules\n([\s\S]*?)```[\s\S]*?```json cases\n([\s\S]*?)```/gm),
].map(([, title, rules, cases]) => ({
  title: title ?? '',
  rules: (JSON.parse(rules ?? '') as NewRule[]).map(wholeRule),
  cases: JSON.parse(cases ?? '') as Case[],
}))

const ruleOf = (fields: RuleFields, index: number) => ({
  ...fields,
  id: `rul_${index}`,
  environmentId: 'env_1',
  version: 1,
  createdAt: 0,
  updatedAt: 0,
})

test('the guide has an example for each thing that people ask for', () => {
  expect(examples.map(({ title }) => title)).toEqual([
    'The more risk, the more proof',
    'A known device passes',
    'A new device needs a passkey',
    'Impossible travel is blocked',
    'Many failures are reviewed',
    'Large amounts need two proofs',
  ])
})

describe.each(examples)('$title', ({ rules, cases }) => {
  test('can be saved', async () => {
    for (const rule of rules) expect(await ruleErrors(rule, new Set(LISTS.keys()))).toEqual([])
  })
  test.each(cases)('%j', async ({ rule, outcome, signals: told }) => {
    const { now = 0, ...signals } = SignalsInput.parse(told)
    const decision = decide(await ruleSetOf(rules.map(ruleOf), LISTS), signals, {
      defaultOutcome: 'CHALLENGE',
      now,
    })
    expect({ rule: decision.rule?.name ?? null, outcome: decision.outcome }).toEqual({ rule, outcome })
  })
})

test('the case that is shown with its answer has that answer', async () => {
  const blocks = [...GUIDE.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => JSON.parse(text ?? ''))
  const [asked, answer] = blocks
  const set = await ruleSetOf([{ ...ruleOf(wholeRule(asked.rule), 0), id: 'rule0' }], new Map())
  expect(decide(set, SignalsInput.parse(asked.signals), { defaultOutcome: 'CHALLENGE', now: 0 })).toEqual(
    answer,
  )
})
