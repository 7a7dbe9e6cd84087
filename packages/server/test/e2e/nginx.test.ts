import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSink, type Sink } from '../delivery/smtp-sink.ts'
import { hasNginx, type Nginx, startNginx } from '../setup/nginx.ts'
import { apiOf, type Call, liveSettings, ostiary, type Running, startServer } from '../setup/process.ts'

const REDIRECT = 'https://app.example.com/in'
/** Loopback addresses of their own, so that nginx sees somebody else than itself. */
const VISITOR = '127.0.0.77'
const FORGED = '203.0.113.9'

let sink: Sink
beforeAll(async () => {
  sink = await openSink()
})
afterAll(() => sink.close())

/** `ostiary start` behind nginx, with these settings besides its own. */
async function behindNginx(
  more: Record<string, string>,
  change?: (text: string) => string,
): Promise<{ server: Running; nginx: Nginx; live: Call }> {
  const { env, port } = await liveSettings(sink.url)
  const settings = { ...env, OSTIARY_URL: 'https://auth.example.com', ...more }
  const server = await startServer(['start'], port, { env: settings })
  const key = await ostiary(['keys', 'create', '-n', 'x', '-s', 'admin', '--json'], { env: settings })
  const live = apiOf(server.url, JSON.parse(key.stdout).secret)
  return { server, nginx: await startNginx(port, change), live }
}

/** Mails a link and opens it through nginx; the address that the event tells of. */
async function openLink(nginx: Nginx, live: Call, to: string, headers: Record<string, string>) {
  const apps = await live('GET', '/v1/apps')
  await live('PATCH', `/v1/apps/${apps.body.data[0].id}`, { redirectUrls: [REDIRECT] })
  const sent = await live('POST', '/v1/challenges', { to, credential: 'link', redirectUrl: REDIRECT })
  expect(sent.status).toBe(201)
  const mine = () => sink.mails.find(mail => mail.to.includes(to))
  await expect.poll(mine, { timeout: 10_000 }).toBeDefined()
  const path = /https:\/\/auth\.example\.com(\/l\/olk_[\w-]{43})/.exec(mine()?.email.text ?? '')?.[1] ?? ''
  const options = { from: VISITOR, headers: { 'User-Agent': 'Firefox', ...headers } }
  const page = await nginx.ask(path, options)
  expect(page.status).toBe(200)
  const { timeline } = (await live('GET', `/v1/challenges/${sent.body.id}`)).body
  const opened = timeline.filter(({ type }: { type: string }) => type === 'challenge.link_opened')
  expect(opened).toHaveLength(1)
  return { ipAddress: opened[0].context.ipAddress, path, options }
}

describe.runIf(hasNginx)('behind the nginx of docs/reverse-proxy.md', () => {
  it('knows the address of a visitor; what the visitor claims is ignored', async () => {
    const { server, nginx, live } = await behindNginx({ TRUSTED_PROXIES: '127.0.0.1' })
    const honest = await openLink(nginx, live, 'ada@example.com', {})
    expect(honest.ipAddress).toBe(VISITOR)
    const forged = await openLink(nginx, live, 'grace@example.com', { 'X-Forwarded-For': FORGED })
    expect(forged.ipAddress).toBe(VISITOR)
    // The press works through TLS as well, and leads back to the app.
    const pressed = await nginx.ask(honest.path, {
      ...honest.options,
      method: 'POST',
      headers: { ...honest.options.headers, 'Sec-Fetch-Site': 'same-origin' },
    })
    expect(pressed.status).toBe(303)
    expect(pressed.headers.location).toContain(`${REDIRECT}?token=oht_`)
    expect((await nginx.ask('/readyz', { from: VISITOR })).status).toBe(200)
    await nginx.stop()
    expect((await server.stop()).code).toBe(0)
  })

  it('knows it too where nginx appends to the header', async () => {
    const { server, nginx, live } = await behindNginx({ TRUSTED_PROXIES: '127.0.0.1' }, text =>
      text.replace('$remote_addr', '$proxy_add_x_forwarded_for'),
    )
    const headers = { 'X-Forwarded-For': `${FORGED}, 198.51.100.4` }
    expect((await openLink(nginx, live, 'appended@example.com', headers)).ipAddress).toBe(VISITOR)
    await nginx.stop()
    expect((await server.stop()).code).toBe(0)
  })

  it('is not ready while nobody named the proxy, and says what to set', async () => {
    const { server, nginx, live } = await behindNginx({})
    const { ipAddress } = await openLink(nginx, live, 'unnamed@example.com', { 'X-Forwarded-For': FORGED })
    expect(ipAddress).toBe('127.0.0.1')
    const inside = await fetch(`${server.url}/readyz`)
    const outside = await nginx.ask('/readyz')
    expect([inside.status, outside.status]).toEqual([503, 503])
    for (const text of [await inside.text(), outside.text])
      expect(JSON.parse(text).detail).toContain('set TRUSTED_PROXIES')
    expect(server.stdout()).toContain('set TRUSTED_PROXIES')
    expect((await nginx.ask('/healthz')).status).toBe(200)
    await nginx.stop()
    expect((await server.stop()).code).toBe(0)
  })
})
