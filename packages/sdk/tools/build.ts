import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Plugin, rolldown } from 'rolldown'

const SDK = fileURLToPath(new URL('..', import.meta.url))
/** The one set of texts: mails read `mail.…` of it, the element `signIn.…`. */
export const WORDS = fileURLToPath(new URL('../../server/src/words', import.meta.url))

/** What the server ships below `/element/`: one file for each, which loads the others when they are needed. */
const SERVED = { v1: 'element.ts', passkeys: 'passkeys.ts', watch: 'client/events.ts', account: 'account.ts' }

/**
 * `node packages/sdk/tools/build.ts`: what browsers load, in dist/: `element/v1.js` with Lit inside, one catalogue per
 * language beside it, and `browser.js` for pages without a bundler. The server ships `element/` as it is.
 */
export async function build(out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true })
  for (const [name, source] of Object.entries(SERVED))
    await bundle(join(SDK, 'src', source), join(out, `element/${name}.js`), [served, joined, noticed])
  await bundle(join(SDK, 'src/browser.ts'), join(out, 'browser.js'))
  mkdirSync(join(out, 'element/words'), { recursive: true })
  for (const file of readdirSync(WORDS).filter(name => name.endsWith('.json')))
    for (const [prefix, kind] of Object.entries(KINDS))
      writeFileSync(
        join(out, 'element/words', `${prefix}${file}`),
        JSON.stringify(textsOf(join(WORDS, file), kind)),
      )
}

/** In what is served, other files are loaded by their addresses. */
const served: Plugin = {
  name: 'served',
  resolveId: name => (name.endsWith('/chunks.ts') ? join(SDK, 'src/chunks-served.ts') : null),
}

/** The lines of a style sheet are for its readers; a browser loads them as one. */
const joined: Plugin = {
  name: 'joined',
  transform: code => code.replaceAll(/css`[^`]*`/g, sheet => sheet.replaceAll(/(?<=[{},;])\n/g, '')),
}

/** Each file of Lit begins with the same notice: one is enough. */
const LIT =
  /\n?\/\*\*\n\* @license\n\* Copyright \d+ Google LLC\n\* SPDX-License-Identifier: BSD-3-Clause\n\*\/\n/g
const noticed: Plugin = {
  name: 'noticed',
  generateBundle(_options, files) {
    for (const file of Object.values(files)) {
      if (file.type !== 'chunk' || !file.code.includes('@license')) continue
      file.code = `/*! With Lit: Copyright 2017-2021 Google LLC, BSD-3-Clause */\n${file.code.replaceAll(LIT, '')}`
    }
  },
}

async function bundle(input: string, file: string, plugins: Plugin[] = []): Promise<void> {
  // The catalogue says which file of Lit is for production.
  const built = await rolldown({
    input,
    platform: 'browser',
    resolve: { conditionNames: ['browser', 'import', 'default'] },
    plugins,
  })
  await built.write({
    file,
    format: 'esm',
    minify: true,
    codeSplitting: false,
    comments: { legal: true, annotation: false },
  })
  await built.close()
}

/** The texts of each element are a file of their own, by how its name begins. */
const KINDS = { '': 'signIn.', 'account.': 'account.' }

function textsOf(file: string, kind: string): Record<string, string> {
  const texts: Record<string, string> = JSON.parse(readFileSync(file, 'utf8'))
  return Object.fromEntries(Object.entries(texts).filter(([key]) => key.startsWith(kind)))
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string' } } })
  await build(resolve(values.out ?? join(SDK, 'dist')))
}
