import type { Command } from 'commander'
import type { Page } from '../core/ports.ts'
import type { User } from '../core/rows.ts'
import { type Conclusion, conclude } from '../core/stories/conclusion.ts'
import type { Line } from '../core/stories/lines.ts'
import { readStory, storyOf, storyOfAddress } from '../core/stories/stories.ts'
import { identifierOf } from '../core/users/users.ts'
import { iso } from '../http/wire.ts'
import { lineBody } from '../http/wire-stories.ts'
import { readUpTo } from './follow.ts'
import { type EnvironmentOptions, withCall, withEnvironmentOptions } from './operator.ts'
import { Hint, print, printJson } from './terminal.ts'

interface Options extends EnvironmentOptions {
  since: string
}

const LINES = 300
const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Adds `ostiary why`: why somebody could not sign in, from what happened to their address. It reads and changes nothing. */
export function addWhyCommand(program: Command): void {
  withEnvironmentOptions(program.command('why').description('tell why somebody could not sign in'))
    .argument('<address>', 'the e-mail address that they use')
    .option('-s, --since <time>', 'how far back: 30m, 24h, 7d, or an instant (ISO 8601)', '7d')
    .addHelpText('after', '\nExample:\n  $ ostiary why ada@example.com --environment live --since 2d')
    .action(why)
}

async function why(text: string, options: Options) {
  await withCall(options, async ({ store, deps }, { view }) => {
    const now = deps.clock.now()
    const createdAfter = readSince(options.since, now)
    const { value: address } = await identifierOf('email', text, false, 0, 'address').catch(() => {
      throw new Hint(`"${text}" is not an e-mail address`, 'give it as the person typed it: ada@example.com')
    })
    const filter = { email: address, phone: null, externalId: null, username: null }
    const bare: Page = { limit: 10, before: null, createdAfter: null, createdBefore: null }
    const users = await readUpTo(page => store.listUsers(view.environment.id, filter, page), bare)
    const user = users.find(one => isProven(one, address)) ?? null
    const lines = await readUpTo(
      page => readStory(deps, view, user ? storyOf(user) : storyOfAddress(address), page),
      { ...bare, limit: LINES, createdAfter },
    )
    const conclusion = conclude(lines, { user, now })
    const attempts = attemptsOf(lines)
    if (options.json)
      return printJson({
        address,
        environment: options.environment,
        since: iso(createdAfter),
        userId: user?.id ?? null,
        conclusion,
        attempts: attempts.map(attempt => attempt.map(lineBody)),
      })
    tell(address, users, user, conclusion, attempts)
  })
}

const isProven = (user: User, address: string) =>
  user.identifiers.some(one => one.value === address && one.verifiedAt !== null)

/** An instant before now: `7d` ago, or as it is said. */
function readSince(text: string, now: number): number {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  const at = count !== undefined ? now - Number(count) * UNITS[unit as keyof typeof UNITS] : instantOf(text)
  if (!Number.isFinite(at) || at < 0)
    throw new Hint(`"${text}" is not a time`, 'say 30m, 24h, 7d, or 2026-11-21T12:00:00Z')
  return at
}

const instantOf = (text: string) => (/^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN)

/** Lines of one attempt together, oldest first; attempts newest first. What belongs to none stands alone. */
function attemptsOf(lines: readonly Line[]): Line[][] {
  const attempts = new Map<string, Line[]>()
  const ofAction = new Map(
    lines.flatMap(({ actionId, challengeId }) => (actionId && challengeId ? [[actionId, challengeId]] : [])),
  )
  for (const line of lines) {
    const key = line.challengeId ?? ofAction.get(line.actionId ?? '') ?? line.actionId ?? line.eventId
    const attempt = attempts.get(key)
    if (attempt) attempt.unshift(line)
    else attempts.set(key, [line])
  }
  return [...attempts.values()]
}

function tell(
  address: string,
  users: readonly User[],
  user: User | null,
  { text, advice }: Conclusion,
  attempts: readonly Line[][],
) {
  print(text)
  if (advice !== null) print(`  ${advice}`)
  print('')
  if (user) print(`${address} belongs to ${user.id}`)
  else if (users.length > 0)
    print(
      `${address} is unproven, so it leads to no account; it stands with ${users.map(one => one.id).join(' ')}`,
    )
  else print(`${address} belongs to nobody`)
  for (const attempt of attempts) {
    print('')
    for (const line of attempt) print(`  ${iso(line.at)}  ${line.text.replaceAll('\n', '\\n')}${from(line)}`)
  }
}

const from = ({ context }: Line) => (context?.ipAddress ? `  from ${context.ipAddress}` : '')
