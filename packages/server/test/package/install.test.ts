import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { apiOf, freePort, startServer, temporaryFolder } from '../setup/process.ts'

// The package as its users get it: packed, installed by the npm of this machine into an empty project, and run there.

const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url))
// npm as this machine has set it up: its registry, proxy and certificates.
const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  npm_config_prefer_offline: 'true',
  npm_config_update_notifier: 'false',
}
let project: string
let installed: string

beforeAll(() => {
  const pack = join(REPOSITORY, 'packages/server/tools/pack.ts')
  const packed = execFileSync(process.execPath, [pack, '--to', temporaryFolder()], { env, encoding: 'utf8' })
  project = join(temporaryFolder(), 'app')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n')
  const file = packed.trim().split('\n').at(-1) ?? ''
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', file], {
    cwd: project,
    env,
    stdio: 'pipe',
  })
  installed = join(project, 'node_modules', 'ostiary')
}, 120_000)

/** What browsers load. */
const ELEMENTS = ['account', 'passkeys', 'v1', 'watch'].map(name => `element/${name}`)

describe('the package', () => {
  it('holds what runs, and nothing of the workshop', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    expect(manifest.private).toBeUndefined()
    expect(manifest.scripts).toBeUndefined()
    expect(manifest.exports['.']).toEqual({ types: './dist/index.d.ts', default: './dist/index.js' })
    for (const name of ['README.md', 'LICENSE', 'bin/ostiary.js', 'dist/index.js', 'dist/index.d.ts'])
      expect(existsSync(join(installed, name)), name).toBe(true)
    for (const name of ['src', 'test', 'tools', 'tsconfig.build.json'])
      expect(existsSync(join(installed, name)), name).toBe(false)
    const server = join(REPOSITORY, 'packages/server')
    expect(globSync('migrations/**/*.sql', { cwd: installed }).sort()).toEqual(
      globSync('migrations/**/*.sql', { cwd: server }).sort(),
    )
    // Nothing but modules and what lies beside them; each module of src is there.
    const names = (folder: string, ends: string) =>
      globSync(`**/*${ends}`, { cwd: folder })
        .map(name => name.slice(0, -ends.length))
        .sort()
    const modules = names(join(server, 'src'), '.ts')
    expect(names(join(installed, 'dist'), '.d.ts')).toEqual(modules)
    expect(names(join(installed, 'dist'), '.js')).toEqual(
      [...modules, ...names(join(server, 'src'), '.js'), ...ELEMENTS].sort(),
    )
    expect(names(join(installed, 'dist'), '.css')).toEqual(names(join(server, 'src'), '.css'))
    const catalogues = names(join(server, 'src/words'), '.json')
    expect(catalogues).toHaveLength(10)
    expect(names(join(installed, 'dist/words'), '.json')).toEqual(catalogues)
    expect(names(join(installed, 'dist/element/words'), '.json')).toEqual(
      [...catalogues, ...catalogues.map(name => `account.${name}`)].sort(),
    )
  })

  it('needs no install script, in itself or in what it brings', () => {
    for (const manifest of globSync('node_modules/{*,@*/*}/package.json', { cwd: project })) {
      const { scripts = {} } = JSON.parse(readFileSync(join(project, manifest), 'utf8'))
      for (const name of ['preinstall', 'install', 'postinstall'])
        expect(scripts[name], manifest).toBeUndefined()
    }
  })

  it('is a library with types', () => {
    writeFileSync(
      join(project, 'use.ts'),
      `import { createOstiary, createPrometheus, type Ostiary, VERSION } from 'ostiary'
const ostiary: Ostiary = await createOstiary({
  publicUrl: 'http://localhost:4545',
  secrets: ['0123456789abcdef0123456789abcdef'],
  database: 'library/ostiary.db',
  metrics: createPrometheus(),
  metricsAccess: 'open',
})
const answers = [await ostiary.fetch(new Request('http://localhost:4545/readyz')), await ostiary.fetch(new Request('http://localhost:4545/metrics'))]
console.log(VERSION, ...answers.map(({ status }) => status))
await ostiary.stop()
`,
    )
    const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    const run = execFileSync(process.execPath, ['use.ts'], { cwd: project, env, encoding: 'utf8' })
    expect(run).toBe(`${version} 200 200\n`)
    const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
    const types = join(REPOSITORY, 'node_modules/@types')
    const flags =
      '--noEmit --strict --module nodenext --target esnext --skipLibCheck --types node --typeRoots'
    execFileSync(process.execPath, [tsc, ...flags.split(' '), types, 'use.ts'], { cwd: project, env })
  })
})

it('node_modules/.bin/ostiary dev signs somebody in', async () => {
  const port = await freePort()
  const bin = join(project, 'node_modules', '.bin', 'ostiary')
  const server = await startServer(['dev', '--port', String(port), '--json'], port, { bin, cwd: project })
  await expect.poll(() => server.stdout()).toMatch(/\}\n$/)
  const call = apiOf(server.url, JSON.parse(server.stdout()).secretKey)
  const sent = await call('POST', '/v1/challenges', { to: 'ada@example.com' })
  const inbox = await call('GET', `/v1/messages?challengeId=${sent.body.id}&wait=10`)
  const { code } = inbox.body.data[0]
  const verified = await call('POST', `/v1/challenges/${sent.body.id}/verify`, { code })
  expect(verified).toMatchObject({ status: 200, body: { isNewUser: true } })
  for (const path of ['/', '/dev/inbox', '/demo/demo.js', '/dev/inbox/inbox.js', '/metrics'])
    expect((await fetch(`${server.url}${path}`)).status, path).toBe(200)
  expect((await server.stop()).code).toBe(0)
})
