import { join } from 'node:path'
import { installBetterAuth } from './better-auth/install.ts'
import { type Child, startChild } from './child.ts'
import { type Contest, contestOf } from './contest.ts'
import type { Target } from './load/generator.ts'
import { problemOf } from './ostiary/server.ts'
import type { Postgres } from './postgres/server.ts'
import type { Usage } from './usage.ts'

/** Who takes part, and on what. */
export interface Entry {
  name: string
  file: string
  store: 'SQLite' | 'PostgreSQL'
  protocol: Target['protocol']
  hasReads: boolean
}

const OSTIARY = { file: 'ostiary/serve.ts', protocol: 'ostiary', hasReads: false } as const
const FLOOR = { ...OSTIARY, file: 'floor/serve.ts' } as const
const SQLITE = { store: 'SQLite' } as const
const POSTGRES = { store: 'PostgreSQL' } as const

export const ENTRIES = {
  ostiarySqlite: { name: 'Ostiary, SQLite', ...OSTIARY, ...SQLITE },
  floorSqlite: { name: 'floor, SQLite', ...FLOOR, ...SQLITE },
  floorReadsSqlite: { name: 'floor + reads, SQLite', ...FLOOR, ...SQLITE, hasReads: true },
  ostiaryPostgres: { name: 'Ostiary, PostgreSQL', ...OSTIARY, ...POSTGRES },
  floorPostgres: { name: 'floor, PostgreSQL', ...FLOOR, ...POSTGRES },
  betterAuth: {
    name: 'Better Auth, PostgreSQL',
    ...POSTGRES,
    file: 'better-auth/serve.js',
    protocol: 'better-auth',
    hasReads: false,
  },
} as const satisfies Record<string, Entry>

/** One server under measurement, listening. */
export interface Contender extends Target {
  name: string
  store: Entry['store']
  child: Child
  usage(): Promise<Usage>
  stop(): Promise<void>
}

/** Where the contenders of a run put what they have. */
export interface Ground {
  folder: string
  postgres: Postgres
  /** Folder for CPU profiles, or null. */
  profile: string | null
}

/** Its database, made and, for a floor, recorded: contenders can be started on it, one after the other. */
export interface Prepared {
  entry: Entry
  /** Starts it in a process of its own; with a port, PostgreSQL is reached through that. */
  start(postgresPort?: number): Promise<Contender>
}

/** Null where this version of Ostiary cannot take part yet; `tell` learns why. */
export async function prepare(
  entry: Entry,
  ground: Ground,
  tell: (line: string) => void,
): Promise<Prepared | null> {
  const slug = entry.name.toLowerCase().replaceAll(/\W+/g, '_')
  const urlOf =
    entry.store === 'SQLite'
      ? () => `sqlite:${join(ground.folder, `${slug}.db`)}`
      : await ground.postgres.create(slug)
  const problem = entry.protocol === 'ostiary' ? problemOf(urlOf()) : null
  if (problem) {
    tell(`${entry.name} is left out: ${problem}`)
    return null
  }
  if (entry.protocol === 'better-auth') installBetterAuth()
  const contest = (database: string) =>
    contestOf(database, { tape: join(ground.folder, `${slug}.tape.json`), hasReads: entry.hasReads })
  if (entry.file === FLOOR.file) {
    const recorder = startChild('floor/record.ts')
    await recorder.ask('start', await contest(urlOf()))
    await recorder.stop()
  }
  const { profile } = ground
  const flags =
    profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${slug}.cpuprofile`]
  return {
    entry,
    start: async port => startContender(entry, await contest(urlOf(port)), flags),
  }
}

/** Starts one server in a process of its own, whose log goes to this descriptor. */
export async function startContender(
  { name, store, file, protocol }: Entry,
  contest: Contest,
  flags: string[] = [],
  output?: number,
): Promise<Contender> {
  const child = startChild(file, flags, output)
  const secretKey = (await child.ask<string | undefined>('start', contest)) ?? ''
  const { port } = contest
  return { name, store, protocol, port, secretKey, child, usage: () => child.ask('usage'), stop: child.stop }
}
