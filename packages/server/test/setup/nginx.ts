import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll } from 'vitest'
import { freePort, temporaryFolder } from './process.ts'

const NGINX = '/usr/sbin/nginx'

const children = new Set<ChildProcess>()

// Whatever a failed test left behind.
afterAll(() => {
  for (const child of children) child.kill('SIGTERM')
})

/** Whether Debian's nginx is here; without it, the suites that need it are skipped, and fail with CI=true. */
export const hasNginx = existsSync(NGINX)

if (!hasNginx) {
  const sentence = 'nginx is missing: apt-get install -y nginx-light'
  if (process.env.CI === 'true') throw new Error(sentence)
  console.error(`\n\n*** ${sentence}: nothing is tested behind a proxy ***\n\n`)
}

export interface Nginx {
  /** Asks through TLS as somebody at this loopback address does. */
  ask(
    path: string,
    options?: { method?: string; from?: string; headers?: Record<string, string> },
  ): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>
  stop(): Promise<void>
}

/** nginx with the configuration that docs/reverse-proxy.md shows, but for ports and certificate. */
export async function startNginx(
  upstreamPort: number,
  change: (text: string) => string = text => text,
): Promise<Nginx> {
  const folder = temporaryFolder()
  const port = await freePort()
  const page = readFileSync(new URL('../../../../docs/reverse-proxy.md', import.meta.url), 'utf8')
  const shown = /```nginx\n([^`]+)```/.exec(page)?.[1] ?? ''
  const replace = (text: string, from: RegExp, to: string) => {
    if (!from.test(text)) throw new Error(`docs/reverse-proxy.md has no ${from}`)
    return text.replace(from, to)
  }
  let text = change(shown)
  text = replace(text, /listen 443 ssl;/, `listen 127.0.0.1:${port} ssl;`)
  text = replace(
    text,
    /proxy_pass http:\/\/127\.0\.0\.1:4545;/,
    `proxy_pass http://127.0.0.1:${upstreamPort};`,
  )
  text = replace(text, /ssl_certificate +\S+;/, `ssl_certificate ${folder}/cert.pem;`)
  text = replace(text, /ssl_certificate_key +\S+;/, `ssl_certificate_key ${folder}/key.pem;`)
  execFileSync('openssl', certificate(folder), { stdio: 'ignore' })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${folder}/${name};`,
  )
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/pid; error_log stderr;\nevents {}\nhttp {\n${temporary.join('\n')}\n${text}\n}\n`,
  )
  const args = ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')]
  const child = spawn(NGINX, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', part => {
    errors += part
  })
  children.add(child)
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  ended.then(() => children.delete(child))
  const nginx: Nginx = {
    ask: (path, options) => ask(port, path, options),
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break
    if (await nginx.ask('/healthz').catch(() => null)) return nginx
    await pause(25)
  }
  await nginx.stop()
  throw new Error(`nginx did not answer: ${errors}`)
}

function certificate(folder: string): string[] {
  const subject = ['-subj', '/CN=auth.example.com', '-days', '1']
  const out = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]
  return [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    ...subject,
    ...out,
  ]
}

const ask = (
  port: number,
  path: string,
  {
    method = 'GET',
    from = '127.0.0.1',
    headers = {},
  }: { method?: string; from?: string; headers?: Record<string, string> } = {},
): ReturnType<Nginx['ask']> =>
  new Promise((resolve, reject) => {
    const asking = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        localAddress: from,
        agent: false,
        // The certificate was made for this test.
        rejectUnauthorized: false,
        headers: { Host: 'auth.example.com', ...headers },
      },
      answer => {
        let text = ''
        answer.setEncoding('utf8').on('data', part => {
          text += part
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
      },
    )
    asking.on('error', reject)
    asking.end()
  })
