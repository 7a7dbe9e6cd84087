import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** Installs Better Auth into this folder where it is not there in the version of its lock file; tells that version. */
export function installBetterAuth(): string {
  const wanted = JSON.parse(readFileSync(`${folder}package.json`, 'utf8')).dependencies['better-auth']
  if (installedVersion() !== wanted)
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
      cwd: folder,
      stdio: ['ignore', 2, 2],
    })
  return wanted
}

function installedVersion(): string | null {
  const file = `${folder}node_modules/better-auth/package.json`
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : null
}
