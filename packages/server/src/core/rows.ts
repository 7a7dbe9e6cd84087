/**
 * The nouns as they are stored. Instants are epoch milliseconds, named `…At`; null means there is none. The file is long because
 * each noun stands in it once, beside those that it points at.
 */

import type { MethodName } from './methods/method.ts'
import type { Decision } from './rules/decide.ts'
import type { Signals } from './rules/variables.ts'

export interface Environment {
  id: string
  slug: string
  mode: 'test' | 'live'
  /** A merge patch over the defaults, and the number of times it was written (the ETag). */
  settings: Record<string, unknown>
  settingsVersion: number
  /** The number of times that its templates were written: tells whether they have to be read again. */
  templatesVersion: number
  /** The same of its rules, which is also the number of the newest version of the set, and of its lists. */
  rulesVersion: number
  listsVersion: number
  createdAt: number
}

export interface App {
  id: string
  environmentId: string
  name: string
  publishableKey: string
  redirectUrls: string[]
  origins: string[]
  audience: string | null
  isDefault: boolean
  /** A browser without a backend may refresh its session, by a cookie. */
  publicRefresh: boolean
  createdAt: number
  updatedAt: number
}

export type Scope = 'auth' | 'users' | 'read' | 'review' | 'admin'

export interface ApiKey {
  id: string
  environmentId: string
  name: string
  /** Prefix and last characters: enough to find it in a list of keys. */
  hint: string
  scopes: Scope[]
  /** Made by `ostiary dev` from the secret file: `start` refuses it. */
  isDevelopment: boolean
  createdAt: number
  revokedAt: number | null
}

/** A mail of the operator's own, by name. `version` counts its changes (the ETag). */
export interface Template {
  id: string
  environmentId: string
  name: string
  channel: 'email'
  /** By BCP 47 tag. */
  locales: Record<string, TemplateTexts>
  version: number
  createdAt: number
  updatedAt: number
}

export interface TemplateTexts {
  subject: string
  text: string
  /** Null: the mail is plain text. */
  html: string | null
}

/** Where events of an environment are posted to. Its secrets are sealed and stay in the store. */
export interface WebhookEndpoint {
  id: string
  environmentId: string
  url: string
  /** Null: all. */
  eventTypes: EventType[] | null
  status: 'enabled' | 'disabled'
  disabledReason: 'manual' | 'gone' | 'failing' | 'secret_replaced' | null
  /** Until when the secret before the current one signs, too. */
  previousUntil: number | null
  /** The first failure since the last success. */
  firstFailedAt: number | null
  createdAt: number
  updatedAt: number
}

/** One event on its way to one endpoint. */
export interface WebhookDelivery {
  id: string
  environmentId: string
  endpointId: string
  /** Null: a test. */
  eventId: string | null
  eventType: string
  status: 'pending' | 'delivered' | 'failed'
  /** Names the lease of a claim. */
  attempt: number
  /** Tries that failed since it was queued or replayed. */
  failures: number
  dueAt: number
  triedAt: number | null
  durationMs: number | null
  answerStatus: number | null
  /** The first bytes of the answer. */
  answer: string | null
  /** Why there was no answer, or none was asked for. */
  error: string | null
  createdAt: number
  deliveredAt: number | null
}

/** When its condition holds for an action, the outcome. `version` is that of the set at its last change (the ETag). */
export interface Rule {
  id: string
  environmentId: string
  name: string
  /** Null: for actions of every name. */
  actionName: string | null
  /** 0 to 99; the lower is looked at first, and of equals the older one. */
  priority: number
  /** CEL, at most 2,000 characters. */
  condition: string
  outcome: Outcome
  /** The methods by which the person may prove who is there; none named: all that are on. */
  methods: string[]
  /** How many of them it takes. */
  requires: 1 | 2
  /** `shadow`: judged and written down, without effect. */
  mode: 'live' | 'shadow'
  isActive: boolean
  /** Whether a method that is enrolled inside the action satisfies it. */
  enrolmentCounts: boolean
  version: number
  createdAt: number
  updatedAt: number
}

/** The whole set of an environment's rules as it was after one change of it. */
export interface RuleVersion {
  environmentId: string
  version: number
  rules: Rule[]
  rulesCount: number
  change: 'created' | 'updated' | 'deleted' | 'rolledBack'
  /** The rule that was changed, or null where the whole set was. */
  ruleId: string | null
  actor: Origin['actor']
  createdAt: number
}

/** Texts that conditions look into by the name of the list. `version` counts its changes (the ETag). */
export interface List {
  id: string
  environmentId: string
  name: string
  entries: string[]
  entriesCount: number
  version: number
  createdAt: number
  updatedAt: number
}

export interface SigningKey {
  /** `kid` of the JWKS (RFC 7517 4.5). */
  id: string
  environmentId: string
  publicJwk: Record<string, unknown>
  sealedPrivateJwk: string
  createdAt: number
  activatesAt: number
}

export interface User {
  id: string
  environmentId: string
  externalId: string | null
  name: string | null
  username: string | null
  locale: string | null
  status: 'active' | 'blocked'
  metadata: Record<string, unknown>
  createdAt: number
  updatedAt: number
  lastSignInAt: number | null
  identifiers: Identifier[]
}

/** An address of a user. Unproven ones (`verifiedAt` null) lead to no account and are unique to none. */
export interface Identifier {
  type: 'email' | 'phone'
  /** Identity form. */
  value: string
  /** As it was written at proof: where mail goes. */
  spelling: string
  verifiedAt: number | null
  isPrimary: boolean
}

/** An enrolled means of proof. The user's id is the user handle of a passkey. */
export interface Authenticator {
  id: string
  environmentId: string
  userId: string
  type: 'passkey'
  name: string
  /** Base64url, as `id` of the browser's PublicKeyCredential; leads to one user of its environment. */
  credentialId: string
  /** Base64url of the COSE key. */
  publicKey: string
  signCount: number
  transports: string[]
  aaguid: string | null
  /** The relying party that it was made for: it answers no other. */
  rpId: string
  /** May be copied to other devices by its provider, and was. */
  isBackupEligible: boolean
  isBackedUp: boolean
  /** The person was verified, not only present, when it was enrolled. */
  hasUserVerification: boolean
  createdAt: number
  lastUsedAt: number | null
}

export type Purpose = string
/** `none`: of a method whose challenge sends nothing. */
export type Credential = 'code' | 'link' | 'codeAndLink' | 'none'
/** The two ceremonies of WebAuthn. */
export type Ceremony = 'authentication' | 'registration'
export type UserVerification = 'required' | 'preferred' | 'discouraged'
export type UserMode = 'create' | 'existing' | 'none'

export interface Challenge {
  id: string
  environmentId: string
  appId: string
  epoch: number
  purpose: Purpose
  channel: 'email' | 'none'
  credential: Credential
  /** Null for a challenge that is answered by what was sent. */
  method: 'passkey' | null
  ceremony: Ceremony | null
  userVerification: UserVerification | null
  /**
   * Identity form of the address, and what answers show: the request's form, masked where it asked by userId. All three are
   * '' where nothing is sent.
   */
  address: string
  requestedTo: string
  /** Where the mail goes: the proven spelling of a known user, else the identity form. */
  sendTo: string
  /** Who had proven the address at send, or null. Another owner at verify ends the challenge. */
  ownerId: string | null
  /** The user asked for, or the one that the proof led to. */
  userId: string | null
  userMode: UserMode
  externalId: string | null
  opensSession: boolean
  /** A decoy: nothing is sent and no answer is right. */
  isVoid: boolean
  isStrong: boolean
  codeLength: number | null
  tag: string
  redirectUrl: string | null
  linkVia: 'ostiary' | 'app'
  codeChallenge: string | null
  state: string | null
  locale: string | null
  template: string | null
  templateVariables: Record<string, string>
  metadata: Record<string, unknown>
  maxAttempts: number
  attemptsLeft: number
  maxSends: number
  sends: number
  resendAt: number
  ipAddress: string | null
  userAgent: string | null
  createdAt: number
  expiresAt: number
  verifiedAt: number | null
  /** Ended before its time: address changed, user blocked, adopted, refused after proof. */
  endedAt: number | null
  /** How it was proven. */
  provenBy: ProvenBy | null
  /** The action that it is a step of: it is answered there and nowhere else. */
  actionId: string | null
  /** The device it was begun on, where that knew the owner: guesses at it are bounded there and not with the address. */
  deviceId: string | null
}

export type ProvenBy = 'code' | 'link' | 'passkey'

export type Outcome = 'ALLOW' | 'CHALLENGE' | 'REVIEW' | 'BLOCK'
export type ActionState =
  | 'ALLOW'
  | 'BLOCK'
  | 'CHALLENGE_REQUIRED'
  | 'CHALLENGE_SUCCEEDED'
  | 'CHALLENGE_FAILED'
  | 'REVIEW_REQUIRED'
  | 'REVIEW_SUCCEEDED'
  | 'REVIEW_FAILED'

/** One tracked event of a person. One browser at a time works on it, by its working token. */
/** One thing that has to be proven: so many kinds of proof by these methods; none named: by any that is on. */
export interface ActionDemand {
  methods: string[]
  requires: 1 | 2
  /**
   * A method that is enrolled in this action meets it, after a proof of something that was proven already. The rule says so;
   * false as soon as it is known that this person cannot (`meansOf`).
   */
  enrolmentCounts: boolean
}

export interface ActionProof {
  method: string
  challengeId: string
  at: number
  /** Enrolled here, which proves nothing by itself: only demands of which `enrolmentCounts` holds take it. */
  isEnrolment?: boolean
}

/**
 * What the rules said of an action, with the version of their set and the signals that they were given. What it tells of the
 * person (`signals`, `seen`) is gone when the user is.
 */
export interface ActionDecision extends Omit<Decision, 'seen'> {
  version: number
  at: number
  signals?: Signals
  seen?: Decision['seen']
  /** Null where nobody was known; left out by decisions of before enrolments. */
  owner?: ActionOwner | null
}

/** By what a person could prove who they are when it was decided, and whether they might have enrolled another method. */
export interface ActionOwner {
  methods: MethodName[]
  mayEnrol: boolean
}

export interface Action {
  id: string
  environmentId: string
  appId: string
  epoch: number
  name: string
  /** The backend's own name of it, and a hash over what it asked for by that name. */
  reference: string | null
  askedHash: string | null
  /** What the person is asked to agree to, in the backend's words. */
  intent: string | null
  attributes: Record<string, unknown>
  /** Decided when it is tracked; never changes. */
  outcome: Outcome
  /** As it is stored: one that ran out is still CHALLENGE_REQUIRED (see `stateOf`). */
  state: ActionState
  stateChangedAt: number
  reason: 'cancelled' | 'blocked' | null
  /** Told by a backend, not begun by a browser. */
  isTracked: boolean
  /** The backend named who it is about: nobody else is proven in it. */
  isNamed: boolean
  /** Whom the backend named, later whom the proof led to. */
  userId: string | null
  /** Identity form of the address, and what this browser is shown: as it was typed, masked where a backend named it. */
  address: string | null
  requestedTo: string | null
  /** The challenge under way; an earlier one of this action is worth nothing. */
  challengeId: string | null
  /** The passkey challenge that is out beside it; only the latest counts. */
  passkeyChallengeId: string | null
  /** Proven, and its result waits for what the person says to the offer of a passkey. */
  offersPasskey: boolean
  /** How it was proven. */
  method: string | null
  /** What has to be proven: each of them; none: any one method. */
  demands: ActionDemand[]
  /** What was proven in it since it last waited for a review, in the order of the proofs. */
  proofs: ActionProof[]
  /** Every rule was judged. Those that have to know who is there wait for the first proof where nobody may be told. */
  isJudged: boolean
  /** Whether its result opens a session. */
  opensSession: boolean
  decision: ActionDecision | null
  redirectUrl: string | null
  clientState: string | null
  codeChallenge: string | null
  loginHint: string | null
  locale: string | null
  ipAddress: string | null
  userAgent: string | null
  /** Hash of the device token told when it began: '' for a browser that has none yet, null where nobody could tell one. */
  presentedDevice: string | null
  /** False where the person was asked whether their device may be remembered, and did not say yes. */
  remembersDevice: boolean
  /** Of the browser that proved, where that can keep a token; else the session's backend tells it. */
  deviceId: string | null
  /** Shown in the first tab while another device is asked for it. */
  approvalNumber: string | null
  approvalExpiresAt: number | null
  resultExpiresAt: number | null
  validatedAt: number | null
  createdAt: number
  expiresAt: number
}

export type ChallengeStatus = 'pending' | 'verified' | 'expired' | 'exhausted'

/** What an access token says besides what Ostiary says itself. */
export type Claims = Record<string, unknown>

export interface Session {
  id: string
  environmentId: string
  appId: string
  userId: string
  methods: string[]
  amr: string[]
  /** The instant of the proof that `proofEventId` records. */
  authTime: number
  proofEventId: string
  ipAddress: string | null
  userAgent: string | null
  deviceId: string | null
  /** What the hook added to its access tokens. */
  claims: Claims
  epoch: number
  createdAt: number
  lastUsedAt: number
  expiresAt: number
  revokedAt: number | null
}

/** A browser or phone as one of its users has it: how a shared one is used by others is not theirs to see. */
export interface Device {
  id: string
  environmentId: string
  userId: string
  /** Where their last sign-in came from. */
  ipAddress: string | null
  userAgent: string | null
  /** Their first sign-in on it. */
  createdAt: number
  lastSignInAt: number
  rememberedUntil: number | null
  endedAt: number | null
}

export interface Message {
  id: string
  environmentId: string
  /** Null: a notice. */
  challengeId: string | null
  channel: 'email'
  to: string
  status: 'queued' | 'sent' | 'failed'
  isVoid: boolean
  /** What a notice tells, and to whose account it belongs: null for the message of a challenge, and for an operator's notice. */
  notice: NoticeKind | OperatorNoticeKind | null
  userId: string | null
  /** The provider's reply, or why it failed. */
  reply: string | null
  createdAt: number
  expiresAt: number
  sentAt: number | null
}

/** What people are told of unasked: their account was changed, or entered from where it never was. */
export const NOTICE_KINDS = [
  'newDevice',
  'passkeyAdded',
  'passkeyRemoved',
  'addressAdded',
  'addressRemoved',
  'primaryChanged',
] as const
export type NoticeKind = (typeof NOTICE_KINDS)[number]

/** What those who run an app are told of (`webhooks.noticeTo`). */
export const OPERATOR_NOTICE_KINDS = ['webhookDisabled'] as const
export type OperatorNoticeKind = (typeof OPERATOR_NOTICE_KINDS)[number]

/** Who caused an event, and by which request. */
export interface Origin {
  environmentId: string
  appId: string | null
  actor: { type: 'user' | 'api_key' | 'admin' | 'system'; id: string | null }
  requestId: string | null
}

export interface EventContext {
  ipAddress: string | null
  userAgent: string | null
}

export interface Event {
  id: string
  type: EventType
  environmentId: string
  appId: string | null
  actor: Origin['actor']
  userId: string | null
  challengeId: string | null
  actionId: string | null
  sessionId: string | null
  organizationId: string | null
  requestId: string | null
  context: EventContext | null
  data: Record<string, unknown>
  createdAt: number
}

export type NewEvent = Event

/** The closed list of CONTRACT section 8, so far as this version causes them. */
export const EVENT_TYPES = [
  'challenge.created',
  'challenge.resent',
  'challenge.refused',
  'challenge.attempt_failed',
  'challenge.exhausted',
  'challenge.verified',
  'challenge.claimed',
  'challenge.link_opened',
  'challenge.link_approved',
  'message.queued',
  'message.sent',
  'message.retried',
  'message.failed',
  'message.delivered',
  'message.bounced',
  'message.complained',
  'user.created',
  'user.updated',
  'user.blocked',
  'user.unblocked',
  'user.deleted',
  'user.adopted',
  'identifier.added',
  'identifier.verified',
  'identifier.updated',
  'identifier.removed',
  'authenticator.created',
  'authenticator.updated',
  'authenticator.deleted',
  'authenticator.used',
  'authenticator.counter_regressed',
  'device.created',
  'device.remembered',
  'device.ended',
  'session.created',
  'session.refreshed',
  'session.revoked',
  'session.refresh_reused',
  'action.tracked',
  'action.challenge_started',
  'action.challenge_succeeded',
  'action.challenge_failed',
  'action.step_succeeded',
  'action.review_required',
  'action.reviewed',
  'action.validated',
  'limit.fired',
  'protection.raised',
  'protection.lifted',
  'api_key.created',
  'api_key.revoked',
  'app.created',
  'app.updated',
  'app.deleted',
  'environment.created',
  'settings.updated',
  'template.updated',
  'rule.created',
  'rule.updated',
  'rule.deleted',
  'rule.failed',
  'rule.rolled_back',
  'list.created',
  'list.updated',
  'list.deleted',
  'hook.denied',
  'hook.failed',
  'webhook_endpoint.created',
  'webhook_endpoint.updated',
  'webhook_endpoint.deleted',
  'webhook_endpoint.disabled',
  'signing_key.rotated',
  'secret.rotated',
] as const

export type EventType = (typeof EVENT_TYPES)[number]
