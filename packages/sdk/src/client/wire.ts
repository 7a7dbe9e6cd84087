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
export type StepName =
  | 'identify'
  | 'method'
  | 'code'
  | 'link'
  | 'approve'
  | 'enroll'
  | 'offer'
  /** Somebody decides; the action goes on, or ends, by itself. */
  | 'review'
  | 'done'
  | 'ended'

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
  /** What the app says that the person agrees to. */
  intent: string | null
  methods: string[]
  /** The methods that are proven already, where the rules ask for more than one. */
  completedSteps: string[]
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

/** What `navigator.credentials.get` takes (WebAuthn Level 3, 5.1.10), for `usePasskey`. */
export interface PasskeyRequestOptions {
  challenge: string
  timeout: number
  rpId: string
  allowCredentials: PasskeyDescriptor[]
  userVerification: 'required' | 'preferred' | 'discouraged'
}

/** What `navigator.credentials.create` takes, for `createPasskey`. */
export interface PasskeyCreationOptions {
  rp: { id: string; name: string }
  user: { id: string; name: string; displayName: string }
  challenge: string
  pubKeyCredParams: { type: 'public-key'; alg: number }[]
  timeout: number
  excludeCredentials: PasskeyDescriptor[]
  authenticatorSelection: {
    residentKey: 'required'
    requireResidentKey: true
    userVerification: 'required' | 'preferred' | 'discouraged'
  }
  attestation: 'none'
  extensions: { credProps: true }
}

export interface PasskeyDescriptor {
  type: 'public-key'
  id: string
  transports?: string[]
}

/** A passkey that the person has. */
export interface Authenticator {
  id: string
  type: string
  name: string
  aaguid: string | null
  /** Who keeps it, where its model is known: "iCloud Keychain". */
  provider: string | null
  transports: string[]
  /** Whether it may be on several devices; `isBackedUp`: it is. */
  isBackupEligible: boolean
  isBackedUp: boolean
  rpId: string
  createdAt: string
  lastUsedAt: string | null
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

/** After a code: the result is null while a passkey is offered (step `offer`, only with `canOffer`). */
export type VerifiedAction = ClientAction & { result: ActionResult | null }

export type AskedForPasskey = ClientAction & { publicKey: PasskeyRequestOptions }
export type EnrollingAction = ClientAction & { publicKey: PasskeyCreationOptions }
export type EnrolledAction = ProvenAction & { authenticator: Authenticator }

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

/** An address of a person. */
export interface Identifier {
  type: string
  value: string
  verifiedAt: string | null
  isPrimary: boolean
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
  identifiers: Identifier[]
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

/** What a user agent claims to be; null where it is none of the common ones. */
export interface Device {
  browser: string | null
  system: string | null
}

/** One place where the person is signed in. */
export interface OwnSession {
  id: string
  isCurrent: boolean
  device: Device
  ipAddress: string | null
  methods: string[]
  createdAt: string
  lastUsedAt: string
}

/** One line of what happened to the account. */
export interface Activity {
  id: string
  type: string
  createdAt: string
  device: Device | null
  ipAddress: string | null
  data: { sessionId: string | null; authenticatorId: string | null; address: string | null }
}

/** A code is on its way to a new address. */
export interface AddressChallenge {
  challengeId: string
  codeLength: number
  tag: string
  expiresAt: string
  resendAt: string | null
}

export type BegunOwnPasskey = { challengeId: string; publicKey: PasskeyCreationOptions }

/** Which passkeys are left, for `keepOnly`. */
export interface AcceptedCredentials {
  acceptedCredentialIds: string[]
  rpId: string
  userId: string
}
