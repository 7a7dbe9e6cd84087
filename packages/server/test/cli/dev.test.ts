import { existsSync, readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, test } from 'vitest'
import {
  apiOf,
  type DevServer,
  freePort,
  ostiary,
  startDev,
  startServer,
  temporaryFolder,
} from '../setup/process.ts'

/** A request with a Host header of its own, as DNS rebinding makes a browser send one. */
function askAs(
  host: string,
  { port }: { port: number },
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request(
      { host: '127.0.0.1', port, path, method, headers: { ...headers, Host: host } },
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
}

describe('a running server', () => {
  let server: DevServer
  beforeAll(async () => {
    server = await startDev()
  })

  it('prints one JSON value with --json, and every URL in it answers', async () => {
    const { facts, url } = server
    expect(Object.keys(facts)).toEqual([
      'api',
      'inbox',
      'demo',
      'docs',
      'openapi',
      'secretKey',
      'publishableKey',
      'issuer',
      'audience',
    ])
    expect(facts.secretKey).toMatch(/^osk_test_[\w-]{49}$/)
    expect(facts.publishableKey).toMatch(/^opk_test_[\w-]{49}$/)
    expect(facts.audience).toMatch(/^env_/)
    for (const page of [
      facts.inbox,
      facts.demo,
      facts.docs,
      facts.openapi,
      `${facts.issuer}/.well-known/jwks.json`,
    ]) {
      expect(page.startsWith(`${url}/`)).toBe(true)
      expect((await fetch(page)).status).toBe(200)
    }
    expect((await apiOf(url, facts.secretKey)('GET', '/v1/settings')).status).toBe(200)
  })

  it('keeps its secret to its owner', () => {
    expect(statSync(server.folder).mode & 0o777).toBe(0o700)
    const file = join(server.folder, 'secret')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(Buffer.byteLength(readFileSync(file, 'utf8').trim())).toBeGreaterThanOrEqual(32)
  })

  it('answers 421 to any other Host, on every path and method', async () => {
    const { port } = server
    const paths: [method: string, path: string][] = [
      ['GET', '/'],
      ['GET', '/dev/inbox'],
      ['GET', '/dev/inbox/messages'],
      ['POST', '/demo/send'],
      ['GET', '/v1/messages'],
      ['POST', '/v1/challenges'],
      ['GET', '/healthz'],
    ]
    for (const host of [`evil.example:${port}`, `127.0.0.1.evil.example:${port}`])
      for (const [method, path] of paths)
        expect((await askAs(host, server, path, { method })).status, `${method} ${path} as ${host}`).toBe(421)
  })

  it.each([
    ['localhost.evil.example:PORT'],
    ['127.0.0.1.nip.io:PORT'],
    ['localhost.:PORT'],
    ['localhost@evil.example:PORT'],
    ['localhost:PORT@evil.example'],
    ['localhost:PORT.evil.example'],
    ['0.0.0.0:PORT'],
    ['127.0.0.2:PORT'],
    ['localhost'],
    ['localhost:1'],
    ['evil.example'],
  ])('does not take %s for itself', async host => {
    const answer = await askAs(host.replace('PORT', String(server.port)), server, '/dev/inbox/messages')
    // 400: not a host at all. Either way it is not let in.
    expect([421, 400]).toContain(answer.status)
    expect(answer.text).not.toContain('"data"')
  })

  it('takes each name of this machine', async () => {
    for (const name of ['localhost', '127.0.0.1', '[::1]'])
      expect((await askAs(`${name}:${server.port}`, server, '/healthz')).status).toBe(200)
  })

  it('lets no page of another origin read /dev', async () => {
    const headers = { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'GET' }
    for (const path of ['/dev/inbox', '/dev/inbox/messages', '/demo/me', '/v1/messages'])
      for (const method of ['GET', 'OPTIONS']) {
        const answer = await askAs(`localhost:${server.port}`, server, path, { method, headers })
        const cors = Object.keys(answer.headers).filter(name => name.startsWith('access-control-'))
        expect(cors, `${method} ${path}`).toEqual([])
      }
  })

  it('listens on loopback only', async () => {
    const table = ['/proc/net/tcp', '/proc/net/tcp6']
      .filter(file => existsSync(file))
      .map(file => readFileSync(file, 'utf8'))
    const port = server.port.toString(16).toUpperCase().padStart(4, '0')
    const listening = table
      .flatMap(text => text.split('\n').slice(1))
      .map(line => line.trim().split(/\s+/))
      .filter(fields => fields[1]?.endsWith(`:${port}`) && fields[3] === '0A')
      .map(fields => fields[1]?.split(':')[0])
    const LOOPBACK = ['0100007F', '00000000000000000000000001000000']
    expect(listening.every(address => LOOPBACK.includes(address ?? ''))).toBe(true)
  })

  it('says which port is taken and what to do, and exits with 2', async () => {
    const args = ['dev', '--port', String(server.port), '--data', join(temporaryFolder(), 'data')]
    const [text, json] = await Promise.all([ostiary(args), ostiary([...args, '--json'])])
    expect(text).toMatchObject({ code: 2, stdout: '' })
    expect(text.stderr).toContain(`port ${server.port} is taken`)
    expect(text.stderr).toContain(`ostiary dev --port ${server.port + 1}`)
    expect(json).toMatchObject({ code: 2, stdout: '' })
    expect(JSON.parse(json.stderr)).toMatchObject({ error: `port ${server.port} is taken` })
  })
})

test('prints a table with URLs and keys, and stops at SIGTERM with 0', async () => {
  const port = await freePort()
  const folder = join(temporaryFolder(), 'data')
  const began = performance.now()
  const server = await startServer(['dev', '--port', String(port), '--data', folder], port)
  // The budget is 1.5 s and is kept by the benchmark; this bound only catches a start that hangs.
  expect(performance.now() - began).toBeLessThan(10_000)
  await expect.poll(server.stdout).toContain('read the code in the dev inbox')
  for (const line of [
    `Demo app         http://localhost:${port}/`,
    `Dev inbox        http://localhost:${port}/dev/inbox`,
    `API              http://localhost:${port}/v1`,
    'Secret key       osk_test_',
    'Publishable key  opk_test_',
    `Issuer           http://localhost:${port}/e/test`,
    'Audience         env_',
  ])
    expect(server.stdout()).toContain(line)
  expect(await server.stop()).toMatchObject({ code: 0, stderr: '' })
})

test('a second run keeps keys, secret and data', async () => {
  const first = await startDev()
  const sent = await apiOf(first.url, first.facts.secretKey)('POST', '/v1/challenges', {
    to: 'ada@example.com',
  })
  expect((await first.stop()).code).toBe(0)
  const second = await startDev({ folder: first.folder, port: first.port })
  expect(second.facts).toEqual(first.facts)
  const kept = await apiOf(second.url, second.facts.secretKey)('GET', `/v1/challenges/${sent.body.id}`)
  expect(kept).toMatchObject({ status: 200, body: { to: 'ada@example.com', status: 'pending' } })
})

test('the log goes to stderr, so that stdout stays one JSON value', async () => {
  const server = await startDev({ env: { LOG_LEVEL: 'info' } })
  await fetch(`${server.url}/healthz`)
  const { stdout, stderr } = await server.stop()
  expect(JSON.parse(stdout)).toEqual(server.facts)
  expect(stderr).toContain('"route":"/healthz"')
})

describe('refusals', () => {
  it.each([
    ['https://auth.example.com'],
    ['http://192.168.1.10:4545'],
    ['http://localhost.evil.example'],
    ['not a url'],
  ])('never serves the public URL %s', async url => {
    const folder = join(temporaryFolder(), 'data')
    const { code, stdout, stderr } = await ostiary(['dev', '--data', folder], { env: { OSTIARY_URL: url } })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`OSTIARY_URL is ${url}`)
    expect(stderr).toContain('ostiary start')
    expect(existsSync(folder)).toBe(false)
  })

  it('names SMTP_URL when that is what is wrong', async () => {
    const folder = join(temporaryFolder(), 'data')
    const env = { SMTP_URL: 'http://mail.example.com', MAIL_FROM: 'nobody' }
    const { code, stderr } = await ostiary(['dev', '--data', folder], { env })
    expect(code).toBe(2)
    expect(stderr).toContain('SMTP_URL has to start with smtp://')
    expect(stderr).toContain('MAIL_FROM is not one address')
  })
})
