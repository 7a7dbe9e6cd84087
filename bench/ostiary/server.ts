import { type Config, ConfigError, readConfig } from '../../packages/server/src/config.ts'
import { createApiKey } from '../../packages/server/src/core/api-keys/api-keys.ts'
import { systemOrigin } from '../../packages/server/src/core/environments/bootstrap.ts'
import { systemClock } from '../../packages/server/src/core/system.ts'
import { createTransports } from '../../packages/server/src/delivery/transports.ts'
import {
  createLog,
  createOstiary,
  type Ostiary,
  type OstiaryOptions,
} from '../../packages/server/src/main.ts'
import { foretoldRandom } from './foretold.ts'

/** What a server of the bench differs in. */
export interface Setup {
  /** `DATABASE_URL`. */
  database: string
  /** `SMTP_URL`; then mail of the live environment goes there. Null: mail stays in the inbox of the test environment. */
  smtpUrl: string | null
}

/** A server as `ostiary start` builds it from its settings, but for the foretold codes; with a key for its environment. */
export async function buildOstiary(
  { database, smtpUrl }: Setup,
  more: Partial<OstiaryOptions> = {},
): Promise<{ ostiary: Ostiary; secretKey: string }> {
  const log = createLog('warn')
  const config = configOf(database, smtpUrl)
  const transport = smtpUrl === null ? null : createTransports(config, { log, clock: systemClock })
  const ostiary = await createOstiary({
    ...config,
    log,
    random: foretoldRandom,
    ...(transport && { transport }),
    ...more,
  })
  const mode = smtpUrl === null ? 'test' : 'live'
  const view = (await ostiary.deps.directory.all()).find(one => one.environment.mode === mode)
  if (!view) throw new Error(`there is no environment "${mode}"`)
  const call = { view, origin: systemOrigin(view.environment.id) }
  const key = { name: 'bench', scopes: ['admin' as const], granter: null }
  return { ostiary, secretKey: (await createApiKey(ostiary.deps, call, key)).secret }
}

/** Why this version cannot work on such a database, in its own words; null when it can. */
export function problemOf(database: string): string | null {
  try {
    configOf(database, null)
    return null
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

function configOf(database: string, smtpUrl: string | null): Config {
  return readConfig({
    OSTIARY_URL: 'http://localhost:4545',
    OSTIARY_SECRET: 'MkxTnVv3qzIhC0pB6YgLr8fWjE5sDa1u9XwQKZtyUHo=',
    DATABASE_URL: database,
    SMTP_URL: smtpUrl ?? 'smtp://127.0.0.1:25',
    MAIL_FROM: 'Bench <bench@mail.example>',
    // Of `bench:webhooks`.
    WEBHOOK_PRIVATE_TARGETS: '127.0.0.1',
  })
}
