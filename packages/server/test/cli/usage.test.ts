import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { BIN, ostiary } from '../setup/process.ts'

describe('help', () => {
  it.each([
    'dev',
    'start',
    'migrate',
    'copy',
    'doctor',
    'send-test',
    'inbox',
    'events',
    'openapi',
    ...['keys', 'keys create', 'keys list', 'keys revoke'],
    ...['env', 'env list', 'env create'],
    ...['apps', 'apps list', 'apps create', 'apps update', 'apps delete'],
    ...['users', 'users list', 'users show', 'users block', 'users unblock', 'users delete'],
    ...['webhooks', 'webhooks list', 'webhooks listen', 'webhooks trigger', 'webhooks replay'],
    ...['secret', 'secret status', 'secret generate', 'secret reseal', 'secret replace'],
  ])('%s has an example', async command => {
    const { code, stdout, stderr } = await ostiary([...command.split(' '), '--help'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/Example:\n {2}\$ /)
    expect(stdout).toContain(`ostiary ${command}`)
  })

  it('names every command, and every setting that start reads', async () => {
    const [all, start] = await Promise.all([ostiary(['--help']), ostiary(['start', '--help'])])
    for (const command of 'dev start migrate copy keys doctor send-test inbox events openapi env apps users secret webhooks'.split(
      ' ',
    ))
      expect(all.stdout).toContain(`  ${command}`)
    for (const name of [
      'OSTIARY_URL',
      'OSTIARY_SECRET',
      'DATABASE_URL',
      'DATABASE_LISTEN_URL',
      '--role',
      '--workers',
      'SMTP_URL',
      'MAIL_FROM',
      'OSTIARY_EPOCH',
      'TRUSTED_PROXIES',
      'WEBHOOK_PRIVATE_TARGETS',
      'PORT',
      'LOG_LEVEL',
      'METRICS_TOKEN',
      'METRICS_ADDRESS',
    ])
      expect(start.stdout).toContain(name)
  })
})

describe('a wrong call', () => {
  it.each([
    ['an unknown command', ['serve'], "unknown command 'serve'"],
    ['an unknown command of keys', ['keys', 'rotate'], "unknown command 'rotate'"],
    ['an unknown option', ['dev', '--public'], "unknown option '--public'"],
    ['an unknown option of keys', ['keys', 'list', '--all'], "unknown option '--all'"],
    ['a missing option', ['keys', 'create'], '--name'],
    ['a missing argument', ['keys', 'revoke'], "argument 'id'"],
    ['one argument too many', ['migrate', 'now'], 'too many arguments'],
    ['a port that is none', ['dev', '--port', '70000'], '"70000" is not a port'],
  ])('%s: exit code 2, a sentence on stderr, nothing on stdout', async (_name, args, sentence) => {
    const { code, stdout, stderr } = await ostiary(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(sentence)
    expect(stderr.trim().split('\n').length).toBeGreaterThanOrEqual(2)
  })
})

/** The first Node on this machine that is too old for Ostiary. */
function findOldNode(): string | undefined {
  const places = ['/usr/local/bin', '/usr/bin', ...(process.env.PATH ?? '').split(delimiter)]
  return places
    .map(place => join(place, 'node'))
    .filter(file => existsSync(file))
    .find(
      file =>
        Number(execFileSync(file, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0]) < 24,
    )
}

test('an older Node gets a sentence with the remedy, not a syntax error', async () => {
  const old = findOldNode()
  // Without one, this Node pretends: the check reads nothing but its version.
  const pretend = `data:text/javascript,const versions={...process.versions,node:'20.11.0'};Object.defineProperty(process,'versions',{value:versions})`
  const { code, stdout, stderr } = await ostiary(
    ['dev'],
    old ? { node: old } : { nodeOptions: ['--import', pretend] },
  )
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^Ostiary needs Node 24, this is \d+\.\d+\.\d+\.\nInstall Node 24/)
  expect(stderr).not.toContain(BIN)
})
