import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import type { Call } from '../core/deps.ts'
import { OstiaryError } from '../core/errors.ts'
import { createOstiary, type Ostiary } from '../main.ts'
import { openDataFolder } from './data-folder.ts'
import { Hint } from './terminal.ts'

/** Options that every command on the database has. */
export interface OperatorOptions {
  data?: string
  json?: true
}

/** Options of commands that work in one environment. */
export interface EnvironmentOptions extends OperatorOptions {
  environment: string
}

/** Adds `--data` and `--json`. */
export function withOperatorOptions(command: Command): Command {
  return command
    .option('-d, --data <folder>', 'data folder of ostiary dev, instead of DATABASE_URL and OSTIARY_SECRET')
    .option('--json', 'print the result as JSON')
}

/** Adds `--environment`, `--data` and `--json`. */
export function withEnvironmentOptions(command: Command, otherwise = 'live'): Command {
  return withOperatorOptions(
    command.option('-e, --environment <slug>', 'test, live, or one of your own', otherwise),
  )
}

/**
 * Works on the database itself, beside a running server or without one: the operator on the machine needs no API key.
 * Between two calls of the store no transaction is open, so a command that waits holds up nobody.
 */
export async function withOstiary(
  options: OperatorOptions,
  act: (ostiary: Ostiary) => Promise<void>,
): Promise<void> {
  const ostiary = await createOstiary(placeOf(options))
  try {
    await act(ostiary)
  } finally {
    await ostiary.stop()
  }
}

/** The same, on behalf of the operator in one environment. */
export async function withCall(
  options: EnvironmentOptions,
  act: (ostiary: Ostiary, call: Call) => Promise<void>,
): Promise<void> {
  await withOstiary(options, async ostiary => await act(ostiary, await callOf(ostiary, options.environment)))
}

/** A call of the operator in the environment with this slug. */
export async function callOf({ deps }: Ostiary, slug: string): Promise<Call> {
  const view = await deps.directory.bySlug(slug)
  if (!view) {
    const slugs = (await deps.directory.all()).map(({ environment }) => environment.slug)
    throw new Hint(`there is no environment "${slug}"`, `choose from: ${slugs.join(', ')}`)
  }
  const actor = { type: 'admin' as const, id: null }
  return { view, origin: { environmentId: view.environment.id, appId: null, actor, requestId: null } }
}

/** What to say instead of `not_found`; any other error goes on as it is. For `.catch`. */
export function otherwiseHint(problem: string, hint: string): (error: unknown) => never {
  return error => {
    if (error instanceof OstiaryError && error.code === 'not_found') throw new Hint(problem, hint)
    throw error
  }
}

/** Database and secrets: from the environment of the process, or from the data folder of `ostiary dev`. */
export function placeOf({ data }: OperatorOptions): {
  publicUrl: string
  database: string
  databaseListenUrl?: string
  secrets: string[]
  epoch?: number
} {
  const publicUrl = 'http://localhost'
  if (data === undefined) {
    const { database, databaseListenUrl, secrets, epoch } = readConfig(process.env, [
      'DATABASE_URL',
      'DATABASE_LISTEN_URL',
      'OSTIARY_SECRET',
      'OSTIARY_EPOCH',
    ])
    return {
      publicUrl,
      database,
      secrets,
      epoch,
      ...(databaseListenUrl !== undefined && { databaseListenUrl }),
    }
  }
  const { database, secret } = openDataFolder(data)
  return { publicUrl, database, secrets: [secret] }
}
