import { spawn } from 'node:child_process'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll } from 'vitest'
import { admin } from './postgres-server.ts'
import { freePort, temporaryFolder } from './process.ts'

const PGBOUNCER = '/usr/sbin/pgbouncer'

/** Whether Debian's pgbouncer is here; without it, the suites that need it are skipped, and fail with CI=true. */
export const hasPgbouncer = existsSync(PGBOUNCER)

if (!hasPgbouncer) {
  const sentence = 'pgbouncer is missing: apt-get install -y pgbouncer'
  if (process.env.CI === 'true') throw new Error(sentence)
  console.error(`\n\n*** ${sentence}: nothing is tested behind a pooler ***\n\n`)
}

const stops: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const stop of stops) await stop()
})

/**
 * A pgbouncer in transaction mode before the server of this address. It has fewer connections than its clients, so that
 * each statement may meet another one than the statement before.
 */
export async function startPgbouncer(
  address: string,
  connections = 4,
): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = temporaryFolder()
  // As root it drops to another user, who has to be able to read the configuration.
  chmodSync(folder, 0o755)
  const port = await freePort()
  const server = new URL(address)
  const asRoot = process.getuid?.() === 0 ? ['user = nobody'] : []
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${server.hostname} port=${server.port} user=${server.username} password=${server.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${connections}
max_client_conn = 500
${asRoot.join('\n')}
`,
  )
  const child = spawn(PGBOUNCER, [join(folder, 'pgbouncer.ini')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    said += text
  })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  stops.push(stop)
  const url = Object.assign(new URL(address), { port: String(port), username: 'me', password: '' })
  url.searchParams.set('pgbouncer', 'true')
  const probe = Object.assign(new URL(url), { search: '' }).href
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    const isUp = await admin(probe, client => client.query('SELECT 1')).catch(() => null)
    if (isUp) return { url: url.href, stop }
    await pause(25)
  }
  await stop()
  throw new Error(`pgbouncer did not answer: ${said}`)
}
