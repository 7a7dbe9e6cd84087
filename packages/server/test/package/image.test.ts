import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, delimiter, dirname, join, matchesGlob, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { liveSettings, temporaryFolder } from '../setup/process.ts'

// The image without an engine: each stage is a folder, COPY copies, RUN runs, and at last ENTRYPOINT serves.

const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url))
// npm as this machine has set it up: its registry, proxy and certificates.
const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  npm_config_prefer_offline: 'true',
  npm_config_update_notifier: 'false',
}

interface Step {
  word: string
  rest: string
}

const steps: Step[] = readFileSync(join(REPOSITORY, 'Dockerfile'), 'utf8')
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#'))
  .map(line => {
    const [word = '', ...rest] = line.split(' ')
    return { word, rest: rest.join(' ') }
  })
const ignored = readFileSync(join(REPOSITORY, '.dockerignore'), 'utf8').trim().split('\n')
const isIgnored = (path: string) =>
  path
    .split('/')
    .some((_, index, parts) =>
      ignored.some(pattern => matchesGlob(parts.slice(0, index + 1).join('/'), pattern)),
    )
const jsonOf = (word: string): string[] => {
  const step = steps.findLast(one => one.word === word)
  return JSON.parse(step?.rest.slice(step.rest.indexOf('[')) ?? '[]')
}

/** Plays the Dockerfile; the folder of the last stage. What changes the system itself is left out. */
function rehearse(): string {
  const stages = new Map<string, string>()
  let root = ''
  let cwd = ''
  for (const { word, rest } of steps) {
    if (word === 'FROM') {
      root = temporaryFolder()
      stages.set(/ AS (\w+)$/.exec(rest)?.[1] ?? 'last', root)
    } else if (word === 'WORKDIR') {
      cwd = join(root, rest)
      mkdirSync(cwd, { recursive: true })
    } else if (word === 'COPY') copy(rest, cwd, stages)
    else if (word === 'RUN' && /^(?:npm|node) /.test(rest))
      execFileSync('sh', ['-ec', rest], { cwd, env, stdio: 'pipe' })
    else if (word === 'RUN') execFileSync('sh', ['-n', '-c', rest])
  }
  return root
}

function copy(rest: string, cwd: string, stages: Map<string, string>): void {
  const from = /^--from=(\w+) /.exec(rest)
  const words = rest.slice(from?.[0].length ?? 0).split(' ')
  const target = words.pop() ?? ''
  for (const source of words) {
    const path = from ? join(stages.get(from[1] ?? '') ?? '', source) : join(REPOSITORY, source)
    const to = join(cwd, target, target.endsWith('/') ? basename(source) : '')
    const filter = (file: string) => from !== null || !isIgnored(relative(REPOSITORY, file))
    cpSync(path, to, { recursive: true, verbatimSymlinks: true, filter })
  }
}

let stop = () => {}
afterAll(() => stop())

it('builds by the steps of the Dockerfile, starts as the image does, and its health check passes', async () => {
  const root = rehearse()
  const app = join(root, 'app')
  const packages = readdirSync(join(app, 'node_modules'))
  for (const left of ['typescript', 'vitest', 'playwright-core', 'node', '@biomejs'])
    expect(packages).not.toContain(left)
  expect(existsSync(join(app, 'packages/server/src'))).toBe(false)
  expect(existsSync(join(app, 'packages/server/test'))).toBe(false)

  const settings = await liveSettings('smtp://127.0.0.1:9')
  const [program = '', ...args] = [...jsonOf('ENTRYPOINT'), ...jsonOf('CMD')]
  expect(program).toBe('node')
  const child = spawn(
    process.execPath,
    args.map(arg => arg.replace(/^\/app/, app)),
    {
      env: { ...env, ...settings.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  stop = () => child.kill('SIGKILL')
  child.stdout.resume()

  const health = steps.find(({ word }) => word === 'HEALTHCHECK')?.rest ?? ''
  const [, ...check] = JSON.parse(health.slice(health.indexOf('['))) as string[]
  const isHealthy = (port: number) => {
    try {
      execFileSync(process.execPath, check, { env: { PORT: String(port) } })
      return true
    } catch {
      return false
    }
  }
  await expect.poll(() => isHealthy(settings.port), { timeout: 20_000 }).toBe(true)
  expect(isHealthy(9)).toBe(false)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
}, 300_000)

it('runs as a user who is not root, with the data in a volume, on Node 24', () => {
  const last = steps.slice(steps.findLastIndex(({ word }) => word === 'FROM'))
  const words = last.map(({ word }) => word)
  expect(
    steps.filter(({ word }) => word === 'FROM').every(({ rest }) => /^node:24-slim( AS \w+)?$/.test(rest)),
  )
  expect(last.find(({ word }) => word === 'USER')?.rest).toBe('node')
  expect(words.indexOf('USER')).toBeLessThan(words.indexOf('ENTRYPOINT'))
  const volume = last.find(({ word }) => word === 'VOLUME')?.rest ?? ''
  expect(last.find(({ word, rest }) => word === 'ENV' && rest.startsWith('DATABASE_URL'))?.rest).toContain(
    volume,
  )
  // No secret is baked in.
  expect(last.filter(({ word }) => word === 'ENV').map(({ rest }) => rest.split('=')[0])).toEqual([
    'NODE_ENV',
    'DATABASE_URL',
  ])
})

it('knows every workspace that the lock file names', () => {
  const manifests = globSync('packages/*/package.json', { cwd: REPOSITORY })
  const copied = steps.filter(({ word }) => word === 'COPY').map(({ rest }) => rest)
  for (const manifest of manifests)
    expect(copied.filter(rest => rest.includes(manifest)).length, manifest).toBeGreaterThanOrEqual(2)
})
