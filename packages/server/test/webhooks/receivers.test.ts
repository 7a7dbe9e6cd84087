import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { webhookHeaders, webhookKeys } from '../../src/core/standard-webhooks.ts'
import { freePort, temporaryFolder } from '../setup/process.ts'

/** The receivers of docs/webhooks.md, run as they stand there. */

const ROOT = new URL('../../../../', import.meta.url)
const page = readFileSync(new URL('docs/webhooks.md', ROOT), 'utf8')
const sourceOf = (language: string) => new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(page)?.[1] ?? ''

const LANGUAGES = [
  { name: 'TypeScript', block: 'ts', file: 'receiver.ts', command: [process.execPath], version: '--version' },
  { name: 'Python', block: 'python', file: 'receiver.py', command: ['python3'], version: '--version' },
  { name: 'Go', block: 'go', file: 'receiver.go', command: ['go', 'run'], version: 'version' },
]

const children: ChildProcess[] = []
afterAll(() => {
  // The group: `go run` starts what it built as a child of its own.
  for (const { pid, exitCode } of children) if (pid && exitCode === null) process.kill(-pid)
})

describe.each(LANGUAGES)('the receiver in $name', ({ name, block, file, command, version }) => {
  const [program = '', ...args] = command
  const isHere = spawnSync(program, [version]).status === 0
  if (!isHere)
    console.warn(`\n${name} IS NOT ON THIS MACHINE: its receiver in docs/webhooks.md WAS NOT RUN\n`)
  it('is here where everything has to be (CI)', () => expect(isHere || process.env.CI !== 'true').toBe(true))

  it.runIf(isHere)('takes what is signed, once, and refuses all else', { timeout: 180_000 }, async () => {
    const folder = temporaryFolder()
    symlinkSync(fileURLToPath(new URL('node_modules', ROOT)), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
    writeFileSync(join(folder, file), sourceOf(block))
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    const port = await freePort()
    const child = spawn(program, [...args, join(folder, file)], {
      cwd: folder,
      env: { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    children.push(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', text => (said += text))
    await expect.poll(() => said, { timeout: 150_000 }).toContain('listening')

    const post = async (headers: Record<string, string>, body: string) =>
      (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body })).status
    const keys = webhookKeys(secret)
    const body = JSON.stringify({ type: 'user.created', timestamp: '', data: { name: 'Åsa 𝄞' } })
    const now = Date.now()
    const headers = webhookHeaders(keys, 'evt_1', now, body)
    expect(await post(headers, body)).toBe(204)
    expect(await post(headers, body)).toBe(204)
    const overlapping = webhookHeaders([randomBytes(32), ...keys], 'evt_2', now, body)
    expect(await post(overlapping, body)).toBe(204)
    for (const [wrong, altered = body] of [
      [webhookHeaders([randomBytes(32)], 'evt_3', now, body)],
      [webhookHeaders(keys, 'evt_4', now - 6 * 60_000, body)],
      [webhookHeaders(keys, 'evt_5', now + 6 * 60_000, body)],
      [webhookHeaders(keys, 'evt_6', now, body), `${body} `],
      [{ ...webhookHeaders(keys, 'evt_7', now, body), 'webhook-id': 'evt_8' }],
      [{}],
    ] as [Record<string, string>, string?][])
      expect(await post(wrong, altered)).toBe(400)
    expect(said.match(/handled user\.created/g)).toHaveLength(2)
  })
})
