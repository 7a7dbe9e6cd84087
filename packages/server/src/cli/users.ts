import type { Command } from 'commander'
import type { Call } from '../core/deps.ts'
import type { User } from '../core/rows.ts'
import { userBody } from '../core/users/body.ts'
import { identifierOf } from '../core/users/users.ts'
import { iso, isoOrNull } from '../http/wire.ts'
import type { Ostiary } from '../main.ts'
import { readUpTo } from './follow.ts'
import { type EnvironmentOptions, withCall, withEnvironmentOptions } from './operator.ts'
import { Hint, print, printJson, readCount, table } from './terminal.ts'

interface Options extends EnvironmentOptions {
  email?: string
  externalId?: string
  limit?: string
  yes?: true
}

/** Adds `ostiary users`: who is there, and shutting one of them out. */
export function addUsersCommand(program: Command): void {
  const command = program
    .command('users')
    .description('list, show, block, unblock and delete users')
    .addHelpText('after', '\nExample:\n  $ ostiary users show --email ada@example.com')
  const add = (name: string, description: string) =>
    withEnvironmentOptions(command.command(name).description(description))
      .option('--email <address>', 'find by e-mail address')
      .option('--external-id <id>', "find by your app's own id")
  const addForOne = (
    name: string,
    description: string,
    act: (ostiary: Ostiary, call: Call, user: User, options: Options) => Promise<void>,
  ) =>
    add(name, description)
      .argument('[id]', 'usr_…; or say --email or --external-id')
      .addHelpText('after', `\nExample:\n  $ ostiary users ${name} --email ada@example.com`)
      .action((id: string | undefined, options: Options) =>
        withCall(options, async (ostiary, call) =>
          act(ostiary, call, await findOne(ostiary, call, id, options), options),
        ),
      )

  add('list', 'list users, newest first')
    .option('-l, --limit <number>', 'how many at most', '25')
    .addHelpText('after', '\nExample:\n  $ ostiary users list --environment live --limit 100')
    .action((options: Options) =>
      withCall(options, async (ostiary, call) => {
        const users = await find(ostiary, call, options, readCount(options.limit ?? '25'))
        if (options.json) return printJson(users.map(userBody))
        if (users.length === 0) return print(`no such users in ${options.environment}`)
        print(table(users.map(user => [user.id, line(user)])))
      }),
    )
  addForOne('show', 'show a user', async (_ostiary, _call, user, options) => tell(user, options))
  addForOne('block', 'shut a user out: ends sessions and challenges', (ostiary, call, user, options) =>
    setStatus(ostiary, call, user, 'blocked', options),
  )
  addForOne('unblock', 'let a blocked user in again', (ostiary, call, user, options) =>
    setStatus(ostiary, call, user, 'active', options),
  )
  addForOne('delete', 'delete a user with all that is theirs', async (ostiary, call, user, options) => {
    if (!options.yes)
      throw new Hint(`this deletes ${user.id} (${nameOf(user)}) for good`, 'say --yes to go on')
    await ostiary.store.deleteUser(user.id, call.origin, ostiary.deps.clock.now())
    if (options.json) printJson({ deleted: user.id })
    else print(`deleted ${user.id}`)
  }).option('-y, --yes', 'really')
}

async function find({ store }: Ostiary, { view }: Call, options: Options, limit: number): Promise<User[]> {
  const { email, externalId } = options
  const filter = {
    email: email === undefined ? null : (await identifierOf('email', email, false, 0)).value,
    phone: null,
    externalId: externalId ?? null,
    username: null,
  }
  const page = { limit, before: null, createdAfter: null, createdBefore: null }
  return await readUpTo(next => store.listUsers(view.environment.id, filter, next), page)
}

/** Exactly one user: an address that was never proven may stand with several. */
async function findOne(ostiary: Ostiary, call: Call, id: string | undefined, options: Options) {
  const given = [id, options.email, options.externalId].filter(value => value !== undefined)
  if (given.length !== 1) throw new Hint('which user?', 'give one of: the id, --email, --external-id')
  const known = id === undefined ? null : await ostiary.store.findUser(call.view.environment.id, id)
  const users = id === undefined ? await find(ostiary, call, options, 10) : known ? [known] : []
  const [user] = users
  const { environment } = options
  if (!user)
    throw new Hint(
      `there is no user ${given[0]} in the environment ${environment}`,
      `see: ostiary users list --environment ${environment}`,
    )
  if (users.length > 1)
    throw new Hint(
      `${users.length} users have ${given[0]}`,
      `give one of: ${users.map(one => one.id).join(' ')}`,
    )
  return user
}

async function setStatus(
  { store, deps }: Ostiary,
  { origin }: Call,
  user: User,
  status: User['status'],
  options: Options,
) {
  tell((await store.setUserStatus(user.id, status, origin, deps.clock.now())) ?? user, options)
}

const nameOf = (user: User) => user.identifiers[0]?.value ?? user.externalId ?? 'no address'

const line = (user: User) =>
  `${user.status}  ${iso(user.createdAt)}  ${nameOf(user)}${user.externalId === null ? '' : `  ${user.externalId}`}`

function tell(user: User, options: Options) {
  if (options.json) return printJson(userBody(user))
  print(
    table([
      ['User', user.id],
      ['Status', user.status],
      ['External id', user.externalId ?? 'none'],
      ['Name', user.name ?? 'none'],
      ...user.identifiers.map(
        one =>
          [
            one.type,
            `${one.value} (${one.verifiedAt === null ? 'unproven' : `proven ${iso(one.verifiedAt)}`})`,
          ] as const,
      ),
      ['Created', iso(user.createdAt)],
      ['Last sign-in', isoOrNull(user.lastSignInAt) ?? 'never'],
    ]),
  )
}
