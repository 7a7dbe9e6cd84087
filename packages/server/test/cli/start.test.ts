import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { apiOf, liveSettings, ostiary, startDev, startServer } from '../setup/process.ts'

const SMTP = 'smtp://127.0.0.1:9'

describe('configuration', () => {
  it('tells all that is missing at once, each with its fix', async () => {
    const { code, stdout, stderr } = await ostiary(['start'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('5 problems')
    for (const name of ['OSTIARY_URL', 'OSTIARY_SECRET', 'DATABASE_URL', 'SMTP_URL', 'MAIL_FROM'])
      expect(stderr).toMatch(new RegExp(`\n  ${name} is missing.*\n    set it`))
  })

  it('tells all that is unsafe at once, as JSON too, and never repeats a secret', async () => {
    const env = {
      OSTIARY_URL: 'http://auth.example.com/',
      OSTIARY_SECRET: `short-one,change-me-${'x'.repeat(40)},${'a'.repeat(40)}`,
      OSTIARY_EPOCH: '0',
      DATABASE_URL: 'sqlite::memory:',
      SMTP_URL: 'smtp://user:smtp-pass-word@/',
      MAIL_FROM: 'one@example.com, two@example.com',
      TRUSTED_PROXIES: '10.0.0.0/99',
      PORT: '0',
      LOG_LEVEL: 'loud',
      SMTP_FALLBACK_URL: 'smtp://user:fallback-pass-word@/',
      MAIL_WEBHOOK_URL: 'http://hook-user:hook-pass-word@mail.example.com/hook',
      MAIL_WEBHOOK_SECRET: `whsec_${Buffer.from('webhook-secret').toString('base64')}`,
      MAIL_EVENTS_SES_TOPIC_ARN: 'mail-events',
      MAIL_EVENTS_POSTMARK_TOKEN: 'postmark-token',
      MAIL_EVENTS_RESEND_SECRET: 'resend-secret',
      MAIL_EVENTS_SENDGRID_PUBLIC_KEY: 'sendgrid-key',
      MAIL_EVENTS_GENERIC_SECRET: 'generic-secret',
    }
    const { code, stdout, stderr } = await ostiary(['start', '--json'], { env })
    expect([code, stdout]).toEqual([2, ''])
    const { error, problems } = JSON.parse(stderr)
    expect(error).toBe('configuration')
    expect(problems.map(({ name }: { name: string }) => name).sort()).toEqual(
      [...Object.keys(env), 'OSTIARY_SECRET', 'OSTIARY_SECRET'].sort(),
    )
    for (const problem of problems) {
      expect(problem.problem.length).toBeGreaterThan(5)
      expect(problem.fix.length).toBeGreaterThan(5)
    }
    const secrets = [
      'short-one',
      'change-me',
      'aaaa',
      'smtp-pass-word',
      'fallback-pass',
      'hook-pass',
      'whsec_d2',
    ]
    for (const secret of [...secrets, 'postmark-token', 'resend-secret', 'sendgrid-key', 'generic-secret'])
      expect(stderr).not.toContain(secret)
  })

  it.each([
    ['http://auth.example.com', 'is not https'],
    ['https://auth.example.com/login', 'is not an origin'],
    ['https://auth.example.com/', 'is not an origin'],
    ['auth.example.com', 'is not'],
  ])('refuses the URL %s', async (url, problem) => {
    const { env } = await liveSettings(SMTP)
    const { code, stderr } = await ostiary(['start'], { env: { ...env, OSTIARY_URL: url } })
    expect(code).toBe(2)
    expect(stderr).toContain(`OSTIARY_URL ${problem}`)
  })

  it('says which port is taken', async () => {
    const { env, port } = await liveSettings(SMTP)
    const server = await startServer(['start'], port, { env })
    const other = await liveSettings(SMTP)
    const { code, stderr } = await ostiary(['start'], { env: { ...other.env, PORT: String(port) } })
    expect(code).toBe(2)
    expect(stderr).toContain(`port ${port} is taken`)
    expect((await server.stop()).code).toBe(0)
  })
})

test('refuses the key of ostiary dev, on the very database and secret of the dev folder', async () => {
  const dev = await startDev()
  const { secretKey } = dev.facts
  expect((await apiOf(dev.url, secretKey)('GET', '/v1/settings')).status).toBe(200)
  await dev.stop()
  const { env, port } = await liveSettings(SMTP)
  const folderSettings = {
    OSTIARY_SECRET: readFileSync(join(dev.folder, 'secret'), 'utf8').trim(),
    DATABASE_URL: `sqlite:${join(dev.folder, 'ostiary.db')}`,
  }
  const server = await startServer(['start'], port, { env: { ...env, ...folderSettings } })
  for (const path of ['/v1/settings', '/v1/messages', '/v1/users']) {
    const answer = await apiOf(server.url, secretKey)('GET', path)
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } })
  }
  // And neither the inbox nor the demo is there.
  for (const path of ['/', '/dev/inbox', '/dev/inbox/messages', '/demo/me'])
    expect((await fetch(`${server.url}${path}`)).status, path).toBe(404)
})

describe('a database with a past', () => {
  it('refuses an epoch lower than the stored one, and a secret that rows still need', async () => {
    const { env, port } = await liveSettings(SMTP)
    await (await startServer(['start'], port, { env: { ...env, OSTIARY_EPOCH: '3' } })).stop()

    const lower = await ostiary(['start'], { env: { ...env, OSTIARY_EPOCH: '2' } })
    expect(lower.code).not.toBe(0)
    expect(lower.stderr).toContain('OSTIARY_EPOCH is 2, but the database has seen 3: set it to 3 or higher')

    const secret = 'another-one-that-is-long-enough-4711'
    const foreign = await ostiary(['start'], { env: { ...env, OSTIARY_EPOCH: '3', OSTIARY_SECRET: secret } })
    expect(foreign.code).not.toBe(0)
    expect(foreign.stderr).toContain('OSTIARY_SECRET lacks a secret that rows still need')
    expect(foreign.stdout + foreign.stderr).not.toContain(env.OSTIARY_SECRET)

    const rotated = { ...env, OSTIARY_EPOCH: '3', OSTIARY_SECRET: `${secret},${env.OSTIARY_SECRET}` }
    expect((await (await startServer(['start'], port, { env: rotated })).stop()).code).toBe(0)
  })
})
