import type { Command } from 'commander'
import { createEnvironment } from '../core/environments/create.ts'
import type { EnvironmentView } from '../core/environments/directory.ts'
import { iso } from '../http/wire.ts'
import { callOf, type OperatorOptions, withOperatorOptions, withOstiary } from './operator.ts'
import { Hint, print, printJson, table } from './terminal.ts'

/** Adds `ostiary env`: the worlds of this server, each with its keys, settings and users. */
export function addEnvCommand(program: Command): void {
  const command = program
    .command('env')
    .description('list and create environments')
    .addHelpText('after', '\nExample:\n  $ ostiary env create staging --mode test')
  withOperatorOptions(command.command('list').description('list environments'))
    .addHelpText('after', '\nExample:\n  $ ostiary env list --json')
    .action(list)
  withOperatorOptions(command.command('create').description('make an environment with its default app'))
    .argument('<slug>', 'lower-case name; stands in the issuer of its tokens and never changes')
    .requiredOption('-m, --mode <mode>', 'test: mail stays in the inbox; live: mail is sent')
    .addHelpText('after', '\nExample:\n  $ ostiary env create staging --mode test')
    .action(create)
}

async function create(slug: string, options: OperatorOptions & { mode: string }) {
  const { mode } = options
  if (mode !== 'test' && mode !== 'live') throw new Hint(`"${mode}" is not a mode`, 'choose test or live')
  await withOstiary(options, async ostiary => {
    await createEnvironment(ostiary.deps, { slug, mode, actor: { type: 'admin', id: null } })
    const { view } = await callOf(ostiary, slug)
    if (options.json) return printJson(environmentBody(view))
    print(
      table([
        ['Environment', view.environment.id],
        ['Mode', mode],
        ['Publishable key', view.defaultApp.publishableKey],
      ]),
    )
    print(`\nNext: ostiary keys create --environment ${slug} --name backend`)
  })
}

async function list(options: OperatorOptions) {
  await withOstiary(options, async ({ deps }) => {
    const views = await deps.directory.all()
    if (options.json) return printJson(views.map(environmentBody))
    print(
      table(
        views.map(({ environment: { slug, mode, id }, apps }) => [
          slug,
          `${mode}  ${id}  ${apps.length} ${apps.length === 1 ? 'app' : 'apps'}`,
        ]),
      ),
    )
  })
}

function environmentBody({ environment: { id, slug, mode, createdAt }, defaultApp }: EnvironmentView) {
  return { id, slug, mode, createdAt: iso(createdAt), publishableKey: defaultApp.publishableKey }
}
