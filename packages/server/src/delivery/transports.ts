import type { Clock, Transport } from '../core/ports.ts'
import { systemClock } from '../core/system.ts'
import { createFailover } from './failover.ts'
import type { Log } from './log.ts'
import { createSmtpTransport } from './smtp.ts'
import { createWebhookTransport } from './webhook.ts'

/** The ways out of the house that the process is configured with; null for those that it is not. */
export interface TransportSettings {
  smtpUrl: string | null
  smtpFallbackUrl: string | null
  mailWebhook: { url: string; keys: Buffer[] } | null
}

/** All of one delivery: well within a lease, however many ways are tried. */
const TOTAL_MS = 24_000
const SMTP_MS = 20_000
const WEBHOOK_MS = 15_000

/** The transport of a process: `SMTP_URL`, then `SMTP_FALLBACK_URL`, then the webhook. Null where none is configured. */
export function createTransports(
  { smtpUrl, smtpFallbackUrl, mailWebhook }: TransportSettings,
  { log, clock = systemClock }: { log: Log; clock?: Clock },
): Transport | null {
  const count = [smtpUrl, smtpFallbackUrl, mailWebhook].filter(one => one !== null).length
  const share = (own: number) => Math.min(own, Math.floor(TOTAL_MS / Math.max(1, count)))
  const smtp = (url: string | null, name: string) =>
    url === null ? [] : [{ ...createSmtpTransport({ url, timeoutMs: share(SMTP_MS) }), name }]
  const transports: Transport[] = [
    ...smtp(smtpUrl, 'smtp'),
    ...smtp(smtpFallbackUrl, 'smtp fallback'),
    ...(mailWebhook ? [createWebhookTransport({ ...mailWebhook, timeoutMs: share(WEBHOOK_MS) })] : []),
  ]
  const [only] = transports
  if (!only) return null
  return transports.length === 1 ? only : createFailover(transports, { clock, log })
}
