import { hostname } from 'node:os'
import type { Command } from 'commander'
import { type Config, readConfig } from '../config.ts'
import { parseEmail } from '../core/addresses/email.ts'
import { newId } from '../core/ids.ts'
import type { Mail } from '../core/ports.ts'
import type { Settings } from '../core/settings/settings.ts'
import { systemClock } from '../core/system.ts'
import { createTransports } from '../delivery/transports.ts'
import { TRANSPORT_SETTINGS } from '../mail-config.ts'
import { createLog } from '../main.ts'
import { callOf, type EnvironmentOptions, withOperatorOptions, withOstiary } from './operator.ts'
import { Hint, print, printJson } from './terminal.ts'

type Options = Omit<EnvironmentOptions, 'environment'> & { environment?: string; to: string }

/** Adds `ostiary send-test`: one mail through the configured transport, without a challenge. */
export function addSendTestCommand(program: Command): void {
  withOperatorOptions(
    program.command('send-test').description("send one test mail and print the provider's reply"),
  )
    .requiredOption('-t, --to <address>', 'who gets it')
    .option('-e, --environment <slug>', 'with the sender of this environment, instead of MAIL_FROM alone')
    .addHelpText('after', '\nExample:\n  $ ostiary send-test --to you@example.com --environment live')
    .action(sendTest)
}

async function sendTest(options: Options) {
  const to = parseEmail(options.to)
  if (!to) throw new Hint(`"${options.to}" is not an e-mail address`, 'give one, like you@example.com')
  const config = readConfig(process.env, [...TRANSPORT_SETTINGS, 'MAIL_FROM'])
  const settings = await settingsOf(options)
  // The way of a server: with fallback and webhook, so that the reply is the one that a code would get.
  const transport = createTransports(config, { log: createLog('warn', 'stderr'), clock: systemClock })
  if (!transport) throw new Hint('no way out is configured', 'set SMTP_URL or MAIL_WEBHOOK_URL')
  try {
    const mail = testMail(to.spelling, config, settings, new Date())
    const { reply } = await transport.send(mail)
    if (options.json)
      return printJson({ to: mail.to, from: mail.from.address, transport: transport.name, reply })
    print(`sent to ${mail.to} from ${mail.from.address}\nthe provider says: ${reply}`)
  } finally {
    await transport.close()
  }
}

async function settingsOf({ environment, ...place }: Options): Promise<Settings | null> {
  if (environment === undefined) return null
  let settings: Settings | null = null
  await withOstiary(place, async ostiary => {
    settings = (await callOf(ostiary, environment)).view.settings
  })
  return settings
}

/** A mail that nobody takes for a code: marked in its subject, and it holds nothing to type or to press. */
export function testMail(
  to: string,
  { mailFrom }: Pick<Config, 'mailFrom'>,
  settings: Settings | null,
  now: Date,
): Mail {
  const text = `This is a test mail of Ostiary.

It was sent by "ostiary send-test" on ${hostname()} at ${now.toISOString()}.
It holds no code and no link. There is nothing to do.`
  return {
    id: newId('msg', now.getTime()),
    to,
    from: {
      name: settings?.mail.fromName ?? mailFrom.name,
      address: settings?.mail.fromAddress ?? mailFrom.address,
    },
    replyTo: settings?.mail.replyTo ?? null,
    subject: '[Test] Ostiary can send mail',
    text,
    html: `<!doctype html><html lang="en"><body>${text
      .split('\n\n')
      .map(part => `<p>${part.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</p>`)
      .join('')}</body></html>`,
  }
}
