import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Outcome, Rule } from '../../../src/core/rows.ts'
import { decide, ruleSetOf } from '../../../src/core/rules/decide.ts'
import type { Signals } from '../../../src/core/rules/variables.ts'
import { cpuMs, NOW } from './judge.ts'

const OUTCOMES: Outcome[] = ['ALLOW', 'CHALLENGE', 'REVIEW', 'BLOCK']

let count = 0
const rule = (more: Partial<Rule>): Rule => ({
  id: `rul_${String(++count).padStart(6, '0')}`,
  environmentId: 'env_1',
  name: 'a rule',
  actionName: null,
  priority: 50,
  condition: 'true',
  outcome: 'CHALLENGE',
  methods: [],
  requires: 1,
  mode: 'live',
  isActive: true,
  enrolmentCounts: false,
  version: 1,
  createdAt: NOW,
  updatedAt: NOW,
  ...more,
})

async function decided(
  rules: Rule[],
  signals: Signals = { action: { name: 'signIn' } },
  defaultOutcome: Outcome = 'CHALLENGE',
) {
  return decide(await ruleSetOf(rules, new Map()), signals, { defaultOutcome, now: NOW })
}

// Conditions whose answer is known beforehand.
const CONDITIONS = { matched: 'true', missed: 'false', erred: 'device.known' } as const
type Kind = keyof typeof CONDITIONS

interface Case {
  kind: Kind
  outcome: Outcome
  priority: number
  mode: Rule['mode']
  isActive: boolean
  actionName: string | null
}

const cases = fc.array(
  fc.record<Case>({
    kind: fc.constantFrom<Kind>('matched', 'missed', 'erred'),
    outcome: fc.constantFrom(...OUTCOMES),
    priority: fc.integer({ min: 0, max: 4 }),
    mode: fc.constantFrom<Rule['mode']>('live', 'live', 'shadow'),
    isActive: fc.boolean(),
    actionName: fc.constantFrom(null, 'signIn', 'other'),
  }),
  { maxLength: 8 },
)
const ruleOf = ({ kind, ...more }: Case): Rule => rule({ ...more, condition: CONDITIONS[kind] })

/** The sentences of PROTOCOL section 4, as they are read. */
function oracle(all: Case[], byDefault: Outcome): Outcome {
  const live = all.filter(one => one.isActive && one.mode === 'live' && one.actionName !== 'other')
  const lowest = Math.min(...live.filter(one => one.kind === 'matched').map(one => one.priority))
  const match = live.find(one => one.kind === 'matched' && one.priority === lowest)
  const isBefore = (one: Case) =>
    !match ||
    one.priority < match.priority ||
    (one.priority === match.priority && live.indexOf(one) < live.indexOf(match))
  const erring = live.filter(one => one.kind === 'erred' && one.outcome !== 'ALLOW' && isBefore(one))
  const outcomes = [match ? match.outcome : byDefault, ...erring.map(one => one.outcome)]
  return outcomes.reduce((a, b) => (OUTCOMES.indexOf(b) > OUTCOMES.indexOf(a) ? b : a))
}

describe('a decision', () => {
  test('is the strictest of the first match and of the rules before it that err', async () => {
    await fc.assert(
      fc.asyncProperty(cases, fc.constantFrom(...OUTCOMES), async (all, byDefault) => {
        const { outcome } = await decided(all.map(ruleOf), undefined, byDefault)
        expect(outcome).toBe(oracle(all, byDefault))
      }),
      { numRuns: 1000 },
    )
  })

  test('is not changed by shadow rules, rules that are off, or rules of other actions', async () => {
    await fc.assert(
      fc.asyncProperty(cases, cases, async (all, others) => {
        const rules = all.map(ruleOf)
        const idle = others.flatMap(one => [
          ruleOf({ ...one, isActive: true, mode: 'shadow' }),
          ruleOf({ ...one, isActive: false }),
          ruleOf({ ...one, isActive: true, mode: 'live', actionName: 'other' }),
        ])
        const { shadow, seen, ...alone } = await decided(rules)
        const { shadow: more, seen: _, ...together } = await decided([...idle, ...rules])
        expect(together).toEqual(alone)
        expect(more).toEqual(expect.arrayContaining(shadow))
        expect(Object.keys(seen)).toEqual(expect.arrayContaining([]))
      }),
      { numRuns: 300 },
    )
  })

  test('is never less strict for a signal that is missing, but where an ALLOW or a stricter match was', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async all => {
        // The same rules, with the errors as misses: what an error adds is strictness and nothing else.
        const without = all.map(one => (one.kind === 'erred' ? { ...one, kind: 'missed' as const } : one))
        const [erring, calm] = [await decided(all.map(ruleOf)), await decided(without.map(ruleOf))]
        expect(OUTCOMES.indexOf(erring.outcome)).toBeGreaterThanOrEqual(OUTCOMES.indexOf(calm.outcome))
      }),
      { numRuns: 300 },
    )
  })

  test('does not depend on the order in which rules are given, and is the same each time', async () => {
    await fc.assert(
      fc.asyncProperty(cases, fc.integer(), async (all, seed) => {
        const rules = all.map(ruleOf)
        const shuffled = fc.sample(fc.shuffledSubarray(rules, { minLength: rules.length }), {
          seed,
          numRuns: 1,
        })[0]
        expect(await decided(shuffled ?? [])).toEqual(await decided(rules))
      }),
      { numRuns: 300 },
    )
  })

  test('without rules is the default', async () => {
    expect(await decided([])).toEqual({
      outcome: 'CHALLENGE',
      rule: null,
      decidedBy: null,
      demands: [],
      matched: [],
      erring: [],
      shadow: [],
      seen: {},
    })
  })

  test('names the first match by priority, then by age, and every other', async () => {
    const [a, b, c] = [
      rule({ name: 'a', priority: 9 }),
      rule({ name: 'b', priority: 3 }),
      rule({ name: 'c', priority: 3 }),
    ]
    const { rule: first, matched } = await decided([c, a, b])
    expect(first?.name).toBe('b')
    expect(matched.map(({ name }) => name)).toEqual(['b', 'c', 'a'])
  })

  test('that an error made stricter says which rule it was, why, and what all of them ask for', async () => {
    const easy = rule({ priority: 10, methods: ['emailCode'] })
    const behind = rule({ priority: 11, condition: 'user.isNew', outcome: 'BLOCK', name: 'behind' })
    const hard = rule({ priority: 9, condition: '!device.known', methods: ['passkey'], name: 'hard' })
    const review = rule({ priority: 5, condition: 'user.isNew', outcome: 'REVIEW', name: 'look' })
    const allow = rule({ priority: 0, condition: 'ip.isNew', outcome: 'ALLOW', name: 'pass' })
    const decision = await decided([easy, hard, review, allow, behind])
    expect(decision).toMatchObject({ outcome: 'REVIEW', rule: { id: easy.id }, decidedBy: { id: review.id } })
    expect(decision.demands).toEqual([
      { ruleId: easy.id, methods: ['emailCode'], requires: 1, enrolmentCounts: false },
      { ruleId: review.id, methods: [], requires: 1, enrolmentCounts: false },
      { ruleId: hard.id, methods: ['passkey'], requires: 1, enrolmentCounts: false },
    ])
    expect(decision.erring.map(({ name, message }) => [name, message])).toEqual([
      ['pass', '"ip.isNew" is not known'],
      ['look', '"user.isNew" is not known'],
      ['hard', '"device.known" is not known'],
      ['behind', '"user.isNew" is not known'],
    ])
  })

  test('keeps what conditions name, as it was, and nothing else', async () => {
    const rules = [
      rule({ condition: 'user.email == "a" && action.attributes["a.b"] == 1.0' }),
      rule({ condition: 'has(user.externalId) || now > user.createdAt', mode: 'shadow' }),
      rule({ condition: 'ip.country == "DE"', actionName: 'other' }),
      rule({ condition: 'ip.address == "10.0.0.1"', isActive: false }),
    ]
    const { seen, shadow } = await decided(rules, {
      action: { name: 'signIn', attributes: { 'a.b': 1, secret: 'x' } },
      user: { email: 'a', createdAt: NOW - 1000, id: 'usr_1' },
      ip: { country: 'DE', address: '10.0.0.1' },
    })
    expect(seen).toEqual({
      'action.attributes.a.b': 1,
      now: '2026-07-15T21:30:00.000Z',
      'user.createdAt': '2026-07-15T21:29:59.000Z',
      'user.email': 'a',
      'user.externalId': null,
    })
    expect(shadow).toEqual([
      { id: rules[1]?.id, name: 'a rule', outcome: 'CHALLENGE', verdict: 'matched', message: null },
    ])
  })

  test('takes a rule that cannot be read any more for one that errs', async () => {
    const { outcome, erring } = await decided([rule({ condition: 'gone.away == 1', outcome: 'BLOCK' })])
    expect(outcome).toBe('BLOCK')
    expect(erring[0]?.message).toMatch(/cannot read the condition/)
    expect((await decided([rule({ condition: 'gone', outcome: 'ALLOW' })])).outcome).toBe('CHALLENGE')
  })

  test('of 200 rules that all go through the largest list ends, and errs where it gave up', async () => {
    const entries = Array.from({ length: 10_000 }, (_, index) => `entry${index}`)
    const rules = Array.from({ length: 200 }, () =>
      rule({ condition: 'list("big").exists(x, x == "zz")', outcome: 'REVIEW' }),
    )
    const set = await ruleSetOf(rules, new Map([['big', entries]]))
    const ways = { defaultOutcome: 'ALLOW', now: NOW } as const
    expect(cpuMs(() => decide(set, {}, ways))).toBeLessThan(1500)
    const { outcome, erring } = decide(set, {}, ways)
    expect(outcome).toBe('REVIEW')
    expect(erring).toHaveLength(196)
  })
})
