/** What `/client/v1` says and takes (CONTRACT sections 5 and 6). Enumerations may grow: pass over what you do not know. */

export type ActionState =
  | 'ALLOW'
  | 'BLOCK'
  | 'CHALLENGE_REQUIRED'
  | 'CHALLENGE_SUCCEEDED'
  | 'CHALLENGE_FAILED'
  | 'REVIEW_REQUIRED'
  | 'REVIEW_SUCCEEDED'
  | 'REVIEW_FAILED'

/** What the person has to do next; the server holds the order. */
export type StepName = 'identify' | 'method' | 'code' | 'link' | 'approve' | 'done' | 'ended'

/** The methods that this version of the SDK can send; `methods` of an action may name others. */
export type SendMethod = 'emailCode' | 'emailLink'

export interface Challenge {
  method: string
  /** Number of digits; null where there is no code. */
  codeLength: number | null
  /** Three letters that stand in the mail too: which mail belongs to this page. */
  tag: string | null
  sentAt: string
  expiresAt: string
  /** From when on `resend` is taken; null when no send is left. */
  resendAt: string | null
  sendsLeft: number
  attemptsLeft: number
  /** Two digits to type on the other device, while it asks; else null. */
  number: string | null
}

export interface BrandColors {
  primary?: string
  onPrimary?: string
  background?: string
  text?: string
}

export interface Brand {
  name: string
  logoUrl: string | null
  supportUrl: string | null
  colors: { light: BrandColors; dark: BrandColors }
  /** Pixels. */
  radius: number
  font: 'system' | 'serif' | 'mono'
  /** The operator's own words for the element, in the action's language. */
  texts?: Record<string, string>
}

/** One tracked action, as the browser that works on it sees it. */
export interface ClientAction {
  id: string
  name: string
  state: ActionState
  step: StepName
  methods: string[]
  /** As typed in this browser. */
  address: string | null
  /** The app's backend named the person: the address is masked, and there is no other. */
  isAddressFixed: boolean
  loginHint: string | null
  challenge: Challenge | null
  redirectTo: string | null
  locale: string | null
  brand: Brand
  createdAt: string
  expiresAt: string
}

/** What a proof gives: a token for the app's backend (60 s, once), and where the browser goes with it. */
export interface ActionResult {
  token: string
  redirectTo: string | null
}

/** The action as it began. `token` is null where the browser got a cookie instead (Ostiary's own origin). */
export type BegunAction = ClientAction & { token: string | null }

/** `replaced`: the codes of earlier mails are worth nothing any more. */
export type ResentAction = ClientAction & { earlierCodes: 'valid' | 'replaced' }

export type ProvenAction = ClientAction & { result: ActionResult }

export interface BeginInput {
  redirectUrl?: string | undefined
  state?: string | undefined
  /** S256, 43 characters (RFC 7636). */
  codeChallenge?: string | undefined
  loginHint?: string | undefined
  locale?: string | undefined
}

/** What a stream of events carries: names only. */
export interface ActionNews {
  state: ActionState
  step: StepName
}

export interface User {
  id: string
  externalId: string | null
  name: string | null
  username: string | null
  email: string | null
  emailVerified: boolean
  phone: string | null
  phoneVerified: boolean
  locale: string | null
  createdAt: string
  updatedAt: string
  lastSignInAt: string | null
}

/** The answer to an app without a backend of its own. */
export interface Validation {
  isValid: boolean
  user: User | null
  session: Record<string, unknown> | null
  tokens: ClientTokens | null
}

/** A refresh token is never among them: where the app has one, it is in a cookie that no script can read. */
export interface ClientTokens {
  accessToken: string
  accessTokenExpiresAt: string
}
