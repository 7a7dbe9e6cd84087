import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './child.ts'
import { median } from './quantile.ts'

export interface StartUp {
  /** From the start of the process to the first answer of `/healthz`; the first start makes the data folder. */
  firstStartMs: number
  laterStartMs: number
  /** Resident memory three seconds after that. */
  idleRssMb: number
}

const BIN = fileURLToPath(new URL('../packages/server/bin/ostiary.js', import.meta.url))
const STARTS = 3

/** Starts `ostiary dev` on a new data folder, and then again on the same. */
export async function measureStartUp(folder: string): Promise<StartUp> {
  const data = mkdtempSync(join(folder, 'dev-'))
  const first = await startOnce(data)
  const later = []
  for (let start = 0; start < STARTS; start++) later.push(await startOnce(data))
  return {
    firstStartMs: first.ms,
    laterStartMs: median(later.map(({ ms }) => ms)),
    idleRssMb: median(later.map(({ rssMb }) => rssMb)),
  }
}

async function startOnce(data: string): Promise<{ ms: number; rssMb: number }> {
  const port = await freePort()
  const begin = performance.now()
  const child = spawn(process.execPath, [BIN, 'dev', '--port', String(port), '--data', data], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const gone = new Promise(resolve => child.once('exit', resolve))
  await firstAnswer(`http://127.0.0.1:${port}/healthz`, begin)
  const ms = performance.now() - begin
  await new Promise(resolve => setTimeout(resolve, 3000))
  const rssKb = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(child.pid)], { encoding: 'utf8' }))
  child.kill('SIGTERM')
  await gone
  return { ms, rssMb: rssKb / 1024 }
}

async function firstAnswer(url: string, begin: number): Promise<void> {
  while (performance.now() - begin < 30_000) {
    const isThere = await fetch(url).then(
      response => response.ok,
      () => false,
    )
    if (isThere) return
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  throw new Error('ostiary dev did not answer within 30 s')
}
