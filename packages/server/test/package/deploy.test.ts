import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url))
const read = (name: string) => readFileSync(join(REPOSITORY, name), 'utf8')

describe('compose.yaml', () => {
  // The little of YAML that the file uses: maps and lists by indentation, and comments.
  const lines = read('compose.yaml')
    .split('\n')
    .filter(line => line.trim() !== '' && !line.trim().startsWith('#'))
  const keysAt = (indent: number) =>
    lines.flatMap(line => new RegExp(`^ {${indent}}([\\w]+):`).exec(line)?.[1] ?? [])

  it('is well formed', () => {
    for (const line of lines)
      expect(line).toMatch(/^(?:(?: {2}){0,2}[\w]+:(?: [^\s"].*)?| {6}- (?:"[^"]+"|[^\s":]+(?::[^\s":]+)*))$/)
    expect(keysAt(0)).toEqual(['services', 'volumes'])
    expect(keysAt(2)).toEqual(['ostiary', 'data'])
  })

  it('has one service, its secrets in a file, its data in a volume, and no more rights than it needs', () => {
    expect(new Set(keysAt(4))).toEqual(
      new Set([
        'build',
        'env_file',
        'ports',
        'volumes',
        'restart',
        'stop_grace_period',
        'read_only',
        'tmpfs',
        'cap_drop',
        'security_opt',
      ]),
    )
    const text = lines.join('\n')
    expect(text).toContain('    env_file: ostiary.env')
    expect(text).not.toMatch(/OSTIARY_|SMTP|environment:/)
    expect(text).toContain('"127.0.0.1:4545:4545"')
    const volume = /^VOLUME (.+)$/m.exec(read('Dockerfile'))?.[1]
    expect(text).toContain(`- data:${volume}\n`)
    expect(read('.gitignore').split('\n')).toContain('ostiary.env')
  })
})

describe('deploy/ostiary.service', () => {
  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

  it('keeps state where the guide says, and does not start again with a wrong setting', () => {
    const unit = read('deploy/ostiary.service')
    for (const line of [
      'User=ostiary',
      'EnvironmentFile=/etc/ostiary/ostiary.env',
      'StateDirectory=ostiary',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'RestartPreventExitStatus=2',
    ])
      expect(unit.split('\n')).toContain(line)
  })

  it.runIf(hasSystemd)('is what systemd understands, and safe by its own measure', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ostiary-unit-'))
    const file = join(folder, 'ostiary.service')
    try {
      // The program of the unit is not on this machine.
      writeFileSync(file, read('deploy/ostiary.service').replace('/usr/bin/node', process.execPath))
      const verified = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
      expect([verified.status, verified.stderr]).toEqual([0, ''])
      const args = ['security', '--offline=true', '--threshold=20', '--no-pager', file]
      const exposure = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
      expect(exposure.status, exposure.stdout).toBe(0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

it('the example of the settings is one that a shell reads, and names only settings that exist', () => {
  const example = read('deploy/ostiary.env.example')
  const names = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name)
  const known = execFileSync(
    process.execPath,
    [join(REPOSITORY, 'packages/server/bin/ostiary.js'), 'start', '--help'],
    {
      encoding: 'utf8',
    },
  )
  expect(names.length).toBeGreaterThan(4)
  for (const name of names) expect(known).toContain(`  ${name}`)
})
