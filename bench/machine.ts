import { availableParallelism, cpus, loadavg, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** On what a run was made. */
export interface Machine {
  cpu: string
  cores: number
  memoryGb: number
  system: string
  node: string
  sqlite: string
  postgres: string
  betterAuth: string
  /** One-row transactions in WAL with `synchronous = FULL`, one after the other: what an fsync costs here. */
  singleCommitsPerSecond: number
  /** Load average of the last minute before the run: other work on the machine makes the figures noisy. */
  loadBefore: number
}

export function describeMachine(folder: string, versions: Pick<Machine, 'postgres' | 'betterAuth'>): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: type(),
    node: process.versions.node,
    sqlite: process.versions.sqlite ?? 'unknown',
    ...versions,
    singleCommitsPerSecond: Math.round(measureCommits(join(folder, 'commits.db'))),
    loadBefore: loadavg()[0] ?? 0,
  }
}

function measureCommits(file: string): number {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE numbers (number INTEGER)')
  const begin = performance.now()
  let commits = 0
  for (; performance.now() - begin < 500; commits++) database.exec('INSERT INTO numbers VALUES (1)')
  const ms = performance.now() - begin
  database.close()
  return (commits / ms) * 1000
}
