import type { EnvironmentView } from '../environments/directory.ts'
import type { Method } from '../methods/method.ts'
import { METHODS, methodsOf } from '../methods/methods.ts'
import type {
  Action,
  ActionDecision,
  ActionDemand,
  ActionOwner,
  ActionProof,
  ActionState,
  Outcome,
} from '../rows.ts'
import { type CompiledRule, type Decision, decide, type RuleSet } from '../rules/decide.ts'
import type { Signals } from '../rules/variables.ts'
import type { Settings } from '../settings/settings.ts'
import type { NetworkBook } from '../signals/networks.ts'
import { canProve, ENROLLABLE, isProven } from './demands.ts'
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

/** The same of an action: a mail reaches nobody who was named and has no address. */
export const methodsIn = (
  settings: Settings,
  { name, isNamed, address }: Pick<Action, 'name' | 'isNamed' | 'address'>,
): readonly Method[] =>
  methodsFor(settings, name).filter(one => one.name === 'passkey' || !isNamed || address !== null)

/** By what somebody can prove who they are in an action of a name. */
interface Means {
  methods: readonly Method[]
  /** They may enrol a method inside the action. */
  canEnrol: boolean
}

/**
 * A method is enrolled inside an action by who has none of it, after a proof of something that was theirs before: an address
 * that is first proven in this very action may be anybody's. Somebody who is not known yet may have all that is on.
 */
export function meansOf(settings: Settings, name: string, owner: ActionOwner | null): Means {
  const on = methodsFor(settings, name)
  const isOn = on.some(one => one.name === ENROLLABLE)
  if (!owner) return { methods: on, canEnrol: isOn && on.length > 1 }
  const methods = on.filter(one => owner.methods.includes(one.name))
  const hasOne = owner.methods.includes(ENROLLABLE)
  return { methods, canEnrol: isOn && !hasOne && owner.mayEnrol && methods.length > 0 }
}

/** What somebody has to prove by, whatever the settings have on. */
export function ownerOf({
  user,
  authenticators,
  mayEnrol,
}: Pick<Known, 'user' | 'authenticators' | 'mayEnrol'>): ActionOwner {
  const hasAddress = user.identifiers.some(one => one.type === 'email')
  const has = METHODS.filter(one =>
    one.name === 'passkey' ? one.isEnrolled(user, authenticators) : hasAddress,
  )
  return { methods: has.map(({ name }) => name), mayEnrol }
}

/** What is asked of a person with these means: an enrolment counts for nobody who cannot. */
const askedOf = (demands: readonly ActionDemand[], { canEnrol }: Means): ActionDemand[] =>
  demands.map(({ methods, requires, enrolmentCounts }) => ({
    methods,
    requires,
    enrolmentCounts: enrolmentCounts && canEnrol,
  }))

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
  const owner = known && ownerOf(known)
  const { decision, ...judged } = judgeSignals(view, signals, owner, now)
  const version = view.environment.rulesVersion
  return { ...judged, decision: { ...decision, version, at: now, signals, owner } }
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
  owner: ActionOwner | null,
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
  const means = meansOf(settings, name, owner)
  const demands = askedOf(decision.demands, means)
  const isHopeless = decision.outcome === 'CHALLENGE' && !canProve(demands, means)
  // What somebody cannot prove is for a person to look at; it is never let through.
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

/** Whether what a proof makes of an action depends on whose it is: rules wait for that, or an enrolment might count. */
export const asksWhoProves = ({ isJudged, demands }: Pick<Action, 'isJudged' | 'demands'>): boolean =>
  !isJudged || demands.some(one => one.enrolmentCounts)

/**
 * The next state after a proof: judged by the rules that waited for it, once. A review that was passed is not asked for
 * again; a proof that was given before a review does not count after it. `known` where `asksWhoProves`.
 */
export function afterProof(
  view: EnvironmentView,
  action: Action,
  proof: ActionProof,
  known: Known | null,
  networks: NetworkBook,
): Progress {
  const proofs = [...action.proofs, proof]
  const { outcome, demands, decision } = action.isJudged
    ? asJudged(view.settings, action, known)
    : judgeAction(view, action, known, networks, proof.at)
  const judged = { demands, decision, isJudged: true }
  if (outcome === 'BLOCK') return { ...judged, proofs, state: 'BLOCK' }
  if (outcome === 'REVIEW' && action.state !== 'REVIEW_SUCCEEDED')
    return { ...judged, proofs: [], state: 'REVIEW_REQUIRED' }
  return { ...judged, proofs, state: stateWith({ demands, proofs }, action.state) }
}

/** What was judged before it was known who proves, for the one who did. */
function asJudged(settings: Settings, { name, demands, decision }: Action, known: Known | null) {
  if (!known) return { outcome: 'CHALLENGE', demands, decision } as const
  const means = meansOf(settings, name, ownerOf(known))
  const asked = askedOf(demands, means)
  return { outcome: canProve(asked, means) ? 'CHALLENGE' : 'REVIEW', demands: asked, decision } as const
}

const stateWith = (asked: Pick<Action, 'demands' | 'proofs'>, before: ActionState): ActionState =>
  isProven(asked) ? 'CHALLENGE_SUCCEEDED' : before
