import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { formatApiKey } from '../packages/server/src/core/tokens.ts'
import { type Child, freePort, startChild } from './child.ts'
import type { Usage } from './usage.ts'

/** What a contender is told at its start. */
export interface Contest {
  database: string
  port: number
  secretKey: string
  /** Of the floor: whether it plays the SELECTs of the server too. */
  hasReads: boolean
}

/** One server under measurement, listening. */
export interface Contender {
  name: string
  port: number
  secretKey: string
  usage(): Promise<Usage>
  stop(): Promise<void>
}

/** Starts Ostiary and both floors, each in a process of its own on a fresh file in this folder. */
export async function startContenders(folder: string, profile: string | null): Promise<Contender[]> {
  return [
    await startContender('Ostiary', 'serve-ostiary.ts', folder, false, profile),
    await startContender('floor', 'serve-floor.ts', folder, false, profile),
    await startContender('floor + reads', 'serve-floor.ts', folder, true, profile),
  ]
}

async function startContender(
  name: string,
  file: string,
  folder: string,
  hasReads: boolean,
  profile: string | null,
): Promise<Contender> {
  const slug = name.toLowerCase().replaceAll(/\W+/g, '-')
  const contest: Contest = {
    database: join(folder, `${slug}.db`),
    port: await freePort(),
    secretKey: formatApiKey('osk', 'test', randomBytes(32)),
    hasReads,
  }
  if (file === 'serve-floor.ts') {
    const recorder = startChild('record.ts')
    await recorder.ask('start', contest)
    await recorder.stop()
  }
  const flags =
    profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${slug}.cpuprofile`]
  const child: Child = startChild(file, flags)
  await child.ask('start', contest)
  const { port, secretKey } = contest
  return { name, port, secretKey, usage: () => child.ask('usage'), stop: child.stop }
}
