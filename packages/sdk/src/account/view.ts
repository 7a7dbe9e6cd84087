import type { OstiaryClientError } from '../client/errors.ts'
import type { Activity, AddressChallenge, Authenticator, OwnSession, User } from '../client/wire.ts'
import type { AccountKey } from './word-keys.ts'

/** What somebody sees of their account. */

export type Section = 'passkeys' | 'addresses' | 'sessions' | 'activity'

/** A list as it is known now; both null: it is on its way. */
export interface Loaded<Item> {
  items: Item[] | null
  failure: OstiaryClientError | null
}

/** What is said in a section: that something is done, or why it is not. */
export interface Told {
  section: Section
  isFailure: boolean
  key: AccountKey
  values: Record<string, string>
  failure: OstiaryClientError | null
}

/** A sign-in that stands in the page: to get in, or as a fresh proof. */
export interface Proving {
  /** What the sign-in element works on; null: it begins its own. */
  action: string | null
  codeChallenge: string
  codeVerifier: string
}

export interface AccountView {
  screen: 'starting' | 'signIn' | 'account' | 'signedOut' | 'failed'
  /** Why there is nothing to see. */
  failure: OstiaryClientError | null
  user: User | null
  passkeys: Loaded<Authenticator>
  sessions: Loaded<OwnSession>
  activity: Loaded<Activity>
  /** The press that is under way, by its name. */
  busy: string | null
  told: Told | null
  /** The sign-in of the screen `signIn`, or the proof that a press waits for. */
  proving: Proving | null
  /** The address that a code was sent to. */
  adding: (AddressChallenge & { to: string }) | null
}

const UNKNOWN = { items: null, failure: null }
export const NOTHING: AccountView = {
  screen: 'starting',
  failure: null,
  user: null,
  passkeys: UNKNOWN,
  sessions: UNKNOWN,
  activity: UNKNOWN,
  busy: null,
  told: null,
  proving: null,
  adding: null,
}
