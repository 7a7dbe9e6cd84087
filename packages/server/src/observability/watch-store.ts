import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OstiaryError } from '../core/errors.ts'
import type { Metrics } from '../core/metrics.ts'
import {
  type Attempt,
  type Attempted,
  type AttemptedInAction,
  type Created,
  Replayed,
  type Resent,
  type Rotated,
  type Store,
} from '../core/ports.ts'
import { tracer } from '../core/tracer.ts'

/** What became of a call that the caller sees as success; any other kind of outcome is told by its error code. */
const DONE: Record<string, string> = {
  created: 'queued',
  resent: 'queued',
  verified: 'verified',
  rotated: 'refreshed',
  repeated: 'repeated',
}

/** The error code that the caller of each kind of outcome gets (`core/challenges`, `core/sessions`). */
const REFUSED: Record<string, string> = {
  limited: 'rate_limited',
  early: 'rate_limited',
  notFound: 'not_found',
  userUnknown: 'not_found',
  expired: 'challenge_expired',
  used: 'challenge_used',
  exhausted: 'attempts_exhausted',
  sendsExhausted: 'sends_exhausted',
  late: 'resend_too_late',
  incorrect: 'code_incorrect',
  linkInvalid: 'link_invalid',
  userBlocked: 'user_blocked',
  signUpClosed: 'sign_up_closed',
  externalIdTaken: 'external_id_taken',
  reused: 'refresh_reused',
  invalid: 'refresh_invalid',
  stateConflict: 'state_conflict',
  approvalOver: 'link_invalid',
  approvalWrong: 'link_invalid',
}

type Outcome = Created | Resent | Attempted | AttemptedInAction | Rotated | { kind: 'stateConflict' }

/**
 * The same store, watched: outcomes are counted where they are decided, so that core stays free of counters; and inside
 * a request each call is a span. A call that an Idempotency-Key answers again counts as `replayed`, not as another one.
 */
export function watchStore(store: Store, metrics: Metrics): Store {
  const traced = traceStore(store)
  const slugs = new Map<string, string>()
  // Slugs are few and made by the operator; an id would be a label that says nothing.
  const slugOf = (environmentId: string) => slugs.get(environmentId) ?? 'unknown'

  const counted = async <T extends Outcome>(
    environmentId: string,
    call: Promise<T>,
    count: (environment: string, result: string) => void,
  ): Promise<T> => {
    const environment = slugOf(environmentId)
    try {
      const outcome = await call
      count(environment, DONE[outcome.kind] ?? REFUSED[outcome.kind] ?? 'other')
      if (outcome.kind === 'limited') metrics.limitFired(environment, outcome.limit)
      if (outcome.kind === 'early') metrics.limitFired(environment, 'resend')
      return outcome
    } catch (error) {
      count(environment, resultOf(error))
      throw error
    }
  }

  return {
    ...traced,
    async listEnvironments() {
      const environments = await traced.listEnvironments()
      for (const { id, slug } of environments) slugs.set(id, slug)
      return environments
    },
    createChallenge: (input, once) =>
      counted(input.origin.environmentId, traced.createChallenge(input, once), (environment, result) =>
        metrics.sendAsked(environment, input.row.channel, result),
      ),
    async resendChallenge(input, once) {
      // A refusal does not tell the channel.
      let channel = 'unknown'
      const resent = traced.resendChallenge(input, once).then(outcome => {
        if (outcome.kind === 'resent') channel = outcome.challenge.channel
        return outcome
      })
      return await counted(input.origin.environmentId, resent, (environment, result) =>
        metrics.sendAsked(environment, channel, result),
      )
    },
    async attempt(input, once) {
      const outcome = await counted(
        input.origin.environmentId,
        traced.attempt(input, once),
        (environment, result) => metrics.answerJudged(environment, methodOf(input), result),
      )
      if (outcome.kind === 'verified' && outcome.session)
        metrics.sessionOpened(slugOf(input.origin.environmentId))
      return outcome
    },
    async createAction(input, once) {
      const outcome = await traced.createAction(input, once)
      if (outcome.kind === 'limited') metrics.limitFired(slugOf(input.origin.environmentId), outcome.limit)
      return outcome
    },
    sendInAction: input =>
      counted(input.origin.environmentId, traced.sendInAction(input), (environment, result) =>
        metrics.sendAsked(environment, input.challenge.row.channel, result),
      ),
    attemptInAction: input =>
      counted(input.origin.environmentId, traced.attemptInAction(input), (environment, result) =>
        metrics.answerJudged(environment, methodOf(input.attempt), result),
      ),
    enrolInAction: input =>
      counted(input.origin.environmentId, traced.enrolInAction(input), (environment, result) =>
        metrics.answerJudged(environment, methodOf(input.attempt), result),
      ),
    async createPasskeyChallenge(input, once) {
      const outcome = await traced.createPasskeyChallenge(input, once)
      if (outcome.kind === 'limited') metrics.limitFired(slugOf(input.origin.environmentId), outcome.limit)
      return outcome
    },
    async beginPasskeyInAction(input) {
      const outcome = await traced.beginPasskeyInAction(input)
      if (outcome.kind === 'limited') metrics.limitFired(slugOf(input.origin.environmentId), outcome.limit)
      return outcome
    },
    async validateAction(input, once) {
      const outcome = await traced.validateAction(input, once)
      if (outcome.kind === 'validated' && outcome.session)
        metrics.sessionOpened(slugOf(input.origin.environmentId))
      return outcome
    },
    async openActionSession(input, once) {
      const outcome = await traced.openActionSession(input, once)
      if (outcome.kind === 'opened') metrics.sessionOpened(slugOf(input.origin.environmentId))
      return outcome
    },
    async openSession(input, once) {
      const outcome = await traced.openSession(input, once)
      if (outcome.kind === 'opened') metrics.sessionOpened(slugOf(input.origin.environmentId))
      return outcome
    },
    rotateRefresh: (input, once) =>
      counted(input.origin.environmentId, traced.rotateRefresh(input, once), metrics.refreshAsked),
    async settleMessages(outcomes) {
      await traced.settleMessages(outcomes)
      for (const { kind } of outcomes) metrics.messageSettled(kind)
    },
    async settleWebhooks(outcomes, failingMs, noticesOf) {
      const disabled = await traced.settleWebhooks(outcomes, failingMs, noticesOf)
      for (const { kind, environmentId } of outcomes) metrics.webhookSettled(slugOf(environmentId), kind)
      return disabled
    },
  }
}

const methodOf = ({ proof }: Attempt) =>
  proof.kind === 'code' || proof.kind === 'link' ? proof.kind : 'passkey'

/** What became of a call that threw. */
function resultOf(error: unknown): string {
  if (error instanceof Replayed) return 'replayed'
  return error instanceof OstiaryError ? error.code : 'internal_error'
}

/** Gives each call inside a trace a span of its own. Without one there is none: the worker looks every second. */
function traceStore(store: Store): Store {
  const traced: Record<string, unknown> = {}
  for (const [name, method] of Object.entries(store) as [string, (...args: unknown[]) => unknown][]) {
    traced[name] = (...args: unknown[]) => {
      if (!trace.getActiveSpan()) return method(...args)
      const span = tracer.startSpan(`store ${name}`, { kind: SpanKind.CLIENT })
      return context.with(trace.setSpan(context.active(), span), () => ended(span, method(...args)))
    }
  }
  return traced as unknown as Store
}

function ended(span: Span, result: unknown): unknown {
  if (!(result instanceof Promise)) {
    span.end()
    return result
  }
  return result.then(
    value => {
      // Of an outcome only its kind: a row holds addresses and hashes.
      if (typeof value?.kind === 'string') span.setAttribute('ostiary.outcome', value.kind)
      span.end()
      return value
    },
    error => {
      const code = resultOf(error)
      span.setAttribute('error.type', code)
      if (code !== 'replayed') span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
      throw error
    },
  )
}
