import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/**
 * `npm run build`: JavaScript and types of src/ in dist/, the files that lie beside the modules, and the sign-in
 * element of packages/sdk. A checkout runs src/ itself; dist/ is for the package and the image. Types are not checked here: that is what `npm run check` does.
 */
export function build(out: string): void {
  const server = fileURLToPath(new URL('../', import.meta.url))
  const tsc = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin', 'tsc')
  rmSync(out, { recursive: true, force: true })
  execFileSync(process.execPath, [tsc, '-p', join(server, 'tsconfig.build.json'), '--outDir', out], {
    stdio: 'inherit',
  })
  // A script for browsers that lay beside a module of its name would take its place: then this stops. Of JSON the compiler
  // has written what is imported for its type: the same file.
  for (const file of globSync('**/*.{css,js,json}', { cwd: join(server, 'src') }))
    cpSync(join(server, 'src', file), join(out, file), { errorOnExist: true, force: file.endsWith('.json') })
  const sdk = mkdtempSync(join(tmpdir(), 'ostiary-sdk-'))
  try {
    execFileSync(process.execPath, [join(server, '../sdk/tools/build.ts'), '--out', sdk], {
      stdio: 'inherit',
    })
    cpSync(join(sdk, 'element'), join(out, 'element'), { recursive: true })
  } finally {
    rmSync(sdk, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string' } } })
  build(resolve(values.out ?? fileURLToPath(new URL('../dist', import.meta.url))))
}
