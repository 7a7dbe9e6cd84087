import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeJwt } from 'jose'
import { afterAll, expect, it } from 'vitest'
import { parseAddressList } from '../../src/core/addresses/address-list.ts'
import { freePort, temporaryFolder } from '../setup/process.ts'
import { testServer } from '../setup/server.ts'

const ROOT = new URL('../../../../', import.meta.url)
const page = readFileSync(new URL('docs/hooks.md', ROOT), 'utf8')

const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill()
})

it('the receiver of docs/hooks.md lets in whom it means to, and answers nobody else', {
  timeout: 60_000,
}, async () => {
  const server = await testServer({
    webhookPrivateTargets: parseAddressList('127.0.0.1'),
    // The receiver judges by the real clock.
    clock: { now: Date.now, advance: () => {}, set: () => {} },
  })
  const { secret } = (await server.post('/v1/hooks/before-sign-in/rotate-secret', {})).body
  const folder = temporaryFolder()
  symlinkSync(fileURLToPath(new URL('node_modules', ROOT)), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
  writeFileSync(join(folder, 'receiver.ts'), /```ts\n([\s\S]*?)\n```/.exec(page)?.[1] ?? '')
  const port = await freePort()
  const child = spawn(process.execPath, [join(folder, 'receiver.ts')], {
    cwd: folder,
    env: { ...process.env, HOOK_SECRET: secret, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => (said += text))
  await expect.poll(() => said, { timeout: 30_000 }).toContain('listening')
  const hooks = { beforeSignIn: { url: `http://127.0.0.1:${port}/` } }
  expect((await server.call('PATCH', '/v1/settings', { hooks })).status).toBe(200)

  const staff = await server.signIn('ada@example.com')
  expect(decodeJwt(staff.body.tokens.accessToken).role).toBe('staff')
  expect((await server.signIn('eve@elsewhere.example')).body.code).toBe('hook_denied')
  const forged = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' })
  expect(forged.status).toBe(400)
  await server.stop()
})
