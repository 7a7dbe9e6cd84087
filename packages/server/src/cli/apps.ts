import type { Command } from 'commander'
import { type AppFields, createApp, deleteApp, updateApp } from '../core/apps/apps.ts'
import type { App } from '../core/rows.ts'
import { appBody } from '../http/wire.ts'
import { type EnvironmentOptions, otherwiseHint, withCall, withEnvironmentOptions } from './operator.ts'
import { Hint, print, printJson, table } from './terminal.ts'

interface Options extends EnvironmentOptions {
  name?: string
  redirectUrl?: string[]
  origin?: string[]
  audience?: string
}

/** Adds `ostiary apps`: the clients of an environment. */
export function addAppsCommand(program: Command): void {
  const command = program
    .command('apps')
    .description('list, create, change and delete apps')
    .addHelpText(
      'after',
      '\nExample:\n  $ ostiary apps create Shop --redirect-url https://shop.example.com/welcome',
    )
  const add = (name: string, description: string) =>
    withEnvironmentOptions(command.command(name).description(description))
  const withFields = (one: Command) =>
    one
      .option('-r, --redirect-url <url>', 'where links may lead; say it once for each', collect)
      .option('-o, --origin <origin>', 'of the browser side; say it once for each', collect)
      .option('-a, --audience <text>', '"aud" of access tokens (default: the id of the environment)')

  add('list', 'list apps')
    .addHelpText('after', '\nExample:\n  $ ostiary apps list --environment live')
    .action((options: Options) =>
      withCall(options, async ({ store }, { view }) => {
        const apps = await store.listApps(view.environment.id)
        if (options.json) printJson(apps.map(appBody))
        else print(apps.map(shown).join('\n\n'))
      }),
    )
  withFields(add('create', 'make an app').argument('<name>', 'what people know it by'))
    .addHelpText(
      'after',
      '\nExample:\n  $ ostiary apps create Shop --redirect-url https://shop.example.com/welcome',
    )
    .action((name: string, options: Options) =>
      withCall(options, async ({ deps }, call) =>
        tell(await createApp(deps, call, { ...fieldsOf(options), name }), options),
      ),
    )
  withFields(add('update', 'change an app; a list replaces the one of before, and "" empties it'))
    .argument('<id>', 'app_…')
    .option('-n, --name <name>', 'what people know it by')
    .addHelpText(
      'after',
      '\nExample:\n  $ ostiary apps update app_01k6z5v9hrf0qv2s8yb7m3c4dn --origin https://shop.example.com',
    )
    .action((id: string, options: Options) =>
      withCall(options, async ({ deps }, call) => {
        const fields = fieldsOf(options)
        if (Object.keys(fields).length === 0)
          throw new Hint('nothing to change', 'give --name, --redirect-url, --origin or --audience')
        tell(await updateApp(deps, call, id, fields).catch(noApp(id, options)), options)
      }),
    )
  add('delete', 'delete an app with its sessions and challenges')
    .argument('<id>', 'app_…')
    .option('-y, --yes', 'really')
    .addHelpText('after', '\nExample:\n  $ ostiary apps delete app_01k6z5v9hrf0qv2s8yb7m3c4dn --yes')
    .action((id: string, options: Options & { yes?: true }) =>
      withCall(options, async ({ deps }, call) => {
        if (!options.yes) throw new Hint(`this ends all sessions of ${id}`, 'say --yes to go on')
        await deleteApp(deps, call, id).catch(noApp(id, options))
        if (options.json) printJson({ deleted: id })
        else print(`deleted ${id}`)
      }),
    )
}

const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value]
const listed = (values: string[]) => values.filter(value => value !== '')

function fieldsOf({ name, redirectUrl, origin, audience }: Options): AppFields {
  return {
    ...(name !== undefined && { name }),
    ...(redirectUrl && { redirectUrls: listed(redirectUrl) }),
    ...(origin && { origins: listed(origin) }),
    ...(audience !== undefined && { audience: audience === '' ? null : audience }),
  }
}

const noApp = (id: string, { environment }: Options) =>
  otherwiseHint(
    `there is no app ${id} in the environment ${environment}`,
    `see: ostiary apps list --environment ${environment}`,
  )

function tell(app: App, options: Options) {
  if (options.json) printJson(appBody(app))
  else print(shown(app))
}

const shown = (app: App) =>
  table([
    ['App', `${app.id}  ${app.name}${app.isDefault ? ' (default)' : ''}`],
    ['Publishable key', app.publishableKey],
    ['Redirect URLs', app.redirectUrls.join(' ') || 'none'],
    ['Origins', app.origins.join(' ') || 'none'],
    ['Audience', app.audience ?? 'the id of the environment'],
  ])
