import type { Command } from 'commander'
import { createKeyring } from '../core/keys.ts'
import { NETWORK_FILES } from '../network-files.ts'
import { isPostgres } from '../store/open.ts'
import { checkClock } from './doctor/clock.ts'
import { checkConfiguration, configOf } from './doctor/configuration.ts'
import { checkDatabase, checkDisk } from './doctor/database.ts'
import type { Finding } from './doctor/finding.ts'
import { checkMailRecords } from './doctor/mail-records.ts'
import { checkNetworks } from './doctor/networks.ts'
import { checkPasskeys } from './doctor/passkeys.ts'
import { checkPostgres } from './doctor/postgres.ts'
import { checkPublicUrl } from './doctor/public-url.ts'
import { type Resolver, systemResolver } from './doctor/resolver.ts'
import { checkSecrets } from './doctor/secrets.ts'
import { checkSmtp } from './doctor/smtp-login.ts'
import { checkProxies, checkToldContext } from './doctor/visitors.ts'
import { checkWebhooks } from './doctor/webhooks.ts'
import { print, printJson } from './terminal.ts'

/** Adds `ostiary doctor`: what is wrong, or will be, and what to do about it. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('check configuration, database, clock, mail, DNS and public URL; exit code 1 when one fails')
    .option('--dkim-selector <name>', 'where the DKIM key of MAIL_FROM stands: NAME._domainkey')
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      '\nReads the same settings as start, and changes nothing.\n\nExample:\n  $ ostiary doctor --dkim-selector s1',
    )
    .action(async (options: { dkimSelector?: string; json?: true }) => {
      const findings = await examine(process.env, {
        dkimSelector: options.dkimSelector ?? null,
        now: Date.now(),
        resolver: systemResolver(),
      })
      if (options.json) printJson({ status: worst(findings), findings })
      else print(report(findings))
      if (worst(findings) === 'fail') process.exitCode = 1
    })
}

/** All checks. What cannot be checked because its setting is wrong is left out: the configuration says why. */
export async function examine(
  env: Record<string, string | undefined>,
  { dkimSelector, now, resolver }: { dkimSelector: string | null; now: number; resolver: Resolver },
): Promise<Finding[]> {
  const findings = checkConfiguration(env)
  const { findings: ofDatabase, inspection } = await examineDatabase(env, now)
  findings.push(...ofDatabase)
  const state = inspection?.state ?? null
  findings.push(checkClock(now, state?.lastInstant ?? null))
  const keys = configOf(env, 'OSTIARY_SECRET')
  if (keys) findings.push(...checkSecrets(createKeyring(keys.secrets, 1).keyIds, state?.sealed ?? []))

  const url = configOf(env, 'OSTIARY_URL')
  const from = configOf(env, 'MAIL_FROM')
  const domain = from?.mailFrom.address.split('@').at(-1)
  const [login, reached, records] = await Promise.all([
    Promise.all(
      ['SMTP_URL', 'SMTP_FALLBACK_URL'].map(async name =>
        env[name] && configOf(env, name) ? [await checkSmtp(name, env[name])] : [],
      ),
    ),
    url ? checkPublicUrl(url.publicUrl, inspection !== null, resolver) : [],
    domain ? checkMailRecords(domain, dkimSelector, resolver) : [],
  ])
  findings.push(...login.flat(), ...records, ...reached)
  if (url) findings.push(checkProxies(url.publicUrl, env.TRUSTED_PROXIES))
  if (url) findings.push(...checkPasskeys(url.publicUrl, state?.passkeys ?? []))
  const networks = configOf(env, ...NETWORK_FILES)
  if (networks) findings.push(...checkNetworks(networks.networkFiles, now))
  if (state) findings.push(checkToldContext(state.challenges), ...checkWebhooks(state.disabledWebhooks))
  return findings
}

async function examineDatabase(env: Record<string, string | undefined>, now: number) {
  const place = configOf(env, 'DATABASE_URL')
  if (!place) return { findings: [], inspection: null }
  const { database } = place
  if (isPostgres(database))
    return await checkPostgres(
      { address: database, listenAddress: configOf(env, 'DATABASE_LISTEN_URL')?.databaseListenUrl ?? null },
      now,
    )
  const { findings, inspection } = await checkDatabase(database, now)
  return { findings: [...findings, checkDisk(database)], inspection }
}

function worst(findings: readonly Finding[]): Finding['status'] {
  const has = (status: Finding['status']) => findings.some(finding => finding.status === status)
  return has('fail') ? 'fail' : has('warn') ? 'warn' : 'ok'
}

/** One line a check, and under it the fix. */
export function report(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, status, message, fix }) => [
    `${status.padEnd(4)}  ${check.padEnd(width)}  ${message}`,
    ...(fix === null ? [] : [`${' '.repeat(width + 8)}→ ${fix}`]),
  ])
  const count = (status: Finding['status']) => findings.filter(finding => finding.status === status).length
  const plural = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
  return `${lines.join('\n')}\n\n${plural(count('fail'), 'failure')}, ${plural(count('warn'), 'warning')}`
}
