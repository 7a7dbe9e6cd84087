import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { GUARDS, type Guard } from '../test/mutations/guards.ts'

/**
 * Takes away one guard of the security core at a time and runs the tests that should notice: a guard whose loss no
 * test sees is a missing test. Works in copies of the tree in the folder for temporary files, never in the tree.
 *
 *   npm run mutate                          all guards; exit 1 when one survives that is not argued
 *   npm run mutate -- --only sql/sessions   those whose file or words hold the text; may be given several times
 *   npm run mutate -- --project postgres    by the tests on one database alone: quicker, for a look at some guards
 *   npm run mutate -- --report FILE         writes the outcome as JSON, for docs/security-cases.md
 */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
// A test of a database that waits for a lock that nobody gives back ends by this; one that is only slow must not.
const TIMEOUT_MS = 120_000
const BASELINE_MS = 600_000

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    project: { type: 'string', default: '*' },
    report: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
})

type Outcome = 'killed' | 'timed out' | 'survived' | 'argued' | 'argued, but killed' | 'stale'

interface Result {
  guard: Guard
  outcome: Outcome
  ms: number
}

const chosen = GUARDS.filter(({ file, guard }) =>
  values.only.some(text => `${file}: ${guard}`.includes(text)),
)
if (chosen.length === 0) {
  console.error(`no guard holds the text "${values.only.join('" or "')}"`)
  process.exit(2)
}
if (values.list) {
  for (const { file, guard } of chosen) console.log(`${file}: ${guard}`)
  process.exit(0)
}

const startedAt = performance.now()
const waiting = [...chosen]
const results: Result[] = []
// Tests that fail by themselves would kill every mutant: they have to pass on a copy that nobody has changed.
const baseline = inCopy(folder =>
  runTests([...new Set(chosen.flatMap(({ tests }) => tests))], folder, BASELINE_MS),
)
if ((await baseline) !== 'passed') {
  console.error('the tests fail without any change: nothing could be learned from them')
  process.exit(2)
}
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, () => inCopy(workThrough)))
report()

/** Works in a copy of the tree of its own, which is removed afterwards. */
async function inCopy<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'ostiary-mutate-'))
  try {
    cpSync(ROOT, folder, {
      recursive: true,
      filter: path => !/\/(node_modules|\.git|\.ostiary|dist)(\/|$)/.test(path.slice(ROOT.length - 1)),
    })
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Takes guards away one after the other until none waits. */
async function workThrough(folder: string): Promise<void> {
  for (let guard = waiting.shift(); guard; guard = waiting.shift()) {
    const at = performance.now()
    const outcome = await outcomeOf(guard, folder)
    const result = { guard, outcome, ms: Math.round(performance.now() - at) }
    results.push(result)
    console.log(
      `${outcome.padEnd(9)} ${String(result.ms).padStart(6)} ms  ${guard.file}: ${guard.guard}` +
        (outcome === 'argued' ? ` (${guard.survives})` : ''),
    )
  }
}

async function outcomeOf(guard: Guard, folder: string): Promise<Outcome> {
  const isMigration = guard.file.startsWith('migrations/')
  const path = join(folder, 'packages/server', isMigration ? '' : 'src', guard.file)
  const whole = readFileSync(path, 'utf8')
  const isThere = (test: string) => existsSync(join(folder, 'packages/server/test', test))
  if (whole.split(guard.from).length !== 2 || !guard.tests.every(isThere)) return 'stale'
  writeFileSync(
    path,
    whole.replace(guard.from, () => guard.to),
  )
  try {
    const verdict = await runTests(guard.tests, folder)
    if (verdict === 'passed') return guard.survives === undefined ? 'survived' : 'argued'
    if (verdict === 'timed out') return 'timed out'
    return guard.survives === undefined ? 'killed' : 'argued, but killed'
  } finally {
    writeFileSync(path, whole)
  }
}

function runTests(
  tests: readonly string[],
  folder: string,
  timeoutMs = TIMEOUT_MS,
): Promise<'passed' | 'failed' | 'timed out'> {
  const paths = tests.map(test => `packages/server/test/${test}`)
  const vitest = join(folder, 'node_modules/vitest/vitest.mjs')
  return new Promise((resolve, reject) => {
    // A group of its own, so that the time-out ends workers too.
    const child = spawn(
      process.execPath,
      [vitest, 'run', '--bail=1', '--maxWorkers=1', `--project=${values.project}`, ...paths],
      {
        cwd: folder,
        detached: true,
        stdio: 'ignore',
        env: { ...process.env, OSTIARY_MUTATED: '1' },
      },
    )
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, timeoutMs)
    child.once('error', reject)
    child.once('exit', code => {
      clearTimeout(timer)
      resolve(isLate ? 'timed out' : code === 0 ? 'passed' : 'failed')
    })
  })
}

function report(): void {
  const count = (outcome: Outcome) => results.filter(result => result.outcome === outcome).length
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  const killed = count('killed') + count('timed out')
  console.log(
    `\n${results.length} guards: ${killed} killed, ${count('argued')} argued, ${count('survived')} survived, ${count('stale')} stale; ${seconds} s`,
  )
  if (values.report)
    writeFileSync(
      values.report,
      `${JSON.stringify(
        results.map(({ guard: { file, guard, survives }, outcome }) => ({ file, guard, outcome, survives })),
        null,
        2,
      )}\n`,
    )
  const bad = results.filter(({ outcome }) => ['survived', 'stale', 'argued, but killed'].includes(outcome))
  if (bad.length === 0) return
  for (const { guard, outcome } of bad) console.error(`${outcome}: ${guard.file}: ${guard.guard}`)
  process.exit(1)
}
