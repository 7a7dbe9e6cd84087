import { setImmediate as turn } from 'node:timers/promises'
import { judgeSignals } from '../actions/judge.ts'
import type { Call, Deps } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { METHOD_NAMES } from '../methods/methods.ts'
import type { Page } from '../ports.ts'
import type { Action, ActionDecision, ActionOwner, Outcome, Rule } from '../rows.ts'
import { type Decision, type RuleSet, ruleSetOf } from './decide.ts'
import { MAX_RULES, type RuleFields } from './rule.ts'
import { readRules, type TriedRule } from './try.ts'

/** Which past actions are judged anew, and by what: without `rule` and `rules` by those that are saved. */
export interface PastRun {
  /** Beside the saved rules; with the id of one of them in its place, and what it leaves out as it is saved. */
  rule?: TriedRule | undefined
  /** In place of all saved rules. */
  rules?: TriedRule[] | undefined
  /** The oldest instant of an action that is looked at. */
  since?: number | undefined
  actionName?: string | undefined
  limit?: number | undefined
}

export type OutcomeCounts = Record<Outcome, number>

export interface ChangedAction {
  actionId: string
  name: string
  createdAt: number
  userId: string | null
  was: Outcome
  wouldBe: Outcome
  rules: Decision['matched']
  erring: Decision['erring']
  seen: Decision['seen']
}

export interface PastOutcomes {
  lookedAt: number
  /** Of them, those whose signals are not kept. */
  skipped: number
  /** Of them, those where rules would have waited for a proof: nobody was known when it was decided. */
  waiting: number
  /** All that were asked for were looked at; false where the time for it was over before. */
  isComplete: boolean
  was: OutcomeCounts
  wouldBe: OutcomeCounts
  changed: number
  /** The newest. */
  examples: ChangedAction[]
}

export const MAX_PAST = 1000
const MAX_EXAMPLES = 20
/** Rules that are named in one example. */
const MAX_NAMED = 20
/** A row can hold a hundred kilobytes of a decision: more at once would hold up everybody while they are read. */
const READ_AT_ONCE = 20
const MAX_READS = 200
/** Processor time that a run takes of a process that everybody signs in by. */
const WORK_MS = 5000

/**
 * Judges past actions anew, newest first, by the signals that were stored with their decision and at its instant; lists and
 * settings are those of today. Others have their turn between two actions. Refusals: `invalid_request` for a rule that could
 * not be saved, `rate_limited` while two of the environment are under way.
 */
export async function judgePast(
  deps: Deps,
  call: Call & { signal: AbortSignal },
  run: PastRun,
  keep?: Keep<PastOutcomes>,
  workMs = WORK_MS,
): Promise<PastOutcomes> {
  const outcomes = await deps.pastRuns(call.view.environment.id, async () => {
    const judged = { settings: call.view.settings, rules: await triedSet(deps, call, run) }
    const outcomes = noOutcomes()
    let workedMs = 0
    for await (const action of newestActions(deps, call, run)) {
      if (action === null || workedMs >= workMs || call.signal.aborted)
        return { ...outcomes, isComplete: false }
      const from = ownMs()
      judgeOne(outcomes, judged, action)
      workedMs += ownMs() - from
      await turn()
    }
    return outcomes
  })
  // Without an Idempotency-Key there is nothing to write.
  if (!keep) return outcomes
  return await writeOnce<PastOutcomes, PastOutcomes>(
    keep,
    once => deps.store.keep(outcomes, deps.clock.now(), once),
    kept => kept,
  )
}

/** Of this thread alone: a busy machine makes nothing longer. */
function ownMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function judgeOne(
  outcomes: PastOutcomes,
  judged: Parameters<typeof judgeSignals>[0],
  { id: actionId, name, createdAt, userId, decision }: Action,
): void {
  outcomes.lookedAt++
  if (!decision?.signals) {
    outcomes.skipped++
    return
  }
  const was = decision.outcome
  const anew = judgeSignals(judged, decision.signals, ownerIn(decision), decision.at)
  const { outcome: wouldBe } = anew
  outcomes.was[was]++
  outcomes.wouldBe[wouldBe]++
  if (!anew.isJudged) outcomes.waiting++
  if (was === wouldBe) return
  outcomes.changed++
  const { matched, erring, seen } = anew.decision
  const rules = matched.slice(0, MAX_NAMED)
  if (outcomes.examples.length < MAX_EXAMPLES)
    outcomes.examples.push({
      ...{ actionId, name, createdAt, userId, was, wouldBe, rules, seen },
      erring: erring.slice(0, MAX_NAMED),
    })
}

function ownerIn({ owner, signals }: ActionDecision): ActionOwner | null {
  if (owner !== undefined) return owner
  if (signals?.action?.hasUser !== true) return null
  return {
    methods: METHOD_NAMES.filter(name => signals.user?.enrolledMethods?.includes(name)),
    mayEnrol: false,
  }
}

/** The set to judge by: the saved one, the saved one with one rule added or changed, or another. */
async function triedSet(deps: Deps, { view }: Call, { rule, rules }: PastRun): Promise<RuleSet> {
  const { lists } = view.rules
  if (rules) return await ruleSetOf(await readRules(rules, view.rules, at => `rules.${at}.`), lists)
  if (!rule) return view.rules
  const all = { limit: MAX_RULES, before: null, createdAfter: null, createdBefore: null }
  const saved = await deps.store.listRules(view.environment.id, all)
  const before = saved.find(({ id }) => id === rule.id)
  if (rule.id !== undefined && !before)
    throw fieldError('rule.id', 'not_found', 'is not the id of a saved rule: leave it out for a new one')
  const told = Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined))
  const tried = await readRules(
    [{ ...(before && fieldsOf(before)), ...(told as TriedRule) }],
    view.rules,
    () => 'rule.',
  )
  return await ruleSetOf([...saved.filter(one => one !== before), ...tried], lists)
}

function fieldsOf(rule: Rule): RuleFields {
  const {
    name,
    actionName,
    priority,
    condition,
    outcome,
    methods,
    requires,
    mode,
    isActive,
    enrolmentCounts,
  } = rule
  return {
    name,
    actionName,
    priority,
    condition,
    outcome,
    methods,
    requires,
    mode,
    isActive,
    enrolmentCounts,
  }
}

/** Null where more would have to be read than one call may. */
async function* newestActions(
  { store, clock, epoch }: Deps,
  { view }: Call,
  { since, actionName, limit = MAX_PAST }: PastRun,
): AsyncGenerator<Action | null> {
  const filter = {
    userId: null,
    name: actionName ?? null,
    reference: null,
    state: null,
    now: clock.now(),
    epoch,
  }
  let before: string | null = null
  let left = limit
  for (let reads = 0; left > 0; reads++) {
    if (reads === MAX_READS) return yield null
    const asked: Page = {
      limit: Math.min(left, READ_AT_ONCE),
      before,
      createdAfter: since ?? null,
      createdBefore: null,
    }
    const { rows, lookedTo } = await store.listActions(view.environment.id, filter, asked)
    yield* rows
    left -= rows.length
    // A page that is not full ends where the look did.
    before = rows.length === asked.limit ? (rows.at(-1)?.id ?? null) : lookedTo
    if (before === null) return
  }
}

const noOutcomes = (): PastOutcomes => ({
  ...{ lookedAt: 0, skipped: 0, waiting: 0, isComplete: true },
  was: noCounts(),
  wouldBe: noCounts(),
  changed: 0,
  examples: [],
})

const noCounts = (): OutcomeCounts => ({ ALLOW: 0, CHALLENGE: 0, REVIEW: 0, BLOCK: 0 })
