import type { Command } from 'commander'
import type { Call } from '../core/deps.ts'
import { type Replayed, replayDelivery, replaySince, testEndpoint } from '../core/webhooks/deliveries.ts'
import { iso, isoOrNull } from '../http/wire.ts'
import { webhookDeliveryBody, webhookEndpointBody } from '../http/wire-webhooks.ts'
import type { Ostiary } from '../main.ts'
import { type EnvironmentOptions, otherwiseHint, withCall, withEnvironmentOptions } from './operator.ts'
import { Hint, print, printJson, table } from './terminal.ts'
import { type ListenOptions, listen, refuseUnknownType, sendSample } from './webhooks-listen.ts'

interface ReplayOptions extends EnvironmentOptions {
  delivery?: string
  since?: string
  undelivered?: true
}

type TriggerOptions = ListenOptions & { endpoint?: string }

/** Adds `ostiary webhooks`: what the endpoints are, events on this machine, samples, and sending again. */
export function addWebhooksCommand(program: Command): void {
  const command = program
    .command('webhooks')
    .description('list endpoints, listen on this machine, send samples, send again')
    .addHelpText(
      'after',
      '\nExample:\n  $ ostiary webhooks listen --forward-to http://localhost:3000/webhooks',
    )
  withEnvironmentOptions(command.command('list').description('list endpoints and how they are'))
    .addHelpText('after', '\nExample:\n  $ ostiary webhooks list')
    .action((options: EnvironmentOptions) =>
      withCall(options, (ostiary, call) => list(ostiary, call, options)),
    )
  withEnvironmentOptions(
    command.command('listen').description('post events to a server on this machine, as they happen'),
    'test',
  )
    .requiredOption('-f, --forward-to <url>', 'where to')
    .option('-t, --type <type>', 'only events of this type')
    .option('-s, --secret <secret>', 'whsec_… that signs, instead of the one that is printed')
    .addHelpText(
      'after',
      '\nExample:\n  $ ostiary webhooks listen --data .ostiary --forward-to http://localhost:3000/webhooks',
    )
    .action(listen)
  withEnvironmentOptions(
    command
      .command('trigger')
      .description('send a made-up event to an endpoint, or to a server on this machine'),
    'test',
  )
    .argument('[type]', 'for example user.created; webhook.test where it is left out')
    .option('--endpoint <id>', 'whk_…: a running server sends it')
    .option('-f, --forward-to <url>', 'or: post it from here')
    .option('-s, --secret <secret>', 'whsec_… that signs, with --forward-to')
    .addHelpText('after', '\nExample:\n  $ ostiary webhooks trigger user.created --endpoint whk_…')
    .action(trigger)
  withEnvironmentOptions(
    command.command('replay').description('send again what an endpoint was sent or missed'),
  )
    .argument('<endpoint>', 'whk_…')
    .option('--delivery <id>', 'one delivery, dlv_…')
    .option('--since <when>', 'all since then: an instant, or 30m, 2h, 3d ago')
    .option('--undelivered', 'with --since: leave out what it has taken')
    .addHelpText('after', '\nExample:\n  $ ostiary webhooks replay whk_… --since 2h --undelivered')
    .action(replay)
}

async function list({ store }: Ostiary, { view }: Call, options: EnvironmentOptions) {
  const endpoints = await store.listWebhookEndpoints(view.environment.id)
  if (options.json) return printJson(endpoints.map(webhookEndpointBody))
  if (endpoints.length === 0) return print(`no webhook endpoints in ${options.environment}`)
  print(
    table(
      endpoints.map(({ id, url, eventTypes, status, disabledReason, firstFailedAt }) => [
        id,
        [
          status === 'enabled' ? 'enabled' : `disabled (${disabledReason})`,
          url,
          eventTypes === null ? 'all events' : eventTypes.join(' '),
          ...(firstFailedAt === null ? [] : [`failing since ${iso(firstFailedAt)}`]),
        ].join('  '),
      ]),
    ),
  )
}

async function trigger(type: string | undefined, options: TriggerOptions) {
  if ((options.endpoint === undefined) === (options.forwardTo === undefined))
    throw new Hint(
      'where should it go?',
      'say either --endpoint whk_… or --forward-to http://localhost:3000/webhooks',
    )
  if (type !== undefined) refuseUnknownType(type)
  await withCall(options, async (ostiary, call) => {
    if (options.forwardTo !== undefined) return await sendSample(ostiary, call, type, options)
    const id = options.endpoint ?? ''
    const delivery = await testEndpoint(ostiary.deps, call, id, type).catch(unknownEndpoint(options))
    if (options.json) printJson(webhookDeliveryBody(delivery))
    else print(`queued ${delivery.eventType} as ${delivery.id}: a running server sends it within a second`)
  })
}

async function replay(endpointId: string, options: ReplayOptions) {
  const { delivery, since, undelivered = false } = options
  if ((delivery === undefined) === (since === undefined))
    throw new Hint('what should be sent again?', 'say either --delivery dlv_… or --since 2h')
  await withCall(options, async ({ deps }, call) => {
    if (delivery !== undefined) {
      const one = await replayDelivery(deps, call, endpointId, delivery).catch(unknownEndpoint(options))
      return tell(one.queued, null, options)
    }
    const begin = instantOf(since ?? '', deps.clock.now())
    let queued = 0
    for (let from: number | null = begin; from !== null; ) {
      const step: Replayed = await replaySince(deps, call, endpointId, {
        since: from,
        isUndeliveredOnly: undelivered,
      }).catch(unknownEndpoint(options))
      queued += step.queued
      from = step.nextSince
    }
    tell(queued, begin, options)
  })
}

function tell(queued: number, since: number | null, { json }: ReplayOptions) {
  if (json) printJson({ queued, since: isoOrNull(since) })
  else print(`queued ${queued} ${queued === 1 ? 'delivery' : 'deliveries'}: a running server sends them`)
}

const unknownEndpoint = ({ environment }: EnvironmentOptions) =>
  otherwiseHint(`there is no such endpoint or delivery in ${environment}`, 'see: ostiary webhooks list')

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

function instantOf(text: string, now: number): number {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  if (count !== undefined) return now - Number(count) * (UNITS[unit] ?? 0)
  const instant = Date.parse(text)
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(instant))
    throw new Hint(`"${text}" is not an instant`, 'say 30m, 2h, 3d, or 2026-01-31T12:00:00Z')
  return instant
}
