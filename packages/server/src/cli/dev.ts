import { readConfig, readLogLevel, readPort } from '../config.ts'
import { parseAddressList } from '../core/addresses/address-list.ts'
import { issuerOf } from '../core/sessions/access-token.ts'
import { systemClock } from '../core/system.ts'
import { createTransports } from '../delivery/transports.ts'
import type { Log } from '../http/app.ts'
import { development, refuseForeignHost } from '../http/dev/development.ts'
import { listen } from '../http/server.ts'
import { MAIL_SETTINGS, TRANSPORT_SETTINGS } from '../mail-config.ts'
import { createLog, createOstiary, type OstiaryOptions } from '../main.ts'
import { createPrometheus } from '../observability/prometheus.ts'
import { openDataFolder } from './data-folder.ts'
import { stopOnSignals } from './signals.ts'
import { Hint, print, printJson, table } from './terminal.ts'

/** `ostiary dev`: the whole server on localhost, with an inbox and a demo, from nothing. */
export async function dev(options: { port: string; data: string; json?: true }): Promise<void> {
  const port = readPort(options.port, 4545)
  if (port === null) throw new Hint(`"${options.port}" is not a port`, 'give a number from 1 to 65535')
  refusePublicUrl(process.env.OSTIARY_URL)
  const folder = openDataFolder(options.data)
  const publicUrl = `http://localhost:${port}`
  const log = createLog(readLogLevel(process.env.LOG_LEVEL, 'warn') ?? 'warn', 'stderr')
  const ostiary = await createOstiary({
    publicUrl,
    secrets: [folder.secret],
    database: folder.database,
    log,
    testLimitsFactor: 10,
    acceptsDevelopmentKeys: true,
    metrics: createPrometheus(),
    metricsAccess: 'open',
    developmentKey: folder.secretKey,
    development,
    // What is developed here receives here.
    webhookPrivateTargets: parseAddressList('127.0.0.0/8,::1'),
    ...ownMail(process.env, log),
  })
  const server = await listen(
    (request, env) => refuseForeignHost(request, port) ?? ostiary.fetch(request, env),
    port,
    ['127.0.0.1', '::1'],
  ).catch(async (error: NodeJS.ErrnoException) => {
    await ostiary.stop()
    if (error.code === 'EADDRINUSE')
      throw new Hint(
        `port ${port} is taken`,
        `stop what runs there, or choose another: ostiary dev --port ${port + 1}`,
      )
    throw error
  })
  ostiary.start()
  stopOnSignals(async () => {
    ostiary.leave()
    await server.close(2000)
    await ostiary.stop()
  })

  const view = await ostiary.deps.directory.bySlug('test')
  if (!view) throw new Error('the test environment is missing')
  const facts = {
    api: `${publicUrl}/v1`,
    inbox: `${publicUrl}/dev/inbox`,
    demo: `${publicUrl}/`,
    docs: `${publicUrl}/docs/errors`,
    openapi: `${publicUrl}/openapi.json`,
    secretKey: folder.secretKey,
    publishableKey: view.defaultApp.publishableKey,
    issuer: issuerOf(publicUrl, view),
    audience: view.defaultApp.audience ?? view.environment.id,
  }
  if (options.json) return printJson(facts)
  print(`\nOstiary is running (test environment, data in ${options.data}/, stop with Ctrl+C)\n`)
  print(
    table([
      ['Demo app', facts.demo],
      ['Dev inbox', facts.inbox],
      ['API', facts.api],
      ['Docs', `${facts.docs}  ${facts.openapi}`],
      ['Secret key', facts.secretKey],
      ['Publishable key', facts.publishableKey],
      ['Issuer', facts.issuer],
      ['Audience', facts.audience],
    ]),
  )
  print('\nOpen the demo app, type any address, and read the code in the dev inbox.\n')
}

/** Where `testRecipients` get their mail from, if the settings say so; a mistake in them is told as `start` tells it. */
function ownMail(
  env: NodeJS.ProcessEnv,
  log: Log,
): Pick<OstiaryOptions, 'transport' | 'mailFrom' | 'mailEvents'> {
  const names = [...MAIL_SETTINGS, 'MAIL_FROM'].filter(name => env[name])
  if (names.length === 0) return {}
  const isSending = env.SMTP_URL || env.SMTP_FALLBACK_URL || env.MAIL_WEBHOOK_URL || env.MAIL_WEBHOOK_SECRET
  const config = readConfig(env, isSending ? [...names, ...TRANSPORT_SETTINGS] : names)
  const transport = createTransports(config, { log, clock: systemClock })
  return {
    mailEvents: config.mailEvents,
    ...(transport && { transport }),
    ...(env.MAIL_FROM && { mailFrom: config.mailFrom }),
  }
}

function refusePublicUrl(url: string | undefined) {
  if (url === undefined || url === '') return
  const isLoopback = URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)
  if (!isLoopback)
    throw new Hint(
      `OSTIARY_URL is ${url}, and ostiary dev never serves a public URL`,
      'unset it, or use: ostiary start',
    )
}
