import type { EnvironmentView } from '../environments/directory.ts'
import type { Method } from '../methods/method.ts'
import { methodsOf } from '../methods/methods.ts'
import type { Action, ActionDecision, ActionDemand, ActionProof, ActionState, Outcome } from '../rows.ts'
import { type CompiledRule, type Decision, decide, type RuleSet } from '../rules/decide.ts'
import type { Signals } from '../rules/variables.ts'
import type { Settings } from '../settings/settings.ts'
import type { NetworkBook } from '../signals/networks.ts'
import { canProve, isProven } from './demands.ts'
import { type Known, signalsOf } from './signals.ts'

/** How the rules of an environment become the outcome of an action and its next state (PROTOCOL section 4). */

export interface Judgement {
  outcome: Outcome
  demands: ActionDemand[]
  /** Every rule was judged. */
  isJudged: boolean
  decision: ActionDecision
}

type Judged = Pick<Action, 'name' | 'attributes' | 'ipAddress' | 'userAgent'>

/** What the settings say of actions of a name. */
export function definitionOf({ action }: Settings, name: string) {
  const own = Object.hasOwn(action.definitions, name) ? action.definitions[name] : undefined
  const isSignIn = name === 'signIn'
  return {
    outcome: own?.outcome ?? action.defaultOutcome[isSignIn ? 'signIn' : 'other'],
    methods: own?.methods ?? null,
    opensSession: isSignIn || own?.opensSession === true,
  }
}

/** The methods by which actions of a name can be proven: told alike for everybody. */
export function methodsFor(settings: Settings, name: string): readonly Method[] {
  const { methods } = definitionOf(settings, name)
  return methodsOf(settings).filter(one => methods === null || methods.includes(one.name))
}

// What is told of a person differs from address to address: nobody may see it before the first proof.
const READS_WHO = /^(user|device|history)(\.|$)|^ip(\.isNew)?$/

const asksWho = ({ compiled }: CompiledRule) =>
  [...(compiled?.reads ?? [])].some(path => READS_WHO.test(path))

/** Judges an action whose person is known, or is not told yet (`known: null`): see `judgeSignals`. */
export function judgeAction(
  view: EnvironmentView,
  action: Judged,
  known: Known | null,
  networks: NetworkBook,
  now: number,
): Judgement {
  const signals = signalsOf(action, known, networks, now)
  const { decision, ...judged } = judgeSignals(view, signals, now)
  return { ...judged, decision: { ...decision, version: view.environment.rulesVersion, at: now, signals } }
}

/**
 * Judges by what is known of an action at an instant, and by nothing else: the same signals come to the same with the same
 * rules and settings. Where nobody is known (`action.hasUser` is not true) the rules are judged up to the first that has to
 * know who is there. Where none of them matches, it and those behind it wait for the proof, and a proof is asked for in any
 * case.
 */
export function judgeSignals(
  { settings, rules }: Pick<EnvironmentView, 'settings' | 'rules'>,
  signals: Signals,
  now: number,
): Omit<Judgement, 'decision'> & { decision: Decision } {
  const name = signals.action?.name ?? 'signIn'
  const isKnown = signals.action?.hasUser === true
  const ofName = rules.rules.filter(({ actionName }) => actionName === null || actionName === name)
  const waiting = isKnown ? [] : ofName.filter(asksWho)
  const first = ofName.findIndex(rule => rule.mode === 'live' && waiting.includes(rule))
  const due = (first === -1 ? ofName : ofName.slice(0, first)).filter(rule => !waiting.includes(rule))
  const set: RuleSet = { ...rules, rules: due }
  const defaultOutcome = first === -1 ? definitionOf(settings, name).outcome : 'CHALLENGE'
  const decision = decide(set, signals, { defaultOutcome, now })
  // What stands behind a match decides nothing.
  const isJudged = waiting.length === 0 || decision.rule !== null
  const demands = decision.demands.map(({ methods, requires }) => ({ methods, requires }))
  const able = methodsFor(settings, name).filter(
    method => !isKnown || method.name !== 'passkey' || signals.user?.hasPasskey === true,
  )
  const isHopeless = decision.outcome === 'CHALLENGE' && !canProve(demands, able)
  // What nobody can prove is for a person to look at; it is never let through.
  const outcome = isHopeless ? 'REVIEW' : decision.outcome
  return { outcome, demands, isJudged, decision: { ...decision, outcome } }
}

/** Where an action begins. One that opens a session is proven in any case: ALLOW means no more than that proof. */
export function stateAtTrack(outcome: Outcome, opensSession: boolean): ActionState {
  if (outcome === 'ALLOW') return opensSession ? 'CHALLENGE_REQUIRED' : 'ALLOW'
  return outcome === 'BLOCK' ? 'BLOCK' : outcome === 'REVIEW' ? 'REVIEW_REQUIRED' : 'CHALLENGE_REQUIRED'
}

/** What a proof makes of an action. */
export type Progress = Pick<Action, 'state' | 'demands' | 'proofs' | 'isJudged' | 'decision'>

/**
 * The next state after a proof: judged by the rules that waited for it, once. A review that was passed is not asked for
 * again; a proof that was given before a review does not count after it.
 */
export function afterProof(
  view: EnvironmentView,
  action: Action,
  proof: ActionProof,
  known: Known | null,
  networks: NetworkBook,
): Progress {
  const proofs = [...action.proofs, proof]
  if (action.isJudged) {
    const { demands, decision } = action
    return { demands, proofs, decision, isJudged: true, state: stateWith({ demands, proofs }, action.state) }
  }
  const { outcome, demands, decision } = judgeAction(view, action, known, networks, proof.at)
  const judged = { demands, decision, isJudged: true }
  if (outcome === 'BLOCK') return { ...judged, proofs, state: 'BLOCK' }
  if (outcome === 'REVIEW' && action.state !== 'REVIEW_SUCCEEDED')
    return { ...judged, proofs: [], state: 'REVIEW_REQUIRED' }
  return { ...judged, proofs, state: stateWith({ demands, proofs }, action.state) }
}

const stateWith = (asked: Pick<Action, 'demands' | 'proofs'>, before: ActionState): ActionState =>
  isProven(asked) ? 'CHALLENGE_SUCCEEDED' : before
