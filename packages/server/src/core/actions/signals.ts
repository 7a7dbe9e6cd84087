import { METHODS } from '../methods/methods.ts'
import type { UserPast } from '../ports.ts'
import type { Action, Authenticator, User } from '../rows.ts'
import type { Signals } from '../rules/variables.ts'
import type { NetworkBook } from '../signals/networks.ts'
import { seenSignals } from '../signals/signals.ts'

/** Who an action is about, once that is known. */
export interface Known {
  user: User
  /** Made by this very action: when it was tracked, or by its proof. */
  isNewUser: boolean
  /** Their address was proven before this action, or they were made by its proof: so that proof may lead to an enrolment. */
  mayEnrol: boolean
  authenticators: readonly Authenticator['type'][]
  past: UserPast
}

const DAY = 24 * 60 * 60_000

/** What is known of an action. What is not known is left out: a condition that reads it errs. */
export function signalsOf(
  action: Pick<Action, 'name' | 'attributes' | 'ipAddress' | 'userAgent'>,
  known: Known | null,
  networks: NetworkBook,
  now: number,
): Signals {
  return {
    action: { name: action.name, attributes: action.attributes, hasUser: known !== null },
    ...(known && { user: userSignals(known, now) }),
    ...seenSignals(action, known?.past ?? null, networks, now),
  }
}

function userSignals({ user, isNewUser, authenticators }: Known, now: number): Signals['user'] {
  // An address that nobody has proven says nothing of the person.
  const proven = user.identifiers.filter(one => one.type === 'email' && one.verifiedAt !== null)
  const email = (proven.find(one => one.isPrimary) ?? proven[0])?.value
  return {
    id: user.id,
    ...(user.externalId !== null && { externalId: user.externalId }),
    ...(email !== undefined && { email, emailDomain: email.slice(email.lastIndexOf('@') + 1) }),
    createdAt: user.createdAt,
    ageDays: Math.max(0, Math.floor((now - user.createdAt) / DAY)),
    isNew: isNewUser,
    hasPasskey: authenticators.includes('passkey'),
    enrolledMethods: METHODS.filter(one => one.isEnrolled(user, authenticators)).map(one => one.name),
    metadata: user.metadata,
  }
}
