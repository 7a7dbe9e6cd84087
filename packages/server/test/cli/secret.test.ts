import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSink, type Sink } from '../delivery/smtp-sink.ts'
import { checkInvariants } from '../setup/invariants.ts'
import { apiOf, type Call, liveSettings, ostiary, startServer } from '../setup/process.ts'

type Settings = Awaited<ReturnType<typeof liveSettings>>

const newSecret = () => randomBytes(32).toString('base64url')

let sink: Sink
beforeAll(async () => {
  sink = await openSink()
})
afterAll(() => sink.close())

const secret = (env: Record<string, string>, ...args: string[]) => ostiary(['secret', ...args], { env })
async function json(env: Record<string, string>, ...args: string[]) {
  const { code, stdout, stderr } = await secret(env, ...args, '--json')
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

/** A server with a live key; runs `act`, and stops. */
async function served<T>({ env, port }: Settings, act: (live: Call, url: string) => Promise<T>): Promise<T> {
  const server = await startServer(['start'], port, { env })
  const key = await ostiary(['keys', 'create', '-n', 'x', '-s', 'admin', '--json'], { env })
  const result = await act(apiOf(server.url, JSON.parse(key.stdout).secret), server.url)
  expect((await server.stop()).code).toBe(0)
  return result
}

async function signIn(live: Call, to: string) {
  const sent = await live('POST', '/v1/challenges', { to })
  const mine = () => sink.mails.filter(mail => mail.to.includes(to))
  await expect.poll(() => mine().length, { timeout: 10_000 }).toBeGreaterThan(0)
  const code = /^\s*(\d{6})\s*$/m.exec(mine().at(-1)?.email.text ?? '')?.[1]
  return (await live('POST', `/v1/challenges/${sent.body.id}/verify`, { code })).body
}

describe('rotating', () => {
  it('goes in three deploys: sessions go on, and start takes the list without the old one', async () => {
    const settings = await liveSettings(sink.url)
    const old = settings.env.OSTIARY_SECRET ?? ''
    const { secret: next, keyId } = await json(settings.env, 'generate')
    expect(Buffer.byteLength(next)).toBeGreaterThanOrEqual(32)
    const { tokens } = await served(settings, live => signIn(live, 'ada@example.com'))

    const both = { ...settings, env: { ...settings.env, OSTIARY_SECRET: `${next},${old}` } }
    const before = await json(both.env)
    expect(before.map(({ role }: { role: string }) => role)).toEqual(['writes', 'reads'])
    expect(before[0]).toMatchObject({ keyId, signingKeys: 0 })
    expect(before[1].signingKeys).toBe(2)
    const alone = { ...settings, env: { ...settings.env, OSTIARY_SECRET: next } }
    expect((await ostiary(['start'], { env: alone.env })).stderr).toContain('lacks a secret')
    expect((await secret(alone.env)).stdout).toMatch(/missing .*\n\nNext: put the secret/)

    const resealed = await json(both.env, 'reseal')
    expect(resealed).toEqual({ keyId, signingKeys: 2, messages: 0, webhookSecrets: 0, unreadable: 0 })
    expect((await json(both.env))[1]).toMatchObject({ signingKeys: 0, queuedMessages: 0, keptMessages: 0 })
    expect((await secret(both.env)).stdout).toMatch(/\n\nNext: take \S+ out/)
    await served(alone, async live => {
      const refreshed = await live('POST', '/v1/sessions/refresh', { refreshToken: tokens.refreshToken })
      expect(refreshed.status).toBe(200)
    })
  })

  it('seals the mail of an inbox anew, so that it can still be read', async () => {
    const settings = await liveSettings(sink.url)
    const test = { ...settings, env: { ...settings.env } }
    await served(test, async (_live, url) => {
      const made = await ostiary(['keys', 'create', '-e', 'test', '-n', 'x', '--json'], { env: test.env })
      const call = apiOf(url, JSON.parse(made.stdout).secret)
      const sent = await call('POST', '/v1/challenges', { to: 'ada@example.com' })
      await call('GET', `/v1/messages?challengeId=${sent.body.id}&wait=10`)
    })
    const codes = async (env: Record<string, string>) =>
      JSON.parse((await ostiary(['inbox', '--json'], { env })).stdout).map(
        ({ code }: { code: string }) => code,
      )
    const [code] = await codes(test.env)
    expect(code).toMatch(/^\d{6}$/)
    const next = newSecret()
    const both = { ...test.env, OSTIARY_SECRET: `${next},${test.env.OSTIARY_SECRET}` }
    expect((await json(both, 'reseal')).messages).toBe(1)
    expect(await codes({ ...test.env, OSTIARY_SECRET: next })).toEqual([code])
  })
})

describe('after a leak', () => {
  it('ends what the old secret could forge, beside a running server, and says so in the log', async () => {
    const settings = await liveSettings(sink.url)
    const leaked = settings.env.OSTIARY_SECRET ?? ''
    const both = { ...settings, env: { ...settings.env, OSTIARY_SECRET: `${newSecret()},${leaked}` } }
    const kids = async (url: string): Promise<string[]> => {
      const answer = await fetch(`${url}/e/live/.well-known/jwks.json`)
      const { keys } = (await answer.json()) as { keys: { kid: string }[] }
      return keys.map(({ kid }) => kid)
    }

    await served(settings, live => signIn(live, 'early@example.com'))
    await served(both, async (live, url) => {
      const { tokens } = await signIn(live, 'victim@example.com')
      const open = await live(
        'POST',
        '/v1/challenges',
        { to: 'open@example.com' },
        { 'Idempotency-Key': 'one' },
      )
      await expect.poll(() => sink.mails.filter(mail => mail.to.includes('open@example.com')).length).toBe(1)
      const code = /^\s*(\d{6})\s*$/m.exec(sink.mails.at(-1)?.email.text ?? '')?.[1]
      const before = await kids(url)

      const asked = await secret(both.env, 'replace')
      expect([asked.code, asked.stdout]).toEqual([2, ''])
      expect(asked.stderr).toContain('--yes')
      expect((await live('POST', '/v1/sessions/verify', tokens)).status).toBe(400)
      const { ended } = await json(both.env, 'replace', '--yes')
      expect(ended.live).toMatchObject({ sessions: 2, challenges: 1 })
      expect(ended.live.idempotency).toBeGreaterThanOrEqual(1)

      await expect.poll(() => kids(url), { timeout: 5000 }).not.toEqual(before)
      for (const kid of await kids(url)) expect(before).not.toContain(kid)
      const { accessToken, refreshToken } = tokens
      expect((await live('POST', '/v1/sessions/verify', { accessToken })).body).toMatchObject({
        isActive: false,
      })
      expect((await live('POST', '/v1/sessions/refresh', { refreshToken })).status).toBe(401)
      const late = await live('POST', `/v1/challenges/${open.body.id}/verify`, { code })
      expect(late.body.code).toBe('challenge_expired')
      const events = await live('GET', '/v1/events?type=secret.rotated')
      expect(events.body.data).toMatchObject([{ actor: { type: 'admin' }, data: { ended: ended.live } }])
      // The API keys go on: they rest on no secret.
      expect((await signIn(live, 'grace@example.com')).session).not.toBeNull()
    })
    const [next] = both.env.OSTIARY_SECRET.split(',')
    await served({ ...settings, env: { ...settings.env, OSTIARY_SECRET: next ?? '' } }, async live => {
      expect((await live('GET', '/v1/settings')).status).toBe(200)
    })
    expect(checkInvariants(settings.file, { secrets: [leaked, next ?? ''] })).toEqual([])
    const db = new DatabaseSync(settings.file, { readOnly: true })
    const types = db.prepare("SELECT count(*) AS n FROM events WHERE type = 'secret.rotated'").get()
    expect(types?.n).toBe(2)
    db.close()
  })

  it('needs a new secret in front of the leaked one', async () => {
    const { env } = await liveSettings(sink.url)
    const leaked = env.OSTIARY_SECRET ?? ''
    for (const list of [leaked, `${leaked},${leaked}`]) {
      const { code, stderr } = await secret({ ...env, OSTIARY_SECRET: list }, 'replace', '--yes')
      expect(code).toBe(2)
      expect(stderr).toContain('put a new one in front')
    }
  })
})
