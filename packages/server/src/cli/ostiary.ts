import { Command } from 'commander'
import { ConfigError } from '../config.ts'
import { OstiaryError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { addAppsCommand } from './apps.ts'
import { addCopyCommand } from './copy.ts'
import { dev } from './dev.ts'
import { addDoctorCommand } from './doctor.ts'
import { addEnvCommand } from './env.ts'
import { addEventsCommand } from './events.ts'
import { addInboxCommand } from './inbox.ts'
import { addKeysCommand } from './keys.ts'
import { migrate } from './migrate.ts'
import { addOpenapiCommand } from './openapi.ts'
import { addSecretCommand } from './secret.ts'
import { addSendTestCommand } from './send-test.ts'
import { start } from './start.ts'
import { Hint, printError } from './terminal.ts'
import { addUsersCommand } from './users.ts'
import { addWebhooksCommand } from './webhooks.ts'
import { addWhyCommand } from './why.ts'

/**
 * The command line. Exit codes: 0 done, 1 it failed, 2 the call or the configuration is wrong. Problems go to stderr,
 * each with what to do about it; with --json, results are one JSON value on stdout.
 */
export async function run(argv: string[]): Promise<void> {
  // Whoever reads may have had enough (`| head`).
  process.stdout.on('error', error => process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1))
  const program = new Command('ostiary')
    .description('Ostiary: passwordless sign-in on your own machine.')
    .version(VERSION)
    .showHelpAfterError('(see ostiary --help)')
    .configureOutput({ writeErr: text => process.stderr.write(text) })
    .exitOverride(error => process.exit(error.exitCode === 0 ? 0 : 2))

  program
    .command('dev')
    .description('run on this machine with nothing set up: data folder, test keys, inbox and demo')
    .option('-p, --port <port>', 'port on localhost', process.env.PORT ?? '4545')
    .option('-d, --data <folder>', 'data folder', '.ostiary')
    .option('--json', 'print URLs and keys as JSON')
    .addHelpText('after', '\nExample:\n  $ ostiary dev --port 4600 --data /tmp/try')
    .action(dev)

  program
    .command('start')
    .description('run in production; reads its settings from the environment and refuses unsafe ones')
    .option(
      '--role <role>',
      'all, api (answers) or worker (delivers, keeps the house); PostgreSQL only',
      'all',
    )
    .option('--workers <number>', 'processes that share the port; PostgreSQL only', '1')
    .option('--json', 'print configuration problems as JSON')
    .addHelpText(
      'after',
      `
Settings:
  OSTIARY_URL       public origin, https://auth.example.com
  OSTIARY_SECRET    32 random bytes or more; a comma-separated list rotates: first writes, all read
  DATABASE_URL      sqlite:FILE, or postgres://user:password@host/database, with ?pool=10 connections of a process
                    at most, and &pgbouncer=true where a pooler stands between
  DATABASE_LISTEN_URL
                    direct postgres:// address, where a pooler stands between
  SMTP_URL          smtp://user:password@host:587 or smtps://…
  SMTP_FALLBACK_URL tried when SMTP_URL cannot take a mail
  MAIL_WEBHOOK_URL, MAIL_WEBHOOK_SECRET
                    https service that sends mails, after SMTP or alone; whsec_… that signs them
  MAIL_FROM         My App <login@example.com>
  OSTIARY_EPOCH     raised by one after restoring a backup (default 1)
  TRUSTED_PROXIES   addresses and ranges of your own proxies
  WEBHOOK_PRIVATE_TARGETS
                    addresses and ranges that webhooks may go to although they are not public
  METRICS_TOKEN     serves GET /metrics to who sends it as a bearer token
  METRICS_ADDRESS   serves it on a listener of its own, 127.0.0.1:9464
  MAIL_EVENTS_SES_TOPIC_ARN, MAIL_EVENTS_POSTMARK_TOKEN, MAIL_EVENTS_RESEND_SECRET,
  MAIL_EVENTS_SENDGRID_PUBLIC_KEY, MAIL_EVENTS_GENERIC_SECRET
                    who may report bounces to /hooks/mail/{provider}
  PORT, LOG_LEVEL   default 4545, info

Example:
  $ OSTIARY_URL=https://auth.example.com OSTIARY_SECRET=… DATABASE_URL=sqlite:/var/lib/ostiary/ostiary.db \\
    SMTP_URL=smtp://user:password@mail.example.com:587 MAIL_FROM=login@example.com ostiary start`,
    )
    .action(start)

  program
    .command('migrate')
    .description('bring the database up to date (start and dev do it by themselves)')
    .option('-d, --data <folder>', 'data folder of ostiary dev, instead of DATABASE_URL')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=sqlite:/var/lib/ostiary/ostiary.db ostiary migrate')
    .action(migrate)

  addCopyCommand(program)
  addDoctorCommand(program)
  addSendTestCommand(program)
  addEnvCommand(program)
  addAppsCommand(program)
  addKeysCommand(program)
  addUsersCommand(program)
  addEventsCommand(program)
  addWhyCommand(program)
  addInboxCommand(program)
  addWebhooksCommand(program)
  addSecretCommand(program)
  addOpenapiCommand(program)

  try {
    await program.parseAsync(argv)
  } catch (error) {
    printError(error, argv.includes('--json'))
    const isTheirs = error instanceof ConfigError || error instanceof Hint
    // A refusal below 500 is about what was asked for.
    process.exit(isTheirs || (error instanceof OstiaryError && error.status < 500) ? 2 : 1)
  }
}
