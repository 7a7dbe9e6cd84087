import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from './build.ts'

/**
 * `npm run package -- --to FOLDER`: the npm package, as `npm publish FILE` takes it. It is put together in a folder of
 * its own: in the checkout the manifest leads to src/, in the package to dist/, and a prepack script that rewrites the
 * manifest in place would leave it rewritten when it is interrupted.
 */

const SERVER = fileURLToPath(new URL('../', import.meta.url))
const REPOSITORY = join(SERVER, '../..')

const { values } = parseArgs({ options: { to: { type: 'string', default: '.' } } })
const to = resolve(values.to)
const folder = mkdtempSync(join(tmpdir(), 'ostiary-package-'))
try {
  build(join(folder, 'dist'))
  for (const name of ['bin', 'migrations'])
    cpSync(join(SERVER, name), join(folder, name), { recursive: true })
  for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md'])
    cpSync(join(REPOSITORY, name), join(folder, name))
  const manifest = published(JSON.parse(readFileSync(join(SERVER, 'package.json'), 'utf8')))
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  mkdirSync(to, { recursive: true })
  const packed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', to], {
    cwd: folder,
    encoding: 'utf8',
  })
  console.log(join(to, packed.trim()))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The manifest as it is published: what the checkout needs and the package has not is left out. */
function published({ private: _, scripts: __, ...manifest }: Record<string, unknown>) {
  return { ...manifest, exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } } }
}
