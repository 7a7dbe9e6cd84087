import { inspectDatabase } from '../../store/inspect.ts'
import { parsePostgresAddress } from '../../store/postgres/address.ts'
import {
  readServerFacts,
  type ServerFacts,
  tryListen,
  tryWritePostgres,
} from '../../store/postgres/inspection.ts'
import { MAX_SKEW_MS } from '../../store/postgres/transactions.ts'
import { reasonOf } from '../terminal.ts'
import { checkSchema, type DatabaseFindings } from './database.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** Where the database is, and where to LISTEN if not there. */
export interface PostgresPlace {
  address: string
  listenAddress: string | null
}

/** The oldest that the PostgreSQL project itself still repairs, as of this version; the statements would run on 11. */
const OLDEST_VERSION = 14
const SLOW_MS = 20

/** Whether the database answers, is safe to write to, has the schema, and leaves room for this process. Changes nothing. */
export async function checkPostgres(place: PostgresPlace, now: number): Promise<DatabaseFindings> {
  const { address } = place
  const shown = shownPlace(address)
  try {
    const facts = await readServerFacts(address)
    const findings = [
      checkAnswer(shown, facts),
      checkVersion(facts),
      ...checkDurability(facts),
      checkSkew(facts),
      await checkListen(place),
      checkConnections(facts, parsePostgresAddress(address)),
      checkRights(facts),
    ]
    const inspection = await inspectDatabase(address, now)
    if (inspection === null)
      findings.push(
        warn('schema', `${shown} has no tables of ours yet`, 'nothing to do: the first start makes them'),
      )
    else findings.push(checkSchema(inspection))
    if (inspection?.state) findings.push(await checkCommit(address))
    return { findings, inspection }
  } catch (error) {
    const finding = fail(
      'database',
      `${shown} cannot be read: ${masked(error, address)}`,
      'check DATABASE_URL, the server and its pg_hba.conf, and that this machine may reach it',
    )
    return { findings: [finding], inspection: null }
  }
}

/** Host, port and database: what stands before the @ is nobody's business. */
function shownPlace(address: string): string {
  const { hostname, port, pathname } = new URL(address)
  return `${hostname || 'localhost'}:${port || '5432'}${pathname}`
}

/** Why, without the password, should a driver or a server ever repeat it. */
export function masked(error: unknown, address: string): string {
  const { password, searchParams } = new URL(address)
  // Read as a form does: a % that begins nothing is no error there.
  const plain = new URLSearchParams(`password=${password.replaceAll('+', '%2B')}`).get('password')
  const secrets = [password, plain ?? '', searchParams.get('password') ?? '']
  return secrets
    .filter(secret => secret !== '')
    .reduce((text, secret) => text.replaceAll(secret, '[password]'), reasonOf(error))
}

function checkAnswer(shown: string, { roundTripMs }: ServerFacts): Finding {
  const message = `${shown} answers in ${roundTripMs.toFixed(1)} ms`
  return roundTripMs < SLOW_MS
    ? ok('database', message)
    : warn(
        'database',
        `${message}: each request waits for one round trip or a few`,
        'run Ostiary near its database',
      )
}

/** Below the oldest version that PostgreSQL repairs nobody should keep sign-ins; and there we never tested. */
export function checkVersion({ version }: Pick<ServerFacts, 'version'>): Finding {
  const [major, minor] = [Math.floor(version / 10_000), version % 10_000]
  const message = `PostgreSQL ${major}.${minor}`
  return major < OLDEST_VERSION
    ? fail('version', `${message} gets no repairs any more`, `upgrade to ${OLDEST_VERSION} or later`)
    : ok('version', message)
}

/** Whether what was answered is there after a power loss. */
export function checkDurability(
  facts: Pick<ServerFacts, 'fsync' | 'fullPageWrites' | 'synchronousCommit' | 'isStandby'>,
): Finding[] {
  const { fsync, fullPageWrites, synchronousCommit, isStandby } = facts
  const findings: Finding[] = []
  if (isStandby)
    findings.push(fail('durability', 'this is a standby, which takes no write', 'name the primary'))
  for (const [name, value] of [
    ['fsync', fsync],
    ['full_page_writes', fullPageWrites],
  ])
    if (value !== 'on')
      findings.push(
        fail(
          'durability',
          `${name} is ${value}: what was answered is lost when the machine stops, and start refuses`,
          `set ${name} = on in postgresql.conf`,
        ),
      )
  if (findings.length > 0) return findings
  const own = synchronousCommit === 'on' ? '' : `, here on instead of ${synchronousCommit}`
  return [ok('durability', `fsync, full_page_writes and synchronous_commit are on${own}`)]
}

/** The store judges by the later of both clocks, and refuses when they are too far apart. */
export function checkSkew({ skewMs }: Pick<ServerFacts, 'skewMs'>): Finding {
  const message = `the clock of the database is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead of'} ours`
  if (Math.abs(skewMs) > MAX_SKEW_MS)
    return fail(
      'skew',
      `${message}: everything that judges answers 503`,
      'let NTP keep both clocks (timedatectl set-ntp true)',
    )
  return Math.abs(skewMs) > MAX_SKEW_MS / 4
    ? warn('skew', `${message}; above ${MAX_SKEW_MS} ms it is refused`, 'let NTP keep both clocks')
    : ok('skew', message)
}

/** Whether a message queued by one process wakes the others, or is found by asking each second. */
export async function checkListen({ address, listenAddress }: PostgresPlace): Promise<Finding> {
  const { isPooled } = parsePostgresAddress(address)
  const direct = listenAddress ?? (isPooled ? null : address)
  if (direct === null)
    return warn(
      'listen',
      'processes look for mail of others once a second: a pooler stands between, and DATABASE_LISTEN_URL is not set',
      'set DATABASE_LISTEN_URL to the direct address of the database',
    )
  const name = listenAddress === null ? 'DATABASE_URL' : 'DATABASE_LISTEN_URL'
  try {
    if (await tryListen(address, direct)) return ok('listen', `LISTEN works at ${shownPlace(direct)}`)
    return fail(
      'listen',
      `nothing is heard at ${shownPlace(direct)} (${name}): it looks like a pooler, or another database`,
      listenAddress === null
        ? 'add ?pgbouncer=true to DATABASE_URL, and set DATABASE_LISTEN_URL to the direct address'
        : 'set DATABASE_LISTEN_URL to the direct address of the same database',
    )
  } catch (error) {
    return fail(
      'listen',
      `LISTEN fails at ${shownPlace(direct)} (${name}): ${masked(error, direct)}`,
      'check the address; until then processes look for mail of others once a second',
    )
  }
}

/** Whether the pool of each process fits: a connection for LISTEN comes on top. */
export function checkConnections(
  { connections }: Pick<ServerFacts, 'connections'>,
  { poolSize, isPooled }: { poolSize: number; isPooled: boolean },
): Finding {
  if (isPooled)
    return ok('pool', `${poolSize} connections of each process to the pooler; max_client_conn has to fit`)
  const { limit, used } = connections
  const each = poolSize + 1
  const message = `each process takes up to ${each} connections, and ${limit} are allowed (${used} in use now)`
  const fix =
    'raise max_connections, lower ?pool= in DATABASE_URL, or put a pooler between (docs/postgresql.md)'
  if (each > limit) return fail('pool', message, fix)
  return each * 2 > limit ? warn('pool', `${message}: two do not fit`, fix) : ok('pool', message)
}

/** Each start migrates, and installs the functions of its version. */
export function checkRights({ mayCreate, mayAlter }: Pick<ServerFacts, 'mayCreate' | 'mayAlter'>): Finding {
  if (!mayCreate)
    return fail(
      'rights',
      'the role may not create tables and functions: start refuses',
      'GRANT USAGE, CREATE ON SCHEMA public to the role of DATABASE_URL, or make it the owner of the database',
    )
  if (!mayAlter)
    return fail(
      'rights',
      'the tables belong to another role: the next version cannot migrate them',
      'use the role that made them, or GRANT it to the role of DATABASE_URL',
    )
  return ok('rights', 'the role may migrate')
}

async function checkCommit(address: string): Promise<Finding> {
  try {
    return ok('write', `a write went through in ${(await tryWritePostgres(address)).toFixed(1)} ms`)
  } catch (error) {
    return fail(
      'write',
      `the database takes no write: ${masked(error, address)}`,
      'check the rights of the role, its disk, and who holds a lock',
    )
  }
}
