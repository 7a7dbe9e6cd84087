import type { Call } from '../core/deps.ts'
import { newId } from '../core/ids.ts'
import type { Page } from '../core/ports.ts'
import { EVENT_TYPES, type Event, type EventType } from '../core/rows.ts'
import { webhookHeaders, webhookKeys } from '../core/standard-webhooks.ts'
import { eventPayload, TEST_TYPE, testPayload } from '../core/webhooks/payload.ts'
import { parseTarget } from '../core/webhooks/target.ts'
import { iso } from '../http/wire.ts'
import type { Ostiary } from '../main.ts'
import { TIMEOUT_MS } from '../webhooks/attempt.ts'
import { type PostResult, post } from '../webhooks/post.ts'
import { follow, untilInterrupted } from './follow.ts'
import { type EnvironmentOptions, withCall } from './operator.ts'
import { Hint, print, printJsonLine } from './terminal.ts'

export interface ListenOptions extends EnvironmentOptions {
  forwardTo?: string
  type?: string
  secret?: string
}

/** Refuses what is no event, with the names of those that are. */
export function refuseUnknownType(type: string): asserts type is EventType {
  if (!EVENT_TYPES.includes(type as EventType))
    throw new Hint(`"${type}" is not a type of event`, `choose from: ${EVENT_TYPES.join(', ')}`)
}

/** Where to, and what signs: a secret of this server's own, the same at every run, so that an app can keep it. */
interface Forwarding {
  url: URL
  secret: string
  keys: Buffer[]
}

/**
 * `ostiary webhooks listen`: a webhook endpoint for a machine that nobody can reach. Each event is posted once, in the
 * order in which they are read, from this process, to wherever the operator says.
 */
export async function listen(options: ListenOptions): Promise<void> {
  if (options.type !== undefined) refuseUnknownType(options.type)
  await withCall(options, async (ostiary, call) => {
    const forwarding = forwardingOf(ostiary, options)
    const filter = {
      type: options.type ?? null,
      userId: null,
      challengeId: null,
      actionId: null,
      sessionId: null,
    }
    const signal = untilInterrupted()
    if (!options.json) {
      print(
        `Posting events of ${options.environment} to ${forwarding.url.href} until Ctrl+C. They are signed with`,
      )
      print(`\n  ${forwarding.secret}\n`)
    } else printJsonLine({ forwardTo: forwarding.url.href, secret: forwarding.secret })
    let last = Promise.resolve()
    const show = (event: Event) => {
      last = last.then(async () => {
        if (signal.aborted) return
        const { id, type } = event
        await forward(ostiary, forwarding, { id, type, payload: eventPayload(event) }, options)
      })
    }
    const read = (page: Page) => ostiary.store.listEvents(call.view.environment.id, filter, page)
    await follow({ read, show, from: ostiary.deps.clock.now(), signal })
    await last
  })
}

/** `ostiary webhooks trigger --forward-to`: one made-up event, from here. Throws when it is not taken. */
export async function sendSample(
  ostiary: Ostiary,
  { view }: Call,
  type: string | undefined,
  options: ListenOptions,
): Promise<void> {
  const now = ostiary.deps.clock.now()
  const sample = {
    id: newId('dlv', now),
    eventType: type ?? TEST_TYPE,
    environmentId: view.environment.id,
    createdAt: now,
  }
  const forwarding = forwardingOf(ostiary, options)
  const posted = { id: sample.id, type: sample.eventType, payload: testPayload(sample) }
  const result = await forward(ostiary, forwarding, posted, options)
  if ('error' in result || result.status < 200 || result.status > 299)
    throw new Error('the receiver did not take it')
}

function forwardingOf({ deps }: Ostiary, { forwardTo = '', secret: given }: ListenOptions): Forwarding {
  const secret = given ?? `whsec_${deps.keyring.derive('webhooks listen').toString('base64')}`
  const attempt = <T>(read: () => T, name: string): T => {
    try {
      return read()
    } catch (error) {
      throw new Hint(`${name} ${(error as Error).message}`, `see: ostiary webhooks listen --help`)
    }
  }
  return {
    secret,
    url: attempt(() => parseTarget(forwardTo), '--forward-to').url,
    keys: attempt(() => webhookKeys(secret), '--secret'),
  }
}

async function forward(
  { deps }: Ostiary,
  { url, keys }: Forwarding,
  { id, type, payload }: { id: string; type: string; payload: string },
  { json }: ListenOptions,
): Promise<PostResult> {
  const begunAt = performance.now()
  const now = deps.clock.now()
  const headers = { 'Content-Type': 'application/json', ...webhookHeaders(keys, id, now, payload) }
  // The operator names the target on the machine itself: nobody else's address is in it, so none is refused.
  const result = await post({ url, headers, body: payload, timeoutMs: TIMEOUT_MS, refusalOf: () => null })
  const durationMs = Math.round(performance.now() - begunAt)
  const outcome = 'error' in result ? result.error : String(result.status)
  if (json) printJsonLine({ at: iso(now), webhookId: id, type, outcome, durationMs })
  else print(`${iso(now)}  ${type}  ${id}  -> ${outcome}  (${durationMs} ms)`)
  return result
}
