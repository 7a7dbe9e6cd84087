import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LANGUAGES } from '../src/element/words.ts'
import { build } from '../tools/build.ts'

const KILOBYTE = 1024

describe('what a browser loads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ostiary-sdk-size-'))
  beforeAll(() => build(folder))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const zipped = (file: string) => gzipSync(readFileSync(join(folder, file)), { level: 9 }).length

  it('is at most 20 KB for the element, in one file', () => {
    expect(zipped('element/v1.js')).toBeLessThanOrEqual(20 * KILOBYTE)
    const source = readFileSync(join(folder, 'element/v1.js'), 'utf8')
    // What it needs later it asks for by address, beside itself.
    expect(source).not.toMatch(/\bimport\s*['"{*]/)
    expect(source.match(/\bimport\(/g)).toHaveLength(1)
    expect(source).not.toContain('Lit is in dev mode')
    expect(readdirSync(join(folder, 'element')).sort()).toEqual([
      'account.js',
      'passkeys.js',
      'v1.js',
      'watch.js',
      'words',
    ])
  })

  it.each([
    ['passkeys', 4],
    ['watch', 2],
    ['account', 22],
  ])('is little for %s.js, when it is needed', (name, kilobytes) => {
    expect(zipped(`element/${name}.js`)).toBeLessThanOrEqual(kilobytes * KILOBYTE)
  })

  it('is at most 4.5 KB for the client with the popup and the account', () => {
    expect(zipped('browser.js')).toBeLessThanOrEqual(4.5 * KILOBYTE)
  })

  it.each(
    LANGUAGES.flatMap(
      language =>
        [
          [language, 'signIn.', ''],
          [language, 'account.', 'account.'],
        ] as const,
    ),
  )('is at most 3 KB for the texts in %s of %s, and no others', (language, kind, prefix) => {
    const file = `element/words/${prefix}${language}.json`
    expect(zipped(file)).toBeLessThanOrEqual(3 * KILOBYTE)
    const keys = Object.keys(JSON.parse(readFileSync(join(folder, file), 'utf8')))
    expect(keys.length).toBeGreaterThan(50)
    expect(keys.every(key => key.startsWith(kind))).toBe(true)
  })
})
