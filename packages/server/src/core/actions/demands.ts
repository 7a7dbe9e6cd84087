import type { Method, MethodName } from '../methods/method.ts'
import type { Action, ActionDemand } from '../rows.ts'
import { PROVES } from '../rules/rule.ts'

/** What an action asks for, and which methods are left to prove it. */

type Proofs = readonly Pick<Action['proofs'][number], 'method' | 'isEnrolment'>[]
interface Asked {
  demands: ActionDemand[]
  proofs: Proofs
}

/** The method that can be enrolled inside an action. */
export const ENROLLABLE = 'passkey' satisfies MethodName
const ENROLMENT = { method: ENROLLABLE, isEnrolment: true }

const ANY: ActionDemand = { methods: [], requires: 1, enrolmentCounts: false }

/** Where nothing in particular is asked for, one proof by any method is: without one there is never a yes. */
export const demandsOf = ({ demands }: Pick<Action, 'demands'>): readonly ActionDemand[] =>
  demands.length === 0 ? [ANY] : demands

const takes = ({ methods }: ActionDemand, name: string) => methods.length === 0 || methods.includes(name)

const takesEnrolment = (demand: ActionDemand) => demand.enrolmentCounts && takes(demand, ENROLLABLE)

/** Two methods that prove the same thing, as two mails to one mailbox do, count once. */
const kindsIn = (demand: ActionDemand, methods: readonly string[]) =>
  new Set(methods.filter(name => takes(demand, name)).map(name => PROVES[name] ?? name))

const provenIn = (demand: ActionDemand, proofs: Proofs) =>
  kindsIn(
    demand,
    proofs.filter(one => !one.isEnrolment || demand.enrolmentCounts).map(one => one.method),
  )

const isMet = (demand: ActionDemand, proofs: Proofs) => provenIn(demand, proofs).size >= demand.requires

/** Whether all of it is proven. */
export const isProven = (asked: Asked): boolean => demandsOf(asked).every(one => isMet(one, asked.proofs))

/** Whether to enrol a method is all that is left to do: after a proof in this action, and never instead of one. */
export const isEnrolmentDue = ({ demands, proofs }: Asked): boolean =>
  proofs.some(one => !one.isEnrolment) &&
  !isProven({ demands, proofs }) &&
  isProven({ demands, proofs: [...proofs, ENROLMENT] })

/** Of the methods that are on, those by which a proof would still count, be it as the one before an enrolment. */
export function methodsLeft(asked: Asked, on: readonly Method[]): Method[] {
  const unmet = demandsOf(asked).filter(one => !isMet(one, asked.proofs))
  const leads = asked.proofs.length === 0 && unmet.some(takesEnrolment)
  return on.filter(
    ({ name }) =>
      (leads && name !== ENROLLABLE) ||
      unmet.some(demand => takes(demand, name) && !provenIn(demand, asked.proofs).has(PROVES[name] ?? name)),
  )
}

/** Of the methods that are on, those that any demand takes, or that may come before an enrolment. */
export const methodsAllowed = (asked: Pick<Action, 'demands'>, on: readonly Method[]): Method[] =>
  on.filter(({ name }) => demandsOf(asked).some(demand => takes(demand, name) || takesEnrolment(demand)))

/** Whether somebody with these methods, who may enrol one more where that counts, can prove all of it. */
export function canProve(
  demands: readonly ActionDemand[],
  { methods, canEnrol }: { methods: readonly Method[]; canEnrol: boolean },
): boolean {
  const names: string[] = methods.map(one => one.name)
  const withOneMore = [...names, ENROLLABLE]
  return demandsOf({ demands: [...demands] }).every(
    demand =>
      kindsIn(demand, canEnrol && demand.enrolmentCounts ? withOneMore : names).size >= demand.requires,
  )
}
