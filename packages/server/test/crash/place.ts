import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import type { OstiaryOptions, Role } from '../../src/main.ts'
import { admin, startPostgres, withDatabase } from '../setup/postgres-server.ts'
import { snapshotOf } from '../setup/snapshot.ts'
import { openWire, type Wire } from './wire.ts'

/** The database of one round: fresh, and removed after it. */
export interface Place {
  /** What the nodes are told as DATABASE_URL. */
  nodeUrl: string
  /** How the campaign opens it itself, with whatever clock. */
  options: Pick<OstiaryOptions, 'database' | 'databaseClock'>
  /** Keeps a copy as it is now; `restore` puts it in the place of the database. */
  copy(): Promise<void>
  restore(): Promise<void>
  /** The store as an SQLite file to look into. */
  snapshot(): Promise<string>
  remove(): Promise<void>
  /** What can befall a database server; null where there is none. */
  server: DatabaseServer | null
}

export interface DatabaseServer {
  wire: Wire
  /** Immediate stop, and start. */
  crash(): Promise<void>
  /** Ends so many backends of the nodes, those at work first; how many there were to end. */
  terminate(count: number): Promise<number>
}

/** Where the rounds of a campaign get their databases. */
export interface House {
  /** Of the processes that share the database. */
  roles: readonly Role[]
  open(): Promise<Place>
  close(): Promise<void>
}

/** One file, so one process. */
export function sqliteHouse(): House {
  return {
    roles: ['all'],
    async open() {
      const folder = mkdtempSync(join(tmpdir(), 'ostiary-faults-'))
      const file = join(folder, 'ostiary.db')
      const kept = join(folder, 'copy.db')
      const remains = () => rmSync(folder, { recursive: true, force: true })
      process.on('exit', remains)
      return {
        nodeUrl: `sqlite:${file}`,
        options: { database: file },
        async copy() {
          // As docs/backup.md says, beside the running server.
          const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
          database.exec(`VACUUM INTO '${kept}'`)
          database.close()
        },
        async restore() {
          for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
          copyFileSync(kept, file)
        },
        snapshot: async () => file,
        async remove() {
          remains()
          process.off('exit', remains)
        },
        server: null,
      }
    },
    close: async () => {},
  }
}

/** A PostgreSQL of the campaign's own, behind a wire that fails; two nodes answer on it, and one more process delivers. */
export async function postgresHouse(): Promise<House> {
  const server = await startPostgres()
  const remains = () => rmSync(server.folder, { recursive: true, force: true })
  process.on('exit', remains)
  const wire = await openWire(server.port)
  return {
    roles: ['all', 'api', 'worker'],
    async open() {
      const name = `faults_${randomBytes(4).toString('hex')}`
      const kept = `${name}_copy`
      const url = withDatabase(server.url, name)
      const nodeUrl = new URL(url)
      nodeUrl.port = String(wire.port)
      const run = (sql: string) => admin(server.url, client => client.query(sql))
      const snapshots: string[] = []
      await run(`CREATE DATABASE ${name}`)
      return {
        nodeUrl: nodeUrl.href,
        options: { database: url, databaseClock: now => now },
        copy: () => copyWhenFree(run, name, kept),
        async restore() {
          await run(`DROP DATABASE ${name} WITH (FORCE)`)
          await run(`ALTER DATABASE ${kept} RENAME TO ${name}`)
        },
        async snapshot() {
          const file = await snapshotOf(url)
          snapshots.push(file)
          return file
        },
        async remove() {
          await run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
          await run(`DROP DATABASE IF EXISTS ${kept} WITH (FORCE)`)
          for (const file of snapshots)
            for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
        },
        server: {
          wire,
          crash: () => server.crash(),
          async terminate(count) {
            const { rows } = await run(
              `SELECT pg_terminate_backend(pid) AS is_done FROM (
                 SELECT pid FROM pg_stat_activity WHERE datname = '${name}'
                 ORDER BY state = 'active' DESC, random() LIMIT ${count}) AS chosen`,
            )
            return rows.filter(row => row.is_done).length
          },
        },
      }
    },
    async close() {
      await wire.close()
      await server.stop()
      process.off('exit', remains)
    },
  }
}

/** A copy of a database is made while nobody is in it; what a killed node left there takes a moment to go. */
async function copyWhenFree(run: (sql: string) => Promise<unknown>, name: string, kept: string) {
  for (let tries = 1; ; tries++) {
    await run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
    try {
      return void (await run(`CREATE DATABASE ${kept} TEMPLATE ${name}`))
    } catch (error) {
      if (tries > 20) throw error
      await pause(100)
    }
  }
}
