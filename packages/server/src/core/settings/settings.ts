import { z } from 'zod'
import { parseEmail } from '../addresses/email.ts'
import type { FieldError } from '../errors.ts'
import { OstiaryError } from '../errors.ts'
import { definitionTextFaults } from './texts.ts'

const count = z.int().min(1).max(1_000_000)
const domain = z
  .string()
  .max(253)
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'a domain in lower case, IDNA A-labels')
const color = z.string().regex(/^#[0-9a-f]{6}$/i, 'a color as #rrggbb')
const mailbox = z
  .email()
  .max(254)
  .refine(text => parseEmail(text) !== null, 'is not an address that mail goes to')
const httpsUrl = z.url({ protocol: /^https$/ }).max(2048)
// Methods that this version does not run cannot be switched on: a guard that is set but not run would lie.
const notYet = z.literal(false, { error: 'is not available in this version' })

/** The name of a claim that an app may add. */
export const ClaimName = z.string().regex(/^[A-Za-z][\w.:/-]{0,63}$/)

// By locale and key.
const texts = z.record(z.string().max(35), z.record(z.string().max(64), z.string().max(1000)))
const templateName = z.string().min(1).max(64)

const colors = z.strictObject({ primary: color, onPrimary: color, background: color, text: color }).partial()

/** The settings of an environment (CONTRACT section 7): shape, bounds and, by `DEFAULTS`, what holds when none is set. */
export const Settings = z
  .strictObject({
    signUp: z.enum(['open', 'closed']),
    emailDomains: z.strictObject({ allow: z.array(domain).max(1000), block: z.array(domain).max(1000) }),
    challenge: z.strictObject({
      credential: z.enum(['code', 'link', 'codeAndLink']),
      expiresInSeconds: z.int().min(60).max(3600),
      maxAttempts: z.int().min(1).max(10),
      maxSends: z.int().min(1).max(10),
      resendWaitSeconds: z.array(z.int().min(1).max(3600)).min(1).max(10),
      resend: z.enum(['keep', 'replace']),
      codeLength: z.int().min(6).max(10),
      linkVia: z.enum(['ostiary', 'app']),
      // For links of an action; a link asked for by the API is bound by `codeChallenge`.
      linkBrowser: z.enum(['same', 'approve', 'anywhere']),
    }),
    // 0 is refused everywhere: no limit can be switched off.
    limits: z.strictObject({
      sendsPerAddress: z.strictObject({ hour: count, day: count }),
      sendsPerAddressAndNetwork: z.strictObject({ minute: count, hour: count, day: count }),
      sendsPerAddressUntold: z.strictObject({ minute: count, hour: count }),
      sendsPerKnownDevice: z.strictObject({ hour: count }),
      sendsPerIp: z.strictObject({ hour: count }),
      wrongPerIp: z.strictObject({ tenMinutes: count }),
      weakGuessesPerAddress: z.strictObject({ hour: count.max(10), day: count.max(20) }),
      weakGuessesPerEnvironment: z.strictObject({
        tenMinutes: count.max(500),
        factor: z.int().min(1).max(5),
        cap: count.max(500),
      }),
    }),
    session: z.strictObject({
      accessTokenSeconds: z.int().min(60).max(3600),
      idleSeconds: z.int().min(60).max(31_536_000),
      absoluteSeconds: z.int().min(60).max(31_536_000),
      refreshGraceSeconds: z.int().min(0).max(30),
      claims: z.record(ClaimName, z.json()),
    }),
    action: z.strictObject({
      expiresInSeconds: z.int().min(60).max(3600),
      defaultOutcome: z.strictObject({
        signIn: z.enum(['CHALLENGE', 'REVIEW', 'BLOCK']),
        other: z.enum(['ALLOW', 'CHALLENGE', 'REVIEW', 'BLOCK']),
      }),
      // By name: what holds for actions of it where no rule says otherwise.
      definitions: z
        .record(
          z.string().regex(/^[A-Za-z][A-Za-z0-9_.:-]{0,63}$/),
          z.strictObject({
            outcome: z.enum(['ALLOW', 'CHALLENGE', 'REVIEW', 'BLOCK']).optional(),
            methods: z
              .array(z.enum(['emailCode', 'emailLink', 'passkey']))
              .min(1)
              .max(3)
              .optional(),
            opensSession: z.boolean().optional(),
            // Each way of sending has a template of its own: it has to show what is sent.
            templates: z
              .strictObject({ emailCode: templateName.optional(), emailLink: templateName.optional() })
              .optional(),
            texts: texts.optional(),
          }),
        )
        .refine(all => Object.keys(all).length <= 100, 'can hold at most 100 names')
        .refine(
          ({ signIn }) => signIn?.outcome === undefined && signIn?.opensSession === undefined,
          'signIn has neither outcome nor opensSession: the one is defaultOutcome.signIn, and it opens a session',
        ),
    }),
    methods: z.strictObject({
      emailCode: z.boolean(),
      emailLink: z.boolean(),
      passkey: z.boolean(),
      smsCode: notYet,
      whatsappCode: notYet,
      voiceCode: notYet,
      totp: notYet,
      recoveryCode: notYet,
      push: notYet,
      oidc: notYet,
    }),
    device: z.strictObject({ rememberDays: z.int().min(1).max(400), askToRemember: z.boolean() }),
    passkey: z.strictObject({
      rpId: domain.nullable(),
      rpName: z.string().min(1).max(64).nullable(),
      relatedOrigins: z.array(httpsUrl).max(20),
      userVerification: z.enum(['required', 'preferred', 'discouraged']),
      offerEveryDays: z.int().min(1).max(3650),
    }),
    mail: z.strictObject({
      fromName: z
        .string()
        .min(1)
        .max(64)
        .regex(/^[^\p{Cc}<>"@]*$/u, 'plain text')
        .nullable(),
      fromAddress: z.email().max(254).nullable(),
      replyTo: z.email().max(254).nullable(),
      codeInSubject: z.boolean(),
    }),
    testRecipients: z.array(z.email().max(254)).max(20),
    locale: z.strictObject({
      default: z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/),
      allowed: z.array(z.string().max(35)).max(50).nullable(),
    }),
    brand: z.strictObject({
      name: z
        .string()
        .min(1)
        .max(64)
        .regex(/^[^\p{Cc}<>]*$/u, 'plain text'),
      logoUrl: httpsUrl.nullable(),
      supportUrl: httpsUrl.nullable(),
      colors: z.strictObject({ light: colors, dark: colors }),
      radius: z.int().min(0).max(32),
      font: z.enum(['system', 'serif', 'mono']),
    }),
    // Mails to a person about their own account (docs/account.md).
    notices: z.strictObject({ newDevice: z.boolean(), passkey: z.boolean(), address: z.boolean() }),
    webhooks: z.strictObject({ noticeTo: z.array(mailbox).max(5) }),
    texts,
    hooks: z.strictObject({
      beforeSignIn: z.strictObject({
        // What may be called is judged where it is saved (change.ts), and again at each call.
        url: z
          .url({ protocol: /^https?$/ })
          .max(2048)
          .nullable(),
        timeoutMs: z.int().min(100).max(10_000),
        onFailure: z.enum(['deny', 'allow']),
      }),
    }),
    retentionDays: z.strictObject({
      events: z.int().min(1).max(3650),
      challenges: z.int().min(1).max(365),
      messages: z.int().min(1).max(365),
      sessions: z.int().min(1).max(365),
    }),
  })
  .meta({ id: 'Settings' })

export type Settings = z.infer<typeof Settings>

/** A merge patch over the defaults: what an environment stores. */
export type SettingsPatch = Record<string, unknown>

export const DEFAULTS: Settings = {
  signUp: 'open',
  emailDomains: { allow: [], block: [] },
  challenge: {
    credential: 'code',
    expiresInSeconds: 600,
    maxAttempts: 5,
    maxSends: 3,
    resendWaitSeconds: [30, 60],
    resend: 'keep',
    codeLength: 6,
    linkVia: 'ostiary',
    linkBrowser: 'approve',
  },
  limits: {
    sendsPerAddress: { hour: 15, day: 40 },
    // The day bound is not in CONTRACT: without it three networks use up the 40 a day in four hours (decision 0004).
    sendsPerAddressAndNetwork: { minute: 2, hour: 4, day: 12 },
    sendsPerAddressUntold: { minute: 2, hour: 10 },
    sendsPerKnownDevice: { hour: 5 },
    sendsPerIp: { hour: 30 },
    wrongPerIp: { tenMinutes: 60 },
    weakGuessesPerAddress: { hour: 10, day: 20 },
    weakGuessesPerEnvironment: { tenMinutes: 50, factor: 5, cap: 500 },
  },
  session: {
    accessTokenSeconds: 600,
    idleSeconds: 1_209_600,
    absoluteSeconds: 2_592_000,
    refreshGraceSeconds: 10,
    claims: {},
  },
  action: {
    expiresInSeconds: 900,
    defaultOutcome: { signIn: 'CHALLENGE', other: 'CHALLENGE' },
    definitions: {},
  },
  methods: {
    emailCode: true,
    emailLink: true,
    passkey: true,
    smsCode: false,
    whatsappCode: false,
    voiceCode: false,
    totp: false,
    recoveryCode: false,
    push: false,
    oidc: false,
  },
  device: { rememberDays: 90, askToRemember: false },
  passkey: {
    rpId: null,
    rpName: null,
    relatedOrigins: [],
    userVerification: 'preferred',
    offerEveryDays: 30,
  },
  mail: { fromName: null, fromAddress: null, replyTo: null, codeInSubject: true },
  testRecipients: [],
  locale: { default: 'en', allowed: null },
  brand: {
    name: 'My app',
    logoUrl: null,
    supportUrl: null,
    colors: { light: {}, dark: {} },
    radius: 8,
    font: 'system',
  },
  notices: { newDevice: true, passkey: true, address: true },
  webhooks: { noticeTo: [] },
  texts: {},
  hooks: { beforeSignIn: { url: null, timeoutMs: 3000, onFailure: 'deny' } },
  retentionDays: { events: 90, challenges: 30, messages: 7, sessions: 30 },
}

/**
 * The settings that hold: an environment's own over the defaults. `factor` (10 under `ostiary dev`) multiplies the
 * defaults of the per-address and per-IP limits, so that trying things out does not run into them.
 */
export function effectiveSettings(own: SettingsPatch, factor = 1): Settings {
  return mergePatch(
    factor === 1 ? DEFAULTS : { ...DEFAULTS, limits: timesFactor(DEFAULTS.limits, factor) },
    own,
  ) as Settings
}

function timesFactor(limits: Settings['limits'], factor: number): Settings['limits'] {
  const wider = { ...limits } as Record<string, Record<string, number>>
  for (const name of [
    'sendsPerAddress',
    'sendsPerAddressAndNetwork',
    'sendsPerAddressUntold',
    'sendsPerKnownDevice',
    'sendsPerIp',
    'wrongPerIp',
  ]) {
    wider[name] = Object.fromEntries(
      Object.entries(wider[name] ?? {}).map(([window, limit]) => [window, limit * factor]),
    )
  }
  return wider as Settings['limits']
}

/** An environment's own settings after a merge patch: null returns a setting to its default. Throws `invalid_request`. */
export function patchSettings(own: SettingsPatch, patch: SettingsPatch): SettingsPatch {
  const next = mergePatch(own, patch) as SettingsPatch
  const errors: FieldError[] = []
  const result = Settings.safeParse(mergePatch(DEFAULTS, next))
  for (const issue of result.error?.issues ?? []) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        errors.push({
          path: [...issue.path, key].join('.'),
          code: 'unknown_field',
          message: 'is not a setting',
        })
    } else errors.push({ path: issue.path.join('.'), code: issue.code, message: issue.message })
  }
  const { session, mail } = { ...DEFAULTS, ...result.data }
  if (session.idleSeconds > session.absoluteSeconds)
    errors.push({
      path: 'session.idleSeconds',
      code: 'too_big',
      message: 'cannot be longer than absoluteSeconds',
    })
  for (const claim of Object.keys(session.claims)) {
    if (RESERVED_CLAIMS.has(claim))
      errors.push({
        path: `session.claims.${claim}`,
        code: 'reserved',
        message: 'is a claim that Ostiary sets',
      })
  }
  if (JSON.stringify(session.claims).length > MAX_CLAIMS_LENGTH)
    errors.push({ path: 'session.claims', code: 'too_big', message: 'can hold at most 2 KB' })
  errors.push(...definitionTextFaults({ action: result.data?.action ?? DEFAULTS.action }))
  if (mail.fromName !== null && mail.fromName.trim() === '')
    errors.push({ path: 'mail.fromName', code: 'too_small', message: 'cannot be blank' })
  if (errors.length > 0)
    throw new OstiaryError('invalid_request', { detail: 'The settings were not changed.', errors })
  return next
}

/** What Ostiary says itself, and what other rules give a meaning (RFC 7519, 8693, 9068, OpenID Connect). */
export const RESERVED_CLAIMS = new Set(
  'iss sub aud exp nbf iat jti sid amr acr auth_time client_id azp scope cnf act may_act nonce at_hash c_hash'.split(
    ' ',
  ),
)
/** Of all claims together, as JSON: a token travels with each request. */
export const MAX_CLAIMS_LENGTH = 2048

/** A JSON merge patch (RFC 7396). A key that would reach an object's prototype is dropped; the edge has refused it before. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (key === '__proto__') continue
    if (value === null) delete result[key]
    else result[key] = mergePatch(result[key], value)
  }
  return result
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
