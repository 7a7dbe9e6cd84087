import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Role } from '../../src/main.ts'

const SCRIPT = fileURLToPath(new URL('node.ts', import.meta.url))
const START_MS = 30_000

/** A server process of the campaign, with all that can be done to it. */
export interface Node {
  role: Role
  url: string
  /** Whether it answers, as far as anybody was told: false from just before a kill to the end of the next start. */
  isUp(): boolean
  /** How far its clock is off; null while that changes. */
  clockOffsetMs(): number | null
  /** Begins a process on its port. Rejects when it ends before it is up, as it does without a database. */
  start(): Promise<void>
  kill(): Promise<void>
  /** SIGSTOP, and SIGCONT so much later. */
  stopFor(ms: number): Promise<void>
  setClock(offsetMs: number): Promise<void>
  /** SIGTERM; what it said if it did not end well. */
  end(): Promise<string | null>
}

const children = new Set<ChildProcess>()

const compileCache = mkdtempSync(join(tmpdir(), 'ostiary-compiled-'))

// Whatever ends the campaign ends its nodes; a stopped one, too.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(compileCache, { recursive: true, force: true })
})

export function createNode(role: Role, port: number, env: Record<string, string>): Node {
  let child: ChildProcess | null = null
  let gone: Promise<void> = Promise.resolve()
  let isUp = false
  let offsetMs: number | null = 0
  let said = ''

  return {
    role,
    url: `http://127.0.0.1:${port}`,
    isUp: () => isUp,
    clockOffsetMs: () => offsetMs,
    async start() {
      const next = spawn(process.execPath, [SCRIPT], {
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          TMPDIR: tmpdir(),
          NODE_COMPILE_CACHE: compileCache,
          PORT: String(port),
          CAMPAIGN_ROLE: role,
          ...env,
        },
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      })
      children.add(next)
      child = next
      said = ''
      next.stderr?.setEncoding('utf8').on('data', text => {
        said = (said + text).slice(-20_000)
      })
      gone = new Promise(resolve => {
        next.once('exit', () => {
          children.delete(next)
          if (child === next) isUp = false
          resolve()
        })
      })
      const slow = setTimeout(() => next.kill('SIGKILL'), START_MS)
      const isThere = await Promise.race([
        new Promise<boolean>(resolve => next.once('message', () => resolve(true))),
        gone.then(() => false),
      ])
      clearTimeout(slow)
      if (!isThere) throw new Error(`a node ended before it was up: ${said.slice(0, 2000)}`)
      offsetMs = 0
      isUp = true
    },
    async kill() {
      isUp = false
      if (!child) return
      child.kill('SIGKILL')
      await gone
    },
    async stopFor(ms) {
      const stopped = child
      stopped?.kill('SIGSTOP')
      await pause(ms)
      stopped?.kill('SIGCONT')
    },
    async setClock(next) {
      const told = child
      if (!told || told.exitCode !== null || !told.connected) return
      offsetMs = null
      const heard = new Promise<void>(resolve => told.once('message', () => resolve()))
      told.send({ offsetMs: next }, () => {})
      await Promise.race([heard, gone])
      offsetMs = next
    },
    async end() {
      isUp = false
      if (!child) return null
      child.kill('SIGTERM')
      const late = setTimeout(() => child?.kill('SIGKILL'), 60_000)
      await gone
      clearTimeout(late)
      return child.exitCode === 0 ? null : `${child.exitCode ?? child.signalCode}: ${said.slice(-2000)}`
    },
  }
}
