import { openSync, readSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'

/** What a contender has used since it was started; null where it has no such thing. */
export interface Usage {
  cpuMs: number
  rssBytes: number
  /** Of SQLite; PostgreSQL counts its own. */
  commits: number | null
  /** Savepoints in those commits. */
  operations: number | null
  walBytes: number | null
  /** Messages that were queued and are not settled yet. */
  waiting: number
}

/** Counts from now on what this process does to its database; `read` tells it. */
export function watchUsage(): { read(database: string): Promise<Usage> } {
  const counts = { commits: 0, operations: 0, walBytes: 0 }
  let wal: ReturnType<typeof watchWal> | null = null
  const { exec } = DatabaseSync.prototype
  DatabaseSync.prototype.exec = function (sql) {
    const result = exec.call(this, sql)
    if (sql === 'COMMIT') {
      wal ??= watchWal(this.location() ?? '')
      counts.commits++
      counts.walBytes += wal()
    } else if (sql === 'SAVEPOINT operation') counts.operations++
    return result
  }
  return {
    async read(database) {
      const { user, system } = process.cpuUsage()
      const isSqlite = database.startsWith('sqlite:')
      return {
        cpuMs: (user + system) / 1000,
        rssBytes: process.memoryUsage.rss(),
        ...(isSqlite ? counts : { commits: null, operations: null, walBytes: null }),
        waiting: await (isSqlite ? waitingInFile(database.slice('sqlite:'.length)) : waitingIn(database)),
      }
    },
  }
}

/**
 * Tells how many bytes of log were written since it was last asked. The number of frames stands in the index of the log
 * (sqlite.org/walformat.html section 2.1), in the byte order of the machine; it begins anew after a checkpoint.
 */
function watchWal(file: string): () => number {
  const index = openSync(`${file}-shm`, 'r')
  const header = new Uint32Array(6)
  const read = () => {
    readSync(index, header, 0, header.byteLength, 0)
    return header[4] ?? 0
  }
  let before = read()
  return () => {
    const frames = read()
    const written = frames >= before ? frames - before : frames
    before = frames
    return written * (4096 + 24)
  }
}

const WAITING = "SELECT count(*) AS waiting FROM messages WHERE status = 'queued'"

function waitingInFile(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database.prepare(WAITING).get()
  database.close()
  return Number(row?.waiting)
}

async function waitingIn(database: string): Promise<number> {
  const client = new Client({ connectionString: database })
  await client.connect()
  const { rows } = await client.query(WAITING)
  await client.end()
  return Number(rows[0]?.waiting)
}
