import { DatabaseSync } from 'node:sqlite'

/** What a contender has used since it was started. */
export interface Usage {
  cpuMs: number
  rssBytes: number
  commits: number
  /** Savepoints in those commits. */
  operations: number
  /** Messages that were queued and are not settled yet. */
  waiting: number
}

/** Counts from now on what this process does to its database; `read` tells it. */
export function watchUsage(): { read(file: string): Usage } {
  const counts = { commits: 0, operations: 0 }
  const { exec } = DatabaseSync.prototype
  DatabaseSync.prototype.exec = function (sql) {
    if (sql === 'COMMIT') counts.commits++
    else if (sql === 'SAVEPOINT operation') counts.operations++
    return exec.call(this, sql)
  }
  return {
    read(file) {
      const { user, system } = process.cpuUsage()
      return {
        cpuMs: (user + system) / 1000,
        rssBytes: process.memoryUsage.rss(),
        ...counts,
        waiting: waitingIn(file),
      }
    },
  }
}

function waitingIn(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true })
  const row = database.prepare("SELECT count(*) AS waiting FROM messages WHERE status = 'queued'").get()
  database.close()
  return Number(row?.waiting)
}
