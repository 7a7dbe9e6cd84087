import type { Deps } from '../deps.ts'
import type { Session } from '../rows.ts'
import { type AtAccount, contextOf } from './account.ts'

/** The person's sessions that are not over, newest first. */
export const sessionsOf = ({ store, epoch }: Deps, { view, user, at }: AtAccount): Promise<Session[]> =>
  store.listLiveSessions({ environmentId: view.environment.id, userId: user.id, now: at, epoch })

/** Ends sessions of this person, one or all but one; how many. One that is another's, or over, is none. */
export const endSessions = (
  { store, clock }: Deps,
  call: AtAccount,
  which: { id: string } | { except: string },
): Promise<number> =>
  store.endOwnSessions({
    userId: call.user.id,
    which,
    origin: call.origin,
    context: contextOf(call),
    now: clock.now(),
  })
