import type { Clock, Transport } from '../core/ports.ts'
import { createFailover, type Way } from './failover.ts'
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
/** For one of several to hand a mail over; then its answer has what is left. */
const HAND_OVER_MS = 8_000
const SMTP_MS = 20_000
const WEBHOOK_MS = 15_000

/**
 * The transport of a process: `SMTP_URL`, then `SMTP_FALLBACK_URL`, then the webhook. Null where none is configured. By the
 * clock, which has to be that of the outbox, a way that failed rests.
 */
export function createTransports(
  { smtpUrl, smtpFallbackUrl, mailWebhook }: TransportSettings,
  { log, clock }: { log: Log; clock: Pick<Clock, 'now'> },
): Transport | null {
  const count = [smtpUrl, smtpFallbackUrl, mailWebhook].filter(one => one !== null).length
  const ways: Way[] = []
  const smtp = (url: string, name: string) => {
    const times = timesOf(ways.length, count, SMTP_MS)
    ways.push({ transport: { ...createSmtpTransport({ url, ...times }), name }, ...times })
  }
  if (smtpUrl !== null) smtp(smtpUrl, 'smtp')
  if (smtpFallbackUrl !== null) smtp(smtpFallbackUrl, 'smtp fallback')
  if (mailWebhook) {
    const { timeoutMs } = timesOf(ways.length, count, WEBHOOK_MS)
    ways.push({ transport: createWebhookTransport({ ...mailWebhook, timeoutMs }), handOverMs: timeoutMs })
  }
  const [only] = ways
  if (!only) return null
  return ways.length === 1 ? only.transport : createFailover(ways, { clock, log })
}

/**
 * The time of the way in this place, of so many, that would take `own` alone. Those before it may have used up theirs to
 * hand over, and the last one need not leave any.
 */
export function timesOf(
  place: number,
  count: number,
  own: number,
): { timeoutMs: number; handOverMs: number } {
  const timeoutMs = Math.min(own, TOTAL_MS - place * HAND_OVER_MS)
  return { timeoutMs, handOverMs: place === count - 1 ? timeoutMs : HAND_OVER_MS }
}
