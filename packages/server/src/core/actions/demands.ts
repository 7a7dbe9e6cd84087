import type { Method } from '../methods/method.ts'
import type { Action, ActionDemand } from '../rows.ts'
import { PROVES } from '../rules/rule.ts'

/** What an action asks for, and which methods are left to prove it. */

type Proofs = readonly Pick<Action['proofs'][number], 'method'>[]
type Asked = Pick<Action, 'demands' | 'proofs'>

const ANY: ActionDemand = { methods: [], requires: 1 }

/** Where nothing in particular is asked for, one proof by any method is: without one there is never a yes. */
export const demandsOf = ({ demands }: Pick<Action, 'demands'>): readonly ActionDemand[] =>
  demands.length === 0 ? [ANY] : demands

const takes = ({ methods }: ActionDemand, name: string) => methods.length === 0 || methods.includes(name)

/** Two methods that prove the same thing, as two mails to one mailbox do, count once. */
const kindsIn = (demand: ActionDemand, methods: readonly string[]) =>
  new Set(methods.filter(name => takes(demand, name)).map(name => PROVES[name] ?? name))

const provenIn = (demand: ActionDemand, proofs: Proofs) =>
  kindsIn(
    demand,
    proofs.map(one => one.method),
  )

const isMet = (demand: ActionDemand, proofs: Proofs) => provenIn(demand, proofs).size >= demand.requires

/** Whether all of it is proven. */
export const isProven = (asked: Asked): boolean => demandsOf(asked).every(one => isMet(one, asked.proofs))

/** Of the methods that are on, those by which a proof would still count. */
export function methodsLeft(asked: Asked, on: readonly Method[]): Method[] {
  const unmet = demandsOf(asked).filter(one => !isMet(one, asked.proofs))
  return on.filter(({ name }) =>
    unmet.some(demand => takes(demand, name) && !provenIn(demand, asked.proofs).has(PROVES[name] ?? name)),
  )
}

/** Of the methods that are on, those that any demand takes. */
export const methodsAllowed = (asked: Pick<Action, 'demands'>, on: readonly Method[]): Method[] =>
  on.filter(({ name }) => demandsOf(asked).some(demand => takes(demand, name)))

/** Whether the methods can prove all of it. */
export const canProve = (demands: readonly ActionDemand[], methods: readonly Method[]): boolean =>
  demandsOf({ demands: [...demands] }).every(
    demand =>
      kindsIn(
        demand,
        methods.map(one => one.name),
      ).size >= demand.requires,
  )
