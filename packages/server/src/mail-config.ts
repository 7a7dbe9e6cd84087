import { webhookKeys } from './core/standard-webhooks.ts'
import { parseSmtpUrl } from './delivery/smtp-url.ts'
import type { TransportSettings } from './delivery/transports.ts'
import { parseWebhookUrl } from './delivery/webhook-url.ts'
import type { MailEvents } from './http/hooks/hooks.ts'
import { MAIL_EVENT_SETTINGS, type MailEventSources } from './http/hooks/sources.ts'

/** How mail leaves the house, and who may report what became of it. */
export interface MailConfig extends TransportSettings {
  mailEvents: MailEvents
}

/** The settings of the ways out, and all settings that are read here. */
export const TRANSPORT_SETTINGS = ['SMTP_URL', 'SMTP_FALLBACK_URL', 'MAIL_WEBHOOK_URL', 'MAIL_WEBHOOK_SECRET']
export const MAIL_SETTINGS = [...TRANSPORT_SETTINGS, ...MAIL_EVENT_SETTINGS.map(({ name }) => name)]

type Env = Record<string, string | undefined>
type Wrong = (name: string, problem: string, fix: string) => void
type Attempt = <T>(name: string, fix: string, read: () => T, otherwise: T) => T

const SMTP_FIX = 'set it, for example smtp://user:password@mail.example.com:587'
const URL_FIX = 'set it to the https URL of the service that sends, for example https://mail.example.com/send'
const SECRET_FIX = 'set it to whsec_ and the output of: openssl rand -base64 32'

/** Reads the settings of mail. At least one way out is needed; a half that is set without its other half is told. */
export function readMailConfig(env: Env, wrong: Wrong, attempt: Attempt): MailConfig {
  const smtpUrl = env.SMTP_URL || null
  const smtpFallbackUrl = env.SMTP_FALLBACK_URL || null
  const mailWebhook = readWebhook(env, wrong, attempt)
  if (smtpUrl === null && !env.MAIL_WEBHOOK_URL)
    wrong('SMTP_URL', 'is missing: no code would ever arrive', `${SMTP_FIX}; or set MAIL_WEBHOOK_URL`)
  for (const [name, url] of [
    ['SMTP_URL', smtpUrl],
    ['SMTP_FALLBACK_URL', smtpFallbackUrl],
  ] as const)
    if (url !== null) attempt(name, SMTP_FIX, () => void parseSmtpUrl(url), undefined)
  if (smtpFallbackUrl !== null && smtpUrl === null)
    wrong('SMTP_FALLBACK_URL', 'is set without SMTP_URL', 'set SMTP_URL to it, or set both')
  if (smtpFallbackUrl !== null && smtpFallbackUrl === smtpUrl)
    wrong('SMTP_FALLBACK_URL', 'is the same as SMTP_URL', 'name another server, or leave it out')
  return { smtpUrl, smtpFallbackUrl, mailWebhook, mailEvents: { sources: readSources(env, attempt) } }
}

function readWebhook(env: Env, wrong: Wrong, attempt: Attempt): MailConfig['mailWebhook'] {
  const { MAIL_WEBHOOK_URL: url, MAIL_WEBHOOK_SECRET: secret } = env
  if (url) attempt('MAIL_WEBHOOK_URL', URL_FIX, () => void parseWebhookUrl(url), undefined)
  if (url && !secret)
    wrong('MAIL_WEBHOOK_SECRET', 'is missing: nobody could tell whose mail it is', SECRET_FIX)
  const keys = secret ? attempt('MAIL_WEBHOOK_SECRET', SECRET_FIX, () => webhookKeys(secret), []) : []
  if (secret && !url) wrong('MAIL_WEBHOOK_URL', 'is missing, but MAIL_WEBHOOK_SECRET is set', URL_FIX)
  return url ? { url, keys } : null
}

function readSources(env: Env, attempt: Attempt): MailEventSources {
  return Object.assign(
    {},
    ...MAIL_EVENT_SETTINGS.map(({ name, fix, read }) => {
      const text = env[name]
      return text ? attempt(name, fix, () => read(text), {}) : {}
    }),
  )
}
