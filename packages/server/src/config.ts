import { statSync } from 'node:fs'
import { type AddressList, parseAddressList } from './core/addresses/address-list.ts'
import { parseEmail } from './core/addresses/email.ts'
import { parseTrustedProxies, type TrustedProxies } from './http/client-ip.ts'
import { type ListenAddress, parseListenAddress } from './listen-address.ts'
import { type MailConfig, readMailConfig } from './mail-config.ts'
import { NETWORK_FILES, type NetworkFilePaths } from './network-files.ts'
import { isPostgres } from './store/open.ts'
import { parsePostgresAddress } from './store/postgres/address.ts'

/** The configuration of a process, read once (DESIGN section 7). */
export interface Config extends MailConfig {
  publicUrl: string
  secrets: string[]
  epoch: number
  /** Path of the SQLite file, or `postgres://…`. */
  database: string
  /** Where to LISTEN, if not there. */
  databaseListenUrl?: string
  mailFrom: { name: string | null; address: string }
  trustedProxies: TrustedProxies
  /** Addresses that webhooks may go to although they are not public. */
  webhookPrivateTargets: AddressList
  /** What `GET /metrics` asks for; null: it is not on the public listener. */
  metricsToken: string | null
  /** Where `/metrics` has a listener of its own, or null. */
  metricsAddress: ListenAddress | null
  /** Files that tell of networks; their content is read by `openNetworkFiles`. */
  networkFiles: NetworkFilePaths
  port: number
  logLevel: LogLevel
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** A setting that is missing or unsafe, and what to do about it. */
export interface ConfigProblem {
  name: string
  problem: string
  fix: string
}

/** All problems at once: nobody should have to start the server five times to learn of five mistakes. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: ConfigProblem[]
  constructor(problems: ConfigProblem[]) {
    super(problems.map(({ name, problem }) => `${name} ${problem}`).join('; '))
    this.problems = problems
  }
}

const SAMPLE_SECRETS = /^(.)\1+$|change.?me|secret|example|password|ostiary/i

/**
 * Reads the settings of `ostiary start` from an environment. Throws a `ConfigError` with every problem; `only` names the
 * settings that a smaller command needs, and the others may then be anything.
 */
export function readConfig(env: Record<string, string | undefined>, only?: readonly string[]): Config {
  const problems: ConfigProblem[] = []
  const wrong = (name: string, problem: string, fix: string) => {
    if (!only || only.includes(name)) problems.push({ name, problem, fix })
  }
  const attempt = <T>(name: string, fix: string, read: () => T, otherwise: T): T => {
    try {
      return read()
    } catch (error) {
      wrong(name, (error as Error).message, fix)
      return otherwise
    }
  }

  const publicUrl = env.OSTIARY_URL ?? ''
  const urlFault = publicUrlFault(publicUrl)
  if (urlFault)
    wrong(
      'OSTIARY_URL',
      urlFault,
      'set it to the public origin that people reach, for example https://auth.example.com',
    )

  const secrets = (env.OSTIARY_SECRET ?? '')
    .split(',')
    .map(secret => secret.trim())
    .filter(secret => secret !== '')
  if (secrets.length === 0)
    wrong('OSTIARY_SECRET', 'is missing', 'set it to the output of: openssl rand -base64 32')
  for (const [index, secret] of secrets.entries()) {
    const which = secrets.length > 1 ? ` (entry ${index + 1})` : ''
    if (Buffer.byteLength(secret) < 32)
      wrong('OSTIARY_SECRET', `is shorter than 32 bytes${which}`, 'make one with: openssl rand -base64 32')
    else if (SAMPLE_SECRETS.test(secret))
      wrong('OSTIARY_SECRET', `looks like a sample${which}`, 'make one with: openssl rand -base64 32')
  }

  const epoch = Number(env.OSTIARY_EPOCH ?? 1)
  if (!Number.isInteger(epoch) || epoch < 1)
    wrong(
      'OSTIARY_EPOCH',
      'is not a whole number from 1 on',
      'leave it out, or raise it by one after restoring a backup',
    )

  const place = readDatabase(env, wrong)

  const mail = readMailConfig(env, wrong, attempt)

  const mailFrom = readMailFrom(env.MAIL_FROM ?? '')
  if (!mailFrom)
    wrong(
      'MAIL_FROM',
      env.MAIL_FROM ? 'is not one address' : 'is missing',
      'set it, for example: My App <login@example.com>',
    )

  return finish(
    env,
    wrong,
    attempt,
    { publicUrl, secrets, epoch, ...place, ...mail, mailFrom: mailFrom ?? { name: null, address: '' } },
    problems,
  )
}

type Wrong = (name: string, problem: string, fix: string) => void
type Attempt = <T>(name: string, fix: string, read: () => T, otherwise: T) => T

function finish(
  env: Record<string, string | undefined>,
  wrong: Wrong,
  attempt: Attempt,
  rest: Omit<
    Config,
    | 'trustedProxies'
    | 'webhookPrivateTargets'
    | 'metricsToken'
    | 'metricsAddress'
    | 'networkFiles'
    | 'port'
    | 'logLevel'
  >,
  problems: ConfigProblem[],
): Config {
  const none = parseTrustedProxies('')
  const trustedProxies = attempt(
    'TRUSTED_PROXIES',
    'list addresses and ranges, for example 10.0.0.0/8,127.0.0.1',
    () => parseTrustedProxies(env.TRUSTED_PROXIES ?? ''),
    none,
  )
  const webhookPrivateTargets = attempt(
    'WEBHOOK_PRIVATE_TARGETS',
    'list addresses and ranges, for example 10.1.2.0/24,127.0.0.1',
    () => parseAddressList(env.WEBHOOK_PRIVATE_TARGETS ?? ''),
    none,
  )
  const metrics = readMetrics(env, wrong)
  const networkFiles = readNetworkFiles(env, wrong)
  const port = readPort(env.PORT, 4545)
  if (port === null) wrong('PORT', 'is not a port', 'set it to a number from 1 to 65535')
  const logLevel = readLogLevel(env.LOG_LEVEL, 'info')
  if (logLevel === null) wrong('LOG_LEVEL', 'is not a level', `set it to one of: ${LOG_LEVELS.join(', ')}`)
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    ...rest,
    ...metrics,
    trustedProxies,
    webhookPrivateTargets,
    networkFiles,
    port: port ?? 4545,
    logLevel: logLevel ?? 'info',
  }
}

const DATABASE_FIX =
  'set it to sqlite:FILE, for example sqlite:/var/lib/ostiary/ostiary.db, or to postgres://USER:PASSWORD@HOST/DATABASE'

function readDatabase(
  env: Record<string, string | undefined>,
  wrong: Wrong,
): Pick<Config, 'database' | 'databaseListenUrl'> {
  const url = env.DATABASE_URL ?? ''
  const listenUrl = env.DATABASE_LISTEN_URL || undefined
  const database = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : url
  if (url === '') wrong('DATABASE_URL', 'is missing', DATABASE_FIX)
  else if (isPostgres(url)) postgresFault(url, fault => wrong('DATABASE_URL', fault, DATABASE_FIX))
  else if (!url.startsWith('sqlite:'))
    wrong('DATABASE_URL', 'names neither sqlite: nor postgres:', DATABASE_FIX)
  else if (database === '' || database === ':memory:') wrong('DATABASE_URL', 'names no file', DATABASE_FIX)
  if (listenUrl !== undefined) {
    const fix = 'set it to the direct postgres:// address of the database, or leave it out'
    if (!isPostgres(listenUrl)) wrong('DATABASE_LISTEN_URL', 'does not begin with postgres://', fix)
    else postgresFault(listenUrl, fault => wrong('DATABASE_LISTEN_URL', fault, fix))
    if (!isPostgres(url)) wrong('DATABASE_LISTEN_URL', 'is set, and DATABASE_URL names no PostgreSQL', fix)
  }
  return { database, ...(listenUrl !== undefined && { databaseListenUrl: listenUrl }) }
}

function postgresFault(url: string, tell: (fault: string) => void): void {
  try {
    parsePostgresAddress(url)
  } catch (error) {
    tell((error as Error).message)
  }
}

/** That they are there; whether they are what they should be is told when they are opened. */
function readNetworkFiles(env: Record<string, string | undefined>, wrong: Wrong): NetworkFilePaths {
  const paths: NetworkFilePaths = {}
  for (const name of NETWORK_FILES) {
    const path = env[name]
    if (!path) continue
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) paths[name] = path
    else wrong(name, `names no file: ${path}`, 'set it to a file that this process can read, or leave it out')
  }
  return paths
}

function readMetrics(
  env: Record<string, string | undefined>,
  wrong: Wrong,
): Pick<Config, 'metricsToken' | 'metricsAddress'> {
  const metricsToken = env.METRICS_TOKEN || null
  if (metricsToken !== null && !/^[\x21-\x7e]{16,}$/.test(metricsToken))
    wrong(
      'METRICS_TOKEN',
      'is not 16 printable characters or more',
      'set it to the output of: openssl rand -hex 16',
    )
  const metricsAddress = env.METRICS_ADDRESS ? parseListenAddress(env.METRICS_ADDRESS) : null
  if (env.METRICS_ADDRESS && !metricsAddress)
    wrong('METRICS_ADDRESS', 'is not an address and a port', 'set it to 127.0.0.1:9464')
  if (metricsAddress && !metricsAddress.isLoopback && metricsToken === null)
    wrong(
      'METRICS_ADDRESS',
      'is reached by other machines, and METRICS_TOKEN is not set',
      'set it to 127.0.0.1:9464, or set METRICS_TOKEN',
    )
  return { metricsToken, metricsAddress }
}

export function readPort(text: string | undefined, otherwise: number): number | null {
  if (text === undefined) return otherwise
  const port = Number(text)
  return /^\d+$/.test(text) && port >= 1 && port <= 65_535 ? port : null
}

export function readLogLevel(text: string | undefined, otherwise: LogLevel): LogLevel | null {
  return text === undefined ? otherwise : (LOG_LEVELS.find(level => level === text) ?? null)
}

function publicUrlFault(text: string): string | null {
  if (text === '') return 'is missing'
  if (!URL.canParse(text)) return 'is not a URL'
  const url = new URL(text)
  if (url.origin !== text)
    return `is not an origin (no path, no slash at the end): ${url.origin} would be one`
  if (url.protocol === 'https:') return null
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  return url.protocol === 'http:' && isLoopback ? null : 'is not https'
}

/** `Name <address>` or an address. */
function readMailFrom(text: string): Config['mailFrom'] | null {
  const match = /^\s*(?:"?([^"<>\p{Cc}]*?)"?\s*<([^<>]+)>|([^<>\s]+))\s*$/u.exec(text)
  const email = parseEmail(match?.[2] ?? match?.[3] ?? '')
  return email ? { name: match?.[1] || null, address: email.spelling } : null
}
