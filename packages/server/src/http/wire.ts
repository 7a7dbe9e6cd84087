import { z } from 'zod'
import { statusOf } from '../core/challenges/status.ts'
import type { Deps } from '../core/deps.ts'
import { deviceOf } from '../core/device.ts'
import type { MethodName } from '../core/methods/method.ts'
import { METHOD_NAMES } from '../core/methods/methods.ts'
import type { PasskeyOptions } from '../core/passkeys/begin.ts'
import { CreationOptions, RequestOptions } from '../core/passkeys/options.ts'
import type { ApiKey, App, Challenge, Session, Template } from '../core/rows.ts'
import { EVENT_TYPES, NOTICE_KINDS, OPERATOR_NOTICE_KINDS } from '../core/rows.ts'
import type { Tokens } from '../core/sessions/tokens.ts'

/** The objects of the wire (CONTRACT sections 2 to 4 and 8): their shapes, and how rows become them. */

export const Instant = z.iso
  .datetime({ precision: 3 })
  .meta({ id: 'Instant', description: 'ISO 8601, UTC, with milliseconds' })
const id = (prefix: string) => z.string().meta({ examples: [`${prefix}_01k6z5v9hrf0qv2s8yb7m3c4dn`] })
const metadataOut = z.record(z.string(), z.json())

export const PasskeyOptionsBody = z.union([RequestOptions, CreationOptions]).meta({
  description:
    'For `navigator.credentials`, by `parseRequestOptionsFromJSON` or `parseCreationOptionsFromJSON`; shown once',
})

export const ChallengeBody = z
  .object({
    id: id('chl'),
    status: z.enum(['pending', 'verified', 'expired', 'exhausted']),
    channel: z.enum(['email']).nullable(),
    method: z.enum(METHOD_NAMES).nullable(),
    methods: z.array(z.enum(METHOD_NAMES)),
    ceremony: z.enum(['authentication', 'registration']).nullable(),
    to: z.string().nullable(),
    userId: id('usr').nullable(),
    appId: id('app'),
    purpose: z.string(),
    credential: z.enum(['code', 'link', 'codeAndLink']).nullable(),
    codeLength: z.int().nullable(),
    tag: z.string().nullable(),
    redirectUrl: z.string().nullable(),
    linkVia: z.enum(['ostiary', 'app']).nullable(),
    isBrowserBound: z.boolean(),
    state: z.string().nullable(),
    locale: z.string().nullable(),
    template: z.string().nullable(),
    userMode: z.enum(['create', 'existing', 'none']),
    metadata: metadataOut,
    createdAt: Instant,
    expiresAt: Instant,
    verifiedAt: Instant.nullable(),
    attemptsLeft: z.int(),
    sendsLeft: z.int(),
    resendAt: Instant.nullable(),
    publicKey: PasskeyOptionsBody.nullable(),
  })
  .meta({ id: 'Challenge' })

export const IdentifierBody = z
  .object({
    type: z.enum(['email', 'phone']),
    value: z.string(),
    verifiedAt: Instant.nullable(),
    isPrimary: z.boolean(),
  })
  .meta({ id: 'Identifier' })

/** What a user agent claims to be, in names that every language knows; null for what is not a common one. */
export const DeviceBody = z
  .object({ browser: z.string().nullable(), system: z.string().nullable() })
  .meta({ id: 'Device' })

export const UserBody = z
  .object({
    id: id('usr'),
    externalId: z.string().nullable(),
    name: z.string().nullable(),
    username: z.string().nullable(),
    email: z.string().nullable(),
    emailVerified: z.boolean(),
    phone: z.string().nullable(),
    phoneVerified: z.boolean(),
    identifiers: z.array(IdentifierBody),
    locale: z.string().nullable(),
    status: z.enum(['active', 'blocked']),
    metadata: metadataOut,
    createdAt: Instant,
    updatedAt: Instant,
    lastSignInAt: Instant.nullable(),
  })
  .meta({ id: 'User' })

export const SessionBody = z
  .object({
    id: id('ses'),
    userId: id('usr'),
    appId: id('app'),
    methods: z.array(z.string()),
    amr: z.array(z.string()),
    authTime: Instant,
    ipAddress: z.string().nullable(),
    userAgent: z.string().nullable(),
    deviceId: id('dev').nullable(),
    createdAt: Instant,
    lastUsedAt: Instant,
    expiresAt: Instant,
    revokedAt: Instant.nullable(),
  })
  .meta({ id: 'Session' })

export const TokensBody = z
  .object({
    accessToken: z.string(),
    accessTokenExpiresAt: Instant,
    refreshToken: z.string(),
    refreshTokenExpiresAt: Instant,
    deviceToken: z.string().nullable(),
  })
  .meta({ id: 'Tokens' })

export const AppBody = z
  .object({
    id: id('app'),
    name: z.string(),
    publishableKey: z.string(),
    redirectUrls: z.array(z.string()),
    origins: z.array(z.string()),
    audience: z.string().nullable(),
    publicRefresh: z.boolean(),
    isDefault: z.boolean(),
    createdAt: Instant,
    updatedAt: Instant,
  })
  .meta({ id: 'App' })

export const ApiKeyBody = z
  .object({
    id: id('key'),
    name: z.string(),
    hint: z.string(),
    scopes: z.array(z.enum(['auth', 'users', 'read', 'review', 'admin'])),
    createdAt: Instant,
    revokedAt: Instant.nullable(),
  })
  .meta({ id: 'ApiKey' })

export const TemplateBody = z
  .object({
    id: id('tpl'),
    name: z.string(),
    channel: z.enum(['email']),
    locales: z.record(
      z.string(),
      z.object({ subject: z.string(), text: z.string(), html: z.string().nullable() }),
    ),
    createdAt: Instant,
    updatedAt: Instant,
  })
  .meta({ id: 'Template' })

export const EventBody = z
  .object({
    id: id('evt'),
    type: z.enum(EVENT_TYPES),
    createdAt: Instant,
    environmentId: id('env'),
    appId: id('app').nullable(),
    actor: z.object({ type: z.enum(['user', 'api_key', 'admin', 'system']), id: z.string().nullable() }),
    userId: id('usr').nullable(),
    challengeId: id('chl').nullable(),
    actionId: id('act').nullable(),
    sessionId: id('ses').nullable(),
    organizationId: id('org').nullable(),
    requestId: id('req').nullable(),
    context: z.object({ ipAddress: z.string().nullable(), userAgent: z.string().nullable() }).nullable(),
    data: metadataOut,
  })
  .meta({ id: 'Event' })

export const MessageBody = z
  .object({
    id: id('msg'),
    challengeId: id('chl').nullable(),
    notice: z
      .enum([...NOTICE_KINDS, ...OPERATOR_NOTICE_KINDS])
      .nullable()
      .meta({ description: 'What a notice tells' }),
    channel: z.enum(['email']),
    to: z.string(),
    subject: z.string().nullable(),
    text: z.string().nullable(),
    html: z.string().nullable(),
    code: z.string().nullable(),
    link: z.string().nullable(),
    status: z.enum(['queued', 'sent', 'failed']),
    createdAt: Instant,
    sentAt: Instant.nullable(),
  })
  .meta({ id: 'Message' })

/** `{data, nextCursor}` of these. */
export const listOf = (item: z.ZodType) =>
  z.object({
    data: z.array(item),
    nextCursor: z.string().nullable().meta({
      description:
        'The `cursor` of the next page; null after the last. With filters a page may be short, even empty, and still have a next one: one call looks at a bounded number of rows.',
    }),
  })

export const iso = (instant: number): string => new Date(instant).toISOString()
export const isoOrNull = (instant: number | null): string | null => (instant === null ? null : iso(instant))

const METHODS_BY = {
  code: ['emailCode'],
  link: ['emailLink'],
  codeAndLink: ['emailCode', 'emailLink'],
  none: ['passkey'],
} as const satisfies Record<Challenge['credential'], readonly MethodName[]>
const PROVEN_BY = { code: 'emailCode', link: 'emailLink', passkey: 'passkey' } as const

/** @param publicKey of the answer that begins it. What nothing is sent for has no address, channel or tag. */
export function challengeBody(
  challenge: Challenge,
  { clock, epoch }: Pick<Deps, 'clock' | 'epoch'>,
  publicKey: PasskeyOptions | null = null,
) {
  const { credential, channel } = challenge
  const isSent = credential !== 'none'
  const methods = METHODS_BY[credential]
  const proven = challenge.provenBy && PROVEN_BY[challenge.provenBy]
  const sendsLeft = Math.max(0, challenge.maxSends - challenge.sends)
  return {
    id: challenge.id,
    status: statusOf(challenge, clock.now(), epoch),
    channel: channel === 'none' ? null : channel,
    method: proven ?? (methods.length === 1 ? methods[0] : null),
    methods: [...methods],
    ceremony: challenge.ceremony,
    to: isSent ? challenge.requestedTo : null,
    userId: challenge.userId,
    appId: challenge.appId,
    purpose: challenge.purpose,
    credential: isSent ? credential : null,
    codeLength: challenge.codeLength,
    tag: isSent ? challenge.tag : null,
    redirectUrl: challenge.redirectUrl,
    linkVia: credential === 'link' || credential === 'codeAndLink' ? challenge.linkVia : null,
    isBrowserBound: challenge.codeChallenge !== null,
    state: challenge.state,
    locale: challenge.locale,
    template: challenge.template,
    userMode: challenge.userMode,
    metadata: challenge.metadata,
    createdAt: iso(challenge.createdAt),
    expiresAt: iso(challenge.expiresAt),
    verifiedAt: isoOrNull(challenge.verifiedAt),
    attemptsLeft: challenge.attemptsLeft,
    sendsLeft,
    resendAt: sendsLeft > 0 ? iso(challenge.resendAt) : null,
    publicKey,
  }
}

export const deviceBody = (userAgent: string | null) => deviceOf(userAgent)

export function sessionBody(session: Session) {
  const {
    id,
    userId,
    appId,
    methods,
    amr,
    authTime,
    ipAddress,
    userAgent,
    deviceId,
    createdAt,
    lastUsedAt,
    expiresAt,
    revokedAt,
  } = session
  return {
    id,
    userId,
    appId,
    methods,
    amr,
    authTime: iso(authTime),
    ipAddress,
    userAgent,
    deviceId,
    createdAt: iso(createdAt),
    lastUsedAt: iso(lastUsedAt),
    expiresAt: iso(expiresAt),
    revokedAt: isoOrNull(revokedAt),
  }
}

export function tokensBody(tokens: Tokens) {
  return {
    accessToken: tokens.accessToken,
    accessTokenExpiresAt: iso(tokens.accessTokenExpiresAt),
    refreshToken: tokens.refreshToken,
    refreshTokenExpiresAt: iso(tokens.refreshTokenExpiresAt),
    deviceToken: tokens.deviceToken,
  }
}

export function appBody(app: App) {
  const { environmentId, createdAt, updatedAt, ...rest } = app
  return { ...rest, createdAt: iso(createdAt), updatedAt: iso(updatedAt) }
}

export function apiKeyBody({ id, name, hint, scopes, createdAt, revokedAt }: ApiKey) {
  return { id, name, hint, scopes, createdAt: iso(createdAt), revokedAt: isoOrNull(revokedAt) }
}

export function templateBody({ id, name, channel, locales, createdAt, updatedAt }: Template) {
  return { id, name, channel, locales, createdAt: iso(createdAt), updatedAt: iso(updatedAt) }
}
