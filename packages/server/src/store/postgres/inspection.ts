import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { type Inspection, inspect } from '../inspection.ts'
import { readMigrations } from '../migrations.ts'
import { UNSHARED } from '../sql/transaction.ts'
import { parsePostgresAddress } from './address.ts'
import { MIGRATIONS } from './migrate.ts'

/** A PostgreSQL as it presents itself to us. */
export interface ServerFacts {
  /** 17.2 is 170002. */
  version: number
  /** The middle one of a few. */
  roundTripMs: number
  /** How far its clock is ahead of ours, as well as a round trip can tell. */
  skewMs: number
  isStandby: boolean
  fsync: string
  fullPageWrites: string
  /** What holds for a connection that does not set its own. */
  synchronousCommit: string
  /** Whether the role may make tables and functions in our schema, and change those that are there. */
  mayCreate: boolean
  mayAlter: boolean
  /** Connections that roles like ours may have, all together, and those in use by all. */
  connections: { limit: number; used: number }
}

const CONNECT_MS = 5_000
const ANSWER_MS = 10_000
const ROUND_TRIPS = 5
const RING_MS = 2_000

/** Reads beside running servers, in one snapshot; null while our tables are not there. */
export async function inspectPostgres(address: string, now: number): Promise<Inspection | null> {
  return await withClient(address, async client => {
    const rows = async (sql: string, values: unknown[] = []) => (await client.query(sql, values)).rows
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const [found] = await rows("SELECT to_regclass('migrations') IS NOT NULL AS is_there")
    if (!found?.is_there) return null
    const applied = (await rows('SELECT name FROM migrations ORDER BY name')).map(row => row.name)
    const tx = {
      ...UNSHARED,
      one: async (sql: string, ...values: unknown[]) => (await rows(sql, values))[0],
      all: (sql: string, ...values: unknown[]) => rows(sql, values),
      run: async (sql: string, ...values: unknown[]) => (await client.query(sql, values)).rowCount ?? 0,
      judgeAt: (at: number) => at,
      afterCommit: () => {},
      queued: () => {},
    }
    return await inspect(tx, readMigrations(MIGRATIONS), applied, now)
  })
}

/** Writes one row as it is, through to the disk; how long that took, in milliseconds. Throws when it fails. */
export async function tryWritePostgres(address: string): Promise<number> {
  return await withClient(address, async client => {
    const begunAt = performance.now()
    await client.query(
      'BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = 5000; UPDATE instance SET epoch = epoch; COMMIT',
    )
    return performance.now() - begunAt
  })
}

/** Asks the server about itself. Throws when it cannot be reached. */
export async function readServerFacts(address: string): Promise<ServerFacts> {
  return await withClient(address, async client => {
    const trips: { ms: number; skewMs: number }[] = []
    for (let trip = 0; trip < ROUND_TRIPS; trip++) {
      const [sentAt, begunAt] = [Date.now(), performance.now()]
      const { rows } = await client.query(
        'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS instant',
      )
      const ms = performance.now() - begunAt
      // It read its clock about half way.
      trips.push({ ms, skewMs: Math.round(rows[0].instant - (sentAt + ms / 2)) })
    }
    trips.sort((one, other) => one.ms - other.ms)
    const { rows } = await client.query(
      `SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS is_standby,
         current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
         current_setting('synchronous_commit') AS synchronous_commit,
         coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
         coalesce((SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class
           WHERE relkind = 'r' AND oid = to_regclass('migrations')), true) AS may_alter,
         least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
             - coalesce(current_setting('reserved_connections', true)::int, 0),
           (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
           (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())) AS allowed,
         (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used`,
    )
    const [row] = rows
    return {
      version: row.version,
      roundTripMs: trips[Math.floor(ROUND_TRIPS / 2)]?.ms ?? 0,
      skewMs: trips[0]?.skewMs ?? 0,
      isStandby: row.is_standby,
      fsync: row.fsync,
      fullPageWrites: row.full_page_writes,
      synchronousCommit: row.synchronous_commit,
      mayCreate: row.may_create,
      mayAlter: row.may_alter,
      connections: { limit: row.allowed, used: row.used },
    }
  })
}

/**
 * Whether a notification from one connection reaches another that listens at `listenAddress`: behind a pooler in
 * transaction mode LISTEN is taken and nothing ever comes. Throws when the address cannot be reached.
 */
export async function tryListen(address: string, listenAddress: string): Promise<boolean> {
  const channel = `ostiary_doctor_${randomBytes(8).toString('hex')}`
  return await withClient(listenAddress, async listener => {
    let timer: NodeJS.Timeout | undefined
    const heard = new Promise<boolean>(resolve => {
      listener.once('notification', () => resolve(true))
      timer = setTimeout(() => resolve(false), RING_MS)
    })
    try {
      await listener.query(`LISTEN ${channel}`)
      await withClient(address, client => client.query(`NOTIFY ${channel}`))
      return await heard
    } finally {
      clearTimeout(timer)
      await listener.query(`UNLISTEN ${channel}`)
    }
  })
}

async function withClient<T>(address: string, task: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: parsePostgresAddress(address).url,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    application_name: 'ostiary doctor',
  })
  client.on('error', () => {})
  await client.connect()
  try {
    return await task(client)
  } finally {
    // An open transaction ends with its connection.
    await client.end()
  }
}
