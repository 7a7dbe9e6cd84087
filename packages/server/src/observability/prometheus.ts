import {
  type Aggregator,
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  Registry,
} from 'prom-client'
import type { MetricsBook, Vitals } from '../core/metrics.ts'
import { VERSION } from '../core/version.ts'

const REQUEST_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const DELIVERY_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20]
const COMMIT_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
const COMMIT_OPERATIONS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS'])

/** The metrics of one process as plain values, for a process that adds them up. */
export type Snapshot = object[]

export interface Prometheus extends MetricsBook {
  snapshot(vitals: Vitals | null, now: number): Promise<Snapshot>
}

/** One page for several processes: counters and histograms are summed, what is read from the store is shown once. */
export async function joinSnapshots(snapshots: Snapshot[]): Promise<{ contentType: string; text: string }> {
  const registry = AggregatorRegistry.aggregate(snapshots)
  return { contentType: registry.contentType, text: await registry.metrics() }
}

/**
 * Keeps the metrics for Prometheus (text format 0.0.4), in a registry of its own: any number of servers may live in one
 * process. Event-loop lag, memory, CPU and garbage collection come under the names that every Node program has.
 */
export function createPrometheus(): Prometheus {
  const registry = new Registry()
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter<Label>({ name, help, labelNames, registers: [registry] })
  const histogram = <Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly Label[] = [],
  ) => new Histogram<Label>({ name, help, buckets, labelNames, registers: [registry] })

  const sends = counter('ostiary_sends_total', 'Messages asked for, by what became of the wish', [
    'environment',
    'channel',
    'result',
  ])
  const verifies = counter('ostiary_verifies_total', 'Answers to challenges, by how they were judged', [
    'environment',
    'method',
    'result',
  ])
  const opened = counter('ostiary_sessions_opened_total', 'Sessions opened', ['environment'])
  const refreshes = counter('ostiary_session_refreshes_total', 'Refresh tokens presented, by the outcome', [
    'environment',
    'result',
  ])
  const limits = counter('ostiary_limits_fired_total', 'Refusals by a limit', ['environment', 'limit'])
  const requests = counter('ostiary_http_requests_total', 'Requests answered', ['method', 'route', 'status'])
  const requestSeconds = histogram(
    'ostiary_http_request_duration_seconds',
    'Time from a request to its answer',
    REQUEST_SECONDS,
    ['method', 'route'],
  )
  const refusals = counter('ostiary_refusals_total', 'Requests refused, by the code of the error', ['code'])
  const deliveries = counter('ostiary_deliveries_total', 'Calls of a transport', ['transport', 'outcome'])
  const deliverySeconds = histogram(
    'ostiary_delivery_duration_seconds',
    'Time of one call of a transport',
    DELIVERY_SECONDS,
    ['transport'],
  )
  const settled = counter('ostiary_message_tries_total', 'Tries at a message whose outcome was stored', [
    'outcome',
  ])
  const webhooks = counter('ostiary_webhook_tries_total', 'Tries at a webhook whose outcome was stored', [
    'environment',
    'outcome',
  ])
  const commitOperations = histogram(
    'ostiary_store_commit_operations',
    'Operations in one commit',
    COMMIT_OPERATIONS,
  )
  const commitSeconds = histogram(
    'ostiary_store_commit_duration_seconds',
    'Time of one commit, from its begin to its fsync',
    COMMIT_SECONDS,
  )
  const gauges = createGauges(registry)
  collectDefaultMetrics({ register: registry })

  return {
    sendAsked: (environment, channel, result) => sends.inc({ environment, channel, result }),
    answerJudged: (environment, method, result) => verifies.inc({ environment, method, result }),
    sessionOpened: environment => opened.inc({ environment }),
    refreshAsked: (environment, result) => refreshes.inc({ environment, result }),
    limitFired: (environment, limit) => limits.inc({ environment, limit }),
    requestServed({ method: told, route, status, seconds }) {
      // A client may send any word as a method.
      const method = METHODS.has(told) ? told : 'other'
      requests.inc({ method, route, status })
      requestSeconds.observe({ method, route }, seconds)
    },
    requestRefused: code => refusals.inc({ code }),
    transportCalled(transport, outcome, seconds) {
      deliveries.inc({ transport, outcome })
      deliverySeconds.observe({ transport }, seconds)
    },
    messageSettled: outcome => settled.inc({ outcome }),
    webhookSettled: (environment, outcome) => webhooks.inc({ environment, outcome }),
    committed(operations, seconds) {
      commitOperations.observe(operations)
      commitSeconds.observe(seconds)
    },
    async page(vitals, now) {
      gauges.set(vitals, now)
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
    async snapshot(vitals, now) {
      gauges.set(vitals, now)
      return await registry.getMetricsAsJSON()
    },
    close: () => registry.clear(),
  }
}

function createGauges(registry: Registry) {
  // Each process reads the same store, so of several the highest counts, and not their sum.
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
    aggregator: Aggregator = 'max',
  ) => new Gauge<Label>({ name, help, labelNames, aggregator, registers: [registry] })
  const build = gauge('ostiary_build_info', 'Always 1; its labels tell what runs', ['version', 'node'])
  const isUp = gauge('ostiary_store_up', '1 when the store could be read for this page', [], 'min')
  const depth = gauge('ostiary_outbox_messages', 'Messages on their way, those under way included')
  const age = gauge('ostiary_outbox_oldest_age_seconds', 'How long the oldest of them waits; 0 without any')
  const waiting = gauge('ostiary_webhook_deliveries_waiting', 'Webhooks that wait for enabled endpoints')
  const overdue = gauge(
    'ostiary_webhook_oldest_due_age_seconds',
    'For how long the webhook that is due longest has been due; 0 without any',
  )
  const disabled = gauge('ostiary_webhook_endpoints_disabled', 'Webhook endpoints that are disabled', [
    'environment',
    'reason',
  ])
  const protection = gauge('ostiary_protection_raised', '1 while all new codes are strong', ['environment'])
  build.set({ version: VERSION, node: process.versions.node }, 1)
  return {
    set(vitals: Vitals | null, now: number) {
      isUp.set(vitals ? 1 : 0)
      if (!vitals) return
      const { queued, oldestQueuedAt } = vitals.outbox
      depth.set(queued)
      age.set(secondsSince(oldestQueuedAt, now))
      waiting.set(vitals.webhooks.queued)
      overdue.set(secondsSince(vitals.webhooks.oldestDueAt, now))
      for (const { slug: environment, isProtectionRaised, disabledWebhooks } of vitals.environments) {
        protection.set({ environment }, isProtectionRaised ? 1 : 0)
        for (const [reason, count] of Object.entries(disabledWebhooks))
          disabled.set({ environment, reason }, count)
      }
    },
  }
}

const secondsSince = (instant: number | null, now: number) =>
  instant === null ? 0 : Math.max(0, (now - instant) / 1000)
