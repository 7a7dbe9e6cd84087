import type { WebhookEndpoint } from './rows.ts'

/**
 * What is counted (CONTRACT section 4). A port, so that nothing but its adapter knows how counters are kept and shown.
 * No value that it is given comes from a person or names one: slugs of environments, codes of refusals, route patterns,
 * names of limits and transports. Each method is cheap, answers nothing and never throws.
 */
export interface Metrics {
  /** A message was asked for, by a challenge or a resend: `queued`, or the code of the refusal. */
  sendAsked(environment: string, channel: string, result: string): void
  /** An answer to a challenge was judged: `verified`, or the code of the refusal. */
  answerJudged(environment: string, method: 'code' | 'link' | 'passkey', result: string): void
  /** A session was opened, by an answer or later. */
  sessionOpened(environment: string): void
  /** A refresh token was presented: `refreshed`, `repeated`, or the code of the refusal. */
  refreshAsked(environment: string, result: string): void
  limitFired(environment: string, limit: string): void
  /** A request was answered; `route` is the pattern that matched, never the path. */
  requestServed(request: { method: string; route: string; status: number; seconds: number }): void
  /** A request was refused; also those that leave no event: 401s and malformed ones (PROTOCOL section 6). */
  requestRefused(code: string): void
  /** A transport was called: `sent`, `refused` (trying again cannot help) or `failed`. */
  transportCalled(transport: string, outcome: 'sent' | 'refused' | 'failed', seconds: number): void
  /** The outcome of a try was stored. */
  messageSettled(outcome: 'sent' | 'retry' | 'failed'): void
  /** The outcome of a try at a webhook was stored. */
  webhookSettled(environment: string, outcome: 'delivered' | 'retry' | 'failed'): void
  /** So many operations went into one commit, which took so long from its begin to its fsync. */
  committed(operations: number, seconds: number): void
}

/** What can only be read from the store: asked for when somebody looks at the metrics. */
export interface Vitals {
  /** Messages on their way, those under way included, and when the one that waits longest was queued. */
  outbox: { queued: number; oldestQueuedAt: number | null }
  /** Webhooks that wait for endpoints that are enabled, and since when the one that is due longest has been due. */
  webhooks: { queued: number; oldestDueAt: number | null }
  /**
   * By the slug of the environment: whether protection is raised (PROTOCOL section 1), and how many webhook endpoints are
   * disabled for which reason.
   */
  environments: {
    slug: string
    isProtectionRaised: boolean
    disabledWebhooks: Record<NonNullable<WebhookEndpoint['disabledReason']>, number>
  }[]
}

/** Metrics that can be shown. */
export interface MetricsBook extends Metrics {
  /** The page that a scraper reads. `vitals` is null when the store cannot tell: the rest is shown all the same. */
  page(vitals: Vitals | null, now: number): Promise<{ contentType: string; text: string }>
  /** Lets go of what watches the process. */
  close(): void
}

/** Counts nothing. */
export const SILENT_METRICS: Metrics = {
  sendAsked: () => {},
  answerJudged: () => {},
  sessionOpened: () => {},
  refreshAsked: () => {},
  limitFired: () => {},
  requestServed: () => {},
  requestRefused: () => {},
  transportCalled: () => {},
  messageSettled: () => {},
  webhookSettled: () => {},
  committed: () => {},
}
