import type { Command } from 'commander'
import type { Call } from '../core/deps.ts'
import type { ShownMessage } from '../core/messages/reader.ts'
import type { ClaimedMessage, Listed, Page } from '../core/ports.ts'
import { iso, isoOrNull } from '../http/wire.ts'
import type { Ostiary } from '../main.ts'
import { follow, readUpTo, untilInterrupted } from './follow.ts'
import { type EnvironmentOptions, withCall, withEnvironmentOptions } from './operator.ts'
import { Hint, print, printJson, printJsonLine, readCount } from './terminal.ts'

interface Options extends EnvironmentOptions {
  to?: string
  limit: string
  follow?: true
}

/** Adds `ostiary inbox`: codes and links of a test environment in the terminal. */
export function addInboxCommand(program: Command): void {
  withEnvironmentOptions(
    program.command('inbox').description('show codes and links of a test environment'),
    'test',
  )
    .option('-t, --to <address>', 'only mail to this address')
    .option('-l, --limit <number>', 'how many at most', '10')
    .option('-f, --follow', 'go on until Ctrl+C; with --json one value a line')
    .addHelpText('after', '\nExample:\n  $ ostiary inbox --data .ostiary --follow')
    .action(inbox)
}

async function inbox(options: Options) {
  const limit = readCount(options.limit)
  await withCall(options, async (ostiary, call) => {
    if (call.view.environment.mode !== 'test')
      throw new Hint(
        `${options.environment} is a live environment: nobody reads a person's code there`,
        'choose an environment of mode test: ostiary env list',
      )
    const read = (page: Page) => readMessages(ostiary, call, options.to, page)
    if (options.follow) {
      const signal = untilInterrupted()
      const show = (row: InboxRow) =>
        options.json ? printJsonLine(body(row, ostiary, call)) : print(line(row, ostiary, call))
      return await follow({ read, show, from: ostiary.deps.clock.now(), signal })
    }
    const rows = await readUpTo(read, { limit, before: null, createdAfter: null, createdBefore: null })
    if (options.json) return printJson(rows.map(row => body(row, ostiary, call)))
    if (rows.length === 0) return print(`no mail in ${options.environment}`)
    for (const row of rows.toReversed()) print(line(row, ostiary, call))
  })
}

type InboxRow = ClaimedMessage & { id: string; createdAt: number }

async function readMessages(
  { store }: Ostiary,
  { view }: Call,
  to: string | undefined,
  page: Page,
): Promise<Listed<InboxRow>> {
  const filter = { to: to?.toLowerCase() ?? null, challengeId: null }
  const { rows, lookedTo } = await store.findMessages(view.environment.id, filter, page)
  return {
    rows: rows.map(row => ({ ...row, id: row.message.id, createdAt: row.message.createdAt })),
    lookedTo,
  }
}

function body(row: ClaimedMessage, { deps }: Ostiary, { view }: Call) {
  const {
    id,
    challengeId,
    notice,
    to,
    tag,
    subject,
    code,
    link,
    status,
    reply,
    createdAt,
    sentAt,
  }: ShownMessage = deps.messages.show(row, view)
  return {
    id,
    challengeId,
    notice,
    to,
    tag,
    subject,
    code,
    link,
    status,
    reply,
    createdAt: iso(createdAt),
    sentAt: isoOrNull(sentAt),
  }
}

function line(row: ClaimedMessage, ostiary: Ostiary, call: Call): string {
  const { createdAt, to, tag, code, link, notice } = body(row, ostiary, call)
  const content = [code, link, notice].filter(part => part !== null).join('  ')
  const nothing = row.message.isVoid ? '(a decoy: nothing is sent)' : '(wiped)'
  return `${createdAt}  ${to}  ${tag ?? '---'}  ${content || nothing}`
}
