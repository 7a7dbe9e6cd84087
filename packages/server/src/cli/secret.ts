import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { createKeyring } from '../core/keys.ts'
import { type Ended, replaceSecret } from '../core/secrets/replace.ts'
import { resealAll } from '../core/secrets/reseal.ts'
import { callOf, type OperatorOptions, placeOf, withOperatorOptions, withOstiary } from './operator.ts'
import { countOldSigningKeys, showSecretStatus } from './secret-status.ts'
import { Hint, print, printJson, table } from './terminal.ts'

type Options = OperatorOptions & { yes?: true }

/** Adds `ostiary secret`: which secrets are in use, a new one, and how to get rid of an old one. */
export function addSecretCommand(program: Command): void {
  const command = program
    .command('secret')
    .description('show, make, rotate and replace the secrets of OSTIARY_SECRET')
    .addHelpText('after', '\nSteps: docs/operating.md\n\nExample:\n  $ ostiary secret')
  withOperatorOptions(
    command
      .command('status', { isDefault: true })
      .description('show which secrets rows still need, and what to do next'),
  )
    .addHelpText('after', '\nExample:\n  $ ostiary secret status --json')
    .action(showSecretStatus)
  command
    .command('generate')
    .description('print a new secret; nothing is stored')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  $ ostiary secret generate')
    .action(generate)
  withOperatorOptions(
    command.command('reseal').description('seal all rows anew under the first secret; servers may run'),
  )
    .addHelpText('after', '\nExample:\n  $ OSTIARY_SECRET=NEW,OLD ostiary secret reseal')
    .action(reseal)
  withOperatorOptions(
    command.command('replace').description('after a leak: end all that the old secret could forge or read'),
  )
    .option('-y, --yes', 'really: everybody has to sign in again')
    .addHelpText('after', '\nExample:\n  $ OSTIARY_SECRET=NEW,LEAKED ostiary secret replace --yes')
    .action(replace)
}

function generate({ json }: OperatorOptions) {
  // As text that no shell and no comma-separated list reads otherwise.
  const secret = randomBytes(32).toString('base64url')
  if (json) printJson({ secret, keyId: createKeyring([secret], 1).currentKeyId })
  else print(secret)
}

async function reseal(options: Options) {
  // Counted from outside: each process that begins has sealed the signing keys anew before anything else.
  const before = await countOldSigningKeys(options)
  await withOstiary(options, async ({ deps }) => {
    const { messages, webhookSecrets, unreadable } = await resealAll(deps)
    const signingKeys = before - (await countOldSigningKeys(options))
    const resealed = { signingKeys, messages, webhookSecrets, unreadable }
    if (options.json) return printJson({ keyId: deps.keyring.currentKeyId, ...resealed })
    print(
      `sealed anew under ${deps.keyring.currentKeyId}: signing keys ${signingKeys}, messages ${messages}, webhook secrets ${webhookSecrets}`,
    )
    if (unreadable > 0) print(`${unreadable} rows open under no secret of the list`)
    print(
      'Keep the old secret at the end of the list for a day more: codes under way and kept answers rest on it.',
    )
  })
}

async function replace(options: Options) {
  const { secrets } = placeOf(options)
  if (new Set(secrets).size < 2)
    throw new Hint(
      'there is no new secret to replace the old one with',
      options.data === undefined
        ? 'put a new one in front of the leaked one: OSTIARY_SECRET="$(ostiary secret generate),LEAKED"'
        : `the data folder of ostiary dev has one secret: delete ${options.data} to start anew`,
    )
  if (!options.yes)
    throw new Hint(
      'this ends all sessions, devices, challenges, queued mail and signing keys: everybody has to sign in again',
      'say --yes to go on',
    )
  await withOstiary(options, async ostiary => {
    const ended: Record<string, Ended> = {}
    for (const { environment } of await ostiary.deps.directory.all())
      ended[environment.slug] = await replaceSecret(ostiary.deps, await callOf(ostiary, environment.slug))
    if (options.json) return printJson({ keyId: ostiary.deps.keyring.currentKeyId, ended })
    const shown = (counts: Ended) =>
      `${counts.sessions} sessions, ${counts.devices} devices, ${counts.challenges} challenges, ${counts.messages} messages, ${counts.idempotency} kept answers, ${counts.webhookEndpoints} webhook secrets, and the signing keys`
    print(
      `ended in each environment:\n${table(Object.entries(ended).map(([slug, one]) => [slug, shown(one)]))}`,
    )
    print('\nNow take the leaked secret out of OSTIARY_SECRET, and start.')
    if (Object.values(ended).some(counts => counts.webhookEndpoints > 0))
      print(
        'Webhook endpoints are disabled: give each a new secret, enable it, and replay what it missed (docs/webhooks.md).',
      )
    print('Who checks access tokens offline has to read the JWKS anew: restart them, or wait an hour.')
  })
}
