import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, describe, expect, it, test } from 'vitest'
import {
  apiOf,
  type Ended,
  liveSettings,
  ostiary,
  type Running,
  startServer,
  temporaryFolder,
} from '../setup/process.ts'

describe('migrate', () => {
  it('makes folder and schema, and has nothing to do the second time', async () => {
    const file = join(temporaryFolder(), 'not', 'there', 'yet', 'ostiary.db')
    const env = { DATABASE_URL: `sqlite:${file}` }
    const first = await ostiary(['migrate'], { env })
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(/^applied 0001_initial/)
    expect(existsSync(file)).toBe(true)
    expect(await ostiary(['migrate'], { env })).toMatchObject({
      code: 0,
      stdout: 'the database is up to date\n',
      stderr: '',
    })
  })

  it('tells the same as JSON', async () => {
    const env = { DATABASE_URL: `sqlite:${join(temporaryFolder(), 'ostiary.db')}` }
    const first = JSON.parse((await ostiary(['migrate', '--json'], { env })).stdout)
    expect(first.applied[0]).toBe('0001_initial')
    expect(JSON.parse((await ostiary(['migrate', '--json'], { env })).stdout)).toEqual({ applied: [] })
  })

  it('applies each migration once when several run at once', async () => {
    const env = { DATABASE_URL: `sqlite:${join(temporaryFolder(), 'ostiary.db')}` }
    const runs = await Promise.all(Array.from({ length: 4 }, () => ostiary(['migrate', '--json'], { env })))
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(runs.map(() => [0, '']))
    const applied = runs.flatMap(({ stdout }) => JSON.parse(stdout).applied as string[])
    expect(applied.length).toBe(new Set(applied).size)
    expect(applied).toContain('0001_initial')
  })

  it('needs DATABASE_URL and nothing else', async () => {
    const { code, stderr } = await ostiary(['migrate'])
    expect(code).toBe(2)
    expect(stderr).toContain('DATABASE_URL is missing')
    expect(stderr).not.toContain('OSTIARY_SECRET')
  })
})

describe('keys', () => {
  let env: Record<string, string>
  let server: Running
  beforeAll(async () => {
    const settings = await liveSettings('smtp://127.0.0.1:9')
    env = settings.env
    server = await startServer(['start'], settings.port, { env })
  })
  const keys = (...args: string[]): Promise<Ended> => ostiary(['keys', ...args], { env })
  const status = async (key: string, path = '/v1/settings') =>
    (await apiOf(server.url, key)('GET', path)).status

  it('creates, lists and revokes as JSON, and the running server follows within 1.5 s', async () => {
    const created = await keys('create', '--name', 'backend', '--scopes', 'auth, admin', '--json')
    expect(created).toMatchObject({ code: 0, stderr: '' })
    const { id, secret, scopes } = JSON.parse(created.stdout)
    expect(secret).toMatch(/^osk_live_/)
    expect(scopes).toEqual(['auth', 'admin'])
    expect(await status(secret)).toBe(200)

    const listed = await keys('list', '--json')
    expect(JSON.parse(listed.stdout)).toContainEqual(
      expect.objectContaining({ id, name: 'backend', revokedAt: null }),
    )
    expect(listed.stdout).not.toContain(secret)

    const revoked = await keys('revoke', id, '--json')
    expect(JSON.parse(revoked.stdout)).toEqual({ revoked: id })
    await pause(1500)
    expect(await status(secret)).toBe(401)
    expect(JSON.parse((await keys('list', '--json')).stdout)).toContainEqual(
      expect.objectContaining({ id, revokedAt: expect.any(Number) }),
    )
    expect(await keys('revoke', id)).toMatchObject({ code: 2, stdout: '' })
  })

  it('does the same as text, and shows the secret once', async () => {
    const created = await keys('create', '--name', 'reports', '--scopes', 'read')
    expect(created.stdout).toMatch(/Key +key_\w+\n +Secret +osk_live_[\w-]{49}\n +Scopes +read\n/)
    expect(created.stdout).toContain('shown once')
    const id = /key_\w+/.exec(created.stdout)?.[0] ?? ''
    const secret = /osk_live_[\w-]{49}/.exec(created.stdout)?.[0] ?? ''
    const list = await keys('list')
    expect(list.stdout).toMatch(new RegExp(`${id} .*read +reports\n`))
    expect(list.stdout).not.toContain(secret)
    expect((await keys('revoke', id)).stdout).toBe(`revoked ${id}\n`)
    expect((await keys('list')).stdout).toMatch(new RegExp(`${id} .*reports \\(revoked\\)`))
  })

  it('keeps environments and scopes apart', async () => {
    const [test, narrow] = await Promise.all([
      keys('create', '--environment', 'test', '--name', 'ci', '--scopes', 'auth', '--json'),
      keys('create', '--name', 'sender', '--json'),
    ])
    const testKey = JSON.parse(test.stdout).secret
    expect(testKey).toMatch(/^osk_test_/)
    expect(await status(testKey, '/v1/messages')).toBe(200)
    expect(await status(JSON.parse(narrow.stdout).secret)).toBe(403)
    expect((await keys('list')).stdout).not.toContain(JSON.parse(test.stdout).id)
    // A key is revoked in its own environment.
    expect((await keys('revoke', JSON.parse(test.stdout).id)).code).toBe(2)
  })

  it.each([
    [['create', '--name', 'x', '--scopes', 'auth,root'], '"root" is not a scope'],
    [['list', '--environment', 'prod'], 'there is no environment "prod"'],
    [['revoke', 'key_01k6z5v9hrf0qv2s8yb7m3c4dn'], 'there is no key key_01k6z5v9hrf0qv2s8yb7m3c4dn'],
  ])('%j says what is wrong and exits with 2', async (args, sentence) => {
    const { code, stdout, stderr } = await keys(...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(sentence)
    expect(stderr.trim().split('\n')).toHaveLength(2)
  })
})

test('keys works on the data folder of ostiary dev', async () => {
  const folder = join(temporaryFolder(), 'data')
  const created = await ostiary(['keys', 'create', '-d', folder, '-e', 'test', '-n', 'mine', '--json'])
  expect(JSON.parse(created.stdout).secret).toMatch(/^osk_test_/)
  expect((await ostiary(['keys', 'list', '-d', folder])).stdout).toBe('no keys in live\n')
})
