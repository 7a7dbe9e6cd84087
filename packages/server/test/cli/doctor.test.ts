import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { checkClock } from '../../src/cli/doctor/clock.ts'
import { checkConfiguration, configOf } from '../../src/cli/doctor/configuration.ts'
import { checkDatabase, checkDisk, checkSchema, checkWrite } from '../../src/cli/doctor/database.ts'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import { checkMailRecords } from '../../src/cli/doctor/mail-records.ts'
import { checkPublicUrl } from '../../src/cli/doctor/public-url.ts'
import type { Resolver } from '../../src/cli/doctor/resolver.ts'
import { checkSecrets } from '../../src/cli/doctor/secrets.ts'
import { checkSmtp } from '../../src/cli/doctor/smtp-login.ts'
import { checkProxies, checkToldContext } from '../../src/cli/doctor/visitors.ts'
import { examine, report } from '../../src/cli/doctor.ts'
import { openScripted, openSink, type Sink } from '../delivery/smtp-sink.ts'
import { apiOf, liveSettings, ostiary, startServer, temporaryFolder } from '../setup/process.ts'

const NOW = Date.UTC(2026, 10, 21, 12)

/** Answers from a table of TXT records; what stands in none is unknown to DNS. */
function resolverOf(records: Record<string, string[]>, addresses: string[] = ['192.0.2.1']): Resolver {
  return {
    addresses: async () => addresses,
    texts: async name => records[name] ?? null,
  }
}

const statuses = (findings: Finding[]) => findings.map(({ check, status }) => `${check} ${status}`)

let sink: Sink
beforeAll(async () => {
  sink = await openSink()
})
afterAll(() => sink.close())

describe('configuration', () => {
  it('tells each problem as a failed check with its fix, and goes on', () => {
    const findings = checkConfiguration({ OSTIARY_URL: 'http://a.example', DATABASE_URL: 'sqlite:/tmp/x.db' })
    expect(new Set(findings.map(({ status }) => status))).toEqual(new Set(['fail']))
    expect(findings.map(({ message }) => message)).toEqual([
      'OSTIARY_URL is not https',
      'OSTIARY_SECRET is missing',
      expect.stringContaining('SMTP_URL is missing'),
      'MAIL_FROM is missing',
    ])
    for (const { fix } of findings) expect(fix).toMatch(/^set it/)
  })

  it('is one good line when nothing is wrong', async () => {
    const { env } = await liveSettings(sink.url)
    expect(statuses(checkConfiguration(env))).toEqual(['configuration ok'])
    expect(configOf(env, 'DATABASE_URL')?.database).toMatch(/ostiary\.db$/)
    expect(configOf({ ...env, DATABASE_URL: 'mysql:x' }, 'DATABASE_URL')).toBeNull()
  })
})

describe('database', () => {
  it('before the first start: a warning, and nothing is made', async () => {
    const file = join(temporaryFolder(), 'not', 'yet', 'ostiary.db')
    const { findings, inspection } = await checkDatabase(file, NOW)
    expect(statuses(findings)).toEqual(['database warn'])
    expect(inspection).toBeNull()
    expect(existsSync(join(file, '..'))).toBe(false)
  })

  it('a file that is no database fails', async () => {
    const file = join(temporaryFolder(), 'ostiary.db')
    writeFileSync(file, 'this is a diary, and not a database. '.repeat(100))
    const { findings } = await checkDatabase(file, NOW)
    expect(statuses(findings)).toEqual(['database fail'])
  })

  it('schema: older is a warning, newer a failure', () => {
    expect(checkSchema({ missing: [], unknown: [] }).status).toBe('ok')
    expect(checkSchema({ missing: ['0002_more'], unknown: [] })).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('0002_more'),
    })
    expect(checkSchema({ missing: ['0002_more'], unknown: ['9999_new'] })).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('9999_new'),
    })
  })

  it('write: fails while somebody else does not let go, and with the reason', async () => {
    const file = join(temporaryFolder(), 'ostiary.db')
    await ostiary(['migrate'], { env: { DATABASE_URL: `sqlite:${file}` } })
    expect(checkWrite(file).status).toBe('ok')
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    expect(checkWrite(file)).toMatchObject({ status: 'fail', message: expect.stringContaining('locked') })
    other.exec('ROLLBACK')
    other.close()
    const readOnly = () => {
      throw new Error('attempt to write a readonly database')
    }
    expect(checkWrite(file, readOnly)).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('readonly'),
    })
  })

  it('write: never moves the highest instant, however wrong the clock is', async () => {
    const file = join(temporaryFolder(), 'ostiary.db')
    await ostiary(['migrate'], { env: { DATABASE_URL: `sqlite:${file}` } })
    const db = new DatabaseSync(file)
    const future = NOW + 1e9
    db.exec(`UPDATE instance SET last_instant = ${future}`)
    const { inspection } = await checkDatabase(file, NOW)
    expect(inspection?.state?.lastInstant).toBe(future)
    expect(db.prepare('SELECT last_instant AS at FROM instance').get()?.at).toBe(future)
    db.close()
  })

  it.each([
    [50, 'fail'],
    [500, 'warn'],
    [5000, 'ok'],
  ])('disk: %i MiB free is %s', (mib, status) => {
    expect(checkDisk('/tmp/ostiary.db', () => mib * 1024 ** 2).status).toBe(status)
  })

  it('disk: asks where the file will be', () => {
    let asked = ''
    checkDisk('/tmp/not/there/ostiary.db', folder => {
      asked = folder
      return 1
    })
    expect(asked).toBe('/tmp')
  })
})

describe('clock', () => {
  it.each([
    ['in order', NOW, NOW - 5, 'ok'],
    ['in order before the first start', NOW, null, 'ok'],
    ['two seconds behind the store', NOW, NOW + 2000, 'ok'],
    ['further behind', NOW, NOW + 2001, 'fail'],
    ['never set', 0, null, 'fail'],
    ['far ahead', Date.UTC(2126, 0, 1), null, 'fail'],
  ])('%s', (_name, now, lastInstant, status) => {
    expect(checkClock(now, lastInstant).status).toBe(status)
  })
})

describe('smtp', () => {
  it('logs in without sending a mail', async () => {
    const logins: string[] = []
    const server = await openSink({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth({ username, password }, _session, done) {
        logins.push(`${username}:${password}`)
        done(null, password === 'right' ? { user: username } : undefined)
      },
    })
    const urlOf = (password: string) => server.url.replace('://', `://me:${password}@`)
    expect(await checkSmtp('SMTP_URL', urlOf('right'))).toMatchObject({ status: 'ok' })
    const refused = await checkSmtp('SMTP_URL', urlOf('wrong'))
    expect(refused).toMatchObject({ status: 'fail', message: expect.stringContaining('535') })
    expect(refused.message).not.toContain('wrong')
    expect(logins).toEqual(['me:right', 'me:wrong'])
    expect(server.mails).toEqual([])
    await server.close()
  })

  it('gives up on a server that says nothing', async () => {
    const silent = await openScripted(() => {})
    const { tryLogin } = await import('../../src/delivery/smtp-login.ts')
    await expect(tryLogin({ url: silent.url, timeoutMs: 200 })).rejects.toThrow(/127\.0\.0\.1/)
    await silent.close()
  })
})

describe('public url', () => {
  const answer = (status: number, headers: Record<string, string>) => async () =>
    new Response('{}', { status, headers })
  const OURS = { 'Request-Id': 'req_01k6z5v9hrf0qv2s8yb7m3c4dn' }
  const url = 'https://auth.example.com'

  it.each([
    ['an answer of ours', answer(200, OURS), true, ['url ok', 'url ok']],
    ['an answer of somebody else', answer(200, {}), true, ['url ok', 'url fail']],
    ['another status', answer(502, OURS), true, ['url ok', 'url fail']],
    ['the same before the first start', answer(502, {}), false, ['url ok', 'url warn']],
    ['no answer', () => Promise.reject(new Error('refused')), true, ['url ok', 'url fail']],
    [
      'none before the first start',
      () => Promise.reject(new Error('refused')),
      false,
      ['url ok', 'url warn'],
    ],
  ])('%s', async (_name, ask, hasStarted, expected) => {
    expect(statuses(await checkPublicUrl(url, hasStarted, resolverOf({}), ask))).toEqual(expected)
  })

  it('a name that does not resolve is told, and nobody is asked', async () => {
    const ask = () => Promise.reject(new Error('asked'))
    const findings = await checkPublicUrl(url, true, resolverOf({}, []), ask)
    expect(findings.at(-1)).toMatchObject({
      status: 'fail',
      message: 'auth.example.com does not resolve',
    })
  })
})

describe('secrets', () => {
  const row = (keyId: string, signingKeys = 0, queuedMessages = 0, keptMessages = 0, webhookSecrets = 0) => ({
    keyId,
    signingKeys,
    queuedMessages,
    keptMessages,
    webhookSecrets,
  })

  it.each([
    ['one', ['new'], [row('new', 2)], ['secrets ok']],
    [
      'an old one that rows need',
      ['new', 'old'],
      [row('new'), row('old', 1)],
      ['secrets ok', 'secrets warn'],
    ],
    ['an old one that is free', ['new', 'old'], [row('new', 2), row('old')], ['secrets ok', 'secrets ok']],
    ['a missing one', ['new'], [row('old', 0, 3)], ['secrets ok', 'secrets fail']],
    ['one missing for a webhook', ['new'], [row('old', 0, 0, 0, 1)], ['secrets ok', 'secrets fail']],
    ['an old one of a webhook', ['new', 'old'], [row('old', 0, 0, 0, 1)], ['secrets ok', 'secrets warn']],
    ['one missing for the inbox alone', ['new'], [row('old', 0, 0, 3)], ['secrets ok', 'secrets warn']],
    ['one that left long ago', ['new'], [row('old')], ['secrets ok']],
    ['twice the same', ['new', 'new'], [], ['secrets ok', 'secrets warn']],
  ])('%s', (_name, keyIds, sealed, expected) => {
    expect(statuses(checkSecrets(keyIds, sealed))).toEqual(expected)
  })
})

describe('mail records', () => {
  const good = {
    'mail.acme.example': ['some-site-verification=1', 'v=spf1 include:_spf.provider.example -all'],
    's1._domainkey.mail.acme.example': ['v=DKIM1; k=rsa; p=MIIB'],
    '_dmarc.acme.example': ['v=DMARC1; p=reject; rua=mailto:d@acme.example'],
  }
  const check = (records: Record<string, string[]>, selector: string | null = 's1') =>
    checkMailRecords('mail.acme.example', selector, resolverOf(records))

  it('finds all three, DMARC at the parent', async () => {
    expect(statuses(await check(good))).toEqual(['spf ok', 'dkim ok', 'dmarc ok'])
  })

  it.each<[string, Record<string, string[]>, number, RegExp]>([
    ['no SPF', { 'mail.acme.example': [] }, 0, /no SPF/],
    ['two SPF records', { 'mail.acme.example': ['v=spf1 -all', 'v=spf1 ~all'] }, 0, /2 SPF/],
    ['SPF for everybody', { 'mail.acme.example': ['v=spf1 +all'] }, 0, /everybody/],
    ['no DKIM key', { 's1._domainkey.mail.acme.example': [] }, 1, /no key/],
    ['a revoked DKIM key', { 's1._domainkey.mail.acme.example': ['v=DKIM1; p='] }, 1, /revoked/],
    ['no DMARC', { '_dmarc.acme.example': [] }, 2, /no DMARC/],
    ['DMARC that only watches', { '_dmarc.acme.example': ['v=DMARC1; p=none'] }, 2, /p=none/],
  ])('%s is a warning', async (_name, records, index, words) => {
    const finding = (await check({ ...good, ...records }))[index]
    expect(finding).toMatchObject({ status: 'warn', message: expect.stringMatching(words) })
  })

  it('says that the selector is needed, and that offline nobody could be asked', async () => {
    expect((await check(good, null))[1]).toMatchObject({
      status: 'warn',
      fix: expect.stringContaining('--dkim-selector'),
    })
    const offline: Resolver = { ...resolverOf({}), texts: () => Promise.reject(new Error('ETIMEOUT')) }
    const findings = await checkMailRecords('acme.example', 's1', offline)
    expect(statuses(findings)).toEqual(['mail from warn'])
    expect(findings[0]?.message).toContain('could not be asked')
    expect(statuses(await check({}))).toEqual(['mail from warn'])
  })
})

describe('visitors', () => {
  it('asks for TRUSTED_PROXIES where TLS ends in front of us', () => {
    expect(checkProxies('https://a.example', undefined)).toMatchObject({
      status: 'warn',
      fix: expect.stringContaining('127.0.0.1'),
    })
    expect(checkProxies('https://a.example', '127.0.0.1').status).toBe('ok')
    expect(checkProxies('http://localhost:4545', undefined).status).toBe('ok')
  })

  it('asks for the context that was not told', () => {
    expect(checkToldContext({ all: 0, untold: 0 }).status).toBe('ok')
    expect(checkToldContext({ all: 5, untold: 0 }).status).toBe('ok')
    expect(checkToldContext({ all: 5, untold: 2 })).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('2 of 5'),
    })
  })
})

describe('the command', () => {
  it('reads a running server, its database and mail server, and changes nothing', async () => {
    const { env, port } = await liveSettings(sink.url)
    const server = await startServer(['start'], port, { env })
    const key = JSON.parse((await ostiary(['keys', 'create', '-n', 'x', '--json'], { env })).stdout).secret
    const told = { ipAddress: '203.0.113.7' }
    const send = (body: object) => apiOf(server.url, key)('POST', '/v1/challenges', body)
    expect((await send({ to: 'ada@example.com', context: told })).status).toBe(201)
    expect((await send({ to: 'grace@example.com' })).status).toBe(201)

    const { code, stdout, stderr } = await ostiary(['doctor', '--json'], { env })
    const { status, findings } = JSON.parse(stdout)
    expect([code, stderr, status]).toEqual([0, '', 'warn'])
    const by = (check: string) => findings.filter((one: Finding) => one.check === check)
    for (const check of ['configuration', 'schema', 'write', 'disk', 'clock', 'secrets', 'smtp'])
      expect(statuses(by(check)), check).toEqual([`${check} ok`])
    expect(statuses(by('url'))).toEqual(['url warn', 'url ok'])
    expect(by('context')[0]).toMatchObject({ status: 'warn', message: expect.stringContaining('1 of 2') })
    expect((await server.stop()).code).toBe(0)

    // Stopped, the public URL is a failure; and a secret that rows need cannot just be exchanged.
    const other = { ...env, OSTIARY_SECRET: 'k9'.repeat(20) }
    const broken = await ostiary(['doctor'], { env: other })
    expect([broken.code, broken.stderr]).toEqual([1, ''])
    expect(broken.stdout).toMatch(/^fail {2}url .*does not answer/m)
    expect(broken.stdout).toMatch(/^fail {2}secrets .*start refuses\n +→ put it back/m)
    expect(broken.stdout).toMatch(/\n\n2 failures, \d warnings?\n$/)
  })

  it('before the first start: warnings that say so, no failure, and no file', async () => {
    const { env, file } = await liveSettings(sink.url)
    const findings = await examine(env, {
      dkimSelector: null,
      now: NOW,
      resolver: resolverOf({ 'acme.example': ['v=spf1 -all'] }),
    })
    expect(findings.filter(({ status }) => status === 'fail')).toEqual([])
    expect(report(findings)).toContain('the first start makes it')
    expect(existsSync(file)).toBe(false)
  })
})

test('no line repeats a secret', async () => {
  const env = {
    OSTIARY_SECRET: `short-one,${'z9'.repeat(20)}`,
    SMTP_URL: 'smtp://me:smtp-pass-word@127.0.0.1:9',
    DATABASE_URL: 'sqlite:/tmp/none.db',
  }
  const { code, stdout } = await ostiary(['doctor'], { env })
  expect(code).toBe(1)
  for (const secret of ['short-one', 'z9z9', 'smtp-pass-word']) expect(stdout).not.toContain(secret)
})
