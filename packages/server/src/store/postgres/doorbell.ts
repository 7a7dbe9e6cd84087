import pg from 'pg'
import type { Database } from './database.ts'

/** Tells the other nodes that a message was queued, and hears it from them. Lost rings cost a poll, never a message. */
export interface Doorbell {
  /** Rings on the other nodes: at once, then at most once in a while for each environment. */
  ring(environmentId: string): void
  close(): Promise<void>
}

const CHANNEL = 'ostiary_queued'
// A NOTIFY takes a lock on the whole database until its commit. Within the write of a send it would make all sends wait
// for each other's fsync, so it goes on its own, afterwards, and not for each.
const QUIET_MS = 200
const MAX_BACK_OFF_MS = 30_000

/** Listens at `listenUrl`; null where a pooler stands between, and then each node polls. */
export function createDoorbell(
  database: Database,
  listenUrl: string | null,
  onRing: (environmentId: string) => void,
): Doorbell {
  const self = Math.random().toString(36).slice(2)
  const ringing = new Map<string, { isAgain: boolean }>()
  let client: pg.Client | null = null
  let retry: NodeJS.Timeout | undefined
  let backOffMs = 500
  let isClosed = false

  async function listen(url: string): Promise<void> {
    const next = new pg.Client({ connectionString: url, keepAlive: true, application_name: 'ostiary listen' })
    client = next
    next.on('error', () => {})
    next.on('end', () => again(url, next))
    next.on('notification', ({ payload = '' }) => {
      const [sender, environmentId] = payload.split(' ')
      if (sender !== self && environmentId) onRing(environmentId)
    })
    try {
      await next.connect()
      await next.query(`LISTEN ${CHANNEL}`)
      backOffMs = 500
    } catch {
      await next.end().catch(() => {})
      again(url, next)
    }
  }

  function again(url: string, ended: pg.Client): void {
    if (isClosed || client !== ended) return
    client = null
    retry = setTimeout(() => void listen(url), backOffMs)
    retry.unref()
    backOffMs = Math.min(MAX_BACK_OFF_MS, backOffMs * 2)
  }

  function notify(environmentId: string): void {
    ringing.set(environmentId, { isAgain: false })
    database
      .withConnection(connection =>
        connection.query('SELECT pg_notify($1, $2)', [CHANNEL, `${self} ${environmentId}`]),
      )
      .catch(() => {})
      .finally(() => {
        setTimeout(() => {
          const { isAgain } = ringing.get(environmentId) ?? { isAgain: false }
          ringing.delete(environmentId)
          if (isAgain && !isClosed) notify(environmentId)
        }, QUIET_MS).unref()
      })
  }

  if (listenUrl !== null) void listen(listenUrl)
  return {
    ring(environmentId) {
      const under = ringing.get(environmentId)
      if (under) under.isAgain = true
      else if (!isClosed) notify(environmentId)
    },
    async close() {
      isClosed = true
      clearTimeout(retry)
      await client?.end().catch(() => {})
    },
  }
}
