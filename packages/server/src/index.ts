/** Ostiary as a library: the whole server as one function from Request to Response. */

export { ERRORS, type ErrorCode, OstiaryError } from './core/errors.ts'
export type { Metrics, MetricsBook, Vitals } from './core/metrics.ts'
export {
  type Clock,
  DeliveryError,
  type Mail,
  type Random,
  type Store,
  type Transport,
} from './core/ports.ts'
export { VERSION } from './core/version.ts'
export { createFailover, type Way } from './delivery/failover.ts'
export { createSmtpTransport, type SmtpOptions } from './delivery/smtp.ts'
export { createWebhookTransport, type WebhookOptions } from './delivery/webhook.ts'
export { createOstiary, type Ostiary, type OstiaryOptions } from './main.ts'
export { createPrometheus } from './observability/prometheus.ts'
