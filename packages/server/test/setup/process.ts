import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Answer } from './server.ts'

/** The command as a person runs it. */
export const BIN = fileURLToPath(new URL('../../bin/ostiary.js', import.meta.url))

const children = new Set<ChildProcess>()
const folders: string[] = []

/** Ends every process and removes every folder that was made here. */
export async function endAll(): Promise<void> {
  await Promise.all(
    [...children].map(async child => {
      child.kill('SIGKILL')
      await exitOf(child)
    }),
  )
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

// Registered for each test file that imports this one: no process and no folder outlives its file. Tools, which have
// no vitest around them, call it themselves.
if (process.env.VITEST) (await import('vitest')).afterAll(endAll)

/** An empty folder that is removed with the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ostiary-process-'))
  folders.push(folder)
  return folder
}

/** A port that nothing listens on just now, on loopback. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

type Settings = Record<string, string>

interface Options {
  /** The settings of the process. Nothing of Ostiary's is inherited from whoever runs the tests. */
  env?: Settings
  cwd?: string
  /** Another `ostiary` than the one of this checkout: the path of its command. */
  bin?: string
  /** Another Node than the one that runs the tests. */
  node?: string
  nodeOptions?: string[]
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Running {
  url: string
  port: number
  pid: number
  stdout(): string
  stderr(): string
  /** Resolves when the process has ended, for whatever reason. */
  ended: Promise<Ended>
  /** SIGTERM, and how it ended. */
  stop(): Promise<Ended>
  /** kill -9. */
  kill(): Promise<Ended>
}

/** Runs a command to its end. Fails after 30 s: a command that hangs is a bug. */
export async function ostiary(args: string[], options: Options = {}): Promise<Ended> {
  const { child, ended } = begin(args, options)
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  const end = await ended
  clearTimeout(timer)
  if (end.signal === 'SIGKILL') throw new Error(`ostiary ${args.join(' ')} did not end: ${end.stderr}`)
  return end
}

/** Starts a server and waits for its first answer; when it ends before that, throws with what it said. */
export async function startServer(args: string[], port: number, options: Options = {}): Promise<Running> {
  const { child, ended, output } = begin(args, options)
  const server: Running = {
    url: `http://localhost:${port}`,
    port,
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
    kill() {
      child.kill('SIGKILL')
      return ended
    },
  }
  const isOver = ended.then(() => true)
  const until = performance.now() + 20_000
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, {
      headers: { Connection: 'close' },
      signal: AbortSignal.timeout(5000),
    }).catch(() => null)
    await answer?.arrayBuffer().catch(() => {})
    if (answer?.ok && child.exitCode === null) return server
    if (await Promise.race([isOver, pause(20, false)]))
      throw new Error(`ostiary ${args.join(' ')} ended before it answered: ${output.stderr || output.stdout}`)
    if (performance.now() > until) {
      child.kill('SIGKILL')
      throw new Error(`ostiary ${args.join(' ')} did not answer within 20 s: ${output.stderr}`)
    }
  }
}

/** What `ostiary dev --json` prints. */
export interface DevFacts {
  api: string
  inbox: string
  demo: string
  docs: string
  openapi: string
  secretKey: string
  publishableKey: string
  issuer: string
  audience: string
}

export interface DevServer extends Running {
  facts: DevFacts
  folder: string
}

/** `ostiary dev --json` on a free port and a folder of its own. */
export async function startDev({
  folder = join(temporaryFolder(), 'data'),
  port,
  env = {},
}: {
  folder?: string
  port?: number
  env?: Settings
} = {}): Promise<DevServer> {
  const chosen = port ?? (await freePort())
  const args = ['dev', '--port', String(chosen), '--data', folder, '--json']
  const server = await startServer(args, chosen, { env })
  // It answers a moment before it prints.
  const isOver = server.ended.then(() => true)
  while (!server.stdout().endsWith('}\n'))
    if (await Promise.race([isOver, pause(5, false)]))
      throw new Error(`ostiary dev ended: ${server.stderr()}`)
  return { ...server, facts: JSON.parse(server.stdout()), folder }
}

/** All settings of `ostiary start` on a fresh database and a free port of loopback. */
export async function liveSettings(smtpUrl: string): Promise<{ env: Settings; port: number; file: string }> {
  const port = await freePort()
  const file = join(temporaryFolder(), 'live', 'ostiary.db')
  return {
    port,
    file,
    env: {
      OSTIARY_URL: `http://localhost:${port}`,
      OSTIARY_SECRET: randomBytes(32).toString('base64url'),
      DATABASE_URL: `sqlite:${file}`,
      SMTP_URL: smtpUrl,
      MAIL_FROM: 'Acme <login@acme.example>',
      PORT: String(port),
    },
  }
}

export type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>

/** Calls the API of a process over its socket with a secret key. Throws when the connection breaks. */
export function apiOf(url: string, key: string): Call {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') && text !== ''
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
}

/** Presses the button of a link page as a browser does; the token that the app gets, or null when there is none. */
export async function pressLink(link: string): Promise<string | null> {
  const response = await fetch(link, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
    body: '',
    signal: AbortSignal.timeout(20_000),
  })
  await response.arrayBuffer()
  const location = response.headers.get('location')
  return response.status === 303 && location ? new URL(location).searchParams.get('token') : null
}

function begin(
  args: string[],
  { env = {}, cwd, bin = BIN, node = process.execPath, nodeOptions = [] }: Options,
) {
  const child = spawn(node, [...nodeOptions, bin, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: tmpdir(), NO_COLOR: '1', ...env },
    ...(cwd !== undefined && { cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', text => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    output.stderr += text
  })
  const ended = exitOf(child).then(() => {
    children.delete(child)
    return { code: child.exitCode, signal: child.signalCode, ...output }
  })
  return { child, ended, output }
}

/** Resolves at `close`: the process is gone and all that it printed is here. */
function exitOf(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('close', () => resolve())
  })
}
