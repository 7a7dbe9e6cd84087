/** Where a PostgreSQL is and how to speak to it: `DATABASE_URL`, with two parameters of ours. */
export interface PostgresAddress {
  /** For the driver, without our parameters. */
  url: string
  /** Connections of this process at most. */
  poolSize: number
  /**
   * A pooler in transaction mode stands between: statements have no names and sessions no settings, and LISTEN needs
   * an address of its own.
   */
  isPooled: boolean
}

const DEFAULT_POOL_SIZE = 10

/** Reads `postgres://…?pool=20&pgbouncer=true`. Throws what is wrong, to be said after the name of the setting. */
export function parsePostgresAddress(text: string): PostgresAddress {
  if (!URL.canParse(text)) throw new Error('is not a URL')
  const url = new URL(text)
  const pool = url.searchParams.get('pool')
  const bouncer = url.searchParams.get('pgbouncer')
  if (pool !== null && !/^[1-9]\d{0,2}$/.test(pool))
    throw new Error('has a pool that is not a number from 1 to 999')
  if (bouncer !== null && bouncer !== 'true' && bouncer !== 'false')
    throw new Error('has a pgbouncer that is neither true nor false')
  url.searchParams.delete('pool')
  url.searchParams.delete('pgbouncer')
  return {
    url: url.href,
    poolSize: pool === null ? DEFAULT_POOL_SIZE : Number(pool),
    isPooled: bouncer === 'true',
  }
}
