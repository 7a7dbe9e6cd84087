/** The nouns as they are stored. Instants are epoch milliseconds, named `…At`; null means there is none. */

export interface Environment {
  id: string
  slug: string
  mode: 'test' | 'live'
  /** A merge patch over the defaults, and the number of times it was written (the ETag). */
  settings: Record<string, unknown>
  settingsVersion: number
  /** The number of times that its templates were written: tells whether they have to be read again. */
  templatesVersion: number
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

export type Purpose = string
export type Credential = 'code' | 'link' | 'codeAndLink'
export type UserMode = 'create' | 'existing' | 'none'

export interface Challenge {
  id: string
  environmentId: string
  appId: string
  epoch: number
  purpose: Purpose
  channel: 'email'
  credential: Credential
  /** Identity form of the address, and what answers show: the request's form, masked where it asked by userId. */
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
  provenBy: 'code' | 'link' | null
}

export type ChallengeStatus = 'pending' | 'verified' | 'expired' | 'exhausted'

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
  epoch: number
  createdAt: number
  lastUsedAt: number
  expiresAt: number
  revokedAt: number | null
}

export interface Message {
  id: string
  environmentId: string
  challengeId: string
  channel: 'email'
  to: string
  status: 'queued' | 'sent' | 'failed'
  isVoid: boolean
  /** The provider's reply, or why it failed. */
  reply: string | null
  createdAt: number
  expiresAt: number
  sentAt: number | null
}

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
  'identifier.removed',
  'session.created',
  'session.refreshed',
  'session.revoked',
  'session.refresh_reused',
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
  'signing_key.rotated',
  'secret.rotated',
] as const

export type EventType = (typeof EVENT_TYPES)[number]
