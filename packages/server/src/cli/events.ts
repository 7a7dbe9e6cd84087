import type { Command } from 'commander'
import { eventBody } from '../core/events/body.ts'
import type { Page } from '../core/ports.ts'
import { EVENT_TYPES, type Event, type EventType } from '../core/rows.ts'
import { iso } from '../http/wire.ts'
import { follow, readUpTo, untilInterrupted } from './follow.ts'
import { type EnvironmentOptions, withCall, withEnvironmentOptions } from './operator.ts'
import { Hint, print, printJson, printJsonLine, readCount } from './terminal.ts'

interface Options extends EnvironmentOptions {
  type?: string
  user?: string
  limit: string
  follow?: true
}

/** Adds `ostiary events`: what happened, and what happens. */
export function addEventsCommand(program: Command): void {
  withEnvironmentOptions(program.command('events').description('show what happened'))
    .option('-t, --type <type>', 'only events of this type, for example session.created')
    .option('-u, --user <id>', 'only events of this user')
    .option('-l, --limit <number>', 'how many at most', '25')
    .option('-f, --follow', 'go on until Ctrl+C; with --json one value a line')
    .addHelpText('after', '\nExample:\n  $ ostiary events --follow --type limit.fired')
    .action(events)
}

async function events(options: Options) {
  const limit = readCount(options.limit)
  const { type = null, user = null } = options
  if (type !== null && !EVENT_TYPES.includes(type as EventType))
    throw new Hint(`"${type}" is not a type of event`, `choose from: ${EVENT_TYPES.join(', ')}`)
  await withCall(options, async ({ store, deps }, { view }) => {
    const filter = { type, userId: user, challengeId: null, actionId: null, sessionId: null }
    const read = (page: Page) => store.listEvents(view.environment.id, filter, page)
    if (options.follow) {
      const signal = untilInterrupted()
      const show = (event: Event) => (options.json ? printJsonLine(eventBody(event)) : print(line(event)))
      return await follow({ read, show, from: deps.clock.now(), signal })
    }
    const rows = await readUpTo(read, { limit, before: null, createdAfter: null, createdBefore: null })
    if (options.json) return printJson(rows.map(eventBody))
    if (rows.length === 0) return print(`no such events in ${options.environment}`)
    for (const row of rows.toReversed()) print(line(row))
  })
}

function line({ createdAt, type, actor, userId, challengeId, sessionId, context, data }: Event): string {
  const about = [userId, challengeId, sessionId].filter(id => id !== null)
  const from = context?.ipAddress ? [`from ${context.ipAddress}`] : []
  const more = Object.keys(data).length > 0 ? [JSON.stringify(data)] : []
  return [iso(createdAt), type, `by ${actor.type}`, ...about, ...from, ...more].join('  ')
}
