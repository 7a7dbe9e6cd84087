/**
 * What core needs from the world. Each port is a promise in words; the store's is shaped by what must be atomic, not by
 * tables. Instants are epoch milliseconds. Methods are safe for concurrent use, and "exactly one" holds over all
 * processes that share the store. The file is long because the Store is one promise: whoever keeps it in another
 * database reads it whole.
 */
import type { Progress } from './actions/judge.ts'
import type { Known } from './actions/signals.ts'
import type { Vitals } from './metrics.ts'
import type {
  Action,
  ActionProof,
  ActionState,
  ApiKey,
  App,
  Authenticator,
  Challenge,
  Claims,
  Device,
  Environment,
  Event,
  EventContext,
  EventType,
  Identifier,
  List,
  Message,
  NewEvent,
  NoticeKind,
  OperatorNoticeKind,
  Origin,
  Rule,
  RuleVersion,
  Session,
  SigningKey,
  Template,
  User,
  WebhookDelivery,
  WebhookEndpoint,
} from './rows.ts'
import type { SettingsPatch } from './settings/settings.ts'
import type { Metric } from './usage/figures.ts'

/** The one clock. Tests move it by hand. */
export interface Clock {
  /** Now, in epoch milliseconds. */
  now(): number
}

/** The one source of secrets. */
export interface Random {
  /** So many bytes that nobody can foretell. */
  bytes(count: number): Buffer
  /** A number from 0 to `below` - 1, each as likely as the others. */
  below(below: number): number
}

/** Carries a message out of the house. */
export interface Transport {
  readonly name: string
  /**
   * Delivers one mail or throws a `DeliveryError`. Gives up by itself within `timeoutMs`, which is shorter than a lease:
   * so a message that is claimed again is not still being sent.
   */
  send(mail: Mail): Promise<{ reply: string }>
  /** Works as much at a mail as `send` does, and lets nothing out of the house: what a decoy must cost. */
  rehearse?(mail: Mail): Promise<void>
  readonly timeoutMs: number
  close(): Promise<void>
}

export interface Mail {
  /** Becomes the Message-ID, so that a copy sent after a crash is seen as a copy. */
  id: string
  to: string
  from: { name: string | null; address: string }
  replyTo: string | null
  subject: string
  text: string
  /** Null: the mail is plain text. */
  html: string | null
}

/**
 * A delivery that did not happen, or of which nobody knows. `isPermanent`: trying again cannot help (an SMTP 5xx reply,
 * RFC 5321 4.2.1). `isAboutMail`: refused by a server that works, so it says nothing of other mails. `mayHaveArrived`:
 * all was handed over and no answer came, so another way must not carry it now.
 */
export class DeliveryError extends Error {
  override name = 'DeliveryError'
  readonly isPermanent: boolean
  readonly isAboutMail: boolean
  readonly mayHaveArrived: boolean
  constructor(
    message: string,
    isPermanent: boolean,
    options: ErrorOptions & { isAboutMail?: boolean; mayHaveArrived?: boolean } = {},
  ) {
    super(message, options)
    this.isPermanent = isPermanent
    this.isAboutMail = options.isAboutMail ?? isPermanent
    this.mayHaveArrived = options.mayHaveArrived ?? false
  }
}

/** What a provider tells of a mail after it took it. `detail` is its own words, cleaned. */
export interface DeliveryReport {
  messageId: string
  kind: 'delivered' | 'bounced' | 'complained'
  detail: string | null
}

/**
 * An Idempotency-Key on its way into the write that it guards (CONTRACT section 1). The record commits with the
 * effect. A second call with the key and body throws `Replayed`; with another body, `idempotency_key_reused`.
 */
export interface Once<Outcome> {
  /** Hash over environment, API key, method, path and header value. */
  id: string
  environmentId: string
  bodyHash: string
  /**
   * Called once, inside the write, for an outcome that may be kept: the sealed answer and how long it is kept, or
   * null for a refusal, which leaves no record.
   */
  answer(outcome: Outcome): Promise<{ sealed: string; keepMs: number } | null>
}

/** The answer of an earlier call with this Idempotency-Key, still sealed. Thrown by the store, caught at the edge. */
export class Replayed extends Error {
  readonly sealed: string
  constructor(sealed: string) {
    super('the answer of an earlier call with this Idempotency-Key')
    this.sealed = sealed
  }
}

/** The person's circumstances as the trusted backend tells them, with the networks that limits count. */
export interface Circumstances {
  ipAddress: string | null
  userAgent: string | null
  /** /32 or /64, and /24 or /48; null when no address was told. */
  host: string | null
  site: string | null
}

/** How many may pass in a sliding window. */
export interface Window {
  ms: number
  max: number
}

/** Outcomes that say no more than their kind. */
type Plain<Kind extends string> = Kind extends string ? { kind: Kind } : never

/** One limit on one key: `name` is what the answer and the event say, all windows have to let the call pass. */
export interface Limit {
  name: string
  key: string
  windows: Window[]
}

export interface LimitFired {
  kind: 'limited'
  limit: string
  retryAfterMs: number
}

/**
 * What a send takes from where its browser shows the token of a device that knows the owner of the address: no stranger can
 * use that up (PROTOCOL section 2). `own` is the bucket of the device for that owner, whose key the write makes.
 */
export interface KnownSend {
  tokenHash: string
  own: Omit<Limit, 'key'>
  /** What nobody is spared: the limits per IP. */
  limits: Limit[]
}

/** A device and whom it knows. */
export interface KnownDevice {
  deviceId: string
  userId: string
}

/** How guesses at weak codes are bounded (PROTOCOL section 1). A known device has the bound of an address for itself. */
export interface Exposure {
  perAddress: { hour: number; day: number }
  perEnvironment: { tenMinutes: number; factor: number; cap: number }
}

/** A code as the store takes it: its length, hash and the sealed content of the message that carries it. */
export interface CodeForm {
  length: number
  hash: string
  sealed: string
}

export interface NewChallenge {
  origin: Origin
  now: number
  epoch: number
  /** The row but for what the write itself decides: owner, device, decoy, strength. */
  row: Omit<
    Challenge,
    | 'ownerId'
    | 'deviceId'
    | 'isVoid'
    | 'isStrong'
    | 'codeLength'
    | 'sendTo'
    | 'attemptsLeft'
    | 'verifiedAt'
    | 'endedAt'
    | 'userId'
  >
  /** From which country it was asked for, as the files of networks tell now; its first event keeps it. */
  country: string | null
  /** For a challenge asked for by userId: that user; else null and the owner is looked up by the address. */
  userId: string | null
  /** Whom its proof is for, where `userMode` is `none`: this user alone can claim it. */
  claimantId: string | null
  isSignUpOpen: boolean
  hasCode: boolean
  /** Makes the code; called in the write, which decides how strong it has to be. */
  newCode(isStrong: boolean): CodeForm
  linkHash: string | null
  messageId: string
  /** What everybody's sends take from. */
  limits: Limit[]
  /** Null where no device token is shown. A token that tells of no device which knows the owner is as none. */
  known: KnownSend | null
  exposure: Exposure
}

export type Created = { kind: 'created'; challenge: Challenge } | LimitFired | { kind: 'userUnknown' }

export interface Resend {
  origin: Origin
  now: number
  epoch: number
  challengeId: string
  /** Makes the code; called in the write, which decides how strong it has to be. */
  newCode(isStrong: boolean): CodeForm
  linkHash: string | null
  messageId: string
  limits: Limit[]
  /** In their place while the device that the challenge was begun on still knows the owner; null for one begun elsewhere. */
  knownLimits: Limit[] | null
  exposure: Exposure
  resend: 'keep' | 'replace'
  resendWaitSeconds: number[]
  maxSends: number
}

export type Resent =
  | { kind: 'resent'; challenge: Challenge; earlierCodes: 'valid' | 'replaced' }
  | { kind: 'early'; retryAfterMs: number }
  | LimitFired
  | Plain<'notFound' | 'expired' | 'used' | 'exhausted' | 'sendsExhausted' | 'late'>

/** A challenge that is answered by a passkey. Nothing is sent, and nothing of it is decided by an address. */
export interface NewPasskeyChallenge {
  origin: Origin
  now: number
  row: Omit<Challenge, 'verifiedAt' | 'endedAt'>
  /** As in `NewChallenge`. */
  country: string | null
  /** Of the random bytes that the authenticator signs. */
  challengeHash: string
  limits: Limit[]
}

export type PasskeyBegun = { kind: 'created'; challenge: Challenge } | LimitFired

/** What a session would be, if the proof succeeds: made beforehand, so that the write needs no second step. */
export interface NewSession {
  id: string
  refreshHash: string
  refreshExpiresAt: number
  expiresAt: number
  circumstances: Circumstances
  /** Browser, system and network, as a later sign-in is compared; null where they were not told. */
  seenAs: string | null
  /** Sent when the user never signed in from there; null where nobody wants to know. */
  notice: NewNotice | null
  /** What its access tokens are to say besides. */
  claims: Claims
  /** Null where nothing tells of a browser that could keep a token. */
  device: NewDevice | null
  /** For how long the device is remembered, whoever told of it. */
  rememberMs: number
}

/** See `Store.readPast`. */
export interface UserPast {
  /** The newest sign-ins of the last 30 days, newest first: two hundred at most. */
  signIns: { at: number; ipAddress: string | null }[]
  /** Wrong answers to challenges for an address that the user has proven, by when the challenge was begun. */
  failures: { hour: number; day: number }
  /** The device whose token was shown; null if that is not known to this user or has ended, undefined if nobody could show one. */
  device: { createdAt: number; rememberedUntil: number | null } | null | undefined
  /** Their devices that are not ended. */
  deviceCount: number
}

/** Hash of the device token that a browser shows: null for none that is one, undefined where nobody could keep one. */
export type Presented = string | null | undefined

/** The device that a sign-in comes from: the token that it showed, and the one that it gets where it needs another. */
export interface NewDevice {
  id: string
  tokenHash: string
  /** Null: it showed none, or what is no device token. */
  presentedHash: string | null
  /** 0: the person does not want it. */
  rememberMs: number
}

/** A security notice. The write that it tells of decides whether and where it goes; `sealed` is called there, once. */
export interface NewNotice {
  kind: NoticeKind
  messageId: string
  expiresAt: number
  /** The sealed content, about this address (masked here) or passkey. */
  sealed(subject: string | null): string
}

/** A mail to those who run an app: made with the write that it tells of, and sealed. */
export interface OperatorNotice {
  kind: OperatorNoticeKind
  messageId: string
  to: { value: string; spelling: string }
  expiresAt: number
  sealed: string
}

/** A webhook endpoint that tries just disabled. */
export interface DisabledEndpoint {
  endpointId: string
  environmentId: string
  url: string
  reason: 'gone' | 'failing'
  at: number
}

/** What the pure judgement of an assertion found, for the write that decides by the rows as they are then. */
export interface JudgedAssertion {
  authenticatorId: string
  userId: string
  signCount: number
  isBackedUp: boolean
  amr: string[]
}

/**
 * An answer to a challenge: a code for its id, the hash of a link or hand-over token, or what a passkey signed. `press` is a
 * mailed link that was pressed inside an action, which proves without a hand-over. An answer of a passkey that was refused
 * by the judgement comes with the reason and consumes its challenge all the same.
 */
export interface Attempt {
  origin: Origin
  now: number
  epoch: number
  purpose: string
  proof:
    | { kind: 'code'; challengeId: string; hashes: string[] }
    | {
        kind: 'link'
        token: 'olk' | 'oht' | 'press'
        hash: string
        challengeId: string | null
        codeChallenge: string | null
      }
    | {
        kind: 'assertion'
        challengeId: string
        challengeHash: string
        judged: JudgedAssertion | { refused: string }
        /** The address that a backend named without a user: only who has proven it can be meant. */
        ownerOf: string | null
      }
    | {
        kind: 'registration'
        challengeId: string
        challengeHash: string
        /** The row but for whose it is, which the challenge says. */
        judged: Omit<Authenticator, 'userId'> | { refused: string }
        /** To the user whose it will be. */
        notice: NewNotice | null
      }
  /** The action whose challenge it is. One of an action is answered there and nowhere else: null finds the others. */
  actionId: string | null
  circumstances: Circumstances
  /** Counts wrong answers; a full window refuses before anything is judged. */
  wrongLimits: Limit[]
  exposure: Exposure
  isSignUpOpen: boolean
  newUserId: string
  /** Null: the proof is written without one, which a hook decides on. */
  session: NewSession | null
}

export type Attempted =
  | {
      kind: 'verified'
      challenge: Challenge
      user: User | null
      isNewUser: boolean
      session: Session | null
      /** The session's device, or the action's, got the new token (`NewDevice.tokenHash`). */
      isDeviceNew: boolean
      /** The one that signed, or was enrolled. */
      authenticator: Authenticator | null
    }
  | { kind: 'incorrect'; attemptsLeft: number }
  | LimitFired
  | Plain<
      | 'notFound'
      | 'linkInvalid'
      | 'passkeyRefused'
      | 'expired'
      | 'used'
      | 'exhausted'
      | 'userBlocked'
      | 'signUpClosed'
      | 'externalIdTaken'
    >

/** As `Attempted`, with the action's row; `approvalOver` for a number that nobody asked for, or not from this browser. */
export type AttemptedInAction =
  | (Extract<Attempted, { kind: 'verified' }> & { action: Action })
  | Exclude<Attempted, { kind: 'verified' }>
  | Plain<'stateConflict' | 'approvalOver' | 'approvalWrong'>

export type Claimed =
  | { kind: 'claimed'; challenge: Challenge; user: User }
  | Plain<
      | 'notFound'
      | 'userUnknown'
      | 'userBlocked'
      | 'stateConflict'
      | 'alreadyClaimed'
      | 'late'
      | 'addressTaken'
    >

/** Everything is right for a session, and none was asked for: nothing was written. */
export interface ReadyToOpen {
  kind: 'ready'
  challenge: Challenge
  user: User
}

export type OpenedLater =
  | { kind: 'opened'; session: Session; user: User; isDeviceNew: boolean }
  | ReadyToOpen
  | Plain<'notFound' | 'stateConflict' | 'alreadyOpened' | 'late' | 'userBlocked'>

export interface NewAction {
  origin: Origin
  now: number
  row: Action
  limits: Limit[]
  /** Of the token in `url`; null where no browser will open one. */
  openingHash: string | null
  workingHash: string
  /** Whom it is about, where the backend told an `externalId` that nobody had: made in the same write. */
  newUser?: User
}

export type Tracked =
  | { kind: 'tracked' | 'repeated'; action: Action }
  | LimitFired
  /** Something else was asked for by this reference; or `newUser` is somebody by now, and nothing was written. */
  | Plain<'referenceTaken' | 'userKnown'>

/** Who works on an action: by its working token, or by a link of it (null). */
export interface AtAction {
  origin: Origin
  now: number
  epoch: number
  actionId: string
  workingHash: string | null
}

/** The one use of a result token: its hash and how long it lives. */
export interface NewResult {
  hash: string
  livesMs: number
}

/** Whether a passkey is offered before the result: to a user who has none, and once in `everyMs`. */
export interface Offer {
  everyMs: number
}

/** How another device approves the first tab (PROTOCOL section 4). */
export interface Approval {
  challengeId: string
  number: string
  /** Which browser may type the number. */
  browserHash: string
  /** Counts wrong numbers; full, approval is off. */
  wrongLimit: Limit
}

export type Validated =
  | {
      kind: 'validated'
      action: Action
      user: User
      /** Of which types the user has any. */
      authenticators: Authenticator['type'][]
      session: Session | null
      isDeviceNew: boolean
    }
  | ReadyToOpen
  | Plain<'tokenInvalid' | 'userBlocked'>

/** What signs the calls of an environment's hooks. */
export interface HookSecret {
  id: string
  environmentId: string
  sealed: string
  createdAt: number
}

export interface Rotation {
  origin: Origin
  now: number
  epoch: number
  sessionId: string
  presentedHash: string
  /** Whether the tag proves that this server made the token: only then can an unknown one revoke the session. */
  isGenuine: boolean
  successor: { hash: string; salt: string; keyId: string }
  circumstances: Circumstances
  idleMs: number
  graceMs: number
}

export type Rotated =
  | { kind: 'rotated'; session: Session; user: User; refreshExpiresAt: number }
  | { kind: 'repeated'; session: Session; user: User; refreshExpiresAt: number; salt: string; keyId: string }
  | Plain<'reused' | 'invalid'>

/** What is shown to whoever opens a link. */
export interface LinkView {
  challenge: Challenge
  environmentId: string
}

/** A page of a list: `after` is the id of the last row of the page before; newest first. */
export interface Page {
  limit: number
  before: string | null
  createdAfter: number | null
  createdBefore: number | null
}

/**
 * What a list found. One call looks at a bounded number of rows: where that is not all, `lookedTo` is the id of the last
 * one looked at, and older rows may fit, too: the next page begins `before` it. Null: the look came to the end.
 */
export interface Listed<T> {
  rows: T[]
  lookedTo: string | null
}

/** A message that this worker, and for the time of its lease no other, may send. */
export interface ClaimedMessage {
  message: Message
  /** Null: a security notice. */
  challenge: Challenge | null
  sealed: string | null
  /** 1 at the first claim: the back-off counts by it. */
  attempt: number
  /** The locale kept with the user whom the address leads to, or whose notice it is; or null. */
  userLocale: string | null
}

/**
 * How one try at a message ended. `attempt` is that of its claim: a try whose lease was lost changes only what it sent.
 * `writtenAt`: when it is written, where that is later: its event must not come to lie behind what is counted.
 */
export type Settled = {
  id: string
  environmentId: string
  attempt: number
  now: number
  writtenAt?: number
} & (
  | { kind: 'sent'; reply: string; keepSealedUntil: number | null }
  | { kind: 'retry'; error: string; at: number }
  | { kind: 'failed'; error: string; keepSealedUntil: number | null }
)

/** A change of one address by the person whose it is. */
export interface OwnAddress {
  userId: string
  type: Identifier['type']
  value: string
  context: EventContext
  notice: NewNotice | null
  origin: Origin
  now: number
}

export type OwnAddressAdded =
  | { kind: 'added'; user: User }
  | Exclude<Attempted, { kind: 'verified' }>
  | Plain<'addressTaken'>

export type OwnAddressChanged = { kind: 'changed'; user: User } | Plain<'notFound' | 'unproven' | 'lastWayIn'>

/** A delivery that this worker, and for the time of its lease no other, may post. */
export interface ClaimedWebhook {
  delivery: WebhookDelivery
  url: string
  mode: Environment['mode']
  /** All sign; the current one first. */
  sealedSecrets: string[]
  /** Null: a test, or retention has removed it. */
  event: Event | null
}

/** What one try showed of the receiver, for the log of deliveries. */
export interface WebhookTry {
  triedAt: number
  durationMs: number
  answerStatus: number | null
  answer: string | null
  error: string | null
}

/**
 * How one try at a delivery ended. `attempt` is that of its claim: a try whose lease was lost changes nothing.
 * `isReceiversFault` false: it says nothing of the endpoint.
 */
export type SettledWebhook = {
  id: string
  endpointId: string
  environmentId: string
  attempt: number
  now: number
  tried: WebhookTry
} & (
  | { kind: 'delivered' }
  | { kind: 'retry'; at: number }
  | { kind: 'failed'; isReceiversFault: boolean; isGone: boolean }
)

export type WebhookPatch = Partial<Pick<WebhookEndpoint, 'url' | 'eventTypes' | 'status'>>

export interface NewUser {
  user: User
  identifiers: Identifier[]
}

export type AuthenticatorAdded =
  | { kind: 'added'; authenticator: Authenticator }
  | Plain<'userUnknown' | 'taken' | 'tooMany'>

export type AuthenticatorRemoved = { kind: 'removed' } | Plain<'notFound' | 'lastWayIn'>

export type UserPatch = Partial<Pick<User, 'externalId' | 'name' | 'username' | 'locale' | 'metadata'>>

export interface Store {
  /** Brings the schema up to date (forward only). With several processes at once, one does it and the others wait. */
  migrate(): Promise<{ applied: string[] }>
  /** Refuses an epoch lower than the stored one, and a missing secret that rows still need. Raises the epoch. */
  begin(input: { now: number; epoch: number; keyIds: readonly string[] }): Promise<void>
  close(): Promise<void>
  /** Whether a write gets through. Throws when it does not. */
  ping(now: number): Promise<void>
  /**
   * The instant by which to judge a read: the later of the caller's now and the store's. Throws `unavailable` for a
   * caller that is behind by more than two seconds. Writes judge so by themselves.
   */
  judgeAt(now: number): Promise<number>
  /** What the gauges of the metrics show. Read when somebody looks, so it may cost a scan of the outbox. */
  vitals(): Promise<Vitals>
  /** Called after a commit that queued messages. */
  onQueued(listener: (environmentId: string) => void): void

  // Environments, apps, keys
  listEnvironments(): Promise<Environment[]>
  /** Creates the environment with its default app, unless its slug exists. Exactly one caller creates it. */
  createEnvironment(environment: Environment, app: App, origin: Origin, now: number): Promise<Environment>
  /** Writes settings when the version is still the one that was read; false when somebody was faster. */
  saveSettings(input: {
    origin: Origin
    now: number
    version: number
    settings: SettingsPatch
    changed: string[]
  }): Promise<boolean>
  findApiKey(hash: string): Promise<ApiKey | null>
  /** Stores a key. A development key that is there already is left as it is. */
  createApiKey(key: ApiKey, hash: string, origin: Origin, now: number, once?: Once<ApiKey>): Promise<ApiKey>
  listApiKeys(environmentId: string, page: Page): Promise<ApiKey[]>
  /** From the commit on, no call with the key succeeds. False when there is no such key or it is revoked already. */
  revokeApiKey(id: string, origin: Origin, now: number): Promise<boolean>
  listApps(environmentId: string): Promise<App[]>
  createApp(app: App, origin: Origin, now: number, once?: Once<App>): Promise<App>
  updateApp(id: string, patch: Partial<App>, origin: Origin, now: number): Promise<App | null>
  /** Ends the app's pending challenges and sessions. The default app stays: `stateConflict`. */
  deleteApp(id: string, origin: Origin, now: number): Promise<'deleted' | 'notFound' | 'stateConflict'>
  listSigningKeys(environmentId: string): Promise<SigningKey[]>
  /** Adds a key unless one that activates at or after this one's instant is there: exactly one caller adds it. */
  addSigningKey(key: SigningKey, origin: Origin, now: number): Promise<boolean>
  /** Removes keys that can verify nothing any more, and seals the private halves of others anew. */
  tidySigningKeys(input: {
    now: number
    remove: string[]
    reseal: { id: string; sealedPrivateJwk: string }[]
  }): Promise<void>

  // Templates
  listTemplates(environmentId: string, page: Page): Promise<Template[]>
  findTemplate(environmentId: string, id: string): Promise<Template | null>
  /** Of many with one name exactly one is created; none past `max` in its environment. */
  createTemplate(
    template: Template,
    max: number,
    origin: Origin,
    now: number,
    once?: Once<TemplateSaved>,
  ): Promise<TemplateSaved>
  /** Writes the template when its version is still the one that was read, and counts it up. */
  updateTemplate(
    template: Template,
    changed: string[],
    origin: Origin,
    now: number,
  ): Promise<TemplateSaved | Plain<'stale'>>
  deleteTemplate(id: string, origin: Origin, now: number): Promise<boolean>

  // Rules
  listRules(environmentId: string, page: Page): Promise<Rule[]>
  findRule(environmentId: string, id: string): Promise<Rule | null>
  /** Writes the rule and the version of the set that it makes in one. With N + 1 at once, no more than `bounds` pass. */
  createRule(
    rule: Rule,
    bounds: RuleBounds,
    origin: Origin,
    now: number,
    once?: Once<RuleSaved>,
  ): Promise<RuleSaved>
  /** Writes the rule when its version is still the one that was read: of many who read the same one, one writes. */
  updateRule(
    rule: Rule,
    changed: string[],
    bounds: RuleBounds,
    origin: Origin,
    now: number,
  ): Promise<RuleSaved | Plain<'stale'>>
  deleteRule(id: string, origin: Origin, now: number): Promise<boolean>
  /** All that are kept, newest first, without their rules. */
  listRuleVersions(environmentId: string): Promise<Omit<RuleVersion, 'rules'>[]>
  findRuleVersion(environmentId: string, version: number): Promise<RuleVersion | null>
  /**
   * Makes the set what it was in a version, as a new version. Only while `from` is the newest one; a rule that is another
   * one than now gets the new version as its own, so that no ETag ever names two texts.
   */
  rollBackRules(
    input: { version: number; from: number; origin: Origin; now: number },
    once?: Once<RolledBack>,
  ): Promise<RolledBack>

  // Lists
  /** Without their entries. */
  listLists(environmentId: string, page: Page): Promise<Omit<List, 'entries'>[]>
  findList(environmentId: string, id: string): Promise<List | null>
  /** All of an environment, with their entries. */
  readLists(environmentId: string): Promise<List[]>
  /** Of many with one name exactly one is created; none past `max` in its environment. */
  createList(list: List, max: number, origin: Origin, now: number, once?: Once<ListSaved>): Promise<ListSaved>
  /** Writes the list when its version is still the one that was read, and counts it up. */
  updateList(list: List, changed: string[], origin: Origin, now: number): Promise<ListSaved | Plain<'stale'>>
  deleteList(id: string, origin: Origin, now: number): Promise<boolean>

  // Challenges
  /** Takes all limits or none; writes challenge, sealed message and events in one. With N + 1 at once, N pass. */
  createChallenge(input: NewChallenge, once?: Once<Created>): Promise<Created>
  resendChallenge(input: Resend, once?: Once<Resent>): Promise<Resent>
  /**
   * Judges an answer. Spending the attempt, judging, proving, finding or making or adopting the user and opening the
   * session are one write: of any number of right answers exactly one is `verified`, and wrong ones never exceed the
   * attempts.
   */
  attempt(input: Attempt, once?: Once<Attempted>): Promise<Attempted>
  /** Writes a passkey challenge and its event, within the limits. */
  createPasskeyChallenge(input: NewPasskeyChallenge, once?: Once<PasskeyBegun>): Promise<PasskeyBegun>
  findChallenge(environmentId: string, id: string): Promise<Challenge | null>
  listChallenges(environmentId: string, filter: ChallengeFilter, page: Page): Promise<Listed<Challenge>>
  /** Binds a verified challenge of userMode `none` to a user: once. */
  claimChallenge(
    input: {
      origin: Origin
      now: number
      epoch: number
      challengeId: string
      userId: string | null
      externalId: string | null
      withinMs: number
      /** To the primary address that the user had before. */
      notice: NewNotice | null
      /** Where the person is, if they do it themselves. */
      context?: EventContext
      /** By the person in a session of theirs: it adopts nothing, for what is there is theirs (PROTOCOL section 5). */
      isOwn?: boolean
    },
    once?: Once<Claimed>,
  ): Promise<Claimed>
  /**
   * Opens the session that verify did not: once, `withinMs` of the proof. With no session given it judges, and `ready` is
   * the answer where it would be opened.
   */
  openSession(
    input: {
      origin: Origin
      now: number
      epoch: number
      challengeId: string
      withinMs: number
      session: NewSession | null
    },
    once?: Once<OpenedLater>,
  ): Promise<OpenedLater>
  /** The challenge of a mailed link. Any number of looks change nothing. */
  findLink(linkHash: string): Promise<Challenge | null>
  /** Records that a link was opened, and whether a scanner seems to have done it: at most `max` events a challenge. */
  recordLinkOpened(input: {
    challenge: Challenge
    now: number
    method: string
    context: Circumstances
    max: number
    requestId: string
  }): Promise<void>
  /** Trades a mailed link for a hand-over token; an earlier hand-over of the challenge ends. Null when it is not live. */
  pressLink(input: {
    linkHash: string
    handoverHash: string
    now: number
    epoch: number
    livesMs: number
  }): Promise<Challenge | null>

  // Actions
  createAction(input: NewAction, once?: Once<Tracked>): Promise<Tracked>
  findAction(environmentId: string, id: string): Promise<Action | null>
  listActions(environmentId: string, filter: ActionFilter, page: Page): Promise<Listed<Action>>
  /** Decides a review: of many who decide one at once exactly one does. */
  reviewAction(input: {
    origin: Origin
    now: number
    epoch: number
    actionId: string
    state: 'REVIEW_SUCCEEDED' | 'REVIEW_FAILED'
  }): Promise<Action | null>
  /** The action that this working token drives, and its challenge under way: in one look, for every step begins with it. */
  findActionByToken(workingHash: string): Promise<{ action: Action; challenge: Challenge | null } | null>
  /** The action that this opening token would open: to show whose it is. */
  findActionByOpening(openingHash: string): Promise<Action | null>
  /** Trades the opening token for a working token, which ends the earlier one: of many callers exactly one does. */
  openAction(input: {
    openingHash: string
    workingHash: string
    now: number
    epoch: number
  }): Promise<Action | null>
  /** Notes the address that was typed, and lets go of the challenge of an earlier one. Null: the action is over. */
  addressAction(input: AtAction & { address: string; requestedTo: string }): Promise<Action | null>
  /** `createChallenge` and the action's step to it, in one write. */
  sendInAction(input: AtAction & { challenge: NewChallenge }): Promise<Created | Plain<'stateConflict'>>
  /**
   * `attempt` and the action's new state, in one write; `result` is the token that the answer will hold, unless the action
   * waits for what the person says to an `offer` (`offersPasskey`).
   */
  attemptInAction(
    input: AtAction & {
      attempt: Attempt
      result: NewResult | null
      /** Of the browser that proves, where that is the one that works on the action and can keep a token. */
      device: NewDevice | null
      /** By which device the rules judge; left out, it is that of `device`, else the one told when the action was tracked. */
      presented?: Presented
      /**
       * What the proof makes of the action as it stands in the write: the state, and what is left to prove. The rules are told
       * of the person; null where nothing is left to judge.
       */
      progress(action: Action, proof: ActionProof, known: Known | null): Progress
      approval?: Approval
      offer?: Offer
    },
  ): Promise<AttemptedInAction>
  /**
   * A passkey challenge beside the step that the action is at; an earlier one ends. Proves, or (`enrols`) answers the offer or a
   * rule that takes an enrolment; who has a passkey by then is asked for that (`stateConflict`).
   */
  beginPasskeyInAction(
    input: AtAction & { challenge: NewPasskeyChallenge; enrols: boolean },
  ): Promise<PasskeyBegun | Plain<'stateConflict'>>
  /**
   * Enrols a passkey, and gives the result: both or neither. In answer to the offer; or where that is all that is left to do
   * (`isEnrolmentDue`), by a person who has none at the commit and whose proofs in this action still stand. Then `device` and
   * `progress` are as of `attemptInAction`.
   */
  enrolInAction(
    input: Omit<Parameters<Store['attemptInAction']>[0], 'approval' | 'offer' | 'result'> & {
      result: NewResult
    },
  ): Promise<AttemptedInAction>
  /** Draws the number of an approval: an earlier one of the action ends. */
  askApproval(
    input: AtAction & { approval: Approval; livesMs: number },
  ): Promise<{ kind: 'asked'; action: Action } | LimitFired | Plain<'stateConflict'>>
  /** The result token of an action that was proven elsewhere: exactly one caller gets it. */
  finishAction(
    input: AtAction & { result: NewResult; device: NewDevice | null; circumstances: Circumstances },
  ): Promise<{ action: Action; isDeviceNew: boolean } | null>
  /** Ends an action that nothing has proven yet; null when it is over. */
  cancelAction(input: AtAction): Promise<Action | null>
  /**
   * Redeems a result token. The first call opens the session; later ones within the life of the action get none. A
   * wrong verifier consumes nothing, five times. With no session given nothing is redeemed where one would be opened:
   * `ready`.
   */
  validateAction(
    input: {
      origin: Origin
      now: number
      epoch: number
      resultHash: string
      /** Null: of whichever app. */
      appId: string | null
      name: string
      userId: string | null
      codeChallenge: string | null
      session: NewSession | null
    },
    once?: Once<Validated>,
  ): Promise<Validated>
  /** `openSession` by an action that a backend tracked and that no verifier binds. */
  openActionSession(
    input: {
      origin: Origin
      now: number
      epoch: number
      actionId: string
      withinMs: number
      session: NewSession | null
    },
    once?: Once<OpenedLater>,
  ): Promise<OpenedLater>

  // Hooks
  /** The sealed secrets that sign the calls of an environment's hooks at this instant, the current one first. */
  listHookSecrets(environmentId: string, now: number): Promise<HookSecret[]>
  /** Makes this the current secret; the one before signs beside it until `previousUntil`, and none before that. */
  rotateHookSecret(
    secret: HookSecret,
    previousUntil: number,
    origin: Origin,
    now: number,
    once?: Once<HookSecret>,
  ): Promise<HookSecret>
  /** Ends a proof that has opened no session, with the event: nothing opens one any more. */
  denySignIn(input: { challengeId: string; event: NewEvent; origin: Origin; now: number }): Promise<void>

  // Sessions
  /** One write decides: rotate, repeat within the grace time, or reuse, which revokes. */
  rotateRefresh(input: Rotation, once?: Once<Rotated>): Promise<Rotated>
  findSession(environmentId: string, id: string): Promise<{ session: Session; user: User } | null>
  /**
   * The same, with the instant by which to judge it (`judgeAt`), from one look. Throws `unavailable` for a caller that
   * is behind by more than two seconds.
   */
  findSessionNow(
    environmentId: string,
    id: string,
    now: number,
  ): Promise<{ session: Session; user: User; at: number } | null>
  listSessions(environmentId: string, userId: string, page: Page): Promise<Session[]>
  revokeSession(id: string, origin: Origin, now: number, once?: Once<Session | null>): Promise<Session | null>
  /** Revokes every live session of the user; the number of them, or null for an unknown user. */
  revokeUserSessions(
    userId: string,
    origin: Origin,
    now: number,
    once?: Once<number | null>,
  ): Promise<number | null>

  // Users
  createUser(
    input: NewUser,
    origin: Origin,
    now: number,
    once?: Once<User | UserConflict>,
  ): Promise<User | UserConflict>
  findUser(environmentId: string, id: string): Promise<User | null>
  listUsers(environmentId: string, filter: UserFilter, page: Page): Promise<Listed<User>>
  updateUser(id: string, patch: UserPatch, origin: Origin, now: number): Promise<User | UserConflict | null>
  /** Ends the user's sessions and pending challenges, and removes the user and all that is theirs. */
  deleteUser(id: string, origin: Origin, now: number): Promise<boolean>
  /** Blocking ends sessions and pending challenges. Null for an unknown user. */
  setUserStatus(
    id: string,
    status: 'active' | 'blocked',
    origin: Origin,
    now: number,
    once?: Once<User | null>,
  ): Promise<User | null>
  addIdentifier(
    userId: string,
    identifier: Identifier,
    origin: Origin,
    now: number,
    once?: Once<User | UserConflict | null>,
  ): Promise<User | UserConflict | null>
  /** Ends the open challenges of the address. */
  removeIdentifier(
    userId: string,
    type: Identifier['type'],
    value: string,
    origin: Origin,
    now: number,
  ): Promise<User | null>

  // Authenticators
  /** Of an environment by its credential id, or null. */
  findAuthenticator(environmentId: string, credentialId: string): Promise<Authenticator | null>
  /** Newest first. */
  listAuthenticators(environmentId: string, userId: string): Promise<Authenticator[]>
  /** Of many with one credential id exactly one is added. */
  addAuthenticator(
    authenticator: Authenticator,
    origin: Origin,
    now: number,
    once?: Once<AuthenticatorAdded>,
  ): Promise<AuthenticatorAdded>
  renameAuthenticator(
    userId: string,
    id: string,
    name: string,
    origin: Origin,
    now: number,
  ): Promise<Authenticator | null>
  /** Refuses the last way in: with no other authenticator, and no proven address of the types that still lead in. */
  removeAuthenticator(
    userId: string,
    id: string,
    addressTypes: readonly Identifier['type'][],
    origin: Origin,
    now: number,
    /** By the person whose it is: where they are, and the notice to their primary address. */
    own?: { context: EventContext; notice: NewNotice | null },
  ): Promise<AuthenticatorRemoved>

  // Devices
  /** The user's, newest first, ended ones too. */
  listDevices(environmentId: string, userId: string, page: Page): Promise<Device[]>
  /** Until when a device counts as remembered; null forgets. Null for an unknown one, `stateConflict` for one that is ended. */
  rememberDevice(
    userId: string,
    id: string,
    until: number | null,
    origin: Origin,
    now: number,
  ): Promise<Device | 'stateConflict' | null>
  /** Its token never tells of this user again. Null for an unknown one; one that is ended stays as it is. */
  endDevice(
    userId: string,
    id: string,
    origin: Origin,
    now: number,
    once?: Once<Device | null>,
  ): Promise<Device | null>

  /** What is known of a user's past, by a look at a bounded number of rows. */
  readPast(input: {
    environmentId: string
    userId: string
    presented: Presented
    epoch: number
    now: number
  }): Promise<UserPast>

  // What people do to their own account
  /**
   * `attempt` at a challenge of userMode `none` that was begun for this user, and `claimChallenge` by it, in one write: the
   * address is proven and theirs, or nothing is. The notice goes to the primary address they had before.
   */
  addOwnAddress(input: {
    attempt: Attempt
    userId: string
    notice: NewNotice | null
  }): Promise<OwnAddressAdded>
  /** Makes a proven address the primary one of its type; the notice goes to the one that was. */
  makeOwnPrimary(input: OwnAddress): Promise<OwnAddressChanged>
  /**
   * `removeIdentifier`, but for the last way in: an address of the types that lead in, where there is no other and no
   * passkey to come in by. Of any number of removals at once one way stays. The notice goes to the address that was removed.
   */
  removeOwnAddress(
    input: OwnAddress & { addressTypes: readonly Identifier['type'][]; takesPasskeys: boolean },
  ): Promise<OwnAddressChanged>
  /** The user's sessions that are not over, newest first: the newest hundred, as far as a bounded look finds them. */
  listLiveSessions(input: {
    environmentId: string
    userId: string
    now: number
    epoch: number
  }): Promise<Session[]>
  /** Revokes live sessions of the user, this one or all but one; how many. */
  endOwnSessions(input: {
    userId: string
    which: { id: string } | { except: string }
    origin: Origin
    context: EventContext
    now: number
  }): Promise<number>
  /** The user's newest events of these types, as far as a bounded look finds them. */
  listActivity(input: {
    environmentId: string
    userId: string
    types: readonly EventType[]
    limit: number
  }): Promise<Event[]>

  // Messages and events
  /** Claims due messages for `leaseMs`: each is given to exactly one caller. `busyDomains`, in lower case, are left out. */
  claimMessages(input: {
    now: number
    limit: number
    leaseMs: number
    busyDomains: string[]
  }): Promise<ClaimedMessage[]>
  /** Whether the lease of this attempt still holds: asked just before the provider is called. */
  holdsLease(id: string, attempt: number, now: number): Promise<boolean>
  /** Writes how deliveries ended. Safe to repeat: what is settled already changes nothing and writes no second event. */
  settleMessages(outcomes: Settled[]): Promise<void>
  /**
   * Writes what a provider reported of a message as an event of its challenge, and nothing else: no report may lock
   * anybody out. One event a message and kind, however often it is told; none for an unknown message.
   */
  recordDelivery(input: DeliveryReport & { now: number }): Promise<void>
  /** When the next message is due, or null. */
  nextDueAt(): Promise<number | null>
  findMessages(
    environmentId: string,
    filter: { to: string | null; challengeId: string | null },
    page: Page,
  ): Promise<Listed<ClaimedMessage>>
  listEvents(environmentId: string, filter: EventFilter, page: Page): Promise<Listed<Event>>
  /** Everything that happened to a challenge, an action, or a person: newest first, as far as a bounded look finds it. */
  listStory(environmentId: string, story: Story, page: Page): Promise<Listed<Event>>
  addEvents(events: NewEvent[]): Promise<void>
  /**
   * Usage of the UTC days `from` to `to`, as `purge` has counted it: each event once, however often a process stopped.
   * `countedTo`: events of this instant and later are not in it; null before the first step.
   */
  readUsage(input: {
    environmentId: string
    from: number
    to: number
    by: UsageBy
  }): Promise<{ counts: UsageCount[]; countedTo: number | null }>

  // Webhooks. That an event is queued for the endpoints of its environment is part of the write that records it.
  /** All of an environment, newest first. */
  listWebhookEndpoints(environmentId: string): Promise<WebhookEndpoint[]>
  findWebhookEndpoint(environmentId: string, id: string): Promise<WebhookEndpoint | null>
  /** None past `max` in its environment, however many come at once. */
  createWebhookEndpoint(
    endpoint: WebhookEndpoint,
    sealedSecret: string,
    max: number,
    origin: Origin,
    now: number,
    once?: Once<WebhookEndpoint | null>,
  ): Promise<WebhookEndpoint | null>
  /** Null for an unknown one; `noSecret` where it would be enabled with nothing to sign with. */
  updateWebhookEndpoint(
    id: string,
    patch: WebhookPatch,
    origin: Origin,
    now: number,
  ): Promise<WebhookEndpoint | 'noSecret' | null>
  /** From the commit on nothing more is claimed for it. */
  deleteWebhookEndpoint(id: string, origin: Origin, now: number): Promise<boolean>
  /** The current secret becomes the previous one, and signs beside the new one until `previousUntil`. */
  rotateWebhookSecret(
    id: string,
    sealedSecret: string,
    previousUntil: number,
    origin: Origin,
    now: number,
    once?: Once<WebhookEndpoint | null>,
  ): Promise<WebhookEndpoint | null>
  /** Queues a test; null where the endpoint is unknown, `disabled` where nothing would be sent. */
  addWebhookTest(
    delivery: WebhookDelivery,
    now: number,
    once?: Once<WebhookDelivery | 'disabled' | null>,
  ): Promise<WebhookDelivery | 'disabled' | null>
  findWebhookDelivery(environmentId: string, endpointId: string, id: string): Promise<WebhookDelivery | null>
  listWebhookDeliveries(
    environmentId: string,
    endpointId: string,
    filter: { status: WebhookDelivery['status'] | null },
    page: Page,
  ): Promise<Listed<WebhookDelivery>>
  /** Sends one again from the beginning; one that waits goes at once. Null for an unknown one. */
  replayWebhook(
    input: { environmentId: string; endpointId: string; deliveryId: string; now: number },
    once?: Once<WebhookDelivery | null>,
  ): Promise<WebhookDelivery | null>
  /**
   * One small step of sending again what happened since, missed or not: looks at `limit` events after the event `after`. How
   * many were queued, and the last one looked at, or null when that was all.
   */
  replayWebhooks(input: {
    environmentId: string
    endpointId: string
    after: string
    since: number
    isUndeliveredOnly: boolean
    limit: number
    now: number
  }): Promise<{ queued: number; lookedTo: { id: string; createdAt: number } | null }>
  /** Each enabled endpoint, with the instant at which its next delivery is due. */
  listDueWebhooks(): Promise<{ endpointId: string; dueAt: number | null }[]>
  /** Claims due deliveries for `leaseMs`, so many for each endpoint: each is given to exactly one caller. */
  claimWebhooks(input: {
    now: number
    leaseMs: number
    wanted: { endpointId: string; limit: number }[]
  }): Promise<ClaimedWebhook[]>
  /** Whether the lease of this attempt still holds: asked just before the receiver is called. */
  holdsWebhookLease(id: string, attempt: number, now: number): Promise<boolean>
  /**
   * Writes how tries ended. Safe to repeat. Disables endpoints that are gone, or that failed for `failingMs` without a
   * success in between, each with one event and once the notices that `noticesOf` makes of it, in the same write; those
   * are answered. An address gets twenty in an hour at most.
   */
  settleWebhooks(
    outcomes: SettledWebhook[],
    failingMs: number,
    noticesOf: (disabled: DisabledEndpoint) => OperatorNotice[],
  ): Promise<DisabledEndpoint[]>

  // Secrets
  /** Rows of a kind that are sealed under another key than this one, in the order of their ids, after `after`. */
  listSealed(input: {
    kind: SealedRow['kind']
    exceptKeyId: string
    after: string
    limit: number
  }): Promise<SealedRow[]>
  /** Puts new seals in the place of those that were read. A row that was wiped or sealed anew since stays as it is. */
  reseal(rows: readonly (SealedRow & { resealed: string })[], now: number): Promise<number>
  /** Makes this the only signing key of its environment and revokes development keys: in one write. */
  replaceSigningKeys(key: SigningKey, origin: Origin, now: number): Promise<void>
  /**
   * One small step of ending what a leaked secret could forge or read: rows of a kind, in the order of their ids, after
   * `after`. Where the next step begins, or null when this was the last one.
   */
  endForgeable(input: {
    kind: ForgeableKind
    origin: Origin
    now: number
    after: string
    limit: number
  }): Promise<{ ended: number; next: string | null }>

  /** Looks for the record of an Idempotency-Key, and keeps the answer of a call that changed nothing. */
  keep<T>(outcome: T, now: number, once?: Once<T>): Promise<T>
  /** One small step of counting usage, of purging and of lifting protections; true while there is more to do. */
  purge(input: {
    now: number
    environmentId: string
    retentionDays: Retention
    exposure: Exposure
    limit: number
  }): Promise<boolean>
}

/** A row whose content is sealed under one of the secrets; its id and environment are what the seal is tied to. */
export interface SealedRow {
  kind: 'signingKey' | 'message' | 'webhookSecret' | 'webhookPreviousSecret' | 'hookSecret'
  id: string
  environmentId: string
  sealed: string
}

/**
 * What rests on the secret besides keys: sessions (refresh tags), devices (a copy of the database tells who has which),
 * challenges (codes), messages, kept answers, and webhook endpoints, whose signatures whoever reads their secrets could make.
 */
export type ForgeableKind =
  | 'sessions'
  | 'devices'
  | 'challenges'
  | 'messages'
  | 'idempotency'
  | 'webhookEndpoints'
  | 'hookSecrets'

export type TemplateSaved = { kind: 'saved'; template: Template } | Plain<'nameTaken' | 'tooMany'>

/** How many rules an environment can have, and how many bytes of JSON they can be together. */
export interface RuleBounds {
  rules: number
  bytes: number
}

export type RuleSaved = { kind: 'saved'; rule: Rule } | Plain<'tooMany' | 'tooLarge'>

export type RolledBack =
  | { kind: 'rolledBack'; version: Omit<RuleVersion, 'rules'> }
  | Plain<'notFound' | 'stale'>

export type ListSaved = { kind: 'saved'; list: List } | Plain<'nameTaken' | 'tooMany'>

export interface Retention {
  events: number
  challenges: number
  messages: number
  sessions: number
}

export type UserConflict = { conflict: 'externalId' | 'username' | 'address' | 'passkeysAlone' }

export interface ChallengeFilter {
  to: string | null
  userId: string | null
  purpose: string | null
  channel: string | null
  status: string | null
  now: number
  epoch: number
}

export interface ActionFilter {
  userId: string | null
  name: string | null
  reference: string | null
  state: ActionState | null
  now: number
  epoch: number
}

export interface UserFilter {
  email: string | null
  phone: string | null
  externalId: string | null
  username: string | null
}

/**
 * Whose story. A person is a user, the addresses that lead to them, or both. With a user, challenges to an address count
 * where nobody else had proven or has answered them. An address alone has a story, too, whomever it leads to.
 */
export type Story =
  | { kind: 'challenge'; challengeId: string }
  | { kind: 'action'; actionId: string }
  | { kind: 'person'; userId: string | null; addresses: readonly string[] }

export type UsageBy = 'day' | 'channel' | 'method' | 'country'

/** How often something happened in one group; `key` is the day's number, the channel, the method or the country. */
export interface UsageCount {
  key: string
  metric: Metric
  method: string
  detail: string
  happened: number
}

export interface EventFilter {
  type: string | null
  userId: string | null
  challengeId: string | null
  actionId: string | null
  sessionId: string | null
}
