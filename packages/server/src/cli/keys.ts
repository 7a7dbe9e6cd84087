import type { Command } from 'commander'
import { createApiKey, revokeApiKey } from '../core/api-keys/api-keys.ts'
import type { Call } from '../core/deps.ts'
import type { Scope } from '../core/rows.ts'
import type { Ostiary } from '../main.ts'
import {
  type EnvironmentOptions as Options,
  otherwiseHint,
  withCall,
  withEnvironmentOptions,
} from './operator.ts'
import { Hint, print, printJson, table } from './terminal.ts'

const SCOPES: readonly Scope[] = ['auth', 'users', 'read', 'review', 'admin']

/** Adds `ostiary keys`: makes, lists and revokes the secret keys of an environment, on the operator's machine. */
export function addKeysCommand(program: Command): void {
  const command = program
    .command('keys')
    .description('make, list and revoke secret keys')
    .addHelpText(
      'after',
      `
Example:
  $ ostiary keys create --environment live --name backend --scopes auth,users,read`,
    )
  const add = (name: string, description: string) =>
    withEnvironmentOptions(command.command(name).description(description))

  add('create', 'make a secret key; it is shown once')
    .requiredOption('-n, --name <name>', 'what the key is for')
    .option('-s, --scopes <list>', 'auth, users, read, review, admin', 'auth')
    .addHelpText(
      'after',
      '\nExample:\n  $ ostiary keys create --environment live --name backend --scopes auth,users',
    )
    .action((options: Options & { name: string; scopes: string }) =>
      withCall(options, (ostiary, call) => create(ostiary, call, options)),
    )
  add('list', 'list keys, without their secrets')
    .addHelpText('after', '\nExample:\n  $ ostiary keys list --environment live --json')
    .action((options: Options) => withCall(options, (ostiary, call) => list(ostiary, call, options)))
  add('revoke', 'revoke a key; running servers refuse it within a second')
    .argument('<id>', 'key_…')
    .addHelpText('after', '\nExample:\n  $ ostiary keys revoke key_01k6z5v9hrf0qv2s8yb7m3c4dn')
    .action((id: string, options: Options) =>
      withCall(options, async (ostiary, call) => {
        const { environment } = options
        await revokeApiKey(ostiary.deps, call, id).catch(
          otherwiseHint(
            `there is no key ${id} to revoke in the environment ${environment}`,
            `see: ostiary keys list --environment ${environment}`,
          ),
        )
        if (options.json) printJson({ revoked: id })
        else print(`revoked ${id}`)
      }),
    )
}

async function create(ostiary: Ostiary, call: Call, options: Options & { name: string; scopes: string }) {
  const scopes = options.scopes.split(',').map(scope => scope.trim())
  const unknown = scopes.find(scope => !SCOPES.includes(scope as Scope))
  if (unknown !== undefined)
    throw new Hint(`"${unknown}" is not a scope`, `choose from: ${SCOPES.join(', ')}`)
  const { key, secret } = await createApiKey(ostiary.deps, call, {
    name: options.name,
    scopes: scopes as Scope[],
    granter: null,
  })
  if (options.json) return printJson({ ...key, secret })
  print(
    table([
      ['Key', key.id],
      ['Secret', secret],
      ['Scopes', key.scopes.join(', ')],
    ]),
  )
  print('\nThe secret is shown once: keep it now.')
}

async function list(ostiary: Ostiary, call: Call, options: Options) {
  const keys = await ostiary.store.listApiKeys(call.view.environment.id, {
    limit: 1000,
    before: null,
    createdAfter: null,
    createdBefore: null,
  })
  if (options.json) return printJson(keys)
  if (keys.length === 0) return print(`no keys in ${options.environment}`)
  print(
    table(
      keys.map(
        key =>
          [
            key.id,
            `${key.hint}  ${key.scopes.join(',')}  ${key.revokedAt === null ? key.name : `${key.name} (revoked)`}`,
          ] as const,
      ),
    ),
  )
}
